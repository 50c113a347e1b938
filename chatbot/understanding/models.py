"""What a question is read into: `Message`, `Filters`, `Query`."""

import datetime as dt
from dataclasses import dataclass
from typing import Literal

from chatbot.index.entity_linking import Link
from chatbot.llm.client import TokenUsage
from chatbot.reports.parsing import SectionKey

Language = Literal["zh", "en"]
Intent = Literal["lookup", "compare", "list", "overview", "chat", "off_topic"]


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
