"""The live corpus: what the reports of a generation hold, read from their shards."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from chatbot.index.enrichment import SearchText, content_hash, keywords_of, section_text_of
from chatbot.index.manifest import ReportEntry
from chatbot.index.records import IndexedSection, embedded_texts, live_sections
from chatbot.index.shards import read_parsed, read_search_text


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
