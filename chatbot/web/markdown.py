"""What others wrote, as the page's HTML: their Markdown read by markdown-it-py, cleaned by nh3.

Tags, images and links to elsewhere are shown as they were written and not obeyed. A single ``$`` is
a price unless it encloses a formula. Bold holds also beside Chinese punctuation, where CommonMark's
rule (spec 0.31, "left-flanking delimiter run") does not see it.

Each block of a text is HTML on a line of its own, and blank lines part the blocks: so gradio's own
reader of Markdown hands them on, and its page leaves those in place that are there when more come.
A formula stays TeX, between characters that no text can hold: nothing else comes to KaTeX.
"""

import html
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

import nh3
from markdown_it import MarkdownIt
from markdown_it.rules_block import StateBlock
from markdown_it.rules_inline import StateInline, emphasis
from markdown_it.token import Token
from markdown_it.utils import EnvType

from chatbot.guardrails.output_filter import HOSTS
from chatbot.text.markdown import FORMULA

_TEX, _TEX_END, _DISPLAY, _DISPLAY_END = "\ue010", "\ue011", "\ue012", "\ue013"
LATEX_DELIMITERS: list[dict[str, str | bool]] = [
    {"left": _TEX, "right": _TEX_END, "display": False},
    {"left": _DISPLAY, "right": _DISPLAY_END, "display": True},
]
# A bar within a formula, the end of a piece, the end of a block; a piece begins with a character
# of its own.
_BAR, _END, _NEXT = "\ue000", "\ue001", "\ue002"
_FIRST_PIECE = 0xF0000
_PRIVATE = re.compile("[\ue000-\uf8ff\U000f0000-\U0010ffff]")
_PIECE = re.compile("([\U000f0000-\U0010ffff])([^\ue001\U000f0000-\U0010ffff]*)\ue001")
_PIECE_ENDS = re.compile("[\ue001\U000f0000-\U0010ffff]")
_TAG = re.compile("(<[^>]*>|\ue002)")
_INLINE_TAG = re.compile(r"<(?P<end>/?)(?:a|code|em|span|strong)\b[^>]*>")
_DISPLAY_ENDS = {"$$": "$$", "\\[": "\\]"}
_MOST_LINES = 40
_MARKER = re.compile(r"\[(\d{1,3})\](?!\()")
_BREAK = re.compile(r"<br ?/?>")
_NOT_PLAIN = re.compile(r"[^\w ]|_")
_FENCE = re.compile(
    r"(?:[ \t>]|[-*+][ \t]|\d{1,9}[.)][ \t])*(?P<run>```|~~~)[`~]*+(?P<info>[^`]*)$"
)
# What stands before the words of a line, unless it is a fence or parts a table's head.
_WORDS = re.compile(
    r"(?![ \t>]*(?:```|~~~)|[ \t>|:-]*$)(?:[ \t>|]|[-*+][ \t]|\d+[.)][ \t]|#{1,6}[ \t])*"
)
# The end of what is still being written, of which it is not known yet what it becomes.
_BEGUN = re.compile(r"(?:^|\n)[ \t]{0,99}[-=*+#>|:`~_][-=*+#>|:`~_ \t]{0,99}\Z")
_ITEM = re.compile(r" *(?P<marker>[-*+]|\d{1,9}[.)])(?: +|$)(?P<rest>.*)")
_STEP, _NESTED = 4, 2
_CLEANER = nh3.Cleaner(
    tags={
        *("a", "br", "code", "em", "mark", "span", "strong"),
        *("blockquote", "h1", "h2", "h3", "h4", "h5", "h6", "hr", "li", "ol", "p", "pre", "ul"),
        *("table", "tbody", "td", "th", "thead", "tr"),
    },
    attributes={
        "a": {"class", "href"},
        "ol": {"start"},
        "span": {"class", "role", "tabindex", "title"},
    },
    tag_attribute_values={
        cell: {"style": {f"text-align:{side}" for side in ("left", "center", "right")}}
        for cell in ("td", "th")
    },
    url_schemes={"http", "https"},
    link_rel=None,
)

Marker = Callable[[int], str]
# No number is a marker; each is one, whose source is not known yet.
_NONE: Marker = "".format
_TO_COME: Marker = '<span class="marker">[{}]</span>'.format


@dataclass(frozen=True, slots=True)
class Piece:
    """A piece of a text, `first` to `last` (exclusive), and the tag that opens its element."""

    first: int
    last: int
    tag: str = "<mark>"


@dataclass(frozen=True, slots=True)
class ComingText:
    """A text that is being written: HTML of its complete blocks, `settled`, and of what is open."""

    settled: str = ""
    done: tuple[str, ...] = ()
    open: tuple[str, ...] = ()

    def after(self, text: str) -> "ComingText":
        """It when the whole text is `text`, of which only what was open is read again.

        A block is complete once the next has begun with a whole line.
        """
        text = text.replace("\r\n", "\n").replace("\r", "\n")  # as the parser reads them
        if not text.startswith(self.settled):
            return ComingText().after(text)
        rest = text[len(self.settled) :]
        lines = rest.split("\n")
        read = list(_blocks(_ANSWER, _with_pieces(_BEGUN.sub("", rest)), _TO_COME))
        starts, made = [line for line, _ in read], tuple(block for _, block in read)
        kept = max((n for n, line in enumerate(starts) if line < len(lines) - 1), default=0)
        whole = "".join(f"{line}\n" for line in lines[: starts[kept]]) if read else ""
        return ComingText(self.settled + whole, (*self.done, *made[:kept]), made[kept:])

    @property
    def html(self) -> str:
        """What there is to be shown."""
        return "\n\n".join([*self.done, *self.open])


def text_html(text: str, pieces: Sequence[Piece] = (), marker: Marker = _NONE) -> str:
    """An answer as HTML; `marker` gives the HTML of a number in brackets, "" where it is no marker.

    Pieces come in their order; of two that overlap the second begins where the first ends.
    """
    blocks = _blocks(_ANSWER, _with_pieces(text, pieces), marker, pieces)
    return "\n\n".join(block for _, block in blocks)


def section_html(text: str, spans: Iterable[tuple[int, int]] = ()) -> str:
    """A report's section as HTML, with what is at `spans` (end exclusive) highlighted.

    Lines end where its writer ended them, lists are nested as they were meant, and what is only
    indented is no code.
    """
    pieces = [Piece(first, last) for first, last in sorted(spans)]
    blocks = _blocks(_SECTION, _nested(_with_pieces(text, pieces)), _NONE, pieces)
    return "\n\n".join(block for _, block in blocks)


def line_html(text: str) -> str:
    """A text on one line, such as a title, as HTML to stand within an element."""
    line = _with_pieces(" ".join(text.split()))
    return _finished(_ANSWER.renderInline(line, {"marker": _NONE}))


def plain_html(text: str) -> str:
    """A text on one line as HTML in which nothing is a tag, Markdown or TeX, also in attributes."""
    line = " ".join(_PRIVATE.sub(" ", text).split())
    return _NOT_PLAIN.sub(lambda sign: f"&#{ord(sign[0])};", line)


def _blocks(
    reader: MarkdownIt, text: str, marker: Marker, pieces: Sequence[Piece] = ()
) -> Iterator[tuple[int, str]]:
    """The blocks of a text in which pieces have their ends: the first line of each, its HTML."""
    env: EnvType = {"marker": marker}
    text = FORMULA.sub(lambda formula: formula[0].replace("|", _BAR), text)
    lines, made, block = list[int](), list[str](), list[Token]()
    for token in reader.parse(text, env):
        block.append(token)
        if token.level == 0 and token.nesting < 1:
            lines.append(block[0].map[0] if block[0].map else 0)
            made.append(reader.renderer.render(block, reader.options, env))
            block = []
    marked = _PIECE.sub(lambda piece: _marked(piece, pieces), _NEXT.join(made)).split(_NEXT)
    return zip(lines, map(_finished, marked), strict=True) if made else iter(())


def _finished(made: str) -> str:
    """HTML that is clean, on one line, and has nothing that gradio takes for its own."""
    clean = _CLEANER.clean(_PIECE_ENDS.sub("", made).replace(_BAR, "|")).strip("\n")
    return clean.replace("\n", "&#10;").replace("\t", "&#9;").replace("%%", "%&#37;")


def _marked(piece: re.Match[str], pieces: Sequence[Piece]) -> str:
    """A piece of HTML in its element, or each text of it, where tags within would part it."""
    tag = pieces[ord(piece[1]) - _FIRST_PIECE].tag
    closing = f"</{tag[1:].partition(' ')[0].rstrip('>')}>"
    parts, depth, least = _TAG.split(piece[2]), 0, 0
    whole = True
    for part in parts[1::2]:
        inline = _INLINE_TAG.fullmatch(part)
        whole = whole and inline is not None
        depth += -1 if inline and inline["end"] else 1
        least = min(least, depth)
    if whole and depth == least == 0:
        return f"{tag}{piece[2]}{closing}"
    parts[::2] = [f"{tag}{text}{closing}" if text.strip() else text for text in parts[::2]]
    return "".join(parts)


def _with_pieces(text: str, pieces: Sequence[Piece] = ()) -> str:
    """A text without private characters but those at the ends of its pieces, within its lines."""
    text, parts, at = _PRIVATE.sub(" ", text), list[str](), 0
    for place, piece in enumerate(pieces):
        first, last = _words_of(text, piece)
        if (first := max(first, at)) < last:
            begin = chr(_FIRST_PIECE + place)
            parts += [text[at:first], begin, text[first:last], _END]
            at = last
    return "".join([*parts, text[at:]])


def _words_of(text: str, piece: Piece) -> tuple[int, int]:
    """Where a piece begins and ends, less the signs of lists, headings, tables and fences."""
    words, at = list[tuple[int, int]](), text.rfind("\n", 0, piece.first) + 1
    while at < piece.last:
        end = text.find("\n", at, piece.last)
        end = end if end >= 0 else piece.last
        if line := _WORDS.match(text, at, end):
            first = max(line.end(), piece.first)
            words.append((first, first + len(text[first:end].rstrip(" \t|"))))
        at = end + 1
    return (words[0][0], words[-1][1]) if words else (0, 0)


def _nested(text: str) -> str:
    """`text` with each item of a list indented by its depth; what is in fences is left alone.

    Reports indent by two to four spaces or a tab, and a section's first line has lost its own
    indentation; CommonMark (spec 0.31, "list items") nests by the width of the parent's marker.
    """
    lines, shown, within = text.expandtabs(_STEP).split("\n"), list[str](), list[int]()
    lines[0] = " " * _lost_indent(lines) + lines[0]
    fenced, after_blank = "", False
    for written, line in zip(text.split("\n"), lines, strict=True):
        words, item, was_fenced = line.lstrip(" "), _ITEM.fullmatch(line), fenced
        fenced = _fenced_after(fenced, line)
        if was_fenced or not words or (fenced and not item):
            shown.append(written)
        else:
            indent = len(line) - len(words)
            if item or after_blank:
                within = [outer for outer in within if indent >= outer + _NESTED]
            own = item.expand(r"\g<marker> \g<rest>") if item else words
            shown.append(" " * _STEP * len(within) + own)
            within = [*within, indent] if item else within
        after_blank = not words
    return "\n".join(shown)


def _fenced_after(fenced: str, line: str) -> str:
    """The fence that is open after a line, "" where none is; `fenced` is that before it."""
    fence = _FENCE.match(line)
    if fence is None or (fenced and (fenced != fence["run"] or fence["info"].strip())):
        return fenced
    return "" if fenced else fence["run"]


def _lost_indent(lines: Sequence[str]) -> int:
    """The indentation of a first item: the outermost others', where those are of its kind."""
    first, *others = map(_ITEM.fullmatch, lines)
    items = [item for item in others if item]
    if first is None or not items:
        return 0
    outermost = min(item.start("marker") for item in items)
    kinds = {item["marker"][-1] for item in items if item.start("marker") == outermost}
    return outermost if first["marker"][-1] in kinds else 0


def _emphasis(state: StateInline, silent: bool) -> bool:
    """CommonMark's, but that ``**`` opens before whatever is no space and closes after it."""
    start, known = state.pos, len(state.delimiters)
    if not emphasis.tokenize(state, silent):
        return False
    if state.src.startswith("**", start):
        before, after = state.src[start - 1 : start], state.src[state.pos : state.pos + 1]
        for delimiter in state.delimiters[known:]:
            delimiter.open, delimiter.close = bool(after.strip()), bool(before.strip())
    return True


def _display(state: StateBlock, first: int, after: int, silent: bool) -> bool:
    start = state.bMarks[first] + state.tShift[first]
    closing = _DISPLAY_ENDS.get(state.src[start : start + 2])
    parts = list[str]()
    for line in range(first, min(after, first + _MOST_LINES) if closing else first):
        begin = state.bMarks[line] + state.tShift[line] + (2 if line == first else 0)
        part, ended, more = state.src[begin : state.eMarks[line]].partition(closing or "")
        parts.append(part)
        tex = "\n".join(parts).strip() if ended else ""
        outside = state.isEmpty(line) or state.sCount[line] < state.blkIndent
        if outside or more.strip() or (ended and not tex):
            return False
        if ended and not silent:
            token = state.push("html_block", "", 0)
            token.content, token.map = f"<p>{_tex(tex, display=True)}</p>", [first, line + 1]
            state.line = line + 1
        if ended:
            return True
    return False


def _inline(
    pattern: re.Pattern[str], made: Callable[[re.Match[str], StateInline], str]
) -> Callable[[StateInline, bool], bool]:
    """A rule: what the pattern finds is the HTML `made` of it, unless that is empty."""

    def rule(state: StateInline, silent: bool) -> bool:
        found = pattern.match(state.src, state.pos)
        shown = made(found, state) if found else ""
        if not found or not shown:
            return False
        if not silent:
            state.push("html_inline", "", 0).content = shown
        state.pos = found.end()
        return True

    return rule


def _formula(found: re.Match[str], _: StateInline) -> str:
    return _tex(next(filter(None, found.groups())), display=found[4] is not None)


class _Reader(MarkdownIt):
    def validateLink(self, url: str) -> bool:  # noqa: N802 # the library's name
        """Whether a link is one; else its text stays as it was written."""
        parts = urlsplit(url)
        return parts.scheme in {"http", "https"} and parts.netloc in HOSTS and not parts.query


def _tex(tex: str, *, display: bool) -> str:
    """A formula for KaTeX; a piece that begins or ends within it has it whole."""
    first, last = (_DISPLAY, _DISPLAY_END) if display else (_TEX, _TEX_END)
    begins = "".join(sign for sign in _PIECE_ENDS.findall(tex) if sign != _END)
    ends = _END if _END in tex else ""
    return f"{begins}{first}{html.escape(_PIECE_ENDS.sub('', tex))}{last}{ends}"


def _reader(*, section: bool) -> MarkdownIt:
    options = {"html": False, "breaks": section, "maxNesting": 40}
    reader = _Reader("commonmark", options).enable("table")
    reader.disable(["reference", "image", "autolink", "entity", "code" if section else "lheading"])
    reader.block.ruler.before("table", "display", _display, {"alt": ["paragraph"]})
    reader.inline.ruler.before("escape", "formula", _inline(FORMULA, _formula))
    reader.inline.ruler.before(
        "link",
        "marker",
        _inline(_MARKER, lambda found, state: str(state.env["marker"](int(found[1])))),
    )
    # The one tag that is obeyed: a table's cell has no other sign for the end of a line.
    line_end = _inline(_BREAK, lambda *_: "<br />\n")
    reader.inline.ruler.before("html_inline", "line_end", line_end)
    reader.inline.ruler.at("emphasis", _emphasis)
    reader.parse("")  # its chains of rules are made now, not by threads at once
    return reader


_ANSWER, _SECTION = _reader(section=False), _reader(section=True)
