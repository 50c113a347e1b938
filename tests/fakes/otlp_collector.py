"""A fake OpenTelemetry collector: real HTTP on loopback that keeps the spans it is sent."""

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

_PATIENCE = 15.0


@dataclass(frozen=True, slots=True)
class SentSpan:
    """A span as it arrived; ids are hexadecimal, `failed` is its status's message."""

    name: str
    id: str
    parent: str
    trace: str
    attributes: Mapping[str, Any]
    milliseconds: float
    failed: str | None


class FakeCollector:
    """Keeps spans, and every byte it was sent, while it is entered; while `down` it takes none."""

    def __init__(self) -> None:
        self.spans: list[SentSpan] = []
        self.sent = b""
        self.refused = 0
        self.service = ""
        self.down = False
        self._came = threading.Condition()
        collector = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                assert self.path == "/v1/traces"
                self.send_response(400 if collector.down else 200)
                collector._take(body)
                self.send_header("content-length", "0")
                self.end_headers()

            def log_message(self, *_: Any) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    def traces(self, number: int = 1) -> list[dict[str, list[SentSpan]]]:
        """The spans of each question by name, once so many questions have come."""
        self.wait_for(lambda: len(self._questions()) >= number)
        return [self._by_name(question.trace) for question in self._questions()]

    def trace_of(self, request_id: str) -> dict[str, list[SentSpan]]:
        """The spans of a request's question by name, once it has come: the last of them."""

        def its() -> list[SentSpan]:
            return [
                span
                for span in self._questions()
                if span.attributes.get("chatbot.request_id") == request_id
            ]

        self.wait_for(lambda: bool(its()))
        (question,) = its()
        return self._by_name(question.trace)

    def wait_for(self, told: Callable[[], bool]) -> None:
        """Wait until what has come tells this."""
        with self._came:
            assert self._came.wait_for(told, _PATIENCE), "the collector was not sent it"

    def _questions(self) -> list[SentSpan]:
        return [span for span in list(self.spans) if span.name == "question"]

    def _by_name(self, trace: str) -> dict[str, list[SentSpan]]:
        found: dict[str, list[SentSpan]] = {}
        for span in list(self.spans):
            if span.trace == trace:
                found.setdefault(span.name, []).append(span)
        return found

    def _take(self, body: bytes) -> None:
        with self._came:
            self.sent += body
            if self.down:
                self.refused += 1
            else:
                self._keep(ExportTraceServiceRequest.FromString(body))
            self._came.notify_all()

    def _keep(self, request: ExportTraceServiceRequest) -> None:
        for group in request.resource_spans:
            for attribute in group.resource.attributes:
                if attribute.key == "service.name":
                    self.service = attribute.value.string_value
            for scope in group.scope_spans:
                self.spans.extend(map(_span, scope.spans))


def _span(span: Any) -> SentSpan:
    values = {a.key: getattr(a.value, a.value.WhichOneof("value")) for a in span.attributes}
    return SentSpan(
        span.name,
        span.span_id.hex(),
        span.parent_span_id.hex(),
        span.trace_id.hex(),
        values,
        (span.end_time_unix_nano - span.start_time_unix_nano) / 1e6,
        span.status.message if span.status.code == 2 else None,
    )
