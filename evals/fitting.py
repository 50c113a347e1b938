"""Fitting what retrieval weighs: the ranking's weights, and the confidence that follows from them.

Both are small and convex. The shipped figures (`chatbot/retrieval/weights.json`) are fitted on all
questions; what is reported of them is cross-validated, in folds that share no paper.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

Floats = NDArray[np.float64]
RIDGE = 0.001


@dataclass(frozen=True, slots=True)
class Judged:
    """One question's candidates: features (candidates by features), and the right ones' places."""

    features: NDArray[np.float32]
    right: NDArray[np.int64]


def fit_ranking(questions: Sequence[Judged], ridge: float = RIDGE) -> Floats:
    """Weights that make the right candidates likely (softmax over the candidates of a question).

    Several right candidates share the credit; a question without one is left out.
    """
    usable = [q for q in questions if len(q.right)]

    def loss(weights: Floats) -> tuple[float, Floats]:
        total, gradient = 0.0, np.zeros_like(weights)
        for question in usable:
            scores = question.features @ weights
            likely = np.exp(scores - scores.max())
            likely /= likely.sum()
            right = likely[question.right].sum() + 1e-12
            total -= np.log(right)
            credit = np.zeros_like(likely)
            credit[question.right] = likely[question.right] / right
            gradient -= question.features.T @ (credit - likely)
        count = len(usable)
        value = float(total / count + ridge * weights @ weights)
        return value, gradient / count + 2 * ridge * weights

    start = np.ones(usable[0].features.shape[1])
    result = minimize(loss, start, jac=True, method="L-BFGS-B", options={"maxiter": 500})
    return np.asarray(result.x)


def fit_logistic(features: Floats, outcomes: Floats, ridge: float = 0.01) -> Floats:
    """Weights of a logistic regression; the last one is the constant."""
    inputs = np.column_stack([features, np.ones(len(features))])

    def loss(weights: Floats) -> tuple[float, Floats]:
        odds = inputs @ weights
        likely = 1 / (1 + np.exp(-odds))
        error = -np.mean(outcomes * odds - np.logaddexp(0, odds))
        penalty = ridge * weights[:-1] @ weights[:-1]
        gradient = inputs.T @ (likely - outcomes) / len(outcomes)
        gradient[:-1] += 2 * ridge * weights[:-1]
        return float(error + penalty), gradient

    result = minimize(loss, np.zeros(inputs.shape[1]), jac=True, method="L-BFGS-B")
    return np.asarray(result.x)
