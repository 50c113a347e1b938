"""A run from its dataset to its report: resumed, limited, compared, and failing where it should."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from chatbot.config import Settings
from chatbot.errors import ChatbotError
from evals.answering import AnswerRow
from evals.command import Wanted, run_suites
from evals.gates import Gate, judge_gate, load_gates
from evals.items import DATASETS
from evals.runs import ANSWERS, SCORES, open_run, run_names
from evals.statistics import Estimate
from evals.usage import usage_by_call
from tests.fakes.openai_server import Body, FakeOpenAI, Reply

SUITES = ("answers", "abstention")


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    return Settings(CHATBOT_DATA_DIR=tmp_path_factory.mktemp("evals"))


@pytest.fixture(scope="module")
def finished(settings: Settings) -> tuple[dict[str, Any], Path]:
    report, folder = run_suites(settings, Wanted(suites=SUITES, limit=6, run="first"))
    assert report is not None
    return report, folder


def test_a_run_leaves_answers_scores_and_three_reports(
    finished: tuple[dict[str, Any], Path],
) -> None:
    _, folder = finished
    names = {file.name for file in folder.iterdir()}
    assert names == {
        "run.json",
        "answers.jsonl",
        "scores.jsonl",
        "report.json",
        "report.md",
        "report.html",
    }


def test_the_report_says_what_was_asked_of_which_data(
    finished: tuple[dict[str, Any], Path],
) -> None:
    report, _ = finished
    assert report["run"]["model"] == "extractive"
    assert [suite["name"] for suite in report["suites"]] == list(SUITES)
    assert len(report["run"]["datasets"]["dev.jsonl"]["sha256"]) == 64
    assert all(suite["n"] >= 6 for suite in report["suites"])
    assert "NaN" not in json.dumps(report)


def test_each_figure_has_its_count_interval_and_kinds(
    finished: tuple[dict[str, Any], Path],
) -> None:
    report, _ = finished
    for suite in report["suites"]:
        for metric in suite["metrics"]:
            assert metric["low"] <= metric["mean"] <= metric["high"]
            assert 0 < metric["scored"] <= metric["n"]
            assert sum(kind["n"] for kind in metric["by"]["lang"].values()) == metric["n"]


def test_a_killed_run_goes_on_where_it_stopped(
    settings: Settings, finished: tuple[dict[str, Any], Path]
) -> None:
    _, folder = finished
    answers = folder / ANSWERS
    lines = answers.read_text(encoding="utf-8").splitlines(keepends=True)
    answers.write_text("".join(lines[:3]) + lines[3][: len(lines[3]) // 2], encoding="utf-8")
    report, _ = run_suites(settings, Wanted(suites=SUITES, limit=6, run="first"))
    again = answers.read_text(encoding="utf-8").splitlines(keepends=True)
    assert again[:3] == lines[:3]
    assert len(again) == len(lines)
    assert report is not None
    assert report["suites"][0]["n"] >= 6


def test_a_stage_can_be_run_again_alone(
    settings: Settings, finished: tuple[dict[str, Any], Path]
) -> None:
    _, folder = finished
    answered = (folder / ANSWERS).read_bytes()
    (folder / "scores.jsonl").unlink()
    report, _ = run_suites(settings, Wanted(suites=SUITES, run="first", stages=("score",)))
    assert report is None
    assert (folder / "scores.jsonl").exists()
    assert (folder / ANSWERS).read_bytes() == answered


def test_a_run_can_be_compared_with_another(
    settings: Settings, finished: tuple[dict[str, Any], Path]
) -> None:
    report, _ = run_suites(
        settings, Wanted(suites=("answers",), limit=6, run="second", compare="first")
    )
    assert report is not None
    changes = [metric["baseline"] for metric in report["suites"][0]["metrics"]]
    assert all(change["difference"] == 0 and change["n"] for change in changes)
    assert run_names(settings.data_dir / "evals") == ["first", "second"]


def test_separators_in_a_text_are_no_ends_of_rows(settings: Settings, tmp_path: Path) -> None:
    mine = tmp_path / "mine.jsonl"
    first = (DATASETS / "dev.jsonl").read_text(encoding="utf-8").partition("\n")[0]
    item = json.loads(first) | {"id": "an\u2028item\u0085"}
    mine.write_text(json.dumps(item, ensure_ascii=False) + "\n", encoding="utf-8")
    wanted = Wanted(suites=("answers",), dataset=mine, run="separated")
    for _ in ("begun", "gone on with"):
        report, folder = run_suites(settings, wanted)
        assert report is not None
        assert report["run"]["datasets"]["mine.jsonl"]["n"] == 1
        assert report["suites"][0]["n"] == 1
        assert (folder / ANSWERS).read_text(encoding="utf-8").count("\n") == 1


def test_separators_in_the_scores_compared_with_are_no_ends_of_rows(
    settings: Settings, finished: tuple[dict[str, Any], Path]
) -> None:
    _, folder = finished
    scores = (folder / SCORES).read_text(encoding="utf-8")
    row = json.loads(scores.partition("\n")[0]) | {"unit": "a\u2028unit"}
    before = open_run(folder.parent, "before")
    (before.path / SCORES).write_text(
        f"{scores}\n{json.dumps(row, ensure_ascii=False)}\n", encoding="utf-8"
    )
    wanted = Wanted(suites=("answers",), limit=6, run="after", compare="before")
    report, _ = run_suites(settings, wanted)
    assert report is not None
    assert all(metric["baseline"]["difference"] == 0 for metric in report["suites"][0]["metrics"])


def test_a_suite_that_is_not_there_is_named(settings: Settings) -> None:
    with pytest.raises(ChatbotError, match="no suite wisdom"):
        run_suites(settings, Wanted(suites=("wisdom",)))


def test_a_run_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(ChatbotError, match="no run x"):
        open_run(tmp_path, "x").manifest()


def test_a_damaged_row_is_named_and_not_passed_over(tmp_path: Path) -> None:
    run = open_run(tmp_path, "x")
    (run.path / ANSWERS).write_text('{"case": 1}\n{"case": "b"}\n', encoding="utf-8")
    with pytest.raises(ChatbotError, match=r"answers\.jsonl:1"):
        run.rows(ANSWERS, AnswerRow)


# With a model


@pytest.fixture
def server() -> Iterator[FakeOpenAI]:
    with FakeOpenAI(default="最高提升 400% [1]。") as fake:
        yield fake


def test_in_replay_what_was_never_recorded_is_an_error_that_stays_in_the_count(
    settings: Settings, server: FakeOpenAI
) -> None:
    with_model = settings.model_copy(
        update={"openai_base_url": server.url, "llm": "never-recorded"}
    )
    report, folder = run_suites(with_model, Wanted(suites=("answers",), limit=2, run="replay"))
    assert report is not None
    assert server.requests == []
    assert report["suites"][0]["errors"] == 2
    row = json.loads((folder / ANSWERS).read_text(encoding="utf-8").splitlines()[0])
    assert "--mode record" in row["error"]


def test_live_answers_are_the_models_and_their_tokens_counted(
    settings: Settings, server: FakeOpenAI
) -> None:
    with_model = settings.model_copy(update={"openai_base_url": server.url, "llm": "fake"})
    wanted = Wanted(suites=("answers",), limit=2, run="live", mode="live", repeats=2)
    report, _ = run_suites(with_model, wanted)
    assert report is not None
    assert len(server.requests) >= 4
    (usage,) = report["usage"]
    assert usage["calls"] >= 4
    assert usage["prompt_tokens"] > 0
    assert usage["cost"] is None


def test_a_judge_scores_each_claim_and_is_unverified_until_it_agrees_with_readers(
    settings: Settings,
) -> None:
    def reply(body: Body) -> str:
        judged = "response_format" in body
        return '{"label": "supported", "reason": "it says so"}' if judged else "最高 400% [1]。"

    with FakeOpenAI(default=Reply.text(reply)) as server:
        with_judge = settings.model_copy(update={"openai_base_url": server.url, "llm": "fake"})
        wanted = Wanted(suites=("faithfulness",), limit=2, run="judged", mode="live")
        report, folder = run_suites(with_judge, wanted)
    assert report is not None
    figures = {m["name"]: m["mean"] for m in report["suites"][0]["metrics"]}
    assert figures["claims supported"] == 1.0
    assert figures["claims unscored"] == 0.0
    assert report["judge"]["kappa"]["n"] == 120
    assert "unverified" in report["judge"]["note"]
    assert (folder / "judged.jsonl").exists()
    assert [used["call"] for used in report["usage"]] == ["answer (plain)", "judge"]
    assert all(used["prompt_tokens"] for used in report["usage"])


def test_a_judge_reads_whole_answers_beside_the_right_ones(settings: Settings) -> None:
    def reply(body: Body) -> str:
        if "response_format" not in body:
            return "最高 400% [1]。"
        asked = body["messages"][-1]["content"]
        wrong = "<answer>" in asked and "<claim>" not in asked
        return '{"label": "unsupported", "reason": "x"}' if wrong else "{}"

    with FakeOpenAI(default=Reply.text(reply)) as server:
        with_judge = settings.model_copy(update={"openai_base_url": server.url, "llm": "fake"})
        wanted = Wanted(suites=("correctness",), limit=2, run="read", mode="live")
        report, _ = run_suites(with_judge, wanted)
    assert report is not None
    figures = {m["name"]: m["mean"] for m in report["suites"][0]["metrics"]}
    assert (figures["right by judge"], figures["answers unsupported"]) == (0.0, 1.0)


def test_without_a_model_there_is_no_judge_to_ask(settings: Settings) -> None:
    with pytest.raises(ChatbotError, match="need a judge"):
        run_suites(settings, Wanted(suites=("faithfulness",)))


def test_tokens_cost_what_the_price_table_says(tmp_path: Path) -> None:
    prices = tmp_path / "prices.toml"
    prices.write_text(
        '["m"]\nprompt = 1.0\ncompletion = 2.0\n["m-large"]\nprompt = 10\ncompletion = 20\n'
    )
    used = {"llm_calls": 1, "prompt_tokens": 1_000_000, "completion_tokens": 500_000}
    rows = {"plain/a": [AnswerRow(case="plain/a", status="ok", answer={"usage": used})]}
    assert [
        usage_by_call(m, rows, prices=prices)[0]["cost"] for m in ("m-7b", "m-large-2", "x")
    ] == [
        2.0,
        20.0,
        None,
    ]


# Gates

WORSE, UNSURE = Estimate(-0.1, -0.2, -0.01, 60), Estimate(-0.1, -0.2, 0.01, 60)


@pytest.mark.parametrize(
    ("gate", "mean", "difference", "lower", "passed"),
    [
        (Gate(0.8), 0.81, None, False, True),
        (Gate(0.8), 0.79, None, False, False),
        (Gate(0.1), 0.05, None, True, True),
        (Gate(0.1), 0.2, None, True, False),
        (None, 0.5, WORSE, False, False),
        (None, 0.5, UNSURE, False, True),
        (None, 0.5, WORSE, True, True),
        (Gate(0.4), 0.5, WORSE, False, False),
    ],
)
def test_a_gate_fails_under_its_bound_or_when_clearly_worse(
    gate: Gate | None, mean: float, difference: Estimate | None, lower: bool, passed: bool
) -> None:
    verdict = judge_gate(gate, mean, difference, lower_is_better=lower)
    assert verdict is not None
    assert verdict.passed is passed
    assert bool(verdict.why) is not passed


def test_without_gate_and_baseline_there_is_no_verdict() -> None:
    assert judge_gate(None, 0.5, None, lower_is_better=False) is None


def test_the_shipped_gates_are_of_metrics_that_are_there() -> None:
    from evals.suites import suites

    known = {
        (suite.name, metric.name)
        for suite in suites({}).values()
        for metric in (*suite.metrics, *suite.group_metrics)
    }
    assert load_gates().keys() <= known


def test_a_gate_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    (tmp_path / "gates.toml").write_text("[answers\n")
    with pytest.raises(ChatbotError, match=r"gates\.toml"):
        load_gates(tmp_path / "gates.toml")
