"""Comparisons as tables: every paper a row, every cell cited or said to be empty."""

import csv
import io
import re

import pytest

from chatbot.answering.models import Answer, Step, tables_in, to_csv
from chatbot.answering.quoting import extract
from chatbot.errors import ChatbotError
from chatbot.index.reading import Index
from chatbot.retrieval.comparisons import comparison_query
from chatbot.retrieval.search import search
from chatbot.understanding.interpretation import understand
from chatbot.verification.claims import read_blocks
from tests.answering.test_engine import answer_events, answer_of, model_at
from tests.fakes.openai_server import Body, FakeOpenAI, Reply

PAPERS = ("GRU-Mem", "2602.05327", "GENIUS: Generative Fluid Intelligence Evaluation Suite")


def compare(index: Index, *columns: str, papers: tuple[str, ...] = PAPERS) -> Answer:
    return answer_of(
        answer_events(index, comparison_query(index.catalogue, papers, columns, "zh"), None)
    )


def test_each_paper_has_a_row_and_each_default_column_a_cited_cell(seed_index: Index) -> None:
    answer = compare(seed_index)
    ((head, *rows),) = tables_in(answer.blocks)
    assert head == ["论文", "应用领域", "核心贡献", "主要创新", "实验效果"]
    assert len(rows) == len(PAPERS)
    assert all("[" in cell for row in rows for cell in row[1:])
    assert answer.intent == "compare"
    assert answer.sentences
    assert all(sentence.supported for sentence in answer.sentences)


def test_a_row_cites_its_own_paper_only(seed_index: Index) -> None:
    answer = compare(seed_index)
    paper_of = {str(c.n): c.section.paper_id for c in answer.citations}
    ((_, *rows),) = tables_in(answer.blocks)
    for row in rows:
        cited = {paper_of[part.partition("]")[0]] for part in " ".join(row[1:]).split("[")[1:]}
        assert len(cited) == 1


def test_a_column_that_no_section_reports_on_says_so(seed_index: Index) -> None:
    ((_, *rows),) = tables_in(compare(seed_index, "量子纠错码").blocks)
    assert [row[1] for row in rows] == ["报告未提及"] * len(PAPERS)


def test_a_question_that_compares_is_answered_with_a_table(seed_index: Index) -> None:
    query = understand("GRU-Mem 和 ProAct 各比基线好多少？", seed_index.catalogue)
    answer = answer_of(answer_events(seed_index, query, None))
    ((_, *rows),) = tables_in(answer.blocks)
    assert {c.section.paper_id for c in answer.citations} == {"2602.10560", "2602.05327"}
    assert len(rows) == 2


def test_sections_named_in_a_question_are_the_columns(seed_index: Index) -> None:
    query = understand("对比 GRU-Mem 和 V-Retrver 的方法与效果", seed_index.catalogue)
    evidence = search(seed_index, query)
    head, *_ = extract(seed_index, evidence).markdown.split("\n")
    assert head == "| 论文 | 主要创新 | 实验效果 |"


def test_the_table_comes_as_csv_without_markers(seed_index: Index) -> None:
    rows = list(csv.reader(io.StringIO(to_csv(compare(seed_index).blocks))))
    assert len(rows) == len(PAPERS) + 1
    assert not any("[1]" in cell for row in rows for cell in row)


def test_a_cell_cannot_be_a_formula() -> None:
    table = "| 论文 | 式 |\n| --- | --- |\n| 甲 | =HYPERLINK(1) [1] |"
    assert "'=HYPERLINK" in to_csv(read_blocks(table))


def test_a_pipe_in_a_cell_is_no_cell_of_its_own() -> None:
    assert tables_in(read_blocks("| a | b \\| c |\n| --- | --- |")) == [[["a", "b \\| c"]]]


@pytest.mark.parametrize(
    ("papers", "cause"),
    [
        (("GRU-Mem", "Xyzzy"), "no paper is called"),
        (("GRU-Mem", "2602.99999"), "no paper 2602.99999"),
        (("GRU-Mem", "SAGE"), "several papers"),
        (("GRU-Mem", "2602.10560"), "1 different papers"),
    ],
)
def test_papers_that_cannot_be_compared_are_named(
    seed_index: Index, papers: tuple[str, ...], cause: str
) -> None:
    with pytest.raises(ChatbotError, match=cause):
        comparison_query(seed_index.catalogue, papers, (), "zh")


def test_a_model_is_asked_once_with_the_columns_and_all_papers(seed_index: Index) -> None:
    query = comparison_query(seed_index.catalogue, PAPERS[:2], ("速度",), "zh")
    reply = "| 论文 | 速度 |\n|---|---|\n| GRU-Mem | 最高 400% [1] |\n| ProAct | 报告未提及 |\n"
    with FakeOpenAI(reply) as server:
        answer = answer_of(answer_events(seed_index, query, model_at(server)))
    (request,) = server.requests
    system, user = (turn["content"] for turn in request.body["messages"])
    assert re.search(r'<aspects mark="\w+">\n速度', user)
    assert "速度" not in system
    assert all(name in user for name in ("Gated Recurrent Memory", "ProAct"))
    assert answer.mode == "fake"
    assert [sentence.text for sentence in answer.sentences] == ["最高 400%", "报告未提及"]


QUESTION = "GRU-Mem 和 ProAct 比一比"
TABLE = "| 论文 | 推理速度 | 数据 |\n|---|---|---|\n| GRU-Mem | 最高 400% [{n}] | 报告未提及 |\n"


def table_for(body: Body) -> str:
    """A table that cites the section of GRU-Mem's results wherever the prompt numbers it."""
    place = re.search(r'<source n="(\d+)" [^>]*id="2602.10560"[^>]*results', str(body["messages"]))
    return TABLE.format(n=place[1] if place else 0)


def test_a_model_first_chooses_the_columns_where_the_reader_gave_none(seed_index: Index) -> None:
    query = understand(QUESTION, seed_index.catalogue)
    with FakeOpenAI('{"aspects": ["推理速度", "数据"]}', Reply.text(table_for)) as server:
        events = list(answer_events(seed_index, query, model_at(server)))
    outline, table = server.chats
    assert "When to Memorize" in outline["messages"][-1]["content"]
    assert outline["response_format"]["json_schema"]["name"] == "Outline"
    assert re.search(r"<aspects [^>]*>\n推理速度; 数据\n", table["messages"][-1]["content"])
    answer = answer_of(iter(events))
    assert answer.usage.llm_calls == 2
    assert all(sentence.supported for sentence in answer.sentences)
    assert [step.detail for step in events if isinstance(step, Step) and step.name == "outline"][
        -1
    ] == "2"


def test_cells_bring_their_own_sections_best_first(seed_index: Index) -> None:
    query = understand(QUESTION, seed_index.catalogue)
    with FakeOpenAI('{"aspects": ["属于什么领域", "推理速度提升了多少"]}', "无") as server:
        answer_of(answer_events(seed_index, query, model_at(server)))
    shown = re.findall(r'<source n="\d" [^>]*id="([^"]*)"[^>]*\((\w+)\)', str(server.chats[1]))
    assert set(shown[:4]) == {
        (paper, key) for paper in ("2602.10560", "2602.05327") for key in ("field", "results")
    }


@pytest.mark.parametrize(
    "reply",
    ["sorry", '{"aspects": []}', '{"aspects": "speed"}', "{", Reply.error(400, "no")],
)
def test_without_an_outline_the_question_is_the_only_column(
    seed_index: Index, reply: Reply | str
) -> None:
    query = understand(QUESTION, seed_index.catalogue)
    script = [reply, reply] if isinstance(reply, Reply) else [reply]
    with FakeOpenAI(*script, Reply.text(table_for)) as server:
        answer = answer_of(answer_events(seed_index, query, model_at(server)))
    assert "those that the question asks about" in server.chats[-1]["messages"][-1]["content"]
    assert answer.mode == "fake"


def test_a_bar_in_a_formula_ends_no_cell() -> None:
    table = read_blocks("| 论文 | 式 | 值 |\n| --- | --- | --- |\n| 甲 | $x|y$ [1] | 2 [1] |")
    assert tables_in(table) == [[["论文", "式", "值"], ["甲", "$x|y$ [1]", "2 [1]"]]]
    assert to_csv(table).splitlines()[1] == "甲,$x|y$,2"
