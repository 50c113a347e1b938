"""A full disk, a folder that cannot be written: one line, and what was there stays as it was."""

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from sqlalchemy import text

from chatbot.bot import Chatbot
from chatbot.config import Settings
from chatbot.database.opening import open_database
from chatbot.files import write_atomically
from chatbot.index.storage import read_manifest
from chatbot.store.conversations import Turn, begin_conversation, begin_turn, read_turns
from chatbot.web.chat.asking import answering
from tests.faults.conftest import is_root
from tests.faults.processes import OWNER, Outcome, apart, command
from tests.faults.reports import QUESTION, TOPICS, write_version

Mount = Callable[..., Path]


_FULL = """CREATE TRIGGER full BEFORE UPDATE ON turns
  BEGIN SELECT RAISE(ABORT, 'database or disk is full'); END"""


def names(data_dir: Path) -> set[str]:
    """The files of an index, but for those that Chroma and the lock come and go with."""
    return {str(path.relative_to(data_dir)) for path in data_dir.rglob("*") if path.is_file()}


# As of a full disk, and at every stage of the work: nothing may grow beyond a size.
@pytest.mark.parametrize("kilobytes", [0, 1, 8, 64, 150])
def test_an_ingest_without_room_is_one_line_and_leaves_the_index_whole(
    data_dir: Path, tmp_path: Path, kilobytes: int
) -> None:
    before = names(data_dir)
    reports = str(write_version(tmp_path, TOPICS[0]) / "b.txt")
    ended: Outcome = apart(command, data_dir, ("ingest", reports), kilobytes * 1024)
    assert ended.status == 1
    assert "room" in ended.error
    manifest = read_manifest(data_dir)
    assert manifest
    left = {name.partition("/")[0] for name in names(data_dir) - before}
    assert left <= {"ingest.lock", "reports", manifest.lexical, manifest.chroma}
    assert {path.name for path in data_dir.glob("*-*")} == {manifest.lexical, manifest.chroma}
    assert "97%" in apart(command, data_dir, ("ask", QUESTION)).out
    assert apart(command, data_dir, ("ingest", reports)).status == 0
    assert "5 度" in apart(command, data_dir, ("ask", "天气预报的误差是多少？")).out


def test_a_disk_that_is_really_full_is_one_line_and_named(
    sound: Path, tmp_path: Path, mounted: Mount
) -> None:
    data_dir = mounted("-t", "tmpfs", "-o", "size=3m", "tmpfs") / "data"
    shutil.copytree(sound, data_dir)
    reports = str(write_version(tmp_path, TOPICS[0]) / "b.txt")
    filler = data_dir.parent / "filler"
    with pytest.raises(OSError, match="No space left"):
        filler.write_bytes(b"0" * 2**22)
    ended = apart(command, data_dir, ("ingest", reports))
    assert (ended.status, "make room" in ended.error) == (1, True)
    asked = apart(command, data_dir, ("ask", QUESTION))  # Chroma writes even to read
    assert (asked.status, "make room" in asked.error) == (1, True)
    assert "FAIL  disk space: 0 MB free" in apart(command, data_dir, ("doctor",)).out
    filler.unlink()
    assert "97%" in apart(command, data_dir, ("ask", QUESTION)).out
    assert apart(command, data_dir, ("ingest", reports)).status == 0


def test_what_cannot_be_written_whole_leaves_nothing_behind(tmp_path: Path) -> None:
    (tmp_path / "taken" / "inside").mkdir(parents=True)
    with pytest.raises(OSError, match="directory"):
        write_atomically(tmp_path / "taken", b"text")
    assert [path.name for path in tmp_path.iterdir()] == ["taken"]


@pytest.fixture
def read_only(data_dir: Path, mounted: Mount) -> Iterator[Path]:
    """The index in a folder that nobody can write."""
    if is_root():
        at = mounted("--bind", str(data_dir))
        mounted("-o", "remount,bind,ro")
        yield at
        return
    folders = [data_dir, *(path for path in data_dir.rglob("*") if path.is_dir())]
    for folder in folders:
        folder.chmod(0o555)
    yield data_dir
    for folder in folders:
        folder.chmod(0o755)


@pytest.mark.parametrize(
    "words", [("ask", QUESTION), ("ingest",), ("remove", "a.txt"), ("feedback",), ("serve",)]
)
def test_a_folder_that_cannot_be_written_is_one_line(
    read_only: Path, words: tuple[str, ...]
) -> None:
    ended = apart(command, read_only, words)
    assert ended.status == 1
    assert str(read_only) in ended.error
    assert "CHATBOT_DATA_DIR" in ended.error


def test_a_folder_that_cannot_be_written_is_named(read_only: Path) -> None:
    checked = apart(command, read_only, ("doctor",))
    assert checked.status == 1
    assert f"FAIL  data folder: {read_only}: " in checked.out
    assert "CHATBOT_DATA_DIR" in checked.out


def test_an_answer_that_cannot_be_kept_is_shown(data_dir: Path) -> None:
    settings = Settings(CHATBOT_DATA_DIR=data_dir)
    database = open_database(settings)
    conversation = begin_conversation(database, OWNER, QUESTION)
    turn = begin_turn(database, OWNER, conversation, Turn(0, QUESTION))
    with database.begin() as connection:
        connection.execute(text(_FULL))
    with pytest.warns(UserWarning, match="database or disk is full"):
        *_, last = answering(Chatbot(settings, None), database, (), turn)
    assert "97%" in last[-1]["content"]
    assert read_turns(database, OWNER, conversation)[0].answer is None
    database.dispose()
