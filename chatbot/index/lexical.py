"""The lexical index: each section by its own words and by its whole paper's, apart, in tantivy.

Sections and papers are documents of their own indexes, each with words and character bigrams, which
BM25 (Robertson & Zaragoza 2009) scores apart. Papers for which search text was written
(`enrichment.py`) are in two wider indexes as well, which hold the same text with it. Segments are
written once; a generation has links to those of the one before.
"""

import math
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache, lru_cache
from itertools import chain
from pathlib import Path
from typing import Any, Literal, Self, get_args

import numpy as np
import rjieba
import tantivy
from numpy.typing import NDArray
from tantivy import Occur, Query

from chatbot.errors import MissingIndexError
from chatbot.index.records import PLACES, Records
from chatbot.text.terms import bigrams, normalise, words

Kind = Literal["words", "bigrams"]
Part = Literal["section", "paper", "wide_section", "wide_paper"]
KINDS: tuple[Kind, ...] = get_args(Kind)
PARTS: tuple[Part, ...] = get_args(Part)
CUTS: Mapping[Kind, Callable[[str], list[str]]] = {"words": words, "bigrams": bigrams}
_LETTERS = re.compile(r"[a-z]+")
_A_WORD = 3
_CHUNK = re.compile(r"[a-z]+|\d+|[\u3400-\u9fff]+")
# Parts of no more documents are scored whole; of larger ones the best, and then the candidates.
_FEW, _DEPTH = 2000, 100
_REMEMBERED = 256
# What lengths count for, b, is 0.75 with tantivy; sections are short and say things once, for which
# 0.4 is better: so each is longer by seven eighths of what is usual, 93 words and 135 bigrams.
FILLER: Mapping[tuple[Kind, Part], str] = {
    ("words", "section"): " ·" * 81,
    ("bigrams", "section"): " ·" * 118,
    ("words", "wide_section"): " ·" * 188,
    ("bigrams", "wide_section"): " ·" * 237,
}
_PANIC = "PanicException"
_NOT_WRITABLE = ("Read-only", "ReadOnly", "Permission")
# How far a misspelt name's papers are followed.
_MOST_ALIKE = 200


@dataclass(frozen=True, slots=True)
class Scope:
    """What may be found: sections of these papers, days (as ordinals) and kinds, less some papers.

    None does not narrow, nor do no kinds. Papers and kinds are numbers, as in the records.
    """

    papers: frozenset[int] | None = None
    days: frozenset[int] | None = None
    keys: frozenset[int] = frozenset()
    without: frozenset[int] = frozenset()


EVERYTHING = Scope()


def terms_of(*texts: str) -> dict[Kind, str]:
    """The terms of some texts by kind, with spaces between."""
    return {kind: " ".join(cut("\n".join(texts))) for kind, cut in CUTS.items()}


@dataclass(frozen=True, slots=True)
class Hits:
    """What was found, best first, with its papers and scores."""

    numbers: NDArray[np.int64]
    papers: NDArray[np.int64]
    values: NDArray[np.float32]

    @classmethod
    def of(cls, found: Iterable[tuple[int, int, float]]) -> Self:
        """The hits that are these."""
        numbers, papers, values = zip(*rows, strict=True) if (rows := [*found]) else ((), (), ())
        ids, of = np.array(numbers, np.int64), np.array(papers, np.int64)
        return cls(ids, of, np.array(values, np.float32))

    def among(self, wanted: NDArray[np.int64]) -> NDArray[np.float32]:
        """The score of each of these numbers; 0 for what was not found."""
        if not len(self.numbers):
            return np.zeros(len(wanted), np.float32)
        order = np.argsort(self.numbers)
        known = self.numbers[order]
        places = np.minimum(np.searchsorted(known, wanted), len(known) - 1)
        found = known[places] == wanted
        return np.where(found, self.values[order][places], 0).astype(np.float32)


@cache
def schema() -> Any:
    """The fields of a document of any part."""
    builder = tantivy.SchemaBuilder()
    builder.add_unsigned_field("number", indexed=True, fast=True)
    for name in ("paper", "key", "day"):
        builder.add_unsigned_field(name, indexed=True)
    for name in (*KINDS, "names"):
        builder.add_text_field(name, tokenizer_name="whitespace", index_option="freq")
    return builder.build()


@contextmanager
def engine_errors(folder: Path) -> Iterator[None]:
    """Turn what tantivy raises into our error; at damage it may also panic."""
    try:
        yield
    except BaseException as error:
        if not isinstance(error, ValueError | OSError) and type(error).__name__ != _PANIC:
            raise
        said = " ".join(str(error).split())[:200]
        advice = "make room, or run 'chatbot ingest --rebuild'"
        if any(sign in said for sign in _NOT_WRITABLE):
            advice = (
                "tantivy takes a lock even to read: make the folder writable, or set "
                "CHATBOT_DATA_DIR to a copy that is"
            )
        raise MissingIndexError(
            f"the lexical index in {folder} cannot be used ({said}); {advice}"
        ) from error


Terms = tuple[tuple[str, float], ...]


class LexicalIndex:
    """BM25 over sections and papers; both are known by the numbers they have in the records."""

    def __init__(self, folder: Path) -> None:
        """Open the index of a folder.

        Raises:
            MissingIndexError: its files are missing or damaged.
        """
        self._folder = folder
        with engine_errors(folder):
            self._parts = {
                part: tantivy.Index.open(str(folder / part)).searcher() for part in PARTS
            }
        self.best = lru_cache(maxsize=_REMEMBERED)(self._best)
        self.idf = lru_cache(maxsize=2**15)(self._idf)
        self._has = lru_cache(maxsize=2**15)(self._holds)
        self.holding = lru_cache(maxsize=_REMEMBERED)(self._holding)

    @property
    def is_enriched(self) -> bool:
        """Whether search text was written for any paper."""
        return bool(self._parts["wide_paper"].num_docs)

    def _best(
        self, part: Part, kind: Kind, terms: Terms, scope: Scope = EVERYTHING, limit: int = _DEPTH
    ) -> Hits:
        """The scores of the best sections or papers for weighted terms, best first.

        They are `limit`, or more where there are few at all.
        """
        count = self._parts[part].num_docs
        if not terms or not count:
            return Hits.of(())
        asked = []
        for term, weight in terms:
            query = _term(kind, term)
            boosted = query if weight == 1 else Query.boost_query(query, weight)
            asked.append((Occur.Should, boosted))
        query = Query.boolean_query(asked)
        if narrowing := [*_narrowing(scope)]:
            query = Query.boolean_query([(Occur.Must, query), *narrowing])
        return self._found(part, query, count if self.is_small(part) else limit)

    def is_small(self, part: Part) -> bool:
        """Whether `best` gives all that scores in a part."""
        return bool(self._parts[part].num_docs <= _FEW)

    def _found(self, part: Part, query: Any, limit: int | None = None) -> Hits:
        searcher = self._parts[part]
        with engine_errors(self._folder):
            limit = searcher.num_docs if limit is None else limit
            hits = searcher.search(query, max(1, limit), count=False).hits
            places = [address for _, address in hits]
            numbers = np.array(searcher.fast_field_values("number", places), np.int64)
        scores = np.array([score for score, _ in hits], np.float32)
        return Hits(numbers, numbers if part.endswith("paper") else numbers // PLACES, scores)

    def of_papers(
        self, part: Part, kind: Kind, terms: Terms, papers: Iterable[int], count: int
    ) -> tuple[Hits, float]:
        """The scores of what these papers have in a part, `count` at most, and the best of all."""
        best = self.best(part, kind, terms, EVERYTHING)
        highest = float(best.values.max(initial=0))
        if not self.is_small(part) and len(best.numbers) >= _DEPTH:
            best = self.best(part, kind, terms, Scope(frozenset(papers)), count)
        return best, highest

    def knows(self, name: str) -> bool:
        """Whether a name occurs in a paper, whole or, however it is spaced, by its words."""
        parts = [part for part in _LETTERS.findall(normalise(name)) if len(part) >= _A_WORD]
        whole = words(name)[:1]
        return any(self._has("words", term) for term in whole) or bool(
            parts and all(self._has("words", term) for part in parts for term in words(part))
        )

    def holds_bigram(self, pair: str) -> bool:
        """Whether any paper's text holds these two characters side by side."""
        return self._has("bigrams", pair)

    def _holds(self, kind: Kind, term: str) -> bool:
        """Whether a paper has a term; what was deleted still counts for `doc_freq`."""
        with engine_errors(self._folder):
            seen = self._parts["paper"].doc_freq(kind, term)
        return bool(seen and len(self._found("paper", _term(kind, term), 1).numbers))

    def _idf(self, term: str) -> float:
        """Inverse document frequency of a word over sections; an unseen word's is highest."""
        searcher = self._parts["section"]
        with engine_errors(self._folder):
            count, seen = searcher.num_docs, searcher.doc_freq("words", term)
        return math.log(1 + (count - min(seen, count) + 0.5) / (seen + 0.5))

    def _holding(
        self, text: str, scope: Scope = EVERYTHING, *, inside: bool = False
    ) -> frozenset[int]:
        """The papers that may hold a text, however it is spaced; all that do are among them.

        With `inside` Latin words may be parts of others.
        """
        asked = [(Occur.Must, held) for held in _held(text, inside=inside)]
        asked += _narrowing(scope, papers=True)
        query = Query.boolean_query(asked or [(Occur.Must, Query.all_query())])
        found = [self._found(part, query).numbers.tolist() for part in PARTS[1::2]]
        return frozenset(chain.from_iterable(found))

    def called_like(self, key: str, distance: int) -> tuple[int, ...]:
        """The papers that may have a name so many letters from a squeezed one."""
        query = Query.fuzzy_term_query(schema(), "names", key, distance)
        return tuple(self._found("paper", query, _MOST_ALIKE).numbers.tolist())


def _term(field: str, term: Any) -> Any:
    return Query.term_query(schema(), field, term, "freq")


def _narrowing(scope: Scope, *, papers: bool = False) -> Iterator[tuple[Any, Any]]:
    """What a scope asks of documents, which scores nothing; those of `papers` have no kind."""
    wanted = {"paper": scope.papers, "day": scope.days}
    if scope.keys and not papers:
        wanted["key"] = scope.keys
    for field, numbers in wanted.items():
        if numbers is not None:
            held = Query.term_set_query(schema(), field, sorted(numbers))
            yield Occur.Must, Query.const_score_query(held, 0.0)
    if scope.without:
        yield Occur.MustNot, Query.term_set_query(schema(), "paper", sorted(scope.without))


def _held(text: str, *, inside: bool) -> Iterator[Any]:
    """What a paper has to have in its index where its text holds this one.

    Of Latin letters the first run alone is looked for, since the others may be joined to it.
    """
    latin = False
    for chunk in _CHUNK.findall(normalise(text)):
        if not chunk.isascii():
            pattern = f"{chunk}.?|.{chunk}" if len(chunk) == 1 else None
            pairs = [_term("bigrams", pair) for pair in bigrams(chunk)]
            yield from [Query.regex_query(schema(), "bigrams", pattern)] if pattern else pairs
        elif not latin:
            latin = True
            before = ".*" if inside else ""
            stems = {stem for form in (chunk, f"{chunk}s") for stem in bigrams(form)}
            pattern = "|".join([f"{before}{chunk}.*", *sorted(stems)])
            yield Query.regex_query(schema(), "bigrams", pattern)


_PAIR = re.compile(
    r"(?P<zh>[\u3400-\u9fff]{2,14})[*”\"」]{0,3}\s*[（(]\s*"
    r"(?P<en>[A-Za-z][A-Za-z \-/]{2,48}?)\s*[)）,，;；:：]"
)
_WORD = re.compile(r"[a-z]+")
_LONGEST_TERM = 8
_SHORTEST_WORD = 3
# A pair of words seen together once may be chance.
_LEAST_PAIRS, _LEAST_DICE, _MOST_TERMS = 2, 0.25, 2
_NO_TERMS = frozenset(
    ["the", "and", "for", "with", "from", "how", "what", "that", "this", "its", "over", "real"]
)
_GLOSSES = """
SELECT pair.chinese, 2.0 * pair.pairs / (one.pairs + other.pairs) AS dice
FROM glosses pair
JOIN glosses one ON one.english = pair.english AND one.chinese = ''
JOIN glosses other ON other.english = '' AND other.chinese = pair.chinese
WHERE pair.english = ? AND pair.chinese != '' AND pair.pairs >= ? AND dice > ?
ORDER BY dice DESC, pair.chinese LIMIT ?
"""


def count_glosses(texts: Iterable[str]) -> Counter[tuple[str, str]]:
    """In how many bracketed pairs of these texts English and Chinese words stand, and together.

    With an empty word on one side: in how many the other stands at all.
    """
    counts: Counter[tuple[str, str]] = Counter()
    for pair in (match for text in texts for match in _PAIR.finditer(text)):
        chinese = {term for term in rjieba.cut(pair["zh"][-_LONGEST_TERM:]) if len(term) > 1}
        english = _english_words(pair["en"])
        counts.update((word, term) for word in (*english, "") for term in (*chinese, ""))
    return counts


class Glossary:
    """English words (lower case, singular), each with Chinese ones and their weights, 0 to 1.

    Learnt from the reports' own brackets: "世界模型（World Model）". Two words go together when
    they stand in the same pairs and in few others: the Dice coefficient, as in Smadja et al. 1996.
    It doubles as the weight, so a word that is glossed in many ways adds little.
    """

    def __init__(self, records: Records | None = None) -> None:
        """That of these records; an empty one without."""
        self._records = records
        self._terms_of = lru_cache(maxsize=2**12)(self._looked_up)

    def translate(self, text: str) -> dict[str, float]:
        """Chinese words for the English ones of a text, with their weights."""
        found: dict[str, float] = {}
        for word in _english_words(text):
            for term, weight in self._terms_of(word):
                found[term] = max(found.get(term, 0.0), weight)
        return found

    def _looked_up(self, word: str) -> tuple[tuple[str, float], ...]:
        if self._records is None:
            return ()
        found = self._records.all(_GLOSSES, word, _LEAST_PAIRS, _LEAST_DICE, _MOST_TERMS)
        return tuple((term, round(weight, 3)) for term, weight in found)


def _english_words(english: str) -> set[str]:
    words = {_singular(word) for word in _WORD.findall(english.lower())}
    return {word for word in words if len(word) >= _SHORTEST_WORD and word not in _NO_TERMS}


def _singular(word: str) -> str:
    plural = len(word) > _SHORTEST_WORD and word.endswith("s") and not word.endswith("ss")
    return word[:-1] if plural else word
