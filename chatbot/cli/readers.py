"""What readers leave: `chatbot feedback` and `chatbot rules`, and `chatbot user`, who may sign in.

A password is asked for, never an argument.
"""

import getpass
import sys
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from chatbot.cli.terminal import one_line, print_json
from chatbot.config import Settings, load_settings
from chatbot.errors import ChatbotError, ConfigurationError

if TYPE_CHECKING:
    from chatbot.answering.rules import Rule, Rulebook
    from chatbot.feedback.ratings import Feedback, Verdict
    from chatbot.store.accounts import Users


rules_app = typer.Typer(
    help="The rules learnt from feedback; only approved ones enter a prompt.",
    invoke_without_command=True,
    rich_markup_mode=None,
)
_Name = Annotated[str, typer.Argument(help="A rule's name, as `chatbot rules` shows it.")]
_Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]


def feedback_command(
    verdict: Annotated[
        Literal["like", "dislike"] | None, typer.Option(help="That of one verdict alone.")
    ] = None,
    to_dataset: Annotated[
        str | None,
        typer.Option(help="Add disliked answers to a JSONL file as eval items; '-' prints them."),
    ] = None,
    as_json: _Json = False,
) -> None:
    """List what readers thought of answers, the latest first."""
    if to_dataset is not None:
        if verdict == "like":
            raise typer.BadParameter("--to-dataset is for disliked answers")
        _to_dataset(_feedback("dislike"), to_dataset)
        return
    entries = _feedback(verdict)
    if as_json:
        first = ("id", "owner", "created", "verdict", "comment")
        fields = [entry.model_dump(mode="json") for entry in entries]
        print_json([{name: held[name] for name in first} | held for held in fields], indent=1)
        return
    for entry in entries:
        asked = one_line(entry.question)
        typer.echo(f"{entry.created:%Y-%m-%d %H:%M}  {entry.verdict:7}  {entry.id}  {asked}")
        if comment := one_line(entry.comment):
            typer.echo(f"    {comment}")
    _tell(f"{len(entries)} entries of feedback")


@rules_app.callback()
def rules_command(context: typer.Context, as_json: _Json = False) -> None:
    """List the rules, or propose, approve, withdraw, edit or delete them."""
    if context.invoked_subcommand is not None:
        return
    from chatbot.answering.rules import crowded_out

    settings = load_settings()
    book = _rulebook(settings)
    _print_rules(settings, book.rules, f"{len(book.rules)} rules", as_json=as_json)
    for name in crowded_out(book.rules):
        _tell(f"{name} does not reach every answer it is for: older rules fill the prompt")
    if book.problems:
        raise typer.Exit(1)


@rules_app.command("propose")
def propose_command(as_json: _Json = False) -> None:
    """Distil feedback that recurs into proposed rules, with the model where there is one."""
    from chatbot.answering.rules import write_rule
    from chatbot.bot import open_model
    from chatbot.feedback.distillation import distil

    settings = load_settings()
    book = _rulebook(settings)
    proposed = distil(_feedback(None), book, open_model(settings))
    for rule in proposed:
        write_rule(settings.data_dir, rule)
    told = f"{len(proposed)} rules proposed; none is used until: chatbot rules approve NAME"
    _print_rules(settings, proposed, told, as_json=as_json)


@rules_app.command("approve")
def approve_command(name: _Name) -> None:
    """Let a rule enter the prompts it applies to."""
    _set_status(name, "approved")


@rules_app.command("withdraw")
def withdraw_command(name: _Name) -> None:
    """Make an approved rule a proposed one again."""
    _set_status(name, "proposed")


@rules_app.command("edit")
def edit_command(
    name: _Name,
    text: Annotated[str | None, typer.Option(help="The rule's new text.")] = None,
    applies: Annotated[
        str | None, typer.Option(help="What it is for, such as 'lookup, zh'; '' is everything.")
    ] = None,
) -> None:
    """Change a rule; without an option its file is opened in $EDITOR."""
    from chatbot.answering.rules import parse_reach, rule_text, write_rule

    settings = load_settings()
    if text is None and applies is None:
        _edit_file(settings, name)
        return
    rule = _rulebook(settings).named(name)
    if text is not None:
        rule = replace(rule, text=rule_text(text))
    if applies is not None:
        rule = replace(rule, reach=parse_reach(applies))
    _tell(f"wrote {write_rule(settings.data_dir, rule)}")


@rules_app.command("delete")
def delete_command(name: _Name) -> None:
    """Delete a rule; its feedback can be distilled again."""
    from chatbot.answering.rules import delete_rule

    delete_rule(load_settings().data_dir, name)
    _tell(f"deleted {name}")


def _edit_file(settings: Settings, name: str) -> None:
    """Open a rule's file, damaged or not; what is saved has to be a rule."""
    import click

    from chatbot.answering.rules import parse_rule, read_rule_file, write_rule

    try:
        edited = click.edit(read_rule_file(settings.data_dir, name), extension=".md")
    except click.ClickException as error:
        raise ChatbotError(f"{error.message}; set EDITOR, or give --text") from error
    if edited is None:
        _tell("nothing changed")
        return
    try:
        rule = parse_rule(name, edited)
    except ChatbotError as error:
        raise ChatbotError(f"{name} was left as it was: what was saved {error}") from error
    _tell(f"wrote {write_rule(settings.data_dir, rule)}")


def _set_status(name: str, status: Literal["proposed", "approved"]) -> None:
    from chatbot.answering.rules import write_rule

    settings = load_settings()
    rule = replace(_rulebook(settings).named(name), status=status)
    write_rule(settings.data_dir, rule)
    _tell(f"{name} is {status}")


def _to_dataset(entries: "tuple[Feedback, ...]", target: str) -> None:
    from chatbot.feedback.ratings import add_items, eval_item

    items = [eval_item(entry) for entry in entries]
    if target == "-":
        for item in items:
            print_json(item)
        return
    added = add_items(Path(target), items)
    _tell(f"{added} items added to {target}, {len(items) - added} were there")
    _tell(f"complete them, then check: chatbot eval --validate {target}")


def _feedback(verdict: "Verdict | None") -> "tuple[Feedback, ...]":
    from chatbot.database.opening import opened_database
    from chatbot.feedback.ratings import list_feedback

    with opened_database(load_settings()) as database:
        return list_feedback(database, verdict)


def _rulebook(settings: Settings) -> "Rulebook":
    """The rules; what is wrong with a file is told."""
    from chatbot.answering.rules import read_rules

    book = read_rules(settings.data_dir)
    for problem in book.problems.values():
        _tell(problem)
    return book


def _print_rules(
    settings: Settings, rules: "tuple[Rule, ...]", told: str, *, as_json: bool
) -> None:
    """As JSON, or as lines that end in `told`."""
    from chatbot.answering.rules import rule_path

    if as_json:
        fields = [
            {
                "name": rule.name,
                "status": rule.status,
                "text": rule.text,
                "kinds": rule.reach.kinds,
                "languages": rule.reach.languages,
                "from": rule.sources,
                "created": rule.created.isoformat(),
                "file": str(rule_path(settings.data_dir, rule.name)),
            }
            for rule in rules
        ]
        print_json(fields, indent=1)
        return
    for rule in rules:
        reach = ", ".join([*rule.reach.kinds, *rule.reach.languages]) or "everything"
        sources = ", ".join(rule.sources) or "-"
        typer.echo(f"{rule.status}  {rule.name}  (for {reach}; from {sources})")
        typer.echo(f"    {rule.text}")
    _tell(told)


def _tell(line: str) -> None:
    typer.echo(line, err=True)


user_app = typer.Typer(
    help="Who may sign in to the page.", no_args_is_help=True, rich_markup_mode=None
)
_UserName = Annotated[str, typer.Argument(help="The user's name.")]


@user_app.command("add")
def add_command(
    name: _UserName,
    stdin: Annotated[
        bool, typer.Option("--stdin", help="Read the password from standard input's first line.")
    ] = False,
) -> None:
    """Let someone sign in; of a known name the password is changed."""
    with _users() as users:
        password = sys.stdin.readline().rstrip("\r\n") if stdin else _asked()
        new = users.add(name, password)
    _tell(f"{name}: {'added' if new else 'the password is changed'}")


@user_app.command("list")
def list_command() -> None:
    """Name those who may sign in."""
    with _users() as users:
        for name in users.names():
            typer.echo(name)


@user_app.command("remove")
def remove_command(name: _UserName) -> None:
    """Let someone sign in no more; their saved conversations stay."""
    with _users() as users:
        users.remove(name)
    _tell(f"{name}: removed")


@contextmanager
def _users() -> Iterator["Users"]:
    from chatbot.database.opening import opened_database
    from chatbot.store.accounts import users_of

    settings = load_settings()
    with opened_database(settings) if settings.database_url else nullcontext() as database:
        if (users := users_of(settings, database)) is None:
            raise ConfigurationError(
                "CHATBOT_AUTH: not set; name the file that users are kept in, such as "
                "CHATBOT_AUTH=$HOME/.config/chatbot/users, or with CHATBOT_DATABASE_URL a database"
            )
        yield users


def _asked() -> str:
    try:
        password = getpass.getpass("Password: ")
        again = getpass.getpass("Once more: ")
    except EOFError as error:
        raise ChatbotError("no password was given; at no terminal use --stdin") from error
    if password != again:
        raise ChatbotError("the two are not the same; nothing was changed")
    return password
