"""An index shared by machines: each its own data folder, one database, one Chroma server."""

import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from threading import Event

import pytest
from sqlalchemy import Engine, text

from chatbot.bot import Chatbot, ensure_index
from chatbot.cli.doctor import examine
from chatbot.config import SEEDS, Settings
from chatbot.database.opening import open_database
from chatbot.errors import ChatbotError
from chatbot.index.ingestion import bring_up_to_date, ingest, remove_report
from chatbot.index.reading import open_index
from chatbot.index.sharing import shared_index
from chatbot.index.storage import FORMAT, read_manifest
from chatbot.index.vectors import open_client
from chatbot.web.app import follow
from tests.report_text import MadePaper, paper, render_report
from tests.services import chroma, environment_of

Machine = Callable[[str], Settings]


@pytest.fixture(scope="module")
def chroma_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with chroma(tmp_path_factory.mktemp("chroma")) as url:
        yield url


@pytest.fixture
def machine(tmp_path: Path, database_url: str, chroma_url: str) -> Machine:
    """Settings of one of the machines, by name: they share everything but the data folder."""

    def settings(name: str, **changed: object) -> Settings:
        given = {"CHATBOT_DATABASE_URL": database_url, "CHATBOT_CHROMA_URL": chroma_url}
        return Settings(CHATBOT_DATA_DIR=tmp_path / name, **{**given, **changed})

    return settings


@pytest.fixture
def database(database_url: str) -> Iterator[Engine]:
    engine = open_database(Settings(CHATBOT_DATABASE_URL=database_url))
    yield engine
    engine.dispose()


def write_report(folder: Path, name: str, *papers: MadePaper) -> Path:
    folder.mkdir(exist_ok=True)
    path = folder / name
    path.write_bytes(render_report("2026-03-01", papers))
    return path


def brought(settings: Settings) -> bool:
    with shared_index(settings) as shared:
        assert shared is not None
        return bring_up_to_date(settings, shared)


def test_what_one_machine_ingests_another_answers_from(machine: Machine, tmp_path: Path) -> None:
    one, two = machine("one"), machine("two")
    ingest(one, [SEEDS])
    assert brought(two)
    assert not brought(two)
    mine, theirs = open_index(one), open_index(two)
    assert theirs.sections == mine.sections
    known = [replace(index.manifest, lexical="", embedded=0) for index in (mine, theirs)]
    assert known[0] == known[1]
    question = "GRU-Mem 的推理速度提升了多少？"
    answers = [Chatbot(settings, None).answer(question) for settings in (one, two)]
    assert answers[0].markdown == answers[1].markdown
    assert "400%" in answers[0].markdown


ALPHA = paper("2603.00001", "AlphaNet: 一种网络", results="AlphaNet 的准确率为 91.5%。")
BETA = paper("2603.00002", "BetaNet: 另一种网络", results="BetaNet 的准确率为 77.7%。")


@pytest.fixture
def report(tmp_path: Path) -> Path:
    return write_report(tmp_path / "reports", "one.txt", ALPHA)


def titles(settings: Settings) -> list[str]:
    return [paper.title for paper in open_index(settings).catalogue.papers]


def test_any_machine_goes_on_where_another_left_off(machine: Machine, tmp_path: Path) -> None:
    one, two = machine("one"), machine("two")
    others = [paper(f"2603.{n:05}", f"Net{n}: 网络") for n in range(10, 16)]
    report = write_report(tmp_path / "reports", "one.txt", ALPHA, *others)
    assert ingest(one, [report]).added == ("one.txt",)
    other = write_report(tmp_path / "more", "two.txt", BETA)
    result = ingest(two, [other])
    assert (result.added, result.embedded, result.papers) == (("two.txt",), 5, 8)
    assert ingest(two, [report]).unchanged == ("one.txt",)
    brought(one)
    assert titles(one) == titles(two)
    remove_report(one, "two.txt")
    brought(two)
    assert BETA.title not in titles(two)


def test_a_machine_whose_folder_is_new_needs_neither_reports_nor_an_ingest(
    machine: Machine, report: Path
) -> None:
    ingest(machine("one"), [report])
    report.unlink()
    two = machine("two")
    assert ensure_index(two) is None
    assert "91.5%" in Chatbot(two, None).answer("AlphaNet 的准确率是多少？").markdown


def test_machines_that_start_at_once_on_nothing_index_the_reports_once(machine: Machine) -> None:
    starting = "from chatbot.bot import Chatbot\nprint(len(Chatbot.open().papers()))\n"
    started = []
    for name in ("one", "two", "three"):
        command, environment = [sys.executable, "-c", starting], environment_of(machine(name))
        started.append(subprocess.Popen(command, env=environment, stdout=subprocess.PIPE))
    printed = [process.communicate(timeout=300)[0].strip() for process in started]
    assert printed == [b"138"] * 3
    with shared_index(machine("four")) as shared:
        assert shared is not None
        assert shared.newest() == 1


def test_a_folder_of_its_own_index_takes_up_the_shared_one_and_loses_no_report(
    machine: Machine, report: Path, tmp_path: Path
) -> None:
    alone = Settings(CHATBOT_DATA_DIR=tmp_path / "one")
    ingest(alone, [report])
    ensure_index(machine("one"))
    assert titles(machine("one")) == [ALPHA.title]
    brought(machine("two"))
    assert titles(machine("two")) == [ALPHA.title]


def test_files_lost_or_altered_here_are_fetched_anew(machine: Machine, report: Path) -> None:
    one, two = machine("one"), machine("two")
    ingest(one, [report])
    brought(two)
    manifest = read_manifest(two.data_dir)
    assert manifest is not None
    shutil.rmtree(two.data_dir / manifest.lexical)
    (two.data_dir / "manifest.json").unlink()
    assert brought(two)
    assert "91.5%" in Chatbot(two, None).answer("AlphaNet 的准确率是多少？").markdown


def test_what_no_generation_names_any_more_is_deleted_everywhere(
    machine: Machine, database: Engine, tmp_path: Path
) -> None:
    one = machine("one")
    made = [paper(f"2603.{n:05}", f"Net{n}: 网络") for n in range(8)]
    for count in (1, 2, 4, 8):
        ingest(one, [write_report(tmp_path / "reports", "one.txt", *made[:count])])
    manifest = read_manifest(one.data_dir)
    assert manifest is not None
    with database.connect() as connection:
        names = connection.execute(text("SELECT name FROM index_files")).scalars().all()
        numbers = connection.execute(text("SELECT number FROM generations ORDER BY number"))
        assert list(numbers.scalars()) == [3, 4]
    assert len(names) == 2  # the reports of two generations, and nothing that is made of them
    assert all(name.startswith("reports/") for name in names)
    client = open_client(one.data_dir, one.chroma_url)
    named = {collection.name for collection in client.list_collections()}
    assert manifest.collection in named
    assert len(list(one.data_dir.glob("lexical-*"))) == 1


def test_a_page_that_follows_has_what_was_ingested_elsewhere_without_a_restart(
    machine: Machine, report: Path, database: Engine, tmp_path: Path
) -> None:
    one, two = machine("one"), machine("two")
    ingest(one, [report])
    ensure_index(two)
    bot, seen = Chatbot(two, None), Event()
    stopped = follow(two, database, lambda: (bot.index, seen.set()))
    ingest(one, [write_report(tmp_path / "more", "two.txt", BETA)])
    assert seen.wait(30)  # `make bench-follow` measures how soon
    stopped.set()
    assert "77.7%" in bot.answer("BetaNet 的准确率是多少？").markdown


def test_an_ingest_waits_for_one_on_another_machine_and_says_so(
    machine: Machine, report: Path, database: Engine
) -> None:
    with database.connect() as connection:
        connection.execute(text("SELECT pg_advisory_lock(:key)"), {"key": 0x696E67657374})
        with pytest.raises(ChatbotError, match="another ingest holds the database's lock"):
            ingest(machine("one"), [report], lock_seconds=0.3)
        connection.invalidate()  # as one does that is killed
    assert ingest(machine("one"), [report], lock_seconds=30).added == ("one.txt",)


def test_an_index_of_a_newer_version_is_left_alone(
    machine: Machine, report: Path, database: Engine
) -> None:
    one = machine("one")
    ingest(one, [report])
    newer = f'"format": {FORMAT + 1}'
    with database.begin() as connection:
        connection.execute(
            text("UPDATE generations SET manifest = replace(manifest, :old, :new)"),
            {"old": f'"format": {FORMAT}', "new": newer},
        )
    for settings in (one, machine("two")):
        with pytest.raises(ChatbotError, match="update this installation"):
            ensure_index(settings)
    with database.connect() as connection:
        kept = connection.execute(text("SELECT manifest FROM generations")).scalars().all()
    assert [newer in manifest for manifest in kept] == [True]


def test_a_page_goes_on_while_the_database_is_away(
    machine: Machine, report: Path, database: Engine
) -> None:
    one = machine("one")
    ingest(one, [report])
    bot = Chatbot(one, None)
    away = Settings(
        CHATBOT_DATA_DIR=one.data_dir,
        CHATBOT_CHROMA_URL=one.chroma_url,
        CHATBOT_DATABASE_URL="postgresql://nobody@127.0.0.1:9/none",
    )
    with pytest.raises(ChatbotError, match="CHATBOT_DATABASE_URL"):
        ensure_index(away)
    assert "91.5%" in bot.answer("AlphaNet 的准确率是多少？").markdown


def test_the_doctor_says_whether_this_machine_is_behind(
    machine: Machine, report: Path, tmp_path: Path
) -> None:
    one, two = machine("one"), machine("two")
    ingest(one, [report])
    brought(two)
    ingest(one, [write_report(tmp_path / "more", "two.txt", BETA)])
    found = {check.name: check for check in examine(two)}
    assert found["shared index"].found == "generation 2, 1 here"
    assert found["conversations"].found == "PostgreSQL at 127.0.0.1"
    brought(two)
    assert {check.name: check.advice for check in examine(two)}["shared index"] == ""
    assert all(check.ok for check in examine(two))
