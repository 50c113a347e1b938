"""The manifest: one small file whose replacement commits a new generation of the index.

Everything else in the data folder is written once under a name of its own and read only if the
manifest names it, so a process killed at any moment leaves the old index or the new one.
"""

import json
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
