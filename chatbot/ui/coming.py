"""An answer as it comes, and how often the page shows and keeps what there is of it."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from chatbot.answer.models import Answer, Event, Restart, Step, TextDelta
from chatbot.answer.record import AnswerRecord, record_of

_SECONDS = 0.1
# What is done over and over takes at most a tenth of the time, but is done at least so often.
_REST, _LONGEST = 9, 2.0


class Pace:
    """When something that is done over and over is due again.

    Every `seconds`, where it takes little; the longer it takes, the longer it rests. So of many
    answers that come at once each is shown and kept less often, and none holds the others up.
    """

    def __init__(self, seconds: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._seconds, self._clock, self._due = seconds, clock, 0.0

    def is_due(self) -> bool:
        """Whether it is to be done now."""
        return self._clock() >= self._due

    @contextmanager
    def doing(self) -> Iterator[None]:
        """Do it here: a showing lasts until the page asks for the next."""
        begun = self._clock()
        try:
            yield
        finally:
            took = self._clock() - begun
            self._due = begun + took + min(max(self._seconds - took, _REST * took), _LONGEST)


@dataclass
class Coming:
    """What has come of an answer so far; `pace` is how often it is shown."""

    steps: list[Step] = field(default_factory=list)
    text: str = ""
    answer: AnswerRecord | None = None
    pace: Pace = field(default_factory=lambda: Pace(_SECONDS))

    def take(self, event: Event) -> bool:
        """Take an event in; whether what has come is to be shown now, before there is an answer.

        The first text is, and each stage as it begins: nothing may follow for as long as a model
        thinks.
        """
        now = False
        match event:
            case Step():
                now = event.milliseconds is None
                self.steps.append(event)
            case TextDelta():
                now = not self.text
                self.text += event.text
            case Restart():
                self.text = ""
            case Answer():
                self.answer = record_of(event)
        return self.answer is None and (now or self.pace.is_due())
