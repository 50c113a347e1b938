"""The log, as it is written: one line for each record, on standard error, with the request's id.

Modules log with the standard library and know nothing of this. What an error says of itself may
quote a question, so it is left out with the question: whoever logs an error that is harmless and
worth reading writes it into the line itself.
"""

import logging
import sys
import traceback
from collections.abc import Iterator, MutableMapping
from typing import Any

from chatbot.config import Settings
from chatbot.visits import SAID, current_visit

_OURS = "chatbot"
_Line = MutableMapping[str, Any]


def configure_logging(settings: Settings) -> None:
    """Write all records as the settings say: our own from INFO on, of others what is amiss.

    To be called once, by a command; what other packages had set up for their logs is undone.
    """
    import structlog

    questions = settings.log_questions == "on"

    def described(_: Any, __: str, line: _Line) -> _Line:
        return _described(line, questions)

    renderer: Any = structlog.dev.ConsoleRenderer(colors=False)
    if settings.log == "json":
        renderer = structlog.processors.JSONRenderer(ensure_ascii=False, default=str)
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[
                structlog.stdlib.add_log_level,
                structlog.processors.TimeStamper(fmt="iso", utc=True),
                described,
            ],
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderer],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.WARNING)
    logging.getLogger(_OURS).setLevel(logging.INFO)
    logging.captureWarnings(capture=True)


def take_over(name: str) -> None:
    """Have the records of a package that set up handlers of its own written as all others are."""
    known = [name, *logging.root.manager.loggerDict]
    for logger in map(logging.getLogger, known):
        if f"{logger.name}.".startswith(f"{name}."):
            logger.handlers.clear()
            logger.propagate = True


def _described(line: _Line, questions: bool) -> _Line:
    """A line with its logger, its request and its own fields, and without what may not be told."""
    record: logging.LogRecord = line["_record"]
    line["logger"] = record.name
    if request_id := current_visit().request_id:
        line["request_id"] = request_id
    line.update(getattr(record, SAID, {}))
    if not questions and record.name.partition(".")[0] != _OURS:
        # What follows may be of the error: asyncio, for one, prints the task it came from.
        line["event"] = str(line["event"]).partition("\n")[0]
    kind, error, _ = line.pop("exc_info", None) or (None, None, None)
    if error is not None:
        told = traceback.format_exception(error) if questions else _without_words(error)
        line["exception"] = "".join(told).rstrip()
        line["error"] = getattr(kind, "__name__", "")
    return line


def _without_words(error: BaseException) -> Iterator[str]:
    """A traceback, of each error its class alone; first what it came from."""
    earlier = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    if earlier is not None:
        yield from _without_words(earlier)
    yield from traceback.format_tb(error.__traceback__)
    yield f"{type(error).__name__}\n"
