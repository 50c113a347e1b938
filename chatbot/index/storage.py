"""The index on disk: the manifest whose replacement commits, sums of its folders, reports kept.

Sums are as `sha256sum -c` reads them; a report is kept under the sha256 of its bytes.
"""

import hashlib
import json
import os
from collections import Counter
from collections.abc import Collection, Iterable, Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

from chatbot.errors import MissingIndexError, ReportError
from chatbot.files import write_atomically
from chatbot.reports.parsing import Report, parse_report
from chatbot.reports.search_text import SearchText, parse_rows
from chatbot.text.terms import bigrams, words

FORMAT = 2
MANIFEST_FILE = "manifest.json"


@dataclass(frozen=True, slots=True)
class ReportEntry:
    """A report in the index.

    Its name there, where it was read from, the sha256 of its bytes, and that of the search text
    that was beside it ("" where there was none).
    """

    name: str
    path: str
    sha256: str
    search_text: str = ""


@dataclass(frozen=True, slots=True)
class Manifest:
    """What the current generation consists of.

    `embedding` is the configured kind, `fingerprint` the very embedding, `fitted_on` the number of
    sections it was fitted on (0: not fitted). `fitted`, `lexical` and `chroma` are folders beside
    the manifest, `collection` is Chroma's. `corpus` is a hash of all live rows.
    """

    format: int
    generation: int
    embedding: str
    fingerprint: str
    fitted_on: int
    fitted: str
    lexical: str
    chroma: str
    collection: str
    corpus: str
    papers: int
    sections: int
    reports: tuple[ReportEntry, ...]


# Making it takes fifty times as long as reading with it, which every question does.
_MANIFEST = TypeAdapter(Manifest)


def read_manifest(data_dir: Path) -> Manifest | None:
    """The committed manifest, or None where there is none.

    Raises:
        MissingIndexError: it is there and cannot be read, or is of another format.
    """
    path = data_dir / MANIFEST_FILE
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise MissingIndexError(f"{path} cannot be read: {error.strerror}") from error
    try:
        manifest = _MANIFEST.validate_json(data)
    except ValidationError as error:
        raise MissingIndexError(f"{path} is not a manifest of this version") from error
    if manifest.format != FORMAT:
        raise MissingIndexError(
            f"{path} has format {manifest.format}, this version writes {FORMAT}"
        )
    return manifest


def salvage_reports(data_dir: Path) -> tuple[ReportEntry, ...]:
    """The reports named by a manifest of any format, as far as they can be made out."""
    try:
        found: Any = json.loads((data_dir / MANIFEST_FILE).read_bytes())
        return TypeAdapter(tuple[ReportEntry, ...]).validate_python(found["reports"])
    except (OSError, ValueError, KeyError, TypeError):
        return ()


def manifest_text(manifest: Manifest) -> str:
    """A manifest as it is written."""
    return json.dumps(asdict(manifest), ensure_ascii=False, indent=1)


def write_manifest(data_dir: Path, manifest: Manifest) -> None:
    """Commit: replace the manifest in one step."""
    write_atomically(data_dir / MANIFEST_FILE, manifest_text(manifest).encode())


_FILE = "SHA256SUMS"


def seal(folder: Path) -> None:
    """Bring every file of a finished folder to the disk and note its sum.

    After it the folder may be committed: a machine that stops then has it whole.
    """
    lines = []
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        with path.open("rb") as file:
            os.fsync(file.fileno())
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        lines.append(f"{digest}  {path.relative_to(folder).as_posix()}\n")
    (folder / _FILE).write_text("".join(lines), encoding="utf-8")


def require_all(folder: Path) -> None:
    """Check that no file of a sealed folder is gone; one without sums is taken as it is.

    Raises:
        MissingIndexError: one is, or the sums cannot be read.
    """
    for path, _ in _sums(folder):
        if not path.exists():
            raise MissingIndexError(f"{path} is gone; run 'chatbot ingest --rebuild'")


def altered(folder: Path) -> tuple[Path, ...]:
    """The files of a sealed folder that are gone or no longer hold what was written.

    Raises:
        MissingIndexError: the sums cannot be read.
    """
    return tuple(path for path, digest in _sums(folder) if not holds(path, digest))


def holds(path: Path, digest: str) -> bool:
    """Whether a file is there and has this sha256."""
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest() == digest
    except OSError:
        return False


def _sums(folder: Path) -> Iterator[tuple[Path, str]]:
    try:
        text = (folder / _FILE).read_text(encoding="utf-8")
    except FileNotFoundError:
        return
    except (OSError, UnicodeDecodeError) as error:
        cause = f"{folder / _FILE} cannot be read; run 'chatbot ingest --rebuild'"
        raise MissingIndexError(cause) from error
    for line in text.splitlines():
        digest, _, name = line.partition("  ")
        yield folder / name, digest


SHARDS_FOLDER = "reports"
_SHORT = 16
_REPORT = TypeAdapter(Report)
_TERMS = TypeAdapter(list[tuple[str, str]])
_VERSION = "2"


@dataclass(frozen=True, slots=True)
class Terms:
    """The words and bigrams of one section."""

    words: list[str]
    bigrams: list[str]


def fingerprint(data: bytes) -> str:
    """The name of a report's shard."""
    return hashlib.sha256(data).hexdigest()


def write_shard(data_dir: Path, data: bytes, path: str) -> Report:
    """Parse a report and keep it; returns the parse.

    Raises:
        ReportError: the bytes are not a report.
    """
    report = parse_report(data, path)
    stem = data_dir / SHARDS_FOLDER / fingerprint(data)
    cut = [
        [" ".join(words(section.text)), " ".join(bigrams(section.text))]
        for paper in report.papers
        for section in paper.sections
    ]
    write_atomically(stem.with_suffix(".txt"), data)
    write_atomically(
        stem.with_suffix(f".terms-{_VERSION}.json"), json.dumps(cut, ensure_ascii=False).encode()
    )
    write_atomically(stem.with_suffix(f".parsed-{_VERSION}.json"), _REPORT.dump_json(report))
    return report


def read_original(data_dir: Path, sha256: str) -> bytes:
    """The bytes of a report as they were when it was indexed.

    Raises:
        MissingIndexError: the copy is gone.
    """
    return _read(data_dir / SHARDS_FOLDER / f"{sha256}.txt")


def read_parsed(data_dir: Path, entry: ReportEntry) -> Report:
    """The parse of an indexed report.

    Raises:
        MissingIndexError: the shard is missing or damaged.
    """
    path = data_dir / SHARDS_FOLDER / f"{entry.sha256}.parsed-{_VERSION}.json"
    try:
        return _REPORT.validate_json(_read(path))
    except ValidationError as error:
        raise MissingIndexError(f"{path} is damaged; run 'chatbot ingest --rebuild'") from error


def read_terms(data_dir: Path, entry: ReportEntry) -> list[Terms]:
    """The terms of an indexed report's sections, in the order of its parse.

    Raises:
        MissingIndexError: the shard is missing or damaged.
    """
    path = data_dir / SHARDS_FOLDER / f"{entry.sha256}.terms-{_VERSION}.json"
    try:
        return [Terms(w.split(), b.split()) for w, b in _TERMS.validate_json(_read(path))]
    except ValueError as error:
        raise MissingIndexError(f"{path} is damaged; run 'chatbot ingest --rebuild'") from error


def write_search_text(data_dir: Path, sha256: str, data: bytes) -> str:
    """Keep the search text found beside a report; returns the hash it is kept under."""
    found = fingerprint(data)
    write_atomically(_search_text_file(data_dir, sha256, found), data)
    return found


def read_search_text(data_dir: Path, entry: ReportEntry) -> dict[str, SearchText]:
    """The search texts of an indexed report's papers, by content hash.

    Raises:
        MissingIndexError: the shard is missing or damaged.
    """
    if not entry.search_text:
        return {}
    path = _search_text_file(data_dir, entry.sha256, entry.search_text)
    try:
        return {row["content"]: text for row, text in parse_rows(_read(path), str(path))}
    except ReportError as error:
        raise MissingIndexError(f"{path} is damaged; run 'chatbot ingest --rebuild'") from error


def kept_reports(data_dir: Path) -> tuple[ReportEntry, ...]:
    """The reports that shards are kept of, for when no manifest names them.

    Each under the path it was parsed from, the latest where several were; one whose parse cannot be
    read is named after its content.
    """
    found: dict[str, ReportEntry] = {}
    for file in sorted(
        (data_dir / SHARDS_FOLDER).glob("*.txt"), key=lambda kept: kept.stat().st_mtime
    ):
        entry = ReportEntry("", "", file.stem, _kept_search_text(file))
        try:
            path = str(Path(read_parsed(data_dir, entry).path).absolute())
        except MissingIndexError:
            path = str(data_dir / f"{file.stem[:_SHORT]}.txt")
        found[path] = replace(entry, path=path)
    names = Counter(Path(path).name for path in found)
    return tuple(
        replace(entry, name=path if names[Path(path).name] > 1 else Path(path).name)
        for path, entry in sorted(found.items())
    )


def _kept_search_text(file: Path) -> str:
    """The hash of the search text kept beside a shard's bytes, the latest; "" where none is."""
    beside = sorted(
        file.parent.glob(f"{file.stem}.search-*.jsonl"), key=lambda p: p.stat().st_mtime
    )
    return fingerprint(_read(beside[-1])) if beside else ""


def spoilt_shards(data_dir: Path, entries: Iterable[ReportEntry]) -> tuple[str, ...]:
    """The names of the reports whose kept bytes are gone or altered; no rebuild could use those."""
    spoilt = []
    for entry in entries:
        try:
            whole = fingerprint(read_original(data_dir, entry.sha256)) == entry.sha256
            read_terms(data_dir, entry)
        except MissingIndexError:
            whole = False
        if not whole:
            spoilt.append(entry.name)
    return tuple(spoilt)


def shard_files(data_dir: Path, entry: ReportEntry) -> tuple[Path, ...]:
    """The files that a report in the index is kept in."""
    folder = data_dir / SHARDS_FOLDER
    kinds = (".txt", f".terms-{_VERSION}.json", f".parsed-{_VERSION}.json")
    files = [folder / f"{entry.sha256}{kind}" for kind in kinds]
    if entry.search_text:
        files.append(_search_text_file(data_dir, entry.sha256, entry.search_text))
    return tuple(files)


def drop_shards(data_dir: Path, keep: Collection[ReportEntry]) -> None:
    """Delete the files of reports no longer in the index, and what a killed process left."""
    reports = {entry.sha256 for entry in keep}
    texts = {_search_text_file(data_dir, e.sha256, e.search_text).name for e in keep}
    for path in (data_dir / SHARDS_FOLDER).glob("*"):
        gone = path.name.partition(".")[0] not in reports or path.suffix == ".tmp"
        if gone or (path.suffix == ".jsonl" and path.name not in texts):
            path.unlink(missing_ok=True)


def _search_text_file(data_dir: Path, sha256: str, found: str) -> Path:
    return data_dir / SHARDS_FOLDER / f"{sha256}.search-{found[:16]}.jsonl"


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        cause = f"{path} cannot be read ({error.strerror}); run 'chatbot ingest --rebuild'"
        raise MissingIndexError(cause) from error
