"""What flows from a question to its evidence: `Message`, `Filters`, `Query`, `Hit`, `Evidence`."""

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from chatbot.headings import SectionKey
from chatbot.index.names import Link
from chatbot.index.records import IndexedSection
from chatbot.llm import TokenUsage

Language = Literal["zh", "en"]
Intent = Literal["lookup", "compare", "list", "overview", "chat", "off_topic"]
# What a list is made by: a name looked for in every paper, a topic ranked, or the records alone.
ListBy = Literal["mention", "topic", "records"]


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

    def __contains__(self, day: dt.date) -> bool:
        return self.first <= day <= self.last

    def __str__(self) -> str:
        first, last = self.first.isoformat(), self.last.isoformat()
        return first if first == last else f"{first}..{last}"


@dataclass(frozen=True, slots=True)
class Filters:
    """What a reader narrowed the search to; an empty field does not narrow."""

    dates: tuple[DateRange, ...] = ()
    papers: tuple[str, ...] = ()
    sections: tuple[SectionKey, ...] = ()


@dataclass(frozen=True, slots=True)
class Query:
    """A question understood.

    `standalone` can be read without the history; `search_text` is what is searched for: it without
    dates and ids. `links` are the papers that the question names, or that its history does where it
    leans on it. `aspects` are the sections it seems to ask for, which weigh and do not narrow;
    `whole` those it asks for all of; `filters` narrow. `columns` are what a comparison is laid out
    by, in the reader's words. `follows_up` says that the history was needed, `spent` what each call
    to a model cost on the way.
    """

    question: str
    standalone: str
    search_text: str
    language: Language
    intent: Intent
    filters: Filters
    history: tuple[Message, ...] = ()
    links: tuple[Link, ...] = ()
    aspects: tuple[SectionKey, ...] = ()
    whole: tuple[SectionKey, ...] = ()
    columns: tuple[str, ...] = ()
    follows_up: bool = False
    spent: tuple[TokenUsage, ...] = ()

    @property
    def papers(self) -> tuple[str, ...]:
        """The ids of all papers the question may be about by name, in its order."""
        return tuple(dict.fromkeys(paper for link in self.links for paper in link.papers))


@dataclass(frozen=True, slots=True)
class Hit:
    """A retrieved section, its fused score, and its 1-based rank by each retriever."""

    section: IndexedSection
    score: float
    ranks: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Clarification:
    """What to ask back: the name that fits several papers, and which, as (id, title)."""

    name: str
    options: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Coverage:
    """What a list stands on: how it was made, how many papers were looked at, how many belong."""

    by: ListBy
    checked: int
    matched: int
    terms: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Evidence:
    """The sections a query is answered from, best first.

    `notice` says what went wrong on the way, if anything; `unknown` are the names in the question
    that no paper in the index holds, `missing_dates` the days without a report. `confidence` is the
    probability that the hits hold the answer (None where it is not estimated: lists, overviews).
    """

    query: Query
    hits: tuple[Hit, ...]
    notice: str | None = None
    unknown: tuple[str, ...] = ()
    missing_dates: tuple[DateRange, ...] = ()
    confidence: float | None = None
    clarification: Clarification | None = None
    coverage: Coverage | None = None
    spent: tuple[TokenUsage, ...] = ()
