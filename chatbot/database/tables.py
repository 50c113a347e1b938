"""The tables. A change needs a migration too (`migrations/versions/`); a test compares them."""

import datetime as dt
from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    Date,
    DateTime,
    Dialect,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    TypeDecorator,
)
from sqlalchemy.schema import Column

metadata = MetaData()


class Moment(TypeDecorator[dt.datetime]):
    """A time in UTC, also where the database keeps no time zone (SQLite)."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: dt.datetime | None, dialect: Dialect) -> Any:
        """The time as it is stored."""
        del dialect
        return value and value.astimezone(dt.UTC)

    def process_result_value(self, value: Any, dialect: Dialect) -> dt.datetime | None:
        """The time as it was."""
        del dialect
        if not isinstance(value, dt.datetime):
            return None
        return value.astimezone(dt.UTC) if value.tzinfo else value.replace(tzinfo=dt.UTC)


class Words(TypeDecorator[str]):
    """A text, without the NULs that PostgreSQL does not keep."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> Any:
        """The text as it is stored."""
        del dialect
        return value and value.replace("\0", "")


conversations = Table(
    "conversations",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("owner", String(128), nullable=False),
    Column("title", String(200), nullable=False),
    Column("created", Moment, nullable=False),
    Column("changed", Moment, nullable=False),
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
    Column("question", Words, nullable=False),
    Column("asked", Moment, nullable=False),
    Column("filters", JSON, nullable=False),
    Column("answer", JSON(none_as_null=True)),
    Column("attempt", String(32), nullable=False, unique=True),
    Column("partial", Words, nullable=False, default=""),
    Column("error", Words, nullable=False, default=""),
)
# No foreign key: feedback outlives its conversation. `record` is the JSON of an AnswerRecord,
# `versions` what else the answer was made by.
feedback = Table(
    "feedback",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("owner", String(128), nullable=False),
    Column("created", Moment, nullable=False),
    Column("verdict", String(8), nullable=False),
    Column("comment", Words, nullable=False),
    Column("conversation", String(32)),
    Column("position", Integer, nullable=False),
    Column("attempt", String(32)),
    Column("question", Words, nullable=False),
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
    Column("ends", Moment, nullable=False),
)
# The tokens that models used on a day of UTC.
spending = Table(
    "spending",
    metadata,
    Column("day", Date, primary_key=True),
    Column("tokens", Integer, nullable=False),
)
# Who may sign in, where no file says so: the argon2 hash of a password by name.
users = Table(
    "users",
    metadata,
    Column("name", String(64), primary_key=True),
    Column("password_hash", String(256), nullable=False),
)
# Each committed generation of an index that several machines share: its manifest, as JSON.
generations = Table(
    "generations",
    metadata,
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("manifest", Text, nullable=False),
    Column("committed", Moment, nullable=False),
)
# The files that such a manifest names, by their path in the data folder, each in parts.
index_files = Table(
    "index_files",
    metadata,
    Column("name", String(255), primary_key=True),
    Column("sha256", String(64), nullable=False),
    Column("size", BigInteger, nullable=False),
)
index_parts = Table(
    "index_parts",
    metadata,
    Column(
        "name",
        String(255),
        ForeignKey("index_files.name", ondelete="CASCADE"),
        primary_key=True,
    ),
    Column("part", Integer, primary_key=True),
    Column("data", LargeBinary, nullable=False),
)
