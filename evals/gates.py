"""When a run fails: a figure under its floor, or clearly worse than the committed baseline."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from chatbot.errors import ChatbotError
from evals.statistics import Estimate

GATES = Path(__file__).with_name("gates.toml")


@dataclass(frozen=True, slots=True)
class Gate:
    """The bound of a metric: the least it may be, or the most where lower is better."""

    bound: float


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether a metric passed, and why not."""

    bound: float | None
    passed: bool
    why: str


def load_gates(path: Path = GATES) -> Mapping[tuple[str, str], Gate]:
    """The gates by suite and metric: TOML, ``[suite]`` then ``"metric" = bound``.

    Raises:
        ChatbotError: the file cannot be read.
    """
    try:
        read = tomllib.loads(path.read_text(encoding="utf-8"))
        return {
            (suite, metric): Gate(float(bound))
            for suite, bounds in read.items()
            for metric, bound in bounds.items()
        }
    except (OSError, ValueError, AttributeError, TypeError) as error:
        raise ChatbotError(f"{path} cannot be read: {error}") from error


def judge_gate(
    gate: Gate | None, mean: float, difference: Estimate | None, *, lower_is_better: bool
) -> Verdict | None:
    """Whether a figure passes; None where it has neither a gate nor a baseline.

    Against the baseline it fails only where the interval of the paired difference excludes zero.
    """
    if gate is None and difference is None:
        return None
    bound = gate.bound if gate else None
    if gate is not None and (mean > gate.bound if lower_is_better else mean < gate.bound):
        side = "over" if lower_is_better else "under"
        return Verdict(bound, passed=False, why=f"{mean:.2f} is {side} its bound {gate.bound:.2f}")
    if difference is not None and difference.n:
        worse = difference.low > 0 if lower_is_better else difference.high < 0
        if worse:
            return Verdict(bound, passed=False, why=f"worse than the baseline by {difference}")
    return Verdict(bound, passed=True, why="")
