"""Intervals, folds and calibration."""

import pytest

from evals.items import Item
from evals.statistics import bootstrap, calibration_error, grouped_folds


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
