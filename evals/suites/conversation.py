"""Follow-ups: is the last turn of a conversation answered?"""

from collections.abc import Sequence

from evals.answers import Metric, cited_needed, every_fact, facts, needed_cited
from evals.cases import Case, Datasets, plain
from evals.suites.suite import Suite


def _cases(datasets: Datasets) -> Sequence[Case]:
    return [plain(item) for item in datasets.items if item.history]


def _any(_: Case) -> bool:
    return True


SUITE = Suite(
    "conversation",
    "Whether follow-ups are answered.",
    _cases,
    (
        Metric("every key fact", "the answer holds all key facts", _any, every_fact),
        Metric("key facts", "share of key facts in the answer", _any, facts),
        Metric("gold sections cited", "share of needed sections cited", _any, needed_cited),
        Metric("citations needed", "share of citations that are needed", _any, cited_needed),
    ),
)
