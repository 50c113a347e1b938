"""The lists of a text, indented so that Markdown nests them as their writer did.

Reports indent by two to four spaces or a tab, and a section's first line has lost its own
indentation; CommonMark (spec 0.31, "list items") nests by the width of the parent's marker.


Markdown that the page can show: what reports and models wrote is text, never markup of ours.

Tags are shown and not obeyed, images and links are written out, a single ``$`` is a price unless
it encloses a formula, and bold holds also beside Chinese punctuation, where CommonMark's rule
(spec 0.31, "left-flanking delimiter run") does not see it.

What is code is decided here alone: code becomes a tag of ours in which each sign is an entity, and
no backtick of a text reaches the page, so the browser's parser cannot see code elsewhere.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import takewhile

from chatbot.text.markdown import line_code

_LIST_ITEM = re.compile(r"(?P<lead>[ \t]*)(?P<marker>[-*+]|\d{1,9}[.)])(?:[ \t]+|$)(?P<rest>.*)")
_LIST_FENCE = re.compile(r"[ \t]*(?:```|~~~)")
_TAB, _STEP, _NESTED = 4, 4, 2


@dataclass(frozen=True, slots=True)
class _Line:
    """A line with its indentation in columns; `marker` is empty where it is no item."""

    indent: int
    marker: str
    rest: str


def nested_lists(text: str) -> str:
    """`text` with each item of a list indented by its depth; code fences are left alone."""
    lines = _with_first_indent([_line(line) for line in text.split("\n")])
    shown: list[str] = []
    open_items: list[int] = []
    fenced = after_blank = False
    for raw, line in zip(text.split("\n"), lines, strict=True):
        fence = _LIST_FENCE.match(raw) is not None
        if fenced or fence or not raw.strip():
            shown.append(raw)
        else:
            open_items = _open_after(open_items, line, after_blank=after_blank)
            shown.append(_shown(line, len(open_items)))
        fenced ^= fence
        after_blank = not raw.strip()
    return "\n".join(shown)


def _line(raw: str) -> _Line:
    item = _LIST_ITEM.fullmatch(raw)
    lead = raw[: len(raw) - len(raw.lstrip(" \t"))]
    indent = len(lead.expandtabs(_TAB))
    if item is None:
        return _Line(indent, "", raw.lstrip(" \t"))
    return _Line(indent, item["marker"], item["rest"])


def _with_first_indent(lines: list[_Line]) -> list[_Line]:
    """The lines, a first item in line with the outermost others where those are of its kind."""
    items = [line for line in lines[1:] if line.marker]
    if not lines[0].marker or not items:
        return lines
    outermost = min(item.indent for item in items)
    kinds = {item.marker[-1] for item in items if item.indent == outermost}
    if lines[0].marker[-1] not in kinds:
        return lines
    return [replace(lines[0], indent=outermost), *lines[1:]]


def _open_after(open_items: list[int], line: _Line, *, after_blank: bool) -> list[int]:
    """The indents of the items that are open, outermost first, once a line is read."""
    if not line.marker and not after_blank:
        return open_items
    kept = [indent for indent in open_items if line.indent >= indent + _NESTED]
    return [*kept, line.indent] if line.marker else kept


def _shown(line: _Line, depth: int) -> str:
    if line.marker:
        return f"{' ' * _STEP * (depth - 1)}{line.marker} {line.rest}"
    return f"{' ' * _STEP * depth}{line.rest}"


LATEX_DELIMITERS: list[dict[str, str | bool]] = [
    {"left": "\\(", "right": "\\)", "display": False},
    {"left": "\\[", "right": "\\]", "display": True},
]
# Private characters: a highlight's ends, code and a formula, while the text around is made safe.
_OPEN, _CLOSE = "\ue000", "\ue001"
_CODE, _TEX = "\ue004", "\ue005"
_FENCE = re.compile(
    r"(?P<lead>(?:[ \t>]|[-*+][ \t]|\d{1,9}[.)][ \t])*)(?P<run>`{3,}(?=[^`]*$)|~{3,})"
)
_ITEM = re.compile(r"[ \t>]*(?:[-*+]|\d{1,9}[.)])(?:[ \t]{1,4}(?=\S)|[ \t]|$)")
_INDENTATION = re.compile(r"^[ \t]+", re.MULTILINE)
# Between signs that touch no word, or anything that opens with a command of TeX.
_FORMULA = re.compile(
    rf"(?<![\\$\w])\$\$?(?=\S)([^$\n{_CODE}]{{1,300}}?)(?<=\S)\$\$?(?![\w$])"
    rf"|(?<![\\$])\$\$?[ \t]*(\\[A-Za-z][^$\n{_CODE}]{{0,300}}?)[ \t]*\$\$?(?!\$)"
    rf"|\\\(([^\n{_CODE}]{{1,300}}?)\\\)|\\\[([^\n{_CODE}]{{1,600}}?)\\\]"
)
# What could end a formula early, or be Markdown where one is not seen.
_TEX_SIGN = re.compile(r"\\(?=[()\[\]])|[&!:`\[\]]|%(?=%)")
_BOLD = re.compile(r"\*\*(?=\S)([^*\n]+?)(?<=\S)\*\*")
# The one tag that Markdown has no other sign for: a line's end within a table's cell.
_TABLE_ROW = re.compile(r"^[ \t]*\|.*\|[ \t]*$", re.MULTILINE)
_SHOWN_BREAK = re.compile(r"&lt;br ?/?>")
# Escapes, tags, code, images, links and their definitions, boxes to tick, addresses (which GitHub's
# Markdown links also within a word), what it strikes out, and what gradio has formulas stand for.
_SIGN = re.compile(
    r"\\(?P<escaped>[!-/:-@\[-`{-~])|\\(?!\n)|[&<`~@]|!(?=\[)|\[(?=[ xX]\])"
    rf"|(?<=[\]{_OPEN}{_CLOSE}])[(:]"
    r"|:(?=//)|(?<=www)\.|%(?=%)",
    re.IGNORECASE,
)
_NOT_PLAIN = re.compile(rf"[^\w {_OPEN}-\ue003]|_")
_LINE_START = re.compile(r"(?:[ \t>]|[-*+][ \t]|\d+[.)][ \t]|#{1,6}[ \t])*")


@dataclass(frozen=True, slots=True)
class _Code:
    """Code from `first` to `last` (exclusive) of a text, and the HTML that shows it."""

    first: int
    last: int
    shown: str
    block: bool


def safe_markdown(text: str) -> str:
    """Markdown of a report or a model that can only be text: no tag, image or link works in it."""
    text = _INDENTATION.sub(lambda lead: lead[0].expandtabs(4), text)
    return _safe(text, lambda laid_out: laid_out, indented=True)


def section_markdown(text: str, spans: Sequence[tuple[int, int]] = ()) -> str:
    """A section as it is shown, with the pieces at `spans` (end exclusive) highlighted.

    A highlight is ended and begun again at each line, and within none of its code or formulas.
    """
    text = text.replace(_OPEN, " ").replace(_CLOSE, " ")
    whole = [
        *((code.first, code.last) for code in _codes(text)),
        *(match.span() for match in _FORMULA.finditer(text)),
    ]
    marked, at = [], 0
    for first, last in _merged(_widened(span, whole) for span in spans):
        marked += [text[at:first], _highlighted(text[first:last])]
        at = last
    shown = _safe("".join([*marked, text[at:]]), nested_lists, indented=False)
    return shown.replace(_OPEN, "<mark>").replace(_CLOSE, "</mark>")


def plain_html(text: str) -> str:
    """A text on one line as HTML in which nothing is a tag, Markdown or TeX, also in attributes."""
    return _entities(" ".join(text.split()))


def _safe(text: str, lay_out: Callable[[str], str], *, indented: bool) -> str:
    text = text.replace("\r\n", "\n").replace("\r", "\n").replace(_CODE, " ").replace(_TEX, " ")
    codes = list(_codes(text, indented=indented))
    ends = [0, *(code.last for code in codes)]
    text = _CODE.join(
        text[end:first]
        for end, first in zip(ends, [*(code.first for code in codes), len(text)], strict=True)
    )
    formulas = [_formula(match) for match in _FORMULA.finditer(text)]
    shown = _bold(_neutral(lay_out(_FORMULA.sub(_TEX, text))))
    for sign, pieces in ((_TEX, formulas), (_CODE, [code.shown for code in codes])):
        kept = shown.split(sign)
        shown = "".join(a + b for a, b in zip(kept, [*pieces, ""], strict=True))
    return shown


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


def _highlighted(piece: str) -> str:
    parts, at = [], 0
    for code in _codes(piece):
        if code.block:
            parts += [_by_line(piece[at : code.first]), piece[code.first : code.last]]
            at = code.last
    return "".join([*parts, _by_line(piece[at:])])


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
    text = _SIGN.sub(lambda sign: _entity(sign["escaped"] or sign[0]), text)
    return _TABLE_ROW.sub(lambda row: _SHOWN_BREAK.sub("<br>", row[0]), text)


def _entity(sign: str) -> str:
    return "&lt;" if sign == "<" else f"&#{ord(sign)};"


def _entities(text: str) -> str:
    return _NOT_PLAIN.sub(lambda sign: _entity(sign[0]), text)


def _formula(match: re.Match[str]) -> str:
    r"""``$…$`` as ``\(…\)``, so that a price is no delimiter, with the TeX in it as it was."""
    inline, display = match[1] or match[2] or match[3], match[4]
    inner = _TEX_SIGN.sub(lambda sign: _entity(sign[0]), inline or display)
    inner = inner.replace("<", "\\lt ")
    return f"\\({inner}\\)" if inline else f"\\[{inner}\\]"


def _codes(text: str, *, indented: bool = False) -> Iterator[_Code]:
    """The code of a text in its order; what is only indented is code where `indented`."""
    lines = text.split("\n")
    starts = [0]
    for line in lines:
        starts.append(starts[-1] + len(line) + 1)
    done = 0
    for row, end, lead, content in _blocks(lines, indented=indented):
        for before in range(done, row):
            yield from _spans(lines[before], starts[before])
        shown = f"<pre><code>{_entities(content)}</code></pre>"
        yield _Code(starts[row] + lead, starts[end] - 1, shown, block=True)
        done = end
    for after in range(done, len(lines)):
        yield from _spans(lines[after], starts[after])


def _spans(line: str, start: int) -> Iterator[_Code]:
    in_row = _TABLE_ROW.fullmatch(line) is not None
    for (first, begin), (end, last) in line_code(line, in_row=in_row):
        code = line[begin:end].replace("\\|", "|") if in_row else line[begin:end]
        if code.strip() and code[0] == code[-1] == " ":
            code = code[1:-1]
        shown = f"<code>{_entities(code)}</code>"
        yield _Code(start + first, start + last, shown, block=False)


def _blocks(lines: Sequence[str], *, indented: bool) -> Iterator[tuple[int, int, int, str]]:
    """Blocks of code: first line, the line after the last, where in the first, the content."""
    # How far a list indents what belongs to its last item, 0 outside lists.
    row, room, after_blank = 0, 0, True
    while row < len(lines):
        line, depth = lines[row], len(lines[row]) - len(lines[row].lstrip(" "))
        if fence := _FENCE.match(line):
            end, content = _fenced(lines, row, fence)
            lead = len(fence["lead"])
            yield row, end, lead if fence["lead"].strip() else min(lead, room), content
            row, after_blank = end, True
        elif indented and after_blank and line.strip() and depth >= room + 4:
            within = re.compile(rf" {{{room + 4}}}| *$")
            deep = list(takewhile(within.match, map(lines.__getitem__, range(row, len(lines)))))
            yield row, row + len(deep), room, "\n".join(part[room + 4 :] for part in deep).rstrip()
            row += len(deep)
        else:
            if item := _ITEM.match(line):
                room = len(item[0])
            elif line.strip() and after_blank and not depth:
                room = 0
            row, after_blank = row + 1, not line.strip()


def _fenced(lines: Sequence[str], row: int, fence: re.Match[str]) -> tuple[int, str]:
    """The line after a fenced block, which a quote's end ends too, and what is in it."""
    lead, run = fence["lead"], fence["run"]
    quotes = lead.count(">")
    width = len(lead.rpartition(">")[2])
    start = re.compile(rf"(?:[ \t]*>){{{quotes}}}[ \t]{{0,{width}}}")
    last = re.compile(rf"[ \t]*{run}{run[0]}*[ \t]*")
    content: list[str] = []
    for at in range(row + 1, len(lines)):
        inside = start.match(lines[at])
        if inside is None:
            return at, "\n".join(content)
        if last.fullmatch(lines[at], inside.end()):
            return at + 1, "\n".join(content)
        content.append(lines[at][inside.end() :])
    return len(lines), "\n".join(content)
