"""`search`: a query to its evidence, by what the question is after.

A lookup ranks sections. A comparison is retrieved paper by paper, so that every compared paper has
its sections among the first. A list ranks papers; an overview reads the records.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import replace
from itertools import islice, zip_longest

import numpy as np

from chatbot.index.lexical import Scope
from chatbot.index.reading import Catalogue, Index
from chatbot.reports.parsing import SECTION_KEYS
from chatbot.retrieval.comparisons import compared_papers, ranked_within
from chatbot.retrieval.lists import find_papers, overview, rows_in
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
    scope = _scope_of(index.catalogue, query.filters)
    coverage, notice, confidence = None, None, None
    if query.intent == "list":
        hits, coverage = _list(index, query, scope, top_k, weights)
    elif query.intent == "overview":
        hits, coverage = overview(index, scope)
    elif query.intent == "compare" and len(papers := compared_papers(index, query, scope)) > 1:
        hits = _interleaved(index, query, papers, top_k, weights)
    else:
        hits, notice, confidence = _lookup(index, query, scope, top_k, weights)
    unknown = tuple(name for name in query.names if not _known(index, query, name))
    clarification = _clarification(index, query)
    return Evidence(query, hits, notice, unknown, missing, confidence, clarification, coverage)


def _in_reach(index: Index, query: Query) -> tuple[Query, tuple[DateRange, ...]]:
    """The query, and the days it asks for that have no report.

    Where it names a paper, that paper is found whatever day the reader thinks it is from.
    """
    dates = query.filters.dates
    empty = tuple(span for span in dates if not any(day in span for day in index.catalogue.dates))
    named = [p for p in query.papers if p in index.catalogue.by_id]
    elsewhere = named and not any(
        copy.date in span for p in named for copy in index.catalogue.copies_of(p) for span in dates
    )
    if dates and elsewhere:
        query = replace(query, filters=replace(query.filters, dates=()))
    return query, empty


def _lookup(
    index: Index, query: Query, scope: Scope, top_k: int, weights: Weights
) -> tuple[tuple[Hit, ...], str | None, float]:
    """The best sections: those of a paper that is plainly named before all others.

    Where a name fits several papers theirs come in turn; where no paper is clear, none takes more
    than its share of the first places.
    """
    signals = signals_of(index, query.sought, links=query.links, aspects=query.aspects, scope=scope)
    scores = score(signals, weights)
    confidence = confidence_of(index, query, signals, scores, weights)
    ranked = np.argsort(-scores, kind="stable")
    # Only what any retriever found at all, or what is of such a paper.
    order = ranked[((signals.paper > 0) | (signals.dense > 0))[ranked]].tolist()
    meant = {k.papers[0] for k in query.links if k.sure and not k.typo and len(k.papers) == 1}
    if meant:
        order = _meant_first(index, query, signals, order, meant)
        if query.whole:
            confidence = max(confidence, _NAMED)
    elif decide(confidence) != "answer":
        order = _uncrowded(signals, order)
    if (clarification := _clarification(index, query)) is not None:
        order = _in_turn(index, signals, order, [paper for paper, _ in clarification.options])
    hits = _hits(index, signals, probabilities(scores), order[:top_k])
    if not hits and query.filters.papers:
        rows = (
            row
            for paper in index.catalogue.papers_in(scope)
            for row in rows_in(index, paper, scope)
        )
        listed = enumerate(islice(rows, top_k), 1)
        hits = _descending(index, ((row, 0.0, {"records": place}) for place, row in listed))
    return hits, signals.notice, confidence


def _meant_first(
    index: Index, query: Query, signals: Signals, order: Sequence[int], meant: Set[str]
) -> list[int]:
    """The order with a plainly named paper first, and of it the sections asked for whole.

    Of reports that hold the paper the one that comes first answers before the others.
    """
    copies = (enumerate(index.catalogue.copies_of(paper)) for paper in meant)
    rank = {copy.number: place for of_paper in copies for place, copy in of_paper}
    whole = {SECTION_KEYS.index(key) for key in query.whole} or {*range(len(SECTION_KEYS))}
    places = np.array(order, dtype=np.int64)
    papers, own = np.unique(signals.papers[places], return_inverse=True)
    ranks = np.array([rank.get(paper, len(rank)) for paper in papers.tolist()])
    beside = ~np.isin(signals.keys[places], [*whole])
    found: list[int] = places[np.lexsort((beside, ranks[own]))].tolist()
    return found


def _uncrowded(signals: Signals, order: Sequence[int]) -> list[int]:
    """The order with what a paper has beyond its share after all others' shares."""
    taken: Counter[int] = Counter()
    first: list[int] = []
    later: list[int] = []
    for place in order:
        paper = int(signals.papers[place])
        taken[paper] += 1
        (first if taken[paper] <= _SHARE else later).append(place)
    return [*first, *later]


def _in_turn(
    index: Index, signals: Signals, order: Sequence[int], papers: Sequence[str]
) -> list[int]:
    """The order with the sections of these papers first, one of each in turn."""
    wanted = {index.catalogue.by_id[paper].number for paper in papers}
    own: dict[int, list[int]] = {}
    for place in order:
        if (paper := int(signals.papers[place])) in wanted:
            own.setdefault(paper, []).append(place)
    turns = [place for turn in zip_longest(*own.values()) for place in turn if place is not None]
    return [*turns, *(place for place in order if int(signals.papers[place]) not in wanted)]


def _interleaved(
    index: Index, query: Query, papers: Sequence[str], top_k: int, weights: Weights
) -> tuple[Hit, ...]:
    """The sections of compared papers: the best of each, then the second best, and so on.

    A comparison laid out by columns has all sections of its papers: each column has its own best.
    """
    ranked = ranked_within(index, query, papers, weights)
    if query.columns:
        top_k = max(top_k, len(SECTION_KEYS) * len(papers))
    found = (
        (*entry, {"within_paper": rank})
        for rank, turn in enumerate(zip_longest(*ranked), 1)
        for entry in turn
        if entry is not None
    )
    return _descending(index, islice(found, top_k))


def _list(
    index: Index, query: Query, scope: Scope, top_k: int, weights: Weights
) -> tuple[tuple[Hit, ...], Coverage]:
    """One section of each listed paper, then their further ones up to `top_k`."""
    listed, coverage = find_papers(index, query, scope, weights)
    first = [(entry.rows[0], entry.score) for entry in listed]
    more = [(row, entry.score) for entry in listed for row in entry.rows[1:]]
    chosen = enumerate([*first, *more[: max(0, top_k - len(first))]], 1)
    hits = _descending(index, ((*entry, {coverage.by: place}) for place, entry in chosen))
    return hits, coverage


def _hits(index: Index, signals: Signals, scores: Array, order: Sequence[int]) -> tuple[Hit, ...]:
    """Hits in this order, each with its rank by the retrievers that found it."""
    found = []
    for place in order:
        ranks = {
            name: int((values > values[place]).sum()) + 1
            for name, values in (("lexical", signals.lexical), ("dense", signals.dense))
            if values[place] > 0
        }
        if signals.columns["link"][place] > 0:
            ranks["named"] = 1
        found.append((signals.rows[place], float(scores[place]), ranks))
    return _descending(index, found)


def _descending(
    index: Index, found: Iterable[tuple[int, float, Mapping[str, int]]]
) -> tuple[Hit, ...]:
    """The hits of these rows, scores and ranks, no score being above the one before."""
    floor, hits = float("inf"), []
    for row, value, ranks in found:
        floor = min(floor, value)
        hits.append(Hit(index.section(row), floor, ranks))
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


def _scope_of(catalogue: Catalogue, filters: Filters) -> Scope:
    """What the filters let through."""
    copies = (copy for paper in filters.papers for copy in catalogue.copies_of(paper))
    spans = {*filters.dates}
    days = (day for day in catalogue.dates if any(day in span for span in spans))
    return Scope(
        frozenset(copy.number for copy in copies) if filters.papers else None,
        frozenset(day.toordinal() for day in days) if spans else None,
        frozenset(SECTION_KEYS.index(key) for key in filters.sections),
    )
