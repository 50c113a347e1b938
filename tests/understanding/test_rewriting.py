"""Follow-ups rewritten by a model, through a real client and a fake server."""

import pytest

from chatbot.config import Settings
from chatbot.index.reading import Index
from chatbot.llm.client import ChatModel, open_chat_model
from chatbot.understanding.interpretation import interpret
from chatbot.understanding.models import Message
from tests.fakes.openai_server import FakeOpenAI, Reply

HISTORY = (
    Message("user", "有没有讲遗忘的论文"),
    Message("assistant", "有一篇，让推理模型学会丢掉没用的上下文。"),
)


def model_at(server: FakeOpenAI) -> ChatModel | None:
    return open_chat_model(Settings(OPENAI_BASE_URL=server.url, CHATBOT_LLM="tiny"))


def test_a_follow_up_is_searched_as_the_model_puts_it(seed_index: Index) -> None:
    with FakeOpenAI("Free() 的准确率提升了多少？") as server:
        query = interpret("它提升了多少？", seed_index.catalogue, HISTORY, None, model_at(server))
    assert query.standalone == "Free() 的准确率提升了多少？"
    assert query.papers == ("2602.08030",)
    assert (query.question, query.history) == ("它提升了多少？", HISTORY)
    assert len(query.spent) == 1
    assert "丢掉没用的上下文" in str(server.requests[0].body)


def test_a_question_that_stands_alone_is_not_sent(seed_index: Index) -> None:
    with FakeOpenAI() as server:
        query = interpret("GRU-Mem 快多少？", seed_index.catalogue, (), None, model_at(server))
    assert server.requests == []
    assert query.spent == ()


@pytest.mark.parametrize(
    "reply", [Reply.error(500, "no"), "第一行\n第二行", "字" * 700], ids=["down", "lines", "long"]
)
def test_a_model_that_fails_or_rambles_leaves_the_rules_reading(
    seed_index: Index, reply: Reply | str
) -> None:
    history = (Message("user", "GRU-Mem 是什么"), Message("assistant", "一种记忆。"))
    with FakeOpenAI(default=reply) as server:
        query = interpret("它快多少？", seed_index.catalogue, history, None, model_at(server))
    assert query.papers == ("2602.10560",)
    assert "GRU-Mem" in query.sought.text
