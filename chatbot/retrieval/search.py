"""`search`: a query to its evidence, by what the question is after.

A lookup ranks sections. A comparison is retrieved paper by paper, so that every compared paper has
its sections among the first. A list ranks papers; an overview reads the records.
"""

from collections import Counter
from collections.abc import Sequence, Set
from dataclasses import replace
from itertools import zip_longest

import numpy as np
from numpy.typing import NDArray

from chatbot.index.reading import Catalogue, Index
from chatbot.index.sections import IndexedSection
from chatbot.reports.parsing import SECTION_KEYS
from chatbot.retrieval.comparisons import compared_papers, ranked_within
from chatbot.retrieval.lists import find_papers, overview
from chatbot.retrieval.models import Clarification, Coverage, Evidence, Hit
from chatbot.retrieval.ranking import (
    Array,
    Signals,
    Weights,
    confidence_of,
    decide,
    probabilities,
    score,
    shipped_weights,
    signals_of,
)
from chatbot.understanding.models import DateRange, Filters, Query

DEFAULT_TOP_K = 8
# How sure the answer is at hand where a paper is plainly named and all of a section asked for.
_NAMED = 0.9
# Sections of one paper among the first, while it is not sure to be the right one.
_SHARE = 4


def search(
    index: Index, query: Query, top_k: int = DEFAULT_TOP_K, weights: Weights | None = None
) -> Evidence:
    """The best sections for a query: `top_k`, or fewer where fewer match at all.

    A list and an overview hold one section of every paper that belongs, however many, and then
    further ones up to `top_k`. `weights` are the shipped ones by default.
    """
    weights = weights or shipped_weights()
    query, missing = _in_reach(index, query)
    allowed = _allowed(index.catalogue, query.filters)
    coverage, notice, confidence = None, None, None
    if query.intent == "list":
        hits, coverage = _list(index, query, allowed, top_k, weights)
    elif query.intent == "overview":
        hits, coverage = overview(index, allowed)
    elif query.intent == "compare" and len(papers := compared_papers(index, query, allowed)) > 1:
        hits = _interleaved(index, query, papers, top_k, weights)
    else:
        hits, notice, confidence = _lookup(index, query, allowed, top_k, weights)
    unknown = tuple(name for name in query.names if not _known(index, query, name))
    return Evidence(
        query,
        hits,
        notice,
        unknown,
        missing_dates=missing,
        confidence=confidence,
        clarification=_clarification(index, query),
        coverage=coverage,
    )


def _in_reach(index: Index, query: Query) -> tuple[Query, tuple[DateRange, ...]]:
    """The query, and the days it asks for that have no report.

    Where it names a paper, that paper is found whatever day the reader thinks it is from.
    """
    dates = query.filters.dates
    empty = tuple(span for span in dates if not any(day in span for day in index.catalogue.dates))
    named = [p for p in query.papers if p in index.catalogue.by_id]
    elsewhere = named and not any(
        day in span for p in named for day in index.catalogue.by_id[p].dates for span in dates
    )
    if dates and elsewhere:
        query = replace(query, filters=replace(query.filters, dates=()))
    return query, empty


def _lookup(
    index: Index, query: Query, allowed: NDArray[np.bool_], top_k: int, weights: Weights
) -> tuple[tuple[Hit, ...], str | None, float]:
    """The best sections: those of a paper that is plainly named before all others.

    Where a name fits several papers theirs come in turn; where no paper is clear, none takes more
    than its share of the first places.
    """
    signals = signals_of(
        index, query.sought, links=query.links, aspects=query.aspects, allowed=allowed
    )
    scores = score(signals, weights)
    confidence = confidence_of(index, query, signals, scores, weights)
    order = [int(place) for place in np.argsort(-scores, kind="stable") if _found(signals, place)]
    meant = {k.papers[0] for k in query.links if k.sure and not k.typo and len(k.papers) == 1}
    if meant:
        order.sort(key=lambda place: _priority(index.sections[signals.rows[place]], meant, query))
        if query.whole:
            confidence = max(confidence, _NAMED)
    elif decide(confidence) != "answer":
        order = _uncrowded(index, signals, order)
    if (clarification := _clarification(index, query)) is not None:
        order = _in_turn(index, signals, order, [paper for paper, _ in clarification.options])
    hits = _hits(index, signals, probabilities(scores), order[:top_k])
    if not hits and query.filters.papers:
        rows = np.flatnonzero(allowed)[:top_k]
        hits = tuple(Hit(index.sections[row], 0.0, {"records": i}) for i, row in enumerate(rows, 1))
    return hits, signals.notice, confidence


def _priority(section: IndexedSection, meant: Set[str], query: Query) -> tuple[bool, bool]:
    """What sorts a plainly named paper first, and of it the sections that are asked for whole."""
    return section.paper_id not in meant, bool(query.whole) and section.key not in query.whole


def _uncrowded(index: Index, signals: Signals, order: Sequence[int]) -> list[int]:
    """The order with what a paper has beyond its share after all others' shares."""
    taken: Counter[int] = Counter()
    first: list[int] = []
    later: list[int] = []
    for place in order:
        paper = int(index.catalogue.paper_of_row[signals.rows[place]])
        taken[paper] += 1
        (first if taken[paper] <= _SHARE else later).append(place)
    return [*first, *later]


def _found(signals: Signals, place: int) -> bool:
    """Whether any retriever found the section's paper at all."""
    return bool(signals.paper[place] > 0 or signals.dense[place] > 0)


def _in_turn(
    index: Index, signals: Signals, order: Sequence[int], papers: Sequence[str]
) -> list[int]:
    """The order with the sections of these papers first, one of each in turn."""
    names = [index.sections[signals.rows[place]].paper_id for place in order]
    own = [
        [place for place, name in zip(order, names, strict=True) if name == paper]
        for paper in sorted(papers, key=lambda p: names.index(p) if p in names else len(names))
    ]
    turns = [place for turn in zip_longest(*own) for place in turn if place is not None]
    return [*turns, *(place for place in order if place not in set(turns))]


def _interleaved(
    index: Index, query: Query, papers: Sequence[str], top_k: int, weights: Weights
) -> tuple[Hit, ...]:
    """The sections of compared papers: the best of each, then the second best, and so on.

    A comparison laid out by columns has all sections of its papers: each column has its own best.
    """
    ranked = ranked_within(index, query, papers, weights)
    turns = zip_longest(*(zip(p.rows, p.scores, strict=True) for p in ranked))
    if query.columns:
        top_k = max(top_k, len(SECTION_KEYS) * len(papers))
    hits: list[Hit] = []
    for rank, turn in enumerate(turns, 1):
        for entry in turn:
            if entry is not None:
                row, value = entry
                floor = hits[-1].score if hits else value
                hits.append(Hit(index.sections[row], min(value, floor), {"within_paper": rank}))
    return tuple(hits[:top_k])


def _list(
    index: Index, query: Query, allowed: NDArray[np.bool_], top_k: int, weights: Weights
) -> tuple[tuple[Hit, ...], Coverage]:
    """One section of each listed paper, then their further ones up to `top_k`."""
    listed, coverage = find_papers(index, query, allowed, weights)
    first = [(entry.rows[0], entry.score) for entry in listed]
    more = [(row, entry.score) for entry in listed for row in entry.rows[1:]]
    chosen = [*first, *more[: max(0, top_k - len(first))]]
    floor, hits = float("inf"), []
    for place, (row, value) in enumerate(chosen, 1):
        floor = min(floor, value)
        hits.append(Hit(index.sections[row], floor, {coverage.by: place}))
    return tuple(hits), coverage


def _hits(index: Index, signals: Signals, scores: Array, order: Sequence[int]) -> tuple[Hit, ...]:
    """Hits in this order, each with its rank by the retrievers that found it."""
    floor, hits = float("inf"), []
    for place in order:
        floor = min(floor, float(scores[place]))
        ranks = {
            name: int((values > values[place]).sum()) + 1
            for name, values in (("lexical", signals.lexical), ("dense", signals.dense))
            if values[place] > 0
        }
        if signals.columns["link"][place] > 0:
            ranks["named"] = 1
        hits.append(Hit(index.sections[signals.rows[place]], floor, ranks))
    return tuple(hits)


def _clarification(index: Index, query: Query) -> Clarification | None:
    """What to ask back where a name fits several papers and nothing else tells which."""
    if query.intent not in {"lookup", "compare"} or query.filters.papers:
        return None
    for link in query.links:
        known = [index.catalogue.by_id[p] for p in link.papers if p in index.catalogue.by_id]
        if len(known) > 1:
            return Clarification(link.name, tuple((paper.id, paper.title) for paper in known))
    return None


def _known(index: Index, query: Query, name: str) -> bool:
    """Whether a name stands in a report, or was taken for one that does."""
    at = query.question.find(name)
    linked = any(link.start <= at < link.end for link in query.links)
    return linked or index.lexical.knows(name)


def _allowed(catalogue: Catalogue, filters: Filters) -> NDArray[np.bool_]:
    """Which sections the filters let through, as a mask over rows."""
    papers = np.ones(len(catalogue.papers), dtype=bool)
    if filters.dates:
        papers[:] = False
        for day, places in catalogue.papers_of_day.items():
            if any(day in span for span in filters.dates):
                papers[places] = True
    if filters.papers:
        wanted = [paper.id in filters.papers for paper in catalogue.papers]
        papers &= np.array(wanted, dtype=bool)
    rows = papers[catalogue.paper_of_row]
    if filters.sections:
        keys = [SECTION_KEYS.index(key) for key in filters.sections]
        rows &= np.isin(catalogue.key_of_row, keys)
    return np.asarray(rows, dtype=bool)
