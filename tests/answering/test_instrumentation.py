"""What is counted and logged of questions."""

import json
import logging
from collections.abc import Iterator, Sequence

import pytest
from prometheus_client import CollectorRegistry
from pydantic import BaseModel

from chatbot.answering.instrumentation import AnswerLog
from chatbot.bot import Chatbot
from chatbot.config import Settings
from chatbot.errors import ChatbotError
from chatbot.llm.budget import Price
from chatbot.llm.client import ChatTurn, Chunk, open_chat_model
from chatbot.telemetry.logs import RequestContext, configure_logging, serving_request
from chatbot.web.health import Metrics
from tests.fakes.openai_server import FakeOpenAI, Reply

QUESTION = "GRU-Mem 的推理速度提升了多少？"
REFUSED = {"GENIUS 用的什么许可证，能商用吗？": "not_reported", "今天北京天气怎么样": "off_topic"}
WRITTEN = "推理速度最高提升 400% [1]。火星上的天气很好 [1]。"


class BrokenModel:
    """A model that fails as no model may, with the question in its words."""

    name = "broken"
    context_tokens = 32_000

    def stream(
        self, turns: Sequence[ChatTurn], shape: type[BaseModel] | None = None
    ) -> Iterator[Chunk]:
        raise LookupError(turns[-1].content)


@pytest.fixture
def registry() -> CollectorRegistry:
    return CollectorRegistry()


@pytest.fixture
def counted(seed_settings: Settings, registry: CollectorRegistry) -> Chatbot:
    """A chatbot without a model, its questions counted."""
    return Chatbot(seed_settings, None, [Metrics(registry)])


def with_model(seeds: Settings, server: FakeOpenAI, metrics: Metrics, **more: object) -> Chatbot:
    changed = {"openai_base_url": server.url, "llm": "fake-model", **more}
    settings = seeds.model_copy(update=changed)
    return Chatbot(settings, open_chat_model(settings), [metrics])


def value(registry: CollectorRegistry, name: str, **labels: str) -> float | None:
    return registry.get_sample_value(f"chatbot_{name}", labels)


# Metrics


def test_questions_are_counted_by_what_they_were_and_whence(
    counted: Chatbot, registry: CollectorRegistry
) -> None:
    with serving_request(RequestContext("id", "page")):
        counted.answer(QUESTION)
    *_, _ = counted.compare(["GRU-Mem", "V-Retrver"], language="en")
    kinds = {"intent": "lookup", "language": "zh", "mode": "extractive", "door": "page"}
    assert value(registry, "questions_total", **kinds) == 1
    kinds = {"intent": "compare", "language": "en", "mode": "extractive", "door": "python"}
    assert value(registry, "questions_total", **kinds) == 1


def test_refusals_are_counted_by_reason(counted: Chatbot, registry: CollectorRegistry) -> None:
    for question, reason in REFUSED.items():
        counted.answer(question)
        assert value(registry, "refusals_total", reason=reason) == 1


def test_each_stage_has_its_latency(counted: Chatbot, registry: CollectorRegistry) -> None:
    answer = counted.answer(QUESTION)
    for stage in ("understand", "retrieve", "synthesize", "verify", "total"):
        assert value(registry, "stage_seconds_count", stage=stage) == 1
        seconds = value(registry, "stage_seconds_sum", stage=stage)
        assert seconds == pytest.approx(answer.timings_ms[stage] / 1000)
    assert value(registry, "first_text_seconds_count") == 1


def test_tokens_dollars_and_unsupported_sentences_are_counted(
    seed_settings: Settings, registry: CollectorRegistry
) -> None:
    with FakeOpenAI(WRITTEN) as server:
        metrics = Metrics(registry, Price(1.0, 2.0))
        answer = with_model(seed_settings, server, metrics).answer(QUESTION)
    prompt, completion = answer.usage.prompt_tokens, answer.usage.completion_tokens
    assert value(registry, "tokens_total", kind="prompt") == prompt > 0
    assert value(registry, "tokens_total", kind="completion") == completion > 0
    assert value(registry, "cost_dollars_total") == pytest.approx((prompt + 2 * completion) / 1e6)
    assert value(registry, "sentences_total") == len(answer.sentences)
    assert value(registry, "unsupported_sentences_total") == 1


def test_a_model_without_a_price_has_no_cost_rather_than_none(
    counted: Chatbot, registry: CollectorRegistry
) -> None:
    counted.answer(QUESTION)
    assert value(registry, "cost_dollars_total") is None


def test_a_failing_model_is_a_failure_and_an_answer(
    seed_settings: Settings, registry: CollectorRegistry
) -> None:
    with FakeOpenAI(Reply.error(401, "no")) as server:
        with_model(seed_settings, server, Metrics(registry)).answer(QUESTION)
    assert value(registry, "failures_total", kind="model") == 1
    kinds = {"intent": "lookup", "language": "zh", "mode": "extractive", "door": "python"}
    assert value(registry, "questions_total", **kinds) == 1


@pytest.mark.parametrize("wrong", ["问" * 8_001, "半\ud800"])
def test_a_question_that_cannot_be_asked_is_a_failure(
    counted: Chatbot, registry: CollectorRegistry, wrong: str
) -> None:
    with pytest.raises(ChatbotError):
        counted.answer(wrong)
    assert value(registry, "failures_total", kind="request") == 1
    assert value(registry, "questions_in_progress") == 0


def test_a_defect_is_a_failure_of_its_own_kind(
    seed_settings: Settings, registry: CollectorRegistry
) -> None:
    with pytest.raises(LookupError):
        Chatbot(seed_settings, BrokenModel(), [Metrics(registry)]).answer(QUESTION)
    assert value(registry, "failures_total", kind="internal") == 1


def test_a_question_is_in_progress_until_it_ends_and_one_closed_early_was_stopped(
    counted: Chatbot, registry: CollectorRegistry
) -> None:
    events = iter(counted.ask(QUESTION))
    next(events)
    assert value(registry, "questions_in_progress") == 1
    del events
    assert value(registry, "questions_in_progress") == 0
    assert value(registry, "stopped_total", door="python") == 1
    assert value(registry, "failures_total", kind="internal") is None


def test_a_question_that_nobody_began_to_read_is_not_counted(
    counted: Chatbot, registry: CollectorRegistry
) -> None:
    counted.ask(QUESTION)
    assert value(registry, "stopped_total", door="python") is None


def test_metrics_hold_no_text_of_a_question(seed_settings: Settings) -> None:
    metrics = Metrics(CollectorRegistry())
    Chatbot(seed_settings, None, [metrics]).answer(QUESTION)
    text = metrics.text().decode()
    assert "GRU" not in text
    assert "chatbot_questions_total" in text
    assert "process_resident_memory_bytes" in text


# The log


def lines_of(capsys: pytest.CaptureFixture[str]) -> list[dict[str, object]]:
    return [json.loads(line) for line in capsys.readouterr().err.splitlines()]


@pytest.mark.usefixtures("logging_restored")
def test_an_answer_leaves_one_line_of_json_without_its_question(
    seed_settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    configure_logging("json", questions=False)
    with serving_request(RequestContext("id-9", "page")):
        answer = Chatbot(seed_settings, None, [AnswerLog()]).answer(QUESTION)
    (line,) = lines_of(capsys)
    assert line["event"] == "answered"
    assert str(line["timestamp"]).endswith("Z")
    named = ("request_id", "door", "level", "logger", "intent", "language", "mode")
    values = (
        "id-9",
        "page",
        "info",
        "chatbot.answering.instrumentation",
        "lookup",
        "zh",
        "extractive",
    )
    assert tuple(line[name] for name in named) == values
    assert line["sentences"] == len(answer.sentences)
    assert line["abstained"] is None
    assert isinstance(line["ms"], dict)
    assert {"retrieve", "total"} <= line["ms"].keys()
    assert QUESTION not in json.dumps(line, ensure_ascii=False)
    assert "GRU" not in json.dumps(line)


@pytest.mark.usefixtures("logging_restored")
def test_the_questions_text_is_logged_where_it_is_asked_for(
    seed_settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    configure_logging("json", questions=True)
    settings = seed_settings.model_copy(update={"log_questions": "on"})
    Chatbot(settings, None, [AnswerLog()]).answer(QUESTION)
    (line,) = lines_of(capsys)
    assert line["question"] == QUESTION


@pytest.mark.usefixtures("logging_restored")
def test_text_reads_as_one_line_with_the_same_fields(
    seed_settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    configure_logging("text", questions=False)
    with serving_request(RequestContext("id-9", "api")):
        Chatbot(seed_settings, None, [AnswerLog()]).answer(QUESTION)
    (line,) = capsys.readouterr().err.splitlines()
    for part in ("[info", "answered", "request_id=id-9", "door=api", "intent=lookup"):
        assert part in line


@pytest.mark.usefixtures("logging_restored")
@pytest.mark.parametrize(("questions", "told"), [("off", False), ("on", True)])
def test_what_an_error_says_is_logged_only_with_questions(
    seed_settings: Settings, capsys: pytest.CaptureFixture[str], questions: str, told: bool
) -> None:
    configure_logging("json", questions=told)
    settings = seed_settings.model_copy(update={"log_questions": questions})
    try:
        Chatbot(settings, BrokenModel(), [AnswerLog()]).answer(QUESTION)
    except LookupError:
        logging.getLogger("chatbot").exception("a question was not answered")
    failed, line = lines_of(capsys)
    assert (failed["event"], failed["failure"]) == ("failed", "internal")
    assert line["error"] == "LookupError"
    assert "in stream" in str(line["exception"])
    assert (QUESTION in str(line["exception"])) is told


@pytest.mark.usefixtures("logging_restored")
def test_an_errors_cause_is_in_its_traceback(
    settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    configure_logging("json", questions=False)
    try:
        Settings.model_validate({"CHATBOT_LLM_TIMEOUT": "GRU-Mem"})
    except ValueError as cause:
        error = ChatbotError("GRU-Mem")
        error.__cause__ = cause
        logging.getLogger("chatbot").exception("failed", exc_info=error)
    (line,) = lines_of(capsys)
    told = str(line["exception"])
    assert told.index("ValidationError\n") < told.index("ChatbotError")
    assert "GRU-Mem" not in told.replace('": "GRU-Mem"', "")  # but as the source has it


@pytest.mark.usefixtures("logging_restored")
def test_other_packages_records_are_written_the_same_way_by_their_first_line(
    settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    theirs = logging.getLogger("theirs.server")
    configure_logging("json", questions=False)
    theirs.info("POST /?q=GRU-Mem")
    theirs.error("a task failed\nfuture: %r", LookupError("GRU-Mem"))
    (line,) = lines_of(capsys)
    assert (line["event"], line["logger"]) == ("a task failed", "theirs.server")
