"""Files: written whole or not at all, and JSONL cut into its lines."""

import contextlib
import os
from collections.abc import Iterable, Iterator
from pathlib import Path


def write_atomically(path: Path, data: bytes | Iterable[bytes], *, mode: int = 0o666) -> None:
    """Write a file so that a reader sees all of it or none, and that it is there to stay.

    What is given in parts is written part by part. As with a new file, the process's umask limits
    the `mode`. Of what cannot be written (`OSError`) nothing is left behind.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f"{path.name}.{os.getpid()}.tmp")
    try:
        temporary.touch(mode)
        with temporary.open("wb") as file:
            for part in [data] if isinstance(data, bytes) else data:
                file.write(part)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except OSError:
        with contextlib.suppress(OSError):
            temporary.unlink()
        raise
    if hasattr(os, "O_DIRECTORY"):  # only where folders can be opened
        folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(folder)  # brings the new name to the disk too
        finally:
            os.close(folder)


def json_lines(text: str) -> Iterator[tuple[int, str]]:
    """The lines of JSONL that are not blank, each with its number from 1.

    Not `str.splitlines`: it also splits at U+2028, U+0085 and others that a JSON string may hold.
    """
    for number, line in enumerate(text.split("\n"), 1):
        if line.strip():
            yield number, line
