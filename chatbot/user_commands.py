"""`chatbot user`: who may sign in to the page. A password is asked for, never an argument."""

import getpass
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated

import typer

from chatbot.config import load_settings
from chatbot.errors import ChatbotError, ConfigurationError

if TYPE_CHECKING:
    from chatbot.users import Users

user_app = typer.Typer(
    help="Who may sign in to the page.", no_args_is_help=True, rich_markup_mode=None
)
_Name = Annotated[str, typer.Argument(help="The user's name.")]


@user_app.command("add")
def add_command(
    name: _Name,
    stdin: Annotated[
        bool, typer.Option("--stdin", help="Read the password from standard input's first line.")
    ] = False,
) -> None:
    """Let someone sign in; of a known name the password is changed."""
    with _users() as users:
        password = sys.stdin.readline().rstrip("\r\n") if stdin else _asked()
        new = users.add(name, password)
    typer.echo(f"{name}: {'added' if new else 'the password is changed'}", err=True)


@user_app.command("list")
def list_command() -> None:
    """Name those who may sign in."""
    with _users() as users:
        for name in users.names():
            typer.echo(name)


@user_app.command("remove")
def remove_command(name: _Name) -> None:
    """Let someone sign in no more; their saved conversations stay."""
    with _users() as users:
        users.remove(name)
    typer.echo(f"{name}: removed", err=True)


@contextmanager
def _users() -> Iterator["Users"]:
    from chatbot.database.users import UserTable
    from chatbot.storage.opening import open_database
    from chatbot.users import UserFile

    settings = load_settings()
    if settings.database_url is not None:
        database = open_database(settings)
        try:
            yield UserTable(database)
        finally:
            database.dispose()
    elif settings.auth is not None:
        yield UserFile(settings.auth)
    else:
        raise ConfigurationError(
            "CHATBOT_AUTH: not set; name the file that users are kept in, such as "
            "CHATBOT_AUTH=$HOME/.config/chatbot/users, or with CHATBOT_DATABASE_URL a database"
        )


def _asked() -> str:
    try:
        password = getpass.getpass("Password: ")
        again = getpass.getpass("Once more: ")
    except EOFError as error:
        raise ChatbotError("no password was given; at no terminal use --stdin") from error
    if password != again:
        raise ChatbotError("the two are not the same; nothing was changed")
    return password
