"""`ingest` and `remove_report`: which report files are new, changed or gone; a new generation."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from chatbot.config import Settings
from chatbot.errors import ChatbotError, MissingIndexError, ReportError, quoted
from chatbot.guardrails.limits import MOST_REPORTS, read_report_bytes
from chatbot.index.embeddings import model_fingerprint
from chatbot.index.generation import (
    Progress,
    commit_generation,
    complete_vectors,
    follow_generation,
    no_progress,
)
from chatbot.index.records import Records
from chatbot.index.sharing import SharedIndex, ingesting, locked_folder
from chatbot.index.storage import (
    Manifest,
    ReportEntry,
    fingerprint,
    kept_reports,
    read_manifest,
    read_original,
    write_search_text,
    write_shard,
)
from chatbot.index.update import Update
from chatbot.index.vectors import what_ails_the_files
from chatbot.reports.parsing import SUFFIXES, Problem, Report, report_files
from chatbot.reports.search_text import enrichment_file, read_beside

_ENDINGS = ", ".join(SUFFIXES)


@dataclass(frozen=True, slots=True)
class IngestResult:
    """What an ingest did, by report name; `notices` are lines the user should see."""

    added: tuple[str, ...] = ()
    updated: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    unchanged: tuple[str, ...] = ()
    failed: tuple[ReportError, ...] = ()
    problems: tuple[tuple[str, Problem], ...] = ()
    notices: tuple[str, ...] = ()
    papers: int = 0
    sections: int = 0
    embedded: int = 0

    def lines(self) -> Iterator[str]:
        """What it did, for people; last what the index holds now."""
        yield from self.notices
        changed = (("added", self.added), ("updated", self.updated), ("removed", self.removed))
        yield from (f"{verb} {name}" for verb, names in changed for name in names)
        yield from (f"{name}:{found.line}: {found.message}" for name, found in self.problems)
        yield from (f"error: {error}" for error in self.failed)
        skipped = f", {len(self.unchanged)} reports unchanged" if self.unchanged else ""
        yield f"{self.papers} papers, {self.sections} sections indexed{skipped}"


class _Changes:
    """The reports as far as they have been gone through, by path, and what became of each."""

    def __init__(self, known: Iterable[ReportEntry]) -> None:
        self.entries = {entry.path: entry for entry in known}
        # By the fields of the result.
        self.became = defaultdict[str, list[Any]](list)

    def fail(self, path: Path, cause: str) -> None:
        """Note a file or folder that cannot be used."""
        self.became["failed"].append(ReportError(str(path), 1, cause))

    def tell(self, name: str, report: Report) -> None:
        """Note what is to be said of a report: which papers it lost, and the rest."""
        for p in report.problems:
            if p.fatal:
                self.became["failed"].append(ReportError(report.path, p.line, p.message))
            else:
                self.became["problems"].append((name, p))


def _scan(data_dir: Path, paths: Sequence[Path], changes: _Changes, *, parse_all: bool) -> None:
    """Read the report files under `paths` and keep a shard of each that is new or changed.

    A folder stands for the reports in it: one indexed from there earlier and no longer found there
    is taken out. Reports from elsewhere stay. With `parse_all`, unchanged files are parsed again.
    """
    for path in paths:
        if not path.exists():
            changes.fail(path, "no such file or folder; check the path")
            continue
        files = report_files(path)
        if not files:
            changes.fail(path, f"no report in this folder; reports end in {_ENDINGS}")
        if len(files) > MOST_REPORTS:
            cause = f"more than {MOST_REPORTS} report files, the most; give folders within it"
            changes.fail(path, cause)
            continue
        for file in files:
            _scan_file(data_dir, file, changes, parse=parse_all)
        changes.became["notices"] += _not_read(path, files)
        folder = path.resolve()
        for where, entry in [*changes.entries.items()] if path.is_dir() else ():
            if Path(where).is_relative_to(folder) and not Path(where).exists():
                del changes.entries[where]
                changes.became["removed"].append(entry.name)


def _not_read(folder: Path, files: Sequence[Path]) -> Iterator[str]:
    """A line on what else is in a folder, and not hidden, than reports and their search text."""
    read = {*files, *map(enrichment_file, files)}
    others = (path for path in folder.rglob("[!.]*") if path not in read and path.is_file())
    inside = (path.relative_to(folder) for path in others)
    left = sorted(quoted(str(p)) for p in inside if not any(part[0] == "." for part in p.parts))
    if left:
        named = ", ".join([*left[:3], "…"] if left[3:] else left)
        yield f"{folder}: {len(left)} not read: {named}; reports end in {_ENDINGS}"


def _scan_file(data_dir: Path, file: Path, changes: _Changes, *, parse: bool) -> None:
    where = str(file.resolve())
    try:
        data = read_report_bytes(file)
    except OSError as error:
        changes.fail(file, f"cannot be read ({error.strerror}); check the file")
        return
    sha256 = fingerprint(data)
    alike = (entry for entry in changes.entries.values() if entry.sha256 == sha256)
    before = changes.entries.get(where) or next(alike, None)
    beside = b""
    try:
        beside, _ = read_beside(file)
    except ReportError as error:
        changes.became["failed"].append(error)
    same_text = before is not None and before.search_text == (fingerprint(beside) if beside else "")
    if before and before.sha256 == sha256 and same_text and not parse:
        changes.became["unchanged"].append(before.name)
        if before.path != where and not Path(before.path).exists():  # it was moved
            del changes.entries[before.path]
            changes.entries[where] = replace(before, path=where)
        return
    try:
        report = write_shard(data_dir, data, str(file))
    except ReportError as error:
        changes.became["failed"].append(error)
        return
    name = before.name if before else _free_name(changes, file)
    search_text = write_search_text(data_dir, sha256, beside) if beside else ""
    place = before.path if before else where
    changes.entries[place] = ReportEntry(name, place, sha256, search_text)
    changes.became["updated" if before else "added"].append(name)
    changes.tell(name, report)


def _free_name(changes: _Changes, file: Path) -> str:
    """The file's name, with as many folders before it as it takes to be the only one."""
    taken = {entry.name for entry in changes.entries.values()}
    parts = file.resolve().parts
    names = ("/".join(parts[-n:]) for n in range(1, len(parts)))
    return next((name for name in names if name not in taken), str(file.resolve()))


_LOCK_SECONDS = 60


@dataclass(frozen=True, slots=True)
class _State:
    """The committed index as a build finds it; `stale` says why it must be rebuilt, if it must."""

    manifest: Manifest | None
    reports: tuple[ReportEntry, ...]
    stale: str | None = None


def index_is_stale(settings: Settings) -> str | None:
    """Why the committed index cannot serve these settings, or None where it can.

    Where there is none yet the reason is "no index".
    """
    state = _read_state(settings)
    return "no index" if state.manifest is None and state.stale is None else state.stale


def known_reports(settings: Settings) -> tuple[ReportEntry, ...] | None:
    """What an index is made again from; None where no report was ever indexed, or none is left."""
    state = _read_state(settings)
    return state.reports if state.manifest or state.reports else None


def ingest(
    settings: Settings,
    paths: Sequence[Path],
    *,
    rebuild: bool = False,
    progress: Progress = no_progress,
    lock_seconds: float = _LOCK_SECONDS,
) -> IngestResult:
    """Index the reports under `paths`, their words and then their vectors.

    Files that cannot be parsed are in the result, the others are indexed. While another ingest
    runs, this one waits `lock_seconds` for it.

    Raises:
        ChatbotError: the data folder, a model or Chroma cannot be used, or another ingest runs.
    """
    how: Any = {"rebuild": rebuild, "progress": progress, "lock_seconds": lock_seconds}
    result, update = index_words(settings, paths, **how)
    return replace(result, embedded=complete_vectors(settings, update, progress))


def index_words(
    settings: Settings,
    paths: Sequence[Path],
    *,
    rebuild: bool = False,
    progress: Progress = no_progress,
    lock_seconds: float = _LOCK_SECONDS,
) -> tuple[IngestResult, Update | None]:
    """As `ingest`, but that vectors are left to `complete_vectors`, with the update returned."""
    update = None
    with ingesting(settings, lock_seconds) as shared:
        state = _read_state(settings, shared)
        served = None if rebuild or state.stale else state.manifest
        progress("parse", 0, 1)
        changes = _Changes(state.reports)
        _scan(settings.data_dir, paths, changes, parse_all=served is None)
        if served is None:
            _parse_the_rest(settings.data_dir, changes)
        progress("parse", 1, 1)
        entries = tuple(changes.entries.values())
        if served is None or entries != state.reports:
            update = commit_generation(settings, entries, served, shared, progress)
        return _result(settings.data_dir, state, changes, update), update


def remove_report(
    settings: Settings, name: str, *, progress: Progress = no_progress
) -> IngestResult:
    """Take a report out of the index, by its name there or its path.

    Raises:
        ChatbotError: no such report, or as for `ingest`.
    """
    with ingesting(settings, _LOCK_SECONDS) as shared:
        state = _read_state(settings, shared)
        named = (e for e in state.reports if name in {e.name, Path(e.name).stem, e.path})
        entry = next(named, None)
        if entry is None:
            known = ", ".join(e.name for e in state.reports) or "none"
            raise ChatbotError(f"no report {quoted(name)} in the index; it holds: {known}")
        changes = _Changes(e for e in state.reports if e is not entry)
        changes.became["removed"].append(entry.name)
        if state.stale:
            _parse_the_rest(settings.data_dir, changes)
        served, entries = None if state.stale else state.manifest, tuple(changes.entries.values())
        update = commit_generation(settings, entries, served, shared, progress)
        result = _result(settings.data_dir, state, changes, update)
    return replace(result, embedded=complete_vectors(settings, update, progress))


def _read_state(settings: Settings, shared: SharedIndex | None = None) -> _State:
    if shared:
        follow_generation(settings, shared)
    data_dir, manifest, stale = settings.data_dir, None, None
    try:
        manifest = read_manifest(data_dir)
    except MissingIndexError as error:
        stale = str(error)
    if manifest is None:
        return _State(None, kept_reports(data_dir), stale)
    folder = data_dir / manifest.lexical
    ails = None if folder.is_dir() else f"{folder} is gone"
    if not ails and not settings.chroma_url:
        ails = what_ails_the_files(data_dir / manifest.chroma)
    # An ingest may just have replaced what cannot be opened.
    if ails and manifest == read_manifest(data_dir):
        stale = ails
    elif manifest.embedding != settings.embedding:
        stale = f"the index was made with embedding {manifest.embedding}, not {settings.embedding}"
    elif manifest.fingerprint != model_fingerprint(settings):
        stale = f"the model behind {settings.embedding} has changed"
    return _State(manifest, manifest.reports, stale)


def _parse_the_rest(data_dir: Path, changes: _Changes) -> None:
    """Parse the kept copies of reports this ingest did not read from their files."""
    read = {*changes.became["added"], *changes.became["updated"]}
    for where, entry in [*changes.entries.items()]:
        if entry.name in read:
            continue
        try:
            report = write_shard(data_dir, read_original(data_dir, entry.sha256), where)
            changes.tell(entry.name, report)
        except MissingIndexError as error:
            del changes.entries[where]
            changes.fail(Path(where), f"its kept copy is gone ({error}); ingest it again")
        except ReportError as error:
            del changes.entries[where]
            changes.became["failed"].append(error)


def _result(
    data_dir: Path, state: _State, changes: _Changes, update: Update | None
) -> IngestResult:
    became = changes.became
    if update:
        came = (*became["added"], *became["updated"])
        became["notices"] += [f"{state.stale}: rebuilding"] if state.stale else []
        became["notices"] += _also_elsewhere(data_dir / update.folder, came)
    held = update or state.manifest
    papers, sections = (held.papers, held.sections) if held else (0, 0)
    done: Any = {field: tuple(what) for field, what in became.items()}
    return IngestResult(**done, papers=papers, sections=sections)


def _also_elsewhere(folder: Path, reports: Iterable[str]) -> Iterator[str]:
    """A line for each report that came whose papers stand in others too."""
    records = Records.open(folder)
    for report in reports:
        found = [f"{paper} in {other}" for paper, other in records.all(_ELSEWHERE, report)]
        if found:
            named = ", ".join([*found[:_NAMED], "…"] if found[_NAMED:] else found)
            kept = "papers that stand in other reports too, all kept as each has them"
            yield f"{report}: {kept}: {named}"


_NAMED = 3
_ELSEWHERE = """
SELECT mine.id, other.report FROM papers mine JOIN papers other ON other.id = mine.id
WHERE mine.report = ? AND other.report != mine.report ORDER BY mine.place, other.report
"""


def bring_up_to_date(settings: Settings, shared: SharedIndex) -> bool:
    """As `follow_generation`, under the folder's lock; ChatbotError where others keep it."""
    with locked_folder(settings.data_dir, _LOCK_SECONDS):
        return follow_generation(settings, shared)
