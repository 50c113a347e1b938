"""The records: which papers are in which report, in what order, and which field each is of."""

import datetime as dt
import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from chatbot.index.entity_linking import NameTable
from chatbot.index.sections import IndexedSection
from chatbot.reports.parsing import SECTION_KEYS, SectionKey

_NUMBER = re.compile(r"\d+(?:\.\d+)?")
READ_ABSTRACT_ONLY = "ArXiv Abs"


@dataclass(frozen=True, slots=True)
class PaperRecord:
    """A paper as the reports list it.

    `place` is that in the catalogue, `order` that among the papers of its newest report, from 1;
    `rows` are its sections'.
    """

    place: int
    id: str
    title: str
    url: str
    report: str
    read_from: str
    order: int
    date: dt.date
    dates: tuple[dt.date, ...]
    rows: tuple[int, ...]


@dataclass(frozen=True)
class Catalogue:
    """All papers, newest report first and in the order of their reports."""

    papers: tuple[PaperRecord, ...]
    names: NameTable
    paper_of_row: NDArray[np.int32]
    key_of_row: NDArray[np.int8]
    numbers_of_row: NDArray[np.float32]

    @classmethod
    def of(cls, sections: Sequence[IndexedSection], names: NameTable) -> "Catalogue":
        """The records of indexed sections; a paper's sections stand together."""
        rows: dict[str, list[int]] = {}
        for row, section in enumerate(sections):
            rows.setdefault(section.paper_id, []).append(row)
        papers: list[PaperRecord] = []
        orders: dict[str, int] = {}
        for paper_id, own in rows.items():
            s = sections[own[0]]
            orders[s.report] = order = orders.get(s.report, 0) + 1
            papers.append(
                PaperRecord(
                    len(papers),
                    paper_id,
                    s.title,
                    s.url,
                    s.report,
                    s.read_from,
                    order,
                    s.date,
                    s.dates,
                    tuple(own),
                )
            )
        place = {paper.id: i for i, paper in enumerate(papers)}
        keys = {key: i for i, key in enumerate(SECTION_KEYS)}
        return cls(
            tuple(papers),
            names,
            np.array([place[s.paper_id] for s in sections], dtype=np.int32),
            np.array([keys[s.key] for s in sections], dtype=np.int8),
            np.array([len(_NUMBER.findall(s.text)) for s in sections], dtype=np.float32),
        )

    def papers_of(self, rows: NDArray[np.bool_]) -> list[PaperRecord]:
        """The papers that have a section in a mask over rows, in order."""
        return [self.papers[place] for place in np.unique(self.paper_of_row[rows])]

    @cached_property
    def by_id(self) -> Mapping[str, PaperRecord]:
        """Papers by arXiv id."""
        return {paper.id: paper for paper in self.papers}

    @cached_property
    def papers_of_day(self) -> Mapping[dt.date, NDArray[np.int64]]:
        """The places in `papers` of those that each day's reports hold."""
        places: dict[dt.date, list[int]] = {}
        for place, paper in enumerate(self.papers):
            for day in paper.dates:
                places.setdefault(day, []).append(place)
        return {day: np.array(found) for day, found in places.items()}

    @cached_property
    def dates(self) -> tuple[dt.date, ...]:
        """The days of the reports, oldest first."""
        return tuple(sorted({day for paper in self.papers for day in paper.dates}))


OTHER = "other"
# What a term is worth in a phrase, of what it was worth in the phrase before.
_DECAY = 0.7
_PHRASE_END = re.compile(r"[、，,；;。/\n：:]+")
_DROPPED = re.compile(r"[*_`]+")
# From here on a section tells where the work can be applied, not what it is about.
_APPLIED = re.compile(
    r"(?<=.)(?:应用于|适用于|应用场景|服务于|应用领域包括|applications? )", re.DOTALL
)


@dataclass(frozen=True, slots=True)
class Field:
    """A field: its key, its names by language, and what each of its terms counts for.

    A field section is free text that names the narrowest or the chief subject first; so terms count
    by where they stand.
    """

    key: str
    names: Mapping[str, str]
    terms: tuple[tuple[re.Pattern[str], float], ...]


def read_fields(path: Path) -> tuple[Field, ...]:
    """The fields of a table, in its order."""
    table = tomllib.loads(path.read_text(encoding="utf-8"))
    return tuple(
        Field(row["key"], row["names"], tuple(_terms(row.get("terms", {}))))
        for row in table["field"]
    )


def _terms(row: Mapping[str, float]) -> Iterator[tuple[re.Pattern[str], float]]:
    for term, weight in row.items():
        yield re.compile(term), float(weight)


@cache
def all_fields() -> tuple[Field, ...]:
    """The fields that papers are sorted into, and what speaks for each: ``fields.toml``."""
    return read_fields(Path(__file__).with_name("fields.toml"))


def field_name(key: str, language: str) -> str:
    """What a field is called; a key that is no field's is its own name."""
    return next((field.names[language] for field in all_fields() if field.key == key), key)


def field_of_text(text: str) -> str:
    """The key of the field that a text's terms speak for most; `OTHER` where none does."""
    plain = _DROPPED.sub("", text).lower().strip()
    about = _APPLIED.split(plain, maxsplit=1)[0]
    phrases = [part for part in _PHRASE_END.split(about) if part.strip(" ()（）")]
    totals = {field.key: _total(field, phrases) for field in all_fields()}
    best = max(totals, key=lambda key: totals[key])
    return best if totals[best] > 0 else OTHER


def _total(field: Field, phrases: list[str]) -> float:
    """What the terms of a field come to; each counts once, where it stands first."""
    return sum(
        weight * next((_DECAY**i for i, phrase in enumerate(phrases) if term.search(phrase)), 0.0)
        for term, weight in field.terms
    )


def fields_of_papers(
    papers: Sequence[PaperRecord], sections: Sequence[IndexedSection]
) -> tuple[str, ...]:
    """The field of each paper, whose `rows` are places in `sections`.

    By its field section; where it has none, by its title and contribution.
    """
    return tuple(_field_of(paper, [sections[row] for row in paper.rows]) for paper in papers)


def _field_of(paper: PaperRecord, sections: Sequence[IndexedSection]) -> str:
    texts: dict[SectionKey, str] = {section.key: section.text for section in sections}
    found = field_of_text(texts.get("field", ""))
    if found != OTHER or texts.get("field"):
        return found
    return field_of_text(f"{paper.title}\n{texts.get('contribution', '')}")
