"""An answer as data: blocks of claims, and the markers ``[n]`` by which a text cites its sources.

What a model writes is read into blocks here, once; what is quoted is made of them from the start.
"""

import re
from bisect import bisect_right
from collections.abc import Callable, Collection, Generator, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import chain
from typing import Literal

from chatbot.index.sections import IndexedSection
from chatbot.text.markdown import Part, PartKind, Span, literals, open_literal, parts, sentences

AbstainReason = Literal["not_in_corpus", "not_reported", "false_premise", "off_topic"]
ClaimKind = Literal["sentence", "item", "cell", "heading", "lead", "code"]
_STATING = frozenset({"sentence", "item", "cell"})


@dataclass(frozen=True, slots=True)
class Claim:
    """A piece of an answer: inline Markdown less its markers, and the numbers of what it cites.

    A sentence, also one of a list's item or a table's cell, states something; a heading, a lead-in
    or note, and code do not. `quotes` has for each source cited the span of its text (end
    exclusive) that bears the claim out, `place` the claim's own in its block, with its markers.
    Whether it is `supported` is known once it was verified; `reason` says why not.
    """

    text: str
    kind: ClaimKind
    citations: tuple[int, ...] = ()
    quotes: tuple[tuple[int, int], ...] = ()
    place: tuple[int, int] = (0, 0)
    supported: bool = True
    reason: str | None = None

    @property
    def states(self) -> bool:
        """Whether it needs a source."""
        return self.kind in _STATING


@dataclass(frozen=True, slots=True)
class Cell:
    """A table's cell, a list's item, or the text of a block: Markdown, and what it claims."""

    text: str
    claims: tuple[Claim, ...]


@dataclass(frozen=True, slots=True)
class Block:
    """A block of an answer: its Markdown with all that parts it from the next, and its rows.

    A table's rows have several cells, the first row its columns' names; a list has a row an item,
    any other block one row of one cell.
    """

    kind: PartKind
    text: str
    rows: tuple[tuple[Cell, ...], ...]


@dataclass(frozen=True, slots=True)
class Draft:
    """The blocks of an answer, and the section each number they cite stands for."""

    blocks: tuple[Block, ...]
    sources: Mapping[int, IndexedSection]
    abstain_reason: AbstainReason | None = None

    @property
    def markdown(self) -> str:
        """The text with its markers."""
        return markdown_of(self.blocks)

    def read_as(self, text: str) -> "Draft":
        """The draft; read anew where something was taken out of it on its way to the reader."""
        return self if text == self.markdown else replace(self, blocks=read_blocks(text))

    def with_claims(self, change: Callable[[Claim], Claim]) -> "Draft":
        """The draft with each claim as `change` makes it."""

        def changed(row: tuple[Cell, ...]) -> tuple[Cell, ...]:
            return tuple(replace(cell, claims=tuple(map(change, cell.claims))) for cell in row)

        blocks = (replace(block, rows=tuple(map(changed, block.rows))) for block in self.blocks)
        return replace(self, blocks=tuple(blocks))


@dataclass(frozen=True, slots=True)
class Citation:
    """What ``[n]`` stands for; `quotes` are spans of it, one a citing sentence, the lead first."""

    n: int
    section: IndexedSection
    quotes: tuple[Span, ...]


def markdown_of(blocks: Iterable[Block]) -> str:
    """The text of blocks, as it was written or quoted."""
    return "".join(block.text for block in blocks)


def claims_of(blocks: Iterable[Block]) -> tuple[Claim, ...]:
    """All claims of blocks in their order."""
    return tuple(
        claim for block in blocks for row in block.rows for cell in row for claim in cell.claims
    )


def stated_in(blocks: Iterable[Block]) -> tuple[Claim, ...]:
    """The claims of blocks that state something."""
    return tuple(claim for claim in claims_of(blocks) if claim.states)


def failed_in(blocks: Iterable[Block]) -> tuple[Claim, ...]:
    """The claims of blocks that state something and did not pass."""
    return tuple(claim for claim in stated_in(blocks) if not claim.supported)


_NUMBERS = r"\d{1,3}(?:[ \t]*+[,，、;；][ \t]*+\d{1,3})*+"
# Spaces before a marker go with it, but no more than a stream may hold back.
_MARKER = re.compile(rf"[ \t]{{0,24}}(?<!\\)[\[【［][ \t]*+({_NUMBERS})[ \t]*+[\]】］](?!\()")
# What could be the start of a marker at the end of a text, the space or backslash before it too.
_PARTIAL = re.compile(
    r"(?:(?:[ \t]{0,24}|\\)[\[【［][\d ,，、;；\t\[【［\]】］]{0,24}|[ \t]{1,24}|\\)\Z"
)
_CLEAN = re.compile(r"(?<!\\)\[(\d{1,3})\](?!\()")
_LINE_START = re.compile(r"[ \t>]*(?:[-*+]|\d{1,9}[.)])?")
_LONGEST_LINE_START = 40
_LONGEST_PARTIAL = 49
# What opens code or a formula holds the text back no further than this.
_LONGEST_LITERAL = 400
# Markers within markers, more than anyone writes.
_DEEPEST = 24


def without_markers(text: str) -> str:
    """A cleaned text less its markers."""
    return _less(text, _markers(text))


def _markers(text: str) -> list[re.Match[str]]:
    """The markers of a cleaned text; in code and formulas there are none."""
    found, at = list[re.Match[str]](), 0
    for begin, end in chain(literals(text), [(len(text), len(text))]):
        found += _CLEAN.finditer(text, at, begin)
        at = end
    return found


def _less(text: str, pieces: Iterable[re.Match[str]], instead: str = "") -> str:
    """A text less these pieces, with `instead` for each of their characters."""
    parts, at = list[str](), 0
    for piece in pieces:
        parts += [text[at : piece.start()], instead * len(piece[0])]
        at = piece.end()
    return "".join([*parts, text[at:]])


def escape_markers(text: str) -> str:
    """`text` with what merely looks like a marker, such as ``[1, 5]``, escaped for Markdown."""
    return _MARKER.sub(lambda match: match[0].replace("[", r"\["), text)


def clean_markers(
    deltas: Iterable[str], sources: Collection[int]
) -> Generator[str, None, tuple[int, ...]]:
    """The text of `deltas` with normalised markers; numbers that are no source are returned."""
    line = pending = ""
    removed: list[int] = []
    for delta in chain(deltas, [None]):
        pending += delta or ""
        # The line's beginning is looked at too: what a sign is may hang on what is before it.
        text = line + pending
        end = len(text) if delta is None else _settled(text, len(line))
        shown, strays = _cleaned(text[:end], len(line), sources)
        removed += strays
        pending = text[end:]
        line = _line_to(text, end)
        if shown:
            yield shown
    return tuple(removed)


def _line_to(text: str, end: int) -> str:
    """The line that ends here, but no more of it than tells whether it has only begun."""
    return text[max(0, end - _LONGEST_LINE_START) : end].rpartition("\n")[2]


def _settled(text: str, start: int) -> int:
    """Where the end begins that may yet become (or close) a marker, code or a formula."""
    if (at := open_literal(text, start, _LONGEST_LITERAL)) is not None:
        return at
    partial = _PARTIAL.search(text, max(start, len(text) - _LONGEST_PARTIAL))
    return partial.start() if partial else len(text)


def _cleaned(text: str, start: int, sources: Collection[int]) -> tuple[str, list[int]]:
    """A text from `start` on with its markers in one form, and the numbers left out of it."""
    pieces, removed, at = list[str](), list[int](), start
    for begin, end in chain(literals(text, start), [(len(text), len(text))]):
        prose, strays = _clean_prose(text[at:begin], _line_to(text, at), sources)
        pieces += [prose, text[begin:end]]
        removed += strays
        at = end
    return "".join(pieces), removed


def _clean_prose(prose: str, line: str, sources: Collection[int]) -> tuple[str, list[int]]:
    """The same of a text without code or formulas, which goes on after `line`."""
    removed: list[int] = []

    def shown(marker: re.Match[str]) -> str:
        numbers = list(dict.fromkeys(int(n) for n in re.findall(r"\d+", marker[1])))
        if 0 in numbers:
            return marker[0]
        removed.extend(n for n in numbers if n not in sources)
        before = _line_to(marker.string, marker.start())
        before = before if len(before) < marker.start() else line + before
        # Where a line has only begun, the space is its indentation or that of a list's sign.
        only_begun = len(before) < _LONGEST_LINE_START and _LINE_START.fullmatch(before)
        space = marker[0][: -len(marker[0].lstrip())] if only_begun else ""
        return space + "".join(f"[{n}]" for n in numbers if n in sources)

    for _ in range(_DEEPEST):
        cleaner = _MARKER.sub(shown, prose)
        if cleaner == prose:
            return prose, removed
        # What is left when a marker inside another is taken out may be a marker again.
        prose = cleaner
    return escape_markers(prose), removed


# Lines that state nothing: a paper's name and day, a note, what leads in to what follows.
_LEADS_IN = re.compile(
    r"\*\*[^*]+\*\*（(?:\d{4}\.\d{4,5} · )?\d{4}-\d{2}-\d{2}）|\*[^*]+\*|.*[：:]\**", re.DOTALL
)
_BREAK = re.compile(r"<br ?/?>")
_KINDS: dict[PartKind, ClaimKind] = {"heading": "heading", "list": "item", "table": "cell"}


def read_blocks(markdown: str) -> tuple[Block, ...]:
    """The blocks of an answer's cleaned Markdown, with their claims; none is verified.

    What stands before a semicolon shares the markers that follow.
    """
    text = markdown.replace("\r\n", "\n").replace("\r", "\n")
    return tuple(_block(text, part) for part in parts(text))


def _block(text: str, part: Part) -> Block:
    own = text[part.start : part.end]
    if part.kind == "code":
        code = Claim(own.strip(), "code", place=(0, len(own.rstrip())))
        return Block(part.kind, own, ((Cell(code.text, (code,)),),))

    def cell(lines: Sequence[tuple[int, int]], *, names: bool) -> Cell:
        kind = "heading" if names else _KINDS.get(part.kind, "sentence")
        claims = (
            claim
            for first, last in _pieces(text, lines, kind)
            for claim in _claims_in(text[first:last], first - part.start, kind)
        )
        return Cell("\n".join(text[first:last] for first, last in lines), tuple(claims))

    is_table = part.kind == "table"
    rows = (
        tuple(cell(lines, names=is_table and 0 in {i, j}) for j, lines in enumerate(row))
        for i, row in enumerate(part.rows)
    )
    return Block(part.kind, own, tuple(rows))


def _pieces(
    text: str, lines: Iterable[tuple[int, int]], kind: ClaimKind
) -> Iterator[tuple[int, int]]:
    """The lines, those of a table's cell cut where they break."""
    for first, last in lines:
        breaks = list(_BREAK.finditer(text, first, last)) if kind == "cell" else []
        begins = [first, *(found.end() for found in breaks)]
        yield from zip(begins, [*(found.start() for found in breaks), last], strict=True)


def _claims_in(line: str, at: int, kind: ClaimKind) -> Iterator[Claim]:
    """The claims of one line, which begins at this place of its block."""
    markers = _markers(line)
    # Sentences are cut as if the markers were spaces: one after a stop belongs before it.
    found = sentences(_less(line, markers, " "))
    if kind == "heading" or not found or _LEADS_IN.fullmatch(line.strip()):
        if line.strip():
            kind = kind if kind == "heading" else "lead"
            yield _claim(line, at, (0, len(line)), markers, kind)
        return
    following = [span.start for span in found[1:]]
    owned: list[list[re.Match[str]]] = [[] for _ in found]
    for marker in markers:
        owned[bisect_right(following, marker.start())].append(marker)
    first = found[0].start
    for span, own, after in zip(found, owned, [*following, None], strict=True):
        if own or after is None or not span.text.endswith((";", "；")):
            yield _claim(line, at, (first, span.end), own, kind)
            first = after or 0


def _claim(
    line: str, at: int, span: tuple[int, int], markers: Sequence[re.Match[str]], kind: ClaimKind
) -> Claim:
    """The claim of a piece of a line, which cites by these markers in or beside it."""
    first, last = span
    inside = [marker for marker in markers if first <= marker.start() < last]
    text = _less(line[:last], inside)[first:].strip()
    numbers = tuple(dict.fromkeys(int(marker[1]) for marker in markers))
    begins = min([first, *(marker.start() for marker in markers)])
    ends = max([last, *(marker.end() for marker in markers)])
    return Claim(text, kind, numbers, place=(at + begins, at + ends))
