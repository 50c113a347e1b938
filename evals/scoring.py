"""Answers to scores: a row for each case and each group of cases, by suite."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from statistics import fmean
from typing import Literal

from pydantic import BaseModel, ConfigDict

from evals.answering import AnswerRow, Status
from evals.answers import Answered
from evals.cases import Case, Datasets
from evals.suites.suite import Suite


class ScoreRow(BaseModel):
    """What one case, or one group of cases, scored in a suite; a metric that does not apply is out.

    `paper` groups rows for the intervals. Over repeats a value is the mean.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    suite: str
    unit: str
    kind: Literal["case", "group"]
    status: Status
    paper: str
    type: str
    lang: str
    values: dict[str, float]


def score(
    suite: Suite,
    datasets: Datasets,
    rows: Mapping[str, Sequence[AnswerRow]],
    judged: Mapping[tuple[str, int], Sequence[str]] | None = None,
) -> list[ScoreRow]:
    """The scores of a suite; `rows` are the answers by case, one for each repeat.

    `judged` are a judge's labels by case and repeat. A case without an answer (the run was limited)
    is left out.
    """
    labels = judged or {}
    cases = [case for case in suite.cases(datasets) if case.key in rows]
    answered = {
        case.key: [
            replace(
                Answered.of_row(case, row), judged=tuple(labels.get((row.case, row.repeat), ()))
            )
            for row in rows[case.key]
        ]
        for case in cases
    }
    return [
        *(_of_case(suite, case, answered[case.key]) for case in cases),
        *_of_groups(suite, cases, answered),
    ]


def _of_case(suite: Suite, case: Case, answers: Sequence[Answered]) -> ScoreRow:
    values = {
        metric.name: fmean(metric.of(answer) for answer in answers)
        for metric in suite.metrics
        if metric.applies(case)
    }
    return _row(suite, case.key, "case", answers, values)


def _of_groups(
    suite: Suite, cases: Sequence[Case], answered: Mapping[str, Sequence[Answered]]
) -> list[ScoreRow]:
    groups: dict[str, list[Case]] = {}
    for case in cases:
        groups.setdefault(case.group, []).append(case)
    found = []
    for name, members in groups.items():
        first = [answered[case.key][0] for case in members]
        values = {
            metric.name: fmean(metric.value(group) for group in _by_repeat(members, answered))
            for metric in suite.group_metrics
            if metric.applies(first)
        }
        if values:
            found.append(_row(suite, name, "group", first, values))
    return found


def _by_repeat(
    members: Sequence[Case], answered: Mapping[str, Sequence[Answered]]
) -> list[list[Answered]]:
    """The group as it was answered each time."""
    times = min(len(answered[case.key]) for case in members)
    return [[answered[case.key][n] for case in members] for n in range(times)]


def _row(
    suite: Suite,
    unit: str,
    kind: Literal["case", "group"],
    answers: Sequence[Answered],
    values: dict[str, float],
) -> ScoreRow:
    item = answers[0].item
    return ScoreRow(
        suite=suite.name,
        unit=unit,
        kind=kind,
        status=_status(suite, answers),
        paper=item.group,
        type=item.type,
        lang=item.lang,
        values=values,
    )


def _status(suite: Suite, answers: Sequence[Answered]) -> Status:
    """An error in any repeat is one; what a judge was to score and did not is unscored."""
    if any(answer.status == "error" for answer in answers):
        return "error"
    if suite.judged and any("unscored" in a.judged or not a.judged for a in answers):
        return "unscored"
    return answers[0].status
