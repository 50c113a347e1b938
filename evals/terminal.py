"""What ``chatbot eval`` prints: results on standard output, tidings on standard error."""

import json
import shutil
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import typer

from chatbot.config import Settings
from chatbot.errors import ChatbotError
from evals.runs import run_names


def print_list(settings: Settings, *, runs: bool) -> None:
    """Print the suites, or the runs."""
    from evals.suites import suites

    if runs:
        print("\n".join(run_names(settings.data_dir / "evals")))
        return
    for suite in suites({}).values():
        mark = "" if suite.by_default else "  (by name only)"
        print(f"{suite.name:13} {suite.about}{mark}")


def print_problems(settings: Settings, path: Path) -> None:
    """Print what is wrong with a dataset; exit 1 if anything is."""
    from chatbot.bot import ensure_index
    from chatbot.index.reading import open_index
    from evals.validate import problems_of

    ensure_index(settings)
    problems = problems_of(path, open_index(settings))
    for problem in problems:
        print(problem)
    if problems:
        raise typer.Exit(1)
    print(f"{path}: no problem found", file=sys.stderr)


def print_report(report: Mapping[str, Any] | None, folder: Path, *, as_json: bool) -> None:
    """Print the figures, and where the report is."""
    if report is None:
        print(folder)
    elif as_json:
        print(json.dumps(report, ensure_ascii=False))
    else:
        print((folder / "report.md").read_text(encoding="utf-8"))
        print(f"{folder / 'report.html'}", file=sys.stderr)


def save_baseline(folder: Path, target: Path) -> None:
    """Make a run's scores the baseline.

    Raises:
        ChatbotError: the run has no scores.
    """
    scores = folder / "scores.jsonl"
    if not scores.exists():
        raise ChatbotError(f"{folder} has no scores; run its stages 'answer' and 'score'")
    target.parent.mkdir(exist_ok=True)
    shutil.copyfile(scores, target)
