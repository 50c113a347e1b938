"""Turns of a conversation as gradio's messages, and an answer as it comes.

A turn is three messages: the question, the steps taken, the answer. So message i belongs to turn
i // 3.
"""

import logging
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Engine

from chatbot.answer.models import Answer, Event, Restart, Step, TextDelta
from chatbot.answer.record import AnswerRecord, record_of
from chatbot.bot import Chatbot
from chatbot.database.conversations import Turn, end_turn, history_of
from chatbot.errors import ChatbotError
from chatbot.retrieval.models import Language
from chatbot.retrieval.wording import language_of
from chatbot.suggestions import Suggestion
from chatbot.ui.markdown import safe_markdown
from chatbot.ui.rendering import render_answer, steps_line
from chatbot.ui.wording.answers import TEXTS

logger = logging.getLogger(__name__)

MESSAGES_A_TURN = 3
_UPDATE_SECONDS = 0.1

Messages = list[dict[str, Any]]


def turn_of(message: int) -> int:
    """The turn that a message belongs to."""
    return message // MESSAGES_A_TURN


def shown_turns(turns: Sequence[Turn]) -> Messages:
    """All messages of turns that have ended."""
    return [message for turn in turns for message in shown_turn(turn)]


def shown_turn(turn: Turn) -> Messages:
    """The messages of a turn that has ended: answered, stopped or failed."""
    if turn.answer is None:
        texts = TEXTS[language_of(turn.question)]
        partial = safe_markdown(turn.partial)
        text = f'{partial}\n\n<div class="notice stopped">{texts.stopped}</div>'
        return _messages(turn.question, texts.steps, "", text)
    record = turn.answer
    title, details = steps_line(record)
    text = render_answer(record, str(turn.position), turn.filters)
    took = record.timings_ms.get("total", 0) / 1000
    return _messages(turn.question, title, details, text, duration=round(took, 2))


def _messages(question: str, title: str, details: str, text: str, **metadata: Any) -> Messages:
    steps = {"title": title, "status": "done", **metadata}
    return [
        {"role": "user", "content": safe_markdown(question)},
        {"role": "assistant", "content": details, "metadata": steps},
        {"role": "assistant", "content": text},
    ]


def with_suggestions(messages: Messages, suggestions: Sequence[Suggestion]) -> Messages:
    """The messages, with questions to go on with below the last."""
    options = [{"value": s.question, "label": s.label} for s in suggestions]
    return [*messages[:-1], {**messages[-1], "options": options}] if options else messages


@dataclass
class _Coming:
    """What has come of an answer so far."""

    steps: list[Step] = field(default_factory=list)
    text: str = ""
    answer: AnswerRecord | None = None

    def take(self, event: Event) -> None:
        match event:
            case Step():
                self.steps.append(event)
            case TextDelta():
                self.text += event.text
            case Restart():
                self.text = ""
            case Answer():
                self.answer = record_of(event)


def answering(
    bot: Chatbot, database: Engine, conversation: str, earlier: Sequence[Turn], turn: Turn
) -> Iterator[Messages]:
    """All messages of the conversation, again and again while the answer of its last turn comes.

    What has come is kept, finished or not, also when nobody listens any more.
    """
    before, language = shown_turns(earlier), language_of(turn.question)
    coming = _Coming()
    due = 0.0
    try:
        for event in bot.ask(turn.question, history_of(earlier), turn.filters):
            coming.take(event)
            if coming.answer is None and time.monotonic() >= due:
                due = time.monotonic() + _UPDATE_SECONDS
                yield [*before, *_unfinished(turn, coming, language)]
    except ChatbotError as error:
        yield [*before, *_failed(turn, str(error), language)]
        return
    except Exception:
        logger.exception("a question was not answered")
        yield [*before, *_failed(turn, "…", language)]
        return
    finally:
        end_turn(database, conversation, turn.position, coming.answer, coming.text)
    done = Turn(turn.position, turn.question, turn.filters, coming.answer)
    yield [*before, *shown_turn(done)]


def _unfinished(turn: Turn, coming: _Coming, language: Language) -> Messages:
    title = " → ".join(_step_names(coming.steps, language))
    text = safe_markdown(coming.text) or "…"
    return _messages(turn.question, title, "", text, status="pending")


def _step_names(steps: Sequence[Step], language: Language) -> list[str]:
    """The stages so far, the running one last; how many sections were found, once they are."""
    texts, shown = TEXTS[language], dict[str, str]()
    for step in steps:
        found = step.name == "retrieve" and step.milliseconds is not None
        shown[step.name] = texts.found.format(n=step.detail) if found else getattr(texts, step.name)
    return list(shown.values())


def _failed(turn: Turn, error: str, language: Language) -> Messages:
    texts = TEXTS[language]
    text = safe_markdown(texts.failed.format(error=error))
    return _messages(turn.question, texts.steps, "", f'<div class="notice">{text}</div>')
