"""Ranking sections for a text: the evidence of each retriever, weighed, and how likely it holds.

The weights (`weights.json`) are fitted by `evals.fitting`.
"""

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from chatbot.errors import ModelError
from chatbot.index.entity_linking import Link
from chatbot.index.lexical import CUTS, EVERYTHING, KINDS, PARTS, Hits, Kind, Part, Scope, Terms
from chatbot.index.reading import Index
from chatbot.reports.parsing import SECTION_KEYS, SectionKey
from chatbot.text.terms import without_stop_words
from chatbot.understanding.models import Query, Sought

WEIGHTS_FILE = Path(__file__).with_name("weights.json")


@dataclass(frozen=True, slots=True)
class Weights:
    """Those of the ranking, by feature, and of the confidence, the last being its constant."""

    features: tuple[str, ...]
    ranking: NDArray[np.float64]
    confidence: NDArray[np.float64]


@cache
def shipped_weights() -> Weights:
    """The weights fitted on all development questions."""
    found: dict[str, dict[str, float]] = json.loads(WEIGHTS_FILE.read_text(encoding="utf-8"))
    ranking, confidence = found["ranking"], found["confidence"]
    return Weights(
        tuple(ranking), np.array(list(ranking.values())), np.array(list(confidence.values()))
    )


Array = NDArray[np.float32]
Numbers = NDArray[np.int64]
# What the shipped weights weigh.
FEATURES = (
    *("dense", "link", "words_section", "words_paper", "bigrams_section", "bigrams_paper"),
    *("wide_words_section", "wide_words_paper", "wide_bigrams_section", "wide_bigrams_paper"),
    *("dense_share", "is_field", "is_contribution", "is_usage", "is_innovations", "is_results"),
    *("asks_field", "asks_contribution", "asks_usage", "asks_innovations", "asks_results"),
    "number",
)
# The root of all, within these: of a hundred thousand the nearest 64 are too few (recall .90; .92).
_DENSE_DEPTH = 64, 256
# So many rows can be named in a query; where a filter leaves more, more are asked for and dropped.
_NAMED_ROWS, _DEEPER = 2000, 512
_CANDIDATE_PAPERS, _CANDIDATE_SECTIONS = 20, 100
# The weights are fitted with the local embedding. A model's, which knows synonyms and languages, is
# given more; how much is a guess, since there was no such model to measure it with.
_MODEL_TRUST = 3.0
_LATER_COPY = 0.5
# A gloss counts less than a word of the question, and only where it tells sections apart.
_GLOSS_WEIGHT, _SPECIFIC = 0.8, 2.0


@dataclass(frozen=True, slots=True)
class Signals:
    """What a section is judged by: one column a feature, one row a candidate.

    `rows` are the candidates' rows in the index, `papers` and `keys` the numbers of their papers
    and which section each is; `paper` is how likely each candidate's paper is, from 0 to 1;
    `lexical` and `dense` are what each retriever alone would say.
    """

    rows: Numbers
    papers: Numbers
    keys: Numbers
    columns: Mapping[str, Array]
    paper: Array
    lexical: Array
    dense: Array
    notice: str | None = None

    def matrix(self, names: Sequence[str]) -> Array:
        """The features of these names, candidates by features."""
        return np.stack([self.columns[name] for name in names], axis=1)


def score(signals: Signals, weights: Weights) -> Array:
    """The fused score of each candidate."""
    return np.asarray(signals.matrix(weights.features) @ weights.ranking, dtype=np.float32)


def probabilities(scores: Array) -> Array:
    """Scores as the probability that each candidate is the one (softmax)."""
    if not len(scores):
        return scores
    weights = np.exp(scores - scores.max())
    return np.asarray(weights / weights.sum(), dtype=np.float32)


def signals_of(
    index: Index,
    sought: Sought,
    *,
    links: Sequence[Link] = (),
    aspects: Sequence[SectionKey] = (),
    scope: Scope = EVERYTHING,
) -> Signals:
    """Judge the sections of a scope for a text."""
    whole = _terms(index, sought.text, english=sought.english)
    unnamed = _terms(index, sought.unnamed, english=sought.english)
    # Papers are scored for all terms, their sections for those that name no paper.
    asked = {part: whole if part.endswith("paper") else unnamed for part in PARTS}
    dense, notice = _dense(index, sought.text, scope)
    linked = _linked(index, links)
    facts = _candidates(index, asked, dense, linked, scope)
    rows, papers, keys, numbers, _ = facts.T
    columns, near = _columns(index, asked, facts), dense.among(rows)
    packaged = index.settings.embedding in {"local", "multilingual"}
    trust = 1.0 if packaged else _MODEL_TRUST
    columns["dense"] = trust * near
    columns["link"] = named = linked.among(papers)
    sure = named / max(1e-9, named.max(initial=0))
    by_words = sum(columns[f"wide_{kind}_paper"] for kind in KINDS) / len(KINDS)
    columns["paper"] = paper = np.maximum(by_words, sure).astype(np.float32)
    columns["dense_share"] = _share(columns["dense"], papers) * paper
    for place, key in enumerate(SECTION_KEYS):
        of_key = (keys == place) * paper
        columns[f"is_{key}"] = of_key
        columns[f"asks_{key}"] = of_key * float(key in aspects)
    counted = np.log1p(numbers.astype(np.float32))
    columns["number"] = counted / 4 * paper * sought.wants_number
    lexical = sum(
        columns[f"{kind}_{part}"] for kind in KINDS for part in ("section", "paper", "paper")
    )
    lexical = np.asarray(lexical / 6, np.float32)
    return Signals(rows, papers, keys, columns, paper, lexical, near, notice)


_Asked = Mapping[Part, Mapping[Kind, Terms]]


def _candidates(index: Index, asked: _Asked, dense: Hits, linked: Hits, scope: Scope) -> Numbers:
    """The sections of the papers that any retriever puts among its best, as far as in the scope.

    What is told of them is what `Catalogue.facts_of` tells.
    """
    within = index.catalogue.numbers_in(scope)
    papers = {*dense.papers.tolist(), *linked.papers.tolist()}
    for part in PARTS if index.lexical.is_enriched else PARTS[:2]:
        narrow = EVERYTHING if index.lexical.is_small(part) else scope
        count = _CANDIDATE_PAPERS if part.endswith("paper") else _CANDIDATE_SECTIONS
        for kind in KINDS:
            best = index.lexical.best(part, kind, asked[part][kind], narrow).papers
            if within is not None:
                best = best[np.isin(best, [*within])]
            papers |= {*best[:count].tolist()}
    found = index.catalogue.facts_of(papers if within is None else papers & within)
    if scope.keys:
        found = found[np.isin(found[:, 2], [*scope.keys])]
    return found


def _columns(index: Index, asked: _Asked, facts: Numbers) -> dict[str, Array]:
    """BM25 of the candidates by kind and part, each at most 1.

    Papers without search text keep their plain scores in the wider parts, so that those with more
    words to match do not drive them out.
    """
    columns: dict[str, Array] = {}
    rows, of_rows, _, _, written = facts.T
    papers = dict.fromkeys(of_rows.tolist())
    for part in PARTS:
        for kind in KINDS:
            name = f"wide_{kind}_{part[5:]}" if part.startswith("wide_") else f"{kind}_{part}"
            plain = columns.get(f"{kind}_{part[5:]}")
            if plain is not None and not index.lexical.is_enriched:
                columns[name] = plain
                continue
            of_papers = part.endswith("paper")
            count = len(papers) if of_papers else len(rows)
            scores, best = index.lexical.of_papers(part, kind, asked[part][kind], papers, count)
            own = scores.among(of_rows if of_papers else rows) / (best or 1.0)
            columns[name] = own if plain is None else np.where(written, own, plain)
    return columns


def _terms(index: Index, text: str, *, english: bool) -> dict[Kind, Terms]:
    """The terms of a text by kind, as often as they stand there, and an English text's glosses."""
    found = {
        kind: dict[str, float](Counter(without_stop_words(cut(text)))) for kind, cut in CUTS.items()
    }
    if english:
        for gloss, weight in index.glossary.translate(text).items():
            if index.lexical.idf(gloss) < _SPECIFIC:
                continue  # every other section holds it
            for kind, cut in CUTS.items():
                pieces = cut(gloss)
                for piece in pieces:
                    share = _GLOSS_WEIGHT * weight / len(pieces) ** 0.5
                    found[kind][piece] = max(found[kind].get(piece, 0.0), share)
    return {kind: tuple(weights.items()) for kind, weights in found.items()}


def _share(scores: Array, papers: Numbers) -> Array:
    """Each score over the best of its paper."""
    own, places = np.unique(papers, return_inverse=True)
    best = np.zeros(len(own), np.float32)
    np.maximum.at(best, places, scores)
    return np.asarray(scores / np.maximum(best[places], 1e-9), np.float32)


def _linked(index: Index, links: Sequence[Link]) -> Hits:
    """How surely papers are the ones that are named: 1, or less where a name fits several."""
    named: dict[int, float] = {}
    for link in links:
        papers = [paper for paper in link.papers if paper in index.catalogue.by_id]
        for paper in papers:
            sure = (0.7 if link.typo else 1.0) / len(papers) ** 0.5
            for place, copy in enumerate(index.catalogue.copies_of(paper)):
                # The report that comes first answers before the others that hold the paper.
                named[copy.number] = max(named.get(copy.number, 0.0), sure * _LATER_COPY**place)
    return Hits.of((paper, paper, sure) for paper, sure in named.items())


def _dense(index: Index, text: str, scope: Scope) -> tuple[Hits, str | None]:
    """Cosine similarity of the nearest rows of a scope, scaled by the best one.

    A model that does not answer is no error: its words come back as the notice.
    """
    try:
        vector = index.embedding.get_query_embedding(text)
    except ModelError as error:
        return Hits.of(()), str(error)
    if not any(vector):
        return Hits.of(()), None
    among, depth = None, int(np.clip(index.manifest.sections**0.5, *_DENSE_DEPTH))
    if scope != EVERYTHING:
        rows = index.catalogue.rows_in(scope, limit=_NAMED_ROWS + 1)
        few = len(rows) <= _NAMED_ROWS
        among, depth = ([row for row, *_ in rows], depth) if few else (None, _DEEPER)
    near = dict(index.vectors.nearest(vector, depth, among))
    live = index.catalogue.rows_of(near, scope)
    best = max((near[row] for row, *_ in live), default=0.0)
    found = ((number, paper, near[row] / best) for row, number, paper in live if near[row] > 0)
    return Hits.of(found), None


Decision = Literal["answer", "widen", "refuse"]
CONFIDENCE_FEATURES = ("margin", "named")
_LARGEST_MARGIN = 8.0
# Below the first the reports most likely hold nothing; below the second, more is worth reading.
_REFUSE, _WIDEN = 0.15, 0.6


def decide(confidence: float | None) -> Decision:
    """Whether to answer from the hits, to read more of them, or to say that nothing is there."""
    if confidence is None or confidence >= _WIDEN:
        return "answer"
    return "refuse" if confidence < _REFUSE else "widen"


def confidence_of(
    index: Index, query: Query, signals: Signals, scores: Array, weights: Weights
) -> float:
    """The probability, 0 to 1, that the best hits hold the answer."""
    value = float(np.append(features_of(index, query, signals, scores), 1.0) @ weights.confidence)
    return 1 / (1 + float(np.exp(-value)))


def features_of(index: Index, query: Query, signals: Signals, scores: Array) -> NDArray[np.float64]:
    """What the confidence is judged by, in the order of `CONFIDENCE_FEATURES`.

    `margin`: how far the best paper's best section leads that of the next, from 0 to 1; `named`:
    whether the question names the best paper.
    """
    if not len(scores):
        return np.zeros(len(CONFIDENCE_FEATURES))
    order = np.argsort(-scores, kind="stable")
    papers = signals.papers[order]
    others = np.flatnonzero(papers != papers[0])
    margin = float(scores[order[0]] - scores[order[others[0]]]) if len(others) else _LARGEST_MARGIN
    best = index.section(signals.rows[order[0]]).paper_id
    return np.array([min(margin / _LARGEST_MARGIN, 1.0), float(best in query.papers)])
