"""The optional reranker, through a real client and a fake server."""

import dataclasses

import pytest

from chatbot.answering.engine import ReportQueryEngine
from chatbot.config import Settings
from chatbot.index.reading import Index
from chatbot.llm.client import ChatModel, open_chat_model
from chatbot.retrieval.models import Evidence
from chatbot.retrieval.retriever import ReportQuery
from tests.fakes.openai_server import FakeOpenAI, Reply

QUESTION = "GRU-Mem 的推理速度提升了多少？"


@pytest.fixture
def index(seed_index: Index) -> Index:
    settings = seed_index.settings.model_copy(update={"rerank": "llm"})
    return dataclasses.replace(seed_index, settings=settings)


def model_at(server: FakeOpenAI) -> ChatModel | None:
    return open_chat_model(Settings(OPENAI_BASE_URL=server.url, CHATBOT_LLM="tiny"))


def ask(index: Index, server: FakeOpenAI, question: str = QUESTION) -> Evidence:
    asked = ReportQuery(question, top_k=5)
    return ReportQueryEngine(index, model_at(server)).retrieve(asked).evidence


def found(index: Index, question: str, top_k: int | None = None) -> Evidence:
    return ReportQueryEngine(index).retrieve(ReportQuery(question, top_k=top_k)).evidence


def names(evidence: Evidence) -> list[str]:
    return [hit.section.name for hit in evidence.hits]


def test_hits_come_in_the_models_order_and_say_so(seed_index: Index, index: Index) -> None:
    plain = names(found(seed_index, QUESTION, 5))
    with FakeOpenAI("3, 1, 2") as server:
        evidence = ask(index, server)
    assert names(evidence)[:3] == [plain[2], plain[0], plain[1]]
    assert [hit.ranks["reranker"] for hit in evidence.hits] == [1, 2, 3, 4, 5]
    assert [hit.score for hit in evidence.hits] == sorted(
        (hit.score for hit in evidence.hits), reverse=True
    )
    assert len(evidence.spent) == 1


@pytest.mark.parametrize("reply", [Reply.error(500, "no"), "no numbers here", "0, 99"])
def test_a_model_that_fails_or_names_nothing_leaves_the_order(
    seed_index: Index, index: Index, reply: Reply | str
) -> None:
    plain = names(found(seed_index, QUESTION, 5))
    with FakeOpenAI(default=reply) as server:
        assert names(ask(index, server)) == plain


@pytest.mark.parametrize(
    "question", ["哪些论文用了 GRPO？", "比较 DDiT 和 SpargeAttention2 的加速"]
)
def test_lists_and_comparisons_are_not_reranked(index: Index, question: str) -> None:
    with FakeOpenAI() as server:
        assert ask(index, server, question).hits
    assert server.requests == []


def test_nothing_is_reranked_unless_it_is_asked_for(seed_index: Index) -> None:
    with FakeOpenAI() as server:
        ask(seed_index, server)
    assert server.requests == []


def test_more_is_read_where_the_first_hits_may_not_hold_the_answer(seed_index: Index) -> None:
    vague = "有没有讲怎么省钱的做法"
    narrow = found(seed_index, vague, 8)
    assert narrow.confidence is not None
    assert len(narrow.hits) == 8
    assert len(found(seed_index, vague).hits) == 16
