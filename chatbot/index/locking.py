"""The right to change an index: of a data folder's processes, and of all that share a database.

The database's lock ends with its connection, so that one who is killed, or whose machine is gone,
holds nothing. SQLAlchemy is imported only where there is a database.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from filelock import FileLock, Timeout

from chatbot.config import Settings
from chatbot.errors import ChatbotError

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from chatbot.index.sharing import SharedIndex

_LOCK = 0x696E67657374  # "ingest"
_ASKED_EVERY = 0.2


@contextmanager
def ingesting(settings: Settings, seconds: float) -> Iterator["SharedIndex | None"]:
    """The right to change the index, here and wherever it is shared; it is up to date then.

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
        if shared:
            shared.fetch(settings.data_dir)
        yield shared


@contextmanager
def locked_folder(data_dir: Path, seconds: float) -> Iterator[None]:
    """The right to change the index of a data folder.

    Raises:
        ChatbotError: another process has it for longer than `seconds`, or the folder cannot be
            used.
    """
    try:
        data_dir.mkdir(parents=True, exist_ok=True)
        lock = FileLock(data_dir / "ingest.lock", timeout=seconds)
        with lock:
            yield
    except Timeout as error:
        raise ChatbotError(
            f"another ingest holds {data_dir / 'ingest.lock'}; try again when it is done"
        ) from error
    except OSError as error:
        raise ChatbotError(
            f"{data_dir} cannot be used ({error.strerror or error}); "
            "make room or set CHATBOT_DATA_DIR to a folder that can be written"
        ) from error


@contextmanager
def shared_index(settings: Settings) -> Iterator["SharedIndex | None"]:
    """The shared index of these settings; None where the data folder's own is used.

    Raises:
        ChatbotError: the database cannot be opened.
    """
    if settings.database_url is None or settings.chroma_url is None:
        yield None
        return
    from chatbot.index.sharing import SharedIndex

    with _opened(settings) as database:
        yield SharedIndex(database)


@contextmanager
def _on_all_machines(settings: Settings, seconds: float) -> Iterator[None]:
    if settings.database_url is None:
        yield
        return
    from sqlalchemy import text

    from chatbot.storage.opening import reading

    asked, given = "SELECT pg_try_advisory_lock(:key)", {"key": _LOCK}
    until = time.monotonic() + seconds
    with _opened(settings) as database, reading(database) as plain:
        # Outside of a transaction, which would stay open for as long as the ingest runs.
        connection = plain.execution_options(isolation_level="AUTOCOMMIT")
        while not connection.execute(text(asked), given).scalar():
            if time.monotonic() > until:
                raise ChatbotError(
                    "another ingest holds the database's lock; try again when it is done"
                )
            time.sleep(_ASKED_EVERY)
        yield  # Closing the engine ends the connection, and so gives the lock back.


@contextmanager
def _opened(settings: Settings) -> Iterator["Engine"]:
    from chatbot.storage.opening import open_database

    database = open_database(settings)
    try:
        yield database
    finally:
        database.dispose()
