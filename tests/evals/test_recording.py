"""Calls recorded and replayed: the same answer, no network, nothing secret in a file."""

import json
import socket
import threading
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import BaseModel

from chatbot.config import Settings
from chatbot.errors import ChatbotError, ModelError
from chatbot.llm.client import ChatModel, ChatTurn, TokenUsage, complete, open_chat_model
from chatbot.llm.prompts import load_prompt
from evals.recording import Mode, NoModel, no_network, recorded
from tests.fakes.openai_server import FakeOpenAI, Reply

KEY = "sk-verysecret0123456789"
TURNS = load_prompt("rewrite").turns(history="user: 什么是 RAG？", question="它快吗？")
GONE = NoModel("fake", 32_000)


class Shape(BaseModel):
    label: str


def model_at(server: FakeOpenAI, name: str = "fake") -> ChatModel:
    model = open_chat_model(
        Settings(OPENAI_API_KEY=KEY, OPENAI_BASE_URL=server.url, CHATBOT_LLM=name)
    )
    assert model is not None
    return model


def ask(
    folder: Path,
    mode: Mode,
    model: ChatModel = GONE,
    turns: Sequence[ChatTurn] = TURNS,
    repeat: int = 0,
) -> tuple[str, TokenUsage]:
    return complete(recorded(model, folder, mode, repeat), turns)


def record(folder: Path, text: str, turns: Sequence[ChatTurn] = TURNS) -> tuple[str, TokenUsage]:
    with FakeOpenAI(text) as server:
        return ask(folder, "record", model_at(server), turns)


texts = st.text(min_size=1, max_size=60).filter(lambda text: text.strip())


@given(texts, texts)
@settings(max_examples=25, deadline=None)
def test_replay_returns_what_record_saw(
    tmp_path_factory: pytest.TempPathFactory, question: str, text: str
) -> None:
    folder = tmp_path_factory.mktemp("calls")
    turns = [ChatTurn("user", question)]
    saw = record(folder, text, turns)
    assert saw == (text, TokenUsage(len(question), len(text)))
    assert ask(folder, "replay", turns=turns) == saw


def test_a_replayed_answer_comes_as_one_chunk_and_its_usage(tmp_path: Path) -> None:
    record(tmp_path, "一个够长、分成几块写出来的答案。")
    text, usage = recorded(GONE, tmp_path, "replay").stream(TURNS)
    assert (text.text, text.usage) == ("一个够长、分成几块写出来的答案。", None)
    assert (usage.text, usage.usage is None) == ("", False)


def test_a_server_that_does_not_count_is_replayed_without_usage(tmp_path: Path) -> None:
    with FakeOpenAI("甲", usage=False) as server:
        ask(tmp_path, "record", model_at(server))
    assert [chunk.usage for chunk in recorded(GONE, tmp_path, "replay").stream(TURNS)] == [None]


def test_a_recording_is_a_readable_file_named_after_its_key(tmp_path: Path) -> None:
    record(tmp_path, "它是指 RAG。")
    (file,) = tmp_path.iterdir()
    stored = json.loads(file.read_text(encoding="utf-8"))
    assert stored["request"]["model"] == "fake"
    assert stored["request"]["prompt"]["name"] == "rewrite"
    assert stored["request"]["prompt"]["version"] == load_prompt("rewrite").version
    assert stored["request"]["repeat"] == 0
    assert stored["request"]["messages"][1]["content"] == TURNS[1].content
    assert (stored["answer"], stored["recorded"][-6:]) == ("它是指 RAG。", "+00:00")
    assert "它是指 RAG。" in file.read_text(encoding="utf-8")
    assert (len(file.stem), file.suffix) == (64, ".json")


def test_what_is_recorded_already_is_not_asked_for_again(tmp_path: Path) -> None:
    record(tmp_path, "第一次")
    with FakeOpenAI() as server:
        assert ask(tmp_path, "record", model_at(server))[0] == "第一次"
    assert server.requests == []


def test_each_repeat_model_question_and_shape_has_a_recording_of_its_own(tmp_path: Path) -> None:
    other = load_prompt("rewrite").turns(history="", question="它快吗？")
    with FakeOpenAI("一", "二", "三", "四", "五") as server:
        model = model_at(server)
        said = [
            ask(tmp_path, "record", model)[0],
            ask(tmp_path, "record", model, repeat=1)[0],
            ask(tmp_path, "record", model_at(server, "other"))[0],
            ask(tmp_path, "record", model, other)[0],
            complete(recorded(model, tmp_path, "record"), TURNS, Shape)[0],
        ]
    assert said == ["一", "二", "三", "四", "五"]
    assert ask(tmp_path, "replay", repeat=1)[0] == "二"
    assert complete(recorded(GONE, tmp_path, "replay"), TURNS, Shape)[0] == "五"


def test_two_threads_that_ask_the_same_share_one_call(tmp_path: Path) -> None:
    said = []
    with FakeOpenAI(Reply.trickle("慢慢来", 0.05)) as server:
        model = recorded(model_at(server), tmp_path, "record")
        threads = [
            threading.Thread(target=lambda: said.append(complete(model, TURNS)[0]))
            for _ in range(3)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert said == ["慢慢来"] * 3
    assert len(server.chats) == 1


def test_a_live_call_is_always_made_and_never_kept(tmp_path: Path) -> None:
    record(tmp_path, "旧")
    with FakeOpenAI("新", "更新") as server:
        model = model_at(server)
        assert [ask(tmp_path, "live", model)[0] for _ in range(2)] == ["新", "更新"]
    assert ask(tmp_path, "replay")[0] == "旧"


@pytest.mark.parametrize("name", ["answer", "compare", "judge", "rerank", "rewrite"])
def test_a_miss_names_the_prompt_the_model_and_what_to_do(tmp_path: Path, name: str) -> None:
    prompt = load_prompt(name)
    turns = prompt.turns(**dict.fromkeys(prompt.variables, "$x"))
    with pytest.raises(ChatbotError) as caught:
        ask(tmp_path, "replay", turns=turns)
    assert not isinstance(caught.value, ModelError)
    for part in (name, prompt.version, "fake", "chatbot eval --mode record"):
        assert part in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_call_without_a_prompt_of_ours_is_said_to_be_so(tmp_path: Path) -> None:
    with pytest.raises(ChatbotError, match="unknown prompt"):
        ask(tmp_path, "replay", turns=[ChatTurn("user", "你好")])


def test_a_failed_call_is_passed_on_and_not_recorded(tmp_path: Path) -> None:
    with FakeOpenAI(Reply.cut_after("半个"), Reply.error(401, "no")) as server:
        for _ in range(2):
            with pytest.raises(ModelError):
                ask(tmp_path, "record", model_at(server))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("mode", ["record", "live"])
def test_without_a_model_there_is_nothing_to_ask(tmp_path: Path, mode: Mode) -> None:
    with pytest.raises(ChatbotError, match="OPENAI_API_KEY"):
        ask(tmp_path, mode)


def test_a_recorded_model_has_the_name_and_the_context_of_the_model(tmp_path: Path) -> None:
    model = recorded(GONE, tmp_path, "replay")
    assert (model.name, model.context_tokens) == ("fake", 32_000)


@pytest.mark.parametrize("text", [f"密钥是{KEY}", f"第一行\n{KEY}", "sk-proj-Ab_cd-efghij01234567"])
def test_a_text_like_a_key_is_never_written(tmp_path: Path, text: str) -> None:
    with pytest.raises(ChatbotError, match="looks like an API key") as caught:
        record(tmp_path, text)
    assert text not in str(caught.value)
    with pytest.raises(ChatbotError, match="looks like an API key"):
        record(tmp_path, "好", [ChatTurn("user", text)])
    assert list(tmp_path.iterdir()) == []


def test_the_key_a_call_is_made_with_is_not_in_its_recording(tmp_path: Path) -> None:
    record(tmp_path, "多任务 multitask-conditioned-reinforcement 学习")
    (file,) = tmp_path.iterdir()
    assert KEY not in file.read_text(encoding="utf-8")
    assert "authorization" not in file.read_text(encoding="utf-8").lower()


@pytest.mark.parametrize("damage", ["", "{}", '{"answer": 1, "usage": null}', "[]"])
def test_a_damaged_recording_is_named(tmp_path: Path, damage: str) -> None:
    record(tmp_path, "好")
    (file,) = tmp_path.iterdir()
    file.write_text(damage, encoding="utf-8")
    with pytest.raises(ChatbotError, match=f"{file.name} is no recording"):
        ask(tmp_path, "replay")


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "calls").write_text("a file", encoding="utf-8")
    with pytest.raises(ChatbotError, match="cannot be written"):
        record(tmp_path / "calls", "好")


def test_while_nothing_may_connect_every_attempt_is_refused_and_told_again_at_the_end() -> None:
    def attempts(server: FakeOpenAI) -> None:
        with no_network():
            with pytest.raises(ModelError):
                complete(model_at(server), TURNS)
            address = ("127.0.0.1", int(server.url.split(":")[2].removesuffix("/v1")))
            with (
                socket.socket() as direct,
                pytest.raises(ChatbotError, match="nothing may connect"),
            ):
                direct.connect_ex(address)
            with (
                socket.socket(socket.AF_INET6) as direct,
                pytest.raises(ChatbotError, match="nothing may connect"),
            ):
                direct.connect(("::1", address[1]))

    with FakeOpenAI("好") as server:
        with pytest.raises(ChatbotError, match=r"127\.0\.0\.1.*in replay nothing may connect"):
            attempts(server)
        assert server.requests == []
        assert complete(model_at(server), TURNS)[0] == "好"


def test_a_replay_needs_no_connection(tmp_path: Path) -> None:
    record(tmp_path, "好")
    with no_network():
        assert ask(tmp_path, "replay")[0] == "好"


def test_unix_sockets_stay_allowed(tmp_path: Path) -> None:
    path = str(tmp_path / "s")
    with (
        no_network(),
        socket.socket(socket.AF_UNIX) as listening,
        socket.socket(socket.AF_UNIX) as calling,
    ):
        listening.bind(path)
        listening.listen()
        calling.connect(path)


def test_the_ban_holds_until_the_last_who_asked_for_it_is_done() -> None:
    def connect(first: ExitStack) -> None:
        with no_network():
            first.close()
            with socket.socket() as direct:
                direct.connect(("127.0.0.1", 9))

    first = ExitStack()
    first.enter_context(no_network())
    with pytest.raises(ChatbotError, match="nothing may connect"):
        connect(first)
    with FakeOpenAI("好") as server:
        assert complete(model_at(server), TURNS)[0] == "好"
