"""Retrieval metrics over ranked names. Each is 0 to 1; nothing retrieved scores 0, never NaN."""

import math
from collections.abc import Collection, Sequence

from evals.items import Item


def recall_at(k: int, item: Item, ranked: Sequence[str]) -> float:
    """The share of needed sections among the first `k`."""
    return item.found(set(ranked[:k]))


def paper_recall_at(k: int, item: Item, ranked: Sequence[str]) -> float:
    """The share of needed papers that have a section among the first `k`."""
    first = {name.partition("/")[0] for name in ranked[:k]}
    return sum(paper in first for paper in item.papers) / max(1, len(item.papers))


def reciprocal_rank(item: Item, ranked: Sequence[str]) -> float:
    """1 over the rank of the first needed section; 0 where none is there."""
    wanted = {*item.sections, *item.alt_sections}
    return next((1 / rank for rank, name in enumerate(ranked, 1) if name in wanted), 0.0)


def ndcg_at(k: int, item: Item, ranked: Sequence[str]) -> float:
    """Normalised discounted cumulative gain, a needed section counting 1 (Järvelin 2002)."""
    wanted = set(item.sections)
    gain = sum(1 / math.log2(rank + 1) for rank, n in enumerate(ranked[:k], 1) if n in wanted)
    needed = 1 if item.any_section else len(wanted)
    best = sum(1 / math.log2(rank + 1) for rank in range(1, min(k, needed) + 1))
    return min(1.0, gain / best) if best else 0.0


def f1(found: Collection[str], wanted: Collection[str]) -> float:
    """The harmonic mean of precision and recall of a set; 1 where both are empty."""
    found, wanted = set(found), set(wanted)
    if not found and not wanted:
        return 1.0
    return 2 * len(found & wanted) / (len(found) + len(wanted))
