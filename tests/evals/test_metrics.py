"""Retrieval metrics: what they give, and that nothing found is never a good score."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evals.items import Item
from evals.metrics import f1, ndcg_at, paper_recall_at, recall_at, reciprocal_rank

A, B, C = "2603.00001/results", "2603.00001/usage", "2603.00002/results"


def item(*sections: str, any_section: bool = False, alt: tuple[str, ...] = ()) -> Item:
    papers = tuple(dict.fromkeys(name.partition("/")[0] for name in sections))
    return Item(
        id="1",
        type="fact",
        lang="zh",
        question="?",
        papers=papers,
        sections=sections,
        any_section=any_section,
        alt_sections=alt,
    )


@pytest.mark.parametrize(
    ("needed", "ranked", "expected"),
    [
        (item(A), [A], 1.0),
        (item(A), [B, A], 0.0),
        (item(A, C), [A], 0.5),
        (item(A, C, any_section=True), [C], 1.0),
        (item(A, alt=(B,)), [B], 1.0),
        (item(A, alt=(C,)), [C], 0.0),
        (item(A), [], 0.0),
    ],
)
def test_recall_is_the_share_of_needed_sections_in_reach(
    needed: Item, ranked: list[str], expected: float
) -> None:
    assert recall_at(1, needed, ranked) == expected


def test_paper_recall_forgives_the_wrong_section() -> None:
    assert paper_recall_at(5, item(A, C), [B]) == 0.5


def test_reciprocal_rank_is_of_the_first_needed_section() -> None:
    assert reciprocal_rank(item(A), [C, B, A]) == pytest.approx(1 / 3)
    assert reciprocal_rank(item(A), [C]) == 0.0


def test_ndcg_discounts_what_comes_late() -> None:
    assert ndcg_at(10, item(A), [A]) == 1.0
    assert ndcg_at(10, item(A), [C, A]) == pytest.approx(1 / math.log2(3))
    assert ndcg_at(10, item(A, C), [A]) < 1.0
    assert ndcg_at(10, item(A), []) == 0.0


def test_f1_of_nothing_wanted_and_nothing_found_is_one() -> None:
    assert f1([], []) == 1.0
    assert f1([], ["a"]) == f1(["a"], []) == 0.0
    assert f1(["a", "b"], ["a"]) == pytest.approx(2 / 3)


@given(st.lists(st.sampled_from([A, B, C]), unique=True), st.integers(1, 5))
def test_every_metric_is_a_share(ranked: list[str], k: int) -> None:
    needed = item(A, C)
    for value in (
        recall_at(k, needed, ranked),
        paper_recall_at(k, needed, ranked),
        ndcg_at(k, needed, ranked),
        reciprocal_rank(needed, ranked),
        f1(ranked, needed.sections),
    ):
        assert 0.0 <= value <= 1.0
