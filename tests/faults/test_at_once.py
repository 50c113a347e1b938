"""Two at once, and a clock that goes back: nobody is given half of anything."""

import datetime as dt
import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier

from sqlalchemy import Engine, update

from chatbot.bot import Chatbot
from chatbot.config import Settings
from chatbot.database.opening import open_database
from chatbot.database.tables import conversations, feedback
from chatbot.feedback.ratings import list_feedback, save_feedback
from chatbot.index.ingestion import ingest
from chatbot.index.reading import open_index
from chatbot.index.storage import read_manifest
from chatbot.store.conversations import (
    Turn,
    begin_conversation,
    begin_turn,
    list_conversations,
    rename_conversation,
)
from tests.faults.processes import OWNER, apart, context, ingest_in_turns, ingest_when_told
from tests.faults.reports import QUESTION, TOPICS, steady, write_version
from tests.rated_answers import rated
from tests.report_text import paper, render_report


def test_two_processes_that_ingest_at_once_both_have_their_reports_in(
    data_dir: Path, tmp_path: Path
) -> None:
    started = []
    for number in range(2):
        file = tmp_path / f"{number}.txt"
        made = paper(f"2603.0001{number}", f"Paper {number}")
        file.write_bytes(render_report("2026-03-02", [made]))
        here, there = context().Pipe(duplex=False)
        process = context().Process(target=ingest_when_told, args=(data_dir, file, here))
        process.start()
        started.append((process, there))
    for _, there in started:
        there.send("now")
    for process, there in started:
        process.join()
        there.close()
        assert process.exitcode == 0
    names = apart(report_names, data_dir)
    assert names == ["0.txt", "1.txt", "a.txt"]


def report_names(data_dir: Path) -> list[str]:
    """The reports that an index which can be opened holds."""
    index = open_index(Settings(CHATBOT_DATA_DIR=data_dir))
    assert index.vectors.ids() == set(index.row_ids)
    return sorted(entry.name for entry in index.manifest.reports)


def test_a_server_answers_from_one_version_or_the_other_while_another_process_ingests(
    settings: Settings, tmp_path: Path
) -> None:
    reports = write_version(steady(tmp_path / "reports"), TOPICS[1])
    ingest(settings, [reports])
    bot = Chatbot(settings, None)
    process = context().Process(target=ingest_in_turns, args=(settings.data_dir, reports, 8))
    process.start()
    generations = set()
    while process.is_alive():
        assert "97%" in bot.answer(QUESTION).markdown
        evidence, _ = bot.search("预报的误差是多少？")
        found = {hit.section.title for hit in evidence.hits if hit.section.paper_id[-1] == "3"}
        assert found in ({TOPICS[0]}, {TOPICS[1]})
        generations.add(bot.index.manifest.generation)
    process.join()
    assert process.exitcode == 0
    assert "地震预报" in bot.answer("预报的误差是多少？").markdown
    assert bot.index.manifest.generation == 9
    assert len(generations) > 1


def test_a_new_generation_is_loaded_once_however_many_ask(
    settings: Settings, tmp_path: Path
) -> None:
    reports = steady(tmp_path / "reports")
    ingest(settings, [reports])
    bot = Chatbot(settings, None)
    apart(ingest_in_turns, settings.data_dir, reports, 1)
    together = Barrier(8)

    def ask() -> object:
        together.wait()
        return bot.index

    with ThreadPoolExecutor(8) as pool:
        seen = [future.result() for future in [pool.submit(ask) for _ in range(8)]]
    assert len(set(map(id, seen))) == 1
    assert bot.index.manifest == read_manifest(settings.data_dir)


# The clock


def ahead(database: Engine) -> None:
    """What is there was written while the clock was a year ahead."""
    later = dt.datetime.now(dt.UTC) + dt.timedelta(days=365)
    with database.begin() as connection:
        connection.execute(update(conversations).values(created=later, changed=later))
        connection.execute(update(feedback).values(created=later))


def test_the_latest_conversation_is_first_after_the_clock_went_back(settings: Settings) -> None:
    database = open_database(settings)
    first = begin_conversation(database, OWNER, "一")
    ahead(database)
    second = begin_conversation(database, OWNER, "二")
    third = begin_conversation(database, OWNER, "三")

    def listed() -> list[str]:
        return [one.id for one in list_conversations(database, OWNER)]

    assert listed() == [third, second, first]
    begin_turn(database, OWNER, first, Turn(0, QUESTION))
    assert listed() == [first, third, second]
    rename_conversation(database, OWNER, second, "四")
    assert listed() == [second, first, third]
    database.dispose()


def test_the_latest_feedback_is_first_after_the_clock_went_back(settings: Settings) -> None:
    database = open_database(settings)
    save_feedback(database, OWNER, rated(0), "like")
    ahead(database)
    save_feedback(database, OWNER, rated(1), "like")
    save_feedback(database, OWNER, rated(2), "like")
    save_feedback(database, OWNER, rated(0), "dislike")
    assert [one.position for one in list_feedback(database)] == [0, 2, 1]
    database.dispose()


def test_an_ingest_after_the_clock_went_back_is_followed(
    settings: Settings, tmp_path: Path
) -> None:

    reports = write_version(steady(tmp_path / "reports"), TOPICS[0])
    ingest(settings, [reports])
    bot = Chatbot(settings, None)
    write_version(reports, TOPICS[1])
    os.utime(reports / "b.txt", (0, 0))
    ingest(settings, [reports])
    os.utime(settings.data_dir / "manifest.json", (0, 0))
    assert "地震预报" in bot.answer("地震预报的误差是多少？").markdown
