"""What a query's search ends in: `Hit`, `Evidence`."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from chatbot.index.sections import IndexedSection
from chatbot.llm.client import TokenUsage
from chatbot.understanding.models import DateRange, Query

# What a list is made by: a name looked for in every paper, a topic ranked, or the records alone.
ListBy = Literal["mention", "topic", "records"]


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
