"""Users, and the index that several machines share."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "users",
        sa.Column("name", sa.String(64), primary_key=True),
        sa.Column("password_hash", sa.String(256), nullable=False),
    )
    op.create_table(
        "generations",
        sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("manifest", sa.Text, nullable=False),
        sa.Column("committed", sa.DateTime(timezone=True), nullable=False),
    )
    op.create_table(
        "index_files",
        sa.Column("name", sa.String(255), primary_key=True),
        sa.Column("sha256", sa.String(64), nullable=False),
        sa.Column("size", sa.BigInteger, nullable=False),
    )
    of_file = sa.ForeignKey("index_files.name", ondelete="CASCADE")
    op.create_table(
        "index_parts",
        sa.Column("name", sa.String(255), of_file, primary_key=True),
        sa.Column("part", sa.Integer, primary_key=True),
        sa.Column("data", sa.LargeBinary, nullable=False),
    )
