"""`ingest` and `remove_report`: report files to a new generation of the index.

Incremental, and committed in one step: a process killed at any moment leaves the old index or the
new one, and rubbish that the next ingest sweeps up.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from chatbot.config import Settings
from chatbot.corpus import Problem
from chatbot.errors import ChatbotError, MissingIndexError, ReportError, quoted
from chatbot.index.embeddings import model_fingerprint
from chatbot.index.generation import Commit, Progress, commit_generation
from chatbot.index.locking import ingesting, locked_folder
from chatbot.index.manifest import Manifest, ReportEntry, read_manifest, salvage_reports
from chatbot.index.shards import kept_reports, read_original
from chatbot.index.sources import Changes, reparse, scan
from chatbot.index.sweeping import sweep_folder
from chatbot.index.vectors import what_ails_the_files

if TYPE_CHECKING:
    from chatbot.index.sharing import SharedIndex

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
