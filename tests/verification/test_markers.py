"""Citation markers, cleaned while the text streams."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from chatbot.verification.attribution import (
    cited_numbers,
    clean_markers,
    escape_markers,
    without_markers,
)


def cleaned(text: str, sources: set[int], size: int = 10_000) -> tuple[str, list[int]]:
    removed: list[int] = []
    deltas = [text[i : i + size] for i in range(0, len(text), size)]
    return "".join(clean_markers(deltas, sources, removed)), removed


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        ("提升 400% [1]。", "提升 400%[1]。"),
        ("两处 [1, 3]。", "两处[1][3]。"),
        ("全角【2】。", "全角[2]。"),
        ("重复 [1][1]。", "重复[1][1]。"),
        ("中文逗号[1，2]", "中文逗号[1][2]"),
    ],
)
def test_markers_are_brought_into_one_form(written: str, shown: str) -> None:
    assert cleaned(written, {1, 2, 3}) == (shown, [])


def test_a_marker_that_points_nowhere_is_removed_and_recorded() -> None:
    assert cleaned("甲 [7]。乙 [1, 9]。", {1}) == ("甲。乙[1]。", [7, 9])


@pytest.mark.parametrize(
    "text",
    ["区间 [0, 1] 内", "见 [1](https://a.b)", "代码 `x[1]` 如此", r"转义 \[1\]", "年份 [2024]"],
)
def test_what_only_looks_like_a_marker_stays(text: str) -> None:
    assert cleaned(text, {2}) == (text, [])


@given(
    st.text(alphabet="甲a1239, ，[]【】(`\\ ", max_size=60),
    st.integers(min_value=1, max_value=7),
)
def test_however_the_text_is_cut_into_deltas_the_result_is_the_same(text: str, size: int) -> None:
    assert cleaned(text, {1, 2}, size) == cleaned(text, {1, 2})


@example("[[3]3]")
@example("[3[9]]")
@given(st.text(alphabet="甲a1239, [] ", max_size=60))
def test_only_numbers_of_sources_are_cited_afterwards(text: str) -> None:
    shown, _ = cleaned(text, {1, 2})
    numbers = {n for n in cited_numbers(shown) if n}
    assert numbers <= {1, 2}


def test_text_is_not_held_back_longer_than_a_marker_could_last() -> None:
    stream = clean_markers(iter(["提升 ", "400% [", "1] 且"]), {1}, [])
    assert list(stream) == ["提升", " 400%", "[1] 且"]


def test_an_escaped_look_alike_is_no_citation() -> None:
    escaped = escape_markers("取值 [1, 5]")
    assert escaped == r"取值 \[1, 5]"
    assert cited_numbers(escaped) == ()


def test_numbers_are_listed_once_in_order_of_appearance() -> None:
    assert cited_numbers("乙[3]甲[1][3]") == (3, 1)


def test_a_text_without_its_markers_reads_on() -> None:
    assert without_markers("提升[1][2]。") == "提升。"
