"""Ranking sections for a text: the evidence of each retriever, weighed, and how likely it holds.

The weights (`weights.json`) are fitted by `evals.fitting`.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from chatbot.errors import ModelError
from chatbot.index.embeddings import embedding_errors
from chatbot.index.entity_linking import Link
from chatbot.index.lexical import CUTS, KINDS, FieldScores, Kind
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
# What the shipped weights weigh.
FEATURES = (
    *("dense", "link", "words_section", "words_paper", "bigrams_section", "bigrams_paper"),
    *("wide_words_section", "wide_words_paper", "wide_bigrams_section", "wide_bigrams_paper"),
    *("dense_share", "is_field", "is_contribution", "is_usage", "is_innovations", "is_results"),
    *("asks_field", "asks_contribution", "asks_usage", "asks_innovations", "asks_results"),
    "number",
)
_DENSE_DEPTH = 64
# So many rows can be named in a query; where a filter leaves more, more are asked for and dropped.
_NAMED_ROWS, _DEEPER = 2000, 512
_CANDIDATE_PAPERS = 40
# The weights are fitted with the local embedding. A model's, which knows synonyms and languages, is
# given more; how much is a guess, since there was no such model to measure it with.
_MODEL_TRUST = 3.0
# A gloss counts less than a word of the question, and only where it tells sections apart.
_GLOSS_WEIGHT, _SPECIFIC = 0.8, 2.0


@dataclass(frozen=True, slots=True)
class Signals:
    """What a section is judged by: one column a feature, one row a candidate.

    `rows` are the candidates' rows in the index; `paper` is how likely each candidate's paper is,
    from 0 to 1; `lexical` and `dense` are what each retriever alone would say.
    """

    rows: NDArray[np.int64]
    columns: Mapping[str, Array]
    paper: Array
    lexical: Array
    dense: Array
    notice: str | None = None

    def matrix(self, names: Sequence[str]) -> Array:
        """The features of these names, candidates by features."""
        if not len(self.rows):
            return np.zeros((0, len(names)), np.float32)
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
    allowed: NDArray[np.bool_] | None = None,
) -> Signals:
    """Judge the sections of the index for a text; `allowed` is a mask over its rows."""
    terms = _terms(index, sought.text, english=sought.english)
    fields = _fields(index, terms, _terms(index, sought.unnamed, english=sought.english))
    dense, notice = _dense(index, sought.text, allowed)
    linked = _linked(index, links)
    rows = _candidates(index, fields, dense, linked, allowed)
    columns = _columns(index, rows, fields, dense, linked)
    paper = columns["paper"]
    for place, key in enumerate(SECTION_KEYS):
        of_key = (index.catalogue.key_of_row[rows] == place) * paper
        columns[f"is_{key}"] = of_key
        columns[f"asks_{key}"] = of_key * float(key in aspects)
    columns["number"] = columns["numbers"] * paper * sought.wants_number
    lexical = sum(
        columns[f"{kind}_{part}"] for kind in KINDS for part in ("section", "paper", "paper")
    )
    return Signals(rows, columns, paper, np.asarray(lexical / 6, np.float32), dense[rows], notice)


def _fields(
    index: Index,
    terms: Mapping[Kind, Mapping[str, float]],
    unnamed: Mapping[Kind, Mapping[str, float]],
) -> dict[tuple[Kind, bool], FieldScores]:
    """BM25 by kind, of the digests alone and with their search text; the same where none is.

    Papers are scored for all terms, sections for those that name no paper.
    """
    lexical, found = index.lexical, {}
    for kind in KINDS:
        own = wide = lexical.scores(kind, terms[kind], unnamed[kind])
        if lexical.is_enriched:
            wide = lexical.scores(kind, terms[kind], unnamed[kind], wide=True)
        found[kind, False], found[kind, True] = own, wide
    return found


def _terms(index: Index, text: str, *, english: bool) -> dict[Kind, dict[str, float]]:
    """The terms of a text by kind, as often as they stand there, and an English text's glosses."""
    found: dict[Kind, dict[str, float]] = {}
    for kind, cut in CUTS.items():
        found[kind] = _weighted(cut(text))
    if english:
        for gloss, weight in index.glossary.translate(text).items():
            if index.lexical.idf(gloss) < _SPECIFIC:
                continue  # every other section holds it
            for kind, cut in CUTS.items():
                pieces = cut(gloss)
                for piece in pieces:
                    share = _GLOSS_WEIGHT * weight / len(pieces) ** 0.5
                    found[kind][piece] = max(found[kind].get(piece, 0.0), share)
    return found


def _weighted(terms: Sequence[str]) -> dict[str, float]:
    counted: dict[str, float] = {}
    for term in without_stop_words(list(terms)):
        counted[term] = counted.get(term, 0.0) + 1.0
    return counted


def _columns(
    index: Index,
    rows: NDArray[np.int64],
    fields: Mapping[tuple[Kind, bool], FieldScores],
    dense: Array,
    linked: Array,
) -> dict[str, Array]:
    papers = index.catalogue.paper_of_row[rows]
    trust = 1.0 if index.settings.embedding == "local" else _MODEL_TRUST
    columns: dict[str, Array] = {"dense": trust * dense[rows], "link": linked[rows]}
    for (kind, wide), scores in fields.items():
        prefix = "wide_" if wide else ""
        columns[f"{prefix}{kind}_section"] = scores.section[rows]
        columns[f"{prefix}{kind}_paper"] = scores.paper[rows]
    sure = columns["link"] / max(1e-9, columns["link"].max(initial=0)) if linked.any() else 0
    by_words = sum(columns[f"wide_{kind}_paper"] for kind in KINDS) / len(KINDS)
    columns["paper"] = np.maximum(by_words, sure).astype(np.float32)
    own = [f"{prefix}{kind}_section" for prefix in ("", "wide_") for kind in KINDS]
    for name in (*own, "dense"):
        columns[f"{name}_share"] = _share(columns[name], papers) * columns["paper"]
    columns["numbers"] = (np.log1p(index.catalogue.numbers_of_row[rows]) / 4).astype(np.float32)
    return columns


def _share(scores: Array, papers: NDArray[np.int32]) -> Array:
    """Each score over the best of its paper."""
    if not len(scores):
        return scores
    best = np.zeros(int(papers.max()) + 1, np.float32)
    np.maximum.at(best, papers, scores)
    return np.asarray(scores / np.maximum(best[papers], 1e-9), np.float32)


def _candidates(
    index: Index,
    fields: Mapping[tuple[Kind, bool], FieldScores],
    dense: Array,
    linked: Array,
    allowed: NDArray[np.bool_] | None,
) -> NDArray[np.int64]:
    """The rows of the papers that any retriever puts among its best, less those filtered out."""
    mask = np.ones(len(index.sections), bool) if allowed is None else allowed
    papers = index.catalogue.paper_of_row
    chosen = np.zeros(len(index.catalogue.papers), bool)
    for scores in {id(scores): scores for scores in fields.values()}.values():
        for values in (scores.paper, scores.section):
            chosen[papers[_best(np.where(mask, values, 0), 5 * _CANDIDATE_PAPERS)]] = True
    chosen[papers[np.flatnonzero((dense > 0) & mask)]] = True
    chosen[papers[np.flatnonzero((linked > 0) & mask)]] = True
    return np.flatnonzero(chosen[papers] & mask)


def _best(scores: Array, count: int) -> NDArray[np.int64]:
    """The rows of the `count` highest positive scores, in no order."""
    if len(scores) > count:
        rows = np.argpartition(-scores, count)[:count]
        return rows[scores[rows] > 0]
    return np.flatnonzero(scores > 0)


def _linked(index: Index, links: Sequence[Link]) -> Array:
    """How surely each row's paper is one that is named: 1, or less where a name fits several."""
    named = np.zeros(len(index.sections), np.float32)
    for link in links:
        papers = [index.catalogue.by_id[p] for p in link.papers if p in index.catalogue.by_id]
        for paper in papers:
            sure = (0.7 if link.typo else 1.0) / len(papers) ** 0.5
            rows = list(paper.rows)
            named[rows] = np.maximum(named[rows], sure)
    return named


def _dense(index: Index, text: str, allowed: NDArray[np.bool_] | None) -> tuple[Array, str | None]:
    """Cosine similarity of the nearest rows, scaled by the best one; 0 for all others.

    A model that does not answer is no error: its words come back as the notice.
    """
    scores = np.zeros(len(index.sections), dtype=np.float32)
    try:
        with embedding_errors(index.settings):
            vector = index.embedding.get_query_embedding(text)
    except ModelError as error:
        return scores, str(error)
    if not any(vector):
        return scores, None
    rows = np.arange(len(scores)) if allowed is None else np.flatnonzero(allowed)
    few = len(rows) < len(scores) and len(rows) <= _NAMED_ROWS
    among = [index.row_ids[row] for row in rows] if few else None
    depth = _DENSE_DEPTH if few or len(rows) == len(scores) else _DEEPER
    for row_id, similarity in index.vectors.nearest(vector, depth, among):
        row = index.row_of.get(row_id)
        if row is not None and (allowed is None or allowed[row]):
            scores[row] = max(similarity, 0.0)
    best = scores.max(initial=0)
    return (scores / best if best > 0 else scores), None


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
    papers = index.catalogue.paper_of_row[signals.rows[order]]
    others = np.flatnonzero(papers != papers[0])
    margin = float(scores[order[0]] - scores[order[others[0]]]) if len(others) else _LARGEST_MARGIN
    best = index.catalogue.papers[int(papers[0])]
    return np.array([min(margin / _LARGEST_MARGIN, 1.0), float(best.id in query.papers)])
