"""`chatbot doctor`: is everything installed, configured, reachable and indexed?

Each check that fails says what to do about it.
"""

import sys
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version

from chatbot.config import Settings
from chatbot.errors import ChatbotError

_PACKAGES = ("llama-index-core", "chromadb", "bm25s", "openai", "gradio")
_PROBE_SECONDS = 15.0


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
        _index(settings),
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


def _index(settings: Settings) -> Check:
    from chatbot.index.build import index_is_stale
    from chatbot.index.store import open_index

    if stale := index_is_stale(settings):
        return Check("index", ok=False, found=stale, advice="run 'chatbot ingest'")
    try:
        index = open_index(settings)
        stored = index.vectors.ids()
    except ChatbotError as error:
        return Check("index", ok=False, found=str(error), advice="run 'chatbot ingest --rebuild'")
    manifest = index.manifest
    missing = sum(row not in stored for row in index.row_of)
    found = (
        f"{len(manifest.reports)} reports, {manifest.papers} papers, {manifest.sections} sections, "
        f"generation {manifest.generation}, vectors in {settings.chroma_url or 'embedded Chroma'}"
    )
    if missing:
        advice = "run 'chatbot ingest --rebuild'"
        return Check(
            "index", ok=False, found=f"{found}; {missing} vectors are missing", advice=advice
        )
    return Check("index", ok=True, found=found)


def _embedding(settings: Settings) -> Check:
    from chatbot.index.embeddings import embed_query, open_model_embedding

    if settings.embedding == "local":
        return Check("embedding", ok=True, found="local, fitted on the corpus")
    try:
        size = len(embed_query(open_model_embedding(settings), "test", settings))
    except ChatbotError as error:
        return Check(
            "embedding", ok=False, found=str(error), advice="or set CHATBOT_EMBEDDING=local"
        )
    return Check("embedding", ok=True, found=f"{settings.embedding}, {size} dimensions")


def _model(settings: Settings) -> Check:
    from chatbot.llm import ChatTurn, open_chat_model

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
