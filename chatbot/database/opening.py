"""Opening the database, SQLite or PostgreSQL, bringing it to this version; the tokens spent."""

import datetime as dt
import uuid
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Connection, Engine
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import ArgumentError, SQLAlchemyError

from chatbot.config import Settings
from chatbot.database.tables import metadata, spending
from chatbot.errors import ChatbotError, ConfigurationError

# The newest of `migrations/versions`; a test compares. alembic is imported only where it has work.
NEWEST = "0002"
# What databases from before the first of them say, or of which builds before alembic say nothing.
_BEFORE = (None, "0001")
_FOLDER = Path(__file__).parent / "migrations"
_LOCK = 0x7061706572  # "paper": one process migrates, the others wait for it


def migrate(database: Engine) -> None:
    """Bring a database to this version, in one transaction; a new one is made.

    Raises:
        ChatbotError: the database was written by a newer version.
        SQLAlchemyError: it cannot be read or written.
    """
    with database.connect() as connection:
        if _version(connection) == NEWEST:
            return
    from alembic import command
    from alembic.config import Config
    from alembic.script import ScriptDirectory

    known = {script.revision for script in ScriptDirectory(str(_FOLDER)).walk_revisions()}
    with database.connect() as connection:
        if connection.dialect.name == "postgresql":
            connection.execute(sa.text("SELECT pg_advisory_xact_lock(:key)"), {"key": _LOCK})
        else:
            connection.exec_driver_sql("BEGIN IMMEDIATE")
        version = _version(connection)
        if version not in {*known, *_BEFORE}:
            raise ChatbotError(
                f"the database is of a newer version ({version}; this one knows {NEWEST}); update "
                "this installation"
            )
        config = Config(attributes={"connection": connection})
        config.set_main_option("script_location", str(_FOLDER).replace("%", "%%"))
        if version in _BEFORE:
            _complete(connection)
            command.stamp(config, "head", purge=True)
        else:
            command.upgrade(config, "head")
        connection.commit()


def _complete(connection: Connection) -> None:
    """Make the tables that are missing; those there are get the columns of later builds, empty."""
    from alembic.migration import MigrationContext
    from alembic.operations import Operations

    change, found = Operations(MigrationContext.configure(connection)), sa.inspect(connection)
    for table in metadata.sorted_tables:
        if not found.has_table(table.name):
            table.create(connection)
            continue
        has = {column["name"] for column in found.get_columns(table.name)}
        for column in (column for column in table.columns if column.name not in has):
            empty = None if column.nullable else ""
            kind, nullable = column.type, column.nullable
            added = sa.Column(column.name, kind, nullable=nullable, server_default=empty)
            change.add_column(table.name, added)
            if column.unique:  # each attempt needs a name of its own
                key = list(table.primary_key.columns)
                for row in connection.execute(sa.select(*key)).all():
                    same = [part == value for part, value in zip(key, row, strict=True)]
                    own = {column.name: uuid.uuid4().hex}
                    connection.execute(table.update().where(*same).values(own))
                name = f"{table.name}_{column.name}"
                change.create_index(name, table.name, [column.name], unique=True)


def _version(connection: Connection) -> str | None:
    if not sa.inspect(connection).has_table("alembic_version"):
        return None
    return connection.execute(sa.text("SELECT version_num FROM alembic_version")).scalar()


DATABASE_FILE = "conversations.sqlite3"
_BUSY_SECONDS = 30
_POOL, _POOL_MORE = 10, 30
# A machine that is gone is noticed after two minutes, and what it held is free again.
_CONNECTION = {
    "connect_timeout": 10,
    "application_name": "paper-chatbot",
    "options": "-c timezone=utc -c tcp_keepalives_idle=60 -c tcp_keepalives_interval=15 "
    "-c tcp_keepalives_count=4",
    "keepalives_idle": 60,
    "keepalives_interval": 15,
    "keepalives_count": 4,
}


def open_database(settings: Settings) -> Engine:
    """The database, made on first use and brought to this version.

    Raises:
        ChatbotError: it cannot be opened or made, or is of a newer version.
    """
    if settings.database_url is None:
        return _open_sqlite(settings.data_dir / DATABASE_FILE)
    return _open_postgresql(settings.database_url.get_secret_value())


@contextmanager
def opened_database(settings: Settings) -> Iterator[Engine]:
    """The same, for as long as the context lasts."""
    database = open_database(settings)
    try:
        yield database
    finally:
        database.dispose()


def _open_sqlite(path: Path) -> Engine:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        engine = sa.create_engine(f"sqlite:///{path}", connect_args={"timeout": _BUSY_SECONDS})

        @sa.event.listens_for(engine, "connect")
        def _set_up(connection: Any, _record: object) -> None:
            # Readers go on while one writes, and what is confirmed is on disk.
            for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON"):
                connection.execute(f"PRAGMA {pragma}")

        return _made_ready(engine)
    except (OSError, SQLAlchemyError, UnicodeDecodeError) as error:
        raise ChatbotError(
            f"{path} cannot be used ({_cause(error)}); move it away, or set CHATBOT_DATA_DIR to a "
            "folder that can be written"
        ) from error


def _open_postgresql(url: str) -> Engine:
    try:
        engine = sa.create_engine(
            sa.make_url(url).set(drivername="postgresql+psycopg"),
            pool_size=_POOL,
            max_overflow=_POOL_MORE,
            pool_pre_ping=True,
            connect_args=_CONNECTION,
        )
        return _made_ready(engine)
    except (SQLAlchemyError, ArgumentError, ValueError) as error:
        raise ConfigurationError(
            f"CHATBOT_DATABASE_URL: {_cause(error)}; see that PostgreSQL is up, and that "
            "user, password and database are right"
        ) from error


def _made_ready(database: Engine) -> Engine:
    """The database, without damage and of this version; let go of where it cannot be."""
    with ExitStack() as failing:
        failing.callback(database.dispose)
        if database.dialect.name == "sqlite":
            with database.connect() as connection:
                found = str(connection.execute(sa.text("PRAGMA quick_check(1)")).scalar())
            if found != "ok":
                raise OSError(" ".join(found.split()))
        migrate(database)
        failing.pop_all()
    return database


def _cause(error: Exception) -> str:
    cause = getattr(error, "orig", None) or getattr(error, "strerror", None) or error
    return str(cause).strip().partition("\n")[0]


@contextmanager
def reading(database: Engine) -> Iterator[Connection]:
    """A connection to read with; a database that does not answer is a `ChatbotError`."""
    with _told(), database.connect() as connection:
        yield connection


@contextmanager
def writing(database: Engine) -> Iterator[Connection]:
    """A transaction, committed at its end; as with `reading`, its errors are ours."""
    with _told(), database.begin() as connection:
        yield connection


@contextmanager
def _told() -> Iterator[None]:
    try:
        yield
    except SQLAlchemyError as error:
        raise ChatbotError(
            f"the database cannot be used ({_cause(error)}); try again, or run 'chatbot doctor'"
        ) from error


def now() -> dt.datetime:
    """The time as it is stored."""
    return dt.datetime.now(dt.UTC)


def later_than(latest: dt.datetime | None) -> dt.datetime:
    """The time, but after `latest`: a clock that was put back must not turn an order round."""
    return max(now(), latest + dt.timedelta(microseconds=1)) if latest else now()


@dataclass(frozen=True, slots=True)
class TokenAccount:
    """The tokens spent by day, as `chatbot.llm.budget` takes it."""

    database: Engine

    def today(self) -> tuple[dt.date, int]:
        """The day that is accounted now, and what was spent on it.

        Where the clock has gone back over midnight, the day after it goes on: what was spent stays
        spent. A day further ahead was a clock that was wrong, and counts for nothing.
        """
        today = now().date()
        latest = (
            sa.select(spending.c.day, spending.c.tokens)
            .where(spending.c.day.between(today, today + dt.timedelta(days=1)))
            .order_by(spending.c.day.desc())
            .limit(1)
        )
        with reading(self.database) as connection:
            row = connection.execute(latest).first()
        return (row.day, row.tokens) if row else (today, 0)

    def add(self, day: dt.date, tokens: int) -> None:
        """Add to what was spent on a day; below zero gives back what was taken too much."""
        insert = (postgresql if self.database.dialect.name == "postgresql" else sqlite).insert
        added = insert(spending).values(day=day, tokens=max(0, tokens))
        total = spending.c.tokens + tokens
        kept = {"tokens": sa.case((total > 0, total), else_=0)}
        with writing(self.database) as connection:
            connection.execute(added.on_conflict_do_update(index_elements=["day"], set_=kept))
