"""A question and its history to a query, by rules."""

import pytest

from chatbot.retrieval.models import Filters, Message
from chatbot.retrieval.understanding import language_of, understand

HISTORY = (
    Message("user", "GRU-Mem 是做什么的？"),
    Message("assistant", "GRU-Mem 用门控循环记忆读长文本。"),
)


@pytest.mark.parametrize(
    ("question", "language"),
    [
        ("推理速度提升了多少", "zh"),
        ("GRU-Mem 的 speedup 是多少", "zh"),
        ("What does GRU-Mem do?", "en"),
        ("What does 执行差距 mean in the GENIUS benchmark paper from February?", "en"),
        ("2602.10560?", "en"),
    ],
)
def test_the_language_is_the_one_the_question_is_asked_in(question: str, language: str) -> None:
    assert language_of(question) == language


@pytest.mark.parametrize(
    ("question", "intent"),
    [
        ("GRU-Mem 提升了多少？", "lookup"),
        ("FeatureBench 和 CLI-Gym 有什么区别？", "compare"),
        ("Compare A with B", "compare"),
        ("哪些论文用了 GRPO？", "list"),
        ("Which papers study GUI agents?", "list"),
        ("你好！", "chat"),
        ("thanks", "chat"),
        ("谢谢你，那 GRU-Mem 呢", "lookup"),
    ],
)
def test_the_intent_is_read_from_the_wording(question: str, intent: str) -> None:
    assert understand(question).intent == intent


@pytest.mark.parametrize("question", ["它的实验效果呢？", "那提升了多少", "And how fast is it?"])
def test_a_question_that_leans_on_the_conversation_is_searched_with_it(question: str) -> None:
    query = understand(question, HISTORY)
    assert "GRU-Mem" in query.search_text
    assert query.question == question


@pytest.mark.parametrize(
    "question", ["AgenticPay 包含多少个任务？", "Which papers study diffusion language models?"]
)
def test_a_question_that_stands_alone_is_searched_alone(question: str) -> None:
    assert understand(question, HISTORY).search_text == question


def test_an_arxiv_id_in_the_question_narrows_the_search_to_that_paper() -> None:
    query = understand("2602.10560 的推理速度提升了多少？")
    assert query.filters.papers == ("2602.10560",)
    assert "2602" not in query.search_text


def test_a_given_paper_filter_is_not_overruled_by_the_question() -> None:
    query = understand("2602.10560 呢？", filters=Filters(papers=("2602.11144",)))
    assert query.filters.papers == ("2602.11144",)


def test_a_number_with_decimals_is_no_arxiv_id() -> None:
    assert understand("从 1234.56789012 降到多少").filters.papers == ()
