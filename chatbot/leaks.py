"""Lines of a text that is not to be told, found in another by long runs of the same words.

Punctuation, emphasis and case between the words hide nothing; a translation or an encoding does.
"""

import re
from collections.abc import Iterator
from functools import lru_cache

Known = frozenset[tuple[str, ...]]
_WORD = re.compile(r"[A-Za-z0-9_]+")
_TOGETHER = 3
# Of 671 true answers and claims none shares as many as 5 words in a row with a prompt.
_LINE = 8
_CUT = "…"


@lru_cache(maxsize=2)  # each answer asks for those of the same prompts
def known_lines(texts: tuple[str, ...]) -> Known:
    """What lines of these texts are told by: three words in a row each, and how those begin."""
    return frozenset(
        words[at : at + size]
        for text in texts
        for piece in re.split(r"\$\w+", text)
        for words in [tuple(word[0].casefold() for word in _WORD.finditer(piece))]
        for at in range(len(words) - _TOGETHER + 1)
        for size in range(1, _TOGETHER + 1)
    )


def without_lines(text: str, known: Known) -> tuple[str, int]:
    """`text` less every run of eight known words or more, and how many runs there were."""
    runs = [(first, last) for first, last, words in _runs(text, known) if words >= _LINE]
    for first, last in reversed(runs):
        text = f"{text[:first]}{_CUT}{text[last:]}"
    return text, len(runs)


def run_at_end(text: str, known: Known) -> int:
    """Where a run of known words begins that may go on after the text; its length if none does."""
    words = list(_WORD.finditer(text)) if known else []
    for first, last, _ in _runs(text, known):
        if last == words[-1].end():
            return first
    for begun in (words[-2:], words[-1:]):
        if begun and tuple(word[0].casefold() for word in begun) in known:
            return begun[0].start()
    return len(text)


def _runs(text: str, known: Known) -> Iterator[tuple[int, int, int]]:
    """Runs of known words: where they begin and end (exclusive), and how many words they have."""
    if not known:
        return
    words = list(_WORD.finditer(text))
    said = [word[0].casefold() for word in words]
    at = 0
    while at <= len(words) - _TOGETHER:
        end = at
        while end <= len(said) - _TOGETHER and tuple(said[end : end + _TOGETHER]) in known:
            end += 1
        if end > at:
            last = end + _TOGETHER - 2
            yield words[at].start(), words[last].end(), last - at + 1
        at = end + 1
