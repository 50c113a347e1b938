"""The commands: what they print, where, and with which exit status."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from urllib.request import urlopen

import pytest

from chatbot.cli.commands import main
from chatbot.config import PROJECT_ROOT, Settings
from tests.fakes.openai_server import FakeOpenAI, Reply
from tests.report_text import paper, render_report

QUESTION = "GRU-Mem 的推理速度提升了多少？"


@dataclass(frozen=True)
class Outcome:
    """What a command printed, and its exit status."""

    status: int
    out: str
    err: str


Run = Callable[..., Outcome]


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> Run:
    """Runs a command in this process, by default on an index folder of the test's own."""

    def run_command(*words: str, data_dir: Path | None = None) -> Outcome:
        monkeypatch.setenv("CHATBOT_DATA_DIR", str(data_dir or tmp_path / "data"))
        monkeypatch.setattr(sys, "argv", ["chatbot", *words])
        with pytest.raises(SystemExit) as ending:
            main()
        printed = capsys.readouterr()
        return Outcome(int(ending.value.code or 0), printed.out, printed.err)

    return run_command


@pytest.fixture
def run_seeds(run: Run, seed_settings: Settings) -> Run:
    """Runs a command on the index of the shipped reports."""
    return lambda *words: run(*words, data_dir=seed_settings.data_dir)


@pytest.fixture
def report(tmp_path: Path) -> Path:
    file = tmp_path / "report.txt"
    papers = [paper("2603.00001", "On Codes", results="量子纠错的准确率是 97%。")]
    file.write_bytes(render_report("2026-03-01", papers))
    return file


def test_papers_lists_all_138(run_seeds: Run) -> None:
    papers = json.loads(run_seeds("papers", "--json").out)
    assert len(papers) == 138
    assert papers[1] == {
        "id": "2602.15823",
        "title": "CrispEdit: Low-Curvature Projections for Scalable Non-Destructive LLM Editing",
        "url": "https://huggingface.co/papers/2602.15823",
        "date": "2026-02-22",
        "report": "004_36d8fe0d9ea06fe0.txt",
        "reports": ["004_36d8fe0d9ea06fe0.txt"],
        "field": "language",
        "order": 2,
    }


def test_papers_can_be_narrowed_to_a_day(run_seeds: Run) -> None:
    outcome = run_seeds("papers", "--date", "2026-02-12")
    assert len(outcome.out.splitlines()) == 30
    assert "30 papers" in outcome.err


def test_ask_answers_with_its_sources(run_seeds: Run) -> None:
    outcome = run_seeds("ask", QUESTION)
    assert "400%" in outcome.out
    assert "2602.10560/results" in outcome.out
    assert "未使用大模型" in outcome.out
    assert outcome.status == 0


def test_ask_json_has_every_documented_field(run_seeds: Run) -> None:
    answer = json.loads(run_seeds("ask", QUESTION, "--json").out)
    documented = {
        *("id", "question", "answer", "abstained", "abstain_reason", "mode", "intent", "language"),
        *("citations", "sentences", "usage", "timings_ms"),
    }
    assert documented <= set(answer)
    assert {"n", "section", "title", "url", "date", "quote"} <= set(answer["citations"][0])
    assert {"text", "citations", "supported", "reason"} <= set(answer["sentences"][0])
    assert set(answer["usage"]) == {"llm_calls", "prompt_tokens", "completion_tokens"}
    stages = {"understand", "retrieve", "synthesize", "verify", "total"}
    assert set(answer["timings_ms"]) == stages


def test_search_json_has_every_documented_field(run_seeds: Run) -> None:
    found = json.loads(run_seeds("search", QUESTION, "--json", "--top-k", "3").out)
    assert {"id", "question", "query", "hits", "timings_ms"} <= set(found)
    assert {"language", "intent", "papers", "dates", "sections"} <= set(found["query"])
    assert {"section", "score", "title", "date", "text", "ranks"} <= set(found["hits"][0])
    assert len(found["hits"]) == 3


def test_what_is_known_of_a_search_is_in_the_json(run_seeds: Run) -> None:
    one = json.loads(run_seeds("search", "SAGE 的效果怎么样", "--json").out)
    assert {option["id"] for option in one["clarification"]["options"]} == {
        "2602.10116",
        "2602.05975",
    }
    assert "results" in one["query"]["sections"]
    listed = json.loads(run_seeds("ask", "2月12日哪些论文在 AIME 上评测", "--json").out)
    assert listed["coverage"] == {"by": "mention", "checked": 30, "matched": 6, "terms": ["AIME"]}
    assert len(listed["citations"]) == 6
    day = json.loads(run_seeds("search", "2026-03-02 有哪些论文", "--json").out)
    assert (day["hits"], "2026-03-02" in day["notice"]) == ([], True)
    found = json.loads(run_seeds("search", QUESTION, "--json").out)
    assert 0.5 < found["confidence"] <= 1
    assert found["query"]["papers"] == ["2602.10560"]


def test_compare_prints_a_table_with_its_sources(run_seeds: Run) -> None:
    outcome = run_seeds("compare", "GRU-Mem", "2602.05327", "--aspect", "核心贡献")
    assert outcome.status == 0
    assert "| 论文 | 核心贡献 |" in outcome.out
    assert "2602.05327/contribution" in outcome.out


def test_compare_comes_as_json_and_as_csv(run_seeds: Run) -> None:
    words = ("compare", "GRU-Mem", "ProAct", "--language", "en")
    found = json.loads(run_seeds(*words, "--json").out)
    assert (found["intent"], found["language"]) == ("compare", "en")
    assert run_seeds(*words, "--csv").out.startswith("Paper,field,contribution,innovations,results")


def test_compare_names_a_paper_it_does_not_find(run_seeds: Run) -> None:
    outcome = run_seeds("compare", "GRU-Mem", "Xyzzy")
    assert (outcome.status, outcome.err.count("\n")) == (1, 1)
    assert "no paper is called 'Xyzzy'" in outcome.err


def test_the_prompt_can_be_seen_without_a_model(run_seeds: Run) -> None:
    out = run_seeds("ask", QUESTION, "--show-prompt").out
    assert out.startswith("--- system ---")
    assert '<source n="1"' in out
    assert QUESTION in out


def test_an_ambiguous_name_is_asked_back_about(run_seeds: Run) -> None:
    assert "你问的是哪一篇" in run_seeds("search", "SAGE 的效果怎么样").err
    assert "Which one do you mean" in run_seeds("ask", "How good is SAGE?").out


def test_search_shows_scores_to_people(run_seeds: Run) -> None:
    assert "1. 2602.10560/" in run_seeds("search", QUESTION).out
    assert "nothing found" in run_seeds("search", "qqq").err


def test_the_filters_narrow_what_is_searched(run_seeds: Run) -> None:
    words = ("--date", "2026-02-10..2026-02-12", "--section", "results", "--section", "usage")
    found = json.loads(run_seeds("search", "强化学习", "--json", *words).out)
    assert {hit["section"].partition("/")[2] for hit in found["hits"]} <= {"results", "usage"}
    assert found["query"]["dates"] == ["2026-02-10..2026-02-12"]
    only = json.loads(run_seeds("ask", "效果如何", "--json", "--paper", "2602.11144").out)
    assert {c["section"].partition("/")[0] for c in only["citations"]} == {"2602.11144"}


def test_a_history_file_gives_a_follow_up_its_meaning(run_seeds: Run, tmp_path: Path) -> None:
    history = tmp_path / "history.json"
    turns = [
        {"role": "user", "content": "GRU-Mem 是什么"},
        {"role": "assistant", "content": "记忆"},
    ]
    history.write_text(json.dumps(turns), encoding="utf-8")
    outcome = run_seeds("ask", "它的推理速度提升了多少？", "--history", str(history), "--json")
    assert "400%" in json.loads(outcome.out)["answer"]


@pytest.mark.parametrize("command", ["ask", "search"])
def test_many_questions_come_back_in_order_and_a_bad_line_fails_alone(
    run_seeds: Run, tmp_path: Path, command: str
) -> None:
    file = tmp_path / "questions.jsonl"
    lines = [{"id": "a", "question": QUESTION}, {"id": "b"}, {"id": 3, "question": "GENIUS 是什么"}]
    file.write_text("\n".join(map(json.dumps, lines)), encoding="utf-8")
    outcome = run_seeds(command, "--input", str(file))
    results = [json.loads(line) for line in outcome.out.splitlines()]
    assert [result["id"] for result in results] == ["a", "b", 3]
    assert ["error" in result for result in results] == [False, True, False]
    assert outcome.status == 1


@pytest.mark.parametrize(
    "words",
    [
        ("ask",),
        ("search", " "),
        ("ask", "?", "--top-k", "x"),
        ("nonsense",),
        ("search", "?", "--top-k", "0"),
    ],
)
def test_a_call_whose_words_are_off_exits_with_2(run_seeds: Run, words: tuple[str, ...]) -> None:
    assert run_seeds(*words).status == 2


@pytest.mark.parametrize(
    ("words", "cause"),
    [
        (("search", "?", "--date", "gestern"), "YYYY-MM-DD"),
        (("ask", "?", "--section", "abstract"), "innovations"),
        (("ask", "--input", "/no/such/file"), "cannot be read"),
        (("remove", "nothing.txt"), "no report"),
    ],
)
def test_work_that_fails_is_one_line_and_exits_with_1(
    run_seeds: Run, words: tuple[str, ...], cause: str
) -> None:
    outcome = run_seeds(*words)
    assert outcome.status == 1
    assert cause in outcome.err
    assert len(outcome.err.strip().splitlines()) == 1


def test_a_setting_that_cannot_be_used_is_named(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CHATBOT_EMBEDDING", "word2vec")
    outcome = run("ask", "?")
    assert outcome.status == 1
    assert "CHATBOT_EMBEDDING" in outcome.err


def test_ingest_then_papers_then_remove(run: Run, report: Path) -> None:
    assert "added report.txt" in run("ingest", str(report)).err
    assert "1 reports unchanged" in run("ingest", str(report)).err
    assert "2603.00001" in run("papers").out
    assert "removed report.txt" in run("remove", "report").err
    assert run("papers").out == ""


def test_ingest_names_what_it_cannot_parse_and_exits_with_1(run: Run, report: Path) -> None:
    bad = report.with_name("bad.txt")
    bad.write_bytes(b"\xff")
    outcome = run("ingest", str(report), str(bad))
    assert f"{bad}:1:" in outcome.err
    assert "1 papers" in outcome.err
    assert outcome.status == 1


def test_ingest_tells_a_label_it_does_not_know_and_a_paper_it_lost(run: Run, report: Path) -> None:
    text = report.read_text(encoding="utf-8")
    unknown = text.replace("5. 实验效果", "5. 实验设置", 1).replace("3. 使用指南", "3. 上手", 1)
    lost = text[text.index("## 📄") :].replace("2603.00001", "2603.00002").replace("### ", "小节")
    report.write_text(f"{unknown}\n{lost}", encoding="utf-8")
    outcome = run("ingest", str(report))
    at = unknown[: unknown.index("3. 上手")].count("\n") + 1
    near = "has a heading '上手' near 使用指南; its text is in 一句话核心贡献"
    assert f"report.txt:{at}: paper 2603.00001 {near}\n" in outcome.err
    at = unknown.count("\n") + 2
    assert f"error: {report}:{at}: paper 2603.00002 has no section; head" in outcome.err
    assert ("1 papers, 4 sections" in outcome.err, outcome.status) == (True, 1)


def test_the_first_question_indexes_the_shipped_reports(run: Run) -> None:
    outcome = run("ask", QUESTION, "--json")
    assert "138 papers, 690 sections" in outcome.err
    assert "400%" in json.loads(outcome.out)["answer"]


def test_with_a_server_the_answer_is_the_models(
    run_seeds: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    with FakeOpenAI("最高提升 400% [1]。没有出处。") as server:
        monkeypatch.setenv("OPENAI_BASE_URL", server.url)
        monkeypatch.setenv("CHATBOT_LLM", "fake")
        outcome = run_seeds("ask", QUESTION)
    assert "最高提升 400%[1]。" in outcome.out
    assert "not verified (missing_marker): 没有出处。" in outcome.out


def test_when_the_model_fails_the_reader_is_told_and_gets_an_extract(
    run_seeds: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    with FakeOpenAI(Reply.error(401, "bad key")) as server:
        monkeypatch.setenv("OPENAI_BASE_URL", server.url)
        outcome = run_seeds("ask", QUESTION)
    assert "OPENAI_API_KEY" in outcome.out
    assert "400%" in outcome.out


def test_doctor_finds_nothing_wrong_with_a_sound_installation(run_seeds: Run) -> None:
    outcome = run_seeds("doctor")
    assert outcome.status == 0
    assert "138 papers, 690 sections" in outcome.out
    assert "OPENAI_API_KEY" in outcome.out


def test_doctor_says_what_is_missing_and_what_to_do(run: Run) -> None:
    outcome = run("doctor", "--json")
    checks = {check["name"]: check for check in json.loads(outcome.out)}
    assert (checks["index"]["ok"], checks["index"]["advice"]) == (False, "run 'chatbot ingest'")
    assert outcome.status == 1


def test_doctor_asks_the_servers_that_are_configured(
    run_seeds: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    with FakeOpenAI("ok", Reply.error(401, "bad key")) as server:
        monkeypatch.setenv("OPENAI_BASE_URL", server.url)
        assert run_seeds("doctor").status == 0
        refused = run_seeds("doctor")
    assert refused.status == 1
    assert "OPENAI_API_KEY" in refused.out


@pytest.mark.parametrize("embedding", ["openai:tiny", "onnx:/no/such/folder"])
def test_doctor_tries_the_embedding(
    run: Run, monkeypatch: pytest.MonkeyPatch, embedding: str
) -> None:
    monkeypatch.setenv("CHATBOT_EMBEDDING", embedding)
    outcome = run("doctor", "--json")
    checks = {check["name"]: check for check in json.loads(outcome.out)}
    assert not checks["embedding"]["ok"]


def test_the_module_is_the_same_as_the_console_script(seed_settings: Settings) -> None:
    environment = {**os.environ, "CHATBOT_DATA_DIR": str(seed_settings.data_dir)}
    command = [sys.executable, "-m", "chatbot", "papers", "--json"]
    printed = subprocess.run(command, env=environment, check=True, capture_output=True).stdout
    assert len(json.loads(printed)) == 138


def test_asking_without_a_key_imports_nothing_of_the_page_the_model_or_what_watches_them(
    seed_settings: Settings,
) -> None:
    code = (
        "import sys\nfrom chatbot.cli.commands import main\n"
        "sys.argv = ['chatbot', 'ask', 'GENIUS', '--json']\n"
        "try: main()\nexcept SystemExit: pass\n"
        "heavy = {'gradio', 'openai', 'matplotlib', 'sklearn', 'pandas', 'structlog', 'starlette',"
        " 'prometheus_client', 'opentelemetry.exporter.otlp.proto.http'} & set(sys.modules)\n"
        "sys.exit(f'imported: {heavy}' if heavy else 0)"
    )
    environment = {**os.environ, "CHATBOT_DATA_DIR": str(seed_settings.data_dir)}
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, check=False, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("command", [["app.py"], ["-m", "chatbot", "serve"]])
def test_the_page_is_served_at_the_printed_address_until_interrupted(
    seed_settings: Settings, command: list[str]
) -> None:
    environment = {**os.environ, "CHATBOT_DATA_DIR": str(seed_settings.data_dir)}
    words = [sys.executable, *command, "--port", "18990"]
    with subprocess.Popen(
        words, env=environment, cwd=PROJECT_ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        address = process.stdout.readline().decode().split()[-1]
        with urlopen(address) as page:  # noqa: S310 - our own page, on loopback
            assert page.status == 200
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=30)
    assert address.startswith("http://127.0.0.1:")
    assert b"Traceback" not in err


def test_enrich_writes_search_text_and_indexes_it(
    run: Run, report: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    answer = {"sections": {"results": {"en": "quantum zymurgy at 97%, and 12 more"}}}
    with FakeOpenAI(json.dumps(answer)) as server:
        monkeypatch.setenv("OPENAI_BASE_URL", server.url)
        done = run("enrich", str(report), "--note", "made up")
        monkeypatch.delenv("OPENAI_BASE_URL")
    assert done.status == 0
    assert "2603.00001: taken out, not in its text: 12" in done.err
    assert "1 papers written, 0 had search text already" in done.err
    found = json.loads(run("search", "zymurgy", "--json").out)
    assert found["hits"][0]["section"] == "2603.00001/results"


def test_a_model_that_fails_to_enrich_is_told_and_the_reports_are_indexed(
    run: Run, report: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with FakeOpenAI(Reply.error(401, "no")) as server:
        monkeypatch.setenv("OPENAI_BASE_URL", server.url)
        done = run("enrich", str(report))
    assert done.status == 1
    assert "error: 2603.00001" in done.err
    assert "1 papers, 5 sections indexed" in done.err


def test_enrich_without_a_model_says_what_to_set(run: Run, report: Path) -> None:
    done = run("enrich", str(report))
    assert done.status == 1
    assert "OPENAI_API_KEY" in done.err
