"""An index that several machines share, and the right to change one, here and on all of them.

Vectors are in Chroma's server, the reports in the database; from these each machine makes the rest.
"""

import hashlib
import json
import re
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout
from sqlalchemy import Connection, Engine, delete, func, insert, select, text

from chatbot.config import Settings
from chatbot.database.opening import now, opened_database, reading, writing
from chatbot.database.tables import generations, index_files, index_parts
from chatbot.errors import ChatbotError, MissingIndexError, quoted
from chatbot.files import write_atomically
from chatbot.index.storage import (
    FORMAT,
    MANIFEST_FILE,
    SHARDS_FOLDER,
    Manifest,
    holds,
    manifest_of,
    manifest_text,
    read_original,
    shard_files,
    write_shard,
)

_PART = 4 * 2**20
# The newest, and the one before, which readers may still be on.
_KEPT = 2
_NAME = re.compile(r"[\w-]+(/\w[\w.-]*)+")


@dataclass(frozen=True, slots=True)
class SharedIndex:
    """The index in a database, seen from one process."""

    database: Engine

    def newest(self) -> int | None:
        """The number of the generation that is committed; None before the first."""
        with reading(self.database) as connection:
            return connection.execute(select(func.max(generations.c.number))).scalar()

    def fetch(self, data_dir: Path) -> Manifest | None:
        """The generation that is committed, whose reports are then in the data folder.

        Its `lexical` is a folder of the machine that committed it: each makes its own from the
        reports. None where nothing of this format is committed: the reports kept are indexed anew.

        Raises:
            ChatbotError: the database does not answer, the folder cannot be written, or the index
                is not of this version.
        """
        with reading(self.database) as plain:
            connection = plain.execution_options(isolation_level="REPEATABLE READ")
            committed = next(iter(_manifests(connection)), None)
            if committed is None:
                (data_dir / MANIFEST_FILE).unlink(missing_ok=True)
                return None
            named = json.loads(committed)
            if named["format"] > FORMAT:
                raise MissingIndexError(
                    f"the shared index has format {named['format']}, this version reads {FORMAT}; "
                    "update this installation"
                )
            try:
                for name, digest in _files_of(connection, [named]):
                    if not holds(data_dir / name, digest):
                        write_atomically(data_dir / name, _parts_of(connection, name))
                if named["format"] < FORMAT:
                    write_atomically(data_dir / MANIFEST_FILE, committed.encode())
                    return None
            except OSError as error:
                raise _unusable(data_dir, "written", error) from error
        manifest = manifest_of(committed, "the shared index")
        for entry in manifest.reports:
            if not all(path.exists() for path in shard_files(data_dir, entry)):
                write_shard(data_dir, read_original(data_dir, entry.sha256), entry.path)
        return manifest

    def publish(self, data_dir: Path, manifest: Manifest, files: Iterable[Path]) -> None:
        """Commit a generation: its files and then its manifest, in one transaction.

        Raises:
            ChatbotError: the database does not answer, or another process has committed since.
        """
        with writing(self.database) as connection:
            known = dict(connection.execute(select(index_files.c.name, index_files.c.sha256)).all())
            for path in files:
                _keep_file(connection, data_dir, path, known)
            row = {"number": manifest.generation, "manifest": manifest_text(manifest)}
            connection.execute(insert(generations).values(**row, committed=now()))
            # Neither the newest generation names the others, nor the one before.
            named = [json.loads(manifest) for manifest in _manifests(connection)[:_KEPT]]
            kept = {name for name, _ in _files_of(connection, named)}
            for name in set(connection.execute(select(index_files.c.name)).scalars()) - kept:
                connection.execute(delete(index_files).where(index_files.c.name == name))

    @contextmanager
    def superseded(self) -> Iterator[set[str]]:
        """The collections of generations that nobody reads any more, forgotten when it ends."""
        with reading(self.database) as connection:
            named = [json.loads(manifest) for manifest in _manifests(connection)]
        yield {m["collection"] for m in named[_KEPT:]} - {m["collection"] for m in named[:_KEPT]}
        newest = self.newest() or 0
        with writing(self.database) as connection:
            connection.execute(delete(generations).where(generations.c.number <= newest - _KEPT))


def _manifests(connection: Connection) -> list[str]:
    """The manifests that are kept, the newest first."""
    asked = select(generations.c.manifest).order_by(generations.c.number.desc())
    return list(connection.execute(asked).scalars())


def _files_of(connection: Connection, named: Sequence[dict[str, Any]]) -> list[tuple[str, str]]:
    """Name and hash of the files that any of these manifests' reports are kept in."""
    reports = {report["sha256"] for m in named for report in m["reports"]}
    found = []
    for name, digest in connection.execute(select(index_files.c.name, index_files.c.sha256)).all():
        if not _NAME.fullmatch(name):
            raise MissingIndexError(f"the shared index names a file {quoted(name)}; rebuild it")
        folder, _, rest = name.partition("/")  # earlier versions kept more than reports
        if folder == SHARDS_FOLDER and rest.partition(".")[0] in reports:
            found.append((name, digest))
    return found


def _parts_of(connection: Connection, name: str) -> Iterator[bytes]:
    of = index_parts.c
    asked = select(of.data).where(of.name == name).order_by(of.part)
    for data in connection.execution_options(yield_per=1).execute(asked).scalars():
        yield bytes(data)


def _keep_file(connection: Connection, data_dir: Path, path: Path, known: dict[str, str]) -> None:
    name = path.relative_to(data_dir).as_posix()
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
        if known.get(name) == digest:
            return
        connection.execute(delete(index_files).where(index_files.c.name == name))
        kept = {"name": name, "sha256": digest, "size": path.stat().st_size}
        connection.execute(insert(index_files).values(**kept))
        file.seek(0)
        for part, data in enumerate(iter(lambda: file.read(_PART), b"")):
            connection.execute(insert(index_parts).values(name=name, part=part, data=data))


_LOCK = 0x696E67657374  # "ingest"
_ASKED_EVERY = 0.2


@contextmanager
def ingesting(settings: Settings, seconds: float) -> Iterator[SharedIndex | None]:
    """The right to change the index, here and wherever it is shared.

    Without a database it is the data folder's lock alone that counts, and without Chroma's server
    the index is the folder's own, and None is given.

    Raises:
        ChatbotError: another process has the right for longer than `seconds`, or the folder or the
            database cannot be used.
    """
    with (
        shared_index(settings) as shared,
        _on_all_machines(settings, seconds),
        locked_folder(settings.data_dir, seconds),
    ):
        yield shared


@contextmanager
def locked_folder(data_dir: Path, seconds: float) -> Iterator[None]:
    """The right to change the index of a data folder; errors as for `ingesting`."""
    try:
        data_dir.mkdir(parents=True, exist_ok=True)
        with FileLock(data_dir / "ingest.lock", timeout=seconds):
            yield
    except Timeout as error:
        cause = f"another ingest holds {data_dir / 'ingest.lock'}; try again when it is done"
        raise ChatbotError(cause) from error
    except OSError as error:
        raise _unusable(data_dir, "used", error) from error


def _unusable(data_dir: Path, use: str, error: OSError) -> ChatbotError:
    return ChatbotError(
        f"{data_dir} cannot be {use} ({error.strerror or error}); "
        "make room or set CHATBOT_DATA_DIR to a folder that can be written"
    )


@contextmanager
def shared_index(settings: Settings) -> Iterator[SharedIndex | None]:
    """The shared index of these settings; None where the data folder's own is used.

    Raises:
        ChatbotError: the database cannot be opened.
    """
    if settings.database_url is None or settings.chroma_url is None:
        yield None
        return
    with opened_database(settings) as database:
        yield SharedIndex(database)


@contextmanager
def _on_all_machines(settings: Settings, seconds: float) -> Iterator[None]:
    if settings.database_url is None:
        yield
        return
    asked, given = "SELECT pg_try_advisory_lock(:key)", {"key": _LOCK}
    until = time.monotonic() + seconds
    with opened_database(settings) as database, reading(database) as plain:
        # Outside of a transaction, which would stay open for as long as the ingest runs.
        connection = plain.execution_options(isolation_level="AUTOCOMMIT")
        while not connection.execute(text(asked), given).scalar():
            if time.monotonic() > until:
                cause = "another ingest holds the database's lock; try again when it is done"
                raise ChatbotError(cause)
            time.sleep(_ASKED_EVERY)
        yield  # Closing the engine ends the connection, and so gives the lock back.
