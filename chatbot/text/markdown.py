"""Markdown as blocks with exact places, read by markdown-it-py, and its sentences' exact spans."""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import chain, pairwise
from typing import TYPE_CHECKING, Literal

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
    spans, offset = [], 0
    for line in text.split("\n"):
        for start, end in _cut(line):
            piece = line[start:end].rstrip()
            bare = piece.lstrip()
            if _LETTER_OR_DIGIT.search(bare):
                first = offset + start + len(piece) - len(bare)
                spans.append(Span(bare, first, first + len(bare)))
        offset += len(line) + 1
    return spans


def _cut(line: str) -> Iterator[tuple[int, int]]:
    """Where a line's sentences start and end, with outer space; none ends in brackets or code."""
    bullet = _LINE_START.match(line)
    start = counted = bullet.end() if bullet else 0
    marks: Counter[str] = Counter()
    for stop in _STOP.finditer(line, start):
        marks.update(c for c in line[counted : stop.start()] if c in _PAIRED)
        counted = stop.start()
        depth = sum(marks[c] for c in _OPENING) - sum(marks[c] for c in _CLOSING)
        nearby = max(start, stop.start() - _ABBREVIATION_REACH)
        if depth > 0 or marks["$"] % 2 or marks["`"] % 2:
            continue
        if not _ABBREVIATION.search(line[nearby : stop.start() + 1]):
            yield start, stop.end()
            start = counted = stop.end()
            marks.clear()
    yield start, len(line)


if TYPE_CHECKING:
    from markdown_it import MarkdownIt
    from markdown_it.token import Token


PartKind = Literal["paragraph", "heading", "list", "table", "quote", "code", "rule"]
# Between signs that touch no word, or anything that opens with a command of TeX; a group has its
# TeX, the fourth that of one to be displayed.
FORMULA = re.compile(
    r"(?<![\\$A-Za-z0-9_])\$\$?(?=\S)([^$\n`，。；、：]{1,300}?)(?<=\S)\$\$?(?![A-Za-z0-9_$])"
    r"|(?<![\\$])\$\$?[ \t]*(\\[A-Za-z][^$\n`]{0,300}?)[ \t]*\$\$?(?!\$)"
    r"|\\\(([^\n`]{1,300}?)\\\)|\\\[([^\n`]{1,300}?)\\\]"
)
_OPEN_FORMULA = re.compile(
    r"(?<![\\$A-Za-z0-9_])\$\$?(?:[^\s$`，。；、：][^$\n`，。；、：]{0,300})?\Z"
    r"|(?<![\\$])\$\$?[ \t]*(?:\\[^$\n`]{0,300})?\Z|\\[(\[][^\n`]{0,300}\Z"
)
_TICKS = re.compile(r"`+")
# A bar that ends no cell, for as long as a text is parsed: one sign for one.
_BAR = "\ue006"
_KINDS: dict[str, PartKind] = {
    "paragraph_open": "paragraph",
    "heading_open": "heading",
    "bullet_list_open": "list",
    "ordered_list_open": "list",
    "table_open": "table",
    "blockquote_open": "quote",
    "fence": "code",
    "code_block": "code",
    "hr": "rule",
}
# What begins a row, and what a cell of one that has several.
_ROWS, _CELLS = frozenset({"list_item_open", "tr_open"}), frozenset({"th_open", "td_open"})
Cell = tuple[tuple[int, int], ...]
Row = tuple[Cell, ...]


@dataclass(frozen=True, slots=True)
class Part:
    """A block from `start` to `end` (exclusive), where the next begins.

    `rows` are a table's rows of cells, a list's items, else one; a cell is where its lines stand,
    each from its first to its last sign. Code has no lines.
    """

    kind: PartKind
    start: int
    end: int
    rows: tuple[Row, ...]


def parts(text: str) -> list[Part]:
    """The blocks of a Markdown text without carriage returns; together they are all of it."""
    masked = FORMULA.sub(lambda formula: formula[0].replace("|", _BAR), text)
    masked = masked.replace("\\|", _BAR * 2)
    starts = [0, *(match.end() for match in re.finditer("\n", masked)), len(masked) + 1]
    tokens = _parser().parse(masked)
    begins = [i for i, token in enumerate(tokens) if token.level == 0 and token.nesting >= 0]
    if not begins:
        return [Part("paragraph", 0, len(text), ())] if text else []
    groups = [tokens[i:j] for i, j in pairwise([*begins, len(tokens)])]
    firsts = [0, *(starts[(group[0].map or [0])[0]] for group in groups[1:]), len(text)]
    return [
        Part(_KINDS.get(group[0].type, "paragraph"), first, end, _rows(group, masked, starts))
        for group, (first, end) in zip(groups, pairwise(firsts), strict=True)
    ]


@cache
def _parser() -> "MarkdownIt":
    from markdown_it import MarkdownIt

    parser = MarkdownIt("commonmark").enable("table")
    return parser.disable(["html_block", "reference", "lheading", "inline", "text_join"])


def _rows(group: Sequence["Token"], text: str, starts: Sequence[int]) -> tuple[Row, ...]:
    """Where the lines of a block stand; each is looked for behind the one before it."""
    rows: list[list[list[tuple[int, int]]]] = [[[]]]
    at = 0
    for token in group:
        if token.type in _ROWS:
            rows.append([[]])
        elif token.type in _CELLS:
            rows[-1].append([])
        elif token.type == "inline" and token.map:
            for row, line in enumerate(token.content.split("\n"), token.map[0]):
                shown = line.strip()
                first = text.find(shown, max(at, starts[row]), starts[row + 1] - 1)
                if shown and first >= 0:
                    at = first + len(shown)
                    rows[-1][-1].append((first, at))
    is_table = group[0].type == "table_open"
    found = (tuple(tuple(cell) for cell in row[is_table:]) for row in rows)
    return tuple(row for row in found if any(row))


_WRAPPING = re.compile(r"\s*(`{3,}|~{3,})[ \t]*(?:markdown|md)[ \t]*\n", re.IGNORECASE)
_COULD_WRAP = re.compile(r"\s*(?:`{0,9}|~{0,9})[ \t]{0,9}[A-Za-z]{0,8}[ \t]{0,9}")
_FENCE = re.compile(r" {0,3}(`{3,}|~{3,})[ \t]*([^`\n]*?)[ \t]*")
_COULD_FENCE = re.compile(r" {0,3}(?:(?:`{1,9}|~{1,9})[^`\n]{0,40})?")


def unwrapped(deltas: Iterable[str]) -> Iterator[str]:
    """The text of `deltas` less a fence that has all of it for a block of Markdown's code."""
    pieces, pending = iter(deltas), ""
    for delta in pieces:
        pending += delta
        if not _COULD_WRAP.fullmatch(pending):
            break
    if wrapping := _WRAPPING.match(pending):
        yield from _to_closing_fence(chain([pending[wrapping.end() :]], pieces), wrapping[1])
    else:
        yield from chain(filter(None, [pending]), pieces)


def _to_closing_fence(deltas: Iterator[str], run: str) -> Iterator[str]:
    """The text but for the fence that closes a block; those of blocks within it stay."""
    held, nested, begins = "", "", True
    for delta in chain(deltas, [None]):
        held += delta or ""
        while held:
            line, newline, rest = held.partition("\n")
            if begins and not newline and delta is not None and _COULD_FENCE.fullmatch(line):
                break
            fence = _FENCE.fullmatch(line) if begins else None
            if fence and not fence[2] and fence[1].startswith(nested or run):
                if not nested:
                    yield from chain(filter(None, [rest]), filter(None, deltas))
                    return
                nested = ""
            elif fence and fence[2]:
                nested = nested or fence[1]
            yield line + newline
            held, begins = rest, bool(newline)


def literals(text: str, start: int = 0) -> Iterator[tuple[int, int]]:
    """Where code and formulas stand in a text from `start` on: from, to (exclusive), in order."""
    at = start
    for first, last in _codes(text, start):
        yield from (formula.span() for formula in FORMULA.finditer(text, at, first))
        yield first, last
        at = last
    yield from (formula.span() for formula in FORMULA.finditer(text, at))


def open_literal(text: str, start: int, within: int) -> int | None:
    """Where in a text that goes on code or a formula is open, or may be more than it is by now.

    Looked for from `start` on, and in the last `within` characters.
    """
    first = max(start, len(text) - within)
    found = list(literals(text, start))
    late = [span for span in found if span[1] > first]
    ticks = (run.start() for run in _TICKS.finditer(text, first))
    begun = [at for at in ticks if not any(begin <= at < end for begin, end in late)]
    begun += [begin for begin, end in late if end == len(text) and begin >= first]
    settled = [end for _, end in found if end < len(text)]
    if formula := _OPEN_FORMULA.search(text, max([first, *settled[-1:]])):
        begun.append(formula.start())
    return min(begun, default=None)


def _codes(text: str, start: int) -> Iterator[tuple[int, int]]:
    """Code in a text, with its backticks, from a run of them to the next as long: in one pass.

    A regular expression would look for the end of each run that has none anew.
    """
    runs = [match.span() for match in _TICKS.finditer(text, start)]
    following, nearest = dict[int, int](), dict[int, int]()
    for at, (begin, end) in reversed(list(enumerate(runs))):
        if (length := end - begin) in nearest:
            following[at] = nearest[length]
        nearest[length] = at
    at = 0
    while at < len(runs):
        if at in following:
            last = following[at]
            yield runs[at][0], runs[last][1]
            at = last
        at += 1
