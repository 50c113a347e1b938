"""Intervals, folds and calibration."""

import pytest

from evals.items import Item
from evals.statistics import (
    Estimate,
    bootstrap,
    calibration_error,
    grouped_folds,
    paired,
    wilson,
    worst_share,
)


def item(name: str, *papers: str) -> Item:
    return Item(id=name, type="fact", lang="zh", question="?", papers=papers)


def test_the_interval_holds_the_mean_and_narrows_with_more_values() -> None:
    few, many = bootstrap([0, 1] * 5), bootstrap([0, 1] * 500)
    assert few.low < few.mean == 0.5 < few.high
    assert many.high - many.low < few.high - few.low
    assert (few.n, many.n) == (10, 1000)


def test_the_same_values_give_the_same_interval() -> None:
    assert bootstrap([0, 1, 1]) == bootstrap([0, 1, 1])


def test_values_of_one_group_count_as_one_witness() -> None:
    values = [0.0] * 10 + [1.0] * 10
    alone, grouped = bootstrap(values), bootstrap(values, ["a"] * 10 + ["b"] * 10)
    assert grouped.high - grouped.low > alone.high - alone.low


def test_no_values_are_no_figure() -> None:
    assert (bootstrap([]).mean, bootstrap([]).n) == (0.0, 0)


def test_questions_that_share_a_paper_share_a_fold() -> None:
    items = [
        item("1", "a"), item("2", "a", "b"), item("3", "b"), item("4", "c"), item("5", "d"),
        item("6"),
    ]  # fmt: skip
    folds = grouped_folds(items, 3)
    assert folds[0] == folds[1] == folds[2]
    assert set(folds) == {0, 1, 2}


def test_the_folds_are_of_like_size() -> None:
    folds = grouped_folds([item(str(i), f"p{i}") for i in range(50)], 5)
    assert [folds.count(k) for k in range(5)] == [10] * 5


@pytest.mark.parametrize(
    ("said", "was", "error"),
    [
        ([1.0, 1.0, 0.0, 0.0], [1, 1, 0, 0], 0.0),
        ([1.0, 1.0], [0, 0], 1.0),
        ([0.5] * 4, [1, 0, 1, 0], 0.0),
        ([], [], 0.0),
    ],
)
def test_calibration_error_is_the_gap_between_said_and_was(
    said: list[float], was: list[float], error: float
) -> None:
    assert calibration_error(said, was, bins=1) == pytest.approx(error)


def test_wilsons_interval_is_the_one_computed_by_hand() -> None:
    found = wilson([1.0] * 8 + [0.0] * 2)
    assert found.mean == pytest.approx(0.8)
    assert (round(found.low, 3), round(found.high, 3)) == (0.490, 0.943)


def test_wilson_never_leaves_0_to_1_and_of_nothing_is_nothing() -> None:
    assert wilson([1.0] * 5).high == 1.0
    assert 0 < wilson([1.0] * 5).low < 1
    assert wilson([]) == Estimate(0.0, 0.0, 0.0, 0)


def test_a_paired_difference_is_of_the_cases_that_both_have() -> None:
    found = paired({"a": 1.0, "b": 0.5, "new": 0.0}, {"a": 0.0, "b": 0.5, "gone": 1.0}, {})
    assert (found.mean, found.n) == (0.5, 2)


def test_a_paired_difference_the_other_way_round_is_its_negative() -> None:
    before = {str(n): n % 3 / 2 for n in range(30)}
    after = {str(n): n % 4 / 3 for n in range(30)}
    there, back = paired(after, before, {}), paired(before, after, {})
    assert there.mean == pytest.approx(-back.mean)
    assert there.low == pytest.approx(-back.high)


def test_the_worst_are_the_lowest_twentieth_but_at_least_one() -> None:
    assert worst_share([0.0, *[1.0] * 9]) == 0.0
    assert worst_share([0.0, 0.5, *[1.0] * 38]) == 0.25
    assert worst_share([]) == 0.0
