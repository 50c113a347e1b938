"""Saved conversations: kept turn by turn, so that a restart loses nothing that was answered."""

import datetime as dt
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field

from pydantic import TypeAdapter
from sqlalchemy import Connection, Engine, delete, func, insert, select, update

from chatbot.answer.record import AnswerRecord
from chatbot.database.schema import conversations, now, turns
from chatbot.errors import ChatbotError
from chatbot.retrieval.models import Filters, Message

TITLE_LENGTH = 80
_FILTERS = TypeAdapter(Filters)


@dataclass(frozen=True, slots=True)
class Turn:
    """A question and what came of it.

    `answer` is None where it was stopped or failed; then `partial` is what had come by then.
    """

    position: int
    question: str
    filters: Filters = field(default_factory=Filters)
    answer: AnswerRecord | None = None
    partial: str = ""


@dataclass(frozen=True, slots=True)
class Conversation:
    """A conversation as lists show it."""

    id: str
    title: str
    changed: dt.datetime


def begin_conversation(database: Engine, owner: str, title: str) -> str:
    """A new conversation's id; the title is cut to `TITLE_LENGTH` characters."""
    made, began = uuid.uuid4().hex, now()
    with database.begin() as connection:
        connection.execute(
            insert(conversations).values(
                id=made, owner=owner, title=_short(title), created=began, changed=began
            )
        )
    return made


def list_conversations(database: Engine, owner: str, limit: int = 200) -> tuple[Conversation, ...]:
    """An owner's conversations, the latest first."""
    columns = conversations.c
    asked = (
        select(columns.id, columns.title, columns.changed)
        .where(columns.owner == owner)
        .order_by(columns.changed.desc())
        .limit(limit)
    )
    with database.connect() as connection:
        return tuple(Conversation(*row) for row in connection.execute(asked))


def read_turns(database: Engine, owner: str, conversation: str) -> tuple[Turn, ...]:
    """The turns of a conversation, in order.

    Raises:
        ChatbotError: the owner has no such conversation.
    """
    columns = turns.c
    asked = (
        select(columns.position, columns.question, columns.filters, columns.answer, columns.partial)
        .where(columns.conversation == conversation)
        .order_by(columns.position)
    )
    with database.connect() as connection:
        _require(connection, owner, conversation)
        return tuple(
            Turn(
                row.position,
                row.question,
                _FILTERS.validate_python(row.filters),
                row.answer and AnswerRecord.model_validate(row.answer),
                row.partial,
            )
            for row in connection.execute(asked)
        )


def begin_turn(
    database: Engine, owner: str, conversation: str, turn: Turn, *, anew: bool = False
) -> None:
    """Keep a question before it is answered.

    With `anew` the turn at its place and all after it are forgotten first.

    Raises:
        ChatbotError: the owner has no such conversation.
    """
    with database.begin() as connection:
        _require(connection, owner, conversation)
        if anew:
            connection.execute(
                delete(turns).where(
                    turns.c.conversation == conversation, turns.c.position >= turn.position
                )
            )
        connection.execute(
            insert(turns).values(
                conversation=conversation,
                position=turn.position,
                question=turn.question,
                asked=now(),
                filters=_FILTERS.dump_python(turn.filters, mode="json"),
                partial=turn.partial,
            )
        )
        _changed(connection, conversation, {})


def end_turn(
    database: Engine,
    conversation: str,
    position: int,
    answer: AnswerRecord | None,
    partial: str = "",
) -> None:
    """Keep what came of a question; nothing is done where the turn was forgotten meanwhile."""
    kept = answer and answer.model_dump(mode="json")
    with database.begin() as connection:
        connection.execute(
            update(turns)
            .where(turns.c.conversation == conversation, turns.c.position == position)
            .values(answer=kept, partial=partial)
        )
        _changed(connection, conversation, {})


def keep_answer(database: Engine, owner: str, record: AnswerRecord) -> str:
    """A new conversation that begins with an answer given elsewhere; its id."""
    conversation = begin_conversation(database, owner, record.question)
    begin_turn(database, owner, conversation, Turn(0, record.question))
    end_turn(database, conversation, 0, record)
    return conversation


def rename_conversation(database: Engine, owner: str, conversation: str, title: str) -> None:
    """Give a conversation another title; a blank one changes nothing.

    Raises:
        ChatbotError: the owner has no such conversation.
    """
    with database.begin() as connection:
        _require(connection, owner, conversation)
        if title.strip():
            _changed(connection, conversation, {"title": _short(title)})


def delete_conversation(database: Engine, owner: str, conversation: str) -> None:
    """Forget a conversation and its turns.

    Raises:
        ChatbotError: the owner has no such conversation.
    """
    with database.begin() as connection:
        _require(connection, owner, conversation)
        connection.execute(delete(conversations).where(conversations.c.id == conversation))


def history_of(earlier: Sequence[Turn]) -> tuple[Message, ...]:
    """The turns that were answered, as a question's history."""
    return tuple(
        message
        for turn in earlier
        if turn.answer
        for message in (Message("user", turn.question), Message("assistant", turn.answer.answer))
    )


def _require(connection: Connection, owner: str, conversation: str) -> None:
    held = (
        select(func.count())
        .select_from(conversations)
        .where(conversations.c.id == conversation, conversations.c.owner == owner)
    )
    if not connection.execute(held).scalar():
        raise ChatbotError("this conversation is gone; begin a new one")


def _changed(connection: Connection, conversation: str, values: dict[str, str]) -> None:
    connection.execute(
        update(conversations)
        .where(conversations.c.id == conversation)
        .values(changed=now(), **values)
    )


def _short(title: str) -> str:
    line = " ".join(title.split())
    return line if len(line) <= TITLE_LENGTH else line[: TITLE_LENGTH - 1] + "…"
