"""`ingest` and `remove_report`: which report files are new, changed or gone; a new generation."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from chatbot.config import Settings
from chatbot.errors import ChatbotError, MissingIndexError, ReportError, quoted
from chatbot.guardrails.limits import MOST_REPORTS, read_report_bytes
from chatbot.index.embeddings import model_fingerprint
from chatbot.index.generation import Commit, Progress, commit_generation, sweep_folder
from chatbot.index.storage.manifest import Manifest, ReportEntry, read_manifest, salvage_reports
from chatbot.index.storage.report_store import (
    fingerprint,
    kept_reports,
    read_original,
    write_search_text,
    write_shard,
)
from chatbot.index.storage.sharing import ingesting, locked_folder
from chatbot.index.vectors import what_ails_the_files
from chatbot.reports.parsing import _SUFFIXES, Problem, Report, report_files
from chatbot.reports.search_text import enrichment_file, parse_rows


@dataclass
class Changes:
    """The reports after an ingest and how they got there; filled while the files are read."""

    entries: dict[str, ReportEntry]
    added: list[str] = field(default_factory=list)
    updated: list[str] = field(default_factory=list)
    removed: list[str] = field(default_factory=list)
    unchanged: list[str] = field(default_factory=list)
    failed: list[ReportError] = field(default_factory=list)
    problems: list[tuple[str, Problem]] = field(default_factory=list)


def scan(
    data_dir: Path, paths: Sequence[Path], known: Iterable[ReportEntry], *, parse_all: bool
) -> Changes:
    """Read the report files under `paths` and keep a shard of each that is new or changed.

    A folder stands for the reports in it: one indexed from there earlier and no longer found there
    is taken out. Reports from elsewhere stay. With `parse_all`, unchanged files are parsed again.
    """
    changes = Changes({entry.path: entry for entry in known})
    for path in paths:
        if not path.exists():
            changes.failed.append(
                ReportError(str(path), 1, "no such file or folder; check the path")
            )
            continue
        files = report_files(path)
        if not files:
            cause = f"no report in this folder; reports end in {' or '.join(sorted(_SUFFIXES))}"
            changes.failed.append(ReportError(str(path), 1, cause))
        if len(files) > MOST_REPORTS:
            cause = f"more than {MOST_REPORTS} report files, the most; give folders within it"
            changes.failed.append(ReportError(str(path), 1, cause))
            continue
        for file in files:
            _take(changes, data_dir, file, parse=parse_all)
        if path.is_dir():
            _drop_gone(changes, path.resolve())
    return changes


def _take(changes: Changes, data_dir: Path, file: Path, *, parse: bool) -> None:
    where = str(file.resolve())
    try:
        data = read_report_bytes(file)
    except OSError as error:
        changes.failed.append(
            ReportError(str(file), 1, f"cannot be read ({error.strerror}); check the file")
        )
        return
    sha256 = fingerprint(data)
    before = changes.entries.get(where) or _same_content(changes, sha256)
    beside = _search_text_beside(changes, file)
    same_text = before is not None and before.search_text == (fingerprint(beside) if beside else "")
    if before and before.sha256 == sha256 and same_text and not parse:
        changes.unchanged.append(before.name)
        _follow_move(changes, before, where)
        return
    try:
        report = write_shard(data_dir, data, str(file))
    except ReportError as error:
        changes.failed.append(error)
        return
    name = before.name if before else _free_name(changes, file)
    path = before.path if before else where
    search_text = write_search_text(data_dir, sha256, beside) if beside else ""
    changes.entries[path] = ReportEntry(name, path, sha256, search_text)
    (changes.updated if before else changes.added).append(name)
    changes.problems.extend((name, problem) for problem in report.problems)


def _search_text_beside(changes: Changes, file: Path) -> bytes:
    """The search text beside a report; none where there is no such file, or no line of it reads."""
    path = enrichment_file(file)
    try:
        data = path.read_bytes()
        list(parse_rows(data, str(path)))
    except FileNotFoundError:
        return b""
    except OSError as error:
        changes.failed.append(ReportError(str(path), 1, f"cannot be read ({error.strerror})"))
        return b""
    except ReportError as error:
        changes.failed.append(error)
        return b""
    return data


def reparse(changes: Changes, data_dir: Path, entry: ReportEntry, data: bytes) -> Report:
    """Parse a kept copy again, under the entry it has."""
    report = write_shard(data_dir, data, entry.path)
    changes.problems.extend((entry.name, problem) for problem in report.problems)
    return report


def _same_content(changes: Changes, sha256: str) -> ReportEntry | None:
    return next((entry for entry in changes.entries.values() if entry.sha256 == sha256), None)


def _follow_move(changes: Changes, entry: ReportEntry, where: str) -> None:
    """A report found under a new path while its old file is gone was moved."""
    if entry.path != where and not Path(entry.path).exists():
        del changes.entries[entry.path]
        changes.entries[where] = replace(entry, path=where)


def _drop_gone(changes: Changes, folder: Path) -> None:
    for where, entry in list(changes.entries.items()):
        if Path(where).is_relative_to(folder) and not Path(where).exists():
            del changes.entries[where]
            changes.removed.append(entry.name)


def _free_name(changes: Changes, file: Path) -> str:
    """The file's name, with as many folders before it as it takes to be the only one."""
    taken = {entry.name for entry in changes.entries.values()}
    parts = file.resolve().parts
    return next(
        (name for n in range(1, len(parts)) if (name := "/".join(parts[-n:])) not in taken),
        str(file.resolve()),
    )


if TYPE_CHECKING:
    from chatbot.index.storage.sharing import SharedIndex


_LOCK_SECONDS = 60


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


@dataclass(frozen=True, slots=True)
class _State:
    """The committed index as a build finds it; `stale` says why it must be rebuilt, if it must."""

    manifest: Manifest | None
    reports: tuple[ReportEntry, ...]
    stale: str | None = None

    @property
    def generation(self) -> int:
        return self.manifest.generation if self.manifest else 0


def index_is_stale(settings: Settings) -> str | None:
    """Why the committed index cannot serve these settings, or None where it can.

    Where there is none yet the reason is "no index".
    """
    state = _read_state(settings)
    return "no index" if state.manifest is None and state.stale is None else state.stale


def holds_no_report(settings: Settings) -> bool:
    """Whether no report was ever indexed here, or none is left to rebuild an index from."""
    state = _read_state(settings)
    return state.manifest is None and not state.reports


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
    report_progress = progress or _no_progress
    with ingesting(settings, lock_seconds) as shared:
        state = _read_state(settings)
        everything = rebuild or state.stale is not None or state.manifest is None
        report_progress("parse", 0, 1)
        changes = scan(settings.data_dir, paths, state.reports, parse_all=everything)
        if everything:
            _reparse_the_rest(changes, settings.data_dir)
        report_progress("parse", 1, 1)
        unchanged = tuple(changes.entries.values()) == state.reports and not everything
        if unchanged:
            return _result(changes, (), state.manifest, 0)
        return _build(
            settings, state, changes, report_progress, _commit(state, shared, fresh=everything)
        )


def remove_report(
    settings: Settings, name: str, *, progress: Progress | None = None
) -> IngestResult:
    """Take a report out of the index, by its name there or its path.

    Raises:
        ChatbotError: no such report, or as for `ingest`.
    """
    with ingesting(settings, _LOCK_SECONDS) as shared:
        state = _read_state(settings)
        entry = next(
            (e for e in state.reports if name in {e.name, Path(e.name).stem, e.path}), None
        )
        if entry is None:
            known = ", ".join(e.name for e in state.reports) or "none"
            raise ChatbotError(f"no report {quoted(name)} in the index; it holds: {known}")
        changes = Changes(
            {e.path: e for e in state.reports if e is not entry}, removed=[entry.name]
        )
        if state.stale:
            _reparse_the_rest(changes, settings.data_dir)
        commit = _commit(state, shared, fresh=state.stale is not None)
        return _build(settings, state, changes, progress or _no_progress, commit)


def _read_state(settings: Settings) -> _State:
    try:
        manifest = read_manifest(settings.data_dir)
    except MissingIndexError as error:
        reports = salvage_reports(settings.data_dir) or kept_reports(settings.data_dir)
        return _State(None, reports, str(error))
    if manifest is None:
        return _State(None, kept_reports(settings.data_dir))
    if (ails := _what_ails(settings, manifest)) and manifest == read_manifest(settings.data_dir):
        return _State(manifest, manifest.reports, ails)
    if manifest.embedding != settings.embedding:
        why = f"the index was made with embedding {manifest.embedding}, not {settings.embedding}"
        return _State(manifest, manifest.reports, why)
    if settings.embedding != "local" and manifest.fingerprint != model_fingerprint(settings):
        return _State(
            manifest, manifest.reports, f"the model behind {settings.embedding} has changed"
        )
    return _State(manifest, manifest.reports)


def _what_ails(settings: Settings, manifest: Manifest) -> str | None:
    """Why the index could not even be opened; an ingest may just have replaced it, though."""
    for folder in (manifest.lexical, manifest.fitted):
        if not (settings.data_dir / folder).is_dir():
            return f"{settings.data_dir / folder} is gone"
    if settings.chroma_url:
        return None
    return what_ails_the_files(settings.data_dir / manifest.chroma)


def _reparse_the_rest(changes: Changes, data_dir: Path) -> None:
    """Parse the kept copies of reports this ingest did not read from their files."""
    read = {*changes.added, *changes.updated}
    for where, entry in list(changes.entries.items()):
        if entry.name in read:
            continue
        try:
            reparse(changes, data_dir, entry, read_original(data_dir, entry.sha256))
        except MissingIndexError as error:
            changes.failed.append(
                ReportError(entry.path, 1, f"its kept copy is gone ({error}); ingest it again")
            )
            del changes.entries[where]
        except ReportError as error:
            changes.failed.append(error)
            del changes.entries[where]


def _commit(state: _State, shared: "SharedIndex | None", *, fresh: bool) -> Commit:
    """How what is built becomes the index: after the one there is, taking over from it or not."""
    number = (shared.newest() or 0 if shared else state.generation) + 1
    return Commit(number, None if fresh else state.manifest, shared)


def _build(
    settings: Settings, state: _State, changes: Changes, progress: Progress, commit: Commit
) -> IngestResult:
    notices = (f"{state.stale}: rebuilding",) if state.stale else ()
    entries = tuple(changes.entries.values())
    manifest, embedded = commit_generation(settings, entries, commit, progress)
    return _result(changes, notices, manifest, embedded)


def _result(
    changes: Changes, notices: tuple[str, ...], manifest: Manifest | None, embedded: int
) -> IngestResult:
    return IngestResult(
        added=tuple(changes.added),
        updated=tuple(changes.updated),
        removed=tuple(changes.removed),
        unchanged=tuple(changes.unchanged),
        failed=tuple(changes.failed),
        problems=tuple(changes.problems),
        notices=notices,
        papers=manifest.papers if manifest else 0,
        sections=manifest.sections if manifest else 0,
        embedded=embedded,
    )


def bring_up_to_date(settings: Settings, shared: "SharedIndex") -> bool:
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
