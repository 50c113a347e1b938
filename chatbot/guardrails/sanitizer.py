"""Markdown in which nothing is loaded, run or led to: no image, no HTML, no foreign link.

What it does holds in every reader of Markdown, also those that take more for a link or a tag than
CommonMark (spec 0.31) does, and for whoever puts the text into HTML as it is.
"""

import re
from collections import Counter
from collections.abc import Callable

HOSTS = frozenset({"arxiv.org", "www.arxiv.org", "huggingface.co"})
_ELEMENT = re.compile(
    r"a|abbr|address|animate|applet|area|article|aside|audio|b|base|bdi|bdo|blink|"
    r"blockquote|body|br|button|canvas|caption|center|circle|code|col|data|dd|del|"
    r"details|dfn|dialog|div|dl|dt|em|embed|fieldset|figure|font|footer|"
    r"foreignobject|form|frame|frameset|g|h1|h2|h3|h4|h5|h6|head|header|hr|html|"
    r"i|iframe|image|img|input|ins|kbd|label|legend|li|link|main|map|mark|marquee|"
    r"math|menu|meta|meter|nav|noscript|object|ol|optgroup|option|output|p|param|"
    r"path|picture|plaintext|pre|progress|q|rect|rp|rt|ruby|s|samp|script|section|"
    r"select|set|slot|small|source|span|strike|strong|style|sub|summary|sup|svg|"
    r"table|tbody|td|template|text|textarea|tfoot|th|thead|time|title|tr|track|tt|"
    r"u|ul|use|var|video|wbr|xmp",
    re.IGNORECASE,
)
_TAG = re.compile(
    r"<!--.{0,2000}?-->|</?(?P<name>[A-Za-z][\w-]*)(?P<rest>(?:[\s/][^<>]{0,2000})?)>", re.DOTALL
)
_BREAK = re.compile(r"<br ?/?>")
_BARE_TAG = re.compile(r"</?[A-Za-z][\w-]*>")
_OPENING = re.compile(r"<(?=[A-Za-z/!?])")
_CODE = re.compile(r"(?<!`)(`+)(?!`)[^`\n|]{1,400}(?<!`)\1(?!`)")
_PART = r"[!#$%&*+,./0-9:;=?@A-Z_a-z~-]*"
_URL = re.compile(
    rf"[a-z][a-z0-9+.-]{{0,20}}://{_PART}|\bmailto:|\b(?:java|vb)script:|\bwww\.(?=\w){_PART}",
    re.IGNORECASE,
)
_ADDRESS = re.compile(
    r"(?:[a-z][a-z0-9+.-]*://)?(?:[^/?#]*@)?(?:www\.)?+(?P<host>[\w-]+(?:\.[\w-]+)+)"
    r"(?::\d+)?(?P<path>(?:/[\w./~-]*)?)",
    re.IGNORECASE,
)
_OF_A_HOST = re.compile(r"https?://(?P<host>[a-z.]+)(?:/[\w./~-]*)?(?:#[\w.-]*)?", re.IGNORECASE)
_LINK = re.compile(
    r"!?\[(?P<label>[^\[\]\n]{0,500})\]"
    r"\((?P<to>(?:[^()\n]|\n(?![ \t]*\n)|\([^()\n]{0,200}\)){0,2000})\)"
)
_JOINT = re.compile(r"\]\((?:(?P<to>[^()\s]*)\))?")
# What may yet become one of these, at the end of a text.
_UNFINISHED = (
    re.compile(r"[!-~]{1,1000}\Z"),
    re.compile(r"!?\[[^\[\]\n]{0,500}(?:\](?:\([^()\n]{0,2000}(?:\([^()\n]{0,200}\)?)?)?)?\Z"),
    re.compile(r"<[A-Za-z/!?][^<>]{0,2000}\Z"),
    re.compile(r"`[^`\n]{0,400}\Z"),
    re.compile(r"https?://[A-Za-z0-9.-]+[^\x00-\x7f]?\Z"),  # what follows may belong to the host
)


def inert(text: str, own: frozenset[str], known: frozenset[str]) -> tuple[str, Counter[str]]:
    """One pass over `text`, and what was taken out, by kind: image, html, link.

    Addresses in `own` may be links, as those of `HOSTS`; those in `known`, as `bare` gives them,
    stay as words; of any other the host's name does.
    """
    text, tags = _replaced(_TAG, text, _without_tag)
    text, links = _without_links(text, own)
    text, told = _replaced(_URL, text, lambda url: _told(url, own, known))
    text = _JOINT.sub(lambda joint: _apart(joint, own), text)
    # Without definitions no [label] leads anywhere.
    text = _opened(text.replace("]:", "]：")) if "]:" in text or "<" in text else text
    return text, tags + links + told


def _replaced(
    pattern: re.Pattern[str], text: str, instead: Callable[[re.Match[str]], tuple[str, str]]
) -> tuple[str, Counter[str]]:
    """A text with each match as `instead` has it, which also says what kind it was, if any."""
    pieces, kinds, at = list[str](), list[str](), 0
    for match in pattern.finditer(text):
        shown, kind = instead(match)
        pieces += [text[at : match.start()], shown]
        kinds.append(kind)
        at = match.end()
    return "".join([*pieces, text[at:]]), Counter(filter(None, kinds))


def addresses(text: str) -> frozenset[str]:
    """The addresses that a text holds, as `inert` tells of them."""
    return frozenset(bare(url[0]) for url in _URL.finditer(text)) - {""}


def bare(url: str) -> str:
    """Host and path of an address, which no reader of Markdown takes for a link."""
    address = _ADDRESS.match(url.rstrip(".,;:!?"))
    return f"{address['host']}{address['path']}" if address else ""


def unfinished(text: str) -> int:
    """Where something begins that may yet become a tag, a link, an address or code."""
    starts = (match.start() for part in _UNFINISHED if (match := part.search(text)))
    return min(starts, default=len(text))


def _without_tag(tag: re.Match[str]) -> tuple[str, str]:
    known = tag["name"] is None or _ELEMENT.fullmatch(tag["name"]) or "=" in tag["rest"]
    if not known or _BREAK.fullmatch(tag[0]):
        return tag[0], ""
    is_image = (tag["name"] or "").lower() in {"img", "image"}
    return "", "image" if is_image else "html"


def _without_links(text: str, own: frozenset[str]) -> tuple[str, Counter[str]]:
    found = Counter[str]()
    while True:
        fewer, kinds = _replaced(_LINK, text, lambda link: _without_link(link, own))
        found += kinds
        if fewer == text:
            return text, found
        text = fewer  # what was left of a link may be the label of another


def _without_link(link: re.Match[str], own: frozenset[str]) -> tuple[str, str]:
    if link[0].startswith("!"):
        return link["label"], "image"
    return (link[0], "") if _is_own(link["to"], own) else (link["label"], "link")


def _told(url: re.Match[str], own: frozenset[str], known: frozenset[str]) -> tuple[str, str]:
    whole = url[0]
    end = whole[len(whole.rstrip(".,;:!?")) :]
    address = whole.removesuffix(end)
    if _is_own(address, own):
        # A browser takes 。 for a dot of the host.
        follows = url.string[url.end() : url.end() + 1]
        is_host = address.count("/") < len("///")
        return (f"{whole} " if is_host and follows and not follows.isascii() else whole), ""
    said = bare(address)
    return f"{said if said in known else said.partition('/')[0]}{end}", "link"


def _is_own(address: str, own: frozenset[str]) -> bool:
    of_host = _OF_A_HOST.fullmatch(address)
    return address in own or bool(of_host and of_host["host"].lower() in HOSTS)


def _apart(joint: re.Match[str], own: frozenset[str]) -> str:
    is_own = joint["to"] is not None and _is_own(joint["to"], own)
    return joint[0] if is_own else f"] {joint[0][1:]}"


def _opened(text: str) -> str:
    """`text` in which no ``<`` opens a tag, but for line breaks and tokens written as code."""
    codes = [code.span() for code in _CODE.finditer(text)]

    def opened(sign: re.Match[str]) -> str:
        at = sign.start()
        bare_tag = _BARE_TAG.match(text, at)
        in_code = any(first < at < last for first, last in codes)
        kept = _BREAK.match(text, at) or (bare_tag and in_code and not _is_element(bare_tag[0]))
        return sign[0] if kept else "< "

    return _OPENING.sub(opened, text)


def _is_element(tag: str) -> bool:
    return _ELEMENT.fullmatch(tag.strip("</>")) is not None
