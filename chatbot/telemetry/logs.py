"""Whose request is being worked on, kept through an iterator, and the log's lines, with its id.

gradio runs every step of an event's iterator in a fresh copy of its context, so what one step sets
is lost to the next. `in_one_context` runs all steps in one context instead.

Modules log with the standard library and know nothing of this. What an error says of itself may
quote a question, so it is left out with the question: whoever logs an error that is harmless and
worth reading writes it into the line itself. What other packages print on standard error becomes
records too: of a traceback the frames and the error's class.
"""

import io
import logging
import re
import sys
import threading
import traceback
from collections.abc import Callable, Generator, Iterator, MutableMapping
from contextlib import AbstractContextManager, contextmanager, redirect_stderr
from contextvars import ContextVar, copy_context
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal, TypeVar

from opentelemetry import trace
from opentelemetry.trace import Span, Status, StatusCode

# The extra of a log record that holds its further fields, each to be written by its name.
SAID = "said"
Door = Literal["page", "compare", "api", "mcp", "python"]
_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class RequestContext:
    """A request: its id, the door it came by, and the W3C trace context that it brought, if any."""

    request_id: str = ""
    door: Door = "python"
    traceparent: str = ""


NOBODYS = RequestContext()
# The request that is being worked on; nobody's where there is none.
REQUEST: ContextVar[RequestContext] = ContextVar("request", default=NOBODYS)


@contextmanager
def serving_request(visit: RequestContext) -> Iterator[None]:
    """Work on a request, within one context."""
    token = REQUEST.set(visit)
    try:
        yield
    finally:
        REQUEST.reset(token)


def in_one_context(
    steps: Iterator[_T], visit: RequestContext | None = None
) -> Generator[_T, None, None]:
    """An iterator each of whose steps, and its end, runs in one context: a copy of the caller's.

    With `visit` they work on that request.
    """
    context = copy_context()
    if visit is not None:
        context.run(REQUEST.set, visit)
    return _steps_in(context.run, steps)


def _steps_in(run: Callable[..., Any], steps: Iterator[_T]) -> Generator[_T, None, None]:
    ended = object()
    try:
        while (step := run(next, steps, ended)) is not ended:
            yield step
    finally:
        if isinstance(steps, Generator):
            run(steps.close)


_OURS = "chatbot"
_tracer = trace.get_tracer(_OURS)


@contextmanager
def traced(name: str, **about: Any) -> Iterator[Span]:
    """A span for what is done meanwhile; of an error it tells the class alone.

    Its text may quote a question. A span that was left before its end is marked as stopped.
    """
    untold: dict[str, Any] = {"record_exception": False, "set_status_on_exception": False}
    with _tracer.start_as_current_span(name, **about, **untold) as span:
        try:
            yield span
        except GeneratorExit:
            span.set_attribute("chatbot.stopped", value=True)
            raise
        except Exception as error:
            span.set_status(Status(StatusCode.ERROR, type(error).__name__))
            raise


_Line = MutableMapping[str, Any]


def configure_logging(form: str, *, questions: bool) -> None:
    """Write all records, each as a line of `form`: json or text.

    Our own from INFO on, of others what is amiss; what errors say only where texts of `questions`
    are told. To be called once, by a command; what other packages had set up is undone.
    """
    import structlog

    renderer: Any = structlog.dev.ConsoleRenderer(colors=False)
    if form == "json":
        renderer = structlog.processors.JSONRenderer(ensure_ascii=False, default=str)
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[
                structlog.stdlib.add_log_level,
                structlog.processors.TimeStamper(fmt="iso", utc=True),
                partial(_described, questions),
            ],
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderer],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.WARNING)
    logging.getLogger(_OURS).setLevel(logging.INFO)
    logging.captureWarnings(capture=True)


def _described(questions: bool, _: Any, __: str, line: _Line) -> _Line:
    """A line with its logger, its request and its own fields, and without what may not be told."""
    record: logging.LogRecord = line["_record"]
    line["logger"] = record.name
    if request_id := REQUEST.get().request_id:
        line["request_id"] = request_id
    line.update(getattr(record, SAID, {}))
    if not questions and record.name.partition(".")[0] != _OURS:
        # What follows may be of the error: asyncio, for one, prints the task it came from.
        line["event"] = str(line["event"]).partition("\n")[0]
    kind, error, _ = line.pop("exc_info", None) or (None, None, None)
    if error is not None:
        told = traceback.format_exception(error) if questions else _without_words(error)
        line["exception"] = "".join(told).rstrip()
        line["error"] = getattr(kind, "__name__", "")
    return line


def _without_words(error: BaseException) -> Iterator[str]:
    """A traceback, of each error its class alone; first what it came from."""
    earlier = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    if earlier is not None:
        yield from _without_words(earlier)
    yield from traceback.format_tb(error.__traceback__)
    yield f"{type(error).__name__}\n"


logger = logging.getLogger(__name__)
_BEGINS = "Traceback (most recent call last):"
_FRAME = re.compile(r'  File "[^"]+", line \d+, in \S+')
_ERROR = re.compile(r"[A-Za-z_][\w.]*")


def printed_to_log(*, questions: bool) -> AbstractContextManager[object]:
    """Write into the log what is printed on standard error meanwhile."""
    return redirect_stderr(_Printed(questions=questions))


class _Printed(io.TextIOBase):
    """A text stream that logs; each thread has lines and tracebacks of its own."""

    def __init__(self, *, questions: bool) -> None:
        self._questions = questions
        self._threads = threading.local()

    def writable(self) -> bool:
        return True

    def write(self, text: str) -> int:
        *lines, rest = (getattr(self._threads, "rest", "") + text).split("\n")
        self._threads.rest = rest
        for line in lines:
            if self._questions and line.strip():
                logger.warning("%s", line)
            elif not self._questions:
                self._take(line)
        return len(text)

    def _take(self, line: str) -> None:
        frames: list[str] | None = getattr(self._threads, "frames", None)
        if line.strip() == _BEGINS:
            self._threads.frames = []
        elif frames is None or not line:
            return
        elif frame := _FRAME.match(line):
            frames.append(frame[0].strip())
        elif not line.startswith(" ") and (error := _ERROR.match(line)):
            self._threads.frames = None
            said = {"frames": "\n".join(frames)}
            logger.warning("another package met an error: %s", error[0], extra={SAID: said})
