"""Processes of a test's own, to be killed or starved: forked from one that has all imported.

What they run is here too, since they import it by name.
"""

import contextlib
import io
import itertools
import json
import multiprocessing
import os
import resource
import signal
import sys
import threading
import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from multiprocessing.connection import Connection
from multiprocessing.context import ForkServerContext
from pathlib import Path
from typing import Any

from chatbot.answering.record import AnswerRecord
from chatbot.cli.commands import main
from chatbot.config import Settings
from chatbot.database.opening import open_database
from chatbot.feedback.ratings import save_feedback
from chatbot.index.ingestion import ingest
from chatbot.store.conversations import Turn, begin_conversation, begin_turn, end_turn
from tests.faults.reports import TOPICS, write_version
from tests.rated_answers import MADE, rated

OWNER = "ada"


def context() -> ForkServerContext:
    """Processes start from a server that has imported what they need, and has no threads."""
    chosen = multiprocessing.get_context("forkserver")
    chosen.set_forkserver_preload([__name__, "chatbot.bot"])
    return chosen


def apart(work: Callable[..., Any], *arguments: Any) -> Any:
    """What a function gives in a new process, where nothing is open or remembered yet.

    Raises:
        ChildError: it raised something there.
    """
    here, there = context().Pipe(duplex=False)
    process = context().Process(target=_hand_back, args=(there, work, arguments))
    process.start()
    there.close()
    try:
        raised, value = here.recv()
    finally:
        process.join()
        here.close()
    if raised:
        raise ChildError(value)
    return value


class ChildError(Exception):
    """What was raised in another process, with its traceback."""


def _hand_back(there: Connection, work: Callable[..., Any], arguments: tuple[Any, ...]) -> None:
    try:
        there.send((False, work(*arguments)))
    except Exception:  # noqa: BLE001 - whatever it is, the test is told
        there.send((True, traceback.format_exc()))


@dataclass(frozen=True)
class Outcome:
    """What a command printed, and its exit status."""

    status: int
    out: str
    err: str

    @property
    def error(self) -> str:
        """The one line of its error."""
        (line,) = self.err.splitlines()
        return line


def command(data_dir: Path, words: tuple[str, ...], file_limit: int | None = None) -> Outcome:
    """Run a command in this process; no file may then grow beyond `file_limit` bytes."""
    if file_limit is not None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (file_limit, resource.RLIM_INFINITY))
    os.environ["CHATBOT_DATA_DIR"] = str(data_dir)
    sys.argv = ["chatbot", *words]
    out, err, status = io.StringIO(), io.StringIO(), 0
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            main()
        except SystemExit as ending:
            status = int(ending.code or 0)
    return Outcome(status, out.getvalue(), err.getvalue())


# Ingesting


def ingest_once(
    data_dir: Path,
    reports: Path,
    killed: tuple[int, float] | None,
    services: Mapping[str, str] | None = None,
) -> int:
    """Ingest, and die by SIGKILL some seconds after a step of the work, both given by `killed`.

    With `services`, settings by their variables, the index is one that machines share.

    Returns:
        How many steps there were: calls that open, make, rename or delete something in the folder.
    """
    steps = itertools.count(1)
    seen = 0

    def at_each_step(event: str, arguments: tuple[Any, ...]) -> None:
        nonlocal seen
        if not arguments or not str(arguments[0]).startswith(str(data_dir)):
            return
        seen = next(steps)
        if killed and seen == killed[0]:
            timer = threading.Timer(killed[1], os.kill, (os.getpid(), signal.SIGKILL))
            timer.start() if killed[1] else os.kill(os.getpid(), signal.SIGKILL)

    sys.addaudithook(at_each_step)
    ingest(Settings(CHATBOT_DATA_DIR=data_dir, **(services or {})), [reports])
    return seen


def ingest_when_told(data_dir: Path, reports: Path, told: Connection) -> None:
    """Ingest as soon as something comes."""
    told.recv()
    ingest(Settings(CHATBOT_DATA_DIR=data_dir), [reports])


def ingest_in_turns(data_dir: Path, reports: Path, rounds: int) -> None:
    """Ingest one version of a report after the other."""
    for topic in itertools.islice(itertools.cycle(TOPICS), rounds):
        ingest(Settings(CHATBOT_DATA_DIR=data_dir), [write_version(reports, topic)])


# Saving


def answered(number: int) -> AnswerRecord:
    """A made-up answer that tells its number."""
    return AnswerRecord.model_validate(MADE | {"answer": f"第 {number} 个答案。" * 50})


def chat_forever(data_dir: Path, confirmed: Connection) -> None:
    """Ask and answer for ever, each question in parts; what has been saved is told."""
    database = open_database(Settings(CHATBOT_DATA_DIR=data_dir))
    conversation = begin_conversation(database, OWNER, "对话")
    for number in itertools.count():
        turn = begin_turn(database, OWNER, conversation, Turn(number, f"问题 {number}"))
        _tell(confirmed, conversation, number, "")
        end_turn(database, turn, None, partial="半句")
        end_turn(database, turn, answered(number))
        _tell(confirmed, conversation, number, answered(number).answer)


def rate_forever(data_dir: Path, confirmed: Connection) -> None:
    """Rate answers for ever; what has been saved is told."""
    database = open_database(Settings(CHATBOT_DATA_DIR=data_dir))
    conversation = f"{os.getpid()}"
    for number in itertools.count():
        comment = f"第 {number} 条"
        save_feedback(database, OWNER, rated(number, conversation), "dislike", comment)
        _tell(confirmed, conversation, number, comment)


def _tell(confirmed: Connection, conversation: str, number: int, text: str) -> None:
    """Told in one write, so that a kill leaves no half of it."""
    confirmed.send_bytes(json.dumps([conversation, number, text]).encode())
