"""Hybrid search over the shipped reports."""

import datetime as dt
from pathlib import Path

import pytest

from chatbot.config import Settings
from chatbot.index.ingestion import ingest
from chatbot.index.reading import Index, open_index
from chatbot.retrieval.models import Evidence
from chatbot.retrieval.ranking import signals_of
from chatbot.retrieval.search import search
from chatbot.understanding.interpretation import understand
from chatbot.understanding.models import DateRange, Filters
from tests.fakes.openai_server import FakeOpenAI, Reply
from tests.report_text import paper, render_report


def find(index: Index, question: str, filters: Filters | None = None, top_k: int = 8) -> Evidence:
    return search(index, understand(question, index.catalogue, filters=filters), top_k)


@pytest.mark.parametrize(
    ("question", "section"),
    [
        ("GRU-Mem 的推理速度提升了多少？", "2602.10560/results"),
        ("ｇｒｕ－ｍｅｍ 推理速度提升", "2602.10560/results"),
        ("KiteFish 的模型有多大，怎么训练？", "2602.17288/innovations"),
        ("How precise was the tiny Polish safety model, Bielik Guard?", "2602.07954/results"),
    ],
)
def test_the_section_that_answers_is_among_the_first_five(
    seed_index: Index, question: str, section: str
) -> None:
    assert section in [hit.section.name for hit in find(seed_index, question, top_k=5).hits]


def test_hits_come_best_first_and_say_why_they_are_there(seed_index: Index) -> None:
    hits = find(seed_index, "GRU-Mem 的推理速度提升了多少？").hits
    assert [hit.score for hit in hits] == sorted((hit.score for hit in hits), reverse=True)
    assert hits[0].ranks["named"] == 1
    assert all(hit.ranks and min(hit.ranks.values()) >= 1 for hit in hits)


def test_the_name_of_a_paper_pulls_none_of_its_sections(seed_index: Index) -> None:
    def by_row(question: str) -> dict[int, float]:
        query = understand(question, seed_index.catalogue)
        signals = signals_of(seed_index, query.sought, links=query.links)
        return dict(zip(signals.rows, signals.columns["words_section"], strict=True))

    named, unnamed = by_row("GRU-Mem 的早停机制"), by_row("的早停机制")
    of_paper = seed_index.catalogue.by_id["2602.10560"].rows
    assert any(named[row] for row in of_paper)
    assert all(named[row] == unnamed[row] for row in of_paper)


def test_no_more_than_top_k_sections_are_returned(seed_index: Index) -> None:
    assert len(find(seed_index, "强化学习", top_k=3).hits) == 3


def test_a_date_filter_lets_only_that_days_report_through(seed_index: Index) -> None:
    day = dt.date(2026, 1, 12)
    hits = find(seed_index, "强化学习", Filters(dates=(DateRange(day, day),))).hits
    assert hits
    assert {hit.section.date for hit in hits} == {day}


def test_a_section_filter_lets_only_those_sections_through(seed_index: Index) -> None:
    hits = find(seed_index, "GRU-Mem", Filters(sections=("results", "usage"))).hits
    assert {hit.section.key for hit in hits} == {"results", "usage"}


def test_filters_of_different_kinds_must_all_hold(seed_index: Index) -> None:
    day = dt.date(2026, 2, 12)
    filters = Filters((DateRange(day, day),), ("2602.10560",), ("results",))
    assert [hit.section.name for hit in find(seed_index, "速度", filters).hits] == [
        "2602.10560/results"
    ]


def test_a_paper_that_is_asked_for_is_shown_even_if_no_word_matches(seed_index: Index) -> None:
    hits = find(seed_index, "qqq", Filters(papers=("2602.10560",))).hits
    assert {hit.section.paper_id for hit in hits} == {"2602.10560"}


@pytest.mark.parametrize(
    ("question", "unknown"),
    [
        ("LLaDA9 的许可证是什么？", ("LLaDA9",)),
        ("GRU-Mem 和 Qwen3-VL 谁快？", ()),
        ("Step3.5Flash 与 GUI-Owl1.5", ()),
        ("What is the Speed of it?", ()),
    ],
)
def test_names_that_no_paper_holds_are_told(
    seed_index: Index, question: str, unknown: tuple[str, ...]
) -> None:
    assert find(seed_index, question).unknown == unknown


def test_nothing_is_found_where_no_word_and_no_filter_matches(seed_index: Index) -> None:
    assert find(seed_index, "qqq zzz").hits == ()
    assert find(seed_index, "速度", Filters(papers=("0000.00000",))).hits == ()


def test_when_the_embedding_server_fails_the_search_goes_on_by_words_and_says_so(
    settings: Settings, tmp_path: Path
) -> None:
    report = tmp_path / "report.txt"
    report.write_bytes(render_report("2026-03-01", [paper("2603.00001", "量子纠错")]))
    with FakeOpenAI() as server:
        update = {"openai_base_url": server.url, "embedding": "openai:tiny"}
        remote = settings.model_copy(update=update)
        ingest(remote, [report])
        assert find(open_index(remote), "量子纠错").notice is None
    with FakeOpenAI(embeddings=Reply.error(401, "no")) as down:
        index = open_index(remote.model_copy(update={"openai_base_url": down.url}))
        evidence = find(index, "量子纠错")
    assert evidence.hits
    assert "refused the key" in (evidence.notice or "")


def test_a_name_of_two_papers_brings_both_and_asks_back(seed_index: Index) -> None:
    evidence = find(seed_index, "SAGE 的效果怎么样？")
    assert {hit.section.paper_id for hit in evidence.hits[:2]} == {"2602.10116", "2602.05975"}
    assert evidence.clarification is not None
    assert evidence.clarification.name == "SAGE"
    assert len(evidence.clarification.options) == 2


def test_nothing_is_asked_back_where_the_question_tells_which(seed_index: Index) -> None:
    assert find(seed_index, "SAGE-10k 里有多少个 3D 物体？").clarification is None
    chosen = Filters(papers=("2602.10116",))
    assert find(seed_index, "SAGE 的效果怎么样？", chosen).clarification is None


COMPARED = [
    paper(
        "2605.00001",
        "TideNet: Coastal Waves from Sparse Buoys",
        contribution="TideNet 预测近岸海浪。",
        results="用 120 个浮标训练，误差 0.12。",
    ),
    paper(
        "2605.00002",
        "LoomChef: Recipes with Woven Memory",
        contribution="LoomChef 给厨房机器人排菜谱。",
        results="用 900 份菜谱训练，得 71 分。",
    ),
    paper(
        "2605.00003",
        "Letters under Moss",
        contribution="识别褪色的古籍书信。",
        results="用 40 封书信训练，识别率 93%。",
    ),
]


@pytest.fixture(scope="module")
def compared(tmp_path_factory: pytest.TempPathFactory) -> Index:
    folder = tmp_path_factory.mktemp("compared")
    (folder / "report.txt").write_bytes(render_report("2026-05-01", COMPARED))
    settings = Settings(CHATBOT_DATA_DIR=folder / "data")
    ingest(settings, [folder / "report.txt"])
    return open_index(settings)


def test_compared_papers_take_turns(compared: Index) -> None:
    hits = find(compared, "LoomChef 跟 TideNet 各用了多少数据训练？").hits
    papers = [hit.section.paper_id for hit in hits]
    assert papers == ["2605.00002", "2605.00001"] * 4
    assert {hit.ranks["within_paper"] for hit in hits} == {1, 2, 3, 4}


@pytest.mark.parametrize(
    ("question", "papers"),
    [
        ("比较 TideNet、LoomChef 和 Letters under Moss 的训练数据", {"1", "2", "3"}),
        ("TideNet 和识别古籍书信的那篇，各用了多少数据？", {"1", "3"}),
        ("LoomChef and the 'moss' paper both train on little. On how much?", {"2", "3"}),
    ],
)
def test_papers_that_are_only_described_are_compared_too(
    compared: Index, question: str, papers: set[str]
) -> None:
    hits = find(compared, question).hits
    assert {hit.section.paper_id[-1] for hit in hits} == papers


def test_an_overview_holds_every_paper_of_the_day_once(seed_index: Index) -> None:
    evidence = find(seed_index, "2月12日那期都讲了什么")
    assert len({hit.section.paper_id for hit in evidence.hits}) == len(evidence.hits) == 30
    assert {hit.section.key for hit in evidence.hits} == {"contribution"}
    assert evidence.coverage is not None
    assert (evidence.coverage.by, evidence.coverage.checked) == ("records", 30)


def test_a_day_without_a_report_is_told(seed_index: Index) -> None:
    evidence = find(seed_index, "2026-03-02 有哪些论文")
    assert [str(span.first) for span in evidence.missing_dates] == ["2026-03-02"]
    assert evidence.hits == ()


def test_a_named_paper_is_found_though_the_day_is_wrong(seed_index: Index) -> None:
    hits = find(seed_index, "2月6日的 GRU-Mem 提升了多少速度？").hits
    assert hits[0].section.paper_id == "2602.10560"


@pytest.mark.parametrize(
    "question",
    ["第五篇的代码开源吗", "2026-02-11 第 10 篇的视频生成速度", "GRU-Mem 的视频生成速度"],
)
def test_a_paper_that_is_plainly_meant_comes_before_all_others(
    seed_index: Index, question: str
) -> None:
    evidence = find(seed_index, question)
    (meant,) = evidence.query.papers
    assert [hit.section.paper_id for hit in evidence.hits[:5]] == [meant] * 5


def test_all_papers_are_counted_where_nothing_narrows(seed_index: Index) -> None:
    coverage = find(seed_index, "how many papers are there in total?").coverage
    assert coverage is not None
    assert (coverage.by, coverage.matched) == ("records", 138)
