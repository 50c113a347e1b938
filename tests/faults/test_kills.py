"""kill -9 at random moments: the index is the old or the new, and nothing confirmed is lost.

`make torture` runs the same with more kills and shows what was seen.
"""

import json
import random
import signal
import sys
import time
from collections import Counter
from collections.abc import Callable
from multiprocessing.connection import Connection
from pathlib import Path

import pytest
from sqlalchemy import text

from chatbot.bot import Chatbot
from chatbot.config import Settings
from chatbot.database.opening import open_database
from chatbot.feedback.ratings import list_feedback
from chatbot.index.ingestion import ingest
from chatbot.index.reading import open_index
from chatbot.index.storage import read_manifest
from chatbot.store.conversations import read_turns
from tests.faults.processes import (
    OWNER,
    apart,
    chat_forever,
    context,
    ingest_once,
    rate_forever,
)
from tests.faults.reports import QUESTION, STEADY, TOPICS, steady, write_version

ROUNDS = pytest.mark.parametrize("kills", [12, pytest.param(100, marks=pytest.mark.torture)])


def seeded() -> random.Random:
    """Draws the moments, the same in every run."""
    return random.Random(7)  # noqa: S311 - no secret


def show(what: str, kills: int, seen: Counter[str]) -> None:
    """A row of the table of `make torture`."""
    found = ", ".join(f"{name} {count}" for name, count in sorted(seen.items()))
    sys.stdout.write(f"\n| {what} | {kills} kills | {found} |\n")


def served(data_dir: Path) -> str:
    """What the changing report is about, as a new process finds it in the index and in Chroma."""
    settings = Settings(CHATBOT_DATA_DIR=data_dir)
    index = open_index(settings)
    stored = {node.node_id: node for node in index.vectors.get_nodes(list(index.row_ids))}
    for row, section in zip(index.row_ids, index.sections, strict=True):
        # Vectors follow, so some may be missing; none is another's.
        assert row not in stored or stored[row].get_content() == section.text
    assert STEADY in Chatbot(settings, None).answer(QUESTION).markdown
    (title,) = {section.title for section in index.sections if section.paper_id == "2603.00003"}
    return title


@ROUNDS
def test_an_ingest_killed_at_any_moment_leaves_the_old_index_or_the_new(
    settings: Settings, tmp_path: Path, kills: int
) -> None:
    random_ = seeded()
    data_dir = settings.data_dir
    reports = write_version(steady(tmp_path / "reports"), TOPICS[0])
    ingest(settings, [reports])
    steps = apart(ingest_once, data_dir, write_version(reports, TOPICS[1]), None)
    before, seen = TOPICS[1], Counter[str]()
    for _ in range(kills):
        other = TOPICS[1 - TOPICS.index(before)]
        write_version(reports, other)
        # Every third near the end, where the manifest is replaced.
        first = random_.choice([1, 1, steps - 10])
        moment = random_.randrange(first, steps), random_.choice([0, random_.uniform(0, 0.05)])
        process = context().Process(target=ingest_once, args=(data_dir, reports, moment))
        process.start()
        process.join()
        after = apart(served, data_dir)
        assert after in {before, other}
        ended = "killed" if process.exitcode == -signal.SIGKILL else "done before"
        seen[f"{ended}, {'old' if after == before else 'new'} index"] += 1
        before = after
    assert sum(count for name, count in seen.items() if name.startswith("killed")) > kills / 2
    show("ingest", kills, seen)
    for topic in TOPICS:
        apart(ingest_once, data_dir, write_version(reports, topic), None)
    assert apart(rubbish, data_dir) == []


def rubbish(data_dir: Path) -> list[str]:
    """What no part of the committed index refers to, and the rows that have no vector."""
    manifest = read_manifest(data_dir)
    assert manifest
    kept = {manifest.lexical, manifest.chroma}
    shards = {entry.sha256 for entry in manifest.reports}
    index = open_index(Settings(CHATBOT_DATA_DIR=data_dir))
    return [
        *(path.name for path in data_dir.glob("*-*") if path.name not in kept),
        *(path.name for path in data_dir.rglob("*.tmp")),
        *(p.name for p in (data_dir / "reports").iterdir() if p.name[:64] not in shards),
        *(index.vectors.ids() ^ set(index.row_ids)),
    ]


def confirmed_by(
    work: Callable[[Path, Connection], None], data_dir: Path, after: int, seconds: float
) -> list[tuple[str, int, str]]:
    """What a process confirmed, killed some seconds after its confirmation number `after`."""
    here, there = context().Pipe(duplex=False)
    process = context().Process(target=work, args=(data_dir, there))
    process.start()
    there.close()
    told: list[tuple[str, int, str]] = []
    while True:
        try:
            told.append(tuple(json.loads(here.recv_bytes())))
        except EOFError:
            break
        if len(told) == after:
            time.sleep(seconds)  # the moment of the kill, which is what the test varies
            process.kill()
    process.join()
    here.close()
    return told


def sound(data_dir: Path) -> bool:
    """Whether SQLite finds nothing wrong with the database."""
    database = open_database(Settings(CHATBOT_DATA_DIR=data_dir))
    with database.connect() as connection:
        found = connection.execute(text("PRAGMA integrity_check")).scalar()
    database.dispose()
    return found == "ok"


@ROUNDS
def test_no_turn_that_was_confirmed_is_lost(settings: Settings, kills: int) -> None:
    random_, seen = seeded(), Counter[str]()
    for _ in range(kills):
        moment = random_.randrange(1, 8), random_.uniform(0, 0.02)
        told = confirmed_by(chat_forever, settings.data_dir, *moment)
        assert sound(settings.data_dir)
        database = open_database(settings)
        turns = read_turns(database, OWNER, told[0][0])
        database.dispose()
        assert [turn.position for turn in turns] == list(range(len(turns)))
        for _, number, answer in told:
            assert turns[number].question == f"问题 {number}"
            if answer:
                record = turns[number].answer
                assert record is not None
                assert record.answer == answer
        seen["confirmed and kept"] += len(told)
        asked = len({number for _, number, _ in told})
        seen["kept though the kill came before it was confirmed"] += len(turns) - asked
    show("turns", kills, seen)


@ROUNDS
def test_no_feedback_that_was_confirmed_is_lost(settings: Settings, kills: int) -> None:
    random_, seen = seeded(), Counter[str]()
    expected: set[tuple[str | None, int, str]] = set()
    for _ in range(kills):
        moment = random_.randrange(1, 8), random_.uniform(0, 0.02)
        expected |= set(confirmed_by(rate_forever, settings.data_dir, *moment))
        assert sound(settings.data_dir)
    database = open_database(settings)
    kept = {(one.conversation, one.position, one.comment) for one in list_feedback(database)}
    database.dispose()
    assert expected <= kept
    seen["confirmed and kept"] += len(expected)
    seen["kept though the kill came before it was confirmed"] += len(kept - expected)
    show("feedback", kills, seen)
