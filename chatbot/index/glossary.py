"""English words to Chinese ones, learnt from the reports' own brackets: "世界模型（World Model）".

Two words go together when they stand in the same pairs and in few others: the Dice coefficient, as
in Smadja et al. 1996. It doubles as the weight, so a word that is glossed in many ways adds little.
"""

import json
import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import rjieba
from pydantic import TypeAdapter

from chatbot.errors import MissingIndexError

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
    """English words (lower case, singular), each with Chinese ones and their weights, 0 to 1."""

    terms: Mapping[str, Mapping[str, float]]

    @classmethod
    def mine(cls, texts: Iterable[str]) -> Self:
        """What the pairs of these texts teach."""
        english: defaultdict[str, set[int]] = defaultdict(set)
        chinese: defaultdict[str, set[int]] = defaultdict(set)
        pairs = (match for text in texts for match in _PAIR.finditer(text))
        for number, pair in enumerate(pairs):
            for word in _words(pair["en"]):
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
        for word in _words(text):
            for term, weight in self.terms.get(word, {}).items():
                found[term] = max(found.get(term, 0.0), weight)
        return found


def _words(english: str) -> set[str]:
    words = {_singular(word) for word in _WORD.findall(english.lower())}
    return {word for word in words if len(word) >= _SHORTEST_WORD and word not in _NO_TERMS}


def _singular(word: str) -> str:
    plural = len(word) > _SHORTEST_WORD and word.endswith("s") and not word.endswith("ss")
    return word[:-1] if plural else word


def _dice(one: set[int], other: set[int]) -> float:
    together = len(one & other)
    return 2 * together / (len(one) + len(other)) if together >= _LEAST_PAIRS else 0.0
