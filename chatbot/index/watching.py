"""A folder kept indexed: what becomes of its reports is in the index once they stand still.

Events only say when to look; what is new, changed or gone `ingest` finds by itself.
"""

from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from time import monotonic, sleep

from watchfiles import watch

from chatbot.config import Settings
from chatbot.errors import ChatbotError, ConfigurationError
from chatbot.index.ingestion import ingest
from chatbot.reports.parsing import report_files

# A file that changed within so many seconds may be half-written; polling sees one change a second.
_STILL, _AGAIN, _LOCK = 1.5, 2.0, 5.0
_every_moment = partial(watch, rust_timeout=250, yield_on_timeout=True)
# Stands among paths that changed for all that is in the folder.
_ALL = ""


def watch_folder(settings: Settings, folder: Path) -> Iterator[str]:
    """Ingest a folder, and again whenever reports in it or below change, for as long as it is read.

    Yields lines: what an ingest did, if it changed anything, is the first, or the first after one
    that failed; before, as errors and once each, what is wrong: a broken report, an ingest that
    failed and is tried again, a folder that is gone and waited for, its reports staying indexed.

    Raises:
        ConfigurationError: there is no such folder at the start.
    """
    folder = folder.absolute()
    if not folder.is_dir():
        raise ConfigurationError(f"{folder} is no folder; make it, or watch another")
    changed: dict[str, float] = {}
    told: set[str] = set()
    tell = True
    for paths in _changes(folder):
        changed |= dict.fromkeys(paths, monotonic())
        moving = {path: at for path, at in changed.items() if monotonic() - at < _STILL}
        if len(moving) == len(changed):
            continue
        try:
            given = report_files(folder) if moving else [folder]
            still = [path for path in given if str(path) not in moving]
            result = ingest(settings, still, lock_seconds=_LOCK)
        except Exception as error:  # noqa: BLE001 - whatever it is, the folder goes on being watched
            kind = "" if isinstance(error, ChatbotError) else f"{type(error).__name__}: "
            if (line := f"error: {kind}{error}") not in told:
                yield line
            told, tell = {line}, True
            sleep(_AGAIN)
            continue
        for failed in result.failed:
            if str(failed) not in told or failed.path in changed:
                yield f"error: {failed}"
        if tell or result.added or result.updated or result.removed or result.notices:
            yield from replace(result, failed=()).lines()
        changed, told, tell = moving, set(map(str, result.failed)), False


def _changes(folder: Path) -> Iterator[set[str]]:
    """The paths that changed in a folder, every moment, even if there are none.

    At first, and again where it is gone or another stands in its place, `_ALL`.
    """
    polling = None  # watchfiles knows best, as long as the system grants watches
    while True:
        yield {_ALL}
        try:
            here = folder.stat().st_ino
            for changes in _every_moment(folder, force_polling=polling):
                yield {path for _, path in changes}
                if folder.stat().st_ino != here:
                    break
        except (OSError, RuntimeError) as error:
            polling = not isinstance(error, FileNotFoundError) or polling
        sleep(_AGAIN)
        yield set()
