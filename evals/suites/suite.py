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

    With `needs_judge` the answers are judged claim by claim, which only a model can do.
    """

    name: str
    about: str
    cases: Callable[[Datasets], Sequence[Case]]
    metrics: tuple[Metric, ...] = ()
    group_metrics: tuple[GroupMetric, ...] = ()
    needs_judge: bool = False
    by_default: bool = True
