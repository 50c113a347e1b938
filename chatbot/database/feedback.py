"""Feedback: whether a reader liked an answer, and why, kept with all they saw of it."""

import datetime as dt
import uuid
from collections.abc import Mapping
from importlib.metadata import version
from typing import Literal

from pydantic import BaseModel, ConfigDict
from sqlalchemy import ColumnElement, Engine, delete, func, insert, select, update

from chatbot.answer.record import AnswerRecord
from chatbot.errors import ChatbotError
from chatbot.index.store import Index
from chatbot.retrieval.models import Message
from chatbot.storage.opening import later_than, reading, writing
from chatbot.storage.tables import feedback

Verdict = Literal["like", "dislike"]
LONGEST_COMMENT = 2_000
_PROJECT = "paper-chatbot"


class Versions(BaseModel):
    """What an answer was made by, beside the prompt and model that its record names."""

    model_config = ConfigDict(frozen=True)

    project: str
    generation: int

    @classmethod
    def of(cls, index: Index) -> "Versions":
        """Those of answers made now, from this index."""
        return cls(project=version(_PROJECT), generation=index.manifest.generation)


class RatedAnswer(BaseModel):
    """An answer, where it stands, and what it was made from.

    `conversation` is None where it is not saved; then position and question tell answers apart.
    """

    model_config = ConfigDict(frozen=True)

    conversation: str | None
    position: int
    attempt: str | None = None
    question: str
    history: tuple[Message, ...] = ()
    record: AnswerRecord
    versions: Versions


class Feedback(RatedAnswer):
    """A reader's verdict on an answer; `comment` is "" where there is none."""

    id: str
    owner: str
    created: dt.datetime
    verdict: Verdict
    comment: str


def save_feedback(
    database: Engine, owner: str, rated: RatedAnswer, verdict: Verdict | None, comment: str = ""
) -> str | None:
    """Keep an owner's verdict on an answer instead of any they gave before; None withdraws it.

    The comment is cut to `LONGEST_COMMENT` characters.

    Returns:
        The feedback's id, or None where it was withdrawn.
    """
    name = uuid.uuid4().hex[:12]
    columns = feedback.c
    with writing(database) as connection:
        connection.execute(delete(feedback).where(*_same_answer(owner, rated)))
        if verdict is None:
            return None
        connection.execute(
            insert(feedback).values(
                id=name,
                owner=owner,
                created=later_than(connection.execute(select(func.max(columns.created))).scalar()),
                verdict=verdict,
                comment=_short(comment),
                **rated.model_dump(mode="json"),
            )
        )
    return name


def add_comment(database: Engine, owner: str, name: str, comment: str) -> None:
    """Say why: the comment of an owner's feedback with this id, instead of any it had.

    Raises:
        ChatbotError: the owner has no such feedback.
    """
    columns = feedback.c
    with writing(database) as connection:
        done = connection.execute(
            update(feedback)
            .where(columns.id == name, columns.owner == owner)
            .values(comment=_short(comment))
        )
    if not done.rowcount:
        raise ChatbotError("this feedback is gone; rate the answer again")


def list_feedback(database: Engine, verdict: Verdict | None = None) -> tuple[Feedback, ...]:
    """All feedback, or that of one verdict, the latest first."""
    asked = select(feedback).order_by(feedback.c.created.desc())
    if verdict is not None:
        asked = asked.where(feedback.c.verdict == verdict)
    with reading(database) as connection:
        rows = connection.execute(asked).mappings().all()
    return tuple(Feedback.model_validate(dict(row)) for row in rows)


def verdicts_of(
    database: Engine, owner: str, conversation: str
) -> Mapping[tuple[int, str | None], Verdict]:
    """What an owner said of a conversation's answers, by position and attempt."""
    columns = feedback.c
    asked = select(columns.position, columns.attempt, columns.verdict).where(
        columns.owner == owner, columns.conversation == conversation
    )
    with reading(database) as connection:
        return {(row.position, row.attempt): row.verdict for row in connection.execute(asked)}


def _same_answer(owner: str, rated: RatedAnswer) -> list[ColumnElement[bool]]:
    columns = feedback.c
    place = [
        columns.owner == owner,
        columns.position == rated.position,
        columns.attempt.is_not_distinct_from(rated.attempt),
        columns.conversation.is_not_distinct_from(rated.conversation),
    ]
    return place if rated.conversation else [*place, columns.question == rated.question]


def _short(comment: str) -> str:
    return comment.strip()[:LONGEST_COMMENT]
