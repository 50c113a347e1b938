"""The embedding of a server: its own address and key, what it takes at a time, what is amiss."""

from pathlib import Path

import pytest

from chatbot.bot import Chatbot
from chatbot.config import Settings, secrets_of
from chatbot.errors import ChatbotError, ConfigurationError, ModelError
from chatbot.index.embeddings import open_embedding
from chatbot.index.ingestion import index_is_stale, ingest
from tests.fakes.openai_server import EMBEDDINGS, FakeOpenAI, Reply, vector
from tests.report_text import paper, render_report

KEY, OWN = "sk-of-the-chat-model", "sk-of-the-embedding"
TEXTS = [f"第{number}段" for number in range(40)]


def settings_at(url: str | None, **variables: object) -> Settings:
    values = {"CHATBOT_EMBEDDING": "openai:e-3", "CHATBOT_EMBEDDING_BASE_URL": url, **variables}
    return Settings(**values)  # type: ignore[arg-type]


def sizes(server: FakeOpenAI) -> list[int]:
    """How many texts each request brought."""
    return [len(request.body["input"]) for request in server.requests]


def test_server_and_key_of_the_embedding_are_its_own() -> None:
    with FakeOpenAI() as chat, FakeOpenAI() as server:
        settings = settings_at(
            server.url,
            CHATBOT_EMBEDDING_API_KEY=OWN,
            OPENAI_BASE_URL=chat.url,
            OPENAI_API_KEY=KEY,
        )
        assert open_embedding(settings).get_query_embedding("甲") == pytest.approx(vector("甲"))
    (request,) = server.requests
    assert (request.path, request.headers["authorization"]) == (EMBEDDINGS, f"Bearer {OWN}")
    assert chat.requests == []


def test_without_its_own_they_are_the_chat_models() -> None:
    with FakeOpenAI() as server:
        settings = settings_at(None, OPENAI_BASE_URL=server.url, OPENAI_API_KEY=KEY)
        open_embedding(settings).get_query_embedding("甲")
    assert server.requests[0].headers["authorization"] == f"Bearer {KEY}"


def test_without_any_the_variables_that_would_do_are_named() -> None:
    with pytest.raises(ConfigurationError, match="CHATBOT_EMBEDDING_BASE_URL"):
        open_embedding(settings_at(None))


def test_a_key_that_no_header_can_hold_is_refused_at_once() -> None:
    settings = settings_at("http://127.0.0.1:9/v1", CHATBOT_EMBEDDING_API_KEY="sk-密钥")
    with pytest.raises(ConfigurationError, match="CHATBOT_EMBEDDING_API_KEY"):
        open_embedding(settings)


def test_both_keys_are_kept_out_of_what_leaves() -> None:
    settings = settings_at(None, OPENAI_API_KEY=KEY, CHATBOT_EMBEDDING_API_KEY=OWN)
    assert {KEY, OWN} <= {*secrets_of(settings)}


@pytest.mark.parametrize("most", [1, 10, 25, 64])
def test_a_server_gets_as_many_texts_at_a_time_as_it_takes(most: int) -> None:
    with FakeOpenAI(embeddings=Reply.vectors(texts=most)) as server:
        embedding = open_embedding(settings_at(server.url))
        assert embedding.get_text_embedding_batch(TEXTS) == [
            pytest.approx(vector(t)) for t in TEXTS
        ]
        learnt = len(server.requests)
        embedding.get_text_embedding_batch(TEXTS)
    assert max(sizes(server)[learnt:]) <= most


def test_a_text_that_is_too_long_is_cut_and_the_others_go_together_all_the_same() -> None:
    long = "图" * 3_000
    with FakeOpenAI(embeddings=Reply.vectors(characters=1_000)) as server:
        embedding = open_embedding(settings_at(server.url))
        found = embedding.get_text_embedding_batch([*TEXTS, long])
        server.requests.clear()
        embedding.get_text_embedding_batch(TEXTS)
    assert found[0] == pytest.approx(vector(TEXTS[0]))
    assert found[-1] == pytest.approx(vector(long[:750]))
    assert sizes(server) == [len(TEXTS)]


@pytest.mark.parametrize(
    ("reply", "said"),
    [
        (Reply.vectors(characters=20), r"lower|reads more"),
        (Reply.error(401, f"bad key {OWN}"), "check CHATBOT_EMBEDDING_API_KEY"),
        (Reply.error(404, "no"), "check CHATBOT_EMBEDDING and CHATBOT_EMBEDDING_BASE_URL"),
        (Reply.error(400, "no such model"), "check CHATBOT_EMBEDDING and CHATBOT_EMBEDDING_BASE"),
        (Reply.raw(b"<html>", content_type="text/html"), "check that CHATBOT_EMBEDDING_BASE_URL"),
        (Reply.raw(b'{"data": []}', content_type="application/json"), "0 vectors for 1 texts"),
    ],
    ids=["too long", "key", "not found", "refused", "no JSON", "no vectors"],
)
def test_an_error_names_what_helps_for_the_embedding(reply: Reply, said: str) -> None:
    with FakeOpenAI(embeddings=reply) as server:
        embedding = open_embedding(settings_at(server.url, CHATBOT_EMBEDDING_API_KEY=OWN))
        with pytest.raises(ModelError, match=said) as caught:
            embedding.get_text_embedding("图" * 300)
    line = str(caught.value)
    assert line.startswith("e-3 at 127.0.0.1:")
    assert not any(word in line for word in ("CHATBOT_LLM", "OPENAI_", OWN, "\n"))


def test_a_server_that_cannot_be_reached_is_named() -> None:
    embedding = open_embedding(settings_at("http://127.0.0.1:9/v1"))
    with pytest.raises(
        ModelError, match=r"^e-3 at 127\.0\.0\.1:9 cannot be reached: .* CHATBOT_EMB"
    ):
        embedding.get_query_embedding("甲")


@pytest.fixture
def report(tmp_path: Path) -> Path:
    file = tmp_path / "report.txt"
    file.write_bytes(render_report("2026-03-01", [paper("2603.00001", "量子纠错")]))
    return file


@pytest.mark.parametrize("question", ["量子纠错的准确率", "3月1日 量子纠错的准确率"])
def test_another_model_under_the_same_name_is_one_line(
    tmp_path: Path, report: Path, question: str
) -> None:
    with FakeOpenAI() as before:
        settings = settings_at(before.url, CHATBOT_DATA_DIR=tmp_path / "data")
        ingest(settings, [report])
    port = int(before.url.split(":")[2].partition("/")[0])
    with (
        FakeOpenAI(embeddings=Reply.vectors(dimensions=32), port=port),
        pytest.raises(ChatbotError, match=r"^[^\n]*ingest --rebuild[^\n]*CHATBOT_EMBEDDING[^\n]*$"),
    ):
        Chatbot(settings, None).answer(question)


def test_the_same_name_on_another_server_is_another_model(tmp_path: Path, report: Path) -> None:
    with FakeOpenAI() as server:
        settings = settings_at(server.url, CHATBOT_DATA_DIR=tmp_path / "data")
        ingest(settings, [report])
    assert index_is_stale(settings) is None
    other = settings.model_copy(update={"embedding_base_url": "http://127.0.0.1:9/v1"})
    assert "openai:e-3 has changed" in str(index_is_stale(other))
