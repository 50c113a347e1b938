"""Feedback: whether a reader liked an answer, and why, kept with all they saw of it.

Disliked answers become eval items (`evals/datasets/README.md`), which a person then completes.
"""

import datetime as dt
import json
import uuid
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict
from sqlalchemy import Engine, delete, func, insert, select, update

from chatbot.answering.record import AnswerRecord
from chatbot.database.opening import later_than, reading, writing
from chatbot.database.tables import feedback
from chatbot.errors import ChatbotError
from chatbot.files import json_lines, write_atomically
from chatbot.index.reading import Index
from chatbot.understanding.models import Message

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

    Its id, or None. The comment is cut to `LONGEST_COMMENT` characters.
    """
    name = uuid.uuid4().hex[:12]
    columns = feedback.c
    earlier = delete(feedback).where(
        columns.owner == owner,
        columns.position == rated.position,
        columns.attempt.is_not_distinct_from(rated.attempt),
        columns.conversation.is_not_distinct_from(rated.conversation),
    )
    if not rated.conversation:
        earlier = earlier.where(columns.question == rated.question)
    with writing(database) as connection:
        connection.execute(earlier)
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
    """Say why, instead of what was said before; an error where the owner has no such feedback."""
    said = update(feedback).where(feedback.c.id == name, feedback.c.owner == owner)
    with writing(database) as connection:
        done = connection.execute(said.values(comment=_short(comment)))
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


def _short(comment: str) -> str:
    return comment.strip()[:LONGEST_COMMENT]


# Verbatim in no section, so `chatbot eval --validate` names each that is still to be written.
_UNWRITTEN = "to be completed: the words of this section that a right answer stands on"
_TO_COMPLETE = ("type", "sections", "evidence", "answer", "key_facts")
_TYPES = {"compare": "comparison", "list": "list", "overview": "list"}


def eval_item(feedback: Feedback) -> dict[str, object]:
    """One item; the sections it needs are taken to be those that were cited.

    `to_complete` names the fields that a person has to write or check, `note` is the reader's
    comment, `given` the answer that was disliked.
    """
    record = feedback.record
    sections = list(dict.fromkeys(citation.section for citation in record.citations))
    by_language = "english" if record.language == "en" else "fact"
    return {
        "id": f"feedback-{feedback.id}",
        "type": "followup" if feedback.history else _TYPES.get(record.intent, by_language),
        "lang": record.language,
        "question": feedback.question,
        "history": [{"role": turn.role, "content": turn.content} for turn in feedback.history],
        "papers": list(dict.fromkeys(citation.paper_id for citation in record.citations)),
        "sections": sections,
        "evidence": [{"section": section, "quote": _UNWRITTEN} for section in sections],
        "answer": "",
        "key_facts": [],
        "to_complete": list(_TO_COMPLETE),
        "note": feedback.comment,
        "given": record.answer,
    }


def add_items(path: Path, items: Sequence[dict[str, object]]) -> int:
    """Add items to a JSONL file; those it has already stay as a person has completed them.

    How many were added; a `ChatbotError` where the file cannot be used or holds something else.
    """
    try:
        kept = path.read_text(encoding="utf-8") if path.exists() else ""
        known = _ids(path, kept)
        new = [item for item in items if item["id"] not in known]
        lines = "".join(f"{json.dumps(item, ensure_ascii=False)}\n" for item in new)
        if kept and not kept.endswith("\n"):
            kept += "\n"
        write_atomically(path, (kept + lines).encode())
    except UnicodeDecodeError as error:
        raise ChatbotError(f"{path} is not UTF-8; give another file") from error
    except OSError as error:
        raise ChatbotError(f"{path} cannot be used: {error.strerror}; give another file") from error
    return len(new)


def _ids(path: Path, content: str) -> set[object]:
    ids: set[object] = set()
    for number, line in json_lines(content):
        try:
            ids.add(json.loads(line)["id"])
        except (ValueError, KeyError, TypeError) as error:
            raise ChatbotError(f"{path}:{number}: is no item; give another file") from error
    return ids
