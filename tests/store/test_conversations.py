"""Saved conversations: kept turn by turn, each owner's apart."""

from collections.abc import Iterator
from dataclasses import replace

import pytest
from sqlalchemy import Engine

from chatbot.answering.record import AnswerRecord, record_of
from chatbot.bot import Chatbot
from chatbot.config import Settings
from chatbot.database.opening import DATABASE_FILE, open_database
from chatbot.errors import ChatbotError
from chatbot.store.conversations import (
    TITLE_LENGTH,
    Turn,
    begin_conversation,
    begin_turn,
    delete_conversation,
    end_turn,
    history_of,
    keep_answer,
    list_conversations,
    read_turns,
    rename_conversation,
)
from chatbot.understanding.inputs import make_filters
from chatbot.understanding.models import Message

QUESTION = "GRU-Mem 的推理速度提升了多少？"


@pytest.fixture
def database(kept: Settings) -> Iterator[Engine]:
    engine = open_database(kept)
    yield engine
    engine.dispose()


@pytest.fixture(scope="module")
def record(seed_bot: Chatbot) -> AnswerRecord:
    return record_of(seed_bot.answer(QUESTION))


def asked(database: Engine, owner: str = "ada") -> str:
    return begun(database, owner)[0]


def begun(database: Engine, owner: str = "ada") -> tuple[str, Turn]:
    """A conversation with one question, and that turn."""
    conversation = begin_conversation(database, owner, QUESTION)
    return conversation, begin_turn(database, owner, conversation, Turn(0, QUESTION))


def test_a_question_is_kept_before_it_is_answered(database: Engine) -> None:
    conversation, turn = begun(database)
    assert read_turns(database, "ada", conversation) == (turn,)
    assert turn.question == QUESTION


def test_an_answer_is_read_back_as_it_was(database: Engine, record: AnswerRecord) -> None:
    conversation, turn = begun(database)
    end_turn(database, turn, record)
    assert read_turns(database, "ada", conversation)[0].answer == record


def test_all_is_there_after_a_restart(
    kept: Settings, database: Engine, record: AnswerRecord
) -> None:
    filters = make_filters(["2026-02-10..2026-02-12"], ["2602.10560"], ["results"])
    conversation = begin_conversation(database, "ada", QUESTION)
    turn = begin_turn(database, "ada", conversation, Turn(0, QUESTION, filters))
    end_turn(database, turn, record, partial="推理")
    database.dispose()
    again = open_database(kept)
    assert read_turns(again, "ada", conversation) == (replace(turn, answer=record, partial="推理"),)
    again.dispose()


def test_what_had_come_of_a_stopped_answer_is_kept(database: Engine) -> None:
    conversation, turn = begun(database)
    end_turn(database, turn, None, partial="推理速度")
    assert read_turns(database, "ada", conversation)[0].partial == "推理速度"


def test_why_a_question_failed_is_kept(database: Engine) -> None:
    conversation, turn = begun(database)
    end_turn(database, turn, None, error="disk full")
    assert read_turns(database, "ada", conversation)[0].error == "disk full"


def test_what_comes_late_of_a_first_attempt_is_not_taken_for_the_second(
    database: Engine, record: AnswerRecord
) -> None:
    conversation, first = begun(database)
    second = begin_turn(database, "ada", conversation, Turn(0, QUESTION), anew=True)
    end_turn(database, second, record)
    end_turn(database, first, None, partial="半句")
    assert read_turns(database, "ada", conversation) == (replace(second, answer=record),)


def test_an_answer_given_elsewhere_begins_a_conversation(
    database: Engine, record: AnswerRecord
) -> None:
    conversation = keep_answer(database, "ada", record)
    (turn,) = read_turns(database, "ada", conversation)
    assert turn.answer == record
    assert turn.filters.papers == record.scope.papers


def test_two_turns_cannot_stand_at_one_place(database: Engine) -> None:
    conversation = asked(database)
    with pytest.raises(ChatbotError, match="the database cannot be used"):
        begin_turn(database, "ada", conversation, Turn(0, QUESTION))


def test_only_answered_turns_are_history(database: Engine, record: AnswerRecord) -> None:
    conversation, turn = begun(database)
    end_turn(database, turn, record)
    begin_turn(database, "ada", conversation, Turn(1, "它是什么？"))
    history = history_of(read_turns(database, "ada", conversation))
    assert history == (
        Message("user", QUESTION),
        Message("assistant", record.answer, ("2602.10560",), lists=False),
    )


def test_asking_an_earlier_question_anew_forgets_what_followed(database: Engine) -> None:
    conversation = asked(database)
    for position in (1, 2):
        begin_turn(database, "ada", conversation, Turn(position, f"问题 {position}"))
    begin_turn(database, "ada", conversation, Turn(1, "另一个问题"), anew=True)
    questions = [turn.question for turn in read_turns(database, "ada", conversation)]
    assert questions == [QUESTION, "另一个问题"]


def test_an_answer_that_comes_after_its_turn_was_deleted_is_dropped(
    database: Engine, record: AnswerRecord
) -> None:
    conversation, turn = begun(database)
    delete_conversation(database, "ada", conversation)
    end_turn(database, turn, record)
    assert list_conversations(database, "ada") == ()


def test_the_latest_conversation_is_listed_first(database: Engine) -> None:
    first, second = asked(database), asked(database)
    begin_turn(database, "ada", first, Turn(1, "再问"))
    assert [one.id for one in list_conversations(database, "ada")] == [first, second]


def test_a_title_is_one_line_of_limited_length_and_a_blank_one_is_no_title(
    database: Engine,
) -> None:
    conversation = begin_conversation(database, "ada", "长\n" * 200)
    (kept,) = list_conversations(database, "ada")
    assert len(kept.title) == TITLE_LENGTH
    rename_conversation(database, "ada", conversation, " 速度\n比较 ")
    rename_conversation(database, "ada", conversation, "  ")
    assert list_conversations(database, "ada")[0].title == "速度 比较"


def test_nobody_sees_or_changes_anothers_conversation(database: Engine) -> None:
    conversation = asked(database)
    assert list_conversations(database, "bob") == ()
    for act in (
        lambda: read_turns(database, "bob", conversation),
        lambda: rename_conversation(database, "bob", conversation, "我的"),
        lambda: delete_conversation(database, "bob", conversation),
        lambda: begin_turn(database, "bob", conversation, Turn(1, "问")),
    ):
        with pytest.raises(ChatbotError, match="this conversation is gone"):
            act()
    assert list_conversations(database, "ada")[0].title == QUESTION


def test_a_file_that_is_no_database_is_one_clear_line(settings: Settings) -> None:
    settings.data_dir.mkdir(parents=True)
    (settings.data_dir / DATABASE_FILE).write_bytes(b"not a database at all" * 100)
    with pytest.raises(ChatbotError, match=rf"{DATABASE_FILE} cannot be used .*CHATBOT_DATA_DIR"):
        open_database(settings)
