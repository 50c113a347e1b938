"""Suggested questions: each is about what was cited, in the reader's language, and answered."""

import pytest

from chatbot.answering.record import record_of
from chatbot.answering.suggestions import suggest
from chatbot.bot import Chatbot

ASKED = [
    "GRU-Mem 的推理速度提升了多少？",
    "How precise is Bielik Guard on real user prompts?",
    "哪些论文研究 GUI 智能体？",
    "FeatureBench 和 CLI-Gym 各有多少个任务？",
]


@pytest.mark.parametrize("question", ASKED)
def test_what_is_suggested_is_answered_with_citations(seed_bot: Chatbot, question: str) -> None:
    record = record_of(seed_bot.answer(question))
    suggestions = suggest(seed_bot.index, record)
    assert 1 <= len(suggestions) <= 3
    for suggestion in suggestions:
        answer = seed_bot.answer(suggestion.question)
        assert answer.citations, suggestion.question
        assert not answer.abstained, suggestion.question
        assert answer.language == record.language
        assert suggestion.question != question


def test_one_paper_leads_to_its_other_sections_and_to_a_neighbour(seed_bot: Chatbot) -> None:
    record = record_of(seed_bot.answer(ASKED[0]))
    questions = [suggestion.question for suggestion in suggest(seed_bot.index, record)]
    assert all("GRU-Mem" in question for question in questions)
    assert any("有什么不同" in question for question in questions)


def test_a_name_of_several_papers_leads_to_each_of_them(seed_bot: Chatbot) -> None:
    record = record_of(seed_bot.answer("SAGE 的效果怎么样？"))
    suggestions = suggest(seed_bot.index, record)
    assert [("2602.10116" in s.question, "2602.05975" in s.question) for s in suggestions] in (
        [(True, False), (False, True)],
        [(False, True), (True, False)],
    )


def test_small_talk_leads_nowhere(seed_bot: Chatbot) -> None:
    assert suggest(seed_bot.index, record_of(seed_bot.answer("你好"))) == ()
