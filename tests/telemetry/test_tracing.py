"""Traces, as a collector gets them over HTTP."""

import logging
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from llama_index_instrumentation import get_dispatcher

from chatbot.bot import Chatbot
from chatbot.config import Settings
from chatbot.errors import ChatbotError
from chatbot.index.reading import open_index
from chatbot.telemetry.exporting import tracing
from chatbot.telemetry.request_context import RequestContext, serving_request
from tests.fakes.openai_server import FakeOpenAI, Reply, cite_first_source
from tests.fakes.otlp_collector import FakeCollector, SentSpan
from tests.web.conftest import bot_with_model

QUESTION = "GRU-Mem 的推理速度提升了多少？"
STAGES = ("understand", "retrieve", "synthesize", "verify")


@contextmanager
def collecting(settings: Settings, questions: str = "off") -> Iterator[FakeCollector]:
    """A collector that traces are sent to meanwhile; all have arrived at the end."""
    with FakeCollector() as collector:
        told = {"otlp_endpoint": collector.url, "log_questions": questions}
        with tracing(settings.model_copy(update=told)):
            yield collector


def parents(trace: dict[str, list[SentSpan]]) -> dict[str, str]:
    """Each span's name, with its parent's."""
    names = {span.id: name for name, spans in trace.items() for span in spans}
    return {name: names.get(spans[0].parent, "") for name, spans in trace.items()}


def test_each_stage_is_a_span_below_the_questions(
    seed_bot: Chatbot, seed_settings: Settings
) -> None:
    with collecting(seed_settings) as collector, serving_request(RequestContext("id-7", "page")):
        answer = seed_bot.answer(QUESTION)
    (trace,) = collector.traces()
    assert parents(trace) | dict.fromkeys(STAGES, "question") == parents(trace)
    assert parents(trace)["LocalEmbedding.get_query_embedding"] in STAGES
    (question,) = trace["question"]
    assert collector.service == "paper-chatbot"
    assert question.attributes["chatbot.request_id"] == "id-7"
    assert question.attributes["chatbot.door"] == "page"
    assert question.attributes["chatbot.sentences"] == len(answer.sentences)
    assert trace["retrieve"][0].milliseconds <= question.milliseconds


def test_the_models_call_is_below_the_stage_that_makes_it(seed_settings: Settings) -> None:
    with FakeOpenAI(cite_first_source) as server, collecting(seed_settings) as collector:
        bot_with_model(seed_settings, server.url).answer(QUESTION)
    (trace,) = collector.traces()
    found = parents(trace)
    assert found["model"] == "synthesize"
    (model,) = trace["model"]
    assert model.id in {span.parent for span in trace["OpenAILike.stream_chat"]}
    assert model.attributes["chatbot.prompt_tokens"] > 0


def test_a_comparison_has_its_columns_as_a_stage(seed_settings: Settings) -> None:
    replies = ('{"columns": [{"name": "速度"}]}', cite_first_source)
    with FakeOpenAI(*replies) as server, collecting(seed_settings) as collector:
        *_, _ = bot_with_model(seed_settings, server.url).compare(["GRU-Mem", "V-Retrver"])
    (trace,) = collector.traces()
    assert parents(trace)["outline"] == "question"


def test_no_text_of_a_question_or_answer_leaves_unless_asked_for(seed_settings: Settings) -> None:
    sent = {}
    for questions in ("off", "on"):
        with (
            FakeOpenAI("推理速度提升了 400% [1]。") as server,
            collecting(seed_settings, questions) as collector,
        ):
            bot_with_model(seed_settings, server.url).answer(QUESTION)
        sent[questions] = collector.sent.decode("utf-8", "replace")
    assert QUESTION not in sent["off"]
    assert QUESTION in sent["on"]
    assert "400%" not in sent["off"] + sent["on"]


def test_an_answer_that_nobody_waits_for_ends_its_spans(seed_settings: Settings) -> None:
    slow = Reply.trickle("很长的回答。" * 50, 0.02)
    with FakeOpenAI(slow) as server, collecting(seed_settings) as collector:
        events = bot_with_model(seed_settings, server.url).ask(QUESTION)
        for event in events:
            if type(event).__name__ == "TextDelta":
                break
        del events, event
        (handler,) = get_dispatcher().span_handlers[-1:]
        assert handler.open_spans == {}
    (trace,) = collector.traces()
    for name in ("question", "synthesize", "model"):
        assert trace[name][0].attributes["chatbot.stopped"] is True
        assert trace[name][0].failed is None


def test_of_an_error_its_class_is_told_and_not_what_it_says(seed_settings: Settings) -> None:
    refusal = Reply.error(400, f"cannot answer {QUESTION}")
    with FakeOpenAI(refusal) as server, collecting(seed_settings) as collector:
        answer = bot_with_model(seed_settings, server.url).answer(QUESTION)
    (trace,) = collector.traces()
    assert answer.mode == "extractive"
    assert trace["model"][0].failed == "ModelError"
    assert trace["question"][0].failed is None
    assert QUESTION.encode() not in collector.sent


def test_a_trace_that_a_request_brings_is_gone_on_with(
    seed_bot: Chatbot, seed_settings: Settings
) -> None:
    brought = f"00-{'a' * 32}-{'b' * 16}-01"
    with (
        collecting(seed_settings) as collector,
        serving_request(RequestContext("id", "api", brought)),
    ):
        seed_bot.answer(QUESTION)
    (trace,) = collector.traces()
    (question,) = trace["question"]
    assert (question.trace, question.parent) == ("a" * 32, "b" * 16)


def test_what_is_part_of_no_question_is_not_traced(seed_settings: Settings) -> None:
    with collecting(seed_settings) as collector:
        open_index(seed_settings).embedding.get_query_embedding(QUESTION)
    assert collector.spans == []


def test_a_collector_that_is_down_costs_one_line_and_no_answer(
    seed_bot: Chatbot,
    seed_settings: Settings,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("OTEL_BSP_SCHEDULE_DELAY", "50")
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        down = {"otlp_endpoint": f"http://127.0.0.1:{closed.getsockname()[1]}"}
        with tracing(seed_settings.model_copy(update=down)):
            for _ in range(3):
                begin = time.monotonic()
                assert "400%" in seed_bot.answer(QUESTION).markdown
                assert time.monotonic() - begin < 5
                time.sleep(0.1)
    lines = [r for r in caplog.records if r.levelno >= logging.WARNING]
    assert [line.name for line in lines] == ["chatbot.telemetry.exporting"]


def test_without_a_collector_nobody_listens(seed_bot: Chatbot, seed_settings: Settings) -> None:
    before = list(get_dispatcher().span_handlers)
    with tracing(seed_settings):
        assert get_dispatcher().span_handlers == before
    with collecting(seed_settings):
        assert len(get_dispatcher().span_handlers) == len(before) + 1
    assert get_dispatcher().span_handlers == before


def test_a_question_that_fails_ends_its_span(seed_bot: Chatbot, seed_settings: Settings) -> None:
    with collecting(seed_settings) as collector, pytest.raises(ChatbotError):
        seed_bot.answer("问" * 8_001)
    (trace,) = collector.traces()
    assert trace["question"][0].failed == "ChatbotError"
    assert trace["understand"][0].failed == "ChatbotError"
