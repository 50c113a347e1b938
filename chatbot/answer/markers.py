"""Citation markers ``[n]``: finding them, and cleaning them out of a text while it streams.

Models write ``[1, 3]``, ``【2】`` or point to a source that is not there. What leaves here holds
``[1][3]``, and only numbers that stand for a source; a text is held back no longer than it could
still become a marker.
"""

import re
from collections.abc import Collection, Iterable, Iterator

from chatbot.answer.code_spans import code_spans, open_code, without_code

_NUMBERS = r"\d{1,3}(?:[ \t]*+[,，、;；][ \t]*+\d{1,3})*+"
# Spaces before a marker go with it, but no more than a stream may hold back.
_MARKER = re.compile(rf"[ \t]{{0,24}}(?<!\\)[\[【［][ \t]*+({_NUMBERS})[ \t]*+[\]】］](?!\()")
# What could be the start of a marker at the end of a text, the space or backslash before it too.
_PARTIAL = re.compile(
    r"(?:(?:[ \t]{0,24}|\\)[\[【［][\d ,，、;；\t\[【［\]】］]{0,24}|[ \t]{1,24}|\\)\Z"
)
_CLEAN = re.compile(r"(?<!\\)\[(\d{1,3})\](?!\()")
_LONGEST_PARTIAL = 49
# An opening backtick holds the text back no further than this.
_LONGEST_CODE = 400
# Markers within markers, more than anyone writes.
_DEEPEST = 24


def cited_numbers(text: str) -> tuple[int, ...]:
    """The numbers a cleaned text cites, in order of appearance, each once."""
    return tuple(dict.fromkeys(int(n) for n in _CLEAN.findall(without_code(text))))


def without_markers(text: str) -> str:
    """A cleaned text less its markers."""
    return _CLEAN.sub("", text)


def escape_markers(text: str) -> str:
    """`text` with what merely looks like a marker, such as ``[1, 5]``, escaped for Markdown."""
    return _MARKER.sub(lambda match: match[0].replace("[", r"\["), text)


def clean_markers(
    deltas: Iterable[str], sources: Collection[int], removed: list[int]
) -> Iterator[str]:
    """The text of `deltas` with normalised markers, piece by piece.

    Numbers that are no source are left out and added to `removed`.
    """
    pending = ""
    for delta in deltas:
        pending += delta
        ready, pending = _split(pending)
        if ready:
            yield _cleaned(ready, sources, removed)
    if pending:
        yield _cleaned(pending, sources, removed)


def _split(text: str) -> tuple[str, str]:
    """What can be shown already, and the end that may yet become (or close) a marker or code."""
    if (at := open_code(text, _LONGEST_CODE)) is not None:
        return text[:at], text[at:]
    partial = _PARTIAL.search(text, max(0, len(text) - _LONGEST_PARTIAL))
    return (text[: partial.start()], text[partial.start() :]) if partial else (text, "")


def _cleaned(text: str, sources: Collection[int], removed: list[int]) -> str:
    def replace(match: re.Match[str]) -> str:
        numbers = list(dict.fromkeys(int(n) for n in re.findall(r"\d+", match[1])))
        if 0 in numbers:
            return match[0]
        removed.extend(n for n in numbers if n not in sources)
        return "".join(f"[{n}]" for n in numbers if n in sources)

    def clean(prose: str) -> str:
        """What is left when a marker inside another is taken out may be a marker again."""
        for _ in range(_DEEPEST):
            if (cleaner := _MARKER.sub(replace, prose)) == prose:
                return prose
            prose = cleaner
        return escape_markers(prose)

    parts, at = [], 0
    for start, end in code_spans(text):
        parts += [clean(text[at:start]), text[start:end]]
        at = end
    return "".join([*parts, clean(text[at:])])
