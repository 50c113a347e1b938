"""The manifest, whose replacement commits a generation, and the sums of each folder it names.

Sums are as `sha256sum -c` reads them.
"""

import hashlib
import json
import os
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

from chatbot.errors import MissingIndexError
from chatbot.files import write_atomically

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
