"""The commands. Results go to standard output, progress and errors to standard error.

See docs/interface.md.

Each command imports what it needs when it runs, so that none pays for another's packages.
"""

import gc
import signal
import sys
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import typer

from chatbot.cli.readers import feedback_command, rules_app, user_app
from chatbot.cli.terminal import (
    print_answer,
    print_json,
    progress_bar,
    tell_enrichment,
    tell_ingest,
)
from chatbot.config import SEEDS, Settings, load_settings
from chatbot.errors import ChatbotError
from chatbot.guardrails.limits import check_question

if TYPE_CHECKING:
    from chatbot.bot import Chatbot
    from chatbot.understanding.models import Language


app = typer.Typer(
    name="chatbot",
    help="Question daily AI-paper reports; every answer cites the sections it stands on.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
app.command("feedback")(feedback_command)
app.add_typer(rules_app, name="rules")
app.add_typer(user_app, name="user")


_Question = Annotated[str | None, typer.Argument(help="The question, in Chinese or English.")]
_Paths = Annotated[
    list[Path] | None,
    typer.Argument(help="Report files or folders; the shipped reports by default."),
]
_Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
_Input = Annotated[
    Path | None,
    typer.Option(
        "--input", help="A JSONL file of questions, one object a line; '-' reads standard input."
    ),
]
_Concurrency = Annotated[
    int, typer.Option(min=1, max=64, help="Questions of --input worked on at once.")
]
_Dates = Annotated[list[str] | None, typer.Option("--date", help="A day, or D1..D2. Repeatable.")]
_Papers = Annotated[list[str] | None, typer.Option("--paper", help="An arXiv id. Repeatable.")]
_Sections = Annotated[
    list[str] | None,
    typer.Option(
        "--section", help="field, contribution, usage, innovations or results. Repeatable."
    ),
]


@app.command("ingest")
def ingest_command(
    paths: _Paths = None,
    rebuild: Annotated[
        bool, typer.Option("--rebuild", help="Start over instead of adding what changed.")
    ] = False,
) -> None:
    """Index report files or folders; unchanged reports are skipped."""
    from chatbot.index.ingestion import ingest

    gc.enable()
    settings = load_settings()
    with progress_bar() as progress:
        result = ingest(settings, paths or [SEEDS], rebuild=rebuild, progress=progress)
    tell_ingest(result)
    if result.failed:
        raise typer.Exit(1)


@app.command("watch")
def watch_command(folder: Annotated[Path, typer.Argument(help="A folder of reports.")]) -> None:
    """Keep a folder indexed, as reports in it come, change and go, until interrupted."""
    from chatbot.index.watching import watch_folder

    gc.enable()
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with suppress(KeyboardInterrupt):
        for line in watch_folder(load_settings(), folder):
            print(line, file=sys.stderr)


@app.command("enrich")
def enrich_command(
    paths: _Paths = None,
    note: Annotated[str, typer.Option(help="How it was made, for the file's first line.")] = "",
    concurrency: _Concurrency = 4,
) -> None:
    """Let the model write the text papers are found by, and index the reports with it."""
    from chatbot.bot import open_model
    from chatbot.errors import ConfigurationError
    from chatbot.index.enrichment import enrich
    from chatbot.index.ingestion import ingest

    gc.enable()
    settings = load_settings()
    model = open_model(settings)
    if model is None:
        raise ConfigurationError("enrich needs a model: set OPENAI_API_KEY or OPENAI_BASE_URL")
    with progress_bar() as progress:
        done = enrich(
            paths or [SEEDS], model, note=note, concurrency=concurrency, progress=progress
        )
    tell_enrichment(done)
    with progress_bar() as progress:
        indexed = ingest(settings, paths or [SEEDS], progress=progress)
    tell_ingest(indexed)
    if done.failed or indexed.failed:
        raise typer.Exit(1)


@app.command("remove")
def remove_command(
    report: Annotated[str, typer.Argument(help="A report's name, as `chatbot papers` shows it.")],
) -> None:
    """Take a report out of the index."""
    from chatbot.index.ingestion import remove_report

    with progress_bar() as progress:
        tell_ingest(remove_report(load_settings(), report, progress=progress))


@app.command("papers")
def papers_command(dates: _Dates = None, as_json: _Json = False) -> None:
    """List the papers indexed."""
    from chatbot.understanding.inputs import parse_date_range

    ranges = [parse_date_range(text) for text in dates or ()]
    papers = [
        paper
        for paper in _open_bot().papers()
        if not ranges
        or any(span.first.isoformat() <= paper.date <= span.last.isoformat() for span in ranges)
    ]
    if as_json:
        print_json([asdict(paper) for paper in papers], indent=1)
        return
    for paper in papers:
        print(f"{paper.date}  {paper.id}  {paper.title}")
    print(f"{len(papers)} papers", file=sys.stderr)


@app.command("search")
def search_command(
    question: _Question = None,
    top_k: Annotated[int, typer.Option(min=1, max=100, help="How many sections.")] = 8,
    dates: _Dates = None,
    papers: _Papers = None,
    sections: _Sections = None,
    as_json: _Json = False,
    input_file: _Input = None,
    concurrency: _Concurrency = 4,
) -> None:
    """Show the sections retrieved for a question, with scores."""
    from chatbot.answering.record import evidence_payload
    from chatbot.understanding.inputs import Request, make_filters

    filters = make_filters(dates or (), papers or (), sections or ())

    def work(bot: "Chatbot", request: Request) -> dict[str, Any]:
        evidence, timings = bot.search(
            request.question, request.history, request.filters or filters, top_k
        )
        return evidence_payload(evidence, timings, request.id)

    if input_file:
        _run_batch(input_file, concurrency, work)
        return
    found = work(_open_bot(), Request(question=_required(question)))
    if as_json:
        print_json(found)
        return
    for rank, hit in enumerate(found["hits"], 1):
        ranks = ", ".join(f"{name} {n}" for name, n in hit["ranks"].items())
        print(f"{rank}. {hit['section']}  {hit['score']:.3f}  ({ranks})")
        print(f"   {hit['title']}  {hit['date']}")
        print(f"   {' '.join(hit['text'].split())[:160]}")
    if found["notice"]:
        print(found["notice"], file=sys.stderr)
    if not found["hits"]:
        print("nothing found", file=sys.stderr)


@app.command("ask")
def ask_command(
    question: _Question = None,
    history: Annotated[
        Path | None, typer.Option(help="Earlier turns: a JSON array of {role, content}.")
    ] = None,
    dates: _Dates = None,
    papers: _Papers = None,
    sections: _Sections = None,
    as_json: _Json = False,
    show_prompt: Annotated[
        bool, typer.Option("--show-prompt", help="Print what a model would be sent, and stop.")
    ] = False,
    input_file: _Input = None,
    concurrency: _Concurrency = 4,
) -> None:
    """Answer a question with citations, streamed."""
    from chatbot.answering.record import record_of
    from chatbot.understanding.inputs import Request, make_filters, read_history

    filters = make_filters(dates or (), papers or (), sections or ())

    def work(bot: "Chatbot", request: Request) -> dict[str, Any]:
        answer = bot.answer(request.question, request.history, request.filters or filters)
        return record_of(answer, request.id).model_dump(mode="json")

    if input_file:
        _run_batch(input_file, concurrency, work)
        return
    request = Request(
        question=_required(question),
        history=read_history(history) if history else (),
        filters=filters,
    )
    if show_prompt:
        for turn in _open_bot().prompt(request.question, request.history, request.filters):
            print(f"--- {turn.role} ---\n{turn.content}\n")
    elif as_json:
        print_json(work(_open_bot(), request))
    else:
        print_answer(_open_bot().ask(request.question, request.history, request.filters))


@app.command("compare")
def compare_command(
    papers: Annotated[
        list[str], typer.Argument(help="2 to 8 papers: arXiv ids, titles or systems' names.")
    ],
    aspects: Annotated[
        list[str] | None, typer.Option("--aspect", help="A column of the table. Repeatable.")
    ] = None,
    language: Annotated[
        str | None, typer.Option(help="zh or en; by default that of the aspects, else zh.")
    ] = None,
    as_json: _Json = False,
    as_csv: Annotated[bool, typer.Option("--csv", help="Print the table as CSV.")] = False,
) -> None:
    """Compare papers in a table; each cell is cited, or says that nothing is reported."""
    if language not in {None, "zh", "en"}:
        raise typer.BadParameter("--language is zh or en")
    from chatbot.answering.engine import answer_in
    from chatbot.answering.models import to_csv
    from chatbot.answering.record import record_of
    from chatbot.understanding.wording import language_of

    spoken = language_of(" ".join(aspects)) if aspects else "zh"
    chosen: Language = "en" if (language or spoken) == "en" else "zh"
    events = _open_bot().compare(papers, aspects or (), chosen)
    if not (as_json or as_csv):
        print_answer(events)
        return
    answer = answer_in([*events])
    if as_csv:
        print(to_csv(answer.blocks), end="")
    else:
        print_json(record_of(answer).model_dump(mode="json"))


@app.command("serve")
def serve_command(
    host: Annotated[
        str, typer.Option(help="Where to listen; elsewhere than on loopback users must sign in.")
    ] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="The first free port from here on is taken.")] = 7860,
) -> None:
    """Serve the chat page."""
    settings = load_settings()
    _ensure_index(settings, vectors=False)
    from chatbot.web.app import serve  # the slowest import, after the first lines are out

    gc.enable()
    serve(settings, host, port)


@app.command("doctor")
def doctor_command(as_json: _Json = False) -> None:
    """Say what is installed, configured, reachable and indexed, and mend-it advice."""
    from chatbot.cli.doctor import examine

    checks = examine(load_settings())
    if as_json:
        print_json([asdict(check) for check in checks], indent=1)
    else:
        for check in checks:
            print(f"{'ok  ' if check.ok else 'FAIL'}  {check.name}: {check.found}")
            if check.advice:
                print(f"      {check.advice}")
    if not all(check.ok for check in checks):
        raise typer.Exit(1)


def main() -> NoReturn:
    """Run a command; our errors are one line on standard error and exit status 1."""
    # What importing makes stays until the end; collecting meanwhile costs a fifth of a start.
    gc.disable()
    try:
        _add_commands(sys.argv[1:2])
        app()
    except ChatbotError as error:
        print(f"chatbot: {error}", file=sys.stderr)
        sys.exit(1)
    except BrokenPipeError:
        sys.stderr.close()
        sys.exit(0)
    sys.exit(0)


def _add_commands(asked: list[str]) -> None:
    """Commands of other packages, looked for only where none of these is asked for."""
    own = {command.name for command in app.registered_commands}
    if asked and asked[0] in own | {group.name for group in app.registered_groups}:
        return
    from importlib.metadata import entry_points

    for entry in entry_points(group="chatbot.commands"):
        app.command(entry.name)(entry.load())


def _open_bot() -> "Chatbot":
    from chatbot.bot import Chatbot

    settings = load_settings()
    _ensure_index(settings)
    bot = Chatbot.open(settings)
    gc.freeze()
    gc.enable()
    return bot


def _ensure_index(settings: Settings, *, vectors: bool = True) -> None:
    from chatbot.bot import ensure_index

    with progress_bar() as progress:
        result = ensure_index(settings, progress, vectors=vectors)
    if result:
        tell_ingest(result)


def _required(question: str | None) -> str:
    if question is None or not question.strip():
        raise typer.BadParameter("give a question, or --input FILE")
    check_question(question)
    return question


def _run_batch(path: Path, concurrency: int, work: Any) -> None:
    """Answer every line of a JSONL file, in order; exit 1 if any failed."""
    from chatbot.understanding.inputs import run_batch

    bot = _open_bot()
    failed = False
    for result in run_batch(path, concurrency, lambda request: work(bot, request)):
        failed = failed or "error" in result
        print_json(result)
    if failed:
        raise typer.Exit(1)
