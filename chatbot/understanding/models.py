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
    """One earlier turn of the conversation.

    Of an answer of ours `papers` are the ids of those it cites, in its order, and `lists` is
    whether it is a list of them. Where nothing but its text is known `papers` is None.
    """

    role: Literal["user", "assistant"]
    content: str
    papers: tuple[str, ...] | None = None
    lists: bool = False


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
class Sought:
    """What is searched for: a text, and it without the names of the papers that it links.

    A name tells the paper, and no section of it.
    """

    text: str
    unnamed: str
    english: bool
    wants_number: bool


@dataclass(frozen=True, slots=True)
class Focus:
    """What sentences are judged for: a question without its papers' names, and what of it asks.

    `names` are the other names in it, in lower case.
    """

    text: str
    clause: str
    names: tuple[str, ...]
    wants_number: bool


@dataclass(frozen=True, slots=True)
class Part:
    """A part of a comparison that names no paper, and may describe one.

    `is_paper` where it says so itself ("讲数据的那篇"), `likely` where it sounds like one.
    """

    text: str
    is_paper: bool
    likely: bool


# How a digest was made, where a list asks for that.
Records = Literal["abstract_only", "full_text"] | None


@dataclass(frozen=True, slots=True)
class Criteria:
    """What the papers of a list are to meet.

    `negated`: those that do not. `records`: told from how the digest was made. `introduces`: the
    kind of thing they bring. `names` are what may be names, `topics` what it is about in words;
    `beside` what else is asked where it is made by name or kind. Then how: by `uses`, by their
    `own` use, by their `field` section alone, by `every` name at once.
    """

    negated: bool = False
    records: Records = None
    introduces: str | None = None
    names: tuple[str, ...] = ()
    topics: tuple[str, ...] = ()
    beside: tuple[str, ...] = ()
    uses: bool = False
    own: bool = False
    field_only: bool = False
    every: bool = False


@dataclass(frozen=True, slots=True)
class Noun:
    """A Chinese noun of a question; `about` where a paper is said to be on it.

    `is_common` is what a dictionary calls a plain noun, no place, person or nominal verb.
    """

    word: str
    is_common: bool
    about: bool


@dataclass(frozen=True, slots=True)
class Wanted:
    """The kind of thing a look-up asks of a paper, for telling that the paper does not give it.

    `attributes` are keys such as "licence". `settings` are sizes and lengths that narrow it,
    `metrics` what is measured, `nouns` the things it speaks of.
    """

    attributes: tuple[str, ...] = ()
    figure: bool = False
    names: tuple[str, ...] = ()
    settings: tuple[str, ...] = ()
    metrics: tuple[str, ...] = ()
    nouns: tuple[Noun, ...] = ()


@dataclass(frozen=True, slots=True)
class Query:
    """A question understood.

    `standalone` can be read without the history; `sought` is what is searched for: it without dates
    and ids. `focus` is what sentences are judged for. `links` are the papers that the question
    names, or that its history does where it leans on it; `names` all names in it. `aspects` are the
    sections it seems to ask for, which weigh and do not narrow; `whole` those it asks for all of;
    `filters` narrow. `columns` are what a comparison is laid out by, in the reader's words, `parts`
    what it says beside names, `count` how many papers it says it is of (0: it does not). `criteria`
    are a list's, `wanted` what a look-up asks for. `follows_up` says that the history was needed,
    `spent` what each call to a model cost on the way.
    """

    question: str
    standalone: str
    sought: Sought
    focus: Focus
    language: Language
    intent: Intent
    filters: Filters
    history: tuple[Message, ...] = ()
    links: tuple[Link, ...] = ()
    aspects: tuple[SectionKey, ...] = ()
    whole: tuple[SectionKey, ...] = ()
    names: tuple[str, ...] = ()
    columns: tuple[str, ...] = ()
    parts: tuple[Part, ...] = ()
    count: int = 0
    criteria: Criteria = Criteria()
    wanted: Wanted = Wanted()
    follows_up: bool = False
    spent: tuple[TokenUsage, ...] = ()

    @property
    def papers(self) -> tuple[str, ...]:
        """The ids of all papers the question may be about by name, in its order."""
        return tuple(dict.fromkeys(paper for link in self.links for paper in link.papers))
