"""The index, opened for reading: everything a question needs, loaded once and never changed.

Among it the catalogue: which papers are in which report, of which field, where their sections are.
"""

import datetime as dt
import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache, cached_property
from pathlib import Path

import numpy as np
from llama_index.core.base.embeddings.base import BaseEmbedding
from numpy.typing import NDArray

from chatbot.config import Settings
from chatbot.errors import MissingIndexError
from chatbot.index.embeddings import open_embedding
from chatbot.index.entity_linking import NAMES_FILE, NameTable
from chatbot.index.lexical import GLOSSARY_FILE, Glossary, LexicalIndex
from chatbot.index.sections import IndexedSection, read_live
from chatbot.index.storage import MANIFEST_FILE, Manifest, read_manifest, require_all
from chatbot.index.vectors import SectionVectorStore, open_client
from chatbot.reports.parsing import SECTION_KEYS, SectionKey
from chatbot.reports.search_text import SearchText, keywords_of

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


_ATTEMPTS = 3


@dataclass(frozen=True)
class Index:
    """One committed generation. `sections` are in row order of `lexical`.

    By `stamp`, the manifest file's, another is told. `row_ids` are Chroma's ids of the rows,
    `row_of` maps them back.
    """

    settings: Settings
    manifest: Manifest
    stamp: tuple[int, int] | None
    sections: tuple[IndexedSection, ...]
    catalogue: Catalogue
    search_texts: Mapping[str, SearchText] = field(repr=False)
    row_ids: tuple[str, ...]
    row_of: Mapping[str, int]
    lexical: LexicalIndex
    glossary: Glossary
    embedding: BaseEmbedding
    vectors: SectionVectorStore

    def sections_of(self, paper_id: str) -> tuple[IndexedSection, ...]:
        """The sections of a paper, in their order; none where the index does not hold it."""
        paper = self.catalogue.by_id.get(paper_id)
        return tuple(self.sections[row] for row in paper.rows) if paper else ()

    @cached_property
    def paper_heads(self) -> tuple[str, ...]:
        """Title of each paper of the catalogue, and the keywords written for it, for scanning."""
        return tuple(
            f"{paper.title}\n{keywords_of(text)}" if text else paper.title
            for paper in self.catalogue.papers
            for text in [self.search_texts.get(paper.id)]
        )

    @cached_property
    def paper_texts(self) -> tuple[str, ...]:
        """Title and sections of each paper of the catalogue in lower case, for scanning."""
        return tuple(
            "\n".join([paper.title, *(s.text for s in self.sections_of(paper.id))]).lower()
            for paper in self.catalogue.papers
        )


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
    corpus = read_live(data_dir, manifest.reports)
    glossary = Glossary.load(data_dir / manifest.lexical / GLOSSARY_FILE)
    lexical = LexicalIndex.load(data_dir / manifest.lexical)
    names = NameTable.load(data_dir / manifest.lexical / NAMES_FILE, lexical.knows)
    return Index(
        settings,
        manifest,
        stamp,
        corpus.sections,
        Catalogue.of(corpus.sections, names),
        corpus.search_texts,
        tuple(corpus.rows),
        {row: i for i, row in enumerate(corpus.rows)},
        lexical,
        glossary,
        open_embedding(settings, data_dir / manifest.fitted),
        SectionVectorStore(
            open_client(data_dir / manifest.chroma, settings.chroma_url),
            manifest.collection,
            make=False,
        ),
    )
