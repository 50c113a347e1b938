"""Code within a text: from a run of backticks to the next run of the same length.

As CommonMark has it (spec 0.31, "code spans"), in one pass: a regular expression looks for the end
of each run that has none anew.
"""

import re
from collections.abc import Hashable, Iterator, Sequence

_TICKS = re.compile(r"`+")
# In a table's row a bar ends the cell, and the code in it.
_TICKS_AND_BARS = re.compile(r"`+|(?<!\\)\|")


def code_spans(text: str) -> Iterator[tuple[int, int]]:
    """Where code stands in a text, its backticks too: start and end (exclusive), in order."""
    runs = [match.span() for match in _TICKS.finditer(text)]
    closing = _next_alike([end - start for start, end in runs])
    at = 0
    while at < len(runs):
        last = closing[at]
        if last is not None:
            yield runs[at][0], runs[last][1]
        at = at + 1 if last is None else last + 1


def without_code(text: str) -> str:
    """A text less its code."""
    parts, at = [], 0
    for start, end in code_spans(text):
        parts.append(text[at:start])
        at = end
    return "".join([*parts, text[at:]])


def open_code(text: str, within: int) -> int | None:
    """Where in its last characters, `within` of them, a text that goes on has opened code.

    A run at the very end may still grow, so it closes nothing yet.
    """
    first = max(0, len(text) - within)
    runs = [match.span() for match in _TICKS.finditer(text)]
    lengths = [end - start if end < len(text) else 0 for start, end in runs]
    closing = _next_alike(lengths)
    at = 0
    while at < len(runs):
        last = closing[at]
        if last is None and runs[at][0] >= first:
            return runs[at][0]
        at = at + 1 if last is None else last + 1
    return None


def line_code(line: str, *, in_row: bool) -> Iterator[tuple[tuple[int, int], tuple[int, int]]]:
    """The backticks before and after each code of a line; escaped ones open none."""
    runs, kinds, cell = list[tuple[int, int]](), list[tuple[int, int]](), 0
    for match in _TICKS_AND_BARS.finditer(line):
        if match[0] == "|":
            cell += in_row
        else:
            runs.append(match.span())
            kinds.append((len(match[0]), cell))
    closing = _next_alike(kinds)
    place = done = 0
    while place < len(runs):
        last = None if _is_escaped(line, runs[place][0], done) else closing[place]
        if last is not None:
            yield runs[place], runs[last]
            done = runs[last][1]
        place = place + 1 if last is None else last + 1


def _is_escaped(line: str, at: int, since: int) -> bool:
    """Whether an odd number of backslashes stands before a sign."""
    first = at
    while first > since and line[first - 1] == "\\":
        first -= 1
    return (at - first) % 2 == 1


def _next_alike(kinds: Sequence[Hashable]) -> list[int | None]:
    """The place of the next of its kind, for each."""
    nearest: dict[Hashable, int] = {}
    following: list[int | None] = [None] * len(kinds)
    for at in range(len(kinds) - 1, -1, -1):
        following[at] = nearest.get(kinds[at])
        nearest[kinds[at]] = at
    return following
