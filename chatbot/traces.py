"""A trace of each question, where a collector is named."""

from collections.abc import Iterator
from contextlib import contextmanager

from chatbot.config import Settings


@contextmanager
def tracing(settings: Settings) -> Iterator[None]:
    """Send a trace of each question meanwhile, if the settings name a collector.

    OpenTelemetry's global provider stays as it is: Chroma, which knows it too, is not traced.
    """
    if settings.otlp_endpoint is None:
        yield
        return
    from llama_index_instrumentation import get_dispatcher

    from chatbot.exporting import open_provider
    from chatbot.spans import SpanHandler

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
