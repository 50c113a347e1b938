"""Does it say so when the reports do not say, and only then? Pairs after 2602.16756."""

from collections.abc import Sequence

from evals.answers import Answered, Metric, refused, right
from evals.cases import Case, Datasets, plain
from evals.suites.suite import GroupMetric, Suite


def _cases(datasets: Datasets) -> Sequence[Case]:
    items = [item for item in datasets.items if item.type == "unanswerable" and not item.pair]
    twins = [Case(f"plain/{item.id}", item, group=item.pair or item.id) for item in datasets.twins]
    return [*map(plain, items), *twins]


def _is_pair(group: Sequence[Answered]) -> bool:
    return len(group) == 2 and len({a.item.is_answerable for a in group}) == 2  # noqa: PLR2004


def _held_out(case: Case) -> bool:
    return case.item.split == "held_out" and not case.item.is_answerable


SUITE = Suite(
    "abstention",
    "Whether what the reports do not say is refused, and nothing else.",
    _cases,
    (
        Metric(
            "refused",
            "unanswerable questions that are refused",
            lambda case: not case.item.is_answerable,
            refused,
            rate=True,
        ),
        Metric(
            "refused, held out",
            "of those, pairs written after the rules for refusing",
            _held_out,
            refused,
            rate=True,
        ),
        Metric(
            "for the right reason",
            "unanswerable questions refused with the reason they were written for",
            lambda case: case.item.reason is not None,
            lambda a: float(a.abstain_reason == a.item.reason),
            rate=True,
        ),
        Metric(
            "wrongly refused",
            "answerable twins that are refused",
            lambda case: case.item.is_answerable,
            refused,
            better="lower",
            rate=True,
        ),
    ),
    (
        GroupMetric(
            "refusals deserved",
            "share of refusals that were of unanswerable questions",
            lambda group: any(a.abstained for a in group),
            lambda group: _deserved([a for a in group if a.abstained]),
        ),
        GroupMetric(
            "pairs both right",
            "the question answered with every fact and its twin refused",
            _is_pair,
            lambda group: float(all(map(right, group))),
            rate=True,
        ),
    ),
)


def _deserved(refusals: Sequence[Answered]) -> float:
    return sum(not a.item.is_answerable for a in refusals) / len(refusals)
