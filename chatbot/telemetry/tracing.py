"""The stages of an answer as spans of LlamaIndex's instrumentation, and those as OpenTelemetry's.

Not by `llama-index-observability-otel`: 0.7.0 keeps every span for good, and writes prompts, and so
questions, into them.
"""

import inspect
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from inspect import BoundArguments
from typing import Any
from uuid import uuid4

from llama_index_instrumentation.span import BaseSpan
from llama_index_instrumentation.span_handlers import BaseSpanHandler
from opentelemetry.trace import Span, Status, StatusCode, Tracer, set_span_in_context
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator
from pydantic import PrivateAttr

# How a listener knows our spans from LlamaIndex's: by this tag, with the stage's name.
STAGE = "chatbot.stage"
_NO_ARGUMENTS = inspect.Signature().bind()


@contextmanager
def stage(name: str, tags: Mapping[str, Any] | None = None) -> Iterator[dict[str, Any]]:
    """Have what is done within be a span, below the one it is done in.

    `tags` are known from the beginning; what is learnt on the way goes into the dictionary given.
    """
    # Late, for llm.py is imported by commands that need nothing of LlamaIndex.
    from llama_index_instrumentation import get_dispatcher
    from llama_index_instrumentation.span import active_span_id

    dispatcher, span = get_dispatcher(), f"{name}-{uuid4()}"
    learnt: dict[str, Any] = {}
    given: dict[str, Any] = {"id_": span, "bound_args": _NO_ARGUMENTS}
    above = active_span_id.get()
    token = active_span_id.set(span)
    dispatcher.span_enter(**given, parent_id=above, tags={**(tags or {}), STAGE: name})
    try:
        yield learnt
    except BaseException as error:
        dispatcher.span_drop(**given, result=learnt, err=error)
        raise
    else:
        dispatcher.span_exit(**given, result=learnt)
    finally:
        # A generator that nobody ends may be closed from anywhere; there is nothing to set back.
        with suppress(ValueError):
            active_span_id.reset(token)


_ROOT = "question"


class OpenSpan(BaseSpan):
    """A span that has not ended. Of LlamaIndex's own nothing but name and times is told."""

    traced: Span
    ours: bool


class SpanHandler(BaseSpanHandler[OpenSpan]):
    """Begins and ends a span with `tracer` for each of LlamaIndex's that is part of a question.

    A question's text is told only where `questions` are asked for.
    """

    _tracer: Tracer = PrivateAttr()
    _questions: bool = PrivateAttr()

    def __init__(self, tracer: Tracer, *, questions: bool = False) -> None:
        super().__init__(open_spans={})
        self._tracer, self._questions = tracer, questions

    def new_span(
        self,
        id_: str,
        bound_args: BoundArguments,  # noqa: ARG002 - holds prompts
        instance: Any = None,  # noqa: ARG002
        parent_span_id: str | None = None,
        tags: dict[str, Any] | None = None,
        **_: Any,
    ) -> OpenSpan | None:
        """Begin a span below its parent; None where it is part of no question, or too small."""
        tags = tags or {}
        name = tags.get(STAGE)
        above = self.open_spans.get(parent_span_id or "")
        # The id ends in a dash and a uuid of 36 characters.
        method = id_[:-37]
        if name != _ROOT and (above is None or "._" in method):
            return None
        if above is not None:
            context = set_span_in_context(above.traced)
        else:
            # Begun by whoever asked, where the request said so.
            carrier = {"traceparent": tags.get("traceparent", "")}
            context = TraceContextTextMapPropagator().extract(carrier)
        told = self._told(tags) if name == _ROOT else {}
        traced = self._tracer.start_span(name or method, context, attributes=told)
        return OpenSpan(id_=id_, parent_id=parent_span_id, traced=traced, ours=name is not None)

    def prepare_to_exit_span(
        self,
        id_: str,
        bound_args: BoundArguments,  # noqa: ARG002
        instance: Any = None,  # noqa: ARG002
        result: Any = None,
        **_: Any,
    ) -> OpenSpan | None:
        """End a span with what was learnt."""
        return self._ended(id_, result)

    def prepare_to_drop_span(
        self,
        id_: str,
        bound_args: BoundArguments,  # noqa: ARG002
        instance: Any = None,  # noqa: ARG002
        err: BaseException | None = None,
        result: Any = None,
        **_: Any,
    ) -> OpenSpan | None:
        """End a span that was stopped or failed; of the error its class, for its text may quote."""
        span = self.open_spans.get(id_)
        if span is not None and isinstance(err, GeneratorExit):
            span.traced.set_attribute("chatbot.stopped", value=True)
        elif span is not None:
            span.traced.set_status(Status(StatusCode.ERROR, type(err).__name__))
        return self._ended(id_, result)

    def _told(self, tags: Mapping[str, Any]) -> dict[str, Any]:
        told = {name: tags[name] for name in ("request_id", "door") if tags.get(name)}
        if self._questions:
            told["question"] = tags["question"]
        return {f"chatbot.{name}": value for name, value in told.items()}

    def _ended(self, id_: str, learnt: Any) -> OpenSpan | None:
        span = self.open_spans.get(id_)
        if span is None:
            return None
        if span.ours:
            for name, value in (learnt or {}).items():
                if value is not None:
                    span.traced.set_attribute(f"chatbot.{name}", value)
        span.traced.end()
        return span
