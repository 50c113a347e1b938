"""Saved conversations: kept turn by turn, so that a restart loses nothing that was answered.

To ask for one that its owner does not have is a `ChatbotError`.
"""

import datetime as dt
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from pydantic import TypeAdapter
from sqlalchemy import Connection, Engine, delete, func, insert, select, update

from chatbot.answering.record import AnswerRecord
from chatbot.database.opening import later_than, now, reading, writing
from chatbot.database.tables import conversations, turns
from chatbot.errors import ChatbotError
from chatbot.guardrails.limits import newest_turns
from chatbot.understanding.models import Filters, Message

TITLE_LENGTH = 80


@dataclass(frozen=True, slots=True)
class Turn:
    """A question and what came of it.

    `answer` is None where it was stopped or failed; then `partial` is what had come by then, and
    `error` why it failed. `attempt` tells it from other turns that stood at its place.
    """

    position: int
    question: str
    filters: Filters = field(default_factory=Filters)
    answer: AnswerRecord | None = None
    partial: str = ""
    error: str = ""
    attempt: str = ""


_TURN = TypeAdapter(Turn)


@dataclass(frozen=True, slots=True)
class Conversation:
    """A conversation as lists show it."""

    id: str
    title: str
    changed: dt.datetime


def begin_conversation(database: Engine, owner: str, title: str) -> str:
    """A new conversation's id; the title is cut to `TITLE_LENGTH` characters."""
    made = uuid.uuid4().hex
    with writing(database) as connection:
        began = _next_change(connection)
        row = {"id": made, "owner": owner, "title": _short(title)}
        connection.execute(insert(conversations).values(**row, created=began, changed=began))
    return made


def list_conversations(database: Engine, owner: str, limit: int = 200) -> tuple[Conversation, ...]:
    """An owner's conversations, the latest first."""
    columns = conversations.c
    asked = select(columns.id, columns.title, columns.changed).where(columns.owner == owner)
    asked = asked.order_by(columns.changed.desc()).limit(limit)
    with reading(database) as connection:
        return tuple(Conversation(*row) for row in connection.execute(asked))


def read_turns(database: Engine, owner: str, conversation: str) -> tuple[Turn, ...]:
    """The turns of a conversation, in order."""
    asked = select(turns).where(turns.c.conversation == conversation).order_by(turns.c.position)
    with reading(database) as connection:
        _require(connection, owner, conversation)
        rows = connection.execute(asked).mappings().all()
    return tuple(_TURN.validate_python(dict(row)) for row in rows)


def begin_turn(
    database: Engine, owner: str, conversation: str, turn: Turn, *, anew: bool = False
) -> Turn:
    """Keep a question before it is answered; the turn with its attempt.

    With `anew` the turn at its place and all after it are forgotten first.
    """
    begun = replace(turn, attempt=uuid.uuid4().hex)
    with writing(database) as connection:
        _require(connection, owner, conversation)
        if anew:
            after = turns.c.conversation == conversation, turns.c.position >= turn.position
            connection.execute(delete(turns).where(*after))
        connection.execute(
            insert(turns).values(
                conversation=conversation, asked=now(), **_TURN.dump_python(begun, mode="json")
            )
        )
        _changed(connection, conversation, {})
    return begun


def end_turn(
    database: Engine, turn: Turn, answer: AnswerRecord | None, *, partial: str = "", error: str = ""
) -> None:
    """Keep what came of an attempt; nothing is done where it was forgotten meanwhile."""
    kept = answer and answer.model_dump(mode="json")
    ended = update(turns).where(turns.c.attempt == turn.attempt)
    with writing(database) as connection:
        connection.execute(ended.values(answer=kept, partial=partial, error=error))


def keep_answer(database: Engine, owner: str, record: AnswerRecord) -> str:
    """A new conversation that begins with an answer given elsewhere; its id."""
    conversation = begin_conversation(database, owner, record.question)
    filters = Filters(papers=record.scope.papers)
    turn = begin_turn(database, owner, conversation, Turn(0, record.question, filters))
    end_turn(database, turn, record)
    return conversation


def rename_conversation(database: Engine, owner: str, conversation: str, title: str) -> None:
    """Give a conversation another title; a blank one, or the same, changes nothing."""
    with writing(database) as connection:
        _require(connection, owner, conversation)
        same = conversations.c.id == conversation, conversations.c.title == _short(title)
        if title.strip() and not connection.execute(select(conversations).where(*same)).first():
            _changed(connection, conversation, {"title": _short(title)})


def delete_conversation(database: Engine, owner: str, conversation: str) -> None:
    """Forget a conversation and its turns."""
    with writing(database) as connection:
        _require(connection, owner, conversation)
        connection.execute(delete(conversations).where(conversations.c.id == conversation))


def history_of(earlier: Sequence[Turn]) -> tuple[Message, ...]:
    """The turns that were answered, as a question's history: the newest that it may hold."""
    spoken: list[Message] = []
    for turn in earlier:
        if record := turn.answer:
            lists = record.intent in {"list", "overview"}
            said = Message("assistant", record.answer, record.papers, lists)
            spoken += [Message("user", turn.question), said]
    return tuple(spoken[len(spoken) - newest_turns([turn.content for turn in spoken]) :])


def _require(connection: Connection, owner: str, conversation: str) -> None:
    columns = conversations.c
    held = select(columns.id).where(columns.id == conversation, columns.owner == owner)
    if connection.execute(held).first() is None:
        raise ChatbotError("this conversation is gone; begin a new one")


def _changed(connection: Connection, conversation: str, values: dict[str, str]) -> None:
    changed = update(conversations).where(conversations.c.id == conversation)
    connection.execute(changed.values(changed=_next_change(connection), **values))


def _next_change(connection: Connection) -> dt.datetime:
    """The time of a change made now: no conversation was changed later."""
    return later_than(connection.execute(select(func.max(conversations.c.changed))).scalar())


def _short(title: str) -> str:
    line = " ".join(title.split())
    return line if len(line) <= TITLE_LENGTH else line[: TITLE_LENGTH - 1] + "…"
