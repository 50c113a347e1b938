"""`chatbot user`: who may sign in to the page. A password is asked for, never an argument."""

import getpass
import sys
from pathlib import Path
from typing import Annotated

import typer

from chatbot.config import load_settings
from chatbot.errors import ChatbotError, ConfigurationError

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
    from chatbot.users import add_user

    path = _file()
    password = sys.stdin.readline().rstrip("\r\n") if stdin else _asked()
    new = add_user(path, name, password)
    typer.echo(f"{name}: {'added' if new else 'the password is changed'}", err=True)


@user_app.command("list")
def list_command() -> None:
    """Name those who may sign in."""
    from chatbot.users import read_users

    for name in sorted(read_users(_file())):
        typer.echo(name)


@user_app.command("remove")
def remove_command(name: _Name) -> None:
    """Let someone sign in no more; their saved conversations stay."""
    from chatbot.users import remove_user

    remove_user(_file(), name)
    typer.echo(f"{name}: removed", err=True)


def _file() -> Path:
    path = load_settings().auth
    if path is None:
        raise ConfigurationError(
            "CHATBOT_AUTH: not set; name the file that users are kept in, such as "
            "CHATBOT_AUTH=$HOME/.config/chatbot/users"
        )
    return path


def _asked() -> str:
    try:
        password = getpass.getpass("Password: ")
        again = getpass.getpass("Once more: ")
    except EOFError as error:
        raise ChatbotError("no password was given; at no terminal use --stdin") from error
    if password != again:
        raise ChatbotError("the two are not the same; nothing was changed")
    return password
