"""The records: which papers are in which report, in what order, and where their sections are."""

import datetime as dt
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from chatbot.index.entity_linking import NameTable
from chatbot.index.sections import IndexedSection
from chatbot.reports.parsing import SECTION_KEYS

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
