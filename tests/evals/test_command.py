"""``chatbot eval`` as it is typed, and the settings that make questions harder."""

import json
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from chatbot.cli.commands import main
from chatbot.config import Settings
from chatbot.index.reading import Index
from evals.answering import Bench, answer_case
from evals.cases import Setting, in_setting, load_datasets
from evals.command import Wanted, run_suites
from evals.items import DATASETS

DATASETS_READ = load_datasets()
ITEM = next(item for item in DATASETS_READ.items if item.id == "000-22")


@pytest.fixture(scope="module")
def home(seed_settings: Settings, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return shutil.copytree(seed_settings.data_dir, tmp_path_factory.mktemp("command") / "data")


@pytest.fixture
def run(
    home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[..., tuple[int, str, str]]:
    def command(*words: str) -> tuple[int, str, str]:
        monkeypatch.setenv("CHATBOT_DATA_DIR", str(home))
        monkeypatch.setattr(sys, "argv", ["chatbot", "eval", *words])
        with pytest.raises(SystemExit) as ending:
            main()
        printed = capsys.readouterr()
        return int(ending.value.code or 0), printed.out, printed.err

    return command


Run = Callable[..., tuple[int, str, str]]


def test_the_suites_are_listed_with_what_they_are_for(run: Run) -> None:
    status, out, _ = run("--list")
    assert status == 0
    assert "faithfulness  Whether a judge" in out
    assert out.count("by name only") == 5


def test_a_run_prints_its_figures_and_where_its_page_is(run: Run) -> None:
    status, out, err = run("conversation", "--limit", "2", "--run", "one")
    assert "| every key fact |" in out
    assert err.strip().endswith("one/report.html")
    assert status in {0, 1}


def test_a_report_can_be_had_as_json_and_the_runs_are_listed(run: Run) -> None:
    _, out, _ = run("conversation", "--limit", "2", "--run", "two", "--json")
    assert json.loads(out)["run"]["id"] == "two"
    assert run("--runs")[1].split()[-1] == "two"


def test_a_gate_that_fails_is_told_by_the_exit_status(run: Run) -> None:
    status, out, _ = run("abstention", "--limit", "1", "--run", "three")
    failed = "FAIL" in out
    assert status == int(failed)


def test_a_stage_alone_needs_a_run(run: Run) -> None:
    assert run("--stage", "score")[0] == 2


def test_a_stage_alone_prints_where_its_rows_are(run: Run) -> None:
    status, out, _ = run("conversation", "--stage", "score", "--run", "one")
    assert (status, out.strip().endswith("one")) == (0, True)


def test_a_dataset_of_ones_own_is_checked_and_run(run: Run, tmp_path: Path) -> None:
    mine = tmp_path / "mine.jsonl"
    lines = (DATASETS / "dev.jsonl").read_text(encoding="utf-8").splitlines(keepends=True)
    mine.write_text("".join(lines[:2]), encoding="utf-8")
    status, _, err = run("--validate", str(mine))
    assert (status, "no problem found" in err) == (0, True)
    mine.write_text(lines[0].replace("2602.11144/results", "2602.11144/colour"), encoding="utf-8")
    status, out, _ = run("--validate", str(mine))
    assert (status, "no report has a section" in out) == (1, True)
    mine.write_text("".join(lines[:2]), encoding="utf-8")
    status, out, _ = run("answers", "--dataset", str(mine), "--run", "own")
    assert (status, "2 cases" in out) == (0, True)


def test_planted_papers_are_asked_about_in_an_index_of_their_own(home: Path) -> None:
    settings = Settings(CHATBOT_DATA_DIR=home)
    report, folder = run_suites(settings, Wanted(("robustness",), limit=12, run="hard"))
    assert report is not None
    assert report["suites"][0]["errors"] == 0
    rows = (folder / "answers.jsonl").read_text(encoding="utf-8").splitlines()
    answers = {row["case"]: row for row in map(json.loads, rows)}
    planted = next(row for case, row in answers.items() if case.startswith("planted/"))
    assert planted["answer"]["citations"]


# Settings


def cited(index: Index, setting: Setting) -> set[str]:
    row = answer_case(Bench(index), in_setting(ITEM, setting))
    assert row.answer is not None
    return {citation["section"] for citation in row.answer["citations"]}


def test_with_nothing_to_read_nothing_is_cited(seed_index: Index) -> None:
    row = answer_case(Bench(seed_index), in_setting(ITEM, "nothing"))
    assert (row.status, cited(seed_index, "nothing")) == ("abstained", set())


def test_with_the_needed_sections_alone_no_other_is_cited(seed_index: Index) -> None:
    assert cited(seed_index, "gold") == set(ITEM.sections)


def test_with_the_needed_sections_taken_away_they_are_not_cited(seed_index: Index) -> None:
    assert not cited(seed_index, "removed") & set(ITEM.sections)


@pytest.mark.parametrize("setting", ["noise", "history", "gold_and_noise"])
def test_noise_and_other_talk_leave_an_answer(seed_index: Index, setting: Setting) -> None:
    assert cited(seed_index, setting)
