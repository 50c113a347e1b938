"""The stages of a run, each of which can be run again alone: answer, score, report."""

import json
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path
from typing import Any

from chatbot.files import json_lines, write_atomically
from chatbot.index.generation import Progress
from chatbot.index.reading import Index
from chatbot.understanding.models import Language
from evals.answering import AnswerRow, Bench, answer_case
from evals.answers import Answered
from evals.cases import Case, Datasets
from evals.gates import Gate
from evals.judging import LEAST_AGREEMENT, JudgedText, agreement_with, judged_answers, judged_claims
from evals.report_html import to_html
from evals.reporting import Scored, suite_report, to_markdown
from evals.runs import ANSWERS, SCORES, RunFolder
from evals.scoring import ScoreRow, score
from evals.suites.suite import Suite
from evals.usage import usage_by_call
from evals.verifier import caught, true_claims

REPORT, JUDGED = "report", "judged.jsonl"


def cases_of(
    suites: Sequence[Suite], datasets: Datasets, limit: int | None = None
) -> dict[str, Case]:
    """The cases to answer, by key, each once; `limit` takes so many of each suite, spread out."""
    found: dict[str, Case] = {}
    for suite in suites:
        cases = list(suite.cases(datasets))
        step = max(1, len(cases) // limit) if limit else 1
        found |= {case.key: case for case in cases[::step][:limit]}
    return found


def answer_stage(
    run: RunFolder,
    benches: Sequence[Bench],
    cases: Mapping[str, Case],
    *,
    concurrency: int = 2,
    progress: Progress | None = None,
) -> None:
    """Ask what has no answer yet; a bench for each repeat. Each row is written as it comes."""
    done = {(row.case, row.repeat) for row in run.rows(ANSWERS, AnswerRow)}
    todo = [
        (bench, case, repeat)
        for repeat, bench in enumerate(benches)
        for case in cases.values()
        if (case.key, repeat) not in done
    ]
    with ThreadPoolExecutor(concurrency) as pool:
        asked = [pool.submit(answer_case, *job) for job in todo]
        for number, future in enumerate(as_completed(asked), 1):
            run.append(ANSWERS, future.result())
            if progress:
                progress("answer", number, len(todo))


def score_stage(
    run: RunFolder, suites: Sequence[Suite], datasets: Datasets, bench: Bench
) -> list[ScoreRow]:
    """Score all answers there are, anew; the bench's model judges where a suite wants a judge."""
    answers = answers_of(run)
    judged = _judged(run, suites, datasets, bench)
    rows = [
        row for suite in suites for row in score(suite, datasets, answers, judged.get(suite.name))
    ]
    run.replace(SCORES, list(rows))
    return rows


def _judged(
    run: RunFolder, suites: Sequence[Suite], datasets: Datasets, bench: Bench
) -> dict[str, dict[tuple[str, int], list[str]]]:
    """A judge's labels by suite, then case and repeat; what it said is kept in the run's folder."""
    model = bench.model
    if model is None:
        return {}
    answers = answers_of(run)
    found: list[JudgedText] = []
    for suite in (suite for suite in suites if suite.judged):
        given = [
            (row, Answered.of_row(case, row))
            for case in suite.cases(datasets)
            for row in answers.get(case.key, ())
        ]
        found += (
            judged_claims(model, bench.index, suite.name, given)
            if suite.judged == "claims"
            else judged_answers(model, suite.name, given)
        )
    if found:
        run.replace(JUDGED, list(found))
    labels: dict[str, dict[tuple[str, int], list[str]]] = {}
    for text in found:
        of_suite = labels.setdefault(text.suite, {})
        of_suite.setdefault((text.case, text.repeat), []).append(text.label)
    return labels


def answers_of(run: RunFolder) -> dict[str, list[AnswerRow]]:
    """The answers by case, in order of their repeats."""
    found: dict[str, list[AnswerRow]] = {}
    for row in sorted(run.rows(ANSWERS, AnswerRow), key=lambda row: row.repeat):
        found.setdefault(row.case, []).append(row)
    return found


def report_stage(
    run: RunFolder,
    suites: Sequence[Suite],
    datasets: Datasets,
    against: tuple[Mapping[tuple[str, str], Gate], Sequence[ScoreRow]],
    extras: Mapping[str, Any],
) -> dict[str, Any]:
    """Write the report as JSON, Markdown and HTML; `against` are the gates and the baseline.

    `extras` are what is not drawn from the rows: the verifier's table, the judge's agreement.
    """
    gates, baseline = against
    answers, manifest = answers_of(run), run.manifest()
    scored = Scored(run.rows(SCORES, ScoreRow), by_metric(baseline), gates)
    cases = {case.key: case for suite in suites for case in suite.cases(datasets)}
    reports = [suite_report(suite, scored, cases, answers) for suite in suites]
    failed = [
        f"{suite['name']}: {metric['name']}: {metric['gate']['why']}"
        for suite in reports
        for metric in suite["metrics"]
        if metric["gate"] and not metric["gate"]["passed"]
    ]
    spent = sum(row.milliseconds for rows in answers.values() for row in rows) / 1000
    report = {
        "run": manifest | {"seconds": round(spent, 1)},
        "suites": reports,
        "gates": {"passed": not failed, "failed": failed},
        "usage": usage_by_call(manifest["model"], answers, run.rows(JUDGED, JudgedText)),
        **extras,
    }
    for suffix, text in (
        ("json", json.dumps(report, ensure_ascii=False, allow_nan=False) + "\n"),
        ("md", to_markdown(report)),
        ("html", to_html(report)),
    ):
        write_atomically(run.path / f"{REPORT}.{suffix}", text.encode())
    return report


def by_metric(rows: Sequence[ScoreRow]) -> dict[tuple[str, str], dict[str, float]]:
    """Values by suite and metric, then by unit."""
    found: dict[tuple[str, str], dict[str, float]] = {}
    for row in rows:
        for name, value in row.values.items():
            found.setdefault((row.suite, name), {})[row.unit] = value
    return found


def verifier_table(index: Index, datasets: Datasets) -> dict[str, list[dict[str, Any]]]:
    """What the verifier catches of planted errors, by language."""
    languages: tuple[Language, ...] = ("zh", "en")
    return {
        language: [
            {
                "kind": found.kind,
                "mean": round(found.share.mean, 4),
                "low": round(found.share.low, 4),
                "high": round(found.share.high, 4),
                "n": found.share.n,
            }
            for found in caught(index, true_claims(index, datasets.items, language))
        ]
        for language in languages
    }


def judge_table(bench: Bench, datasets: Datasets, suites: Sequence[Suite]) -> dict[str, Any]:
    """How far the judge agrees with the hand labels, and what that makes of its scores."""
    if bench.model is None or not any(suite.judged for suite in suites):
        return {"kappa": None, "note": "not measured: no judge was asked"}
    if not datasets.labels:
        return {"kappa": None, "note": "not measured: this dataset has no labelled claims"}
    kappa = agreement_with(bench.model, bench.index, datasets.labels)
    trusted = kappa.mean >= LEAST_AGREEMENT
    note = "judged scores may be relied on" if trusted else "judged scores are unverified"
    figures = {name: round(getattr(kappa, name), 4) for name in ("mean", "low", "high")}
    return {"kappa": {**figures, "n": kappa.n}, "note": f"{note} (kappa of 0.7 is asked for)"}


def read_scores(path: Path) -> list[ScoreRow]:
    """The scores of a run or of the committed baseline; none where there is no file."""
    if not path.exists():
        return []
    lines = json_lines(path.read_text(encoding="utf-8"))
    return [ScoreRow.model_validate_json(line) for _, line in lines]
