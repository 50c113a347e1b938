"""Running questions through a retriever, and what its rankings are worth, by kind of question."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np

from evals.items import Item
from evals.metrics import f1, recall_at
from evals.statistics import Estimate, bootstrap, grouped_folds

T = TypeVar("T")
# Names of sections, ``ARXIV_ID/KEY``, best first.
Retrieve = Callable[[Item], Sequence[str]]


@dataclass(frozen=True, slots=True)
class Run:
    """What a retriever found for each item, and the milliseconds it took."""

    items: tuple[Item, ...]
    ranked: tuple[tuple[str, ...], ...]
    milliseconds: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Measure:
    """A figure over the items that belong: their share of needed sections in the first `k`.

    Without a `k` it is the F1 of the papers found.
    """

    name: str
    belongs: Callable[[Item], bool]
    k: int | None


def _single(item: Item) -> bool:
    return bool(item.sections) and not item.history


MEASURES = (
    Measure("all single-turn, first 5", _single, 5),
    Measure("Chinese fact, number: first 5", lambda item: item.type in {"fact", "numeric"}, 5),
    Measure("Chinese fact, number: first", lambda item: item.type in {"fact", "numeric"}, 1),
    Measure("English, first 5", lambda item: item.type == "english", 5),
    Measure("comparison, first 5", lambda item: item.type == "comparison", 5),
    Measure("comparison, first 8", lambda item: item.type == "comparison", 8),
    Measure("list, F1 of papers", lambda item: item.type == "list", None),
    Measure("follow-up, first 5", lambda item: item.type == "followup", 5),
)


def run(items: Sequence[Item], retrieve: Retrieve) -> Run:
    """Put every item that needs sections to a retriever, one after another."""
    asked = tuple(item for item in items if item.sections)
    ranked, milliseconds = [], []
    for item in asked:
        begin = time.perf_counter()
        ranked.append(tuple(retrieve(item)))
        milliseconds.append((time.perf_counter() - begin) * 1000)
    return Run(asked, tuple(ranked), tuple(milliseconds))


def measure(done: Run, wanted: Measure) -> Estimate:
    """The mean over the items that belong, with its interval, questions on one paper together."""
    values, groups = [], []
    for item, ranked in zip(done.items, done.ranked, strict=True):
        if not wanted.belongs(item):
            continue
        if wanted.k is None:
            values.append(f1({name.partition("/")[0] for name in ranked}, item.papers))
        else:
            values.append(recall_at(wanted.k, item, ranked))
        groups.append(min(item.papers))
    return bootstrap(values, groups)


def latency(done: Run) -> tuple[float, float]:
    """Median and 95th percentile, in milliseconds."""
    p50, p95 = np.percentile(done.milliseconds, [50, 95])
    return float(p50), float(p95)


def by_fold(
    items: Sequence[Item], fit: Callable[[Sequence[Item]], T], folds: int = 5
) -> Mapping[str, T]:
    """For each item, by id, what was fitted on the folds that share no paper with it."""
    fold_of = grouped_folds(items, folds)
    fitted = [
        fit([item for item, fold in zip(items, fold_of, strict=True) if fold != held_out])
        for held_out in range(folds)
    ]
    return {item.id: fitted[fold] for item, fold in zip(items, fold_of, strict=True)}
