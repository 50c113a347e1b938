"""Many conversations at once: all begin, none is lost, and nothing holds up the event loop."""

import asyncio
import contextlib
import sqlite3
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from traceback import walk_stack
from typing import Any

import httpx
from sqlalchemy import Engine

from benchmarks.load_visitor import Visitor
from chatbot.bot import Chatbot
from chatbot.config import Settings
from chatbot.database.opening import DATABASE_FILE, open_database
from chatbot.store.accounts import NOBODY
from chatbot.store.conversations import begin_turn, list_conversations, read_turns
from chatbot.web.app import free_port, served
from chatbot.web.page import build_page
from tests.fakes.openai_server import Body, FakeOpenAI, Reply
from tests.web.conftest import FIRST_PORT, bot_with_model, serving

AT_ONCE = 40
QUESTION = "GRU-Mem 的推理速度提升了多少？"
ANSWER = "推理速度最高提升 400% [1]。"
PATIENCE = 120


def talking(url: str, visitors: int, *questions: str) -> None:
    """So many visitors at once, each asking the questions in turn."""

    async def talk(client: httpx.AsyncClient) -> None:
        visitor = Visitor(client, url)
        await visitor.open()
        for question in questions:
            await visitor.ask(question)

    async def all_of_them() -> None:
        limits = httpx.Limits(max_connections=None, max_keepalive_connections=0)
        async with httpx.AsyncClient(timeout=PATIENCE, limits=limits) as client:
            await asyncio.gather(*(talk(client) for _ in range(visitors)))

    asyncio.run(all_of_them())


def kept_answers(database: Engine) -> list[list[str]]:
    """Who answered each turn of each conversation that is kept."""
    return [
        [turn.answer.mode if turn.answer else "" for turn in read_turns(database, NOBODY, kept.id)]
        for kept in list_conversations(database, NOBODY)
    ]


@contextlib.contextmanager
def database_of(folder: Path) -> Iterator[Engine]:
    """The database of a data folder."""
    database = open_database(Settings(CHATBOT_DATA_DIR=folder))
    yield database
    database.dispose()


def test_all_answers_begin_though_none_has_ended_and_all_are_kept(
    seed_settings: Settings, tmp_path: Path
) -> None:
    # None is written before all are asked for: were only some let begin, the others never would.
    all_asked = threading.Barrier(AT_ONCE, timeout=PATIENCE / 2)

    def once_all_have_asked(_: Body) -> str:
        all_asked.wait()
        return ANSWER

    with (
        FakeOpenAI(default=once_all_have_asked) as server,
        serving(bot_with_model(seed_settings, server.url), tmp_path) as url,
    ):
        talking(url, AT_ONCE, QUESTION)
        assert not all_asked.broken
    with database_of(tmp_path) as database:
        assert kept_answers(database) == [["fake-model"]] * AT_ONCE


def test_conversations_of_several_turns_are_kept_whole(
    seed_settings: Settings, tmp_path: Path
) -> None:
    turns = (QUESTION, "NESSiE 测的是什么安全问题", "哪些论文研究了扩散语言模型？")
    with (
        FakeOpenAI(default=Reply.text(ANSWER, chunk=2, delay=0.02)) as server,
        serving(bot_with_model(seed_settings, server.url), tmp_path) as url,
    ):
        talking(url, 12, *turns)
    with database_of(tmp_path) as database:
        assert kept_answers(database) == [["fake-model"] * len(turns)] * 12


def test_the_page_keeps_no_table_of_its_events(seed_bot: Chatbot, tmp_path: Path) -> None:
    # gradio would sum up ten thousand of them after each.
    with database_of(tmp_path) as database:
        page, i18n = build_page(seed_bot, database)
        with served(page, i18n, "127.0.0.1", free_port("127.0.0.1", FIRST_PORT)) as url:
            talking(url, 1, QUESTION)
            kept, summed_up = (
                page._queue.event_analytics,
                page._queue.cached_event_analytics_summary,
            )
    assert len(kept) <= 1
    assert not summed_up["functions"]


@contextlib.contextmanager
def locked_database(folder: Path) -> Iterator[None]:
    """The database of a page, held by another process's writing meanwhile."""
    connection = sqlite3.connect(folder / DATABASE_FILE, isolation_level=None)
    connection.execute("BEGIN IMMEDIATE")
    yield
    connection.execute("ROLLBACK")
    connection.close()


def waiting_for_the_database() -> int:
    """How many threads are writing to the page's conversations, or wait to."""
    return sum(
        any(at.f_globals["__name__"] == begin_turn.__module__ for at, _ in walk_stack(frame))
        for frame in sys._current_frames().values()
    )


def test_a_silent_model_and_a_locked_database_hold_up_no_one_else(
    seed_settings: Settings, tmp_path: Path
) -> None:
    asked, may_answer = threading.Semaphore(0), threading.Event()

    def silent(line: Any, body: Body) -> None:
        asked.release()
        may_answer.wait(PATIENCE)
        Reply.text(ANSWER).play(line, body)

    with (
        FakeOpenAI(default=Reply(silent)) as server,
        serving(bot_with_model(seed_settings, server.url), tmp_path) as url,
    ):
        talks = threading.Thread(target=talking, args=(url, 6, QUESTION))
        talks.start()
        for _ in range(6):
            assert asked.acquire(timeout=PATIENCE)
        with locked_database(tmp_path):
            asking = threading.Thread(target=talking, args=(url, 2, QUESTION))
            asking.start()
            until = time.monotonic() + PATIENCE
            while waiting_for_the_database() < 2:
                assert time.monotonic() < until
                # Were the event loop held up, those that wait would fail before it goes on.
                httpx.get(f"{url}/gradio_api/app_id", timeout=PATIENCE).raise_for_status()
            httpx.get(f"{url}/gradio_api/app_id", timeout=PATIENCE).raise_for_status()
        may_answer.set()
        asking.join()
        talks.join()
    with database_of(tmp_path) as database:
        assert kept_answers(database) == [["fake-model"]] * 8
