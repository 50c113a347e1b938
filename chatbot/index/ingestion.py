"""`ingest` and `remove_report`: which report files are new, changed or gone; a new generation."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from chatbot.config import Settings
from chatbot.errors import ChatbotError, MissingIndexError, ReportError, quoted
from chatbot.guardrails.limits import MOST_REPORTS, read_report_bytes
from chatbot.index.embeddings import model_fingerprint
from chatbot.index.generation import Commit, Progress, commit_generation, sweep_folder
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


@dataclass(frozen=True, slots=True)
class _Changes:
    """The reports as far as they have been gone through, by path, and what became of each."""

    entries: Mapping[str, ReportEntry]
    result: IngestResult = IngestResult()

    def plus(self, entry: ReportEntry | None = None, **became: Iterable[Any]) -> "_Changes":
        """These changes and one more: this entry, and what is to be added to the result."""
        entries = {**self.entries, entry.path: entry} if entry else self.entries
        grown: Any = {name: (*getattr(self.result, name), *more) for name, more in became.items()}
        return _Changes(entries, replace(self.result, **grown))

    def without(self, path: str) -> "_Changes":
        """These changes less the report of a path."""
        return replace(self, entries={w: e for w, e in self.entries.items() if w != path})

    def failing(self, path: Path, cause: str) -> "_Changes":
        """These changes and a file or folder that cannot be used."""
        return self.plus(failed=[ReportError(str(path), 1, cause)])

    def telling(self, name: str, report: Report) -> "_Changes":
        """These changes and what is to be said of a report: which papers it lost, and the rest."""
        lost = [ReportError(report.path, p.line, p.message) for p in report.problems if p.fatal]
        return self.plus(failed=lost, problems=[(name, p) for p in report.problems if not p.fatal])


def _scan(
    data_dir: Path, paths: Sequence[Path], known: Iterable[ReportEntry], *, parse_all: bool
) -> _Changes:
    """Read the report files under `paths` and keep a shard of each that is new or changed.

    A folder stands for the reports in it: one indexed from there earlier and no longer found there
    is taken out. Reports from elsewhere stay. With `parse_all`, unchanged files are parsed again.
    """
    changes = _Changes({entry.path: entry for entry in known})
    for path in paths:
        if not path.exists():
            changes = changes.failing(path, "no such file or folder; check the path")
            continue
        files = report_files(path)
        if not files:
            changes = changes.failing(path, f"no report in this folder; reports end in {_ENDINGS}")
        if len(files) > MOST_REPORTS:
            cause = f"more than {MOST_REPORTS} report files, the most; give folders within it"
            changes = changes.failing(path, cause)
            continue
        for file in files:
            changes = _with_file(changes, data_dir, file, parse=parse_all)
        changes = changes.plus(notices=_not_read(path, files))
        folder = path.resolve()
        for where, entry in changes.entries.items() if path.is_dir() else ():
            if Path(where).is_relative_to(folder) and not Path(where).exists():
                changes = changes.without(where).plus(removed=[entry.name])
    return changes


def _not_read(folder: Path, files: Sequence[Path]) -> Iterator[str]:
    """A line on what else is in a folder, and not hidden, than reports and their search text."""
    read = {*files, *map(enrichment_file, files)}
    others = (path for path in folder.rglob("[!.]*") if path not in read and path.is_file())
    inside = (path.relative_to(folder) for path in others)
    left = sorted(quoted(str(p)) for p in inside if not any(part[0] == "." for part in p.parts))
    if left:
        named = ", ".join([*left[:3], "…"] if left[3:] else left)
        yield f"{folder}: {len(left)} not read: {named}; reports end in {_ENDINGS}"


def _with_file(changes: _Changes, data_dir: Path, file: Path, *, parse: bool) -> _Changes:
    where = str(file.resolve())
    try:
        data = read_report_bytes(file)
    except OSError as error:
        return changes.failing(file, f"cannot be read ({error.strerror}); check the file")
    sha256 = fingerprint(data)
    alike = (entry for entry in changes.entries.values() if entry.sha256 == sha256)
    before = changes.entries.get(where) or next(alike, None)
    beside = b""
    try:
        beside, _ = read_beside(file)
    except ReportError as error:
        changes = changes.plus(failed=[error])
    same_text = before is not None and before.search_text == (fingerprint(beside) if beside else "")
    if before and before.sha256 == sha256 and same_text and not parse:
        changes = changes.plus(unchanged=[before.name])
        if before.path != where and not Path(before.path).exists():  # it was moved
            changes = changes.without(before.path).plus(replace(before, path=where))
        return changes
    try:
        report = write_shard(data_dir, data, str(file))
    except ReportError as error:
        return changes.plus(failed=[error])
    name = before.name if before else _free_name(changes, file)
    search_text = write_search_text(data_dir, sha256, beside) if beside else ""
    entry = ReportEntry(name, before.path if before else where, sha256, search_text)
    changes = changes.plus(entry, **{"updated" if before else "added": [name]})
    return changes.telling(name, report)


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
    progress: Progress | None = None,
    lock_seconds: float = _LOCK_SECONDS,
) -> IngestResult:
    """Index the reports under `paths`.

    Files that cannot be parsed are in the result, the others are indexed. While another ingest
    runs, this one waits `lock_seconds` for it.

    Raises:
        ChatbotError: the data folder, a model or Chroma cannot be used, or another ingest runs.
    """
    progress = progress or _no_progress
    with ingesting(settings, lock_seconds) as shared:
        state = _read_state(settings)
        served = None if rebuild or state.stale else state.manifest
        progress("parse", 0, 1)
        changes = _scan(settings.data_dir, paths, state.reports, parse_all=served is None)
        if served is None:
            changes = _with_the_rest(changes, settings.data_dir)
        progress("parse", 1, 1)
        if served and tuple(changes.entries.values()) == state.reports:
            return _result(changes, served)
        commit = _commit(state, shared, served)
        return _build(settings, state, changes, commit, progress)


def remove_report(
    settings: Settings, name: str, *, progress: Progress | None = None
) -> IngestResult:
    """Take a report out of the index, by its name there or its path.

    Raises:
        ChatbotError: no such report, or as for `ingest`.
    """
    with ingesting(settings, _LOCK_SECONDS) as shared:
        state = _read_state(settings)
        named = (e for e in state.reports if name in {e.name, Path(e.name).stem, e.path})
        entry = next(named, None)
        if entry is None:
            known = ", ".join(e.name for e in state.reports) or "none"
            raise ChatbotError(f"no report {quoted(name)} in the index; it holds: {known}")
        changes = _Changes({e.path: e for e in state.reports if e is not entry})
        changes = changes.plus(removed=[entry.name])
        if state.stale:
            changes = _with_the_rest(changes, settings.data_dir)
        commit = _commit(state, shared, None if state.stale else state.manifest)
        return _build(settings, state, changes, commit, progress or _no_progress)


def _read_state(settings: Settings) -> _State:
    try:
        manifest = read_manifest(settings.data_dir)
    except MissingIndexError as error:
        return _State(None, kept_reports(settings.data_dir), str(error))
    if manifest is None:
        return _State(None, kept_reports(settings.data_dir))
    data_dir, stale = settings.data_dir, None
    folders = (data_dir / manifest.lexical, data_dir / manifest.fitted)
    ails = next((f"{folder} is gone" for folder in folders if not folder.is_dir()), None)
    if not ails and not settings.chroma_url:
        ails = what_ails_the_files(data_dir / manifest.chroma)
    # An ingest may just have replaced what cannot be opened.
    if ails and manifest == read_manifest(data_dir):
        stale = ails
    elif manifest.embedding != settings.embedding:
        stale = f"the index was made with embedding {manifest.embedding}, not {settings.embedding}"
    elif settings.embedding != "local" and manifest.fingerprint != model_fingerprint(settings):
        stale = f"the model behind {settings.embedding} has changed"
    return _State(manifest, manifest.reports, stale)


def _with_the_rest(changes: _Changes, data_dir: Path) -> _Changes:
    """Parse the kept copies of reports this ingest did not read from their files."""
    read = {*changes.result.added, *changes.result.updated}
    for where, entry in changes.entries.items():
        if entry.name in read:
            continue
        try:
            report = write_shard(data_dir, read_original(data_dir, entry.sha256), where)
            changes = changes.telling(entry.name, report)
        except MissingIndexError as error:
            cause = f"its kept copy is gone ({error}); ingest it again"
            changes = changes.without(where).failing(Path(where), cause)
        except ReportError as error:
            changes = changes.without(where).plus(failed=[error])
    return changes


def _commit(state: _State, shared: SharedIndex | None, before: Manifest | None) -> Commit:
    number = (shared.newest() if shared else state.manifest and state.manifest.generation) or 0
    return Commit(number + 1, before, shared)


def _build(
    settings: Settings, state: _State, changes: _Changes, commit: Commit, progress: Progress
) -> IngestResult:
    entries = tuple(changes.entries.values())
    manifest, embedded = commit_generation(settings, entries, commit, progress)
    if state.stale:
        changes = changes.plus(notices=[f"{state.stale}: rebuilding"])
    return replace(_result(changes, manifest), embedded=embedded)


def _result(changes: _Changes, manifest: Manifest) -> IngestResult:
    return replace(changes.result, papers=manifest.papers, sections=manifest.sections)


def bring_up_to_date(settings: Settings, shared: SharedIndex) -> bool:
    """Bring a data folder to the shared index's newest generation.

    Returns:
        Whether it was another before.

    Raises:
        ChatbotError: as for `SharedIndex.fetch`, or the folder is being changed by another process.
    """
    with locked_folder(settings.data_dir, _LOCK_SECONDS):
        changed = shared.fetch(settings.data_dir)
        if changed and (manifest := read_manifest(settings.data_dir)):
            sweep_folder(settings.data_dir, manifest)
        return changed


def _no_progress(_stage: str, _done: int, _total: int) -> None:
    """Report to nobody."""
