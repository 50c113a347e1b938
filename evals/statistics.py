"""What a figure of a few dozen questions is worth: bootstrap, grouped folds, calibration error."""

import math
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from evals.items import Item

Floats = NDArray[np.float64]
_Z = 1.959964  # 95 %, two-sided


@dataclass(frozen=True, slots=True)
class Estimate:
    """A mean of `n` values with its 95 % interval."""

    mean: float
    low: float
    high: float
    n: int

    def __str__(self) -> str:
        return f"{self.mean:.2f} [{self.low:.2f}, {self.high:.2f}]"


def bootstrap(
    values: Sequence[float],
    groups: Sequence[str] | None = None,
    *,
    draws: int = 2000,
    seed: int = 0,
) -> Estimate:
    """The mean and its percentile interval (Efron & Tibshirani 1993).

    Values of one group (questions on one paper) are drawn together, since they err together.
    """
    names = list(groups) if groups is not None else [str(i) for i in range(len(values))]
    if not values:
        return Estimate(0.0, 0.0, 0.0, 0)
    sums: dict[str, list[float]] = {}
    for name, value in zip(names, values, strict=True):
        sums.setdefault(name, []).append(value)
    totals = np.array([sum(group) for group in sums.values()])
    counts = np.array([len(group) for group in sums.values()])
    drawn = np.random.default_rng(seed).integers(len(totals), size=(draws, len(totals)))
    means = totals[drawn].sum(axis=1) / counts[drawn].sum(axis=1)
    low, high = np.percentile(means, [2.5, 97.5])
    return Estimate(float(np.mean(values)), float(low), float(high), len(values))


def wilson(values: Sequence[float]) -> Estimate:
    """The share of ones among zeros and ones, with Wilson's interval (1927)."""
    n = len(values)
    if not n:
        return Estimate(0.0, 0.0, 0.0, 0)
    share = float(np.mean(values))
    centre = (share + _Z**2 / (2 * n)) / (1 + _Z**2 / n)
    half = _Z / (1 + _Z**2 / n) * math.sqrt(share * (1 - share) / n + _Z**2 / (4 * n * n))
    return Estimate(share, max(0.0, centre - half), min(1.0, centre + half), n)


def paired(
    values: Mapping[str, float], baseline: Mapping[str, float], groups: Mapping[str, str]
) -> Estimate:
    """By how much values differ from the baseline's, over the cases that both have.

    The interval is a bootstrap's over groups: a case is compared with itself alone.
    """
    both = [name for name in values if name in baseline]
    return bootstrap([values[n] - baseline[n] for n in both], [groups.get(n, n) for n in both])


def worst_share(values: Sequence[float], share: float = 0.05) -> float:
    """The mean of the worst (lowest) values, a share of them but at least one (2601.21235)."""
    count = max(1, math.ceil(share * len(values)))
    return float(np.mean(sorted(values)[:count])) if values else 0.0


def grouped_folds(items: Sequence[Item], k: int = 5, *, seed: int = 0) -> list[int]:
    """A fold for each item, questions that share a paper in the same.

    Papers joined by a comparison or a list join their groups.
    """
    group_of: dict[str, str] = {}
    for item in items:
        papers = item.papers or (item.id,)
        joined = {_root(group_of, paper) for paper in papers}
        first = min(joined)
        for root in joined:
            group_of[root] = first
    roots = [_root(group_of, (item.papers or (item.id,))[0]) for item in items]
    order = sorted(set(roots))
    random.Random(seed).shuffle(order)  # noqa: S311 - a split to measure with, not a secret
    sizes = [0] * k
    fold_of: dict[str, int] = {}
    for root in sorted(order, key=lambda root: -roots.count(root)):
        fold_of[root] = sizes.index(min(sizes))
        sizes[fold_of[root]] += roots.count(root)
    return [fold_of[root] for root in roots]


def _root(group_of: Mapping[str, str], name: str) -> str:
    while group_of.get(name, name) != name:
        name = group_of[name]
    return name


def calibration_error(
    probabilities: Sequence[float], outcomes: Sequence[float], bins: int = 5
) -> float:
    """Expected calibration error over bins of equal count (Naeini et al. 2015)."""
    if not len(probabilities):
        return 0.0
    order = np.argsort(probabilities, kind="stable")
    said, was = np.array(probabilities)[order], np.array(outcomes)[order]
    parts = np.array_split(np.arange(len(order)), min(bins, len(order)))
    gaps = [len(part) * abs(said[part].mean() - was[part].mean()) for part in parts if len(part)]
    return float(sum(gaps) / len(order))
