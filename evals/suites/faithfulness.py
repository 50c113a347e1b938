"""Is each claim borne out by its own cited section, as a judge that reads sees it?

Scored only where there is a judge; shown as unverified until its agreement with the hand labels
(`datasets/judge_labels.jsonl`) is measured and at least 0.7 (Cohen's kappa).
"""

from collections.abc import Sequence

from evals.answers import CITING, Answered, Metric
from evals.cases import Case, Datasets, plain
from evals.suites.suite import Suite


def _cases(datasets: Datasets) -> Sequence[Case]:
    return [plain(item) for item in datasets.items if item.type in CITING]


def _share(label: str) -> Metric:
    """The share of claims with this label; an abstention is none of the others."""

    def value(answered: Answered) -> float:
        stated = [found for found in answered.judged if found != "abstention"]
        return stated.count(label) / len(stated) if stated else 0.0

    return Metric(
        f"claims {label}",
        f"share of an answer's claims that the judge calls {label}",
        lambda _: True,
        value,
        better="higher" if label == "supported" else "lower",
    )


SUITE = Suite(
    "faithfulness",
    "Whether a judge finds each claim borne out by the section it cites.",
    _cases,
    (
        _share("supported"),
        _share("unsupported"),
        _share("unscored"),
        Metric(
            "abstaining",
            "share of sentences that say something is not reported: a class of its own",
            lambda _: True,
            lambda a: a.judged.count("abstention") / len(a.judged) if a.judged else 0.0,
            better="lower",
        ),
    ),
    judged="claims",
    by_default=False,
)
