"""Disliked answers as eval items (`evals/datasets/README.md`), which a person then completes."""

import json
from collections.abc import Sequence
from pathlib import Path

from chatbot.database.feedback import Feedback
from chatbot.errors import ChatbotError
from chatbot.files import json_lines, write_atomically

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
    return {
        "id": f"feedback-{feedback.id}",
        "type": _type_of(feedback),
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

    Returns:
        How many were added.

    Raises:
        ChatbotError: the file cannot be read or written, or holds something else.
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


def _type_of(feedback: Feedback) -> str:
    if feedback.history:
        return "followup"
    by_language = "english" if feedback.record.language == "en" else "fact"
    return _TYPES.get(feedback.record.intent, by_language)
