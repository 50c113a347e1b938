"""The choice among the three embeddings, and the edge where their failures become ours."""

from collections.abc import Sequence
from pathlib import Path

from llama_index.core.base.embeddings.base import BaseEmbedding

from chatbot.config import Settings
from chatbot.errors import ConfigurationError
from chatbot.index.embedding import LocalEmbedding
from chatbot.llm_errors import OPENAI_URL, openai_errors


def open_embedding(settings: Settings, fitted: Path) -> BaseEmbedding:
    """The configured embedding; the local one is read from the folder `fitted`.

    Raises:
        ConfigurationError: the model cannot be opened.
        MissingIndexError: the fitted embedding is missing or damaged.
    """
    return (
        LocalEmbedding.load(fitted)
        if settings.embedding == "local"
        else open_model_embedding(settings)
    )


def open_model_embedding(settings: Settings) -> BaseEmbedding:
    """The embedding of a model: ``openai:MODEL`` or ``onnx:FOLDER``.

    Raises:
        ConfigurationError: the model cannot be opened.
    """
    kind, _, rest = settings.embedding.partition(":")
    if kind == "openai":
        return _open_openai(settings, rest)
    from chatbot.index.onnx import OnnxEmbedding

    return OnnxEmbedding.open(Path(rest))


def model_fingerprint(settings: Settings) -> str:
    """A name for an embedding that is not fitted; another model or export has another."""
    kind, _, rest = settings.embedding.partition(":")
    if kind == "openai":
        return f"{settings.embedding}@{settings.openai_base_url or 'openai'}"
    files = sorted(path for path in Path(rest).glob("**/*") if path.is_file())
    return f"{settings.embedding}#{'-'.join(str(path.stat().st_size) for path in files)}"


def embed_query(embedding: BaseEmbedding, text: str, settings: Settings) -> list[float]:
    """The vector of a question.

    Raises:
        ModelError: the embedding server did not answer.
    """
    with openai_errors(settings):
        return embedding.get_query_embedding(text)


def embed_texts(
    embedding: BaseEmbedding, texts: Sequence[str], settings: Settings
) -> list[list[float]]:
    """The vectors of texts, in order.

    Raises:
        ModelError: the embedding server did not answer.
    """
    with openai_errors(settings):
        return embedding.get_text_embedding_batch(list(texts))


def _open_openai(settings: Settings, model: str) -> BaseEmbedding:
    if not settings.has_llm:
        raise ConfigurationError(
            f"CHATBOT_EMBEDDING=openai:{model} needs OPENAI_API_KEY or OPENAI_BASE_URL; "
            "set one, or CHATBOT_EMBEDDING=local"
        )
    from llama_index.embeddings.openai import OpenAIEmbedding

    key = settings.openai_api_key.get_secret_value() if settings.openai_api_key else "none"
    return OpenAIEmbedding(
        model_name=model,
        api_key=key,
        api_base=settings.openai_base_url or OPENAI_URL,
        timeout=settings.llm_timeout,
        max_retries=2,
    )
