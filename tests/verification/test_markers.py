"""Citation markers, cleaned while the text streams."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from chatbot.answering.writing import Kept
from chatbot.verification.claims import (
    claims_of,
    clean_markers,
    escape_markers,
    read_blocks,
    without_markers,
)


def cleaned(text: str, sources: set[int], size: int = 10_000) -> tuple[str, tuple[int, ...]]:
    pieces = Kept(clean_markers([text[i : i + size] for i in range(0, len(text), size)], sources))
    return "".join(pieces), pieces.returned


def cited_numbers(text: str) -> set[int]:
    return {n for claim in claims_of(read_blocks(text)) for n in claim.citations}


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        ("提升 400% [1]。", "提升 400%[1]。"),
        ("两处 [1, 3]。", "两处[1][3]。"),
        ("全角【2】。", "全角[2]。"),
        ("重复 [1][1]。", "重复[1][1]。"),
        ("中文逗号[1，2]", "中文逗号[1][2]"),
        ("- [1] 甲\n  2. 【2】乙", "- [1] 甲\n  2. [2]乙"),
    ],
)
def test_markers_are_brought_into_one_form(written: str, shown: str) -> None:
    assert cleaned(written, {1, 2, 3}) == (shown, ())


def test_a_marker_that_points_nowhere_is_removed_and_recorded() -> None:
    assert cleaned("甲 [7]。乙 [1, 9]。", {1}) == ("甲。乙[1]。", (7, 9))


@pytest.mark.parametrize(
    "text",
    [
        *(
            "区间 [0, 1] 内",
            "见 [1](https://a.b)",
            "代码 `x[1]` 如此",
            r"转义 \[1\]",
            "年份 [2024]",
        ),
        *("式 $W[1, 2]$ 中", "式$a_{[2]}$中", r"式 \(x[1]\) 中", "```py\nx[1] = y [2]\n```\n甲"),
    ],
)
@pytest.mark.parametrize("size", [1, 4, 10_000])
def test_what_only_looks_like_a_marker_stays(text: str, size: int) -> None:
    assert cleaned(text, {2}, size) == (text, ())
    assert cited_numbers(text) == set()


def test_a_price_is_no_formula() -> None:
    assert cleaned("花费 $5 [1] 或 $6[2, 7]。", {1, 2}) == ("花费 $5[1] 或 $6[2]。", (7,))


@given(
    st.text(alphabet="甲a1239, ，[]【】(`\\ -$\n", max_size=60),
    st.integers(min_value=1, max_value=7),
)
def test_however_the_text_is_cut_into_deltas_the_result_is_the_same(text: str, size: int) -> None:
    assert cleaned(text, {1, 2}, size) == cleaned(text, {1, 2})


@example("[[3]3]")
@example("[3[9]]")
@given(st.text(alphabet="甲a1239, [] ", max_size=60))
def test_only_numbers_of_sources_are_cited_afterwards(text: str) -> None:
    shown, _ = cleaned(text, {1, 2})
    assert cited_numbers(shown) - {0} <= {1, 2}


def test_text_is_not_held_back_longer_than_a_marker_could_last() -> None:
    stream = clean_markers(iter(["提升 ", "400% [", "1] 且"]), {1})
    assert list(stream) == ["提升", " 400%", "[1] 且"]


def test_an_escaped_look_alike_is_no_citation() -> None:
    escaped = escape_markers("取值 [1, 5]")
    assert escaped == r"取值 \[1, 5]"
    assert cited_numbers(escaped) == set()


def test_numbers_are_listed_once_in_order_of_appearance() -> None:
    (claim,) = claims_of(read_blocks("乙[3]甲[1][3]"))
    assert claim.citations == (3, 1)


def test_a_text_without_its_markers_reads_on() -> None:
    assert without_markers("提升[1][2]。") == "提升。"
