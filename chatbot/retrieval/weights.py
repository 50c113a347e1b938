"""The fitted weights that come with the package (`weights.json`, written by `evals.fitting`)."""

import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

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
