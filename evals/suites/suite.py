"""What a suite is: cases, and the metrics of each answer and of answers that belong together."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

from evals.answers import Answered, Metric
from evals.cases import Case, Datasets


@dataclass(frozen=True, slots=True)
class GroupMetric:
    """A figure for each group of cases it applies to; an error inside is scored by `value`."""

    name: str
    about: str
    applies: Callable[[Sequence[Answered]], bool]
    value: Callable[[Sequence[Answered]], float]
    better: Literal["higher", "lower"] = "higher"
    rate: bool = False


@dataclass(frozen=True, slots=True)
class Suite:
    """A set of cases and what is measured on their answers.

    `judged` says what a judge has to label, which only a model can: each claim of the answers, or
    the answers whole.
    """

    name: str
    about: str
    cases: Callable[[Datasets], Sequence[Case]]
    metrics: tuple[Metric, ...] = ()
    group_metrics: tuple[GroupMetric, ...] = ()
    judged: Literal["claims", "answers"] | None = None
    by_default: bool = True
