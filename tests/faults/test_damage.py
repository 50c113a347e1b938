"""Whatever file is damaged or gone: service, a rebuild, or one line that says what to do.

And `chatbot doctor` names it.
"""

import contextlib
import json
import os
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from chatbot.bot import Chatbot
from chatbot.config import Settings
from chatbot.index.ingestion import index_is_stale, ingest
from tests.faults.conftest import Run
from tests.faults.reports import QUESTION, TOPICS, write_version
from tests.report_text import paper, render_report

Damage = Callable[[Path], None]


def overwrite(file: Path) -> None:
    file.write_bytes(b"damaged" * 100)


def halve(file: Path) -> None:
    file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])


def invert(file: Path) -> None:
    """Keep the head of a file, as NumPy's and SQLite's, and turn every bit of the rest over."""
    content = file.read_bytes()
    file.write_bytes(content[:128] + bytes(255 - byte for byte in content[128:]))


def delete(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink()


def holding(text: str) -> Damage:
    """Puts JSON of another shape in a file."""
    return lambda file: file.write_text(text, encoding="utf-8") and None


SAID = [
    ("lexical-*/section/*.term", overwrite),
    ("lexical-*/section/*.idx", invert),
    ("lexical-*/section/*.fast", halve),
    ("lexical-*/paper/*.fieldnorm", delete),
    ("lexical-*/paper/meta.json", holding("[]")),
    ("lexical-*/paper/meta.json", delete),
    ("lexical-*/paper", delete),
    ("lexical-*/records.sqlite3", overwrite),
    ("lexical-*/records.sqlite3", halve),
    ("lexical-*/records.sqlite3", invert),
    ("lexical-*/records.sqlite3", delete),
    ("lexical-*/SHA256SUMS", invert),
]
MENDED = [
    ("chroma-*/chroma.sqlite3", delete),
    ("chroma-*/chroma.sqlite3", overwrite),
    ("chroma-*/chroma.sqlite3", invert),
    ("chroma-*", delete),
    ("lexical-*", delete),
    ("manifest.json", overwrite),
    ("manifest.json", holding('{"format": 2, "reports": {"a": 1}, "segments": []}')),
]


def named(damages: list[tuple[str, Damage]]) -> pytest.MarkDecorator:
    ids = [f"{pattern}-{number}" for number, (pattern, _) in enumerate(damages)]
    return pytest.mark.parametrize(("pattern", "damage"), damages, ids=ids)


def spoil(data_dir: Path, pattern: str, damage: Damage) -> Path:
    (path,) = data_dir.glob(pattern)
    damage(path)
    return path


@named(SAID)
def test_a_damaged_file_is_one_line_with_the_command_that_mends_it(
    run: Run, data_dir: Path, pattern: str, damage: Damage
) -> None:
    path = spoil(data_dir, pattern, damage)
    asked = run("ask", QUESTION)
    assert asked.status == 1
    assert "run 'chatbot ingest --rebuild'" in asked.error
    checked = run("doctor")
    assert checked.status == 1
    assert str(path) in checked.out
    run("ingest", "--rebuild", str(data_dir.parent / "reports"))
    assert "97%" in run("ask", QUESTION).out
    assert run("doctor").status == 0


@named(MENDED)
def test_what_was_lost_is_named_and_made_again_from_the_reports_that_are_kept(
    run: Run, data_dir: Path, pattern: str, damage: Damage
) -> None:
    path = spoil(data_dir, pattern, damage)
    checked = run("doctor")
    assert (checked.status, "FAIL  index" in checked.out) == (1, True)
    assert path.name in checked.out or "no index" in checked.out
    assert "97%" in run("ask", QUESTION).out
    assert run("doctor").status == 0


@pytest.fixture(scope="session")
def many(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An index of so many sections that Chroma writes its HNSW files, at a thousand."""
    folder = tmp_path_factory.mktemp("many")
    papers = [paper(f"2603.{number:05}", f"Paper {number}") for number in range(210)]
    (folder / "a.txt").write_bytes(render_report("2026-03-01", papers))
    ingest(Settings(CHATBOT_DATA_DIR=folder / "data"), [folder / "a.txt"])
    return folder / "data"


@pytest.mark.parametrize(
    ("pattern", "damage"),
    [("header.bin", overwrite), ("data_level0.bin", halve), ("index_metadata.pickle", overwrite)],
)
def test_a_damaged_hnsw_file_is_named(
    run: Run, data_dir: Path, many: Path, pattern: str, damage: Damage
) -> None:
    shutil.rmtree(data_dir)
    shutil.copytree(many, data_dir)
    spoil(data_dir, f"chroma-*/*/{pattern}", damage)
    checked = run("doctor")
    assert (checked.status, "FAIL  index: Chroma" in checked.out) == (1, True)
    assert "chatbot ingest --rebuild" in checked.out
    asking = [sys.executable, "-m", "chatbot", "ask", "Paper 7 的结果是什么？"]
    environment = {**os.environ, "CHATBOT_DATA_DIR": str(data_dir)}
    asked = subprocess.run(asking, env=environment, capture_output=True, text=True, check=False)
    assert "Traceback" not in asked.stderr


def test_a_changed_number_that_nothing_trips_over_is_named_by_the_doctor(
    run: Run, data_dir: Path
) -> None:
    file = spoil(data_dir, "lexical-*/paper/*.term", lambda _: None)
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.write_bytes(content)
    assert f"{file}: damaged" in run("doctor").out


def test_what_another_process_is_writing_is_no_damage(data_dir: Path, tmp_path: Path) -> None:
    settings = Settings(CHATBOT_DATA_DIR=data_dir)
    (file,) = data_dir.glob("chroma-*/chroma.sqlite3")
    with contextlib.closing(sqlite3.connect(file, isolation_level=None)) as writing:
        writing.execute("PRAGMA cache_size = 1")
        writing.execute("BEGIN EXCLUSIVE")
        writing.execute("CREATE TABLE copy AS SELECT * FROM embedding_metadata")
        assert index_is_stale(settings) is None
        # A copy made meanwhile is what a kill would leave: half of it, and the journal to undo it.
        killed = shutil.copytree(data_dir, tmp_path / "killed")
    assert list(killed.glob("chroma-*/*-journal"))
    left = Settings(CHATBOT_DATA_DIR=killed)
    assert index_is_stale(left) is None
    assert "97%" in Chatbot(left, None).answer(QUESTION).markdown


def test_a_collection_that_is_gone_is_one_line(run: Run, data_dir: Path) -> None:
    file = data_dir / "manifest.json"
    manifest = json.loads(file.read_text(encoding="utf-8"))
    file.write_text(json.dumps(manifest | {"collection": "sections-other"}), encoding="utf-8")
    assert "--rebuild" in run("ask", QUESTION).error
    assert "sections-other" in run("doctor").out


def test_a_manifest_from_the_future_is_rebuilt_and_named(run: Run, data_dir: Path) -> None:
    file = data_dir / "manifest.json"
    manifest = json.loads(file.read_text(encoding="utf-8"))
    file.write_text(json.dumps(manifest | {"format": 99, "segments": 4}), encoding="utf-8")
    assert "has format 99" in run("doctor").out
    asked = run("ask", QUESTION)
    assert "97%" in asked.out
    assert "has format 99, this version writes 3: rebuilding" in asked.err


def test_reports_survive_the_loss_of_the_manifest_under_their_names(
    run: Run, data_dir: Path
) -> None:
    before = json.loads(run("papers", "--json").out)
    overwrite(data_dir / "manifest.json")
    assert json.loads(run("papers", "--json").out) == before


def test_reports_from_elsewhere_survive_the_deletion_of_the_manifest(
    run: Run, data_dir: Path
) -> None:
    delete(data_dir / "manifest.json")
    assert "no index" in run("doctor").out
    run("ingest", str(write_version(data_dir.parent, TOPICS[0]) / "b.txt"))
    assert [paper["report"] for paper in json.loads(run("papers", "--json").out)] == [
        "b.txt",
        "a.txt",
        "a.txt",
    ]


def test_where_nothing_is_kept_the_shipped_reports_are_indexed(run: Run, data_dir: Path) -> None:
    overwrite(data_dir / "manifest.json")
    delete(data_dir / "reports")
    assert len(json.loads(run("papers", "--json").out)) == 138


@pytest.mark.parametrize("ending", ["txt", "parsed-2.json"])
def test_a_kept_report_that_no_rebuild_could_use_is_named(
    run: Run, data_dir: Path, ending: str
) -> None:
    spoil(data_dir, f"reports/*.{ending}", invert)
    assert "97%" in run("ask", QUESTION).out
    assert "FAIL  kept reports: damaged: a.txt" in run("doctor").out


def test_a_damaged_rule_is_named_and_questions_are_answered(run: Run, data_dir: Path) -> None:
    (data_dir / "rules").mkdir()
    (data_dir / "rules" / "short.md").write_bytes(b"\xff\xfe")
    assert "97%" in run("ask", QUESTION).out
    checked = run("doctor")
    assert checked.status == 1
    assert "short.md" in checked.out
    assert "chatbot rules delete NAME" in checked.out


def test_damaged_conversations_stop_the_page_with_one_line_and_no_question(
    run: Run, data_dir: Path
) -> None:
    assert run("feedback").status == 0
    file = data_dir / "conversations.sqlite3"
    for damage in (invert, overwrite, lambda file: file.write_bytes(b"SQLite format 3\0" * 99)):
        damage(file)
        assert "97%" in run("ask", QUESTION).out
        served = run("serve", "--port", "19990")
        assert served.status == 1
        assert f"{file} cannot be used" in served.error
        assert "move it away" in served.error
        assert f"FAIL  conversations: {file} cannot be used" in run("doctor").out
