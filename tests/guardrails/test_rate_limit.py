"""Limits: what is granted at once, when more is, and that a clock or a crowd does not undo them."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chatbot.guardrails.limits import Allowance, RateLimiter

ONE = {"a": Allowance(3, 10.0)}


class Clock:
    """A clock that a test moves."""

    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        return self.now


def test_a_burst_is_granted_at_once_then_one_in_every_so_many_seconds() -> None:
    clock = Clock()
    limiter = RateLimiter(clock)
    assert [limiter.take(ONE) for _ in range(4)] == [0.0, 0.0, 0.0, pytest.approx(10.0)]
    clock.now += 9.0
    assert limiter.take(ONE) == pytest.approx(1.0)
    clock.now += 1.0
    assert limiter.take(ONE) == 0.0
    assert limiter.take(ONE) == pytest.approx(10.0)


def test_where_one_key_has_none_left_nothing_is_taken_of_another() -> None:
    limiter = RateLimiter(Clock())
    narrow, wide = {"user": Allowance(1, 60.0)}, {"address": Allowance(2, 60.0)}
    assert limiter.take({**narrow, **wide}) == 0.0
    assert limiter.take({**narrow, **wide}) == pytest.approx(60.0)
    assert limiter.take(wide) == 0.0
    assert limiter.take(wide) > 0.0


def test_what_is_given_back_can_be_taken_again() -> None:
    limiter = RateLimiter(Clock())
    for _ in range(10):
        assert limiter.take(ONE) == 0.0
        limiter.give_back(ONE)


def test_it_remembers_so_many_keys_and_of_those_whoever_took_most() -> None:
    limiter = RateLimiter(Clock(), most_keys=100)
    for _ in range(3):
        limiter.take(ONE)
    for number in range(1_000):
        limiter.take({f"other {number}": Allowance(3, 10.0)})
        assert len(limiter) <= 100
    assert limiter.take(ONE) > 0.0


@given(st.lists(st.floats(0.0, 30.0), max_size=60))
@settings(deadline=None)
def test_however_they_come_no_more_are_granted_than_the_burst_and_one_for_each_interval(
    pauses: list[float],
) -> None:
    clock = Clock()
    limiter, granted = RateLimiter(clock), 0
    begun = clock.now
    for pause in pauses:
        clock.now += pause
        granted += limiter.take(ONE) == 0.0
        assert granted <= 3 + (clock.now - begun) / 10.0 + 1e-6
