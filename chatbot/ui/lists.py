"""The lists of a text, indented so that Markdown nests them as their writer did.

Reports indent by two to four spaces or a tab, and a section's first line has lost its own
indentation; CommonMark (spec 0.31, "list items") nests by the width of the parent's marker.
"""

import re
from dataclasses import dataclass, replace

_ITEM = re.compile(r"(?P<lead>[ \t]*)(?P<marker>[-*+]|\d{1,9}[.)])(?:[ \t]+|$)(?P<rest>.*)")
_FENCE = re.compile(r"[ \t]*(?:```|~~~)")
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
        fence = _FENCE.match(raw) is not None
        if fenced or fence or not raw.strip():
            shown.append(raw)
        else:
            open_items = _open_after(open_items, line, after_blank=after_blank)
            shown.append(_shown(line, len(open_items)))
        fenced ^= fence
        after_blank = not raw.strip()
    return "\n".join(shown)


def _line(raw: str) -> _Line:
    item = _ITEM.fullmatch(raw)
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
