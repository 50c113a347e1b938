"""Whose request is being worked on, for logs and traces, and keeping that through an iterator.

gradio runs every step of an event's iterator in a fresh copy of its context, so what one step sets
is lost to the next. `in_one_context` runs all steps in one context instead. Not by structlog's
context variables: importing them takes a quarter of a second, and `chatbot ask` writes no log.
"""

from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from contextvars import ContextVar, copy_context
from dataclasses import dataclass
from typing import Any, Literal, TypeVar

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


_NOBODY = RequestContext()
_current: ContextVar[RequestContext] = ContextVar("visit", default=_NOBODY)


def current_request() -> RequestContext:
    """The request that is being worked on; an empty one where there is none."""
    return _current.get()


@contextmanager
def serving_request(visit: RequestContext) -> Iterator[None]:
    """Work on a request, within one context."""
    token = _current.set(visit)
    try:
        yield
    finally:
        _current.reset(token)


def in_one_context(
    steps: Iterator[_T], visit: RequestContext | None = None
) -> Generator[_T, None, None]:
    """An iterator each of whose steps, and its end, runs in one context: a copy of the caller's.

    With `visit` they work on that request.
    """
    context = copy_context()
    if visit is not None:
        context.run(_current.set, visit)
    return _steps_in(context.run, steps)


def _steps_in(run: Callable[..., Any], steps: Iterator[_T]) -> Generator[_T, None, None]:
    ended = object()
    try:
        while (step := run(next, steps, ended)) is not ended:
            yield step
    finally:
        if isinstance(steps, Generator):
            run(steps.close)
