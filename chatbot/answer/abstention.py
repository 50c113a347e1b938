"""How a model says that the sources do not answer: one agreed word before its answer.

The prompt asks for ``NOT_REPORTED``, ``FALSE_PREMISE`` or ``NOT_IN_CORPUS`` on a line of its own.
The word is taken out of the stream, however it is dressed; no structured output is needed for it.
"""

import re
from collections.abc import Iterable, Iterator

from chatbot.answer.models import AbstainReason

_REASONS: dict[str, AbstainReason] = {
    "NOT_REPORTED": "not_reported",
    "FALSE_PREMISE": "false_premise",
    "NOT_IN_CORPUS": "not_in_corpus",
}
_WORD = re.compile(rf"[\s*`\[\](#:：]*(?P<word>{'|'.join(_REASONS)})[*`\])：:。.]*\s*")
# What may still become the word, however dressed.
_DRESSED = re.compile(r"[\s*`\[\](#:：]*(?P<begun>[A-Z_]*)")


def without_abstention(deltas: Iterable[str], found: list[AbstainReason]) -> Iterator[str]:
    """The text of `deltas` less a word of abstention at its start, which is added to `found`."""
    pending, decided = "", False
    for delta in deltas:
        if decided:
            yield delta
            continue
        pending += delta
        if _could_begin(pending):
            continue
        decided = True
        yield _stripped(pending, found)
    if not decided and pending:
        yield _stripped(pending, found)


def _could_begin(text: str) -> bool:
    """Whether a text may still turn out to begin with the word, or to go on dressing it."""
    if match := _WORD.match(text):
        return match.end() == len(text)
    if (dressed := _DRESSED.fullmatch(text)) is None:
        return False
    return any(word.startswith(dressed["begun"]) for word in _REASONS)


def _stripped(text: str, found: list[AbstainReason]) -> str:
    match = _WORD.match(text)
    if match is None:
        return text
    found.append(_REASONS[match["word"]])
    return text[match.end() :]
