"""Bringing a database to this version: alembic's migrations, run by whoever opens it first."""

from pathlib import Path

from sqlalchemy import Connection, Engine, inspect, text

from chatbot.errors import ChatbotError

# The newest of `migrations/versions`; a test compares. alembic is imported only where it has work.
NEWEST = "0002"
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
    with database.connect() as connection:
        if connection.dialect.name == "postgresql":
            connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _LOCK})
        else:
            connection.exec_driver_sql("BEGIN IMMEDIATE")
        _upgrade(connection)
        connection.commit()


def _version(connection: Connection) -> str | None:
    if not inspect(connection).has_table("alembic_version"):
        return None
    return connection.execute(text("SELECT version_num FROM alembic_version")).scalar()


def _upgrade(connection: Connection) -> None:
    from alembic import command
    from alembic.config import Config
    from alembic.script import ScriptDirectory

    config = Config()
    config.set_main_option("script_location", str(_FOLDER).replace("%", "%%"))
    known = {script.revision for script in ScriptDirectory(str(_FOLDER)).walk_revisions()}
    version = _version(connection)
    if version is not None and version not in known:
        raise ChatbotError(
            f"the database is of a newer version ({version}; this one knows {NEWEST}); update "
            "this installation"
        )
    config.attributes["connection"] = connection
    command.upgrade(config, "head")
