"""How often what comes of an answer is shown: seldom, where showing it takes long."""

import pytest

from chatbot.answering.models import Restart, Step, TextDelta
from chatbot.store.conversations import Turn
from chatbot.web.chat.asking import Pace, PartialAnswer, shown_turn
from chatbot.web.markdown import text_html


class Clock:
    """A clock that a test sets."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def rest_after(took: float) -> float:
    """The seconds after something that took so long, until it is due again."""
    clock = Clock()
    pace = Pace(0.1, clock)
    with pace.doing():
        clock.now += took
    ended, step = clock.now, 0.001
    while not pace.is_due():
        clock.now += step
    return clock.now - ended


@pytest.mark.parametrize(
    ("took", "rest"), [(0.0, 0.1), (0.004, 0.096), (0.05, 0.45), (0.2, 1.8), (3.0, 2.0)]
)
def test_what_takes_long_is_done_less_often_but_every_two_seconds(took: float, rest: float) -> None:
    assert rest_after(took) == pytest.approx(rest, abs=0.002)


def test_a_showing_that_is_broken_off_is_over() -> None:
    pace = Pace(0.1, Clock())
    with pytest.raises(GeneratorExit), pace.doing():
        raise GeneratorExit
    assert not pace.is_due()


def test_the_first_text_is_shown_at_once_however_long_the_steps_took_to_show() -> None:
    clock = Clock()
    coming = PartialAnswer(pace=Pace(0.1, clock))
    assert coming.take(Step("retrieve"))
    with coming.pace.doing():
        clock.now += 1.0
    assert not coming.take(Step("retrieve", 3.0, "8"))
    assert coming.take(TextDelta("首"))
    with coming.pace.doing():
        clock.now += 0.01
    assert not coming.take(TextDelta("字"))
    clock.now += 0.1
    assert coming.take(TextDelta("。"))


def test_each_stage_is_shown_as_it_begins_for_a_model_may_be_silent_in_it() -> None:
    clock = Clock()
    coming = PartialAnswer(pace=Pace(0.1, clock))
    for stage in ("retrieve", "outline", "synthesize"):
        assert coming.take(Step(stage))
        with coming.pace.doing():
            clock.now += 0.01
        assert not coming.take(Step(stage, 2.0))


def test_what_comes_is_shown_as_it_will_be_when_it_is_whole() -> None:
    coming, text = PartialAnswer(), "# 一\n\n- 二 $x$\n\n| 三 |\n|---|\n| `四` |\n\n**五。**"
    for sign in text:
        coming.take(TextDelta(sign))
        shown = coming.shown()
    assert shown == text_html(text)


def test_what_is_written_anew_is_shown_alone() -> None:
    coming = PartialAnswer()
    for event in (TextDelta("甲\n\n乙\n\n"), Restart(""), TextDelta("丙")):
        coming.take(event)
        shown = coming.shown()
    assert shown == "<p>丙</p>"


def test_what_was_kept_of_a_stopped_answer_is_shown_without_a_fence_around_it() -> None:
    stopped = Turn(0, "甲？", partial="```markdown\n- 乙\n- 丙")
    text = shown_turn(stopped)[-1]["content"]
    assert text.startswith(text_html("- 乙\n- 丙"))
