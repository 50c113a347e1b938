"""An answer as the Markdown the page shows: its text, what could not be verified, its sources.

Everything that comes from a report or a model is text: tags are shown and not obeyed, images and
links are written out, and a single ``$`` is a price unless it encloses a formula.
"""

import html
import re
from collections.abc import Callable, Iterable

from chatbot.answer.markers import escape_markers
from chatbot.answer.models import Answer, Citation, SentenceVerdict, Step
from chatbot.headings import SECTION_KEYS
from chatbot.ui.wording import WORDING, Wording

LATEX_DELIMITERS: list[dict[str, str | bool]] = [
    {"left": "\\(", "right": "\\)", "display": False},
    {"left": "\\[", "right": "\\]", "display": True},
]
_MARKER = re.compile(r"(?<!\\)\[(\d{1,3})\](?!\()")
_CODE = re.compile(r"```.*?```|`[^`\n]+`", re.DOTALL)
_FORMULA = re.compile(r"(?<![\\$\w])\$\$?(?=\S)([^$\n]{1,300}?)(?<=\S)\$\$?(?![\w$])")
# The one tag that Markdown has no other sign for: a line's end within a table's cell.
_TABLE_ROW = re.compile(r"^[ \t]*\|.*\|[ \t]*$", re.MULTILINE)
_SHOWN_BREAK = re.compile(r"&lt;br ?/?>")
_LINK = re.compile(r"\]\((?!#)")


def render_answer(answer: Answer, turn: int) -> str:
    """A finished answer; `turn` makes the anchors of its sources unlike those of other turns."""
    wording = WORDING[answer.language]
    numbers = {citation.n for citation in answer.citations}
    body = _linked(safe_markdown(answer.markdown), numbers, turn)
    if answer.abstained:
        body = f'<div class="abstained">\n\n{body}\n\n</div>'
    seconds = answer.timings_ms.get("total", 0) / 1000
    by = wording.by_extract if answer.mode == "extractive" else wording.by_model
    footer = f"{by.format(model=answer.mode)} · {seconds:.2f} s"
    parts = [
        f'<div class="notice">{html.escape(answer.notice)}</div>' if answer.notice else "",
        body,
        _unverified([s for s in answer.sentences if not s.supported], wording),
        _cards(answer.citations, wording, turn),
        f'<div class="by">{html.escape(footer)}</div>',
    ]
    return "\n\n".join(part for part in parts if part)


def render_steps(steps: Iterable[Step], wording: Wording) -> str:
    """The stages so far on one line, the running one last."""
    shown: dict[str, str] = {}
    for step in steps:
        found = step.name == "retrieve" and step.milliseconds is not None
        label = wording.found.format(n=step.detail) if found else getattr(wording, step.name)
        shown[step.name] = label
    return f'<div class="steps">{" → ".join(html.escape(text) for text in shown.values())} …</div>'


def safe_markdown(text: str) -> str:
    """Markdown of a report or a model that can only be text: no tag, image or link works in it."""
    return _outside_code(text, lambda piece: _formulas(_neutral(piece)))


def _neutral(text: str) -> str:
    text = text.replace("&", "&amp;").replace("<", "&lt;")
    text = _TABLE_ROW.sub(lambda row: _SHOWN_BREAK.sub("<br>", row[0]), text)
    return _LINK.sub("]&#40;", text.replace("![", "&#33;["))


def _formulas(text: str) -> str:
    r"""``$…$`` as ``\(…\)``, so that a price is no delimiter."""

    def formula(match: re.Match[str]) -> str:
        inner = html.unescape(match[1]).replace("<", "\\lt ")
        return f"\\({inner}\\)"

    return _FORMULA.sub(formula, text)


def _outside_code(text: str, change: Callable[[str], str]) -> str:
    """`text` with `change` made outside code, which Markdown shows as it is."""
    parts, at = [], 0
    for code in _CODE.finditer(text):
        parts += [change(text[at : code.start()]), code[0]]
        at = code.end()
    return "".join([*parts, change(text[at:])])


def _linked(markdown: str, numbers: set[int], turn: int) -> str:
    """The markers as links to their cards."""

    def link(match: re.Match[str]) -> str:
        n = int(match[1])
        return (
            f'<a class="marker" href="#{_anchor(turn, n)}">[{n}]</a>' if n in numbers else match[0]
        )

    return _outside_code(markdown, lambda piece: _MARKER.sub(link, piece))


def _anchor(turn: int, n: int) -> str:
    return f"source-{turn}-{n}"


def _unverified(sentences: list[SentenceVerdict], wording: Wording) -> str:
    if not sentences:
        return ""
    rows = "".join(
        f"<li>{html.escape(s.text)} <em>({html.escape(_reason(s.reason or '', wording))})</em></li>"
        for s in sentences
    )
    return f'<div class="unverified">⚠ {wording.unverified}<ul>{rows}</ul></div>'


def _reason(reason: str, wording: Wording) -> str:
    code, _, detail = reason.partition(": ")
    template: str = getattr(wording, code, reason)
    return template.format(detail=detail)


def _cards(citations: Iterable[Citation], wording: Wording, turn: int) -> str:
    cards = "\n".join(_card(citation, wording, turn) for citation in citations)
    return f'<div class="sources"><b>{wording.sources}</b>\n{cards}\n</div>' if cards else ""


def _card(citation: Citation, wording: Wording, turn: int) -> str:
    """One source; the anchor is inside, so that following a marker opens it."""
    section = citation.section
    name = wording.sections[SECTION_KEYS.index(section.key)]
    where = wording.source.format(
        section=name, first=section.lines.first, last=section.lines.last, report=section.report
    )
    quotes = "".join(f"<blockquote>{_plain(quote.text)}</blockquote>" for quote in citation.quotes)
    arxiv = f"https://arxiv.org/abs/{section.paper_id}"
    links = f"{_link(arxiv, wording.arxiv)} · {_link(section.url, wording.hugging_face)}"
    summary = f"[{citation.n}] {section.title} · {section.date} · {name}"
    return (
        f"<details><summary>{html.escape(summary)}</summary>"
        f'<div id="{_anchor(turn, citation.n)}">{quotes}'
        f"<p>{html.escape(section.name)}, {html.escape(where)}</p>"
        f"<p>{html.escape(wording.digest)} {links}</p></div></details>"
    )


def _plain(text: str) -> str:
    """A verbatim quote in HTML: bold as the report has it, all else as it stands."""
    shown = html.escape(escape_markers(text)).replace("\\[", "[")
    for mark in "*_`$":
        shown = shown.replace(mark, f"&#{ord(mark)};")
    return re.sub(r"&#42;&#42;(.+?)&#42;&#42;", r"<b>\1</b>", shown)


def _link(url: str, text: str) -> str:
    address = html.escape(url, quote=True)
    return f'<a href="{address}" target="_blank" rel="noopener">{html.escape(text)}</a>'
