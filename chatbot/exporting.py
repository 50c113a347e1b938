"""Sending spans to an OpenTelemetry collector; imported only where one is named."""

import logging
from collections.abc import Sequence

from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult

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
