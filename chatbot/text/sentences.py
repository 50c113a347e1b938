"""Markdown to sentences with exact spans, for Chinese and English, so that quotes stay verbatim."""

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

# A bullet, number, quote mark or heading sign, with its space, at the start of a line.
_LINE_START = re.compile(r"[ \t]*(?:(?:[-*+]|\d{1,3}[.)、]|>|#{1,6})[ \t]+)*")
# Chinese stops end a sentence wherever they stand, English ones before a space or the end;
# closing marks stay with it.
_STOP = re.compile(r"(?:[。！？；]+|(?<![.!?;])[.!?;]++(?=[\s\"'”’)）*\]]|$))[”’」』\"')）】*]*")
_OPENING, _CLOSING = "（(「『", "）)」』"
_PAIRED = frozenset(f"{_OPENING}{_CLOSING}$`")
_ABBREVIATION = re.compile(r"(?:\b(?:e\.g|i\.e|vs|cf|et al|Fig|Dr|Mr|No|etc)|\b[A-Z])\.$")
# The longest abbreviation, its stop, and the character that must not be part of it.
_ABBREVIATION_REACH = 7
_LETTER_OR_DIGIT = re.compile(r"\w")


@dataclass(frozen=True, slots=True)
class Span:
    """A piece of a text: ``text[start:end]``."""

    text: str
    start: int
    end: int


def sentences(text: str) -> list[Span]:
    """The sentences of a Markdown text, in order, without bullets and outer space."""
    return list(_sentences(text))


def _sentences(text: str) -> Iterator[Span]:
    offset = 0
    for line in text.split("\n"):
        bullet = _LINE_START.match(line)
        begin = bullet.end() if bullet else 0
        for start, end in _cut(line, begin):
            piece = line[start:end]
            if _LETTER_OR_DIGIT.search(piece):
                yield Span(piece, offset + start, offset + end)
        offset += len(line) + 1


def _cut(line: str, begin: int) -> Iterator[tuple[int, int]]:
    """Where the sentences of one line start and end.

    A stop inside brackets or a formula does not end one.
    """
    start = counted = begin
    marks: Counter[str] = Counter()
    for stop in _STOP.finditer(line, begin):
        marks.update(c for c in line[counted : stop.start()] if c in _PAIRED)
        counted = stop.start()
        nearby = max(start, stop.start() - _ABBREVIATION_REACH)
        if _is_open(marks) or _ABBREVIATION.search(line[nearby : stop.start() + 1]):
            continue
        yield _trimmed(line, start, stop.end())
        start = counted = stop.end()
        marks.clear()
    if line[start:].strip():
        yield _trimmed(line, start, len(line))


def _is_open(marks: Counter[str]) -> bool:
    """Whether a bracket, formula or code span is still open, by the marks of a piece."""
    depth = sum(marks[mark] for mark in _OPENING) - sum(marks[mark] for mark in _CLOSING)
    return depth > 0 or marks["$"] % 2 == 1 or marks["`"] % 2 == 1


def _trimmed(line: str, start: int, end: int) -> tuple[int, int]:
    piece = line[start:end]
    return start + len(piece) - len(piece.lstrip()), end - (len(piece) - len(piece.rstrip()))
