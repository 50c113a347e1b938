"""A page that follows the index it shares: what another machine commits is here within a second."""

import logging
from collections.abc import Callable
from threading import Event, Thread

from sqlalchemy import Engine

from chatbot.config import Settings
from chatbot.errors import ChatbotError, MissingIndexError
from chatbot.index.build import bring_up_to_date
from chatbot.index.manifest import read_manifest
from chatbot.index.sharing import SharedIndex

logger = logging.getLogger(__name__)

_EVERY = 0.5


def follow(settings: Settings, database: Engine, changed: Callable[[], object]) -> Event:
    """Bring the data folder to each new generation of the shared index, until the event is set.

    After each `changed` is called, from the same thread. What fails is logged and tried again.
    """
    stopped = Event()
    if settings.chroma_url and settings.database_url:
        arguments = (settings, SharedIndex(database), changed, stopped)
        Thread(target=_follow, args=arguments, name="index-follower", daemon=True).start()
    return stopped


def _follow(
    settings: Settings, shared: SharedIndex, changed: Callable[[], object], stopped: Event
) -> None:
    told = ""
    while not stopped.wait(_EVERY):
        try:
            if shared.newest() != _number_here(settings):
                bring_up_to_date(settings, shared)
                changed()
            told = ""
        except ChatbotError as error:
            if str(error) != told:
                logger.warning("the shared index cannot be followed: %s", error)
            told = str(error)


def _number_here(settings: Settings) -> int | None:
    try:
        manifest = read_manifest(settings.data_dir)
    except MissingIndexError:
        return None
    return manifest.generation if manifest else None
