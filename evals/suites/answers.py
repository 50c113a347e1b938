"""Are the answers right? Key facts are compared as values; a refusal is not a wrong answer."""

from collections.abc import Sequence

from evals.answers import Answered, Metric, every_fact, facts, right
from evals.cases import Case, Datasets, plain
from evals.suites.suite import Suite


def _cases(datasets: Datasets) -> Sequence[Case]:
    return [plain(item) for item in datasets.items if not item.history]


def _has_facts(case: Case) -> bool:
    return bool(case.item.key_facts)


def _truthful(answered: Answered) -> float:
    """1 right, 0 refused, -1 wrong: their mean is (2 right + refused) / n - 1."""
    if right(answered):
        return 1.0
    return 0.0 if answered.abstained else -1.0


def _length(answered: Answered) -> float:
    """Twice the length that is wanted (350 characters) or more is 0, up to that length 1."""
    return min(1.0, max(0.0, 2 - len(answered.markdown) / 350))


SUITE = Suite(
    "answers",
    "Whether the answers are right.",
    _cases,
    (
        Metric("every key fact", "the answer holds all key facts", _has_facts, every_fact),
        Metric("key facts", "share of key facts in the answer", _has_facts, facts),
        Metric(
            "truthfulness",
            "1 right, 0 refused, -1 wrong; -1 to 1",
            lambda _: True,
            _truthful,
            least=-1.0,
        ),
        Metric(
            "brevity",
            "1 up to 350 characters, falling to 0 at 700; of answers to look-ups",
            lambda case: case.item.type in {"fact", "numeric", "english"},
            lambda a: _length(a) if a.markdown else 0.0,
        ),
    ),
)
