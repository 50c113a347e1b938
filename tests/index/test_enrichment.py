"""`chatbot enrich`: search text written by a model, checked, kept beside the report, searched."""

import json
from pathlib import Path
from typing import Any

import pytest

from chatbot.bot import Chatbot
from chatbot.config import SEEDS, Settings
from chatbot.errors import ChatbotError, ReportError
from chatbot.index.enrichment import enrich
from chatbot.index.ingestion import ingest
from chatbot.llm.client import open_chat_model
from chatbot.reports.parsing import read_report
from chatbot.reports.search_text import (
    content_hash,
    enrichment_file,
    parse_rows,
    parse_search_text,
    without_unsupported,
)
from tests.fakes.openai_server import FakeOpenAI, Reply
from tests.report_text import paper, render_report

PAPERS = [
    paper("2603.00001", "FooNet: 量子纠错", results="FooNet 的错误率降低 37%。"),
    paper("2603.00002", "BarNet: 蛋白质折叠", results="BarNet 快 2 倍。"),
]


def written(english: str = "quantum error correction cut by 37%", **more: Any) -> str:
    section = {"en": english, "zh": "让量子计算少出错", "questions": ["How much fewer errors?"]}
    return json.dumps({"aliases": ["FooNet"], "sections": {"results": section}} | more)


@pytest.fixture
def report(tmp_path: Path) -> Path:
    file = tmp_path / "r.txt"
    file.write_bytes(render_report("2026-03-01", PAPERS))
    return file


def run(server: FakeOpenAI, settings: Settings, report: Path, **more: Any) -> Any:
    model = open_chat_model(settings.model_copy(update={"openai_base_url": server.url}))
    assert model is not None
    return enrich([report], model, concurrency=1, **more)


def rows(report: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in enrichment_file(report).read_text().splitlines()]


def test_each_paper_is_asked_for_once_and_kept_beside_the_report(
    settings: Settings, report: Path
) -> None:
    with FakeOpenAI(written(), written(), written()) as server:
        first = run(server, settings, report, note="by hand")
        second = run(server, settings, report)
    assert (first.written, first.kept, second.written, second.kept) == (2, 0, 0, 2)
    assert len(server.requests) == 2
    about, *papers = rows(report)
    assert about["note"] == "by hand"
    assert "never quoted" in about["about"]
    assert [row["paper"] for row in papers] == ["2603.00001", "2603.00002"]
    assert papers[0]["content"] == content_hash(read_report(report).papers[0])


def test_only_a_paper_whose_text_changed_is_asked_for_again(
    settings: Settings, report: Path
) -> None:
    with FakeOpenAI(*[written()] * 3) as server:
        run(server, settings, report)
        changed = paper("2603.00002", "BarNet: 蛋白质折叠", results="BarNet 快 3 倍。")
        report.write_bytes(render_report("2026-03-01", [PAPERS[0], changed]))
        assert run(server, settings, report).written == 1


def test_numbers_and_names_of_the_models_own_are_taken_out(report: Path) -> None:
    one = read_report(report).papers[0]
    text = parse_search_text(
        written("FooNet and QuuxNet cut errors by 37% on 12 chips", aliases=["FooNet", "QuuxNet"])
    )
    kept, removed = without_unsupported(text, one)
    assert kept.sections["results"].en == "FooNet and cut errors by 37% on chips"
    assert kept.aliases == ("FooNet",)
    assert sorted(removed) == ["12", "QuuxNet", "QuuxNet"]


def test_a_version_inside_a_name_is_no_number_of_its_own(tmp_path: Path) -> None:
    file = tmp_path / "q.txt"
    made = paper("2603.00003", "BazNet", results="BazNet 胜过 Qwen2.5-VL。")
    file.write_bytes(render_report("2026-03-01", [made]))
    text = parse_search_text(written("BazNet beats Qwen2.5-VL", aliases=["BazNet"]))
    kept, _ = without_unsupported(text, read_report(file).papers[0])
    assert kept.sections["results"].en == "BazNet beats Qwen2.5-VL"


def test_an_answer_of_another_shape_is_asked_for_once_more(
    settings: Settings, report: Path
) -> None:
    with FakeOpenAI("Sure!", f"```json\n{written()}\n```", "no", "no") as server:
        result = run(server, settings, report)
    assert result.written == 1
    ((failed, cause),) = result.failed
    assert failed == "2603.00002"
    assert "no usable answer" in cause


def test_when_the_model_fails_the_others_are_not_asked_for_and_what_is_there_is_kept(
    settings: Settings, report: Path
) -> None:
    with FakeOpenAI(written(), Reply.error(401, "no")) as server:
        result = run(server, settings, report)
    assert (result.written, len(result.failed)) == (1, 1)
    assert len(rows(report)) == 2


def test_a_folder_without_reports_is_refused(settings: Settings, tmp_path: Path) -> None:
    with FakeOpenAI() as server, pytest.raises(ChatbotError, match="no report"):
        run(server, settings, tmp_path)


def test_a_file_that_is_no_search_text_is_named_with_its_line(
    settings: Settings, report: Path
) -> None:
    enrichment_file(report).write_text('{"about": ""}\n{"content": "x", "sections": 3}\n')
    with FakeOpenAI() as server, pytest.raises(ReportError, match=":2:"):
        run(server, settings, report)


def test_search_text_is_searched_in_both_languages_and_never_shown_as_the_papers(
    settings: Settings, report: Path
) -> None:
    with FakeOpenAI(written("quantum zymurgy"), written()) as server:
        run(server, settings, report)
    ingest(settings, [report])
    bot = Chatbot(settings, None)
    assert bot.index.lexical.is_enriched
    evidence, _ = bot.search("What about zymurgy?")
    assert evidence.hits[0].section.name == "2603.00001/results"
    answer = bot.answer("What about zymurgy?")
    told = [line for line in answer.markdown.split("\n") if "zymurgy" in line]
    (place,) = (c.n for c in answer.citations if c.section.name == "2603.00001/results")
    assert told == [f"*Section {place}, machine-written: quantum zymurgy*"]
    assert not any("zymurgy" in sentence.text for sentence in answer.sentences)
    assert not any("zymurgy" in q.text for c in answer.citations for q in c.quotes)
    assert "zymurgy" not in bot.answer("FooNet 的错误率降低多少").markdown


def test_search_text_that_comes_goes_or_changes_is_noticed_at_the_next_ingest(
    settings: Settings, report: Path
) -> None:
    assert ingest(settings, [report]).added
    with FakeOpenAI(written(), written()) as server:
        run(server, settings, report)
    assert ingest(settings, [report]).updated
    assert ingest(settings, [report]).unchanged
    enrichment_file(report).unlink()
    assert ingest(settings, [report]).updated
    assert not Chatbot(settings, None).index.lexical.is_enriched


def test_damaged_search_text_is_told_and_the_report_indexed_without_it(
    settings: Settings, report: Path
) -> None:
    enrichment_file(report).write_text("{\n")
    result = ingest(settings, [report])
    assert result.added
    assert "enrichment.jsonl" in str(result.failed[0])


@pytest.mark.parametrize("report", sorted(SEEDS.glob("*.txt")), ids=lambda report: report.stem)
def test_the_shipped_search_text_is_complete_and_holds_only_what_its_papers_hold(
    report: Path,
) -> None:
    file = enrichment_file(report)
    texts = {row["content"]: text for row, text in parse_rows(file.read_bytes(), file.name)}
    for one in read_report(report).papers:
        text = texts[content_hash(one)]
        assert set(text.sections) == {section.key for section in one.sections}, one.id
        assert without_unsupported(text, one)[1] == (), one.id
