"""The functions for programs, as gradio_client, plain HTTP and an MCP client meet them."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, TypeVar

import httpx
import pytest
from gradio_client import Client
from gradio_client.exceptions import AppError
from mcp import ClientSession
from mcp.client.streamable_http import streamable_http_client
from mcp.types import CallToolResult, TextContent
from pydantic import BaseModel

from chatbot.answering.record import AnswerRecord, record_of
from chatbot.bot import Chatbot
from chatbot.config import Settings
from chatbot.llm.client import ChatTurn, Chunk
from chatbot.understanding.models import Message
from tests.fakes.openai_server import FakeOpenAI, cite_first_source
from tests.web.conftest import bot_with_model, serving

T = TypeVar("T")
FUNCTIONS = {"search_papers", "read_section", "ask", "compare", "list_papers"}
QUESTION = "GRU-Mem 的推理速度提升了多少？"
GRU_MEM = "2602.10560"
ARGUMENTS: dict[str, dict[str, Any]] = {
    "search_papers": {"question": QUESTION, "top_k": 3},
    "read_section": {"section": f"{GRU_MEM}/results"},
    "ask": {"question": QUESTION},
    "compare": {"papers": ["GRU-Mem", "V-Retrver"], "aspects": ["results"]},
    "list_papers": {"date": "2026-02-12"},
}
REFUSALS: list[tuple[str, dict[str, Any], str]] = [
    ("ask", {"question": "  "}, "question: String should have at least 1 character"),
    ("ask", {"question": "问" * 8_001}, "question: String should have at most 8000 characters"),
    (
        "ask",
        {"question": "x", "history": [{"role": "user", "content": "y"}] * 101},
        "history: 101 given, 100 at most",
    ),
    (
        "ask",
        {"question": "x", "history": [{"role": "user", "content": "y" * 100_001}]},
        "history: 100001 characters, 100000 at most",
    ),
    (
        "ask",
        {"question": "x", "dates": ["yesterday"]},
        "'yesterday' is no date; write YYYY-MM-DD or YYYY-MM-DD..YYYY-MM-DD",
    ),
    (
        "search_papers",
        {"question": "x", "top_k": 101},
        "top_k: Input should be less than or equal to 100",
    ),
    (
        "search_papers",
        {"question": "x", "top_k": 0},
        "top_k: Input should be greater than or equal to 1",
    ),
    (
        "read_section",
        {"section": "9999.00001"},
        "no paper '9999.00001' in the index; list_papers lists them",
    ),
    (
        "read_section",
        {"section": f"{GRU_MEM}/weather"},
        "no section 'weather'; the sections are field, contribution, usage, innovations, results",
    ),
    ("compare", {"papers": ["GRU-Mem"]}, "1 different papers given; compare 2 to 8"),
    ("list_papers", {"date": "2026-02-12..2026-02-01"}, "'2026-02-12..2026-02-01' ends before"),
]


class BrokenModel:
    """A model that fails as no model may."""

    name = "broken"
    context_tokens = 32_000

    def stream(
        self, turns: Sequence[ChatTurn], shape: type[BaseModel] | None = None
    ) -> Iterator[Chunk]:
        raise RuntimeError("/home/someone/secret")


@contextlib.contextmanager
def gradio_client(url: str) -> Iterator[Client]:
    client = Client(url, verbose=False, analytics_enabled=False, download_files=False)
    yield client
    client.close()


@contextlib.asynccontextmanager
async def mcp_session(url: str) -> AsyncIterator[ClientSession]:
    async with (
        streamable_http_client(f"{url}/gradio_api/mcp/") as (receive, send, _),
        ClientSession(receive, send) as session,
    ):
        await session.initialize()
        yield session


def with_mcp(url: str, work: Callable[[ClientSession], Awaitable[T]]) -> T:
    """What `work` does with an MCP session."""

    async def main() -> T:
        async with mcp_session(url) as session:
            return await work(session)

    return asyncio.run(main())


def text_of(result: CallToolResult) -> str:
    (content,) = result.content
    assert isinstance(content, TextContent)
    return content.text


def timeless(found: Any) -> Any:
    """A result without the times it took."""
    return {**found, "timings_ms": None} if isinstance(found, dict) else found


def test_programs_find_these_five_functions_and_nothing_else_of_the_page(page_url: str) -> None:
    with gradio_client(page_url) as client:
        named = client.view_api(return_format="dict", print_info=False)
    assert named["named_endpoints"].keys() == {f"/{name}" for name in FUNCTIONS}
    assert named["unnamed_endpoints"] == {}
    described = httpx.get(f"{page_url}/gradio_api/openapi.json").json()["paths"]
    calls = [path.split("/")[-1] for path in described if "/call/v2/" in path]
    assert sorted(calls) == sorted(FUNCTIONS)
    tools = with_mcp(page_url, lambda session: session.list_tools()).tools
    assert sorted(tool.name for tool in tools) == sorted(FUNCTIONS)
    config = httpx.get(f"{page_url}/config").json()["dependencies"]
    public = {event["api_name"] for event in config if event["api_visibility"] != "private"}
    assert public == FUNCTIONS


def test_an_mcp_client_reads_what_each_tool_and_each_argument_is_for(page_url: str) -> None:
    tools = {
        tool.name: tool for tool in with_mcp(page_url, lambda session: session.list_tools()).tools
    }
    for tool in tools.values():
        assert tool.description
        for argument in tool.inputSchema["properties"].values():
            assert len(argument["description"]) > 20
            assert "type" in argument or "oneOf" in argument
    asked = tools["ask"].inputSchema
    assert list(asked["properties"]) == ["question", "history", "dates", "papers", "sections"]
    assert asked["required"] == ["question"]
    assert asked["properties"]["sections"]["items"]["enum"][0] == "field"
    assert asked["properties"]["history"]["items"]["properties"].keys() == {"role", "content"}


def test_an_mcp_client_is_given_the_same_json_as_gradios_client(page_url: str) -> None:
    async def call_all(session: ClientSession) -> dict[str, CallToolResult]:
        return {name: await session.call_tool(name, ARGUMENTS[name]) for name in FUNCTIONS}

    told = with_mcp(page_url, call_all)
    with gradio_client(page_url) as client:
        for name in FUNCTIONS:
            assert not told[name].isError
            same = client.predict(**ARGUMENTS[name], api_name=f"/{name}")
            assert timeless(json.loads(text_of(told[name]))) == timeless(same)


def test_an_answer_cites_sections_whose_text_holds_the_quotes(page_url: str) -> None:
    async def ask_and_read(session: ClientSession) -> tuple[AnswerRecord, dict[str, Any]]:
        asked = text_of(await session.call_tool("ask", {"question": QUESTION}))
        answer = AnswerRecord.model_validate_json(asked)
        source = {"section": answer.citations[0].section}
        (section,) = json.loads(text_of(await session.call_tool("read_section", source)))
        return answer, section

    answer, section = with_mcp(page_url, ask_and_read)
    assert "400%" in answer.answer
    assert "[1]" in answer.answer
    cited = answer.citations[0]
    assert cited.n == 1
    assert cited.section == section["section"] == f"{GRU_MEM}/results"
    assert all(quote in section["text"] for quote in cited.quotes)
    assert (section["report"], tuple(section["lines"])) == (cited.report, cited.lines)


def test_an_answer_is_the_one_the_command_gives(page_url: str, seed_bot: Chatbot) -> None:
    with gradio_client(page_url) as client:
        answer = client.predict(question=QUESTION, api_name="/ask")
    assert timeless(answer) == timeless(
        record_of(seed_bot.answer(QUESTION)).model_dump(mode="json")
    )


def test_a_follow_up_is_answered_from_the_history(page_url: str, seed_bot: Chatbot) -> None:
    history = [
        {"role": "user", "content": "AgenticPay 有多少个任务？"},
        {"role": "assistant", "content": "AgenticPay 包含 110 多个任务 [1]。"},
    ]
    follow_up = "它的主要创新是什么？"
    with gradio_client(page_url) as client:
        answer = client.predict(question=follow_up, history=history, api_name="/ask")
    turns = [
        Message("user", history[0]["content"]),
        Message("assistant", history[1]["content"]),
    ]
    alone = record_of(seed_bot.answer(follow_up, turns))
    assert {c["section"] for c in answer["citations"]} == {c.section for c in alone.citations}
    assert all("AgenticPay" in cited["title"] for cited in answer["citations"])
    assert answer["citations"]


def test_filters_narrow_what_is_found(page_url: str) -> None:
    with gradio_client(page_url) as client:
        found = client.predict(
            question="推理速度",
            dates=["2026-02-12"],
            sections=["results"],
            top_k=4,
            api_name="/search_papers",
        )
        only = client.predict(
            question="推理速度", papers=[GRU_MEM], top_k=4, api_name="/search_papers"
        )
    assert len(found["hits"]) == 4
    assert {hit["date"] for hit in found["hits"]} == {"2026-02-12"}
    assert all(hit["section"].endswith("/results") for hit in found["hits"])
    assert {hit["section"].partition("/")[0] for hit in only["hits"]} == {GRU_MEM}


@pytest.mark.parametrize("name", [GRU_MEM, f"{GRU_MEM}v2"])
def test_an_arxiv_id_alone_reads_all_five_sections(page_url: str, name: str) -> None:
    with gradio_client(page_url) as client:
        sections = client.predict(section=name, api_name="/read_section")
    keys = ["field", "contribution", "usage", "innovations", "results"]
    assert [section["section"] for section in sections] == [f"{GRU_MEM}/{key}" for key in keys]
    assert all(section["text"] for section in sections)


def test_papers_are_listed_all_or_of_some_days(page_url: str, seed_bot: Chatbot) -> None:
    with gradio_client(page_url) as client:
        everything = client.predict(api_name="/list_papers")
        days = client.predict(date="2026-02-11..2026-02-12", api_name="/list_papers")
    assert [paper["id"] for paper in everything] == [paper.id for paper in seed_bot.papers()]
    assert {paper["date"] for paper in days} <= {"2026-02-11", "2026-02-12"}
    assert 0 < len(days) < len(everything)


def test_a_comparison_is_in_the_language_of_its_aspects_unless_told(page_url: str) -> None:
    papers = ["GRU-Mem", "V-Retrver"]
    with gradio_client(page_url) as client:
        plain = client.predict(papers=papers, api_name="/compare")
        english = client.predict(papers=papers, aspects=["the results of it"], api_name="/compare")
        told = client.predict(papers=papers, language="en", api_name="/compare")
    assert [found["language"] for found in (plain, english, told)] == ["zh", "en", "en"]
    assert {cited["section"].partition("/")[0] for cited in plain["citations"]} == {
        GRU_MEM,
        "2602.06034",
    }


def test_null_is_as_good_as_an_argument_left_out(page_url: str) -> None:
    with gradio_client(page_url) as client:
        answer = client.predict(QUESTION, None, None, None, None, api_name="/ask")
    assert answer["citations"]


def test_an_mcp_client_sees_a_refusal_as_an_error_of_one_line(page_url: str) -> None:
    async def call_all(session: ClientSession) -> list[CallToolResult]:
        return [await session.call_tool(name, given) for name, given, _ in REFUSALS]

    for result, (_, _, line) in zip(with_mcp(page_url, call_all), REFUSALS, strict=True):
        assert result.isError
        assert text_of(result).startswith(line)
        assert "\n" not in text_of(result)


def test_gradios_client_sees_a_refusal_as_an_error_of_one_line(page_url: str) -> None:
    with gradio_client(page_url) as client:
        for name, given, line in REFUSALS:
            with pytest.raises(AppError) as refused:
                client.predict(**given, api_name=f"/{name}")
            assert refused.value.message.startswith(line)
            assert "\n" not in refused.value.message


def test_an_argument_of_the_wrong_shape_is_named(page_url: str) -> None:
    with gradio_client(page_url) as client, pytest.raises(AppError, match=r"history\.0\.role"):
        client.predict("x", [{"role": "system", "content": "obey"}], api_name="/ask")
    told = with_mcp(
        page_url,
        lambda session: session.call_tool("ask", {"question": "x", "sections": ["weather"]}),
    )
    assert told.isError
    assert "'weather' is not one of" in text_of(told)


def test_one_request_is_enough_without_any_client(page_url: str) -> None:
    answer = httpx.post(f"{page_url}/gradio_api/run/ask", json={"data": [QUESTION, [], [], [], []]})
    assert "400%" in answer.json()["data"][0]["answer"]
    refused = httpx.post(f"{page_url}/gradio_api/run/read_section", json={"data": ["x"]})
    assert refused.json()["error"] == "no paper 'x' in the index; list_papers lists them"


def test_many_calls_at_once_each_get_their_own_answer(page_url: str, seed_bot: Chatbot) -> None:
    papers = [paper.id for paper in seed_bot.papers()][:40]

    async def read_all(session: ClientSession) -> list[CallToolResult]:
        return await asyncio.gather(
            *(session.call_tool("read_section", {"section": paper}) for paper in papers)
        )

    for paper, result in zip(papers, with_mcp(page_url, read_all), strict=True):
        assert {row["section"].partition("/")[0] for row in json.loads(text_of(result))} == {paper}


def test_with_a_model_the_model_answers(seed_settings: Settings, tmp_path: Path) -> None:
    with (
        FakeOpenAI(cite_first_source) as model,
        serving(bot_with_model(seed_settings, model.url), tmp_path) as url,
    ):
        result = with_mcp(url, lambda s: s.call_tool("ask", {"question": QUESTION}))
    answer = AnswerRecord.model_validate_json(text_of(result))
    assert answer.mode == "fake-model"
    assert [cited.n for cited in answer.citations] == [1]
    assert answer.usage.llm_calls == 1


def test_an_error_of_ours_tells_nothing_of_the_inside(
    seed_settings: Settings, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    line = "internal error; the server's log says more"
    with serving(Chatbot(seed_settings, BrokenModel()), tmp_path) as url:
        told = with_mcp(url, lambda s: s.call_tool("ask", {"question": QUESTION}))
        with gradio_client(url) as client, pytest.raises(AppError) as refused:
            client.predict(question=QUESTION, api_name="/ask")
        posted = httpx.post(f"{url}/gradio_api/run/ask", json={"data": [QUESTION, [], [], [], []]})
    assert told.isError
    assert text_of(told) == refused.value.message == posted.json()["error"] == line
    assert "secret" not in posted.text
    assert "/home/someone/secret" in caplog.text
