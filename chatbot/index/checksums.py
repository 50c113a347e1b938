"""What a folder of the index was written as: the sha256 of each file, as `sha256sum -c` reads it.

Reading an index costs no hashing: that the files are there is looked at then, what they hold by
`chatbot doctor`.
"""

import hashlib
import os
from collections.abc import Iterator
from pathlib import Path

from chatbot.errors import MissingIndexError

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
