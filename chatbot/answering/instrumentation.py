"""What comes of each question, seen at the one place all of them pass, and told to recorders."""

import logging
import time
from collections.abc import Generator, Sequence
from contextlib import closing
from dataclasses import asdict, dataclass
from typing import Any, Literal, Protocol

from chatbot.answering.engine import EXTRACTIVE
from chatbot.answering.models import Answer, Event, Restart, TextDelta
from chatbot.errors import (
    BudgetError,
    ChatbotError,
    ConfigurationError,
    MissingIndexError,
    ModelError,
    PromptError,
)
from chatbot.telemetry.request_context import SAID, Door, current_request
from chatbot.telemetry.tracing import stage

logger = logging.getLogger(__name__)
Failure = Literal["model", "budget", "index", "prompt", "configuration", "request", "internal"]
# Of an error's classes the first that fits; any other of ours is about what was asked.
_FAILURES: dict[type[Exception], Failure] = {
    BudgetError: "budget",
    ModelError: "model",
    MissingIndexError: "index",
    PromptError: "prompt",
    ConfigurationError: "configuration",
    ChatbotError: "request",
    Exception: "internal",
}


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a question: an answer, or none, where it was stopped or failed.

    An answer has a `failure` too where the model failed and the reports' own sentences stand in.
    `first_text` is how many seconds passed until there was something to read.
    """

    question: str
    door: Door
    answer: Answer | None = None
    failure: Failure | None = None
    first_text: float | None = None

    @property
    def stopped(self) -> bool:
        """Whether nobody waited for the answer."""
        return self.answer is None and self.failure is None


class Recorder(Protocol):
    """Who is told of each question, twice; it must not fail."""

    def began(self) -> None:
        """A question is being worked on."""
        ...

    def ended(self, outcome: Outcome) -> None:
        """What came of it."""
        ...


@dataclass(slots=True)
class _Seen:
    """What has been seen of one question."""

    began: float
    answer: Answer | None = None
    failure: Failure | None = None
    first_text: float | None = None

    def take(self, event: Event) -> None:
        match event:
            case TextDelta() if self.first_text is None:
                self.first_text = time.perf_counter() - self.began
            case Restart(cause="model" | "budget" as cause):
                self.failure = cause
            case Answer():
                self.answer = event


def instrumented(
    question: str, events: Generator[Event, None, None], recorders: Sequence[Recorder]
) -> Generator[Event, None, None]:
    """The events as they come, below one span; the recorders are told when and how they end."""
    visit = current_request()
    seen = _Seen(time.perf_counter())
    for recorder in recorders:
        recorder.began()
    try:
        with stage("question", {**asdict(visit), "question": question}) as learnt, closing(events):
            for event in events:
                seen.take(event)
                if seen.answer is not None:
                    learnt.update(said_of(seen.answer))
                yield event
    except Exception as error:
        seen.failure = next(kind for of, kind in _FAILURES.items() if isinstance(error, of))
        raise
    finally:
        outcome = Outcome(question, visit.door, seen.answer, seen.failure, seen.first_text)
        for recorder in recorders:
            recorder.ended(outcome)


def said_of(answer: Answer) -> dict[str, Any]:
    """What a log line or a trace says of an answer: counts and names of ours, no text of others."""
    return {
        "intent": answer.intent,
        "language": answer.language,
        "mode": answer.mode,
        "abstained": answer.abstain_reason,
        "sentences": len(answer.sentences),
        "unsupported": unsupported_in(answer),
        "citations": len(answer.citations),
        "llm_calls": answer.usage.llm_calls,
        "prompt_tokens": answer.usage.prompt_tokens,
        "completion_tokens": answer.usage.completion_tokens,
    }


def unsupported_in(answer: Answer) -> int:
    """How many sentences of an answer did not pass the check."""
    return sum(not sentence.supported for sentence in answer.sentences)


def is_extractive(answer: Answer) -> bool:
    """Whether an answer is of the reports' own sentences."""
    return answer.mode == EXTRACTIVE


@dataclass(frozen=True, slots=True)
class AnswerLog:
    """A line in the log for each question; its text only where `questions` are asked for."""

    questions: bool = False

    def began(self) -> None:
        """Nothing is said yet."""

    def ended(self, outcome: Outcome) -> None:
        """Say what came of a question."""
        answer = outcome.answer
        said: dict[str, Any] = {"door": outcome.door}
        if self.questions:
            said["question"] = outcome.question
        if outcome.failure:
            said["failure"] = outcome.failure
        if answer is None:
            event = "stopped" if outcome.stopped else "failed"
            logger.log(
                logging.INFO if outcome.stopped else logging.WARNING, event, extra={SAID: said}
            )
            return
        said |= said_of(answer)
        said["ms"] = {name: round(took, 1) for name, took in answer.timings_ms.items()}
        if outcome.first_text is not None:
            said["first_text_ms"] = round(outcome.first_text * 1000, 1)
        logger.info("answered", extra={SAID: said})
