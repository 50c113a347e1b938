"""What `chatbot.llm` promises, over real HTTP against the fake server."""

import shutil
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import certifi
import openai
import pytest
from pydantic import BaseModel

from chatbot.config import Settings
from chatbot.errors import ConfigurationError, ModelError
from chatbot.llm.client import ChatModel, ChatTurn, Chunk, TokenUsage, complete, open_chat_model
from tests.fakes.openai_server import DONE, FakeOpenAI, Reply, finish_event, sse, text_events

KEY = "sk-verysecret0123456789"
QUESTION = [ChatTurn("system", "Be brief."), ChatTurn("user", "什么是 RAG？")]
TEXT = "扩散模型🚀把噪声变成图像 [1]。"
NOT_HUNG = 5.0


@pytest.fixture(autouse=True)
def _clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)
    for name in ("OPENAI_API_KEY", "OPENAI_BASE_URL", "OPENAI_API_BASE", "OPENAI_ORG_ID"):
        monkeypatch.delenv(name, raising=False)


def model_at(url: str, name: str = "fake", key: str | None = KEY, timeout: float = 20) -> ChatModel:
    model = open_chat_model(
        Settings(
            OPENAI_API_KEY=key, OPENAI_BASE_URL=url, CHATBOT_LLM=name, CHATBOT_LLM_TIMEOUT=timeout
        )
    )
    assert model is not None
    return model


def text_of(chunks: Iterator[Chunk]) -> str:
    return "".join(chunk.text for chunk in chunks)


def error_of(*script: Reply, timeout: float = 20) -> str:
    """What is raised when the server answers so, the last of it as often as it is asked."""
    with (
        FakeOpenAI(*script[:-1], default=script[-1]) as server,
        pytest.raises(ModelError) as caught,
    ):
        text_of(model_at(server.url, timeout=timeout).stream(QUESTION))
    return str(caught.value)


def wait_for_readers_to_end() -> bool:
    readers = [thread for thread in threading.enumerate() if thread.name == "llm-reader"]
    for thread in readers:
        thread.join(NOT_HUNG)
    return not any(thread.is_alive() for thread in readers)


# Opening


def test_without_a_key_or_a_server_there_is_no_model() -> None:
    assert open_chat_model(Settings(OPENAI_API_KEY=None, OPENAI_BASE_URL=None)) is None


def test_a_model_tells_its_name_and_its_context() -> None:
    model = open_chat_model(
        Settings(OPENAI_API_KEY=KEY, CHATBOT_LLM="fake", CHATBOT_LLM_CONTEXT=9_000)
    )
    assert model is not None
    assert (model.name, model.context_tokens) == ("fake", 9_000)


def test_a_server_of_ones_own_needs_no_key() -> None:
    with FakeOpenAI(TEXT) as server:
        assert text_of(model_at(server.url, key=None).stream(QUESTION)) == TEXT


def test_a_key_that_no_header_can_hold_is_refused_at_once_and_not_shown() -> None:
    with pytest.raises(ConfigurationError, match="OPENAI_API_KEY") as caught:
        model_at("http://127.0.0.1:9/v1", key="sk-密钥")
    assert "密钥" not in str(caught.value)


def test_a_key_pasted_with_a_line_end_works() -> None:
    with FakeOpenAI(TEXT) as server:
        text_of(model_at(server.url, key=f"{KEY}\n").stream(QUESTION))
    assert server.requests[0].headers["authorization"] == f"Bearer {KEY}"


def test_a_model_that_speaks_another_protocol_is_refused_at_once() -> None:
    with pytest.raises(ConfigurationError, match="CHATBOT_LLM"):
        model_at("http://127.0.0.1:9/v1", name="gpt-5.4-pro")


def test_importing_the_module_imports_no_client() -> None:
    code = (
        "import sys, chatbot.llm; print(*{'llama_index', 'openai', 'httpx'} & sys.modules.keys())"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""


def test_the_global_settings_of_llama_index_stay_untouched() -> None:
    code = f"""
from chatbot.config import Settings
from chatbot.llm.client import ChatTurn, open_chat_model
from tests.fakes.openai_server import FakeOpenAI
with FakeOpenAI("hi") as server:
    model = open_chat_model(Settings(OPENAI_API_KEY={KEY!r}, OPENAI_BASE_URL=server.url))
    list(model.stream([ChatTurn("user", "?")]))
from llama_index.core import Settings, global_handler
assert all(value is None for value in vars(Settings).values()), vars(Settings)
assert global_handler is None
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


# What is sent


def test_the_turns_are_sent_as_plain_text_in_their_roles() -> None:
    turns = [*QUESTION, ChatTurn("assistant", "…"), ChatTurn("user", "Why?")]
    with FakeOpenAI(TEXT) as server:
        text_of(model_at(server.url).stream(turns))
    assert server.chats[0]["messages"] == [{"role": t.role, "content": t.content} for t in turns]


@pytest.mark.parametrize(
    ("name", "temperature"),
    [
        ("qwen3", 0.1),
        ("gpt-4.1", 0.1),
        ("gpt-oss-20b", 0.1),
        ("gpt-5.4-mini", None),
        ("gpt-9-new", None),
        ("openai/o4-mini", None),
    ],
)
def test_only_models_that_take_a_temperature_are_given_one(
    name: str, temperature: float | None
) -> None:
    with FakeOpenAI(TEXT) as server:
        text_of(model_at(server.url, name).stream(QUESTION))
    assert server.chats[0].get("temperature") == temperature


@pytest.mark.parametrize("option", ["temperature", "stream_options"])
@pytest.mark.parametrize("status", [400, 422])
def test_an_option_a_server_refuses_is_left_out_from_then_on(option: str, status: int) -> None:
    with FakeOpenAI(Reply.error(status, f"Unknown parameter: {option}"), TEXT, TEXT) as server:
        model = model_at(server.url)
        assert text_of(model.stream(QUESTION)) + text_of(model.stream(QUESTION)) == TEXT * 2
    assert [option in body for body in server.chats] == [True, False, False]


# What comes back


def test_an_answer_comes_in_pieces_and_its_usage_last() -> None:
    with FakeOpenAI("abcdefghij") as server:
        *pieces, last = model_at(server.url).stream([ChatTurn("user", "abc")])
    assert pieces == [Chunk("abcdefgh"), Chunk("ij")]
    assert last == Chunk(usage=TokenUsage(prompt_tokens=3, completion_tokens=10))


def test_a_server_that_counts_no_tokens_gives_no_usage() -> None:
    with FakeOpenAI(TEXT, usage=False) as server:
        assert all(chunk.usage is None for chunk in model_at(server.url).stream(QUESTION))


def test_usage_repeated_in_every_event_is_given_once_and_as_last_seen() -> None:
    counts = [{"prompt_tokens": 5, "completion_tokens": n, "total_tokens": 5 + n} for n in (1, 2)]
    events = [
        sse({"choices": [{"index": 0, "delta": {"content": "a"}}], "usage": usage})
        for usage in counts
    ]
    with FakeOpenAI(Reply.raw(*events, finish_event(), DONE)) as server:
        chunks = list(model_at(server.url).stream(QUESTION))
    assert [chunk.usage for chunk in chunks] == [None, None, TokenUsage(5, 2)]


def test_text_split_inside_a_character_arrives_whole() -> None:
    stream = b"".join(text_events(TEXT, chunk=100)) + finish_event() + DONE
    single_bytes = [bytes([byte]) for byte in stream]
    with FakeOpenAI(Reply.raw(*single_bytes)) as server:
        assert text_of(model_at(server.url).stream(QUESTION)) == TEXT


def test_an_answer_may_depend_on_the_prompt() -> None:
    with FakeOpenAI(lambda body: body["messages"][-1]["content"][::-1]) as server:
        assert text_of(model_at(server.url).stream([ChatTurn("user", "abc")])) == "cba"


def test_calls_at_the_same_time_do_not_mix() -> None:
    def ask(n: int) -> None:
        answers[n] = text_of(model.stream([ChatTurn("user", f"question {n}")]))

    answers: dict[int, str] = {}
    echo = Reply.text(lambda body: body["messages"][-1]["content"], chunk=1, delay=0.005)
    with FakeOpenAI(default=echo) as server:
        model = model_at(server.url)
        threads = [threading.Thread(target=ask, args=(n,)) for n in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(20)
    assert answers == {n: f"question {n}" for n in range(8)}


# What goes wrong


@pytest.mark.parametrize(
    ("reply", "said"),
    [
        (Reply.error(401, "bad key"), "refused the key (HTTP 401): bad key; check OPENAI_API_KEY"),
        (Reply.error(403, "not in your region."), "(HTTP 403): not in your region; check what"),
        (
            Reply.error(404, "no model fake"),
            "(HTTP 404): no model fake; check CHATBOT_LLM and OPENAI",
        ),
        (
            Reply.error(429, "slow", {"Retry-After": "70"}),
            "(HTTP 429): slow; ask again later (Retry-After: 70)",
        ),
        (Reply.error(429, "none left", code="insufficient_quota"), "check its plan and billing"),
        (Reply.error(402, "Insufficient Balance"), "check its plan and billing"),
        (Reply.error(400, "x", code="context_length_exceeded"), "lower CHATBOT_LLM_CONTEXT"),
        (Reply.error(400, "exceeds the available context size"), "lower CHATBOT_LLM_CONTEXT"),
        (Reply.error(400, "no such field"), "refused the request (HTTP 400): no such field"),
        (Reply.error(400, "x", code="content_filter"), "content filter"),
        (Reply.error(500, "boom"), "failed (HTTP 500): boom; ask again later"),
        (Reply.error(503, "two\nlines\x1b[0m"), "failed (HTTP 503): two lines [0m; ask again"),
        (Reply.raw(b"<html>Bad gateway", status=502), "failed (HTTP 502); ask again later"),
        (Reply.raw(b'{"detail": "Not Found"}', status=404), "was not found (HTTP 404): Not Found;"),
        (
            Reply.raw(b"<html>a portal</html>"),
            "answered with no text at all; check OPENAI_BASE_URL",
        ),
        (Reply.raw(b'data: {"choices": [\n\n'), "cannot be read (JSONDecodeError)"),
        (Reply.raw(b'data: {"a": "\xff\xfe"}\n\n'), "cannot be read (UnicodeDecodeError)"),
        (Reply.raw(sse({"choices": None})), "cannot be read (TypeError)"),
        (Reply.raw(sse({"error": {"message": "out of memory"}})), "failed: out of memory"),
        (Reply.text(""), "ended its answer without any text (stop)"),
        (Reply.text(" \n"), "ended its answer without any text (stop)"),
        (Reply.text("", finish="length"), "ended its answer without any text (length)"),
        (Reply.text("half", finish="content_filter"), "withheld the answer (content filter)"),
        (
            Reply.raw(
                sse({"choices": [{"delta": {"refusal": "I can't."}, "finish_reason": "stop"}]})
            ),
            "declined: I can't; ask in other words",
        ),
        (Reply.cut_after("half an answer"), "broke off in mid-answer"),
        (Reply.raw(*text_events("half an answer")), "broke off in mid-answer"),
    ],
)
def test_an_error_is_one_line_with_model_place_cause_and_remedy(reply: Reply, said: str) -> None:
    message = error_of(reply)
    assert message.startswith("fake at 127.0.0.1:")
    assert said in message
    assert message.isprintable()


def test_a_long_complaint_is_shortened_but_its_remedy_is_not() -> None:
    message = error_of(Reply.error(401, "很长" * 5_000))
    assert len(message) < 500
    assert message.endswith("; check OPENAI_API_KEY")


@pytest.mark.parametrize(
    "echo", [KEY, f"{'x' * 290} {KEY}", "sk-ve******6789", "Bearer sk-ve...6789", f"'{KEY}'"]
)
def test_a_key_the_server_echoes_is_never_shown(echo: str) -> None:
    message = error_of(Reply.error(401, f"Incorrect API key provided: {echo}. See your account"))
    assert "sk-ve" not in message
    assert "6789" not in message


def test_no_exception_behind_the_error_holds_the_key() -> None:
    with FakeOpenAI(Reply.error(401, f"Incorrect: {KEY}")) as server:
        model = model_at(server.url)
        with pytest.raises(ModelError) as caught:
            text_of(model.stream(QUESTION))
    assert caught.value.__cause__ is None
    assert caught.value.__context__ is None


def test_a_password_in_the_servers_address_is_never_shown() -> None:
    with FakeOpenAI(Reply.error(401, "boom")) as server:
        url = server.url.replace("127.0.0.1", "user:hunter2@127.0.0.1")
        with pytest.raises(ModelError) as caught:
            text_of(model_at(url).stream(QUESTION))
    assert "hunter2" not in str(caught.value)


def test_a_server_that_is_not_running_is_named() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    with pytest.raises(
        ModelError, match=rf"127\.0\.0\.1:{port} cannot be reached: connection refused"
    ):
        text_of(model_at(f"http://127.0.0.1:{port}/v1").stream(QUESTION))


def test_a_host_that_does_not_exist_is_named() -> None:
    with pytest.raises(ModelError, match=r"nowhere\.invalid cannot be reached: no such host"):
        text_of(model_at("http://nowhere.invalid/v1").stream(QUESTION))


def test_a_server_that_speaks_no_tls_is_an_error_and_not_a_traceback() -> None:
    with FakeOpenAI() as server, pytest.raises(ModelError, match=r"cannot be reached: .*SSL"):
        text_of(model_at(server.url.replace("http:", "https:")).stream(QUESTION))


@pytest.mark.parametrize(
    "reply",
    [
        Reply.error(500, "boom"),
        Reply.error(503, "busy"),
        Reply.error(429, "slow", {"Retry-After": "0.2"}),
        Reply.error(429, "slow"),
    ],
)
def test_a_server_that_is_busy_or_fails_at_first_is_asked_once_more(reply: Reply) -> None:
    with FakeOpenAI(reply, TEXT) as server:
        assert text_of(model_at(server.url).stream(QUESTION)) == TEXT
    assert len(server.requests) == 2


def test_a_server_that_goes_on_failing_is_left_alone() -> None:
    with FakeOpenAI(*[Reply.error(503, "busy")] * 2) as server, pytest.raises(ModelError):
        text_of(model_at(server.url).stream(QUESTION))
    assert len(server.requests) == 2


@pytest.mark.parametrize(
    ("reply", "timeout"),
    [
        (Reply.error(429, "slow", {"Retry-After": "60"}), 90),
        (Reply.error(429, "slow", {"Retry-After": "10"}), 5),
        (Reply.error(429, "slow", {"Retry-After": "Wed, 21 Oct 2026 07:28:00 GMT"}), 20),
        (Reply.error(429, "none left", code="insufficient_quota"), 20),
        (Reply.error(401, "bad key"), 20),
        (Reply.cut_after("half"), 20),
    ],
)
def test_what_waiting_would_not_mend_in_time_is_not_asked_again(
    reply: Reply, timeout: float
) -> None:
    with FakeOpenAI(reply) as server, pytest.raises(ModelError):
        text_of(model_at(server.url, timeout=timeout).stream(QUESTION))
    assert len(server.requests) == 1


class _Reply(BaseModel):
    """What a model is asked for."""

    aspects: list[str]


def test_an_answer_is_asked_for_in_a_shape() -> None:
    with FakeOpenAI('{"aspects": []}') as server:
        complete(model_at(server.url), QUESTION, _Reply)
    form = server.chats[0]["response_format"]
    assert form["type"] == "json_schema"
    assert form["json_schema"]["name"] == "Reply"
    assert "aspects" in form["json_schema"]["schema"]["properties"]


@pytest.mark.parametrize("message", ["response_format is not supported", "invalid request"])
def test_a_server_that_refuses_shapes_is_asked_in_plain_text_from_then_on(message: str) -> None:
    with FakeOpenAI(Reply.error(400, message), TEXT, TEXT) as server:
        model = model_at(server.url)
        assert complete(model, QUESTION, _Reply)[0] == TEXT
        assert complete(model, QUESTION, _Reply)[0] == TEXT
    assert ["response_format" in body for body in server.chats] == [True, False, False]


def test_text_that_came_before_the_line_broke_was_given() -> None:
    given: list[Chunk] = []
    with FakeOpenAI(Reply.cut_after("half")) as server, pytest.raises(ModelError):
        given.extend(model_at(server.url).stream(QUESTION))
    assert given == [Chunk("half")]


def test_a_model_answers_again_after_an_error() -> None:
    with FakeOpenAI(Reply.cut_after("half"), TEXT) as server:
        model = model_at(server.url)
        with pytest.raises(ModelError):
            text_of(model.stream(QUESTION))
        assert text_of(model.stream(QUESTION)) == TEXT


# Deadline and early end


@pytest.mark.parametrize(
    "reply",
    [
        Reply.stall(30),
        Reply.stall(30, after="half an answer"),
        Reply.trickle("x" * 300, delay=0.1),
        Reply.raw(*[b": keep-alive\n\n"] * 3_000),
    ],
    ids=["stall", "stall after text", "trickle", "comments"],
)
def test_a_call_ends_at_its_deadline_and_leaves_nothing_behind(reply: Reply) -> None:
    with FakeOpenAI(reply) as server:
        model = model_at(server.url, timeout=2)
        with pytest.raises(ModelError, match=r"did not finish in time; .* CHATBOT_LLM_TIMEOUT"):
            text_of(model.stream(QUESTION))
        assert server.client_left(NOT_HUNG)
        assert wait_for_readers_to_end()


def test_a_server_that_outpaces_its_reader_still_meets_the_deadline() -> None:
    with FakeOpenAI(Reply.trickle("x" * 3_000, delay=0.002)) as server:
        chunks = model_at(server.url, timeout=1).stream(QUESTION)
        got = [next(chunks)]
        assert server.client_left(NOT_HUNG)
        with pytest.raises(ModelError, match="did not finish in time"):
            got.extend(chunks)
    assert len(got) > 1


def test_closing_the_answer_early_closes_the_connection() -> None:
    with FakeOpenAI(Reply.stall(30, after="half an answer")) as server:
        chunks = model_at(server.url).stream(QUESTION)
        next(chunks)
        chunks.close()  # type: ignore[attr-defined]
        assert server.client_left(NOT_HUNG)
        assert wait_for_readers_to_end()


def test_forgetting_the_answer_closes_the_connection() -> None:
    with FakeOpenAI(Reply.trickle("x" * 300, delay=0.1)) as server:
        for _ in model_at(server.url).stream(QUESTION):
            break
        assert server.client_left(NOT_HUNG)


def test_a_finished_answer_leaves_no_thread_behind() -> None:
    with FakeOpenAI(TEXT) as server:
        text_of(model_at(server.url).stream(QUESTION))
    assert wait_for_readers_to_end()


# The fake server itself


def test_a_script_that_is_too_short_fails_loudly() -> None:
    def ask() -> None:
        with FakeOpenAI() as server, suppress(ModelError):
            text_of(model_at(server.url).stream(QUESTION))

    with pytest.raises(AssertionError, match="2 chat requests found no scripted reply"):
        ask()


@pytest.mark.parametrize("asked", [{"encoding_format": "float"}, {}], ids=["float", "base64"])
def test_the_fake_server_embeds_a_text_always_as_the_same_unit_vector(asked: Any) -> None:
    with FakeOpenAI() as server, openai.OpenAI(api_key=KEY, base_url=server.url) as client:
        made = client.embeddings.create(model="e", input=["甲", "乙", "甲"], **asked)
    first, second, third = (item.embedding for item in made.data)
    assert first == third != second
    assert sum(value * value for value in first) == pytest.approx(1, abs=1e-5)


def test_the_fake_server_also_answers_without_a_stream() -> None:
    with FakeOpenAI(TEXT) as server, openai.OpenAI(api_key=KEY, base_url=server.url) as client:
        made = client.chat.completions.create(
            model="m", messages=[{"role": "user", "content": "?"}]
        )
        models = [model.id for model in client.models.list()]
    assert (made.choices[0].message.content, models) == (TEXT, ["fake"])


def test_the_certificates_that_are_trusted_are_read_once_and_not_for_each_call(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    trusted = tmp_path / "trusted.pem"
    shutil.copy(certifi.where(), trusted)
    monkeypatch.setenv("SSL_CERT_FILE", str(trusted))
    with FakeOpenAI(TEXT) as server:
        model = model_at(server.url)
        trusted.unlink()
        assert complete(model, QUESTION)[0] == TEXT
