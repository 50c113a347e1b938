"""Bringing the records and the lexical index from the reports they were made of to those of now."""

import re
import secrets
import shutil
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import tantivy
from tantivy import Query

from chatbot.index.entity_linking import forget_names, possible_names, record_names, settle_names
from chatbot.index.lexical import (
    FILLER,
    KINDS,
    PARTS,
    Kind,
    Part,
    count_glosses,
    engine_errors,
    schema,
    terms_of,
)
from chatbot.index.records import PLACES, RECORDS_FILE, Records
from chatbot.index.sections import NamedReport, field_of
from chatbot.index.storage import ReportEntry, read_parsed, read_search_text, seal
from chatbot.reports.parsing import SECTION_KEYS
from chatbot.reports.search_text import keywords_of, section_text_of

_NUMBER = re.compile(r"\d+(?:\.\d+)?")
_COUNT = (
    "INSERT INTO glosses VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET pairs = pairs + excluded.pairs"
)
_DROP_PAPERS = "DELETE FROM papers WHERE report = ? RETURNING number"
_DROP_SECTIONS = "DELETE FROM sections WHERE paper = ? RETURNING row, text"
_MEMORY = 32 * 2**20
_META = "meta.json"


@dataclass(frozen=True, slots=True)
class Update:
    """A folder with the records and the lexical index of some reports.

    `came` and `went` are the rows that it has beside those of the folder before, and no longer has.
    """

    folder: str
    papers: int
    sections: int
    came: frozenset[str]
    went: frozenset[str]


def fresh(kind: str) -> str:
    """A name nothing has yet."""
    return f"{kind}-{secrets.token_hex(6)}"


def named_report(data_dir: Path, entry: ReportEntry) -> NamedReport:
    """A report of the index, and its search texts; MissingIndexError where a shard is damaged."""
    texts = read_search_text(data_dir, entry)
    return NamedReport(entry.name, read_parsed(data_dir, entry), texts)


def updated(data_dir: Path, before: str | None, entries: Iterable[ReportEntry]) -> Update:
    """Write what is searched of these reports into a new folder, from what the one before has.

    Only reports that are new, changed or gone are read, and what is of others is linked.

    Raises:
        MissingIndexError: a shard is missing or damaged, or there is no room.
    """
    name = fresh("lexical")
    folder, source = data_dir / name, data_dir / before if before else None
    folder.mkdir()
    if source:
        carry_over(source, folder)
    with Records.changing(folder) as records:
        lexical = LexicalWriter(folder)
        known = {*records.all("SELECT name, sha256, search_text, uploaded FROM reports")}
        now = {(e.name, e.sha256, e.search_text, int(e.is_upload)): e for e in entries}
        went, unsettled, came = set[str](), set[str](), set[str]()
        for report in sorted(name for name, *_ in known - now.keys()):
            records.all("DELETE FROM reports WHERE name = ?", report)
            for (paper,) in records.all(_DROP_PAPERS, report):
                lexical.drop(paper)
                sections = records.all(_DROP_SECTIONS, paper)
                went |= {row for row, _ in sections}
                _gloss(records, (text for _, text in sections), -1)
                unsettled |= forget_names(records, paper)
        for key in sorted(now.keys() - known):
            report, uploaded = named_report(data_dir, now[key]), key[-1]
            records.insert("reports", [key])
            for place, paper in enumerate(report.report.papers):
                if paper.sections:
                    rows, names = _add(records, lexical, report, place, uploaded)
                    came |= rows
                    unsettled |= names
        settle_names(records, unsettled)
        lexical.finish()
        papers = int(records.one("SELECT count(DISTINCT id) FROM papers"))
        count = int(records.one("SELECT count(*) FROM sections"))
    seal(folder, source)
    return Update(name, papers, count, frozenset(came - went), frozenset(went - came))


def carry_over(before: Path, folder: Path) -> None:
    """Begin a folder with all that the one before has, its segments by links."""
    with engine_errors(before):
        shutil.copyfile(before / RECORDS_FILE, folder / RECORDS_FILE)
        for part in PARTS:
            (folder / part).mkdir()
            for path in (before / part).glob("[!.]*"):
                copy = shutil.copyfile if path.name == _META else _link
                copy(path, folder / part / path.name)


def _link(path: Path, target: Path) -> None:
    try:
        target.hardlink_to(path)
    except OSError:  # a file system without links
        shutil.copyfile(path, target)


def _add(
    records: Records, lexical: "LexicalWriter", named: NamedReport, place: int, uploaded: int
) -> tuple[set[str], set[str]]:
    """Write a paper of a report down, and all that it is searched by.

    Returns its rows, and the names that have to be settled.
    """
    number = 1 + (records.one("SELECT max(number) FROM papers") or 0)
    paper, day = named.report.papers[place], named.report.date.toordinal()
    text, sections = named.search_text_of(paper), [*named.sections_of(paper)]
    about = (number, paper.id, paper.title, paper.url, paper.read_from, named.name, place)
    kept = text.model_dump_json() if text else None
    records.insert("papers", [(*about, field_of(paper), day, uploaded, kept)])
    rows = [
        (
            *(PLACES * number + i, number, SECTION_KEYS.index(section.key)),
            *(section.row_id(embedded), len(_NUMBER.findall(section.text))),
            *(section.lines.first, section.lines.last, section.text),
        )
        for i, (section, embedded) in enumerate(sections)
    ]
    records.insert("sections", rows)
    _gloss(records, (section.text for section, _ in sections), 1)
    aliases = text.aliases if text else ()
    names = list(possible_names([section for section, _ in sections], aliases))
    called = dict.fromkeys(name.key for name in names if name.alone or name.shared)
    shared = {"paper": number, "day": day, "names": " ".join(called)}
    own = {section.key: terms_of(section.text) for section, _ in sections}
    # A title counts twice.
    lexical.add(PARTS[:2], shared, terms_of(paper.title, paper.title), own)
    if text:
        written = {key: terms_of(section_text_of(text, key)) for key in own}
        wider = {k: {kind: f"{own[k][kind]} {written[k][kind]}" for kind in KINDS} for k in own}
        head = terms_of(paper.title, paper.title, keywords_of(text))
        lexical.add(PARTS[2:], shared, head, wider)
    return {row[3] for row in rows}, record_names(records, number, names)


def _gloss(records: Records, texts: Iterable[str], sign: int) -> None:
    records.put(_COUNT, [(*pair, sign * n) for pair, n in count_glosses(texts).items()])


class LexicalWriter:
    """Changes the lexical index in a folder that nobody reads yet."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._writers: dict[Part, Any] = {}
        with engine_errors(folder):
            for part in PARTS:
                (folder / part).mkdir(parents=True, exist_ok=True)
                index = tantivy.Index(schema(), path=str(folder / part))
                self._writers[part] = index.writer(heap_size=_MEMORY, num_threads=1)

    def drop(self, paper: int) -> None:
        """Take a paper out, by its number."""
        with engine_errors(self._folder):
            for writer in self._writers.values():
                # `delete_documents_by_term` of tantivy 0.27 finds no numbers.
                writer.delete_documents_by_query(Query.term_query(schema(), "paper", paper))

    def add(
        self,
        parts: Sequence[Part],
        shared: dict[str, Any],
        head: Mapping[Kind, str],
        sections: Mapping[Any, Mapping[Kind, str]],
    ) -> None:
        """Put a paper into a part of sections and one of papers, by the terms of each."""
        of_section, of_paper = parts
        with engine_errors(self._folder):
            for place, (key, terms) in enumerate(sections.items()):
                about = {"number": PLACES * shared["paper"] + place, "key": SECTION_KEYS.index(key)}
                longer = {k: f"{terms[k]}{FILLER[k, of_section]}" for k in KINDS}
                self._put(of_section, shared | about | {"names": ""}, longer)
            whole = {k: " ".join([head[k], *(t[k] for t in sections.values())]) for k in KINDS}
            self._put(of_paper, shared | {"number": shared["paper"]}, whole)

    def _put(self, part: Part, fields: dict[str, Any], terms: Mapping[Kind, str]) -> None:
        document = tantivy.Document.from_dict(fields | {**terms}, schema())
        self._writers[part].add_document(document)

    def finish(self) -> None:
        """Write all of it; the folder then holds the files of live segments alone."""
        for part, writer in self._writers.items():
            with engine_errors(self._folder):
                writer.commit()
                writer.wait_merging_threads()
            meta = (self._folder / part / _META).read_text(encoding="utf-8").replace("-", "")
            for path in (self._folder / part).iterdir():
                segment = path.name.partition(".")[0]
                if path.name != _META and (not segment or segment not in meta):
                    path.unlink()
        self._writers = {}
