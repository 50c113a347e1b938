"""The sections that are live: of overlapping reports the newest, read from the reports kept."""

import datetime as dt
import hashlib
import json
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from chatbot.index.storage.manifest import ReportEntry
from chatbot.index.storage.report_store import read_parsed, read_search_text
from chatbot.reports.parsing import SECTION_LABELS, LineSpan, Paper, Report, SectionKey
from chatbot.reports.search_text import SearchText, content_hash, keywords_of, section_text_of


@dataclass(frozen=True, slots=True)
class IndexedSection:
    """One section of one paper.

    `date` is its newest report's, `dates` are those of all reports that hold the paper.
    """

    paper_id: str
    title: str
    url: str
    read_from: str
    key: SectionKey
    text: str
    report: str
    lines: LineSpan
    date: dt.date
    dates: tuple[dt.date, ...]

    @property
    def name(self) -> str:
        """``ARXIV_ID/KEY``."""
        return f"{self.paper_id}/{self.key}"

    @property
    def label(self) -> str:
        """The section's Chinese label, as reports write it."""
        return SECTION_LABELS[self.key]

    def metadata(self) -> dict[str, str | int]:
        """Flat metadata for a node; dates are joined by commas, newest first."""
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
            "dates": ",".join(day.isoformat() for day in self.dates),
        }

    def row_id(self, embedded_text: str) -> str:
        """``ARXIV_ID/KEY@VERSION``, the version being a hash of all that is stored with the row."""
        content = json.dumps([self.text, embedded_text, self.metadata()], ensure_ascii=False)
        return f"{self.name}@{hashlib.sha256(content.encode()).hexdigest()[:12]}"


def live_sections(reports: Iterable[tuple[str, Report]]) -> tuple[IndexedSection, ...]:
    """The sections of named reports, newest report first.

    A paper in several keeps its newest text and all its dates.
    """
    ordered = sorted(reports, key=lambda named: (named[1].date, named[0]), reverse=True)
    newest: dict[str, tuple[str, Paper]] = {}
    dates: defaultdict[str, list[dt.date]] = defaultdict(list)
    for name, report in ordered:
        for paper in report.papers:
            newest.setdefault(paper.id, (name, paper))
            if report.date not in dates[paper.id]:
                dates[paper.id].append(report.date)
    return tuple(
        section
        for paper_id, (name, paper) in newest.items()
        for section in _sections_of(paper, name, tuple(dates[paper_id]))
    )


def _sections_of(paper: Paper, report: str, dates: tuple[dt.date, ...]) -> Iterable[IndexedSection]:
    for section in paper.sections:
        yield IndexedSection(
            paper.id,
            paper.title,
            paper.url,
            paper.read_from,
            section.key,
            section.text,
            report,
            section.lines,
            dates[0],
            dates,
        )


def embedded_texts(
    sections: Sequence[IndexedSection], written: Mapping[str, str] | None = None
) -> list[str]:
    """What is embedded for each section: its text after its paper's title, field and contribution.

    A section says "the method" where its paper has a name; without that context it is found by
    nobody who asks by name. `written` is the search text of sections that have one, by name; with
    it the local embedding learns which words of two languages go together (Dumais et al. 1997).
    """
    written = written or {}
    about: defaultdict[str, list[str]] = defaultdict(list)
    for section in sections:
        if section.key in {"field", "contribution"}:
            about[section.paper_id].append(section.text)
    return [
        "\n".join(
            [
                section.title,
                *(text for text in about[section.paper_id] if text != section.text),
                section.text,
                *filter(None, [written.get(section.name)]),
            ]
        )
        for section in sections
    ]


@dataclass(frozen=True, slots=True)
class LiveCorpus:
    """The live sections in row order, what is embedded for each, and the id of its row.

    `search_texts` are by paper id, for the papers that have one.
    """

    sections: tuple[IndexedSection, ...]
    search_texts: Mapping[str, SearchText] = field(repr=False)
    texts: list[str] = field(repr=False)
    rows: list[str] = field(repr=False)

    @property
    def aliases(self) -> dict[str, tuple[str, ...]]:
        """The names that search texts add, by paper id."""
        return {paper: text.aliases for paper, text in self.search_texts.items()}


def read_live(data_dir: Path, entries: Iterable[ReportEntry]) -> LiveCorpus:
    """Read the corpus of these reports.

    Raises:
        MissingIndexError: a shard is missing or damaged.
    """
    reports = [(entry, read_parsed(data_dir, entry)) for entry in entries]
    sections = live_sections((entry.name, report) for entry, report in reports)
    live = {(section.report, section.paper_id) for section in sections}
    search_texts: dict[str, SearchText] = {}
    for entry, report in reports:
        if not (written := read_search_text(data_dir, entry)):
            continue
        for paper in report.papers:
            text = written.get(content_hash(paper))
            if text and (entry.name, paper.id) in live:
                search_texts[paper.id] = text
    written_for = {
        section.name: f"{section_text_of(text, section.key)}\n{keywords_of(text)}"
        for section in sections
        if (text := search_texts.get(section.paper_id))
    }
    texts = embedded_texts(sections, written_for)
    rows = [section.row_id(text) for section, text in zip(sections, texts, strict=True)]
    return LiveCorpus(sections, search_texts, texts, rows)
