"""Conversations, feedback, sign-ins and the tokens spent.

Builds before migrations made these tables as they then were: what such a database has is kept, and
columns that came later are added.
"""

import uuid

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
_METADATA = sa.MetaData()
_OF_CONVERSATION = sa.ForeignKey("conversations.id", ondelete="CASCADE")
_MOMENT = sa.DateTime(timezone=True)
_TABLES = (
    sa.Table(
        "conversations",
        _METADATA,
        sa.Column("id", sa.String(32), primary_key=True),
        sa.Column("owner", sa.String(128), nullable=False),
        sa.Column("title", sa.String(200), nullable=False),
        sa.Column("created", _MOMENT, nullable=False),
        sa.Column("changed", _MOMENT, nullable=False),
        sa.Index("conversations_by_owner", "owner", "changed"),
    ),
    sa.Table(
        "turns",
        _METADATA,
        sa.Column("conversation", sa.String(32), _OF_CONVERSATION, primary_key=True),
        sa.Column("position", sa.Integer, primary_key=True),
        sa.Column("question", sa.Text, nullable=False),
        sa.Column("asked", _MOMENT, nullable=False),
        sa.Column("filters", sa.JSON, nullable=False),
        sa.Column("answer", sa.JSON),
        sa.Column("attempt", sa.String(32), nullable=False, unique=True),
        sa.Column("partial", sa.Text, nullable=False),
        sa.Column("error", sa.Text, nullable=False),
    ),
    sa.Table(
        "feedback",
        _METADATA,
        sa.Column("id", sa.String(32), primary_key=True),
        sa.Column("owner", sa.String(128), nullable=False),
        sa.Column("created", _MOMENT, nullable=False),
        sa.Column("verdict", sa.String(8), nullable=False),
        sa.Column("comment", sa.Text, nullable=False),
        sa.Column("conversation", sa.String(32)),
        sa.Column("position", sa.Integer, nullable=False),
        sa.Column("attempt", sa.String(32)),
        sa.Column("question", sa.Text, nullable=False),
        sa.Column("history", sa.JSON, nullable=False),
        sa.Column("record", sa.JSON, nullable=False),
        sa.Column("versions", sa.JSON, nullable=False),
        sa.Index("feedback_by_answer", "owner", "conversation", "position"),
    ),
    sa.Table(
        "sessions",
        _METADATA,
        sa.Column("token", sa.String(64), primary_key=True),
        sa.Column("owner", sa.String(128), nullable=False),
        sa.Column("stamp", sa.String(64), nullable=False),
        sa.Column("ends", _MOMENT, nullable=False),
    ),
    sa.Table(
        "spending",
        _METADATA,
        sa.Column("day", sa.Date, primary_key=True),
        sa.Column("tokens", sa.Integer, nullable=False),
    ),
)


def upgrade() -> None:
    """Make what is missing."""
    connection = op.get_bind()
    found = sa.inspect(connection)
    for table in _TABLES:
        if found.has_table(table.name):
            has = {column["name"] for column in found.get_columns(table.name)}
            for column in table.columns:
                if column.name not in has:
                    _add(table, column)
        else:
            table.create(connection)


def _add(table: sa.Table, column: sa.Column[object]) -> None:
    """Add a column of a later build, empty; each attempt needs a name of its own."""
    default = None if column.nullable else ""
    added = sa.Column(column.name, column.type, nullable=column.nullable, server_default=default)
    op.add_column(table.name, added)
    if not column.unique:
        return
    connection, key = op.get_bind(), list(table.primary_key.columns)
    for row in connection.execute(sa.select(*key)).all():
        same = [part == value for part, value in zip(key, row, strict=True)]
        connection.execute(table.update().where(*same).values({column.name: uuid.uuid4().hex}))
    op.create_index(f"{table.name}_{column.name}", table.name, [column.name], unique=True)
