"""How likely it is that the hits hold the answer, and what follows from it.

A logistic regression on what the search itself knows; `evals/fitting.py` fits it, on the gold
questions and on the same questions with their papers taken away, and `docs/retrieval.md` says how
far its word can be taken.
"""

from typing import Literal

import numpy as np
from numpy.typing import NDArray

from chatbot.index.store import Index
from chatbot.retrieval.models import Query
from chatbot.retrieval.ranking import Array, Signals
from chatbot.retrieval.weights import Weights

Decision = Literal["answer", "widen", "refuse"]
FEATURES = ("margin", "named")
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
    """What the confidence is judged by, in the order of `FEATURES`.

    `margin`: how far the best paper's best section leads that of the next, from 0 to 1; `named`:
    whether the question names the best paper.
    """
    if not len(scores):
        return np.zeros(len(FEATURES))
    order = np.argsort(-scores, kind="stable")
    papers = index.catalogue.paper_of_row[signals.rows[order]]
    others = np.flatnonzero(papers != papers[0])
    margin = float(scores[order[0]] - scores[order[others[0]]]) if len(others) else _LARGEST_MARGIN
    best = index.catalogue.papers[int(papers[0])]
    return np.array([min(margin / _LARGEST_MARGIN, 1.0), float(best.id in query.papers)])
