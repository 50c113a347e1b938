"""What comes in from outside: dates, filters, histories and files of questions, checked.

What cannot be read or used is a `ChatbotError`.
"""

import datetime as dt
import json
import sys
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from chatbot.errors import ChatbotError, quoted
from chatbot.reports.parsing import SECTION_KEYS
from chatbot.understanding.models import DateRange, Filters, Message

_TEXTS = TypeAdapter(tuple[str, ...])
_FILTERS = ("dates", "papers", "sections")


class Request(BaseModel):
    """One question with what belongs to it."""

    model_config = ConfigDict(frozen=True)

    question: str = Field(min_length=1)
    id: str | int | None = None
    history: tuple[Message, ...] = ()
    filters: Filters | None = None


def parse_date_range(text: str) -> DateRange:
    """``2026-02-12`` or ``2026-02-01..2026-02-12``."""
    first, dots, last = text.partition("..")
    ends = (first.strip(), last.strip() if dots else first.strip())
    try:
        span = DateRange(*(dt.date.fromisoformat(end) for end in ends))
    except ValueError as error:
        raise ChatbotError(
            f"{quoted(text)} is no date; write YYYY-MM-DD or YYYY-MM-DD..YYYY-MM-DD"
        ) from error
    if span.last < span.first:
        raise ChatbotError(f"{quoted(text)} ends before it starts")
    return span


def make_filters(dates: Sequence[str], papers: Sequence[str], sections: Sequence[str]) -> Filters:
    """Filters from their texts."""
    known = {str(key): key for key in SECTION_KEYS}
    for key in sections:
        if key not in known:
            raise ChatbotError(f"no section {quoted(key)}; the sections are {', '.join(known)}")
    return Filters(
        dates=tuple(parse_date_range(text) for text in dates),
        papers=tuple(papers),
        sections=tuple(known[key] for key in sections),
    )


def read_history(path: Path) -> tuple[Message, ...]:
    """Earlier turns from a file that holds a JSON array of ``{"role", "content"}``."""
    try:
        return TypeAdapter(tuple[Message, ...]).validate_json(path.read_bytes())
    except OSError as error:
        raise ChatbotError(f"{path} cannot be read: {error.strerror}") from error
    except ValidationError as error:
        raise ChatbotError(
            f"{path} is not a JSON array of {{role, content}}: {_first_problem(error)}"
        ) from error


def parse_request(line: str) -> Request:
    """A request from one line of JSON; fields we do not know are ignored."""
    try:
        found = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise ChatbotError(f"not JSON: {error}") from error
    if not isinstance(found, dict):
        raise ChatbotError("not a JSON object")
    try:
        given = found.get("filters") or {}
        texts = [_TEXTS.validate_python(given.get(name) or ()) for name in _FILTERS]
        filters = make_filters(*texts) if any(texts) else None
        return Request.model_validate(
            {**found, "history": found.get("history") or (), "filters": filters}
        )
    except ValidationError as error:
        raise ChatbotError(_first_problem(error)) from error
    except (TypeError, AttributeError) as error:
        raise ChatbotError(f"a field has the wrong shape: {error}") from error


def run_batch(
    path: Path, concurrency: int, work: Callable[[Request], dict[str, Any]]
) -> Iterator[dict[str, Any]]:
    """The results of `work` for each line of a JSONL file (``-``: standard input), in its order.

    A line that fails gives ``{"id", "question", "error"}``; the others are not affected.
    """
    try:
        text = sys.stdin.read() if str(path) == "-" else path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise ChatbotError(f"{path} cannot be read: {error}") from error
    lines = [line for line in text.split("\n") if line.strip()]
    with ThreadPoolExecutor(concurrency) as pool:
        yield from pool.map(lambda line: _result_of(line, work), lines)


def _result_of(line: str, work: Callable[[Request], dict[str, Any]]) -> dict[str, Any]:
    try:
        return work(parse_request(line))
    except Exception as error:  # noqa: BLE001 - one bad line must not cost the caller the others
        kind = "" if isinstance(error, ChatbotError) else f"{type(error).__name__}: "
        return {**_known_of(line), "error": f"{kind}{error}"}


def _known_of(line: str) -> dict[str, Any]:
    try:
        found = json.loads(line)
    except (ValueError, RecursionError):
        found = None
    known = found if isinstance(found, dict) else {}
    return {"id": known.get("id"), "question": known.get("question")}


def _first_problem(error: ValidationError) -> str:
    first = error.errors()[0]
    where = ".".join(str(part) for part in first["loc"])
    return f"{where}: {first['msg']}"
