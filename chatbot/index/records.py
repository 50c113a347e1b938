"""The records of one generation in SQLite, read by need: papers, sections, names, glossary.

The file is written once, as a copy of the generation before with what changed in it, and never
again: readers may share it, whatever is committed meanwhile.
"""

import sqlite3
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from typing import Any, Generic, Self, TypeVar

from chatbot.errors import MissingIndexError

RECORDS_FILE = "records.sqlite3"
# A section's number is that of its paper, times this, and its place there.
PLACES = 8
# A paper stands here once for each report that holds it. `named` holds what may be a paper's name,
# `names` what is one; `glosses` counts pairs of words, and with an empty word on either side how
# often the other is in a pair at all.
_TABLES = """
CREATE TABLE reports (name TEXT PRIMARY KEY, sha256 TEXT, search_text TEXT, uploaded INTEGER);
CREATE TABLE papers (
    number INTEGER PRIMARY KEY, id TEXT, title TEXT, url TEXT, read_from TEXT, report TEXT,
    place INTEGER, field TEXT, day INTEGER, uploaded INTEGER,
    search_text TEXT
);
CREATE INDEX papers_in_order ON papers (day DESC, report DESC, place);
CREATE INDEX papers_by_id ON papers (id, uploaded, day DESC, report DESC);
CREATE INDEX papers_of_report ON papers (report);
CREATE TABLE sections (
    number INTEGER PRIMARY KEY, paper INTEGER, key INTEGER, row TEXT UNIQUE, numbers INTEGER,
    first_line INTEGER, last_line INTEGER, text TEXT
);
CREATE INDEX sections_of_paper ON sections (paper, number, key, numbers);
CREATE TABLE named (
    key TEXT, kind INTEGER, paper INTEGER, place INTEGER, name TEXT, alone INTEGER, shared INTEGER,
    via TEXT, PRIMARY KEY (key, kind, paper, place)
) WITHOUT ROWID;
CREATE INDEX named_by_paper ON named (paper);
CREATE INDEX named_via ON named (via) WHERE kind = 2;
CREATE TABLE names (key TEXT PRIMARY KEY, name TEXT, papers TEXT, sure INTEGER) WITHOUT ROWID;
CREATE TABLE glosses (english TEXT, chinese TEXT, pairs INTEGER, PRIMARY KEY (english, chinese))
    WITHOUT ROWID;
"""

Value = TypeVar("Value")


@dataclass(frozen=True)
class Lookup(Generic[Value]):
    """Values that are looked up one by one, by their keys."""

    get: Callable[[str], Value | None]

    def __getitem__(self, key: str) -> Value:
        if (value := self.get(key)) is None:
            raise KeyError(key)
        return value

    def __contains__(self, key: str) -> bool:
        return self.get(key) is not None


class Records:
    """The database of one generation; threads may share it."""

    def __init__(self, file: Path, *, writing: bool = False) -> None:
        self._file, self._lock = file, Lock()
        self._writing = writing
        mode = "rwc" if writing else "ro&immutable=1"
        with self._errors():
            self._connection = sqlite3.connect(
                f"{file.absolute().as_uri()}?mode={mode}",
                uri=True,
                check_same_thread=False,
                isolation_level=None,
            )

    @classmethod
    def open(cls, folder: Path) -> Self:
        """Those in a folder of the index; MissingIndexError where they are missing or damaged."""
        records = cls(folder / RECORDS_FILE)
        records.all("SELECT name FROM reports LIMIT 1")
        return records

    @classmethod
    @contextmanager
    def changing(cls, folder: Path) -> Iterator[Self]:
        """Those in a folder that nobody reads yet, to be changed; made where there are none."""
        new = not (folder / RECORDS_FILE).exists()
        records = cls(folder / RECORDS_FILE, writing=True)
        try:
            # What is half done when this ends goes with the folder.
            for pragma in ("journal_mode = OFF", "synchronous = OFF", "cache_size = -65536"):
                records.all(f"PRAGMA {pragma}")
            records.all("BEGIN")
            for statement in _TABLES.split(";") if new else ():
                records.all(statement)
            yield records
            records.all("COMMIT")
        finally:
            records.close()

    def all(self, query: str, *values: Any) -> list[tuple[Any, ...]]:
        """The rows that a query gives; MissingIndexError where the file is damaged."""
        with self._errors(), self._lock:
            return self._connection.execute(query, values).fetchall()

    def one(self, query: str, *values: Any) -> Any:
        """The first value of the first row, or None."""
        return next((row[0] for row in self.all(query, *values)), None)

    def put(self, query: str, rows: Iterable[tuple[Any, ...]]) -> None:
        """Run a statement once for each row of values."""
        with self._errors(), self._lock:
            self._connection.executemany(query, rows)

    def insert(self, table: str, rows: Sequence[tuple[Any, ...]]) -> None:
        """Add whole rows to a table."""
        if rows:
            self.put(f"INSERT INTO {table} VALUES ({marks(len(rows[0]))})", rows)  # noqa: S608

    def close(self) -> None:
        """Let the file go."""
        self._connection.close()

    @contextmanager
    def _errors(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            advice = "make room" if self._writing else "run 'chatbot ingest --rebuild'"
            raise MissingIndexError(f"{self._file} cannot be used ({error}); {advice}") from error


def marks(count: int) -> str:
    """As many placeholders for values."""
    return ", ".join("?" * count)
