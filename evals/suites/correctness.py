"""Are the answers right, as a judge that reads sees it, beside the right answer?

Where the `answers` suite compares strings and values, this one reads. Scored only where there is a
judge. Its agreement with readers was measured on claims (`faithfulness`), not on whole answers.
"""

from collections.abc import Sequence

from evals.answers import Answered, Metric
from evals.cases import Case, Datasets, plain
from evals.suites.suite import Suite


def _cases(datasets: Datasets) -> Sequence[Case]:
    return [plain(item) for item in datasets.items if item.answer]


def _is_right(answered: Answered) -> float:
    wanted = "supported" if answered.item.is_answerable else "abstention"
    return float(answered.judged == (wanted,))


def _labelled(label: str) -> Metric:
    return Metric(
        f"answers {label}",
        f"answers that the judge calls {label}",
        lambda _: True,
        lambda a: float(a.judged == (label,)),
        better="lower",
        rate=True,
    )


SUITE = Suite(
    "correctness",
    "Whether a judge finds the answers right, beside the right ones.",
    _cases,
    (
        Metric(
            "right by judge",
            "answered as the reference does, or refused where it does",
            lambda _: True,
            _is_right,
            rate=True,
        ),
        _labelled("unsupported"),
        _labelled("abstention"),
        _labelled("unscored"),
    ),
    judged="answers",
    by_default=False,
)
