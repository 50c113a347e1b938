"""Turns of a conversation as gradio's messages, and an answer as it comes."""

import contextlib
import logging
import re
import time
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

import gradio as gr
from sqlalchemy import Engine

from chatbot.answering.models import Answer, Event, Restart, Step, TextDelta
from chatbot.answering.record import AnswerRecord, record_of
from chatbot.answering.suggestions import Suggestion
from chatbot.bot import Chatbot
from chatbot.errors import ChatbotError
from chatbot.store.conversations import Turn, end_turn, history_of
from chatbot.text.markdown import unwrapped
from chatbot.understanding.models import Language
from chatbot.understanding.wording import language_of
from chatbot.web.locales import ANSWERS
from chatbot.web.markdown import ComingText, plain_html, text_html
from chatbot.web.rendering import render_answer, steps_line

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
class PartialAnswer:
    """What has come of an answer so far, and as HTML; `pace` is how often it is shown."""

    steps: list[Step] = field(default_factory=list)
    text: str = ""
    html: ComingText = field(default_factory=ComingText)
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

    def shown(self) -> str:
        """The HTML of the text; that of blocks which were complete before is not made again."""
        self.html = self.html.after(self.text)
        return self.html.html


logger = logging.getLogger(__name__)
_MESSAGES_A_TURN = 3
_KEEP_SECONDS = 0.5
# All that could be Markdown or HTML, and the ends of lines.
_MARKUP = re.compile(r"[!-/:-@\[-`{-~\n]")
Messages = list[dict[str, Any]]


def turn_of(message: int | tuple[int, int]) -> int:
    """The turn that a message belongs to, given as gradio's events do: its place comes first."""
    return (message if isinstance(message, int) else message[0]) // _MESSAGES_A_TURN


def shown_turns(turns: Sequence[Turn]) -> Messages:
    """All messages of turns that have ended."""
    return [message for turn in turns for message in shown_turn(turn)]


def shown_turn(turn: Turn) -> Messages:
    """The messages of a turn that has ended: answered, stopped or failed."""
    if turn.answer is None:
        texts = ANSWERS[language_of(turn.question)]
        why = texts.failed.format(error=turn.error) if turn.error else texts.stopped
        shown = f'<div class="notice stopped">{plain_html(why)}</div>'
        text = f"{text_html(''.join(unwrapped([turn.partial])))}\n\n{shown}"
        return _messages(turn.question, texts.steps, "", text)
    record = turn.answer
    title, details = steps_line(record)
    text = render_answer(record, str(turn.position), turn.filters)
    took = record.timings_ms.get("total", 0) / 1000
    return _messages(turn.question, title, details, text, duration=round(took, 2))


def literal(text: str) -> str:
    """A reader's own text as it was typed; the page decodes it again for editing."""
    return _MARKUP.sub(lambda sign: f"&#{ord(sign[0])};", text)


def _messages(question: str, title: str, details: str, text: str, **metadata: Any) -> Messages:
    steps = {"title": title, "status": "done", **metadata}
    return [
        {"role": "user", "content": literal(question)},
        {"role": "assistant", "content": details, "metadata": steps},
        {"role": "assistant", "content": text},
    ]


def with_suggestions(messages: Messages, suggestions: Sequence[Suggestion]) -> Messages:
    """The messages, with questions to go on with below the last."""
    options = [{"value": s.question, "label": s.label} for s in suggestions]
    return [*messages[:-1], {**messages[-1], "options": options}] if options else messages


def answering(
    bot: Chatbot, database: Engine, earlier: Sequence[Turn], turn: Turn
) -> Generator[Messages, None, None]:
    """All messages of the conversation, again and again while the answer of its last turn comes.

    What comes is kept meanwhile, so that a turn which is stopped, or which nobody listens to any
    more, has it; an answer that cannot be kept is shown all the same.
    """
    before, language = shown_turns(earlier), language_of(turn.question)
    coming, keeping, error = PartialAnswer(), Pace(_KEEP_SECONDS), ""
    try:
        for event in bot.ask(turn.question, history_of(earlier), turn.filters):
            due = coming.take(event)
            if coming.text and coming.answer is None and keeping.is_due():
                # An error is told of at the end, if it lasts.
                with keeping.doing(), contextlib.suppress(ChatbotError):
                    end_turn(database, turn, None, partial=coming.text)
            if due:
                with coming.pace.doing():
                    yield [*before, *_unfinished(turn, coming, language)]
    except GeneratorExit:
        with contextlib.suppress(ChatbotError):
            end_turn(database, turn, None, partial=coming.text)
        raise
    except ChatbotError as failure:
        error = str(failure)
    except Exception:
        logger.exception("a question was not answered")
        error = "…"
    try:
        end_turn(database, turn, coming.answer, partial=coming.text, error=error)
    except ChatbotError as failure:
        gr.Warning(str(failure))
    ended = replace(turn, answer=coming.answer, partial=coming.text, error=error)
    yield [*before, *shown_turn(ended)]


def _unfinished(turn: Turn, coming: PartialAnswer, language: Language) -> Messages:
    """What has come, under its stages: the running one last, sections counted once they are."""
    texts, names = ANSWERS[language], dict[str, str]()
    for step in coming.steps:
        found = step.name == "retrieve" and step.milliseconds is not None
        names[step.name] = texts.found.format(n=step.detail) if found else getattr(texts, step.name)
    title = " → ".join(names.values())
    return _messages(turn.question, title, "", coming.shown() or "…", status="pending")
