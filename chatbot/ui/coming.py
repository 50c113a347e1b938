"""An answer as it comes, and how often the page shows what there is of it."""

import time
from dataclasses import dataclass, field

from chatbot.answer.models import Answer, Event, Restart, Step, TextDelta
from chatbot.answer.record import AnswerRecord, record_of

_SECONDS = 0.1


@dataclass
class Coming:
    """What has come of an answer so far; `due` is when it is to be shown again."""

    steps: list[Step] = field(default_factory=list)
    text: str = ""
    answer: AnswerRecord | None = None
    due: float = 0.0

    def take(self, event: Event) -> bool:
        """Take an event in; whether what has come is to be shown now, before there is an answer."""
        match event:
            case Step():
                self.steps.append(event)
            case TextDelta():
                self.text += event.text
            case Restart():
                self.text = ""
            case Answer():
                self.answer = record_of(event)
        clock = time.monotonic()
        if self.answer or clock < self.due:
            return False
        self.due = clock + _SECONDS
        return True
