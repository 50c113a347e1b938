"""A sentence-embedding model exported to ONNX.

Run with onnxruntime and tokenizers (both come with chromadb).

The folder is laid out as sentence-transformers exports it: ``model.onnx`` or ``onnx/model.onnx``
and ``tokenizer.json``; where present, ``1_Pooling/config.json`` (mean or first token) and the query
and passage prefixes in ``config_sentence_transformers.json`` are followed.
"""

import json
from pathlib import Path
from typing import Any, Self

import numpy as np
from llama_index.core.base.embeddings.base import BaseEmbedding
from numpy.typing import NDArray
from pydantic import PrivateAttr

from chatbot.errors import ConfigurationError, ModelError

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
        file = next(
            (f for f in (folder / "model.onnx", folder / "onnx" / "model.onnx") if f.is_file()),
            None,
        )
        if file is None or not (folder / "tokenizer.json").is_file():
            raise ConfigurationError(
                f"CHATBOT_EMBEDDING: {folder} holds no model.onnx with a tokenizer.json"
            )
        try:
            model._session = onnxruntime.InferenceSession(
                str(file), providers=["CPUExecutionProvider"]
            )
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
        model._prefixes = (
            _optional_json(folder / "config_sentence_transformers.json").get("prompts") or {}
        )
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
        vectors: list[list[float]] = _unit(self._pool(output, mask)).tolist()
        return vectors

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


def _unit(vectors: NDArray[np.float32]) -> NDArray[np.float32]:
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.asarray(vectors / np.where(lengths == 0, 1, lengths))
