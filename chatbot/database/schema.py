"""The tables, and opening the database that holds them."""

import datetime as dt
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import (
    JSON,
    Connection,
    Date,
    DateTime,
    Engine,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    create_engine,
    event,
    text,
)
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.schema import Column

from chatbot.config import Settings
from chatbot.errors import ChatbotError

DATABASE_FILE = "conversations.sqlite3"
_BUSY_SECONDS = 30

metadata = MetaData()

conversations = Table(
    "conversations",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("owner", String(128), nullable=False),
    Column("title", String(200), nullable=False),
    Column("created", DateTime(timezone=True), nullable=False),
    Column("changed", DateTime(timezone=True), nullable=False),
    Index("conversations_by_owner", "owner", "changed"),
)

# `answer` is the JSON of an AnswerRecord; without one, `partial` is what had come when it was
# stopped, and `error` says why it failed, if it did. A question asked anew at the same place is
# another `attempt`: what still comes of the first must not be taken for it.
turns = Table(
    "turns",
    metadata,
    Column(
        "conversation",
        String(32),
        ForeignKey("conversations.id", ondelete="CASCADE"),
        primary_key=True,
    ),
    Column("position", Integer, primary_key=True),
    Column("question", Text, nullable=False),
    Column("asked", DateTime(timezone=True), nullable=False),
    Column("filters", JSON, nullable=False),
    Column("answer", JSON(none_as_null=True)),
    Column("attempt", String(32), nullable=False, unique=True),
    Column("partial", Text, nullable=False, default=""),
    Column("error", Text, nullable=False, default=""),
)

# No foreign key: feedback outlives its conversation. `record` is the JSON of an AnswerRecord,
# `versions` what else the answer was made by.
feedback = Table(
    "feedback",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("owner", String(128), nullable=False),
    Column("created", DateTime(timezone=True), nullable=False),
    Column("verdict", String(8), nullable=False),
    Column("comment", Text, nullable=False),
    Column("conversation", String(32)),
    Column("position", Integer, nullable=False),
    Column("attempt", String(32)),
    Column("question", Text, nullable=False),
    Column("history", JSON, nullable=False),
    Column("record", JSON, nullable=False),
    Column("versions", JSON, nullable=False),
    Index("feedback_by_answer", "owner", "conversation", "position"),
)


# A sign-in on the page: the hash of its token, and what its user's password was then known by.
sessions = Table(
    "sessions",
    metadata,
    Column("token", String(64), primary_key=True),
    Column("owner", String(128), nullable=False),
    Column("stamp", String(64), nullable=False),
    Column("ends", DateTime(timezone=True), nullable=False),
)

# The tokens that models used on a day of UTC.
spending = Table(
    "spending",
    metadata,
    Column("day", Date, primary_key=True),
    Column("tokens", Integer, nullable=False),
)


def open_database(settings: Settings) -> Engine:
    """The database of the data folder, made on first use.

    Raises:
        ChatbotError: it cannot be opened or made.
    """
    path = settings.data_dir / DATABASE_FILE
    try:
        settings.data_dir.mkdir(parents=True, exist_ok=True)
        engine = _sqlite(path)
        metadata.create_all(engine)
        with engine.connect() as connection:
            found = str(connection.execute(text("PRAGMA quick_check(1)")).scalar())
    except (OSError, SQLAlchemyError, UnicodeDecodeError) as error:
        cause = getattr(error, "orig", None) or getattr(error, "strerror", None) or error
        raise _unusable(path, str(cause)) from error
    if found != "ok":
        engine.dispose()
        raise _unusable(path, " ".join(found.split()))
    return engine


def _unusable(path: Path, cause: str) -> ChatbotError:
    return ChatbotError(
        f"{path} cannot be used ({cause}); move it away, or set CHATBOT_DATA_DIR to a folder "
        "that can be written"
    )


@contextmanager
def reading(database: Engine) -> Iterator[Connection]:
    """A connection to read with.

    Raises:
        ChatbotError: the database does not answer.
    """
    with _told(), database.connect() as connection:
        yield connection


@contextmanager
def writing(database: Engine) -> Iterator[Connection]:
    """A transaction, committed at its end.

    Raises:
        ChatbotError: the database does not answer, or what is written does not fit it.
    """
    with _told(), database.begin() as connection:
        yield connection


@contextmanager
def _told() -> Iterator[None]:
    try:
        yield
    except SQLAlchemyError as error:
        cause = getattr(error, "orig", None) or error
        raise ChatbotError(
            f"the saved conversations cannot be used ({cause}); try again, or run 'chatbot doctor'"
        ) from error


def _sqlite(path: Path) -> Engine:
    engine = create_engine(f"sqlite:///{path}", connect_args={"timeout": _BUSY_SECONDS})

    @event.listens_for(engine, "connect")
    def _set_up(connection: object, _record: object) -> None:
        # Readers go on while one writes, and what is confirmed is on disk.
        for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON"):
            connection.execute(f"PRAGMA {pragma}")  # type: ignore[attr-defined]

    return engine


def now() -> dt.datetime:
    """The time as it is stored."""
    return dt.datetime.now(dt.UTC)


def later_than(latest: dt.datetime | None) -> dt.datetime:
    """The time, but after `latest`: a clock that was put back must not turn an order round."""
    if latest is None:
        return now()
    # SQLite keeps no time zone; what is stored is UTC.
    return max(now(), latest.replace(tzinfo=dt.UTC) + dt.timedelta(microseconds=1))
