"""The index, opened for reading: what a question needs is looked up where it is needed.

Among it the catalogue: which papers are in which report, of which field, where their sections are.
"""

import datetime as dt
from collections.abc import Callable, Collection, Iterable, Iterator, Set
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from itertools import groupby
from operator import itemgetter
from typing import Any

import numpy as np
from llama_index.core.base.embeddings.base import BaseEmbedding
from numpy.typing import NDArray

from chatbot.config import Settings
from chatbot.errors import MissingIndexError
from chatbot.index.embeddings import open_embedding
from chatbot.index.entity_linking import NameTable
from chatbot.index.lexical import EVERYTHING, Glossary, LexicalIndex, Scope
from chatbot.index.records import Lookup, Records, marks
from chatbot.index.sections import IndexedSection
from chatbot.index.storage import MANIFEST_FILE, Manifest, read_manifest, require_all
from chatbot.index.vectors import SectionVectorStore, open_client
from chatbot.reports.parsing import SECTION_KEYS, LineSpan
from chatbot.reports.search_text import SearchText, keywords_of

# Papers and sections that are kept at hand.
_REMEMBERED, _FACTS, _SCOPES = 2**11, 2**13, 2**6
READ_ABSTRACT_ONLY = "ArXiv Abs"

_IN_ORDER = "day DESC, report DESC, place"
# Where a paper stands in several reports: who runs this comes before visitors, the newer first.
_PREFERRED = "uploaded, day DESC, report DESC"
_PAPERS = """
SELECT number, id, title, url, report, read_from, place + 1, field, day,
    (SELECT group_concat(number) FROM sections WHERE paper = papers.number)
FROM papers WHERE {} ORDER BY {}
"""
_SECTIONS = """
SELECT {} FROM papers JOIN sections ON sections.paper = papers.number WHERE {}
ORDER BY day DESC, report DESC, place, sections.number
"""
_OF_SECTION = "id, title, url, read_from, key, text, report, first_line, last_line, day"
_FACTS_OF = """
SELECT papers.number, day, report, place, sections.number, paper, key, numbers,
    search_text IS NOT NULL
FROM papers JOIN sections ON sections.paper = papers.number WHERE papers.number IN ({})
ORDER BY papers.number, sections.number
"""
_NO_FACTS = np.zeros((0, 5), np.int64)
_IN_SCOPE = """
SELECT row, sections.number, paper FROM papers JOIN sections ON sections.paper = papers.number
WHERE {} LIMIT ?
"""
_HAVING = "EXISTS (SELECT 1 FROM sections WHERE sections.paper = papers.number AND {})"


@dataclass(frozen=True, slots=True)
class PaperRecord:
    """A paper as a report lists it.

    `order` is its place among the papers of the report, from 1, `field` the key of its field;
    `number` is what it goes by in this generation, and so are `rows`, its sections'.
    """

    number: int
    id: str
    title: str
    url: str
    report: str
    read_from: str
    order: int
    field: str
    date: dt.date
    rows: tuple[int, ...]


class Catalogue:
    """All papers, newest report first and in the order of their reports.

    One that stands in several reports is there several times.
    """

    def __init__(self, records: Records, names: NameTable) -> None:
        self._records, self.names = records, names
        self.copies_of = lru_cache(maxsize=_REMEMBERED)(self._copies_of)
        self.numbers_in = lru_cache(maxsize=_SCOPES)(self._numbers_in)
        self.rows_in = lru_cache(maxsize=_SCOPES)(self._rows_in)
        self._facts: dict[int, tuple[Any, ...]] = {}

    @cached_property
    def papers(self) -> tuple[PaperRecord, ...]:
        """Every paper, in order."""
        return tuple(self.papers_in(EVERYTHING))

    @property
    def by_id(self) -> Lookup[PaperRecord]:
        """Papers by arXiv id, each as the report that comes first has it."""
        return Lookup(lambda paper: next(iter(self.copies_of(paper)), None))

    def _copies_of(self, paper: str) -> tuple[PaperRecord, ...]:
        """A paper as each report that holds it has it: the operator's before uploads, newest first.

        The first is the one that answers where only one can.
        """
        return tuple(self._where("id = ?", paper, order=_PREFERRED))

    def of_numbers(self, numbers: Iterable[int]) -> list[PaperRecord]:
        """The papers of these numbers, in order."""
        wanted = sorted({*numbers})
        return list(self._where(f"number IN ({marks(len(wanted))})", *wanted))

    def papers_in(self, scope: Scope) -> list[PaperRecord]:
        """The papers that have a section in a scope, in order."""
        condition, values = _condition_of(scope)
        return list(self._where(_HAVING.format(condition), *values))

    def _numbers_in(self, scope: Scope) -> frozenset[int] | None:
        """The numbers of the papers in a scope; None where it narrows nothing."""
        scope = replace(scope, keys=frozenset())
        if scope == EVERYTHING:
            return None
        condition, values = _condition_of(scope)
        found = self._records.all(f"SELECT number FROM papers WHERE {condition}", *values)  # noqa: S608
        return frozenset(number for (number,) in found)

    def _rows_in(self, scope: Scope, limit: int) -> list[tuple[str, int, int]]:
        """Chroma's ids of so many sections in a scope, with their rows and papers' numbers."""
        condition, values = _condition_of(scope)
        return self._records.all(_IN_SCOPE.format(condition), *values, limit)

    def rows_of(self, ids: Collection[str], scope: Scope) -> list[tuple[str, int, int]]:
        """The same of the sections that have these ids, as far as they are in the scope."""
        condition, values = _condition_of(scope)
        asked = _IN_SCOPE.format(f"sections.row IN ({marks(len(ids))}) AND {condition}")
        return self._records.all(asked, *ids, *values, len(ids))

    def facts_of(self, numbers: Set[int]) -> NDArray[np.int64]:
        """What ranking reads of these papers' sections, in the order of the catalogue.

        A line each: row, paper, which section, how many numbers are in it, and whether its paper
        has search text.
        """
        if len(self._facts) > _FACTS:
            self._facts = {}
        facts = self._facts
        if missing := sorted(numbers - facts.keys()):
            found = self._records.all(_FACTS_OF.format(marks(len(missing))), *missing)
            for (paper, *place), own in groupby(found, lambda fact: fact[:4]):
                facts[paper] = (*place, np.array([fact[4:] for fact in own], np.int64))
        # Newest day first, of a day the last report, of a report the first paper.
        chosen = sorted((facts[paper] for paper in numbers if paper in facts), key=itemgetter(2))
        chosen.sort(key=itemgetter(0, 1), reverse=True)
        return np.concatenate([_NO_FACTS, *(own for *_, own in chosen)])

    def count(self, scope: Scope) -> int:
        """How many papers have a section in a scope."""
        condition, values = _condition_of(scope)
        counted = f"SELECT count(*) FROM papers WHERE {_HAVING.format(condition)}"  # noqa: S608
        return int(self._records.one(counted, *values))

    def _where(self, condition: str, *values: Any, order: str = _IN_ORDER) -> Iterator[PaperRecord]:
        for *about, day, sections in self._records.all(_PAPERS.format(condition, order), *values):
            rows = tuple(sorted(map(int, sections.split(","))))
            fields = (*about, dt.date.fromordinal(day), rows)
            yield PaperRecord(*fields)

    @cached_property
    def dates(self) -> tuple[dt.date, ...]:
        """The days of the reports, oldest first."""
        found = self._records.all("SELECT DISTINCT day FROM papers ORDER BY day")
        return tuple(dt.date.fromordinal(day) for (day,) in found)


def _condition_of(scope: Scope) -> tuple[str, list[int]]:
    """What a scope asks of papers and their sections, in SQL, and the values for it."""
    asked: dict[str, frozenset[int] | None] = {
        "papers.number IN ({})": scope.papers,
        "papers.number NOT IN ({})": scope.without or None,
        "sections.key IN ({})": scope.keys or None,
        "papers.day IN ({})": scope.days,
    }
    found = {condition: sorted(held) for condition, held in asked.items() if held is not None}
    conditions = [condition.format(marks(len(held))) for condition, held in found.items()]
    return " AND ".join(["1", *conditions]), [value for held in found.values() for value in held]


_ATTEMPTS = 3


@dataclass(frozen=True)
class Index:
    """One committed generation; rows are the numbers of sections in its records.

    By `stamp`, the manifest file's, another is told.
    """

    settings: Settings
    manifest: Manifest
    stamp: tuple[int, int] | None
    records: Records
    catalogue: Catalogue
    search_texts: Lookup[SearchText]
    lexical: LexicalIndex
    glossary: Glossary
    embedding: BaseEmbedding
    vectors: SectionVectorStore

    @property
    def sections(self) -> tuple[IndexedSection, ...]:
        """Every section, in the order of the catalogue: read anew each time."""
        return tuple(self._sections_where("1"))

    @property
    def row_ids(self) -> tuple[str, ...]:
        """Chroma's ids of every section, in that order."""
        return tuple(row for (row,) in self.records.all(_SECTIONS.format("row", "1")))

    @cached_property
    def section(self) -> Callable[[int], IndexedSection]:
        """The section of a row."""

        @lru_cache(maxsize=_REMEMBERED)
        def find(row: int) -> IndexedSection:
            return next(self._sections_where("sections.number = ?", int(row)))

        return find

    def sections_of(self, paper: str) -> tuple[IndexedSection, ...]:
        """The sections of a paper, in their order; none where the index does not hold it."""
        record = self.catalogue.by_id.get(paper)
        return tuple(map(self.section, record.rows)) if record else ()

    def _sections_where(self, condition: str, *values: Any) -> Iterator[IndexedSection]:
        found = self.records.all(_SECTIONS.format(_OF_SECTION, condition), *values)
        for *about, key, text, report, first, last, day in found:
            more = (SECTION_KEYS[key], text, report, LineSpan(first, last))
            fields = (*about, *more, dt.date.fromordinal(day))
            yield IndexedSection(*fields)

    def head_of(self, paper: PaperRecord) -> str:
        """Title of a paper and the keywords written for it, for scanning."""
        text = self.search_texts.get(paper.id)
        return f"{paper.title}\n{keywords_of(text)}" if text else paper.title

    def text_of(self, paper: PaperRecord) -> str:
        """Title and sections of a paper in lower case, for scanning."""
        return "\n".join([paper.title, *(self.section(row).text for row in paper.rows)]).lower()


_WRITTEN = f"SELECT search_text FROM papers WHERE id = ? ORDER BY {_PREFERRED}"  # noqa: S608


def _search_texts(records: Records) -> Lookup[SearchText]:
    """The search texts of the papers that have one, by id."""

    @lru_cache(maxsize=_REMEMBERED)
    def find(paper: str) -> SearchText | None:
        found = records.one(_WRITTEN, paper)
        return SearchText.model_validate_json(found) if found else None

    return Lookup(find)


def open_index(settings: Settings) -> Index:
    """Load the committed index; an ingest may commit another meanwhile, then that one is loaded.

    Raises:
        MissingIndexError: there is none, or its files cannot be read.
    """
    for attempt in range(1, _ATTEMPTS + 1):
        stamp, manifest = _stamp(settings), read_manifest(settings.data_dir)
        if manifest is None:
            raise MissingIndexError(f"no index in {settings.data_dir}; run 'chatbot ingest'")
        try:
            return _load(settings, manifest, stamp)
        except MissingIndexError:
            if attempt == _ATTEMPTS or read_manifest(settings.data_dir) == manifest:
                raise
    raise AssertionError


def _stamp(settings: Settings) -> tuple[int, int] | None:
    """What changes whenever the manifest is replaced; None where there is none."""
    try:
        found = (settings.data_dir / MANIFEST_FILE).stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_ino


def reopen_index(index: Index) -> Index:
    """The index of what is committed now: the same object while that is the same generation.

    While the manifest cannot be read, the index at hand goes on serving.
    """
    try:
        if _stamp(index.settings) == index.stamp:
            return index
        committed = read_manifest(index.settings.data_dir)
        return index if committed in {None, index.manifest} else open_index(index.settings)
    except MissingIndexError:
        return index


def _load(settings: Settings, manifest: Manifest, stamp: tuple[int, int] | None) -> Index:
    data_dir = settings.data_dir
    require_all(data_dir / manifest.lexical)
    records = Records.open(data_dir / manifest.lexical)
    lexical = LexicalIndex(data_dir / manifest.lexical)
    return Index(
        settings,
        manifest,
        stamp,
        records,
        Catalogue(records, NameTable(records, lexical)),
        _search_texts(records),
        lexical,
        Glossary(records),
        open_embedding(settings),
        SectionVectorStore(
            open_client(data_dir / manifest.chroma, settings.chroma_url),
            manifest.collection,
            make=False,
        ),
    )
