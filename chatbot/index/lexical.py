"""The BM25 index and its glossary: each section by its own words and by its whole paper's, apart.

Four fields, words and character bigrams of the section and of the paper (title counted twice), are
scored by BM25 (Robertson & Zaragoza 2009). Where search text was written for a paper
(`enrichment.py`), four wider fields hold the same text with it. The arrays are bm25s's (Lù 2024,
arXiv:2407.03618), read straight, so that a query's terms can be weighed.
"""

import json
import math
import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Self, get_args

import bm25s
import numpy as np
import rjieba
from numpy.typing import NDArray
from pydantic import TypeAdapter

from chatbot.errors import MissingIndexError
from chatbot.text.terms import bigrams, normalise, words

Scores = NDArray[np.float32]
Kind = Literal["words", "bigrams"]
KINDS: tuple[Kind, ...] = get_args(Kind)
CUTS: Mapping[Kind, Callable[[str], list[str]]] = {"words": words, "bigrams": bigrams}
_LETTERS = re.compile(r"[a-z]+")
_A_WORD = 3
# What NumPy, JSON and bm25s raise at a file that holds something else.
_DAMAGED = (OSError, ValueError, LookupError, TypeError, AttributeError)
# k1 and b of a section, which is short and says things once, and of a paper.
_SECTION, _PAPER = {"k1": 1.2, "b": 0.4}, {"k1": 1.5, "b": 0.75}


@dataclass(frozen=True, slots=True)
class SectionTerms:
    """A section's terms by kind, those of its search text, and its paper."""

    paper_id: str
    own: Mapping[Kind, Sequence[str]]
    written: Mapping[Kind, Sequence[str]]


@dataclass(frozen=True, slots=True)
class FieldScores:
    """BM25 of every row by its section and by its paper, each at most 1."""

    section: Scores
    paper: Scores


class LexicalIndex:
    """BM25 over sections and papers; rows are in the order the index was built with."""

    def __init__(
        self,
        models: Mapping[str, Any],
        paper_of_row: NDArray[np.int32],
        written_for: NDArray[np.bool_],
    ) -> None:
        self._models, self._paper_of_row, self._written_for = models, paper_of_row, written_for

    @classmethod
    def build(
        cls,
        sections: Sequence[SectionTerms],
        titles: Mapping[str, str],
        keywords: Mapping[str, str] | None = None,
    ) -> Self:
        """Index sections; `titles` and `keywords` are by paper id, in the order of the papers."""
        about = [(title, (keywords or {}).get(paper, "")) for paper, title in titles.items()]
        places = {paper_id: place for place, paper_id in enumerate(titles)}
        paper_of_row = np.array([places[s.paper_id] for s in sections], dtype=np.int32)
        models: dict[str, Any] = {}
        for kind, cut in CUTS.items():
            own = [list(section.own[kind]) for section in sections]
            written = [list(section.written[kind]) for section in sections]
            models |= _models(kind, own, paper_of_row, [cut(title) * 2 for title, _ in about])
            if any(written):
                wide = [o + w for o, w in zip(own, written, strict=True)]
                heads = [cut(title) * 2 + cut(more) for title, more in about]
                models |= _models(f"wide_{kind}", wide, paper_of_row, heads)
        written_for = np.zeros(len(titles), dtype=bool)
        for section, place in zip(sections, paper_of_row, strict=True):
            written_for[place] |= any(section.written.values())
        return cls(models, paper_of_row, written_for)

    def save(self, folder: Path) -> None:
        """Write the index into a new folder."""
        folder.mkdir(parents=True)
        np.save(folder / "paper_of_row.npy", self._paper_of_row)
        np.save(folder / "written_for.npy", self._written_for)
        for name, model in self._models.items():
            model.save(folder / name)

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read what `save` wrote.

        Raises:
            MissingIndexError: the files are missing or damaged.
        """
        try:
            paper_of_row = np.load(folder / "paper_of_row.npy")
            written_for = np.load(folder / "written_for.npy")
            counts = {"section": len(paper_of_row), "paper": len(written_for)}
            models = {
                path.name: _loaded(path, counts[path.name.rpartition("_")[2]])
                for path in folder.iterdir()
                if path.is_dir()
            }
            if paper_of_row.max(initial=-1) >= len(written_for):
                raise ValueError("a section of no paper")
        except _DAMAGED as error:
            cause = f"the lexical index in {folder} cannot be read; run 'chatbot ingest --rebuild'"
            raise MissingIndexError(cause) from error
        return cls(models, paper_of_row, written_for)

    @property
    def is_enriched(self) -> bool:
        """Whether search text was written for any paper."""
        return bool(self._written_for.any())

    def scores(
        self,
        kind: Kind,
        terms: Mapping[str, float],
        of_section: Mapping[str, float] | None = None,
        *,
        wide: bool = False,
    ) -> FieldScores:
        """Scores of every row for weighted terms; with `wide`, of text and search text together.

        Sections are scored for `of_section` where it is given. Papers without search text keep
        their plain scores, so that those with more words to match do not drive them out.
        """
        within = terms if of_section is None else of_section
        section = self._bm25(f"{kind}_section", within, len(self._paper_of_row))
        paper = self._bm25(f"{kind}_paper", terms, len(self._written_for))
        section, paper = _scaled(section), _scaled(paper)
        if wide and self.is_enriched:
            rows = self._written_for[self._paper_of_row]
            wider = self._bm25(f"wide_{kind}_section", within, len(section))
            section = np.where(rows, _scaled(np.where(rows, wider, 0)), section)
            wider = self._bm25(f"wide_{kind}_paper", terms, len(paper))
            paper = np.where(
                self._written_for, _scaled(np.where(self._written_for, wider, 0)), paper
            )
        return FieldScores(section, paper[self._paper_of_row])

    def _bm25(self, name: str, terms: Mapping[str, float], count: int) -> Scores:
        total = np.zeros(count, dtype=np.float32)
        model = self._models.get(name)
        if model is None:
            return total
        scores = model.scores
        pointers, rows, data = scores["indptr"], scores["indices"], scores["data"]
        for term, weight in terms.items():
            if (token := model.vocab_dict.get(term)) is not None:
                postings = slice(int(pointers[token]), int(pointers[token + 1]))
                total[rows[postings]] += weight * data[postings]
        return total

    def knows(self, name: str) -> bool:
        """Whether a name occurs in a paper, whole or, however it is spaced, by its words."""
        vocabulary = self._vocabulary("words_paper")
        parts = [part for part in _LETTERS.findall(normalise(name)) if len(part) >= _A_WORD]
        whole = words(name)[:1]
        return any(term in vocabulary for term in whole) or bool(
            parts and all(term in vocabulary for part in parts for term in words(part))
        )

    def holds_bigram(self, pair: str) -> bool:
        """Whether any paper's text holds these two characters side by side."""
        return pair in self._vocabulary("bigrams_paper")

    def idf(self, term: str, kind: Kind = "words") -> float:
        """Inverse document frequency of a term over sections; an unseen term's is highest."""
        name, count, seen = f"{kind}_section", len(self._paper_of_row), 0
        if (token := self._vocabulary(name).get(term)) is not None:
            pointers = self._models[name].scores["indptr"]
            seen = int(pointers[token + 1] - pointers[token])
        return math.log(1 + (count - seen + 0.5) / (seen + 0.5))

    def _vocabulary(self, name: str) -> Mapping[str, int]:
        model = self._models.get(name)
        return model.vocab_dict if model is not None else {}


def _loaded(folder: Path, count: int) -> Any:
    """A saved model, its arrays mapped into memory but seen as plain ones, which slice faster.

    Raises:
        ValueError: they do not fit each other, or name a row beyond the `count` there are.
    """
    model = bm25s.BM25.load(folder, mmap=True)
    for part in ("indptr", "indices", "data"):
        model.scores[part] = np.asarray(model.scores[part])
    pointers, rows, data = (model.scores[part] for part in ("indptr", "indices", "data"))
    tokens = np.fromiter(model.vocab_dict.values(), dtype=np.int64)
    if (
        not len(rows) == len(data) == pointers[-1]
        or pointers[0] != 0
        or (np.diff(pointers) < 0).any()
        or not 0 <= rows.min(initial=0) <= rows.max(initial=0) < max(count, 1)
        or not 0 <= tokens.min(initial=0) <= tokens.max(initial=0) < len(pointers)
    ):
        raise ValueError(folder.name)
    return model


def _models(
    kind: str,
    sections: list[list[str]],
    paper_of_row: NDArray[np.int32],
    papers: list[list[str]],
) -> dict[str, Any]:
    """The models of sections and of their papers, less those without one term to index."""
    for row, terms in enumerate(sections):
        papers[paper_of_row[row]].extend(terms)
    fields = {f"{kind}_section": (sections, _SECTION), f"{kind}_paper": (papers, _PAPER)}
    models = {}
    for name, (documents, parameters) in fields.items():
        if any(documents):
            models[name] = bm25s.BM25(**parameters, method="lucene")
            models[name].index(documents, show_progress=False)
    return models


def _scaled(scores: Scores) -> Scores:
    """Scores divided by the best of them."""
    best = scores.max(initial=0)
    return scores / best if best > 0 else scores


GLOSSARY_FILE = "glossary.json"
_PAIR = re.compile(
    r"(?P<zh>[\u3400-\u9fff]{2,14})[*”\"」]{0,3}\s*[（(]\s*"
    r"(?P<en>[A-Za-z][A-Za-z \-/]{2,48}?)\s*[)）,，;；:：]"
)
_WORD = re.compile(r"[a-z]+")
_TERMS = TypeAdapter(dict[str, dict[str, float]])
_LONGEST_TERM = 8
_SHORTEST_WORD = 3
# A pair of words seen together once may be chance.
_LEAST_PAIRS, _LEAST_DICE, _MOST_TERMS = 2, 0.25, 2
_NO_TERMS = frozenset(
    ["the", "and", "for", "with", "from", "how", "what", "that", "this", "its", "over", "real"]
)


@dataclass(frozen=True)
class Glossary:
    """English words (lower case, singular), each with Chinese ones and their weights, 0 to 1.

    Learnt from the reports' own brackets: "世界模型（World Model）". Two words go together when
    they stand in the same pairs and in few others: the Dice coefficient, as in Smadja et al. 1996.
    It doubles as the weight, so a word that is glossed in many ways adds little.
    """

    terms: Mapping[str, Mapping[str, float]]

    @classmethod
    def mine(cls, texts: Iterable[str]) -> Self:
        """What the pairs of these texts teach."""
        english: defaultdict[str, set[int]] = defaultdict(set)
        chinese: defaultdict[str, set[int]] = defaultdict(set)
        pairs = (match for text in texts for match in _PAIR.finditer(text))
        for number, pair in enumerate(pairs):
            for word in _english_words(pair["en"]):
                english[word].add(number)
            for term in rjieba.cut(pair["zh"][-_LONGEST_TERM:]):
                if len(term) > 1:
                    chinese[term].add(number)
        terms_of: defaultdict[int, list[str]] = defaultdict(list)
        for term, numbers in chinese.items():
            for number in numbers:
                terms_of[number].append(term)
        found = {}
        for word, numbers in english.items():
            near = {term for number in numbers for term in terms_of[number]}
            weights = {term: _dice(numbers, chinese[term]) for term in near}
            best = sorted(weights.items(), key=lambda entry: (-entry[1], entry[0]))[:_MOST_TERMS]
            if kept := {term: round(weight, 3) for term, weight in best if weight > _LEAST_DICE}:
                found[word] = kept
        return cls(found)

    def save(self, path: Path) -> None:
        """Write the glossary."""
        path.write_text(json.dumps(self.terms, ensure_ascii=False), encoding="utf-8")

    @classmethod
    def load(cls, path: Path) -> Self:
        """Read what `save` wrote.

        Raises:
            MissingIndexError: it is missing or damaged.
        """
        try:
            return cls(_TERMS.validate_json(path.read_bytes()))
        except (OSError, ValueError) as error:
            cause = f"{path} cannot be read; run 'chatbot ingest --rebuild'"
            raise MissingIndexError(cause) from error

    def translate(self, text: str) -> dict[str, float]:
        """Chinese words for the English ones of a text, with their weights."""
        found: dict[str, float] = {}
        for word in _english_words(text):
            for term, weight in self.terms.get(word, {}).items():
                found[term] = max(found.get(term, 0.0), weight)
        return found


def _english_words(english: str) -> set[str]:
    words = {_singular(word) for word in _WORD.findall(english.lower())}
    return {word for word in words if len(word) >= _SHORTEST_WORD and word not in _NO_TERMS}


def _singular(word: str) -> str:
    plural = len(word) > _SHORTEST_WORD and word.endswith("s") and not word.endswith("ss")
    return word[:-1] if plural else word


def _dice(one: set[int], other: set[int]) -> float:
    together = len(one & other)
    return 2 * together / (len(one) + len(other)) if together >= _LEAST_PAIRS else 0.0
