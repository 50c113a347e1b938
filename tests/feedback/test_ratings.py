"""Feedback is kept with all a reader saw: one verdict of each reader on each answer."""

from collections.abc import Iterator
from importlib.metadata import version

import pytest
from sqlalchemy import Engine

from chatbot.answering.record import record_of
from chatbot.bot import Chatbot
from chatbot.config import Settings
from chatbot.database.opening import open_database
from chatbot.errors import ChatbotError
from chatbot.feedback.ratings import (
    LONGEST_COMMENT,
    RatedAnswer,
    Versions,
    add_comment,
    list_feedback,
    save_feedback,
    verdicts_of,
)
from chatbot.store.conversations import begin_conversation, delete_conversation
from chatbot.understanding.models import Message
from tests.rated_answers import rated


@pytest.fixture
def database(kept: Settings) -> Iterator[Engine]:
    engine = open_database(kept)
    yield engine
    engine.dispose()


def test_feedback_holds_question_answer_sources_and_versions(
    database: Engine, seed_bot: Chatbot
) -> None:
    record = record_of(seed_bot.answer("GRU-Mem 的推理速度提升了多少？"))
    history = (Message("user", "GRU-Mem 是什么"), Message("assistant", "长上下文推理。"))
    given = RatedAnswer(
        conversation="c",
        position=1,
        question=record.question,
        history=history,
        record=record,
        versions=Versions.of(seed_bot.index),
    )
    name = save_feedback(database, "ann", given, "dislike", " 没有说明条件 ")
    (kept,) = list_feedback(database)
    assert (kept.id, kept.owner, kept.verdict, kept.comment) == (
        name,
        "ann",
        "dislike",
        "没有说明条件",
    )
    assert (kept.record, kept.history) == (record, history)
    assert kept.record.citations[0].section == "2602.10560/results"
    assert kept.versions.project == version("paper-chatbot")
    assert kept.versions.generation == seed_bot.index.manifest.generation
    assert kept.created.utcoffset() is not None


def test_a_second_verdict_replaces_the_first(database: Engine) -> None:
    save_feedback(database, "ann", rated(), "dislike", "太长")
    save_feedback(database, "ann", rated(), "like")
    (kept,) = list_feedback(database)
    assert (kept.verdict, kept.comment) == ("like", "")


def test_a_verdict_can_be_withdrawn(database: Engine) -> None:
    save_feedback(database, "ann", rated(0), "like")
    save_feedback(database, "ann", rated(1), "dislike")
    assert save_feedback(database, "ann", rated(0), None) is None
    assert verdicts_of(database, "ann", "c") == {(1, None): "dislike"}


def test_each_reader_has_a_verdict_of_their_own(database: Engine) -> None:
    save_feedback(database, "ann", rated(), "like")
    save_feedback(database, "bob", rated(), "dislike")
    save_feedback(database, "bob", rated(conversation="d"), "like")
    assert verdicts_of(database, "ann", "c") == {(0, None): "like"}
    assert verdicts_of(database, "bob", "c") == {(0, None): "dislike"}
    assert len(list_feedback(database)) == 3


def test_answers_that_are_not_saved_are_told_apart_by_their_question(database: Engine) -> None:
    save_feedback(database, "ann", rated(conversation=None, question="甲？"), "like")
    save_feedback(database, "ann", rated(conversation=None, question="乙？"), "like")
    save_feedback(database, "ann", rated(conversation=None, question="乙？"), "dislike")
    kept = {(entry.question, entry.verdict) for entry in list_feedback(database)}
    assert kept == {("甲？", "like"), ("乙？", "dislike")}


def test_the_latest_comes_first_and_one_verdict_can_be_asked_for(database: Engine) -> None:
    names = [
        save_feedback(database, "ann", rated(n), "like" if n % 2 else "dislike") for n in range(4)
    ]
    assert [entry.id for entry in list_feedback(database)] == names[::-1]
    assert [entry.id for entry in list_feedback(database, "like")] == [names[3], names[1]]


def test_a_comment_can_follow_and_be_changed(database: Engine) -> None:
    name = save_feedback(database, "ann", rated(), "dislike")
    assert name is not None
    add_comment(database, "ann", name, "太短")
    add_comment(database, "ann", name, "长" * (LONGEST_COMMENT + 5))
    assert list_feedback(database)[0].comment == "长" * LONGEST_COMMENT


def test_nobody_comments_on_feedback_of_others_or_that_is_gone(database: Engine) -> None:
    name = save_feedback(database, "ann", rated(), "dislike", "太短")
    assert name is not None
    with pytest.raises(ChatbotError, match="rate the answer again"):
        add_comment(database, "bob", name, "胡说")
    save_feedback(database, "ann", rated(), None)
    with pytest.raises(ChatbotError, match="rate the answer again"):
        add_comment(database, "ann", name, "太长")


def test_feedback_outlives_its_conversation(database: Engine) -> None:
    conversation = begin_conversation(database, "ann", "速度")
    save_feedback(database, "ann", rated(conversation=conversation), "like")
    delete_conversation(database, "ann", conversation)
    assert [entry.conversation for entry in list_feedback(database)] == [conversation]
