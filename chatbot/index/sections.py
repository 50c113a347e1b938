"""The sections that are live: of overlapping reports the newest, read from the reports kept."""

import datetime as dt
import hashlib
import json
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from chatbot.index.storage import ReportEntry, read_parsed, read_search_text
from chatbot.reports.parsing import SECTION_LABELS, LineSpan, Paper, Problem, Report, SectionKey
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


@dataclass(frozen=True, slots=True)
class NamedReport:
    """A report, its name in the index, and the search texts for its papers, by content hash."""

    name: str
    report: Report
    search_texts: Mapping[str, SearchText] = field(default_factory=dict, repr=False)


@dataclass(frozen=True, slots=True)
class LivePaper:
    """A paper as its newest report has it, with the days of all reports that hold it."""

    paper: Paper
    report: str
    dates: tuple[dt.date, ...]
    search_text: SearchText | None = None
    problems: tuple[Problem, ...] = ()

    def sections(self) -> Iterator[IndexedSection]:
        """Its sections, in their order."""
        about = (self.paper.id, self.paper.title, self.paper.url, self.paper.read_from)
        for section in self.paper.sections:
            own = (section.key, section.text, self.report, section.lines)
            yield IndexedSection(*about, *own, self.dates[0], self.dates)

    def embedded(self) -> Iterator[tuple[IndexedSection, str]]:
        """Its sections, and what is embedded for each.

        A section's text comes after its paper's title, field and contribution: it says "the method"
        where its paper has a name, and without that context it is found by nobody who asks by name.
        With the search text after it the local embedding learns which words of two languages go
        together (Dumais et al. 1997).
        """
        context = [s.text for s in self.paper.sections if s.key in {"field", "contribution"}]
        for section in self.sections():
            lines = [section.title, *(text for text in context if text != section.text)]
            lines.append(section.text)
            if self.search_text:
                lines.append(section_text_of(self.search_text, section.key))
                lines.append(keywords_of(self.search_text))
            yield section, "\n".join(lines)


def live_papers(reports: Iterable[NamedReport]) -> tuple[LivePaper, ...]:
    """The papers of these reports, newest report first.

    A paper in several keeps its newest text and all its dates.
    """
    newest: dict[str, tuple[Paper, NamedReport]] = {}
    dates: defaultdict[str, list[dt.date]] = defaultdict(list)
    for named in sorted(reports, key=lambda named: (named.report.date, named.name), reverse=True):
        for paper in named.report.papers:
            newest.setdefault(paper.id, (paper, named))
            if named.report.date not in dates[paper.id]:
                dates[paper.id].append(named.report.date)
    return tuple(
        LivePaper(
            paper,
            named.name,
            tuple(dates[paper.id]),
            named.search_texts.get(content_hash(paper)) if named.search_texts else None,
            tuple(p for p in named.report.problems if paper.lines.holds(p.line)),
        )
        for paper, named in newest.values()
    )


def live_sections(reports: Iterable[tuple[str, Report]]) -> tuple[IndexedSection, ...]:
    """The sections of the live papers of named reports."""
    papers = live_papers(NamedReport(name, report) for name, report in reports)
    return tuple(section for live in papers for section in live.sections())


@dataclass(frozen=True, slots=True)
class LiveCorpus:
    """The reports, their live sections in row order, what is embedded for each, and its row's id.

    `search_texts` are by paper id, for the papers that have one.
    """

    reports: tuple[NamedReport, ...] = field(repr=False)
    sections: tuple[IndexedSection, ...]
    search_texts: Mapping[str, SearchText] = field(repr=False)
    texts: list[str] = field(repr=False)
    rows: list[str] = field(repr=False)


def read_live(data_dir: Path, entries: Iterable[ReportEntry]) -> LiveCorpus:
    """Read the corpus of these reports.

    Raises:
        MissingIndexError: a shard is missing or damaged.
    """
    reports = tuple(
        NamedReport(entry.name, read_parsed(data_dir, entry), read_search_text(data_dir, entry))
        for entry in entries
    )
    papers = live_papers(reports)
    embedded = [found for live in papers for found in live.embedded()]
    sections, texts = tuple(section for section, _ in embedded), [text for _, text in embedded]
    rows = [section.row_id(text) for section, text in embedded]
    search_texts = {live.paper.id: live.search_text for live in papers if live.search_text}
    return LiveCorpus(reports, sections, search_texts, texts, rows)
