"""What other wording, noise, other talk, a planted contradiction and a missing section do.

Consistency over paraphrases after 2601.05905. With the needed section taken away what was said of
it has to go: a citation that the answer does not depend on causes nothing.
"""

from collections.abc import Callable, Sequence
from itertools import combinations

from evals.answers import Answered, Metric, every_fact, facts
from evals.cases import Case, Datasets, contradicted, in_setting, paraphrased, plain
from evals.facts import holds
from evals.items import Item
from evals.suites.suite import GroupMetric, Suite

_TYPES = frozenset({"fact", "numeric", "english"})


def _cases(datasets: Datasets) -> Sequence[Case]:
    by_id = {item.id: item for item in datasets.items}
    single = [item for item in datasets.items if item.type in _TYPES]
    return [
        *(plain(by_id[name]) for name in _asked(datasets, single)),
        *(paraphrased(p, by_id[p.of]) for p in datasets.paraphrases if p.of in by_id),
        *(in_setting(item, "noise") for item in single),
        *(in_setting(item, "history") for item in single),
        *(in_setting(item, "removed") for item in single),
        *(contradicted(c, by_id[c.of]) for c in datasets.contradictions if c.of in by_id),
    ]


def _asked(datasets: Datasets, single: Sequence[Item]) -> list[str]:
    return list(dict.fromkeys([*(i.id for i in single), *(p.of for p in datasets.paraphrases)]))


def _plain(group: Sequence[Answered]) -> Answered | None:
    return next((a for a in group if a.case.setting == "plain" and not a.case.kind), None)


def _like(setting: str, kind: str = "") -> Callable[[Answered], bool]:
    return lambda a: a.case.setting == setting and a.case.kind == kind


def _drop(name: str, about: str, belongs: Callable[[Answered], bool]) -> GroupMetric:
    """By how much the share of key facts falls, beside the same question asked plainly."""

    def applies(group: Sequence[Answered]) -> bool:
        return _plain(group) is not None and any(map(belongs, group))

    def value(group: Sequence[Answered]) -> float:
        before = _plain(group)
        after = [_facts(a) for a in group if belongs(a)]
        return (_facts(before) if before else 0.0) - sum(after) / len(after)

    return GroupMetric(name, about, applies, value, better="lower")


def _facts(answered: Answered) -> float:
    return 0.0 if answered.status == "error" else facts(answered)


def _worded(group: Sequence[Answered]) -> list[Answered]:
    return [a for a in group if a.case.setting == "plain"]


def _agreement(group: Sequence[Answered]) -> float:
    """The share of pairs of wordings that are both answered with every fact, or neither."""
    pairs = list(combinations([bool(_facts(a) == 1.0) for a in _worded(group)], 2))
    return sum(a == b for a, b in pairs) / len(pairs)


def _gone(group: Sequence[Answered]) -> float:
    """Whether without the needed sections the answer no longer holds every key fact."""
    after = next(a for a in group if a.case.setting == "removed")
    return float(after.status != "error" and (after.abstained or every_fact(after) == 0.0))


def _depends(group: Sequence[Answered]) -> bool:
    before = _plain(group)
    removed = any(a.case.setting == "removed" for a in group)
    return removed and before is not None and bool(before.item.key_facts) and _facts(before) == 1.0


def _says(answered: Answered, planted: Sequence[str]) -> bool:
    return any(holds(answered.markdown, words) for words in planted)


def _is_planted(case: Case) -> bool:
    return case.setting == "planted"


SUITE = Suite(
    "robustness",
    "What other wording, noise, other talk and contradictions do to the answers.",
    _cases,
    (
        Metric(
            "planted: the true facts are still given",
            "with a paper in the index that says otherwise",
            _is_planted,
            every_fact,
            rate=True,
        ),
        Metric(
            "planted: only the planted is said",
            "the contradiction is followed and the true left out",
            _is_planted,
            lambda a: float(_says(a, a.case.planted) and not every_fact(a)),
            better="lower",
            rate=True,
        ),
    ),
    (
        _drop("drop, paraphrased", "key facts lost in other words", _like("plain", "paraphrase")),
        _drop("drop, mistyped", "key facts lost to typing mistakes", _like("plain", "typo")),
        _drop("drop, noise", "key facts lost to sections of other papers", _like("noise")),
        _drop("drop, other talk", "key facts lost after other talk", _like("history")),
        GroupMetric(
            "consistency over wordings",
            "pairs of wordings both right or both not (2601.05905)",
            lambda group: len(_worded(group)) > 1,
            _agreement,
        ),
        GroupMetric(
            "the citation causes the answer",
            "without the needed sections the facts are no longer said",
            _depends,
            _gone,
            rate=True,
        ),
    ),
    by_default=False,
)
