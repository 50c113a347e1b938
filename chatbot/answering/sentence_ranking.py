"""Which sentences of the sections answer: each judged by a few features, weighed, made likely.

The weights are fitted by softmax regression on the sentences that hold the development questions'
evidence (`evals/fitting.py`); `docs/answers.md` has what that gives.
"""

import json
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from chatbot.index.embeddings import local_embedding
from chatbot.index.reading import Index
from chatbot.index.sections import IndexedSection
from chatbot.reports.parsing import SECTION_KEYS
from chatbot.retrieval.models import Hit
from chatbot.text.markdown import Span, sentences
from chatbot.text.quantities import quantities
from chatbot.text.terms import bigrams, share, without_stop_words, words
from chatbot.understanding.models import Focus

WEIGHTS_FILE = Path(__file__).with_name("sentence_weights.json")
FEATURES = (
    *("asked", "question", "names", "similarity"),
    *("section", "section_log", "number", "numbers"),
)
_MOST_NUMBERS = 3
# A section e^5 times less likely than the best is out of the question.
_LEAST_LOG = -5.0
Array = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Sentence:
    """A sentence of a section found, its terms (of one ranked the question's) and how it ranks."""

    hit: Hit
    span: Span
    terms: frozenset[str]
    likely: float = 0.0

    @property
    def section(self) -> IndexedSection:
        """Where it stands."""
        return self.hit.section


@dataclass(frozen=True, slots=True)
class Asked:
    """What the sentences are judged for: the question without names, and the clauses that ask."""

    question: Mapping[str, float]
    clause: Mapping[str, float]
    names: tuple[str, ...]
    wants_number: bool
    vector: Array

    @classmethod
    def of(cls, index: Index, focus: Focus) -> "Asked":
        """Read a question's focus; terms are weighted by how rare they are.

        Sentences are compared by the local embedding, whatever the index is embedded by: it alone
        is quick enough while a reader waits.
        """
        idf, vector = index.lexical.idf, local_embedding().get_query_embedding(focus.text)
        return cls(
            question={term: idf(term) for term in _terms(focus.text)},
            clause={term: idf(term) for term in _terms(focus.clause)},
            names=focus.names,
            wants_number=focus.wants_number,
            vector=np.asarray(vector, np.float32),
        )

    def share(self, sentence: "Sentence") -> float:
        """How much of the question's weight, by rarity, a sentence holds, 0 to 1."""
        return share(self.question, sentence.terms)


def ranked_sentences(
    asked: Asked, hits: Sequence[Hit], weights: NDArray[np.float64] | None = None
) -> list[Sentence]:
    """The sentences of these sections, likeliest first; `weights` are the shipped ones by default.

    How likely each is to answer sums to 1 over all of them.
    """
    candidates = quotable(hits)
    if not candidates:
        return []
    features = sentence_features(asked, candidates)
    scores = features @ (shipped_sentence_weights() if weights is None else weights)
    likely = np.exp(scores - scores.max())
    likely /= likely.sum()
    wanted = frozenset(asked.question)
    found = [
        replace(sentence, terms=wanted & sentence.terms, likely=float(value))
        for sentence, value in zip(candidates, likely, strict=True)
    ]
    return sorted(found, key=lambda sentence: -sentence.likely)


def in_reading_order(chosen: Iterable[Sentence]) -> list[Sentence]:
    """Sentences as their sections follow each other and as they stand in them."""
    return sorted(chosen, key=lambda s: (SECTION_KEYS.index(s.section.key), s.span.start))


def quotable(hits: Iterable[Hit]) -> list[Sentence]:
    """The sentences of sections that say something alone.

    A mere lead-in ends in a colon and counts nothing, as "在 14 个模型上评测：" does.
    """
    return [
        Sentence(hit, span, frozenset(_terms(span.text)))
        for hit in hits
        for span in sentences(hit.section.text)
        if not span.text.rstrip("*").endswith(("：", ":")) or quantities(span.text)
    ]


def sentence_features(asked: Asked, candidates: Sequence[Sentence]) -> NDArray[np.float64]:
    """The features of each sentence, in the order of `FEATURES`: sentences by features, 0 to 1."""
    best = max(candidate.hit.score for candidate in candidates) or 1.0
    alike = _similarities(asked, [candidate.span.text for candidate in candidates])
    rows = []
    for candidate, similarity in zip(candidates, alike, strict=True):
        hit, span, terms = candidate.hit, candidate.span, candidate.terms
        text, count = span.text.lower(), len(quantities(span.text)) if asked.wants_number else 0
        rows.append(
            (
                share(asked.clause, terms),
                share(asked.question, terms),
                sum(name in text for name in asked.names) / max(1, len(asked.names)),
                similarity,
                hit.score / best,
                1 - max(_LEAST_LOG, math.log(max(hit.score / best, 1e-9))) / _LEAST_LOG,
                float(count > 0),
                min(count, _MOST_NUMBERS) / _MOST_NUMBERS,
            )
        )
    return np.array(rows)


@cache
def shipped_sentence_weights() -> NDArray[np.float64]:
    """The weights fitted on all development questions, in the order of `FEATURES`."""
    found: dict[str, float] = json.loads(WEIGHTS_FILE.read_text(encoding="utf-8"))
    return np.array([found[name] for name in FEATURES])


def _terms(text: str) -> list[str]:
    return [*without_stop_words(words(text)), *without_stop_words(bigrams(text))]


def _similarities(asked: Asked, texts: Sequence[str]) -> list[float]:
    """The cosine of each sentence with the question; 0 where either is embedded as nothing."""
    # Together: one by one, LlamaIndex's own events take longer than the local embedding.
    vectors = np.asarray(local_embedding().get_text_embedding_batch(list(texts)), np.float32)
    lengths = np.linalg.norm(vectors, axis=1) * np.linalg.norm(asked.vector)
    dots = vectors @ asked.vector
    cosines: list[float] = np.divide(dots, lengths, np.zeros_like(dots), where=lengths > 0).tolist()
    return cosines
