"""The served page with two users: neither meets the other's chats; nobody meets the key."""

import contextlib
import json
import re
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import gradio as gr
import httpx
import pytest
from gradio_client import Client
from gradio_client.exceptions import AppError
from mcp import ClientSession
from mcp.client.streamable_http import streamable_http_client
from playwright.sync_api import Browser, expect
from sqlalchemy import Engine
from starlette.routing import Mount, Route

from chatbot.answering.record import record_of
from chatbot.bot import Chatbot
from chatbot.config import Settings
from chatbot.database.opening import open_database
from chatbot.errors import ConfigurationError
from chatbot.feedback.ratings import list_feedback
from chatbot.llm.client import open_chat_model
from chatbot.store.accounts import UserFile, UserTable
from chatbot.store.conversations import keep_answer, list_conversations, read_turns
from chatbot.web import app as page_serving
from chatbot.web.app import free_port, served
from chatbot.web.auth import SignIn
from chatbot.web.gate import LOOPBACK, Access
from tests.fakes.openai_server import FakeOpenAI, Reply
from tests.web.conftest import FIRST_PORT, serving
from tests.web.test_api import gradio_client, text_of, with_mcp

PASSWORD = "correct horse battery"
ANNA, BOB = ("anna", PASSWORD), ("bob", PASSWORD)
QUESTION = "GRU-Mem 的推理速度提升了多少？"
TITLE = "Annas own words"
KEY = "sk-planted-7f3a9c51"
ANSWERED_IN = 60


@dataclass(frozen=True)
class Shared:
    """The page of two users, its database, and a conversation of Anna's."""

    url: str
    database: Engine
    conversation: str


@pytest.fixture(scope="module")
def shared(seed_bot: Chatbot, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shared]:
    folder = tmp_path_factory.mktemp("shared")
    for name, password in (ANNA, BOB):
        UserFile(folder / "users").add(name, password)
    database = open_database(seed_bot.settings.model_copy(update={"data_dir": folder}))
    record = record_of(seed_bot.answer(QUESTION)).model_copy(update={"question": TITLE})
    conversation = keep_answer(database, "anna", record)
    access = Access(LOOPBACK, SignIn(UserFile(folder / "users"), database))
    with serving(seed_bot, folder, access) as url:
        yield Shared(url, database, conversation)
    database.dispose()


@contextlib.contextmanager
def signed_in(url: str, user: tuple[str, str]) -> Iterator[httpx.Client]:
    form = {"username": user[0], "password": user[1]}
    with httpx.Client(base_url=url, timeout=ANSWERED_IN) as client:
        client.post("/login", data=form).raise_for_status()
        yield client


def everything_told(client: httpx.Client, conversation: str) -> dict[int, str]:
    """What each of the page's events answers when it is asked about a conversation, by its number.

    Every text that an event takes is the conversation's id; so is the address, and what was
    clicked; and the message that was rated, edited or tried again is the answer's.
    """
    config = client.get("/config").json()
    kinds = {part["id"]: part["type"] for part in config["components"]}
    events = [event for event in config["dependencies"] if event["backend_fn"]]
    inputs: dict[str, Any] = {"textbox": conversation, "state": None, "number": 0}
    clicked = {"value": conversation, "index": [2, 0], "liked": True, "previous_value": TITLE}

    def told(event: dict[str, Any]) -> str:
        session = f"session{event['id']}{client.cookies.get('chatbot-session')}"
        body = {
            "data": [inputs.get(kinds[part]) for part in event["inputs"]],
            "fn_index": event["id"],
            "session_hash": session,
            "event_data": clicked,
        }
        joined = client.post(f"/gradio_api/queue/join?chat={conversation}", json=body)
        if joined.status_code != 200:
            return joined.text
        where = "/gradio_api/queue/data"
        lines: list[str] = []
        with client.stream("GET", where, params={"session_hash": session}) as stream:
            for line in stream.iter_lines():
                lines.append(json.dumps(json.loads(line[6:]), ensure_ascii=False) if line else "")
                if "close_stream" in line or "process_completed" in line:
                    break
        return "\n".join(lines)

    with ThreadPoolExecutor(4) as pool:
        answers = pool.map(told, events)
        return {event["id"]: answer for event, answer in zip(events, answers, strict=True)}


def test_by_no_event_of_the_page_does_a_user_meet_or_change_anothers_chat(shared: Shared) -> None:
    with signed_in(shared.url, BOB) as bob:
        told = everything_told(bob, shared.conversation)
    assert len(told) > 30
    assert [number for number, answer in told.items() if TITLE in answer] == []
    assert [kept.title for kept in list_conversations(shared.database, "anna")] == [TITLE]
    (turn,) = read_turns(shared.database, "anna", shared.conversation)
    assert turn.answer is not None
    assert list_feedback(shared.database) == ()
    with signed_in(shared.url, ANNA) as anna:
        own = everything_told(anna, shared.conversation)
    assert len([number for number, answer in own.items() if TITLE in answer]) >= 4


def test_gradios_client_and_mcp_clients_sign_in(shared: Shared) -> None:
    client = Client(shared.url, auth=ANNA, verbose=False, analytics_enabled=False)
    assert len(client.predict(api_name="/list_papers")) == 138
    client.close()

    async def listed() -> int:
        async with (
            httpx.AsyncClient(auth=ANNA, timeout=ANSWERED_IN) as http,
            streamable_http_client(f"{shared.url}/gradio_api/mcp/", http_client=http) as streams,
            ClientSession(streams[0], streams[1]) as session,
        ):
            await session.initialize()
            return len((await session.list_tools()).tools)

    import anyio

    assert anyio.run(listed) == 5


def paths_of(router: Any) -> Iterator[str]:
    """The paths of a router and of those it includes, with something in place of what may vary."""
    for route in router.routes:
        if isinstance(route, Route | Mount):
            yield re.sub(r"\{[^}]*\}", "x", route.path)
        else:
            yield from paths_of(route.original_router)


def test_without_a_sign_in_none_of_gradios_routes_answers(shared: Shared, tmp_path: Path) -> None:
    UserFile(tmp_path / "users").add(*ANNA)
    access = Access(LOOPBACK, SignIn(UserFile(tmp_path / "users"), shared.database))
    with gr.Blocks() as page:
        gr.Markdown(TITLE)
    page.queue()
    port = free_port("127.0.0.1", FIRST_PORT)
    with served(page, gr.I18n(), "127.0.0.1", port, access) as url, httpx.Client() as client:
        paths = set(paths_of(page.app)) - {"/login", "/login/"}
        asked = [(method, path) for path in paths for method in ("GET", "POST", "PUT", "DELETE")]
        told = {(m, p): client.request(m, url + p).status_code for m, p in asked}
    assert len(paths) > 50
    assert {asked for asked, status in told.items() if status != 401} == {("POST", "/logout")}


# Where it may listen


def access_of(settings: Settings, host: str) -> Access:
    database = open_database(settings)
    try:
        return page_serving.access_of(settings, host, database)
    finally:
        database.dispose()


def configured(folder: Path, **given: Any) -> Settings:
    UserFile(folder / "users").add(*ANNA)
    return Settings(CHATBOT_DATA_DIR=folder / "data", CHATBOT_AUTH=folder / "users", **given)


def test_elsewhere_than_here_users_have_to_sign_in(tmp_path: Path, settings: Settings) -> None:
    with pytest.raises(ConfigurationError, match="chatbot user add NAME"):
        access_of(settings, "192.0.2.1")
    with pytest.raises(ConfigurationError, match="CHATBOT_HOSTS: without a sign-in"):
        access_of(settings.model_copy(update={"hosts": ("chat.example.org",)}), "127.0.0.1")
    access = access_of(configured(tmp_path), "192.0.2.1")
    assert access.sign_in is not None
    assert set(access.hosts) == {*LOOPBACK, "192.0.2.1"}


def test_where_it_listens_everywhere_its_names_have_to_be_told(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="set CHATBOT_HOSTS"):
        access_of(configured(tmp_path), "0.0.0.0")  # noqa: S104 - what is refused
    named = configured(tmp_path, CHATBOT_HOSTS="chat.example.org, 192.0.2.1")
    assert access_of(named, "::").hosts == (*LOOPBACK, "chat.example.org", "192.0.2.1")


@pytest.mark.parametrize("host", ["*", "*.example.org", "http://example.org", "a b", "a:80"])
def test_a_host_is_a_name_and_no_pattern(host: str, monkeypatch: pytest.MonkeyPatch) -> None:
    from chatbot.config import load_settings

    monkeypatch.setenv("CHATBOT_HOSTS", host)
    with pytest.raises(ConfigurationError, match="CHATBOT_HOSTS"):
        load_settings()


@pytest.mark.parametrize("text", [None, "", "\n"])
def test_a_file_without_users_is_refused_before_anything_is_served(
    tmp_path: Path, text: str | None
) -> None:
    if text is not None:
        (tmp_path / "users").write_text(text)
    settings = Settings(CHATBOT_DATA_DIR=tmp_path, CHATBOT_AUTH=tmp_path / "users")
    with pytest.raises(ConfigurationError, match="chatbot user add NAME"):
        access_of(settings, "127.0.0.1")


def test_users_in_a_database_open_the_page_and_without_any_it_is_for_here_alone(
    kept: Settings,
) -> None:
    if kept.database_url is None:
        return
    assert access_of(kept, "127.0.0.1").sign_in is None
    with pytest.raises(ConfigurationError, match="the database has no users"):
        access_of(kept, "192.0.2.1")
    database = open_database(kept)
    UserTable(database).add(*ANNA)
    database.dispose()
    assert access_of(kept, "127.0.0.1").sign_in is not None
    assert "192.0.2.1" in access_of(kept, "192.0.2.1").hosts


# Limits


@pytest.fixture
def hurried_url(seed_bot: Chatbot, seed_settings: Settings, tmp_path: Path) -> Iterator[str]:
    """A page that takes two questions a minute."""
    bot = Chatbot(seed_settings.model_copy(update={"rate": 2}), None)
    with serving(bot, tmp_path) as url:
        yield url


def test_questions_are_limited_for_programs_by_every_door_together(hurried_url: str) -> None:
    with gradio_client(hurried_url) as client:
        client.predict(question=QUESTION, api_name="/search_papers")
        client.predict(question=QUESTION, api_name="/search_papers")
        with pytest.raises(AppError, match=r"at most 2 a minute\. Try again in [23]\d seconds"):
            client.predict(question=QUESTION, api_name="/ask")
        assert client.predict(api_name="/list_papers")
    told = with_mcp(hurried_url, lambda s: s.call_tool("search_papers", {"question": QUESTION}))
    assert told.isError
    assert "at most 2 a minute" in text_of(told)


def test_a_full_queue_says_when_to_come_back() -> None:
    free = threading.Event()
    with gr.Blocks() as page:
        gr.Button().click(free.wait)
    page.queue(default_concurrency_limit=1, max_size=1)
    body = {"data": [], "fn_index": 0, "session_hash": "x"}
    headers = {"accept-language": "en"}
    with served(page, gr.I18n(), "127.0.0.1", free_port("127.0.0.1", FIRST_PORT)) as url:
        answers = [
            httpx.post(f"{url}/gradio_api/queue/join", json=body, headers=headers) for _ in range(6)
        ]
        free.set()
    refused = [answer for answer in answers if answer.status_code == 429]
    assert refused
    assert {answer.status_code for answer in answers} == {200, 429}
    assert refused[0].json()["detail"].startswith("Too many requests are waiting; try again in 10")
    assert refused[0].headers["retry-after"] == "10"


# Uploads and secrets


def test_an_upload_is_gone_when_the_page_is(seed_bot: Chatbot, tmp_path: Path) -> None:
    with serving(seed_bot, tmp_path) as url:
        files = {"files": ("report.txt", b"nothing that was added")}
        (kept,) = httpx.post(f"{url}/gradio_api/upload", files=files).json()
        assert Path(kept).read_bytes() == b"nothing that was added"
        assert httpx.get(f"{url}/gradio_api/file={kept}").status_code == 404
    assert not Path(kept).exists()


def test_what_the_page_is_made_of_is_served_and_nothing_beside_it(page_url: str) -> None:
    for folder in ("assets", "static", "svelte", "static/fonts"):
        for up in ("../../../routes.py", "%2e%2e/%2e%2e/%2e%2e/routes.py", "..%2f..%2froutes.py"):
            path = f"{page_url}/{folder}/{up}".encode()
            answer = httpx.get(httpx.URL(page_url, raw_path=path[len(page_url) :]))
            assert answer.status_code in {403, 404}
            assert "FastAPI" not in answer.text


def test_scripts_run_by_nonce_and_each_page_has_its_own(page_url: str) -> None:
    nonces = set()
    for _ in range(2):
        answer = httpx.get(page_url)
        policy = answer.headers["content-security-policy"]
        nonce = policy.partition("'nonce-")[2].partition("'")[0]
        assert len(nonce) >= 20
        scripts = answer.text.count("<script")
        assert scripts == answer.text.count(f'<script nonce="{nonce}"') > 0
        assert "'unsafe-inline'" not in policy.partition("style-src")[0]
        nonces.add(nonce)
    assert len(nonces) == 2


def test_the_key_is_told_nowhere(
    seed_settings: Settings,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
) -> None:
    echoed = Reply.error(401, f"Incorrect API key provided: {KEY}.")
    told: list[str] = []
    with FakeOpenAI(default=echoed) as server, caplog.at_level("DEBUG", "chatbot"):
        settings = Settings(
            CHATBOT_DATA_DIR=seed_settings.data_dir,
            OPENAI_BASE_URL=server.url,
            OPENAI_API_KEY=KEY,
        )
        with serving(Chatbot(settings, open_chat_model(settings)), tmp_path) as url:
            paths = ("", "config", "gradio_api/info", "gradio_api/openapi.json", "theme.css")
            told += [httpx.get(f"{url}/{path}").text for path in paths]
            schema = httpx.get(f"{url}/gradio_api/mcp/schema")
            told += [schema.text, repr(settings), settings.model_dump_json()]
            body = {"data": [QUESTION, [], [], [], []]}
            told.append(httpx.post(f"{url}/gradio_api/run/ask", json=body, timeout=60).text)
            tools = with_mcp(url, lambda session: session.list_tools())
            told.append(tools.model_dump_json())
        assert any(KEY in request.headers["authorization"] for request in server.requests)
    assert "refused the key" in told[-2]
    output = capfd.readouterr()
    for text in (*told, caplog.text, output.out, output.err):
        assert KEY not in text
    for file in tmp_path.iterdir():
        assert KEY.encode() not in file.read_bytes()


# In Chromium; last, for then an event loop runs in this thread, and MCP's client wants its own


def test_what_is_kept_belongs_to_whoever_signed_in(
    shared: Shared, seed_bot: Chatbot, browser: Browser
) -> None:
    with browser.new_context(locale="en-US") as context:
        page = context.new_page()
        page.goto(f"{shared.url}/?paper=2602.10560")
        page.fill("[name=username]", "bob")
        page.fill("[name=password]", PASSWORD)
        page.press("[name=password]", "Enter")
        expect(page.locator("#browse-text")).to_contain_text("GRU-Mem")
        expect(page.locator("#signed-in b")).to_have_text("bob")
        page.locator("#tabs").get_by_role("tab").first.click()
        page.fill("#question textarea", QUESTION)
        page.press("#question textarea", "Enter")
        expect(page.locator("#chat .by")).to_have_count(1)
        expect(page.locator("#saved li")).to_have_count(1)
        page.click("#signed-in button")
        expect(page.locator("[name=username]")).to_be_visible()
        assert page.url.endswith("/login")
    assert QUESTION in {kept.title for kept in list_conversations(shared.database, "bob")}
    assert QUESTION not in {kept.title for kept in list_conversations(shared.database, "anna")}


def test_the_page_says_when_to_come_back_and_keeps_the_question(
    hurried_url: str, browser: Browser
) -> None:
    with browser.new_context(locale="zh-CN") as context:
        page = context.new_page()
        page.goto(hurried_url)
        for answers in (1, 2):
            page.fill("#question textarea", QUESTION)
            page.press("#question textarea", "Enter")
            expect(page.locator("#chat .by")).to_have_count(answers)
        page.fill("#question textarea", QUESTION)
        page.press("#question textarea", "Enter")
        expect(page.get_by_text("每分钟最多 2 次")).to_be_visible()
        expect(page.locator("#question textarea")).to_have_value(QUESTION)
