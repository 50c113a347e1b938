"""Answers made of the sections' own sentences."""

from pathlib import Path

import pytest

from chatbot.answering.quoting import extract
from chatbot.config import Settings
from chatbot.index.ingestion import ingest
from chatbot.index.reading import Index, open_index
from chatbot.retrieval.search import search
from chatbot.understanding.interpretation import understand
from chatbot.understanding.models import Message
from chatbot.verification.claims import Draft
from tests.report_text import MadePaper, paper, render_report


def draft(index: Index, question: str) -> Draft:
    return extract(index, search(index, understand(question, index.catalogue)))


def indexed(folder: Path, *papers: MadePaper) -> Index:
    (folder / "report.txt").write_bytes(render_report("2026-01-01", papers))
    settings = Settings(CHATBOT_DATA_DIR=folder / "data")
    ingest(settings, [folder / "report.txt"])
    return open_index(settings)


def test_each_sentence_is_verbatim_under_a_line_naming_its_paper(seed_index: Index) -> None:
    found = draft(seed_index, "GRU-Mem 的推理速度提升了多少？")
    title, _, *lines = found.markdown.split("\n")
    assert title.startswith("**When to Memorize and When to Stop")
    texts = [section.text for section in found.sources.values()]
    for line in (line for line in lines if line.startswith("- ")):
        sentence = line.removeprefix("- ").rpartition(" [")[0]
        assert any(sentence in text for text in texts)


def test_sentences_come_in_reading_order(seed_index: Index) -> None:
    found = draft(seed_index, "GRU-Mem 的推理速度提升了多少？效果如何？怎么做到的？")
    order = ["field", "contribution", "usage", "innovations", "results"]
    keys = [order.index(section.key) for section in found.sources.values()]
    assert keys == sorted(keys)


def test_a_follow_up_is_answered_with_other_sentences(seed_index: Index) -> None:
    first = draft(seed_index, "GRU-Mem 是什么？")
    history = (Message("user", "GRU-Mem 是什么？"), Message("assistant", first.markdown))
    query = understand("它的推理速度提升了多少？", seed_index.catalogue, history)
    found = extract(seed_index, search(seed_index, query))
    assert "400%" in found.markdown
    assert "400%" not in first.markdown


def test_a_question_about_one_paper_is_answered_briefly(tmp_path: Path) -> None:
    rest = "".join(f"在{sea}湾的海浪上，预报比物理模型更稳。" for sea in "东南西北中上下左右前后")
    results = f"{rest}训练共用 1,234 个浮标。{rest}" * 3
    index = indexed(tmp_path, paper("2601.00001", "TideNet: Coastal Waves", results=results))
    found = draft(index, "TideNet 训练共用多少个浮标？")
    assert "1,234" in found.markdown
    assert len(found.markdown) < 800 < len(results)


@pytest.mark.parametrize(
    ("question", "key"),
    [
        ("GRU-Mem 的主要创新是什么？", "innovations"),
        ("What are the main innovations of GRU-Mem?", "innovations"),
        ("GRU-Mem 怎么用？", "usage"),
        ("2602.10560 的实验效果如何？", "results"),
    ],
)
def test_who_asks_for_a_section_gets_all_of_it_and_no_other(
    seed_index: Index, question: str, key: str
) -> None:
    found = draft(seed_index, question)
    assert [section.name for section in found.sources.values()] == [f"2602.10560/{key}"]
    (section,) = found.sources.values()
    quoted = [line for line in found.markdown.split("\n") if line.startswith("- ")]
    told = [line for line in section.text.split("\n") if not line.rstrip("*").endswith("：")]
    assert len(quoted) >= len(told)


def test_a_section_asked_for_of_a_paper_of_a_list_is_that_papers(seed_index: Index) -> None:
    asked = "哪些论文在 AIME 上做了评测？"
    listed = draft(seed_index, asked)
    second = list(listed.sources.values())[1].paper_id
    history = (Message("user", asked), Message("assistant", listed.markdown))
    query = understand("第二篇的主要创新是什么？", seed_index.catalogue, history)
    found = extract(seed_index, search(seed_index, query))
    assert [section.name for section in found.sources.values()] == [f"{second}/innovations"]


def test_a_list_question_draws_on_several_papers(seed_index: Index) -> None:
    found = draft(seed_index, "哪些论文研究 GUI 智能体？")
    assert len({section.paper_id for section in found.sources.values()}) >= 3


def test_a_paper_is_called_by_what_stands_before_its_titles_colon_cut_where_that_is_long(
    seed_index: Index,
) -> None:
    assert "**GENIUS**（" in draft(seed_index, "GENIUS 是什么").markdown
    long = draft(seed_index, "2602.08503 用了多少样本训练").markdown
    assert long.startswith("**Learning Self-Correction in…**（")


def test_a_list_gives_the_title_whole_and_what_the_system_is_called(seed_index: Index) -> None:
    found = draft(seed_index, "2月11日哪些论文用到了 Qwen3-VL？").markdown
    name = "Octopus · Learning Self-Correction in Vision-Language Models via Rollout Augmentation"
    assert f"**{name}**（2602.08503" in found


def test_a_lead_in_that_holds_a_number_can_be_quoted(seed_index: Index) -> None:
    assert "11 个最先进" in draft(seed_index, "RISE-Video 评测了多少个模型？").markdown


def test_two_papers_on_the_same_system_are_both_quoted(tmp_path: Path) -> None:
    said = {"first": "推理速度提升 **40%**。", "second": "推理速度下降 **15%**。"}
    index = indexed(
        tmp_path,
        paper("2601.00001", "FooNet: Fast Inference", results=said["first"]),
        paper("2601.00002", "Revisiting FooNet: Slow Inference", results=said["second"]),
    )
    found = draft(index, "FooNet 的推理速度怎么样？")
    first, _, second = found.markdown.partition("另有一篇论文涉及同名系统，说法可能不同：")
    assert {"40%" in first, "40%" in second} == {True, False}
    assert {"15%" in first, "15%" in second} == {True, False}
    assert found.abstain_reason is None
