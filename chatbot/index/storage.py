"""The index on disk: the manifest whose replacement commits, sums of its folders, reports kept.

Sums are as `sha256sum -c` reads them; a report is kept under the sha256 of its bytes.
"""

import hashlib
import json
import os
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

from chatbot.errors import MissingIndexError, ReportError
from chatbot.files import write_atomically
from chatbot.reports.parsing import Report, parse_report
from chatbot.reports.search_text import SearchText, parse_rows

FORMAT = 3
MANIFEST_FILE = "manifest.json"
UPLOADS = "uploads"


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

    @property
    def is_upload(self) -> bool:
        """Whether a visitor brought it, and not who runs this."""
        return Path(self.path).parent.name == UPLOADS


@dataclass(frozen=True, slots=True)
class Manifest:
    """What the current generation consists of.

    `embedding` is the configured kind, `fingerprint` the very embedding. `lexical` and `chroma` are
    folders beside the manifest, `collection` is Chroma's. `papers` are those of all reports.
    `embedded` is the generation whose sections have their vectors there, no more and no fewer; it
    follows when those are made, 0 says that none is known to.
    """

    format: int
    generation: int
    embedding: str
    fingerprint: str
    lexical: str
    chroma: str
    collection: str
    papers: int
    sections: int
    reports: tuple[ReportEntry, ...]
    embedded: int = 0


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
    return manifest_of(data, str(path))


def usable_manifest(data_dir: Path) -> Manifest | None:
    """The committed manifest, or None where there is none that can be read."""
    with suppress(MissingIndexError):
        return read_manifest(data_dir)
    return None


def manifest_of(data: bytes | str, where: str) -> Manifest:
    """A manifest from what `manifest_text` gave; errors as for `read_manifest`."""
    try:
        manifest = _MANIFEST.validate_json(data)
    except ValidationError as error:
        raise MissingIndexError(f"{where} is not a manifest of this version") from error
    if manifest.format != FORMAT:
        cause = f"{where} has format {manifest.format}, this version writes {FORMAT}"
        raise MissingIndexError(cause)
    return manifest


def manifest_text(manifest: Manifest) -> str:
    """A manifest as it is written."""
    return json.dumps(asdict(manifest), ensure_ascii=False, indent=1)


def write_manifest(data_dir: Path, manifest: Manifest) -> None:
    """Commit: replace the manifest in one step."""
    write_atomically(data_dir / MANIFEST_FILE, manifest_text(manifest).encode())


_FILE = "SHA256SUMS"


def seal(folder: Path, before: Path | None = None) -> None:
    """Bring every file of a finished folder to the disk and note its sum.

    After it the folder may be committed: a machine that stops then has it whole. Files that are
    those of a sealed folder `before`, by links, keep the sum they have there.
    """
    known = {p.relative_to(before): (p, digest) for p, digest in _sums(before)} if before else {}
    lines = []
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        name = path.relative_to(folder)
        same, digest = known.get(name, (None, ""))
        if same is None or not path.samefile(same):
            with path.open("rb") as file:
                os.fsync(file.fileno())
                digest = hashlib.file_digest(file, "sha256").hexdigest()
        lines.append(f"{digest}  {name.as_posix()}\n")
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
    """The files of a sealed folder that are gone or altered; errors as for `require_all`."""
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
_REPORTS = TypeAdapter(tuple[ReportEntry, ...])
_REPORT = TypeAdapter(Report)
_ORIGINAL, _PARSED = ".txt", ".parsed-2.json"


def fingerprint(data: bytes) -> str:
    """The name of a report's shard."""
    return hashlib.sha256(data).hexdigest()


def write_shard(data_dir: Path, data: bytes, path: str) -> Report:
    """Parse a report and keep it; returns the parse. ReportError where the bytes are none."""
    report = parse_report(data, path)
    sha256 = fingerprint(data)
    write_atomically(_shard(data_dir, sha256, _ORIGINAL), data)
    write_atomically(_shard(data_dir, sha256, _PARSED), _REPORT.dump_json(report))
    return report


def read_original(data_dir: Path, sha256: str) -> bytes:
    """The bytes of a report as they were when it was indexed; MissingIndexError where gone."""
    return _read(_shard(data_dir, sha256, _ORIGINAL))


def read_parsed(data_dir: Path, entry: ReportEntry) -> Report:
    """The parse of an indexed report; MissingIndexError where it is missing or damaged."""
    path = _shard(data_dir, entry.sha256, _PARSED)
    with _damage_told(path):
        return _REPORT.validate_json(_read(path))


def write_search_text(data_dir: Path, sha256: str, data: bytes) -> str:
    """Keep the search text found beside a report; returns the hash it is kept under."""
    found = fingerprint(data)
    write_atomically(_shard(data_dir, sha256, _search_text(found)), data)
    return found


def read_search_text(data_dir: Path, entry: ReportEntry) -> dict[str, SearchText]:
    """The search texts of its papers, by content hash; errors as for `read_parsed`."""
    if not entry.search_text:
        return {}
    path = _shard(data_dir, entry.sha256, _search_text(entry.search_text))
    with _damage_told(path):
        return {row["content"]: text for row, text in parse_rows(_read(path), str(path))}


def kept_reports(data_dir: Path) -> tuple[ReportEntry, ...]:
    """The reports that there are without a manifest that can be used.

    Those that it names all the same, of whatever format it is; else those that shards are kept of,
    each under the path it was parsed from, the latest where several were. One whose parse cannot be
    read is named after its content.
    """
    with suppress(OSError, ValueError, KeyError, TypeError):
        named: Any = json.loads((data_dir / MANIFEST_FILE).read_bytes())
        if reports := _REPORTS.validate_python(named["reports"]):
            return reports
    found: dict[str, ReportEntry] = {}
    for file in _by_age(data_dir, f"*{_ORIGINAL}"):
        beside = _by_age(data_dir, f"{file.stem}.search-*.jsonl")
        entry = ReportEntry("", "", file.stem, fingerprint(_read(beside[-1])) if beside else "")
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


def _by_age(data_dir: Path, pattern: str) -> list[Path]:
    """The files of shards that a pattern fits, the latest last."""
    return sorted((data_dir / SHARDS_FOLDER).glob(pattern), key=lambda path: path.stat().st_mtime)


def spoilt_shards(data_dir: Path, entries: Iterable[ReportEntry]) -> tuple[str, ...]:
    """The names of the reports whose kept bytes are gone or altered; no rebuild could use those."""
    spoilt = []
    for entry in entries:
        try:
            whole = fingerprint(read_original(data_dir, entry.sha256)) == entry.sha256
            read_parsed(data_dir, entry)
        except MissingIndexError:
            whole = False
        if not whole:
            spoilt.append(entry.name)
    return tuple(spoilt)


def shard_files(data_dir: Path, entry: ReportEntry, *, parsed: bool = True) -> tuple[Path, ...]:
    """The files that a report in the index is kept in, perhaps less what can be made again."""
    beside = [_search_text(entry.search_text)] if entry.search_text else []
    kinds = (_ORIGINAL, *beside, *([_PARSED] if parsed else []))
    return tuple(_shard(data_dir, entry.sha256, kind) for kind in kinds)


def drop_shards(data_dir: Path, keep: Iterable[ReportEntry]) -> None:
    """Delete the files of reports no longer in the index, and what a killed process left."""
    kept = {path for entry in keep for path in shard_files(data_dir, entry)}
    for path in set((data_dir / SHARDS_FOLDER).glob("*")) - kept:
        path.unlink(missing_ok=True)


def _shard(data_dir: Path, sha256: str, kind: str) -> Path:
    return data_dir / SHARDS_FOLDER / f"{sha256}{kind}"


def _search_text(found: str) -> str:
    return f".search-{found[:_SHORT]}.jsonl"


@contextmanager
def _damage_told(path: Path) -> Iterator[None]:
    try:
        yield
    except (ValidationError, ReportError) as error:
        raise MissingIndexError(f"{path} is damaged; run 'chatbot ingest --rebuild'") from error


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        cause = f"{path} cannot be read ({error.strerror}); run 'chatbot ingest --rebuild'"
        raise MissingIndexError(cause) from error
