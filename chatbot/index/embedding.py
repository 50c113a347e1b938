"""The local embedding, the default without a key: latent semantic analysis of the corpus.

After Deerwester et al. 1990: tf-idf over words and character bigrams, then a truncated SVD to 256
dimensions, unit length. It is fitted with scikit-learn and applied with NumPy alone, since
importing scikit-learn costs a second that a question should not pay.
"""

import hashlib
import json
import random
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Self

import numpy as np
from llama_index.core.base.embeddings.base import BaseEmbedding
from numpy.typing import NDArray
from pydantic import PrivateAttr, TypeAdapter

from chatbot.errors import MissingIndexError
from chatbot.index.terms import bigrams, without_stop_words, words

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
        self,
        vocabulary: dict[str, int],
        idf: NDArray[np.float32],
        components: NDArray[np.float16],
        **data: Any,
    ) -> None:
        super().__init__(**data)
        self._vocabulary, self._idf, self._components = vocabulary, idf, components

    @classmethod
    def fit(cls, texts: Sequence[str]) -> Self:
        """Fit on the texts of a corpus, or a sample of a large one; the same texts fit the same."""
        from sklearn.decomposition import TruncatedSVD
        from sklearn.feature_extraction.text import TfidfVectorizer

        if len(texts) > _MOST_TEXTS:
            texts = random.Random(_SEED).sample(sorted(texts), _MOST_TEXTS)  # noqa: S311
        documents = [_terms(text) for text in texts]
        if not any(documents):
            return cls({}, np.zeros(0, np.float32), np.zeros((0, DIMENSIONS), np.float16))
        vectorizer = TfidfVectorizer(
            analyzer=list, sublinear_tf=True, min_df=2 if len(documents) >= _FEW_TEXTS else 1
        )
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
        if components.shape != (len(idf), DIMENSIONS) or not (
            min(columns, default=0) >= 0 and max(columns, default=-1) < len(idf)
        ):
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
        return self._embed(_terms(text))

    def _get_query_embedding(self, query: str) -> list[float]:
        return self._embed(without_stop_words(_terms(query)))

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


def _terms(text: str) -> list[str]:
    return words(text) + bigrams(text)
