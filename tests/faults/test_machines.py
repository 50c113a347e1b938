"""Two machines: pages with a folder each, one PostgreSQL and one Chroma server, all real.

One is killed in the middle of an answer, or of an ingest: nothing confirmed is lost, and the other
goes on.
"""

import asyncio
import contextlib
import os
import random
import signal
import socket
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from benchmarks.load_visitor import Visitor
from chatbot.bot import Chatbot, ensure_index
from chatbot.config import PROJECT_ROOT, Settings
from chatbot.database.opening import open_database
from chatbot.store.accounts import NOBODY
from chatbot.store.conversations import Turn, list_conversations, read_turns
from tests.fakes.openai_server import FakeOpenAI, Reply
from tests.faults.processes import apart, context, ingest_once
from tests.faults.reports import QUESTION, STEADY, TOPICS, steady, write_version
from tests.services import chroma

PATIENCE = 120
FIRST, SECOND = "GRU-Mem 的推理速度提升了多少？", "基线是什么？"
ANSWER = "推理速度最高提升 400% [1]。"


@pytest.fixture(scope="module")
def chroma_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with chroma(tmp_path_factory.mktemp("chroma")) as url:
        yield url


@pytest.fixture
def services(database_url: str, chroma_url: str) -> dict[str, str]:
    """What all machines have in common."""
    return {"CHATBOT_DATABASE_URL": database_url, "CHATBOT_CHROMA_URL": chroma_url}


@dataclass(frozen=True)
class Machine:
    """A page that is served: where, by which process, with which environment."""

    url: str
    process: subprocess.Popen[str]
    environment: dict[str, str]

    def kill(self) -> None:
        """End it as a machine that loses its power does."""
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def run(self, *words: str) -> None:
        """Run a command on this machine."""
        command = [sys.executable, "-m", "chatbot", *words]
        subprocess.run(command, env=self.environment, check=True, capture_output=True)

    def titles(self) -> list[str]:
        """The titles of its papers, as a program asks for them."""
        asked = httpx.post(
            f"{self.url}/gradio_api/run/list_papers", json={"data": [""]}, timeout=PATIENCE
        )
        return [paper["title"] for paper in asked.raise_for_status().json()["data"][0]]


@contextlib.contextmanager
def machine(folder: Path, services: dict[str, str], model: str) -> Iterator[Machine]:
    """A machine with a page, ready to answer."""
    given = {"CHATBOT_DATA_DIR": str(folder), "OPENAI_BASE_URL": model, "CHATBOT_LLM": "fake-model"}
    environment = {"PATH": os.environ["PATH"], "HOME": str(folder), **services, **given}
    environment["PYTHONPATH"] = str(PROJECT_ROOT)
    command = [sys.executable, str(PROJECT_ROOT / "app.py"), "--port", str(free_port())]
    with subprocess.Popen(
        command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as process:
        assert process.stdout
        ready = (line for line in process.stdout if "ready: " in line)
        try:
            yield Machine(next(ready).split("ready: ")[1].strip(), process, environment)
        finally:
            process.terminate()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


async def visiting(url: str, conversation: str, *questions: str) -> str:
    """Ask on a page, in a new conversation or a saved one; its id."""
    async with httpx.AsyncClient(timeout=PATIENCE) as client:
        visitor = Visitor(client, url)
        await visitor.open()
        if conversation:
            visitor.go_on(conversation)
        for question in questions:
            await visitor.ask(question)
        return visitor.conversation


def kept(services: dict[str, str]) -> list[Turn]:
    """The turns of the one conversation that is kept."""
    database = open_database(Settings(**services))
    try:
        (found,) = list_conversations(database, NOBODY)
        return list(read_turns(database, NOBODY, found.id))
    finally:
        database.dispose()


def test_two_pages_share_it_all_and_one_that_is_killed_loses_nothing(
    services: dict[str, str], tmp_path: Path
) -> None:
    endless = Reply.trickle("推理速度 " * 2_000, delay=0.05)
    with (
        FakeOpenAI(ANSWER, SECOND, endless, default=ANSWER) as model,
        machine(tmp_path / "one", services, model.url) as one,
        machine(tmp_path / "two", services, model.url) as two,
    ):
        assert one.titles() == two.titles()
        # What is ingested on one is on the other, which is not started anew.
        report = write_version(steady(tmp_path / "reports"), TOPICS[0])
        one.run("ingest", str(report))
        until = time.monotonic() + 30
        while two.titles() != one.titles() or len(two.titles()) <= 138:
            assert time.monotonic() < until
            time.sleep(0.1)
        # A conversation on one, which is killed while it answers.
        conversation = asyncio.run(visiting(one.url, "", FIRST))

        async def killed_midway() -> None:
            asking = asyncio.ensure_future(visiting(one.url, conversation, SECOND))
            begun = asyncio.get_running_loop().time()
            while len(turns := await asyncio.to_thread(kept, services)) < 2 or not turns[1].partial:
                assert asyncio.get_running_loop().time() < begun + 60
                await asyncio.sleep(0.1)
            one.kill()
            await asyncio.gather(asking, return_exceptions=True)

        asyncio.run(killed_midway())
        answered, broken = kept(services)
        assert answered.answer is not None
        assert "400%" in answered.answer.answer
        assert (broken.question, broken.answer) == (SECOND, None)
        assert broken.partial.startswith("推")
        # The other goes on with that conversation, and ingests.
        assert asyncio.run(visiting(two.url, conversation, FIRST)) == conversation
        assert [turn.question for turn in kept(services)] == [FIRST, SECOND, FIRST]
        two.run("remove", report.name if report.is_file() else next(report.iterdir()).name)


def test_an_ingest_killed_on_one_machine_leaves_the_old_index_or_the_new_to_all(
    services: dict[str, str], tmp_path: Path
) -> None:
    random_ = random.Random(11)  # noqa: S311 - no secret
    one, two = tmp_path / "one", tmp_path / "two"
    reports = write_version(steady(tmp_path / "reports"), TOPICS[0])
    apart(ingest_once, one, reports, None, services)
    steps = apart(ingest_once, one, write_version(reports, TOPICS[1]), None, services)
    before, seen = TOPICS[1], Counter[bool]()
    for _ in range(6):
        other = TOPICS[1 - TOPICS.index(before)]
        write_version(reports, other)
        moment = random_.randrange(1, steps), random_.uniform(0, 0.05)
        process = context().Process(target=ingest_once, args=(one, reports, moment, services))
        process.start()
        process.join()
        seen[process.exitcode == -signal.SIGKILL] += 1
        after = apart(topic_on, two, services)
        assert after in {before, other}
        before = after
    assert seen[True] >= 3
    # None of the dead holds the lock.
    apart(ingest_once, two, write_version(reports, TOPICS[0]), None, services)
    assert apart(topic_on, one, services) == TOPICS[0]


def topic_on(data_dir: Path, services: dict[str, str]) -> str:
    """What the changing report is about, as another machine finds it."""
    settings = Settings(CHATBOT_DATA_DIR=data_dir, **services)
    ensure_index(settings)
    bot = Chatbot(settings, None)
    assert STEADY in bot.answer(QUESTION).markdown
    stored = {node.node_id for node in bot.index.vectors.get_nodes(list(bot.index.row_ids))}
    assert stored <= set(bot.index.row_ids)
    return next(s.title for s in bot.index.sections if s.paper_id == "2603.00003")
