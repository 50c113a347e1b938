"""`chatbot doctor`: is everything installed, configured, reachable and indexed?

Each check that fails says what to do about it.
"""

import shutil
import sys
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from multiprocessing import get_context
from pathlib import Path

from chatbot.config import Settings
from chatbot.errors import ChatbotError

_PACKAGES = ("llama-index-core", "chromadb", "bm25s", "openai", "gradio")
_PROBE_SECONDS = 15.0
# A rebuild writes the index a second time before the first is deleted.
_LEAST_FREE = 200 * 2**20


@dataclass(frozen=True, slots=True)
class Check:
    """One thing looked at: whether it is fine, what was found, and what to do if it is not."""

    name: str
    ok: bool
    found: str
    advice: str = ""


def examine(settings: Settings) -> tuple[Check, ...]:
    """Look at everything an answer needs."""
    return (
        _python(),
        *_packages(),
        _data_dir(settings),
        _room(settings),
        _index(settings),
        *_shared(settings),
        _kept_reports(settings),
        _conversations(settings),
        _rules(settings),
        _embedding(settings),
        _model(settings),
    )


def _python() -> Check:
    found = ".".join(str(part) for part in sys.version_info[:3])
    return Check("python", sys.version_info >= (3, 11), found)


def _packages() -> Iterator[Check]:
    for name in _PACKAGES:
        try:
            yield Check(name, ok=True, found=version(name))
        except PackageNotFoundError:
            yield Check(name, ok=False, found="not installed", advice="run 'make setup'")


def _data_dir(settings: Settings) -> Check:
    probe = settings.data_dir / ".doctor"
    try:
        settings.data_dir.mkdir(parents=True, exist_ok=True)
        probe.touch()
        probe.unlink()
    except OSError as error:
        advice = "set CHATBOT_DATA_DIR to a folder that can be written"
        return Check(
            "data folder", ok=False, found=f"{settings.data_dir}: {error.strerror}", advice=advice
        )
    return Check("data folder", ok=True, found=str(settings.data_dir))


def _room(settings: Settings) -> Check:
    try:
        free = shutil.disk_usage(settings.data_dir).free
    except OSError as error:
        return Check("disk space", ok=False, found=error.strerror or str(error))
    found = f"{free / 2**20:,.0f} MB free"
    if free < _LEAST_FREE:
        advice = "make room, or set CHATBOT_DATA_DIR to a folder on another disk"
        return Check("disk space", ok=False, found=found, advice=advice)
    return Check("disk space", ok=True, found=found)


def _index(settings: Settings) -> Check:
    from chatbot.index.ingestion import index_is_stale
    from chatbot.index.reading import open_index

    rebuild = "run 'chatbot ingest --rebuild'"
    if stale := index_is_stale(settings):
        return Check("index", ok=False, found=stale, advice="run 'chatbot ingest'")
    try:
        if damage := _damage(settings):
            return Check("index", ok=False, found=damage, advice=rebuild)
        index = open_index(settings)
        stored = index.vectors.ids()
        index.vectors.check()
    except ChatbotError as error:
        return Check("index", ok=False, found=str(error), advice=rebuild)
    manifest = index.manifest
    missing = sum(row not in stored for row in index.row_of)
    found = (
        f"{len(manifest.reports)} reports, {manifest.papers} papers, {manifest.sections} sections, "
        f"generation {manifest.generation}, vectors in {settings.chroma_url or 'embedded Chroma'}"
    )
    if missing:
        return Check(
            "index", ok=False, found=f"{found}; {missing} vectors are missing", advice=rebuild
        )
    return Check("index", ok=True, found=found)


def _damage(settings: Settings) -> str | None:
    """The files of the index that no longer hold what was written, or None."""
    from chatbot.index.storage import altered, read_manifest
    from chatbot.index.vectors import damage_of

    manifest = read_manifest(settings.data_dir)
    if manifest is None:
        return None
    folders = [name for name in (manifest.lexical, manifest.fitted) if name]
    files = [str(path) for name in folders for path in altered(settings.data_dir / name)]
    if files:
        return f"{', '.join(files)}: damaged"
    if settings.chroma_url:
        return None
    folder = settings.data_dir / manifest.chroma
    return damage_of(folder) or _deadly_vectors(settings, folder)


def _deadly_vectors(settings: Settings, folder: Path) -> str | None:
    """That Chroma does not survive its own vectors, read in a process apart, where it does not.

    It has files of them from a thousand rows on.
    """
    if not any(folder.glob("*/data_level0.bin")):
        return None
    reader = get_context("spawn").Process(target=_read_vectors, args=(settings,))
    reader.start()
    reader.join()
    died = reader.exitcode is not None and reader.exitcode < 0
    return f"Chroma cannot read its vectors in {folder}" if died else None


def _read_vectors(settings: Settings) -> None:
    from chatbot.index.reading import open_index

    with suppress(ChatbotError):  # which the doctor will meet itself
        open_index(settings).vectors.check()


def _kept_reports(settings: Settings) -> Check:
    from chatbot.index.storage import read_manifest, spoilt_shards

    try:
        manifest = read_manifest(settings.data_dir)
    except ChatbotError as error:
        advice = "run 'chatbot ingest': the reports kept are indexed again"
        return Check("kept reports", ok=False, found=str(error), advice=advice)
    entries = manifest.reports if manifest else ()
    if spoilt := spoilt_shards(settings.data_dir, entries):
        return Check(
            "kept reports",
            ok=False,
            found=f"damaged: {', '.join(spoilt)}",
            advice="run 'chatbot ingest --rebuild' with the paths of these reports",
        )
    return Check("kept reports", ok=True, found=f"{len(entries)}, whole")


def _conversations(settings: Settings) -> Check:
    from chatbot.database.opening import DATABASE_FILE, open_database

    kept = settings.data_dir / DATABASE_FILE
    if settings.database_url is None and not kept.exists():
        return Check("conversations", ok=True, found="none saved yet")
    try:
        database = open_database(settings)
    except ChatbotError as error:
        advice = "answers do not need it; the page and 'chatbot feedback' do"
        return Check("conversations", ok=False, found=str(error), advice=advice)
    where = f"PostgreSQL at {database.url.host}" if settings.database_url else str(kept)
    database.dispose()
    return Check("conversations", ok=True, found=where)


def _shared(settings: Settings) -> Iterator[Check]:
    """Whether the index here is the one that other machines have, where it is shared."""
    from chatbot.index.sharing import shared_index
    from chatbot.index.storage import read_manifest

    try:
        with shared_index(settings) as shared:
            if shared is None:
                return
            newest, manifest = shared.newest(), read_manifest(settings.data_dir)
    except ChatbotError as error:
        yield Check("shared index", ok=False, found=str(error), advice="see that PostgreSQL is up")
        return
    here = manifest.generation if manifest else None
    found = f"generation {newest or 'none yet'}, {here or 'none'} here"
    advice = "any command that answers, or a page that runs, brings this folder up to it"
    yield Check("shared index", ok=True, found=found, advice="" if newest == here else advice)


def _rules(settings: Settings) -> Check:
    from chatbot.answering.rules import read_rules

    book = read_rules(settings.data_dir)
    if book.problems:
        return Check(
            "rules",
            ok=False,
            found="; ".join(book.problems.values()),
            advice="'chatbot rules edit NAME' or 'chatbot rules delete NAME'; the others are used",
        )
    return Check("rules", ok=True, found=str(len(book.rules)))


def _embedding(settings: Settings) -> Check:
    from chatbot.index.embeddings import embedding_errors, open_model_embedding

    if settings.embedding == "local":
        return Check("embedding", ok=True, found="local, fitted on the corpus")
    try:
        with embedding_errors(settings):
            size = len(open_model_embedding(settings).get_query_embedding("test"))
    except ChatbotError as error:
        return Check(
            "embedding", ok=False, found=str(error), advice="or set CHATBOT_EMBEDDING=local"
        )
    return Check("embedding", ok=True, found=f"{settings.embedding}, {size} dimensions")


def _model(settings: Settings) -> Check:
    from chatbot.llm.client import ChatTurn, open_chat_model

    if not settings.has_llm:
        advice = (
            "set OPENAI_API_KEY, or OPENAI_BASE_URL for a server of your own, for written answers"
        )
        return Check(
            "language model",
            ok=True,
            found="none: answers are the reports' own sentences",
            advice=advice,
        )
    try:
        probe = settings.model_copy(
            update={"llm_timeout": min(settings.llm_timeout, _PROBE_SECONDS)}
        )
        model = open_chat_model(probe)
        for _ in model.stream([ChatTurn("user", "Say: ok")]) if model else ():
            break
    except ChatbotError as error:
        return Check(
            "language model", ok=False, found=str(error), advice="without it answers are extracts"
        )
    return Check("language model", ok=True, found=f"{settings.llm} answers")
