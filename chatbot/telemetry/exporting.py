"""A trace of each question, sent to an OpenTelemetry collector where one is named."""

import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult

from chatbot.telemetry.logs import LogSettings

logger = logging.getLogger(__name__)
_SERVICE = "paper-chatbot"
# A collector that does not answer holds nothing up but the end of the server.
_SECONDS = 5


def open_provider(endpoint: str) -> TracerProvider:
    """A provider whose spans go to the collector at `endpoint`, in batches, by OTLP over HTTP.

    Headers, sampling and the size of batches are as OpenTelemetry's own variables say.
    """
    # What the SDK says of a collector that is down is a flood; `_Telling` says it once.
    logging.getLogger("opentelemetry").setLevel(logging.CRITICAL)
    resource = Resource.create({"service.name": _SERVICE})
    provider = TracerProvider(resource=resource, shutdown_on_exit=False)
    address = f"{endpoint.rstrip('/')}/v1/traces"
    exporter = _Telling(OTLPSpanExporter(endpoint=address, timeout=_SECONDS))
    provider.add_span_processor(BatchSpanProcessor(exporter))
    return provider


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


@contextmanager
def tracing(settings: LogSettings) -> Iterator[None]:
    """Send a trace of each question meanwhile, if the settings name a collector.

    OpenTelemetry's global provider stays as it is: Chroma, which knows it too, is not traced.
    """
    if settings.otlp_endpoint is None:
        yield
        return
    from llama_index_instrumentation import get_dispatcher

    from chatbot.telemetry.tracing import SpanHandler

    provider = open_provider(settings.otlp_endpoint)
    tracer = provider.get_tracer(__name__)
    handler = SpanHandler(tracer, questions=settings.log_questions == "on")
    handlers = get_dispatcher().span_handlers
    handlers.append(handler)
    try:
        yield
    finally:
        handlers[:] = [other for other in handlers if other is not handler]
        provider.shutdown()
