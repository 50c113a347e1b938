"""Markers to citations: each claim is matched with the piece of its section that bears it out.

Quotes are chosen for the claim, not for the question, and are verbatim.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

from chatbot.answer.markers import cited_numbers, without_markers
from chatbot.answer.models import Citation, Quote
from chatbot.answer.sentences import Span, sentences
from chatbot.index.records import IndexedSection
from chatbot.index.terms import content_terms

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
