"""Text to search terms: words and character bigrams, for Chinese with English terms in it.

Words find names and exact wording; bigrams forgive a segmenter's mistakes. They are scored apart
(`lexical.py`), since one sum over both would count every Chinese word twice. rjieba was chosen by
measurement, see docs/architecture.md.
"""

import re
import unicodedata
from collections.abc import Mapping, Set
from pathlib import Path

import rjieba
import Stemmer

_RUN = re.compile(r"[a-z0-9]+(?:[._+\-][a-z0-9]+)*|[\u3400-\u4dbf\u4e00-\u9fff]+")
_MOST_MARKS = 30
# Half-width voiced sound marks: letters that become marks.
_LETTERS_AS_MARKS = "\uff9e\uff9f"
_PILE = re.compile(rf"(?:[^\w\s\x00-\u02ff]|[{_LETTERS_AS_MARKS}]){{{_MOST_MARKS + 1},}}")
_LATIN_PART = re.compile(r"[a-z0-9]+(?:\.[0-9]+)?")
_STEMMER = Stemmer.Stemmer("english", 0)  # without a cache, it is safe to share between threads
_WRITTEN = Path(__file__).with_name("stop_words.txt").read_text(encoding="utf-8").split()
STOP_WORDS = frozenset([*_WRITTEN, *_STEMMER.stemWords(_WRITTEN)])


def normalise(text: str) -> str:
    """Full-width to half-width and lower case, the form all terms are cut from.

    Of marks piled up on one sign the first 30 are kept (Unicode's stream-safe format, UAX 15):
    Python's NFKC takes the square of their number to order them.
    """
    return unicodedata.normalize("NFKC", _PILE.sub(_first_marks, text)).lower()


def _first_marks(pile: re.Match[str]) -> str:
    kept, marks = [], 0
    for sign in pile[0]:
        is_mark = unicodedata.category(sign)[0] == "M" or sign in _LETTERS_AS_MARKS
        marks = marks + 1 if is_mark else 0
        if marks <= _MOST_MARKS:
            kept.append(sign)
    return "".join(kept)


def words(text: str) -> list[str]:
    """Words of `text`, Chinese as segmented.

    English words come as their stems (Porter 1980, Snowball); a compound such as ``gru-mem`` whole
    and in its parts.
    """
    found: list[str] = []
    for run in _RUN.findall(normalise(text)):
        if run.isascii():
            parts = _LATIN_PART.findall(run)
            found += map(_stem, [run, *parts] if len(parts) > 1 else [run])
        else:
            found += rjieba.cut(run)
    return found


def bigrams(text: str) -> list[str]:
    """Overlapping character pairs of Chinese runs, and Latin words and numbers whole."""
    found: list[str] = []
    for run in _RUN.findall(normalise(text)):
        if run.isascii():
            found += map(_stem, _LATIN_PART.findall(run))
        else:
            found += [run[i : i + 2] for i in range(len(run) - 1)] or [run]
    return found


def content_terms(text: str) -> list[str]:
    """What two texts are compared by: the words of `text` that say something, and its bigrams."""
    return [*without_stop_words(words(text)), *bigrams(text)]


def share(weights: Mapping[str, float], terms: Set[str]) -> float:
    """How much of the weight of some terms is that of `terms`, 0 to 1."""
    total = sum(weights.values())
    return sum(value for term, value in weights.items() if term in terms) / total if total else 0.0


def without_stop_words(terms: list[str]) -> list[str]:
    """`terms` less those every question has; all of them where nothing else is left."""
    return [term for term in terms if term not in STOP_WORDS] or terms


def _stem(word: str) -> str:
    """An English word without its ending: "imagines" and "imagining" are one."""
    return str(_STEMMER.stemWord(word)) if word.isalpha() else word
