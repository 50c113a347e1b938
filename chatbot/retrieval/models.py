"""What flows from a question to its evidence: `Message`, `Filters`, `Query`, `Hit`, `Evidence`."""

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from chatbot.headings import SectionKey
from chatbot.index.records import IndexedSection

Language = Literal["zh", "en"]
Intent = Literal["lookup", "compare", "list", "chat", "off_topic"]


@dataclass(frozen=True, slots=True)
class Message:
    """One earlier turn of the conversation."""

    role: Literal["user", "assistant"]
    content: str


@dataclass(frozen=True, slots=True)
class DateRange:
    """Days from `first` to `last`, both included."""

    first: dt.date
    last: dt.date


@dataclass(frozen=True, slots=True)
class Filters:
    """What a reader narrowed the search to; an empty field does not narrow."""

    dates: tuple[DateRange, ...] = ()
    papers: tuple[str, ...] = ()
    sections: tuple[SectionKey, ...] = ()


@dataclass(frozen=True, slots=True)
class Query:
    """A question understood.

    `standalone` can be read without the history, `search_text` is what is searched for.
    """

    question: str
    standalone: str
    search_text: str
    language: Language
    intent: Intent
    filters: Filters
    history: tuple[Message, ...] = ()


@dataclass(frozen=True, slots=True)
class Hit:
    """A retrieved section, its fused score, and its 1-based rank by each retriever."""

    section: IndexedSection
    score: float
    ranks: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Evidence:
    """The sections a query is answered from, best first.

    `notice` says what went wrong on the way, if anything; `unknown` are the names in the question
    that no paper in the index holds.
    """

    query: Query
    hits: tuple[Hit, ...]
    notice: str | None = None
    unknown: tuple[str, ...] = ()
