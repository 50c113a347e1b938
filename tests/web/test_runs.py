"""What streams to a page ends where its reader says so, at once, whatever it is waiting for."""

import asyncio
import threading
import time
from collections.abc import Generator
from pathlib import Path

from chatbot.config import Settings
from chatbot.database.opening import open_database
from chatbot.store.accounts import NOBODY
from chatbot.store.conversations import Turn, begin_conversation, begin_turn, read_turns
from chatbot.web.chat.asking import answering
from chatbot.web.frame import Run, Runs, Showing
from tests.fakes.openai_server import FakeOpenAI, Reply
from tests.web.conftest import bot_with_model
from tests.web.test_load import locked_database

QUESTION = "GRU-Mem 的推理速度提升了多少？"


class Counting:
    """Counts, and is `hanging` after `hangs_after` until it is let go; then `closed`, if it was."""

    def __init__(self, hangs_after: int = 100) -> None:
        self._hangs_after, self.hanging = hangs_after, threading.Event()
        self.go, self.closed = threading.Event(), threading.Event()

    def run(self) -> Generator[int, None, None]:
        try:
            for number in range(self._hangs_after + 1):
                if number == self._hangs_after:
                    self.hanging.set()
                    self.go.wait(30)
                yield number
        finally:
            self.closed.set()


async def taken(run: Run, source: Counting) -> list[int]:
    return [number async for number in run.steps(source.run())]


def test_all_that_comes_is_handed_on() -> None:
    source = Counting(5)
    source.go.set()

    async def held() -> list[int]:
        return await taken(Runs(4).begin("page"), source)

    assert asyncio.run(held()) == [0, 1, 2, 3, 4, 5]


def test_a_stop_waits_for_no_step_and_the_work_is_closed_once_that_is_over() -> None:
    source, runs = Counting(hangs_after=3), Runs(4)

    async def held() -> list[int]:
        run = runs.begin("page")
        taking = asyncio.ensure_future(taken(run, source))
        await asyncio.to_thread(source.hanging.wait)
        runs.stop("page")
        assert run.stopped
        return await taking

    assert asyncio.run(held()) == [0, 1, 2]
    assert not source.closed.is_set()
    source.go.set()
    assert source.closed.wait(5)


def test_one_page_has_one_run_and_another_ends_it_without_a_word() -> None:
    source = Counting(hangs_after=1)

    async def held() -> tuple[bool, bool]:
        runs = Runs(4)
        first = runs.begin("page")
        steps = first.steps(source.run())
        assert await anext(steps) == 0
        elsewhere, second = runs.begin("another page"), runs.begin("page")
        assert [n async for n in steps] == []
        assert not any(run.ended.is_set() for run in (elsewhere, second))
        runs.stop("page")
        return first.stopped, second.stopped

    assert asyncio.run(held()) == (False, True)
    source.go.set()


def test_a_run_that_is_over_is_forgotten_and_one_that_followed_it_is_not() -> None:
    runs = Runs(4)
    with runs.running("page") as first:
        second = runs.begin("page")
    runs.stop("page")
    assert (first.stopped, second.stopped) == (False, True)
    with runs.running("page") as third:
        pass
    runs.stop("page")
    assert not third.stopped


def test_a_page_that_was_turned_elsewhere_is_known_and_the_oldest_are_forgotten() -> None:
    showing = Showing(most=2)
    assert not showing.is_elsewhere("page", "a")
    showing.turn("page", "a")
    assert not showing.is_elsewhere("page", "a")
    showing.turn("page", "")
    assert showing.is_elsewhere("page", "a")
    for other in ("second", "third"):
        showing.turn(other, "b")
    assert not showing.is_elsewhere("page", "a")


def test_who_stops_waiting_is_free_at_once() -> None:
    source = Counting(hangs_after=0)

    async def held() -> None:
        steps = Runs(4).begin("page").steps(source.run())
        waiting = asyncio.ensure_future(anext(steps))
        await asyncio.to_thread(source.hanging.wait)
        waiting.cancel()
        await asyncio.gather(waiting, return_exceptions=True)

    asyncio.run(held())
    assert not source.closed.is_set()
    source.go.set()
    assert source.closed.wait(5)


def test_a_stopped_answer_waits_for_no_database_and_what_had_come_is_kept(
    seed_settings: Settings, tmp_path: Path
) -> None:
    database = open_database(Settings(CHATBOT_DATA_DIR=tmp_path))
    conversation = begin_conversation(database, NOBODY, QUESTION)
    turn = begin_turn(database, NOBODY, conversation, Turn(0, QUESTION))
    runs = Runs(4)

    async def held(url: str) -> None:
        run = runs.begin("page")
        async for messages in run.steps(
            answering(bot_with_model(seed_settings, url), database, (), turn)
        ):
            if "推理" in messages[-1]["content"]:
                break
        # Had it waited, it would have failed and kept nothing.
        with locked_database(tmp_path):
            runs.stop("page")
            assert [step async for step in run.steps(Counting().run())] == []

    with FakeOpenAI(
        default=Reply.text("推理速度最高提升 400% [1]。", chunk=2, delay=0.2)
    ) as server:
        asyncio.run(held(server.url))
    until = time.monotonic() + 20
    while not (kept := read_turns(database, NOBODY, conversation)[0].partial):
        assert time.monotonic() < until
        time.sleep(0.1)
    assert kept.startswith("推理")
    database.dispose()
