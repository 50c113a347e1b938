"""Traces, as a collector gets them over HTTP."""

import logging
from collections.abc import Iterator
from contextvars import copy_context
from uuid import uuid4

import pytest
from llama_index_instrumentation import get_dispatcher
from opentelemetry import trace

from chatbot.answering.models import TextDelta
from chatbot.bot import Chatbot
from chatbot.config import Settings
from chatbot.errors import ChatbotError
from chatbot.index.reading import open_index
from chatbot.telemetry.logs import RequestContext, serving_request
from chatbot.telemetry.tracing import tracing
from tests.fakes.openai_server import FakeOpenAI, Reply, cite_first_source
from tests.fakes.otlp_collector import FakeCollector, SentSpan
from tests.web.conftest import bot_with_model

QUESTION = "GRU-Mem 的推理速度提升了多少？"
STAGES = ("understand", "retrieve", "synthesize", "verify")


@pytest.fixture(scope="session")
def sent() -> Iterator[FakeCollector]:
    """A collector that traces are sent to from now on: a process is set up for it once."""
    with FakeCollector() as collector, pytest.MonkeyPatch.context() as patch:
        patch.setenv("OTEL_BSP_SCHEDULE_DELAY", "20")
        with tracing(collector.url):
            yield collector


@pytest.fixture
def request_id() -> Iterator[str]:
    """The id of the request that the test works on."""
    request = RequestContext(uuid4().hex, "page")
    with serving_request(request):
        yield request.request_id


def parents(trace: dict[str, list[SentSpan]]) -> dict[str, str]:
    """Each span's name, with its parent's."""
    names = {span.id: name for name, spans in trace.items() for span in spans}
    return {name: names.get(spans[0].parent, "") for name, spans in trace.items()}


def test_each_stage_is_a_span_below_the_questions(
    seed_bot: Chatbot, sent: FakeCollector, request_id: str
) -> None:
    answer = seed_bot.answer(QUESTION)
    found = sent.trace_of(request_id)
    assert parents(found) | dict.fromkeys(STAGES, "question") == parents(found)
    assert parents(found)["LocalEmbedding.get_query_embedding"] in STAGES
    (question,) = found["question"]
    assert sent.service == "paper-chatbot"
    assert question.attributes["chatbot.door"] == "page"
    assert question.attributes["chatbot.sentences"] == len(answer.sentences)
    assert found["retrieve"][0].milliseconds <= question.milliseconds


def test_the_models_call_is_below_the_stage_that_makes_it(
    seed_settings: Settings, sent: FakeCollector, request_id: str
) -> None:
    with FakeOpenAI(cite_first_source) as server:
        bot_with_model(seed_settings, server.url).answer(QUESTION)
    found = sent.trace_of(request_id)
    assert parents(found)["model"] == "synthesize"
    (model,) = found["model"]
    assert model.id in {span.parent for span in found["OpenAILike.stream_chat"]}
    assert model.attributes["chatbot.prompt_tokens"] > 0


def test_a_comparison_has_its_columns_as_a_stage(
    seed_settings: Settings, sent: FakeCollector, request_id: str
) -> None:
    with FakeOpenAI('{"columns": [{"name": "速度"}]}', cite_first_source) as server:
        *_, _ = bot_with_model(seed_settings, server.url).compare(["GRU-Mem", "V-Retrver"])
    assert parents(sent.trace_of(request_id))["outline"] == "question"


@pytest.mark.parametrize(("questions", "told"), [("off", False), ("on", True)])
def test_no_text_of_a_question_or_answer_leaves_unless_asked_for(
    seed_settings: Settings, sent: FakeCollector, request_id: str, questions: str, told: bool
) -> None:
    settings = seed_settings.model_copy(update={"log_questions": questions})
    asked = f"{QUESTION}（{request_id[::-1]}）"
    with FakeOpenAI("推理速度提升了 400% [1]。") as server:
        bot_with_model(settings, server.url).answer(asked)
    (question,) = sent.trace_of(request_id)["question"]
    assert question.attributes.get("chatbot.question") == (asked if told else None)
    assert (asked.encode() in sent.sent) is told
    assert b"400%" not in sent.sent


def test_an_answer_that_nobody_waits_for_ends_its_spans(
    seed_settings: Settings, sent: FakeCollector, request_id: str
) -> None:
    slow = Reply.trickle("很长的回答。" * 50, 0.02)
    with FakeOpenAI(slow) as server:
        events = bot_with_model(seed_settings, server.url).ask(QUESTION)
        assert any(isinstance(event, TextDelta) for event in events)
        del events
    found = sent.trace_of(request_id)
    for name in ("question", "synthesize", "model"):
        assert found[name][0].attributes["chatbot.stopped"] is True
        assert found[name][0].failed is None


def test_who_reads_an_answer_is_never_below_a_span_of_it(
    seed_settings: Settings, sent: FakeCollector
) -> None:
    with FakeOpenAI(cite_first_source) as server:
        events = bot_with_model(seed_settings, server.url).ask(QUESTION)
        assert {trace.get_current_span() for _ in events} == {trace.INVALID_SPAN}


def test_steps_run_in_contexts_of_their_own_are_one_trace(
    seed_bot: Chatbot, sent: FakeCollector, request_id: str
) -> None:
    events = seed_bot.ask(QUESTION)
    while copy_context().run(next, events, None) is not None:
        pass
    found = sent.trace_of(request_id)
    assert {parents(found)[stage] for stage in STAGES} == {"question"}


def test_of_an_error_its_class_is_told_and_not_what_it_says(
    seed_settings: Settings, sent: FakeCollector, request_id: str
) -> None:
    with FakeOpenAI(Reply.error(400, f"cannot answer {request_id[::-1]}")) as server:
        answer = bot_with_model(seed_settings, server.url).answer(QUESTION)
    found = sent.trace_of(request_id)
    assert answer.mode == "extractive"
    assert request_id[::-1] in str(answer.notice)
    assert found["model"][0].failed == "ModelError"
    assert found["question"][0].failed is None
    assert request_id[::-1].encode() not in sent.sent


def test_a_trace_that_a_request_brings_is_gone_on_with(
    seed_bot: Chatbot, sent: FakeCollector
) -> None:
    brought = f"00-{uuid4().hex}-{'b' * 16}-01"
    with serving_request(RequestContext(brought[3:35], "api", brought)):
        seed_bot.answer(QUESTION)
    (question,) = sent.trace_of(brought[3:35])["question"]
    assert (question.trace, question.parent) == (brought[3:35], "b" * 16)


def test_what_is_part_of_no_question_is_not_traced(
    seed_settings: Settings, seed_bot: Chatbot, sent: FakeCollector, request_id: str
) -> None:
    open_index(seed_settings).embedding.get_query_embedding(QUESTION)
    with trace.get_tracer("fastapi").start_as_current_span(f"GET /?q={request_id}"):
        seed_bot.answer(QUESTION)
    (question,) = sent.trace_of(request_id)["question"]
    alone = {span.trace for span in sent.spans} - {
        span.trace for span in sent.spans if span.name == "question"
    }
    assert (alone, question.parent) == (set(), "")
    assert f"q={request_id}".encode() not in sent.sent


def test_a_collector_that_takes_nothing_costs_one_line_and_no_answer(
    seed_bot: Chatbot, sent: FakeCollector, caplog: pytest.LogCaptureFixture
) -> None:
    def ask() -> None:
        """Ask, and wait until the collector was sent it."""
        before = sent.refused + len(sent.spans)
        assert "400%" in seed_bot.answer(QUESTION).markdown
        sent.wait_for(lambda: sent.refused + len(sent.spans) > before)

    with caplog.at_level(logging.INFO, "chatbot"):
        for down in (False, True, True, True, False, False):
            sent.down = down
            ask()
    said = [(line.levelname, line.name) for line in caplog.records]
    assert said == [(level, "chatbot.telemetry.tracing") for level in ("WARNING", "INFO")]


def test_without_a_collector_nobody_listens() -> None:
    before = list(get_dispatcher().span_handlers)
    with tracing(None):
        assert get_dispatcher().span_handlers == before


def test_a_question_that_fails_ends_its_span(
    seed_bot: Chatbot, sent: FakeCollector, request_id: str
) -> None:
    with pytest.raises(ChatbotError):
        seed_bot.answer("问" * 8_001)
    found = sent.trace_of(request_id)
    assert found["question"][0].failed == "ChatbotError"
    assert found["understand"][0].failed == "ChatbotError"
