"""Which report files an ingest is about, and what became of each."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice
from pathlib import Path

from chatbot.corpus import Problem, Report
from chatbot.errors import ReportError
from chatbot.index.enrichment import enrichment_file, parse_rows
from chatbot.index.manifest import ReportEntry
from chatbot.index.shards import fingerprint, write_search_text, write_shard
from chatbot.limits import MOST_REPORTS, read_report_bytes

_SUFFIXES = {".txt", ".md"}


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


def report_files(path: Path) -> list[Path]:
    """The report files a path stands for: itself, or those in the folder and below, sorted.

    Beyond `MOST_REPORTS` and one no more are looked for.
    """
    if path.is_file():
        return [path]
    found = (
        file
        for file in path.rglob("*")
        if file.suffix in _SUFFIXES and file.is_file() and not file.name.startswith(".")
    )
    return sorted(islice(found, MOST_REPORTS + 1))


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
