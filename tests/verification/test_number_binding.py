"""A number must belong to what a claim says it does."""

import pytest

from chatbot.verification.grounds import number_of_something_else, places

SECTION = (
    "*   **GUI 自动化**：在 **OSWorld**（桌面）上成功率达 **56.5%**，**AndroidWorld**（移动端）达 "
    "**71.6%**，**WebArena**（Web）达 **48.4%**。\n"
    "*   **训练**：使用 16 张 A100，耗时 11 小时，包含 1188 个问题。"
)


def objection(claim: str, names: tuple[tuple[int, int], ...] = ()) -> str | None:
    return number_of_something_else(places(claim, names), places(SECTION), lambda _term: 1.0)


@pytest.mark.parametrize(
    "claim",
    [
        "OSWorld 上成功率 56.5%，AndroidWorld 71.6%，WebArena 48.4%。",
        "桌面端（OSWorld）的成功率是 56.5%。",
        "训练用了 16 张 A100。",
        "耗时 11 小时。",
    ],
)
def test_a_number_said_of_the_right_thing_is_its_own(claim: str) -> None:
    assert objection(claim) is None


@pytest.mark.parametrize(
    ("claim", "number"),
    [
        ("OSWorld 上成功率 48.4%。", "48.4%"),
        ("WebArena（Web）达 71.6%。", "71.6%"),
        ("使用 11 张 A100。", "11"),
        ("包含 16 个问题。", "16"),
    ],
)
def test_a_number_said_of_what_another_is_said_of_is_told(claim: str, number: str) -> None:
    assert objection(claim) == number


def test_a_number_inside_a_name_is_no_number_of_the_claim() -> None:
    claim = "OSWorld 71 上成功率达 56.5%。"
    assert [place.quantity.text for place in places(claim, [(0, 10)])] == ["56.5%"]
    assert objection(claim, ((0, 10),)) is None
