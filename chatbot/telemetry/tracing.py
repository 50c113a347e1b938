"""Traces sent to an OpenTelemetry collector, set up once, by `serve`.

Whoever takes a step of an answer opens a span by OpenTelemetry's own API, which does nothing in a
process that was set up for no traces. Not by `llama-index-observability-otel`: 0.7.0 keeps every
span for good, and writes prompts, and so questions, into them.
"""

import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from llama_index_instrumentation import get_dispatcher
from llama_index_instrumentation.span import BaseSpan
from llama_index_instrumentation.span_handlers import BaseSpanHandler
from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult
from opentelemetry.trace import NoOpTracer, Span, Status, StatusCode, Tracer, set_span_in_context

logger = logging.getLogger(__name__)
_OURS = "chatbot"
_SERVICE = "paper-chatbot"
# A collector that does not answer holds nothing up but the end of the server.
_SECONDS = 5


@contextmanager
def tracing(endpoint: str | None) -> Iterator[None]:
    """Send a trace of each question meanwhile to the collector at `endpoint`, if there is one.

    In batches, by OTLP over HTTP; headers, sampling and the size of batches are as OpenTelemetry's
    own variables say. Once in a process: its global provider cannot be set twice, and one that it
    was started with is kept.
    """
    if endpoint is None:
        yield
        return
    # What the SDK says of a collector that is down is a flood; `_Telling` says it once.
    logging.getLogger("opentelemetry").setLevel(logging.CRITICAL)
    resource = Resource.create({"service.name": _SERVICE})
    provider = _OursAlone(resource=resource, shutdown_on_exit=False)
    exporter = OTLPSpanExporter(endpoint=f"{endpoint.rstrip('/')}/v1/traces", timeout=_SECONDS)
    provider.add_span_processor(BatchSpanProcessor(_Telling(exporter)))
    trace.set_tracer_provider(provider)
    handlers, steps = get_dispatcher().span_handlers, _LlamaIndexSteps(provider.get_tracer(_OURS))
    handlers.append(steps)
    try:
        yield
    finally:
        handlers[:] = [handler for handler in handlers if handler is not steps]
        provider.shutdown()


class _Telling(SpanExporter):
    """An exporter that says in the log when it begins to fail, and when it no longer does."""

    def __init__(self, exporter: SpanExporter) -> None:
        self._exporter = exporter
        self._failing = False

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        result = self._exporter.export(spans)
        failed = result is not SpanExportResult.SUCCESS
        if failed and not self._failing:
            logger.warning("traces do not reach OTEL_EXPORTER_OTLP_ENDPOINT and are dropped")
        elif self._failing and not failed:
            logger.info("traces reach OTEL_EXPORTER_OTLP_ENDPOINT again")
        self._failing = failed
        return result

    def shutdown(self) -> None:
        self._exporter.shutdown()


class _OursAlone(TracerProvider):
    """A provider that records our own spans; FastAPI's would hold addresses, and so questions."""

    def get_tracer(self, instrumenting_module_name: str, *_: Any, **__: Any) -> Tracer:
        return super().get_tracer(_OURS) if instrumenting_module_name == _OURS else NoOpTracer()


class _Step(BaseSpan):
    traced: Span


class _LlamaIndexSteps(BaseSpanHandler[_Step]):
    """What LlamaIndex does for a question, below the span of ours it is done in.

    Nothing but names and times is told: arguments and results hold prompts.
    """

    def __init__(self, tracer: Tracer) -> None:
        super().__init__(open_spans={})
        self._tracer = tracer

    def new_span(
        self, id_: str, *_: Any, parent_span_id: str | None = None, **__: Any
    ) -> _Step | None:
        above = self.open_spans.get(parent_span_id or "")
        parent = above.traced if above else trace.get_current_span()
        # The id ends in a dash and a uuid of 36 characters.
        method = id_[:-37]
        if not parent.is_recording() or "._" in method:
            return None
        traced = self._tracer.start_span(method, set_span_in_context(parent))
        return _Step(id_=id_, parent_id=parent_span_id, traced=traced)

    def prepare_to_exit_span(self, id_: str, *_: Any, **__: Any) -> _Step | None:
        if step := self.open_spans.get(id_):
            step.traced.end()
        return step

    def prepare_to_drop_span(
        self, id_: str, *_: Any, err: BaseException | None = None, **__: Any
    ) -> _Step | None:
        if step := self.open_spans.get(id_):
            step.traced.set_status(Status(StatusCode.ERROR, type(err).__name__))
        return self.prepare_to_exit_span(id_)
