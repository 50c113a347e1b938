"""What comes of each question, seen at the one place all of them pass, and told to recorders."""

import logging
import time
from collections.abc import Generator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from typing import Any, Protocol

from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from chatbot.answering.models import Answer, Event, Restart, TextDelta
from chatbot.errors import ChatbotError
from chatbot.telemetry.logs import REQUEST, SAID, Door, in_one_context, traced
from chatbot.verification.claims import failed_in

logger = logging.getLogger(__name__)


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
    failure: str | None = None
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
    return in_one_context(_told(events, recorders, Outcome(question, REQUEST.get().door)))


def _told(
    events: Generator[Event, None, None], recorders: Sequence[Recorder], outcome: Outcome
) -> Generator[Event, None, None]:
    began, request = time.perf_counter(), REQUEST.get()
    # Of its own where no request says otherwise: gradio's tasks work on the requests of others.
    brought = TraceContextTextMapPropagator().extract({"traceparent": request.traceparent})
    told = {"request_id": request.request_id, "door": request.door, "question": outcome.question}
    try:
        with traced("question", context=brought, attributes=_named(told)) as span, closing(events):
            for recorder in recorders:
                recorder.began()
            for event in events:
                match event:
                    case TextDelta() if outcome.first_text is None:
                        outcome = replace(outcome, first_text=time.perf_counter() - began)
                    case Restart(cause="model" | "budget" as cause):
                        outcome = replace(outcome, failure=cause)
                    case Answer():
                        outcome = replace(outcome, answer=event)
                        span.set_attributes(_named(said_of(event)))
                yield event
    except Exception as error:
        kind = error.kind if isinstance(error, ChatbotError) else "internal"
        outcome = replace(outcome, failure=kind)
        raise
    finally:
        for recorder in recorders:
            recorder.ended(outcome)


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
        "unsupported": len(failed_in(answer.blocks)),
        "citations": len(answer.citations),
        "llm_calls": answer.usage.llm_calls,
        "prompt_tokens": answer.usage.prompt_tokens,
        "completion_tokens": answer.usage.completion_tokens,
    }


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
