"""`chatbot doctor`: is everything installed, configured, reachable and indexed?

Each check that fails says what to do about it.
"""

import shutil
import sys
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from multiprocessing import get_context
from pathlib import Path

from chatbot.answering.rules import read_rules
from chatbot.config import Settings
from chatbot.database.opening import DATABASE_FILE, open_database
from chatbot.errors import ChatbotError
from chatbot.index.embeddings import open_embedding
from chatbot.index.ingestion import index_is_stale
from chatbot.index.reading import Index, open_index
from chatbot.index.sharing import shared_index
from chatbot.index.storage import altered, read_manifest, spoilt_shards
from chatbot.index.vectors import damage_of
from chatbot.llm.client import ChatTurn, open_chat_model

_PACKAGES = ("llama-index-core", "chromadb", "tantivy", "openai", "gradio")
_PROBE_SECONDS = 15.0
_MULTILINGUAL = (
    "reports of your own may be found better in another language after "
    "pip install -e '.[multilingual]', with CHATBOT_EMBEDDING=multilingual"
)
# A rebuild writes the index a second time before the first is deleted.
_LEAST_FREE = 200 * 2**20


@dataclass(frozen=True, slots=True)
class Check:
    """One thing looked at: whether it is fine, what was found, and what to do if it is not."""

    name: str
    ok: bool
    found: str
    advice: str = ""


# What it found; a check, where that is not fine or asks for advice of its own; None is passed over.
_Look = Callable[[Settings], str | Check | None]


def examine(settings: Settings) -> tuple[Check, ...]:
    """Look at everything an answer needs."""
    here = ".".join(str(part) for part in sys.version_info[:3])
    python = Check("python", ok=sys.version_info >= (3, 11), found=here)
    checks = [python, *map(_package, _PACKAGES)]
    for name, look, advice in _LOOKS:
        try:
            found = look(settings)
        except ChatbotError as error:
            found = Check(name, ok=False, found=str(error), advice=advice)
        if found is not None:
            checks.append(Check(name, True, found) if isinstance(found, str) else found)
    return tuple(checks)


def _package(name: str) -> Check:
    try:
        return Check(name, ok=True, found=version(name))
    except PackageNotFoundError:
        return Check(name, ok=False, found="not installed", advice="run 'make setup'")


def _data_dir(settings: Settings) -> str:
    probe = settings.data_dir / ".doctor"
    try:
        settings.data_dir.mkdir(parents=True, exist_ok=True)
        probe.touch()
        probe.unlink()
    except OSError as error:
        raise ChatbotError(f"{settings.data_dir}: {error.strerror}") from error
    return str(settings.data_dir)


def _room(settings: Settings) -> Check:
    try:
        free = shutil.disk_usage(settings.data_dir).free
    except OSError as error:
        return Check("disk space", ok=False, found=error.strerror or str(error))
    advice = "make room, or set CHATBOT_DATA_DIR to a folder on another disk"
    enough = free >= _LEAST_FREE
    return Check("disk space", enough, f"{free / 2**20:,.0f} MB free", "" if enough else advice)


def _index(settings: Settings) -> str | Check:
    if stale := index_is_stale(settings):
        return Check("index", ok=False, found=stale, advice="run 'chatbot ingest'")
    if damage := _damage(settings):
        raise ChatbotError(damage)
    index = open_index(settings)
    manifest = index.manifest
    folder = settings.data_dir / manifest.chroma
    # Chroma has files of its vectors from a thousand rows on.
    deadly = not settings.chroma_url and any(folder.glob("*/data_level0.bin"))
    stored = _rows_read_apart(settings, folder) if deadly else _rows_of(index)
    found = (
        f"{len(manifest.reports)} reports, {manifest.papers} papers, {manifest.sections} sections, "
        f"generation {manifest.generation}, vectors in {settings.chroma_url or 'embedded Chroma'}"
    )
    if missing := sum(row not in stored for row in index.row_ids):
        raise ChatbotError(f"{found}; {missing} vectors are missing")
    return found


def _damage(settings: Settings) -> str | None:
    """The files of the index that no longer hold what was written, or None."""
    manifest = read_manifest(settings.data_dir)
    if manifest is None:
        return None
    if files := altered(settings.data_dir / manifest.lexical):
        return f"{', '.join(map(str, files))}: damaged"
    return None if settings.chroma_url else damage_of(settings.data_dir / manifest.chroma)


def _rows_of(index: Index) -> set[str]:
    index.vectors.check()
    return index.vectors.ids()


def _rows_opened(settings: Settings) -> set[str]:
    return _rows_of(open_index(settings))


def _rows_read_apart(settings: Settings, folder: Path) -> set[str]:
    """The same, read by another process: at damaged vectors Chroma may end the one that reads."""
    with ProcessPoolExecutor(1, get_context("spawn")) as apart:
        try:
            return apart.submit(_rows_opened, settings).result()
        except BrokenProcessPool as error:
            raise ChatbotError(f"Chroma cannot read its vectors in {folder}") from error


def _shared(settings: Settings) -> Check | None:
    """Whether the index here is the one that other machines have, where it is shared."""
    with shared_index(settings) as shared:
        if shared is None:
            return None
        newest, manifest = shared.newest(), read_manifest(settings.data_dir)
    here = manifest.generation if manifest else None
    found = f"generation {newest or 'none yet'}, {here or 'none'} here"
    advice = "any command that answers, or a page that runs, brings this folder up to it"
    return Check("shared index", ok=True, found=found, advice="" if newest == here else advice)


def _kept_reports(settings: Settings) -> str | Check:
    manifest = read_manifest(settings.data_dir)
    entries = manifest.reports if manifest else ()
    if spoilt := spoilt_shards(settings.data_dir, entries):
        advice = "run 'chatbot ingest --rebuild' with the paths of these reports"
        damaged = f"damaged: {', '.join(spoilt)}"
        return Check("kept reports", ok=False, found=damaged, advice=advice)
    return f"{len(entries)}, whole"


def _conversations(settings: Settings) -> str:
    kept = settings.data_dir / DATABASE_FILE
    if settings.database_url is None and not kept.exists():
        return "none saved yet"
    database = open_database(settings)
    database.dispose()
    return f"PostgreSQL at {database.url.host}" if settings.database_url else str(kept)


def _rules(settings: Settings) -> str:
    book = read_rules(settings.data_dir)
    if book.problems:
        raise ChatbotError("; ".join(book.problems.values()))
    return str(len(book.rules))


def _embedding(settings: Settings) -> Check:
    size = len(open_embedding(settings).get_query_embedding("test"))
    found = f"{settings.embedding}, {size} dimensions"
    better = _MULTILINGUAL if settings.embedding == "local" else ""
    return Check("embedding", ok=True, found=found, advice=better)


def _model(settings: Settings) -> str | Check:
    seconds = min(settings.llm_timeout, _PROBE_SECONDS)
    model = open_chat_model(settings.model_copy(update={"llm_timeout": seconds}))
    if model is None:
        found = "none: answers are the reports' own sentences"
        advice = (
            "set OPENAI_API_KEY, or OPENAI_BASE_URL for a server of your own, for written answers"
        )
        return Check("language model", ok=True, found=found, advice=advice)
    for _ in model.stream([ChatTurn("user", "Say: ok")]):
        break
    return f"{settings.llm} answers"


# What is looked at, in this order, and what to do about an error that is met there.
_LOOKS: tuple[tuple[str, _Look, str], ...] = (
    ("data folder", _data_dir, "set CHATBOT_DATA_DIR to a folder that can be written"),
    ("disk space", _room, ""),
    ("index", _index, "run 'chatbot ingest --rebuild'"),
    ("shared index", _shared, "see that PostgreSQL is up"),
    ("kept reports", _kept_reports, "run 'chatbot ingest': the reports kept are indexed again"),
    ("conversations", _conversations, "answers do not need it; the page and 'chatbot feedback' do"),
    (
        "rules",
        _rules,
        "'chatbot rules edit NAME' or 'chatbot rules delete NAME'; the others are used",
    ),
    ("embedding", _embedding, "or set CHATBOT_EMBEDDING=local"),
    ("language model", _model, "without it answers are extracts"),
)
