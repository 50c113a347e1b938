"""Markdown that the page can show: what reports and models wrote is text, never markup of ours.

Tags are shown and not obeyed, images and links are written out, a single ``$`` is a price unless
it encloses a formula, and bold holds also beside Chinese punctuation, where CommonMark's rule
(spec 0.31, "left-flanking delimiter run") does not see it.
"""

import html
import re
from collections.abc import Callable, Iterable, Sequence

from chatbot.ui.lists import nested_lists

LATEX_DELIMITERS: list[dict[str, str | bool]] = [
    {"left": "\\(", "right": "\\)", "display": False},
    {"left": "\\[", "right": "\\]", "display": True},
]
_CODE = re.compile(r"```.*?```|`[^`\n]+`", re.DOTALL)
# Between signs that touch no word, or anything that opens with a command of TeX.
_FORMULA = re.compile(
    r"(?<![\\$\w])\$\$?(?=\S)([^$\n]{1,300}?)(?<=\S)\$\$?(?![\w$])"
    r"|(?<![\\$])\$\$?[ \t]*(\\[A-Za-z][^$\n]{0,300}?)[ \t]*\$\$?(?!\$)"
    r"|\\\(([^\n]{1,300}?)\\\)|\\\[([^\n]{1,600}?)\\\]"
)
_BOLD = re.compile(r"\*\*(?=\S)([^*\n]+?)(?<=\S)\*\*")
# The one tag that Markdown has no other sign for: a line's end within a table's cell.
_TABLE_ROW = re.compile(r"^[ \t]*\|.*\|[ \t]*$", re.MULTILINE)
_SHOWN_BREAK = re.compile(r"&lt;br ?/?>")
_LINK = re.compile(r"\]\(")
# What GitHub's Markdown makes a link or strikes out where a report names a metric or an estimate.
_ADDRESS = re.compile(r"(?<=\w)@(?=\w)|(?<=\bhttp):|(?<=\bhttps):|(?<=\bftp):|(?<=\bwww)\.|~")
# Private characters that stand for a highlight's ends until the text around them is safe.
_OPEN, _CLOSE = "\ue000", "\ue001"
_LINE_START = re.compile(r"(?:[ \t>]|[-*+][ \t]|\d+[.)][ \t]|#{1,6}[ \t])*")


def safe_markdown(text: str) -> str:
    """Markdown of a report or a model that can only be text: no tag, image or link works in it."""
    return outside_code(text, lambda piece: _formulas(_bold(_neutral(piece))))


def section_markdown(text: str, spans: Sequence[tuple[int, int]] = ()) -> str:
    """A section as it is shown, with the pieces at `spans` (end exclusive) highlighted.

    A highlight is ended and begun again at each line, and within none of its code or formulas.
    """
    text = text.replace(_OPEN, " ").replace(_CLOSE, " ")
    whole = [match.span() for match in (*_CODE.finditer(text), *_FORMULA.finditer(text))]
    marked, at = [], 0
    for first, last in _merged(_widened(span, whole) for span in spans):
        marked += [text[at:first], _by_line(text[first:last])]
        at = last
    shown = safe_markdown(nested_lists("".join([*marked, text[at:]])))
    return shown.replace(_OPEN, "<mark>").replace(_CLOSE, "</mark>")


def _widened(span: tuple[int, int], whole: Sequence[tuple[int, int]]) -> tuple[int, int]:
    first, last = span
    for start, end in whole:
        if start < first < end:
            first = start
        if start < last < end:
            last = end
    return first, last


def _merged(spans: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
    merged: list[tuple[int, int]] = []
    for first, last in sorted(spans):
        if merged and first <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(last, merged[-1][1]))
        else:
            merged.append((first, last))
    return merged


def _by_line(piece: str) -> str:
    lines = []
    for line in piece.split("\n"):
        lead = _LINE_START.match(line)
        start = lead.end() if lead else 0
        lines.append(
            f"{line[:start]}{_OPEN}{line[start:]}{_CLOSE}" if line[start:].strip() else line
        )
    return "\n".join(lines)


def _bold(text: str) -> str:
    return _BOLD.sub(r"<strong>\1</strong>", text)


def _neutral(text: str) -> str:
    text = text.replace("&", "&amp;").replace("<", "&lt;")
    text = _TABLE_ROW.sub(lambda row: _SHOWN_BREAK.sub("<br>", row[0]), text)
    text = _LINK.sub("]&#40;", text.replace("![", "&#33;["))
    return _ADDRESS.sub(lambda sign: f"&#{ord(sign[0])};", text)


def _formulas(text: str) -> str:
    r"""``$…$`` as ``\(…\)``, so that a price is no delimiter, and TeX in each as it was."""

    def formula(match: re.Match[str]) -> str:
        inline, display = match[1] or match[2] or match[3], match[4]
        inner = html.unescape(inline or display).replace("<", "\\lt ")
        return f"\\({inner}\\)" if inline else f"\\[{inner}\\]"

    return _FORMULA.sub(formula, text)


def outside_code(text: str, change: Callable[[str], str]) -> str:
    """`text` with `change` made outside code, which Markdown shows as it is."""
    parts, at = [], 0
    for code in _CODE.finditer(text):
        parts += [change(text[at : code.start()]), code[0]]
        at = code.end()
    return "".join([*parts, change(text[at:])])
