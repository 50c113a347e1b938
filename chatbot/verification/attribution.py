"""Claims and their sources: finding markers ``[n]``, and the piece of a section that bears out."""

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

from chatbot.index.sections import IndexedSection
from chatbot.text.markdown import code_spans, open_code, without_code
from chatbot.text.sentences import Span, sentences
from chatbot.text.terms import content_terms
from chatbot.verification.models import Citation, Quote

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


# A marker after the stop belongs to the sentence before it, not to the next.
_MARKERS_AFTER_STOP = re.compile(
    r"((?<![。！？；.!?;])[。！？；.!?;]++[”’」』\"'）)*]*+)[ \t]*+((?:\[\d{1,3}\])++)"
)
_NOT_A_CLAIM = re.compile(
    r"\*\*[^*]+\*\*（(?:\d{4}\.\d{4,5} · )?\d{4}-\d{2}-\d{2}）|\*[^*]+\*|#+ .*|[|:\- ]+|.*[：:]\**",
    re.DOTALL,
)
_TABLE_ROW = re.compile(r"[ \t]*\|.*\|[ \t]*$")
_CELL_END = re.compile(r"(?<!\\)\|")
_BREAK = re.compile(r"<br ?/?>")
# The names of the columns, and the line below them.
_HEAD_ROWS = 2


def claims(markdown: str) -> list[str]:
    """The sentences of an answer that state something, each with its own markers.

    Titles and notes are left out. What stands before a semicolon shares the markers that follow.
    """
    text = _MARKERS_AFTER_STOP.sub(r"\2\1", markdown)
    found = []
    for line in _lines(text):
        if _NOT_A_CLAIM.fullmatch(line.strip()):
            continue
        begun: list[str] = []
        for span in sentences(line):
            begun.append(span.text)
            if cited_numbers(span.text) or not span.text.endswith((";", "；")):
                found.append(" ".join(begun))
                begun = []
        if begun:
            found.append(" ".join(begun))
    return found


def _lines(markdown: str) -> Iterator[str]:
    """The lines of a text; of a table the cells, but for its head and its first column."""
    rows = 0
    for line in markdown.split("\n"):
        if not _TABLE_ROW.match(line):
            rows = 0
            yield line
            continue
        rows += 1
        if rows > _HEAD_ROWS:
            for cell in cells_of(line)[1:]:
                yield from _BREAK.split(cell)


def cells_of(row: str) -> list[str]:
    """The cells of a line of a Markdown table."""
    return [cell.strip() for cell in _CELL_END.split(row.strip().strip("|"))]


def resolve(markdown: str, sources: Mapping[int, IndexedSection]) -> tuple[Citation, ...]:
    """A citation for each source the (cleaned) answer cites, by number.

    It holds a quote for each sentence that cites it; a source that only a heading or a lead-in
    cites is quoted for that line.
    """
    quotes: dict[int, dict[Quote, None]] = {}
    quotable = {n: _Quotable(section.text) for n, section in sources.items()}
    for text in claims(markdown):
        for n in cited_numbers(text):
            if n in sources:
                quotes.setdefault(n, {})[quotable[n].best(without_markers(text))] = None
    for line in markdown.split("\n"):
        if not _NOT_A_CLAIM.fullmatch(line.strip()):
            continue
        for n in cited_numbers(line):
            if n in sources and n not in quotes:
                quotes[n] = {quotable[n].best(without_markers(line)): None}
    return tuple(Citation(n, sources[n], tuple(own)) for n, own in sorted(quotes.items()))


def best_quote(claim: str, text: str) -> Quote:
    """The sentence of `text` that shares most terms with the claim, shorter ones first.

    Where none shares any it is the first.
    """
    return _Quotable(text).best(claim)


@dataclass(frozen=True)
class _Quotable:
    """A section's text, cut once for however many claims cite it."""

    text: str

    @cached_property
    def _sentences(self) -> tuple[tuple[Span, frozenset[str]], ...]:
        return tuple((span, frozenset(content_terms(span.text))) for span in sentences(self.text))

    def best(self, claim: str) -> Quote:
        """The quote for a claim."""
        if not self._sentences:
            return Quote(self.text, 0, len(self.text))
        wanted = frozenset(content_terms(claim))
        best, _ = max(self._sentences, key=lambda sentence: _overlap(wanted, sentence[1]))
        return Quote(best.text, best.start, best.end)


def _overlap(wanted: frozenset[str], terms: frozenset[str]) -> float:
    return len(terms & wanted) / (len(terms) * len(wanted)) ** 0.5 if terms and wanted else 0.0
