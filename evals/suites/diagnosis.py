"""How much is lost in finding, in choosing what to say, and to noise? After 2601.21937.

The same questions with no section at all, with the needed ones alone, with those and noise, and
with what is found.
"""

from collections.abc import Sequence

from evals.answers import Answered, Metric, every_fact
from evals.cases import Case, Datasets, Setting, in_setting, plain
from evals.suites.suite import GroupMetric, Suite

_TYPES = frozenset({"fact", "numeric", "english"})
_SETTINGS: tuple[Setting, ...] = ("nothing", "gold", "gold_and_noise")


def _cases(datasets: Datasets) -> Sequence[Case]:
    items = [item for item in datasets.items if item.type in _TYPES]
    return [
        *map(plain, items),
        *(in_setting(item, setting) for setting in _SETTINGS for item in items),
    ]


def _in(setting: Setting, name: str, about: str) -> Metric:
    return Metric(name, about, lambda case: case.setting == setting, every_fact)


def _lost(name: str, about: str, before: Setting, after: Setting) -> GroupMetric:
    def value(group: Sequence[Answered]) -> float:
        held = {a.case.setting: 0.0 if a.status == "error" else every_fact(a) for a in group}
        return held[before] - held[after]

    return GroupMetric(
        name,
        about,
        lambda group: {before, after} <= {a.case.setting for a in group},
        value,
        better="lower",
    )


SUITE = Suite(
    "diagnosis",
    "Where right answers are lost.",
    _cases,
    (
        _in("nothing", "no section", "every key fact with nothing to read: what is guessed"),
        _in("gold", "needed sections", "every key fact with the needed sections alone"),
        _in("gold_and_noise", "needed and noise", "the same with three sections of other papers"),
        _in("plain", "what is found", "every key fact as it is"),
    ),
    (
        _lost("lost to noise", "needed sections less needed and noise", "gold", "gold_and_noise"),
        _lost("lost in finding", "needed sections less what is found", "gold", "plain"),
    ),
    by_default=False,
)
