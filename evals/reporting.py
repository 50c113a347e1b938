"""Scores to a report: figures with intervals, by kind, against the baseline, worst items first."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from evals.answering import AnswerRow
from evals.answers import Metric
from evals.cases import Case
from evals.gates import Gate, judge_gate
from evals.scoring import ScoreRow
from evals.statistics import Estimate, bootstrap, paired, wilson, worst_share
from evals.suites.suite import GroupMetric, Suite

_WORST_PAPERS = 10
AnyMetric = Metric | GroupMetric


@dataclass(frozen=True, slots=True)
class Scored:
    """A run's scores and what they are held against."""

    rows: Sequence[ScoreRow]
    baseline: Mapping[tuple[str, str], Mapping[str, float]]
    gates: Mapping[tuple[str, str], Gate]


def suite_report(
    suite: Suite,
    scored: Scored,
    cases: Mapping[str, Case],
    answers: Mapping[str, Sequence[AnswerRow]],
) -> dict[str, Any]:
    """One suite of ``report.json``."""
    rows = [row for row in scored.rows if row.suite == suite.name]
    of_cases = [row for row in rows if row.kind == "case"]
    wanted: list[AnyMetric] = [*suite.metrics, *suite.group_metrics]
    metrics = [_metric(suite.name, metric, rows, scored) for metric in wanted]
    return {
        "name": suite.name,
        "about": suite.about,
        "n": len(of_cases),
        "ok": sum(row.status == "ok" for row in of_cases),
        "abstained": sum(row.status == "abstained" for row in of_cases),
        "errors": sum(row.status == "error" for row in of_cases),
        "unscored": sum(row.status == "unscored" for row in of_cases),
        "metrics": [metric for metric in metrics if metric["n"]],
        "items": _items(suite, of_cases, cases, answers),
    }


def _metric(
    suite: str, metric: AnyMetric, rows: Sequence[ScoreRow], scored: Scored
) -> dict[str, Any]:
    those = [row for row in rows if metric.name in row.values]
    values = {row.unit: row.values[metric.name] for row in those}
    papers = {row.unit: row.paper for row in those}
    mean = _estimate(metric, those)
    before = scored.baseline.get((suite, metric.name), {})
    difference = paired(values, before, papers) if before else None
    lower = metric.better == "lower"
    verdict = judge_gate(
        scored.gates.get((suite, metric.name)), mean.mean, difference, lower_is_better=lower
    )
    signed = [-value if lower else value for value in values.values()]
    return {
        "name": metric.name,
        "about": metric.about,
        **_figures(mean),
        "scored": sum(row.status != "unscored" for row in those),
        "better": metric.better,
        "worst": abs(worst_share(signed)) if lower else worst_share(signed),
        "baseline": None
        if difference is None or not difference.n
        else {
            "mean": _rounded(sum(before[n] for n in values if n in before) / difference.n),
            "difference": _rounded(difference.mean),
            "low": _rounded(difference.low),
            "high": _rounded(difference.high),
            "n": difference.n,
        },
        "gate": None
        if verdict is None
        else {"floor": verdict.bound, "passed": verdict.passed, "why": verdict.why},
        "by": {
            "type": _by(metric, those, lambda row: row.type),
            "lang": _by(metric, those, lambda row: row.lang),
        },
        "papers": _papers(metric, those),
    }


def _by(
    metric: AnyMetric, rows: Sequence[ScoreRow], of: Callable[[ScoreRow], str]
) -> dict[str, Any]:
    kinds = sorted({of(row) for row in rows})
    return {k: _figures(_estimate(metric, [r for r in rows if of(r) == k])) for k in kinds}


def _papers(metric: AnyMetric, rows: Sequence[ScoreRow]) -> list[dict[str, Any]]:
    """The papers that do worst."""
    by_paper: dict[str, list[float]] = {}
    for row in rows:
        by_paper.setdefault(row.paper, []).append(row.values[metric.name])
    sign = -1 if metric.better == "lower" else 1
    means = {paper: sum(found) / len(found) for paper, found in by_paper.items()}
    worst = sorted(means, key=lambda paper: (sign * means[paper], paper))[:_WORST_PAPERS]
    return [{"paper": p, "mean": _rounded(means[p]), "n": len(by_paper[p])} for p in worst]


def _estimate(metric: AnyMetric, rows: Sequence[ScoreRow]) -> Estimate:
    values = [row.values[metric.name] for row in rows]
    return wilson(values) if metric.rate else bootstrap(values, [row.paper for row in rows])


def _figures(estimate: Estimate) -> dict[str, Any]:
    return {
        name: _rounded(value) if isinstance(value, float) else value
        for name, value in asdict(estimate).items()
    }


def _rounded(value: float) -> float:
    return round(float(value), 4)


def _items(
    suite: Suite,
    rows: Sequence[ScoreRow],
    cases: Mapping[str, Case],
    answers: Mapping[str, Sequence[AnswerRow]],
) -> list[dict[str, Any]]:
    """The cases, worst first: by the mean of their values, errors before all."""
    lower = {metric.name for metric in suite.metrics if metric.better == "lower"}

    def goodness(row: ScoreRow) -> tuple[bool, float, str]:
        values = [1 - v if name in lower else v for name, v in row.values.items()]
        return row.status != "error", sum(values) / len(values) if values else 1.0, row.unit

    return [_item(row, cases[row.unit], answers[row.unit][0]) for row in sorted(rows, key=goodness)]


def _item(row: ScoreRow, case: Case, answer: AnswerRow) -> dict[str, Any]:
    item, given = case.item, answer.answer or {}
    return {
        "unit": row.unit,
        "status": row.status,
        "question": item.question,
        "history": [{"role": turn.role, "content": turn.content} for turn in item.history],
        "type": row.type,
        "lang": row.lang,
        "paper": row.paper,
        "values": {name: _rounded(value) for name, value in row.values.items()},
        "answer": given.get("answer"),
        "abstain_reason": given.get("abstain_reason"),
        "error": answer.error,
        "expected": {
            "answer": item.answer,
            "key_facts": list(item.key_facts),
            "sections": list(item.sections),
            "evidence": [evidence.model_dump() for evidence in item.evidence],
        },
        "citations": [
            {name: cited[name] for name in ("n", "section", "title", "url", "quote")}
            for cited in given.get("citations", [])
        ],
        "sentences": given.get("sentences", []),
    }


def to_markdown(report: Mapping[str, Any]) -> str:
    """The figures as Markdown, for a pull request."""
    run, gates = report["run"], report["gates"]
    lines = [f"## Evals: {run['model']}, run {run['id']}", ""]
    lines += [f"Gates {'passed' if gates['passed'] else 'failed'}.", ""]
    lines += [f"- {failed}" for failed in gates["failed"]]
    for suite in report["suites"]:
        counted = f"{suite['n']} cases, {suite['abstained']} refused, {suite['errors']} errors"
        lines += ["", f"### {suite['name']} ({counted})", ""]
        lines += ["| metric | mean [95 %] | n | scored | worst 5 % | change | gate |"]
        lines += ["|---|---|---|---|---|---|---|"]
        lines += [_markdown_row(metric) for metric in suite["metrics"]]
    return "\n".join(lines) + "\n"


def _markdown_row(metric: Mapping[str, Any]) -> str:
    before, gate = metric["baseline"], metric["gate"]
    change = (
        f"{before['difference']:+.2f} [{before['low']:+.2f}, {before['high']:+.2f}]"
        if before
        else ""
    )
    passed = "" if gate is None else ("pass" if gate["passed"] else f"FAIL: {gate['why']}")
    interval = f"{metric['mean']:.2f} [{metric['low']:.2f}, {metric['high']:.2f}]"
    cells = (metric["n"], metric["scored"], f"{metric['worst']:.2f}", change, passed)
    return f"| {metric['name']} | {interval} | " + " | ".join(map(str, cells)) + " |"
