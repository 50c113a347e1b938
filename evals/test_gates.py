"""``pytest evals/``: the offline suites on all items, held against the gates and the baseline."""

from pathlib import Path
from typing import Any

import pytest

from chatbot.config import Settings
from evals.command import Wanted, run_suites


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """The report of the suites that run by default, without a model."""
    settings = Settings(
        OPENAI_API_KEY=None,
        OPENAI_BASE_URL=None,
        CHATBOT_EMBEDDING="local",
        CHATBOT_CHROMA_URL=None,
        CHATBOT_DATA_DIR=Path(tmp_path_factory.mktemp("evals")),
    )
    made, _ = run_suites(settings, Wanted())
    assert made is not None
    return made


def test_every_gate_passes(report: dict[str, Any]) -> None:
    """As ``chatbot eval`` does, which exits 1 where one fails."""
    assert report["gates"]["failed"] == []


def test_nothing_went_wrong_on_the_way(report: dict[str, Any]) -> None:
    """An error counts as the worst, and would be hidden in a mean of many."""
    assert [suite["errors"] for suite in report["suites"]] == [0] * len(report["suites"])


def test_planted_errors_are_caught_and_true_sentences_left_alone(report: dict[str, Any]) -> None:
    """What the deterministic layers must catch of Chinese claims; what they miss is shown too."""
    chinese = {row["kind"]: row["mean"] for row in report["verifier"]["zh"]}
    harmless = [row for row in report["verifier"]["zh"] if row["kind"].endswith("(false alarms)")]
    altered = [row for row in harmless if not row["kind"].startswith("untouched")]
    accused = sum(row["mean"] * row["n"] for row in altered) / sum(row["n"] for row in altered)
    assert chinese["untouched (false alarms)"] <= 0.03
    assert accused <= 0.05
    for kind, least in (
        ("number changed", 0.99),
        ("name swapped", 0.99),
        ("another paper cited", 0.99),
        ("another section cited", 0.97),
        ("number swapped within the section", 0.80),
    ):
        assert chinese[kind] >= least, kind
