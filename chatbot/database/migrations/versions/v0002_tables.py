"""Where revisions begin: a database from before it is completed by `chatbot.database.opening`."""

revision = "0002"
down_revision = None


def upgrade() -> None:
    """No database is brought here by it."""
