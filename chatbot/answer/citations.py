"""Markers to citations: each claim is matched with the piece of its section that bears it out.

Quotes are chosen for the claim, not for the question, and are verbatim.
"""

import re
from collections.abc import Iterator, Mapping

from chatbot.answer.markers import cited_numbers, without_markers
from chatbot.answer.models import Citation, Quote
from chatbot.answer.sentences import sentences
from chatbot.index.records import IndexedSection
from chatbot.index.terms import content_terms

# A marker after the stop belongs to the sentence before it, not to the next.
_MARKERS_AFTER_STOP = re.compile(r"([。！？；.!?;]+[”’」』\"'）)*]*)[ \t]*((?:\[\d{1,3}\])+)")
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
        begun = ""
        for span in sentences(line):
            begun = f"{begun} {span.text}".strip()
            if cited_numbers(begun) or not begun.endswith((";", "；")):
                found.append(begun)
                begun = ""
        if begun:
            found.append(begun)
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
    quotes: dict[int, list[Quote]] = {}
    found = claims(markdown)
    leading = [line for line in markdown.split("\n") if _NOT_A_CLAIM.fullmatch(line.strip())]
    for text in [*found, *leading]:
        for n in cited_numbers(text):
            if n not in sources or (text in leading and n in quotes):
                continue
            quote = best_quote(without_markers(text), sources[n].text)
            if quote not in quotes.setdefault(n, []):
                quotes[n].append(quote)
    return tuple(Citation(n, sources[n], tuple(own)) for n, own in sorted(quotes.items()))


def best_quote(claim: str, text: str) -> Quote:
    """The sentence of `text` that shares most terms with the claim, shorter ones first.

    Where none shares any it is the first.
    """
    spans = sentences(text)
    if not spans:
        return Quote(text, 0, len(text))
    wanted = set(content_terms(claim))

    def overlap(i: int) -> float:
        terms = set(content_terms(spans[i].text))
        return len(terms & wanted) / (len(terms) * len(wanted)) ** 0.5 if terms and wanted else 0.0

    best = spans[max(range(len(spans)), key=lambda i: (overlap(i), -i))]
    return Quote(best.text, best.start, best.end)
