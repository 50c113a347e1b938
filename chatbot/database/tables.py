"""The tables. A change needs a migration too (`migrations/versions/`); a test compares them."""

import datetime as dt
from typing import Any

import sqlalchemy as sa

metadata = sa.MetaData()
_OF_CONVERSATION = sa.ForeignKey("conversations.id", ondelete="CASCADE")


class Moment(sa.TypeDecorator[dt.datetime]):
    """A time in UTC, also where the database keeps no time zone (SQLite)."""

    impl = sa.DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: dt.datetime | None, _dialect: sa.Dialect) -> Any:
        """The time as it is stored."""
        return value and value.astimezone(dt.UTC)

    def process_result_value(self, value: Any, _dialect: sa.Dialect) -> dt.datetime | None:
        """The time as it was."""
        if not isinstance(value, dt.datetime):
            return None
        return value.astimezone(dt.UTC) if value.tzinfo else value.replace(tzinfo=dt.UTC)


class Words(sa.TypeDecorator[str]):
    """A text, without the NULs that PostgreSQL does not keep."""

    impl = sa.Text
    cache_ok = True

    def process_bind_param(self, value: str | None, _dialect: sa.Dialect) -> Any:
        """The text as it is stored."""
        return value and value.replace("\0", "")


conversations = sa.Table(
    "conversations",
    metadata,
    sa.Column("id", sa.String(32), primary_key=True),
    sa.Column("owner", sa.String(128), nullable=False),
    sa.Column("title", sa.String(200), nullable=False),
    sa.Column("created", Moment, nullable=False),
    sa.Column("changed", Moment, nullable=False),
    sa.Index("conversations_by_owner", "owner", "changed"),
)
# `answer` is the JSON of an AnswerRecord; without one, `partial` is what had come when it was
# stopped, and `error` says why it failed, if it did. A question asked anew at the same place is
# another `attempt`: what still comes of the first must not be taken for it.
turns = sa.Table(
    "turns",
    metadata,
    sa.Column("conversation", sa.String(32), _OF_CONVERSATION, primary_key=True),
    sa.Column("position", sa.Integer, primary_key=True),
    sa.Column("question", Words, nullable=False),
    sa.Column("asked", Moment, nullable=False),
    sa.Column("filters", sa.JSON, nullable=False),
    sa.Column("answer", sa.JSON(none_as_null=True)),
    sa.Column("attempt", sa.String(32), nullable=False, unique=True),
    sa.Column("partial", Words, nullable=False, default=""),
    sa.Column("error", Words, nullable=False, default=""),
)
# No foreign key: feedback outlives its conversation. `record` is the JSON of an AnswerRecord,
# `versions` what else the answer was made by.
feedback = sa.Table(
    "feedback",
    metadata,
    sa.Column("id", sa.String(32), primary_key=True),
    sa.Column("owner", sa.String(128), nullable=False),
    sa.Column("created", Moment, nullable=False),
    sa.Column("verdict", sa.String(8), nullable=False),
    sa.Column("comment", Words, nullable=False),
    sa.Column("conversation", sa.String(32)),
    sa.Column("position", sa.Integer, nullable=False),
    sa.Column("attempt", sa.String(32)),
    sa.Column("question", Words, nullable=False),
    sa.Column("history", sa.JSON, nullable=False),
    sa.Column("record", sa.JSON, nullable=False),
    sa.Column("versions", sa.JSON, nullable=False),
    sa.Index("feedback_by_answer", "owner", "conversation", "position"),
)
# A sign-in on the page: the hash of its token, and what its user's password was then known by.
sessions = sa.Table(
    "sessions",
    metadata,
    sa.Column("token", sa.String(64), primary_key=True),
    sa.Column("owner", sa.String(128), nullable=False),
    sa.Column("stamp", sa.String(64), nullable=False),
    sa.Column("ends", Moment, nullable=False),
)
# The tokens that models used on a day of UTC.
spending = sa.Table(
    "spending",
    metadata,
    sa.Column("day", sa.Date, primary_key=True),
    sa.Column("tokens", sa.Integer, nullable=False),
)
# Who may sign in, where no file says so: the argon2 hash of a password by name.
users = sa.Table(
    "users",
    metadata,
    sa.Column("name", sa.String(64), primary_key=True),
    sa.Column("password_hash", sa.String(256), nullable=False),
)
# Each committed generation of an index that several machines share: its manifest, as JSON.
generations = sa.Table(
    "generations",
    metadata,
    sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("manifest", sa.Text, nullable=False),
    sa.Column("committed", Moment, nullable=False),
)
# The files that such a manifest names, by their path in the data folder, each in parts.
index_files = sa.Table(
    "index_files",
    metadata,
    sa.Column("name", sa.String(255), primary_key=True),
    sa.Column("sha256", sa.String(64), nullable=False),
    sa.Column("size", sa.BigInteger, nullable=False),
)
index_parts = sa.Table(
    "index_parts",
    metadata,
    sa.Column("name", sa.ForeignKey("index_files.name", ondelete="CASCADE"), primary_key=True),
    sa.Column("part", sa.Integer, primary_key=True),
    sa.Column("data", sa.LargeBinary, nullable=False),
)
