"""What comes of each question, seen at the one place all of them pass, and told to recorders."""

import logging
import sys
import time
from collections.abc import Generator, Mapping, Sequence
from contextvars import Context, copy_context
from dataclasses import dataclass, replace
from typing import Any, Literal, Protocol

from opentelemetry import trace
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from chatbot.answering.models import Answer, Event, Restart, TextDelta
from chatbot.errors import (
    BudgetError,
    ChatbotError,
    ConfigurationError,
    MissingIndexError,
    ModelError,
    PromptError,
)
from chatbot.telemetry.logs import NOBODYS, REQUEST, SAID, Door

logger = logging.getLogger(__name__)
_tracer = trace.get_tracer("chatbot")
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
    `first_text` is how many seconds passed until there was something to read; the question's text
    is None where it is not to be told.
    """

    question: str | None
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

    def ended(self, outcome: Outcome) -> None:
        """What came of it."""


def instrumented(
    events: Generator[Event, None, None], recorders: Sequence[Recorder], question: str | None
) -> Generator[Event, None, None]:
    """The events as they come, below one span; the recorders are told when and how they end.

    Span and recorders get the question's text where it may be told, else None. All steps run in one
    copy of the caller's context, wherever the next is asked for.
    """
    return _told(copy_context(), events, recorders, Outcome(question, REQUEST.get().door))


def _told(
    context: Context,
    events: Generator[Event, None, None],
    recorders: Sequence[Recorder],
    outcome: Outcome,
) -> Generator[Event, None, None]:
    run, began, request = context.run, time.perf_counter(), context.get(REQUEST, NOBODYS)
    # Of its own where no request says otherwise: gradio's tasks work on the requests of others.
    brought = TraceContextTextMapPropagator().extract({"traceparent": request.traceparent})
    told = {"request_id": request.request_id, "door": request.door, "question": outcome.question}
    scope = _tracer.start_as_current_span("question", brought, attributes=_named(told))
    span = run(scope.__enter__)
    for recorder in recorders:
        run(recorder.began)
    try:
        while (event := run(next, events, None)) is not None:
            outcome = _after(outcome, event, began)
            if isinstance(event, Answer):
                span.set_attributes(_named(said_of(event)))
            yield event
    except Exception as error:
        failure = next(kind for of, kind in _FAILURES.items() if isinstance(error, of))
        outcome = replace(outcome, failure=failure)
        raise
    finally:
        run(events.close)
        run(scope.__exit__, *sys.exc_info())
        for recorder in recorders:
            run(recorder.ended, outcome)


def _after(outcome: Outcome, event: Event, began: float) -> Outcome:
    match event:
        case TextDelta() if outcome.first_text is None:
            return replace(outcome, first_text=time.perf_counter() - began)
        case Restart(cause="model" | "budget" as cause):
            return replace(outcome, failure=cause)
        case Answer():
            return replace(outcome, answer=event)
    return outcome


def _named(said: Mapping[str, Any]) -> dict[str, Any]:
    """As a span's attributes; what there is none of is left out."""
    return {f"chatbot.{name}": value for name, value in said.items() if value not in {None, ""}}


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


class AnswerLog:
    """A line in the log for each question."""

    def began(self) -> None:
        """Nothing is said yet."""

    def ended(self, outcome: Outcome) -> None:
        """Say what came of a question."""
        answer = outcome.answer
        told = {"door": outcome.door, "question": outcome.question, "failure": outcome.failure}
        said: dict[str, Any] = {name: value for name, value in told.items() if value}
        if answer is None:
            level = logging.INFO if outcome.stopped else logging.WARNING
            logger.log(level, "stopped" if outcome.stopped else "failed", extra={SAID: said})
            return
        said |= said_of(answer)
        said["ms"] = {name: round(took, 1) for name, took in answer.timings_ms.items()}
        if outcome.first_text is not None:
            said["first_text_ms"] = round(outcome.first_text * 1000, 1)
        logger.info("answered", extra={SAID: said})
