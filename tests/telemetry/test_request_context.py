"""Whose request is worked on, also where each step of an iterator has a context of its own."""

from collections.abc import Generator, Iterator
from contextvars import ContextVar, copy_context
from typing import Any

import pytest

from chatbot.telemetry.logs import REQUEST, RequestContext, in_one_context, serving_request

VISIT = RequestContext("id-1", "page")
_set_inside: ContextVar[int] = ContextVar("set_inside", default=0)


def apart(steps: Iterator[Any]) -> list[Any]:
    """All steps, each run in a fresh copy of the context, as gradio does."""
    found = []
    while (step := copy_context().run(next, steps, None)) is not None:
        found.append(step)
    return found


def counted(ended: list[str]) -> Generator[int, None, None]:
    try:
        for _ in range(3):
            _set_inside.set(_set_inside.get() + 1)
            yield _set_inside.get()
    finally:
        ended.append(REQUEST.get().request_id)


def test_what_a_step_sets_is_there_in_the_next() -> None:
    assert apart(in_one_context(counted([]))) == [1, 2, 3]
    assert _set_inside.get() == 0


def test_without_it_what_a_step_sets_is_lost() -> None:
    assert apart(counted([])) == [1, 1, 1]


def test_all_steps_and_the_end_work_on_the_request_given() -> None:
    ended: list[str] = []
    steps = in_one_context(counted(ended), VISIT)
    next(steps)
    assert REQUEST.get() == RequestContext()
    copy_context().run(steps.close)
    assert ended == ["id-1"]


def test_the_callers_request_goes_on() -> None:
    with serving_request(VISIT):
        steps = in_one_context(REQUEST.get() for _ in range(2))
    assert list(steps) == [VISIT, VISIT]


def test_an_error_comes_through() -> None:
    def failing() -> Iterator[int]:
        yield 1
        raise LookupError("no more")

    with pytest.raises(LookupError, match="no more"):
        list(in_one_context(failing()))
    assert list(in_one_context(iter([1, 2]))) == [1, 2]
