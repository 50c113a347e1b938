"""Answers made of the sections' own sentences."""

import pytest

from chatbot.answer.extractive import extract
from chatbot.answer.models import Draft
from chatbot.index.store import Index
from chatbot.retrieval.models import Message
from chatbot.retrieval.search import search
from chatbot.retrieval.understanding import understand


def draft(index: Index, question: str) -> Draft:
    return extract(index, search(index, understand(question, index.catalogue)))


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


def test_a_question_about_one_paper_is_answered_briefly(seed_index: Index) -> None:
    found = draft(seed_index, "VE-Bench 有多少张图、几类风险、分几个等级？")
    assert "1054" in found.markdown
    assert len(found.markdown) < 800


def test_a_list_question_draws_on_several_papers(seed_index: Index) -> None:
    found = draft(seed_index, "哪些论文研究 GUI 智能体？")
    assert len({section.paper_id for section in found.sources.values()}) >= 3


@pytest.mark.parametrize(
    ("question", "note"),
    [("GENIUS 是什么", "未使用大模型"), ("What is GENIUS", "no language model")],
)
def test_every_extract_says_in_the_questions_language_that_it_is_one(
    seed_index: Index, question: str, note: str
) -> None:
    assert note in draft(seed_index, question).markdown
