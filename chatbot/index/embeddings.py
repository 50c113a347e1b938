"""Texts to vectors: the local embedding (the default without a key), an ONNX model, or OpenAI's.

The local one is latent semantic analysis of the corpus. Foreign failures become ours here.
"""

import hashlib
import json
import random
from collections import Counter
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any, Self

import numpy as np
from llama_index.core.base.embeddings.base import BaseEmbedding
from numpy.typing import NDArray
from pydantic import PrivateAttr, TypeAdapter

from chatbot.config import Settings
from chatbot.errors import ConfigurationError, MissingIndexError, ModelError
from chatbot.llm.provider_errors import OPENAI_URL, openai_errors
from chatbot.text.terms import bigrams, without_stop_words, words

DIMENSIONS = 256
_VERSION = "lsa-2"
_SEED = 0
_VOCABULARY = TypeAdapter(dict[str, int])
# Below this many texts a term seen once still tells something; above, it only makes files larger.
_FEW_TEXTS = 50
# What more texts would teach costs more memory than a machine has.
_MOST_TEXTS = 20_000


class LocalEmbedding(BaseEmbedding):
    """Unit vectors of 256 dimensions; a text with no known term gets the zero vector."""

    model_name: str = "local"
    _vocabulary: dict[str, int] = PrivateAttr()
    _idf: NDArray[np.float32] = PrivateAttr()
    _components: NDArray[np.float16] = PrivateAttr()

    def __init__(
        self, vocabulary: dict[str, int], idf: NDArray[np.float32], components: NDArray[np.float16]
    ) -> None:
        super().__init__()
        self._vocabulary, self._idf, self._components = vocabulary, idf, components

    @classmethod
    def fit(cls, texts: Sequence[str]) -> Self:
        """Fit on the texts of a corpus, or a sample of a large one; the same texts fit the same."""
        from sklearn.decomposition import TruncatedSVD
        from sklearn.feature_extraction.text import TfidfVectorizer

        if len(texts) > _MOST_TEXTS:
            texts = random.Random(_SEED).sample(sorted(texts), _MOST_TEXTS)  # noqa: S311
        documents = [words(text) + bigrams(text) for text in texts]
        if not any(documents):
            return cls({}, np.zeros(0, np.float32), np.zeros((0, DIMENSIONS), np.float16))
        least = 2 if len(documents) >= _FEW_TEXTS else 1
        vectorizer = TfidfVectorizer(analyzer=list, sublinear_tf=True, min_df=least)
        matrix = vectorizer.fit_transform(documents)
        rank = min(DIMENSIONS, *matrix.shape)
        svd = TruncatedSVD(rank, random_state=_SEED).fit(matrix)
        components = np.zeros((matrix.shape[1], DIMENSIONS), np.float16)
        components[:, :rank] = svd.components_.T
        vocabulary = {term: int(column) for term, column in vectorizer.vocabulary_.items()}
        return cls(vocabulary, vectorizer.idf_.astype(np.float32), components)

    def save(self, folder: Path) -> None:
        """Write the fitted embedding into a new folder."""
        folder.mkdir(parents=True)
        vocabulary = json.dumps(self._vocabulary, ensure_ascii=False)
        (folder / "vocabulary.json").write_text(vocabulary, encoding="utf-8")
        np.save(folder / "idf.npy", self._idf)
        np.save(folder / "components.npy", self._components)

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read what `save` wrote; the matrix stays on disk until a row is used.

        Raises:
            MissingIndexError: the files are missing or damaged.
        """
        try:
            vocabulary = _VOCABULARY.validate_json((folder / "vocabulary.json").read_bytes())
            components = np.load(folder / "components.npy", mmap_mode="r" if vocabulary else None)
            idf = np.load(folder / "idf.npy")
        except (OSError, ValueError) as error:
            raise _damaged(folder) from error
        columns = vocabulary.values()
        inside = min(columns, default=0) >= 0 and max(columns, default=-1) < len(idf)
        if components.shape != (len(idf), DIMENSIONS) or not inside:
            raise _damaged(folder)
        return cls(vocabulary, idf, components)

    def _embed(self, terms: Sequence[str]) -> list[float]:
        vocabulary = self._vocabulary  # looked up once: pydantic makes private fields slow to read
        known = Counter(column for term in terms if (column := vocabulary.get(term)) is not None)
        if not known:
            return [0.0] * DIMENSIONS
        columns = np.fromiter(known.keys(), dtype=np.int64)
        counts = np.fromiter(known.values(), dtype=np.float32)
        weights = (1 + np.log(counts)) * self._idf[columns]
        vector = weights @ self._components[columns].astype(np.float32)
        length = np.linalg.norm(vector)
        unit: list[float] = (vector / (length or 1.0)).tolist()
        return unit

    def _get_text_embedding(self, text: str) -> list[float]:
        return self._embed(words(text) + bigrams(text))

    def _get_query_embedding(self, query: str) -> list[float]:
        return self._embed(without_stop_words(words(query) + bigrams(query)))

    async def _aget_query_embedding(self, query: str) -> list[float]:
        return self._get_query_embedding(query)


def fit_fingerprint(texts: Sequence[str]) -> str:
    """A name for what `LocalEmbedding.fit` makes of these texts, in whatever order they come."""
    digest = hashlib.sha256(_VERSION.encode())
    for text in sorted(texts):
        digest.update(text.encode())
        digest.update(b"\0")
    return f"local-{digest.hexdigest()[:16]}"


def _damaged(folder: Path) -> MissingIndexError:
    return MissingIndexError(
        f"the local embedding in {folder} cannot be read; run 'chatbot ingest --rebuild'"
    )


_MAX_TOKENS = 512
_BATCH = 32
_POOLED = 2  # dimensions of an output that the model has pooled itself


class OnnxEmbedding(BaseEmbedding):
    """Unit vectors of the model's own dimensions; texts are cut at 512 tokens."""

    _session: Any = PrivateAttr()
    _tokenizer: Any = PrivateAttr()
    _first_token: bool = PrivateAttr()
    _prefixes: dict[str, str] = PrivateAttr()

    @classmethod
    def open(cls, folder: Path) -> Self:
        """Load the model in `folder`.

        Raises:
            ConfigurationError: the folder does not hold a model that can be run.
        """
        import onnxruntime
        from tokenizers import Tokenizer

        model = cls(model_name=f"onnx:{folder}", embed_batch_size=_BATCH)
        places = (folder / "model.onnx", folder / "onnx" / "model.onnx")
        file = next((place for place in places if place.is_file()), None)
        if file is None or not (folder / "tokenizer.json").is_file():
            raise ConfigurationError(
                f"CHATBOT_EMBEDDING: {folder} holds no model.onnx with a tokenizer.json"
            )
        try:
            providers = ["CPUExecutionProvider"]
            model._session = onnxruntime.InferenceSession(str(file), providers=providers)
            model._tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
        except Exception as error:
            cause = str(error).partition("\n")[0]
            raise ConfigurationError(
                f"CHATBOT_EMBEDDING: {folder} cannot be loaded: {cause}"
            ) from error
        model._tokenizer.enable_truncation(_MAX_TOKENS)
        model._tokenizer.enable_padding()
        pooling = _optional_json(folder / "1_Pooling" / "config.json")
        model._first_token = bool(pooling.get("pooling_mode_cls_token"))
        more = _optional_json(folder / "config_sentence_transformers.json")
        model._prefixes = more.get("prompts") or {}
        return model

    def _embed(self, texts: list[str]) -> list[list[float]]:
        encoded = self._tokenizer.encode_batch(texts)
        mask = np.array([e.attention_mask for e in encoded], dtype=np.int64)
        known = {
            "input_ids": np.array([e.ids for e in encoded], dtype=np.int64),
            "attention_mask": mask,
            "token_type_ids": np.array([e.type_ids for e in encoded], dtype=np.int64),
        }
        wanted = {i.name: known[i.name] for i in self._session.get_inputs() if i.name in known}
        try:
            output = np.asarray(self._session.run(None, wanted)[0], dtype=np.float32)
        except Exception as error:
            cause = str(error).partition("\n")[0]
            raise ModelError(f"{self.model_name} could not embed a text: {cause}") from error
        vectors = self._pool(output, mask)
        lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
        unit: list[list[float]] = (vectors / np.where(lengths == 0, 1, lengths)).tolist()
        return unit

    def _pool(self, output: NDArray[np.float32], mask: NDArray[np.int64]) -> NDArray[np.float32]:
        """Token vectors (batch, tokens, dimensions) to text vectors, if the model has not."""
        if output.ndim == _POOLED:
            return output
        if self._first_token:
            return np.asarray(output[:, 0])
        weights = mask[:, :, None].astype(np.float32)
        return np.asarray((output * weights).sum(axis=1) / np.maximum(weights.sum(axis=1), 1))

    def _prefix(self, *names: str) -> str:
        return next((self._prefixes[name] for name in names if name in self._prefixes), "")

    def _get_text_embeddings(self, texts: list[str]) -> list[list[float]]:
        prefix = self._prefix("passage", "document")
        return self._embed([prefix + text for text in texts])

    def _get_text_embedding(self, text: str) -> list[float]:
        return self._get_text_embeddings([text])[0]

    def _get_query_embedding(self, query: str) -> list[float]:
        return self._embed([self._prefix("query") + query])[0]

    async def _aget_query_embedding(self, query: str) -> list[float]:
        return self._get_query_embedding(query)


def _optional_json(path: Path) -> dict[str, Any]:
    if not path.is_file():
        return {}
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise ConfigurationError(f"CHATBOT_EMBEDDING: {path} is not JSON: {error}") from error
    return found if isinstance(found, dict) else {}


def open_embedding(settings: Settings, fitted: Path) -> BaseEmbedding:
    """The configured embedding; the local one is read from the folder `fitted`.

    Raises:
        ConfigurationError: the model cannot be opened.
        MissingIndexError: the fitted embedding is missing or damaged.
    """
    if settings.embedding == "local":
        return LocalEmbedding.load(fitted)
    return open_model_embedding(settings)


def open_model_embedding(settings: Settings) -> BaseEmbedding:
    """The embedding of a model: ``openai:MODEL`` or ``onnx:FOLDER``.

    Raises:
        ConfigurationError: the model cannot be opened.
    """
    kind, _, rest = settings.embedding.partition(":")
    if kind != "openai":
        return OnnxEmbedding.open(Path(rest))
    if not settings.has_llm:
        raise ConfigurationError(
            f"CHATBOT_EMBEDDING={settings.embedding} needs OPENAI_API_KEY or OPENAI_BASE_URL; "
            "set one, or CHATBOT_EMBEDDING=local"
        )
    from llama_index.embeddings.openai import OpenAIEmbedding

    return OpenAIEmbedding(
        model_name=rest,
        api_key=settings.key or "none",
        api_base=settings.openai_base_url or OPENAI_URL,
        timeout=settings.llm_timeout,
        max_retries=2,
    )


def model_fingerprint(settings: Settings) -> str:
    """A name for an embedding that is not fitted; another model or export has another."""
    kind, _, rest = settings.embedding.partition(":")
    if kind == "openai":
        return f"{settings.embedding}@{settings.openai_base_url or 'openai'}"
    files = sorted(path for path in Path(rest).glob("**/*") if path.is_file())
    return f"{settings.embedding}#{'-'.join(str(path.stat().st_size) for path in files)}"


def embedding_errors(settings: Settings) -> AbstractContextManager[None]:
    """Turns what an embedding's server raises into our error; other embeddings ask none.

    Raises:
        ModelError: the embedding server did not answer.
    """
    served = settings.embedding.startswith("openai:")
    return openai_errors(settings) if served else nullcontext()
