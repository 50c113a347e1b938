"""Databases of every build are brought to this one, and nothing they hold is lost."""

import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import inspect, text

from chatbot.answering.record import record_of
from chatbot.bot import Chatbot
from chatbot.config import Settings
from chatbot.database import opening
from chatbot.database.opening import DATABASE_FILE, open_database
from chatbot.database.tables import metadata
from chatbot.errors import ChatbotError, ConfigurationError
from chatbot.feedback.ratings import list_feedback
from chatbot.store.conversations import Turn, begin_turn, end_turn, history_of, read_turns
from chatbot.verification.claims import markdown_of, stated_in
from tests.services import environment_of

# A database with answers from before they were kept as blocks, of which only the text was known.
OF_TEXT = Path(__file__).with_name("of_text.sql")
# What makes it one of before several machines could share an index.
EARLIER = """
DROP TABLE users; DROP TABLE generations; DROP TABLE index_parts; DROP TABLE index_files;
UPDATE alembic_version SET version_num = '0001';
"""
# The tables as the first build made them, before a turn had attempts and errors.
FIRST = """
CREATE TABLE conversations (id VARCHAR(32) NOT NULL PRIMARY KEY, owner VARCHAR(128) NOT NULL,
  title VARCHAR(200) NOT NULL, created DATETIME NOT NULL, changed DATETIME NOT NULL);
CREATE INDEX conversations_by_owner ON conversations (owner, changed);
CREATE TABLE turns (
  conversation VARCHAR(32) NOT NULL REFERENCES conversations (id) ON DELETE CASCADE,
  position INTEGER NOT NULL, question TEXT NOT NULL, asked DATETIME NOT NULL, filters JSON NOT NULL,
  answer JSON, partial TEXT NOT NULL, PRIMARY KEY (conversation, position));
CREATE TABLE feedback (id VARCHAR(32) NOT NULL PRIMARY KEY, owner VARCHAR(128) NOT NULL,
  created DATETIME NOT NULL, verdict VARCHAR(8) NOT NULL, comment TEXT NOT NULL,
  conversation VARCHAR(32), position INTEGER NOT NULL, question TEXT NOT NULL,
  history JSON NOT NULL, record JSON NOT NULL, versions JSON NOT NULL);
CREATE INDEX feedback_by_answer ON feedback (owner, conversation, position);
INSERT INTO conversations VALUES ('c', 'local', '旧对话', '2026-11-20 10:00:00.000000',
  '2026-11-20 10:00:00.000000');
INSERT INTO turns VALUES ('c', 0, '第一问', '2026-11-20 10:00:00.000000', '{}', NULL, '半句');
INSERT INTO turns VALUES ('c', 1, '第二问', '2026-11-20 10:01:00.000000', '{}', NULL, '');
"""


def test_a_new_database_has_the_tables_that_are_used(kept: Settings) -> None:
    assert _differences(kept) == []


def test_the_migrations_bring_a_database_of_the_first_revision_to_the_tables_that_are_used(
    settings: Settings,
) -> None:
    _keep(settings, OF_TEXT.read_text(encoding="utf-8"))
    assert _differences(settings) == []


def test_what_came_before_the_first_revision_has_the_tables_that_are_used(
    settings: Settings,
) -> None:
    _keep(settings, OF_TEXT.read_text(encoding="utf-8") + EARLIER)
    assert _differences(settings) == []


def _keep(settings: Settings, statements: str) -> None:
    settings.data_dir.mkdir(parents=True)
    with sqlite3.connect(settings.data_dir / DATABASE_FILE) as old:
        old.executescript(statements)
    old.close()


def _differences(settings: Settings) -> list[object]:
    database = open_database(settings)
    with database.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        found: list[object] = compare_metadata(context, metadata)
    database.dispose()
    return found


def test_the_newest_migration_is_the_one_that_opening_looks_for() -> None:
    folder = Path(opening.__file__).parent / "migrations"
    assert ScriptDirectory(str(folder)).get_heads() == [opening.NEWEST]


def test_conversations_of_the_first_build_are_kept_and_go_on(
    settings: Settings, seed_bot: Chatbot
) -> None:
    _keep(settings, FIRST)
    database = open_database(settings)
    first, second = read_turns(database, "local", "c")
    assert (first.question, first.partial, second.question) == ("第一问", "半句", "第二问")
    assert first.attempt != second.attempt
    answer = record_of(seed_bot.answer("GRU-Mem 的推理速度提升了多少？"))
    end_turn(database, begin_turn(database, "local", "c", Turn(2, "第三问")), answer)
    assert read_turns(database, "local", "c")[2].answer == answer
    assert list_feedback(database) == ()
    database.dispose()


def test_answers_that_were_kept_as_text_open_as_blocks(settings: Settings) -> None:
    settings.data_dir.mkdir(parents=True)
    with sqlite3.connect(settings.data_dir / DATABASE_FILE) as old:
        old.executescript(OF_TEXT.read_text(encoding="utf-8"))
    (name,) = old.execute("SELECT id FROM conversations").fetchone()
    old.close()
    database = open_database(settings)
    listed, written, stopped = read_turns(database, "local", name)
    database.dispose()
    assert listed.answer is not None
    assert written.answer is not None
    assert (stopped.answer, stopped.partial) == (None, "半句")
    for answer in (listed.answer, written.answer):
        assert markdown_of(answer.blocks) == answer.answer
        stated = [(claim.text, claim.supported) for claim in stated_in(answer.blocks)]
        assert stated == [(sentence.text, sentence.supported) for sentence in answer.sentences]
    assert [claim.reason for claim in stated_in(written.answer.blocks)] == [
        None,
        "number_not_in_source: 4321%",
    ]
    _, told, *_ = history_of([listed, written])
    assert (told.lists, len(told.papers or ())) == (True, len(listed.answer.citations))


def test_a_database_that_was_opened_before_is_left_as_it_is(kept: Settings) -> None:
    open_database(kept).dispose()
    database = open_database(kept)
    assert "alembic_version" in inspect(database).get_table_names()
    with database.begin() as connection:
        assert connection.execute(text("SELECT version_num FROM alembic_version")).all() == [
            (opening.NEWEST,)
        ]
    database.dispose()


def test_a_database_of_a_newer_version_is_one_clear_line(kept: Settings) -> None:
    database = open_database(kept)
    with database.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    database.dispose()
    with pytest.raises(ChatbotError, match=r"newer version \(9999"):
        open_database(kept)


def test_many_processes_that_open_a_new_database_make_it_once(kept: Settings) -> None:
    opening = (
        "from chatbot.config import load_settings\n"
        "from chatbot.database.opening import open_database\n"
        "open_database(load_settings()).dispose()\n"
    )
    command, environment = [sys.executable, "-c", opening], environment_of(kept)
    started = [subprocess.Popen(command, env=environment, stderr=subprocess.PIPE) for _ in range(4)]
    said = [process.communicate(timeout=120)[1] for process in started]
    assert said == [b""] * 4
    assert [process.returncode for process in started] == [0] * 4


def test_a_server_that_does_not_answer_is_one_line_without_the_password() -> None:
    url = "postgresql://chat:hunter2-secret@127.0.0.1:9/chat"
    with pytest.raises(ConfigurationError, match="CHATBOT_DATABASE_URL") as raised:
        open_database(Settings(CHATBOT_DATABASE_URL=url))
    assert "hunter2" not in str(raised.value)
    assert "\n" not in str(raised.value)
