"""The sections of reports: what is told of each, what is embedded, which field is a paper's."""

import datetime as dt
import hashlib
import json
import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from chatbot.reports.parsing import SECTION_LABELS, LineSpan, Paper, Report, SectionKey
from chatbot.reports.search_text import SearchText, content_hash, keywords_of, section_text_of


@dataclass(frozen=True, slots=True)
class IndexedSection:
    """One section of one paper, as a report of this date has it."""

    paper_id: str
    title: str
    url: str
    read_from: str
    key: SectionKey
    text: str
    report: str
    lines: LineSpan
    date: dt.date

    @property
    def name(self) -> str:
        """``ARXIV_ID/KEY``: the same in every report that the paper stands in."""
        return f"{self.paper_id}/{self.key}"

    @property
    def label(self) -> str:
        """The section's Chinese label, as reports write it."""
        return SECTION_LABELS[self.key]

    def metadata(self) -> dict[str, str | int]:
        """Flat metadata for a node."""
        return {
            "paper_id": self.paper_id,
            "title": self.title,
            "url": self.url,
            "read_from": self.read_from,
            "section": self.key,
            "report": self.report,
            "first_line": self.lines.first,
            "last_line": self.lines.last,
            "date": self.date.isoformat(),
        }

    def row_id(self, embedded_text: str) -> str:
        """``ARXIV_ID/KEY@VERSION``, the version being a hash of all that is stored with the row."""
        content = json.dumps([self.text, embedded_text, self.metadata()], ensure_ascii=False)
        return f"{self.name}@{hashlib.sha256(content.encode()).hexdigest()[:12]}"


@dataclass(frozen=True, slots=True)
class NamedReport:
    """A report, its name in the index, and the search texts for its papers, by content hash."""

    name: str
    report: Report
    search_texts: Mapping[str, SearchText] = field(default_factory=dict, repr=False)

    def search_text_of(self, paper: Paper) -> SearchText | None:
        """The search text that was written for a paper of it."""
        return self.search_texts.get(content_hash(paper)) if self.search_texts else None

    def sections_of(self, paper: Paper) -> Iterator[tuple[IndexedSection, str]]:
        """The sections of a paper of it, and what is embedded for each.

        A section's text comes after its paper's title, field and contribution: it says "the method"
        where its paper has a name, and without that context it is found by nobody who asks by name.
        After it comes the search text.
        """
        written = self.search_text_of(paper)
        about = (paper.id, paper.title, paper.url, paper.read_from)
        context = [s.text for s in paper.sections if s.key in {"field", "contribution"}]
        for section in paper.sections:
            lines = [paper.title, *(text for text in context if text != section.text), section.text]
            if written:
                lines += [section_text_of(written, section.key), keywords_of(written)]
            own = (section.key, section.text, self.name, section.lines)
            yield IndexedSection(*about, *own, self.report.date), "\n".join(lines)


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
    fields = []
    for row in table["field"]:
        terms = ((re.compile(term), float(n)) for term, n in row.get("terms", {}).items())
        fields.append(Field(row["key"], row["names"], tuple(terms)))
    return tuple(fields)


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


def field_of(paper: Paper) -> str:
    """The key of a paper's field: by its field section, else by its title and contribution."""
    texts = {section.key: section.text for section in paper.sections}
    if texts.get("field"):
        return field_of_text(texts["field"])
    return field_of_text(f"{paper.title}\n{texts.get('contribution', '')}")
