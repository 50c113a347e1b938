"""Lists: which papers, and how it is known that these are all."""

import datetime as dt
from pathlib import Path

import pytest

from chatbot.config import Settings
from chatbot.index.ingestion import ingest
from chatbot.index.reading import Index, open_index
from chatbot.retrieval.mentions import term_pattern
from chatbot.retrieval.models import Coverage, Evidence
from chatbot.retrieval.search import search
from chatbot.understanding.interpretation import understand
from tests.report_text import paper, render_report

PAPERS = [
    paper(
        "2603.00001",
        "AlphaNet",
        field="机器人操作",
        contribution="提出 AlphaNet，构建了 AlphaBench 基准。",
        usage="基于 Qwen3-VL-8B，使用 LoRA 微调，在 4 张 H20 上训练。",
        results="在 AIME24 上得 50 分。",
    ),
    paper(
        "2603.00002",
        "BetaNet",
        field="视频生成",
        usage="需要 H200，参数 14B，代码未开源。",
        results="相比 LoRA，准确率更高；超过 Qwen3-VL。",
    ),
    paper(
        "2603.00003",
        "GammaNet",
        field="语音合成",
        usage="代码已开源，用低秩适应。",
        results="在 AIME'25 上得 60 分。参数 4B。",
    ),
    paper(
        "2603.00004", "DeltaNet", field="机器人导航", usage="低秩方法，见 DR-LoRA。无需 Qwen2-7B。"
    ),
]


@pytest.fixture
def index(settings: Settings, tmp_path: Path) -> Index:
    (tmp_path / "r.txt").write_bytes(render_report("2026-03-01", PAPERS))
    ingest(settings, [tmp_path / "r.txt"])
    return open_index(settings)


def find(index: Index, question: str) -> Evidence:
    return search(index, understand(question, index.catalogue))


def papers(index: Index, question: str) -> set[str]:
    return {hit.section.paper_id for hit in find(index, question).hits}


def listed(index: Index, question: str) -> set[str]:
    return {hit.section.paper_id[-1] for hit in find(index, question).hits}


@pytest.mark.parametrize(
    ("question", "papers"),
    [
        ("哪些论文用到了 Qwen3-VL？", {"1", "2"}),
        ("哪些论文在 AIME 上做了评测？", {"1", "3"}),
        ("哪些论文提到 LoRA？", {"1", "2", "4"}),
        ("哪些论文自己的方法用到了 LoRA？（只当基线的不算）", {"1", "4"}),
        ("哪些论文自己用了 Qwen2-7B？", set()),
        ("哪几篇用了 H20？", {"1"}),
        ("哪些论文的参数是 4B？", {"3"}),
        ("Which papers use Qwen3-VL?", {"1", "2"}),
        ("哪些论文做机器人？", {"1", "4"}),
        ("哪些论文既用了 LoRA 又在 AIME 上评测？", {"1"}),
        ("哪些论文用了 2 张 H200？", {"2"}),
        ("哪些论文使用低秩适应？", {"3"}),
        ("代码已经开源的有哪些？", {"3"}),
        ("有哪些关于视频生成的论文？", {"2"}),
        ("“应用领域”一栏写到机器人的有哪些？", {"1", "4"}),
        ("哪些论文提出了新的基准？", {"1"}),
        ("Which papers introduce a new benchmark?", {"1"}),
        ("一共收录了多少篇论文？", {"1", "2", "3", "4"}),
    ],
)
def test_every_paper_that_belongs_is_listed_and_no_other(
    index: Index, question: str, papers: set[str]
) -> None:
    assert listed(index, question) == papers


def test_a_list_by_mention_says_that_all_papers_were_checked(index: Index) -> None:
    assert find(index, "哪些论文用到了 Qwen3-VL？").coverage == Coverage(
        "mention", checked=4, matched=2, terms=("Qwen3-VL",)
    )


def test_each_paper_comes_first_with_the_section_that_puts_it_there(index: Index) -> None:
    hits = find(index, "哪些论文用到了 Qwen3-VL？").hits
    assert [hit.section.name for hit in hits] == ["2603.00001/usage", "2603.00002/results"]


def test_what_no_paper_holds_is_ranked_by_nearness_and_said_to_be(index: Index) -> None:
    coverage = find(index, "哪些论文研究语音识别？").coverage
    assert coverage is not None
    assert coverage.by == "topic"


def test_only_the_abstract_read_is_a_matter_of_record(seed_index: Index) -> None:
    evidence = find(seed_index, "2月12日那期只读了摘要的是哪几篇？")
    assert {hit.section.read_from for hit in evidence.hits} == {"ArXiv Abs"}
    assert {hit.section.date for hit in evidence.hits} == {dt.date(2026, 2, 12)}
    assert evidence.coverage == Coverage("records", checked=30, matched=3)


def test_papers_read_in_full_are_the_others(seed_index: Index) -> None:
    evidence = find(seed_index, "2月12日那期读了全文的有哪些论文？")
    assert evidence.coverage == Coverage("records", checked=30, matched=27)


@pytest.mark.parametrize(
    ("term", "text"),
    [
        ("AIME", "AIME24"), ("AIME", "AIME'25"), ("AIME", "AIME 2024"), ("GSM8K", "GSM8k"),
        ("Qwen2.5-VL-7B", "Qwen-2.5-VL-7B-Instruct"), ("LoRA", "LoRAs"), ("LoRA", "用LoRA微调"),
        ("Jetson Orin", "JetsonOrin"), ("机器人", "机器人操作"),
    ],
)  # fmt: skip
def test_a_name_is_found_in_its_variants(term: str, text: str) -> None:
    assert term_pattern(term).search(text)


@pytest.mark.parametrize(
    ("term", "text"),
    [("4B", "14B"), ("H20", "H200"), ("GPT-4", "GPT-4o"), ("LoRA", "QLoRAX"), ("2.5B", "12.5B")],
)
def test_a_name_is_not_found_inside_another(term: str, text: str) -> None:
    assert not term_pattern(term).search(text)


def test_a_topic_asked_for_in_english_is_found_in_chinese(seed_index: Index) -> None:
    titles = {hit.section.title for hit in find(seed_index, "Which papers are about speech?").hits}
    assert {"Covo-Audio Technical Report"} <= titles
    assert len(titles) < 10


@pytest.mark.parametrize(
    ("question", "papers"),
    [
        ("哪些论文用 AIME 做语音合成？", {"2603.00003"}),
        ("哪些论文用 LoRA 做机器人操作？", {"2603.00001"}),
        ("哪些论文在 AIME 上做了评测？", {"2603.00001", "2603.00003"}),
        ("哪些论文用 AIME 做量子纠错？", {"2603.00001", "2603.00003"}),
    ],
)
def test_what_else_is_asked_narrows_a_list_where_any_head_says_it(
    index: Index, question: str, papers: set[str]
) -> None:
    assert {hit.section.paper_id for hit in find(index, question).hits} == papers


def test_a_narrowed_list_does_not_claim_to_be_complete(index: Index) -> None:
    coverage = find(index, "哪些论文用 AIME 做语音合成？").coverage
    assert coverage is not None
    assert (coverage.by, coverage.matched) == ("topic", 1)


@pytest.mark.parametrize(
    ("denial", "topic"),
    [
        ("哪些论文不是关于大语言模型的？", "哪些论文是关于大语言模型的？"),
        ("Which papers are not about language models?", "Which papers are about language models?"),
    ],
)
def test_what_is_not_about_a_topic_are_all_the_others(
    seed_index: Index, denial: str, topic: str
) -> None:
    others, about = papers(seed_index, denial), papers(seed_index, topic)
    assert about
    assert not others & about
    assert len(others) + len(about) == len(seed_index.catalogue.papers)


def test_open_code_is_found_however_it_is_put(seed_index: Index) -> None:
    found = papers(seed_index, "哪些论文开源了代码？")
    assert found == papers(seed_index, "哪些论文的代码开源了？")


def test_a_recommendation_is_a_list_of_the_topic(seed_index: Index) -> None:
    found = papers(seed_index, "推荐几篇强化学习的论文")
    assert found == papers(seed_index, "有哪些强化学习的论文？")
    assert papers(seed_index, "推荐几篇推荐系统的论文") == papers(
        seed_index, "哪些论文研究推荐系统？"
    )


def test_each_report_s_own_sections_of_a_paper_are_looked_at(
    settings: Settings, tmp_path: Path
) -> None:
    longer, shorter = PAPERS[0], paper("2603.00001", "AlphaNet", usage="用 LoRA。", results=None)
    (tmp_path / "one.txt").write_bytes(render_report("2026-03-01", [longer]))
    (tmp_path / "two.txt").write_bytes(render_report("2026-03-02", [shorter]))
    ingest(settings, [tmp_path])
    found = find(open_index(settings), "哪些论文用了 LoRA？")
    mentioning = {(hit.section.report, hit.section.key) for hit in found.hits}
    assert mentioning == {("one.txt", "usage"), ("two.txt", "usage")}
