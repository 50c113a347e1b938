"""The BM25 index: four fields, each scored by bm25s, normalised by its best score, and summed.

A section is judged by its own text and by its whole paper's (title counted twice), each over words
and over bigrams. BM25 after Robertson & Zaragoza 2009; bm25s is Lù 2024 (arXiv:2407.03618).
"""

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import bm25s
import numpy as np
from numpy.typing import NDArray

from chatbot.errors import MissingIndexError
from chatbot.index.terms import bigrams, normalise, without_stop_words, words

Scores = NDArray[np.float32]
_LETTERS = re.compile(r"[a-z]+")
_A_WORD = 3


@dataclass(frozen=True, slots=True)
class SectionTerms:
    """A section's words and bigrams, and its paper: what the lexical index is built from."""

    paper_id: str
    words: Sequence[str]
    bigrams: Sequence[str]


@dataclass(frozen=True, slots=True)
class _Field:
    """How one field is weighed and indexed: `k1` and `b` as in BM25."""

    name: str
    of_paper: bool
    weight: float
    k1: float
    b: float


# The paper counts double, so that English questions, which match little but titles and names,
# find their paper: recall@5 0.79 against 0.76 for equal weights (`make bench-choices`).
_FIELDS = (
    _Field("section_words", of_paper=False, weight=1 / 6, k1=1.2, b=0.4),
    _Field("section_bigrams", of_paper=False, weight=1 / 6, k1=1.2, b=0.4),
    _Field("paper_words", of_paper=True, weight=2 / 6, k1=1.5, b=0.75),
    _Field("paper_bigrams", of_paper=True, weight=2 / 6, k1=1.5, b=0.75),
)


class LexicalIndex:
    """BM25 over sections and papers; rows are in the order the index was built with."""

    def __init__(self, models: Sequence[Any], paper_of_row: NDArray[np.int32]) -> None:
        self._models = tuple(models)
        self._paper_of_row = paper_of_row

    @classmethod
    def build(cls, sections: Sequence[SectionTerms], titles: dict[str, str]) -> Self:
        """Index sections; `titles` maps each paper id to its title."""
        papers = {paper_id: row for row, paper_id in enumerate(titles)}
        paper_of_row = np.array([papers[s.paper_id] for s in sections], dtype=np.int32)
        by_kind = {
            "words": (
                [s.words for s in sections],
                {p: words(title) * 2 for p, title in titles.items()},
            ),
            "bigrams": (
                [s.bigrams for s in sections],
                {p: bigrams(title) * 2 for p, title in titles.items()},
            ),
        }
        models = []
        for field in _FIELDS:
            own, of_paper = by_kind[field.name.partition("_")[2]]
            if field.of_paper:
                for section, terms in zip(sections, own, strict=True):
                    of_paper[section.paper_id].extend(terms)
            models.append(_bm25(field, list(of_paper.values()) if field.of_paper else own))
        return cls(models, paper_of_row)

    def save(self, folder: Path) -> None:
        """Write the index into a new folder."""
        folder.mkdir(parents=True)
        np.save(folder / "paper_of_row.npy", self._paper_of_row)
        for field, model in zip(_FIELDS, self._models, strict=True):
            if model is not None:
                model.save(folder / field.name)

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read what `save` wrote.

        Raises:
            MissingIndexError: the files are missing or damaged.
        """
        try:
            paper_of_row = np.load(folder / "paper_of_row.npy")
            stored = [folder / field.name for field in _FIELDS]
            models = [
                bm25s.BM25.load(path, mmap=True) if path.exists() else None for path in stored
            ]
        except (OSError, ValueError, KeyError) as error:
            cause = f"the lexical index in {folder} cannot be read; run 'chatbot ingest --rebuild'"
            raise MissingIndexError(cause) from error
        return cls(models, paper_of_row)

    def scores(self, text: str) -> Scores:
        """Score of every row for `text`, between 0 and 1; 0 where no term matches."""
        total = np.zeros(len(self._paper_of_row), dtype=np.float32)
        terms = {
            "words": without_stop_words(words(text)),
            "bigrams": without_stop_words(bigrams(text)),
        }
        for field, model in zip(_FIELDS, self._models, strict=True):
            found = terms[field.name.partition("_")[2]]
            if model is None or not found:
                continue
            scores = model.get_scores(found)
            scores = scores[self._paper_of_row] if field.of_paper else scores
            if (best := scores.max()) > 0:
                total += field.weight * (scores / best)
        return total

    def knows(self, name: str) -> bool:
        """Whether a name occurs in a paper, whole or, however it is spaced, by its words."""
        model = self._models[2]
        vocabulary = model.vocab_dict if model is not None else {}
        parts = [part for part in _LETTERS.findall(normalise(name)) if len(part) >= _A_WORD]
        return normalise(name) in vocabulary or bool(parts and all(p in vocabulary for p in parts))

    def idf(self, word: str) -> float:
        """Inverse document frequency of a word over sections; an unseen word's is highest."""
        model, count = self._models[0], len(self._paper_of_row)
        token = model.vocab_dict.get(word) if model is not None else None
        seen = (
            0
            if token is None
            else int(model.scores["indptr"][token + 1] - model.scores["indptr"][token])
        )
        return math.log(1 + (count - seen + 0.5) / (seen + 0.5))


def _bm25(field: _Field, documents: Sequence[Sequence[str]]) -> Any:
    """A bm25s model, or None where there is not one term to index."""
    if not any(documents):
        return None
    model = bm25s.BM25(k1=field.k1, b=field.b, method="lucene")
    model.index(list(documents), show_progress=False)
    return model
