"""What may not leave with an answer, whoever wrote it: taken out, also while it streams.

No image, no HTML but ``<br>``, no link but to arXiv, Hugging Face and the papers at hand, no key,
no path of ours, no line of our prompts, nothing that cannot be seen. The text is Markdown and stays
so; what was filtered is not changed by filtering it again. Lines of prompts are told by long runs
of the same words.
"""

import re
from collections import Counter
from collections.abc import Callable, Generator, Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from itertools import chain

# Unicode's Default_Ignorable_Code_Point (17.0), what annotates or controls, halves of characters.
_INVISIBLE = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\xad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f"
    "\u200b-\u200f\u202a-\u202e\u2060-\u206f\u3164\ud800-\udfff\ufe00-\ufe0f\ufeff\uffa0"
    "\ufff0-\ufffb\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff]"
)


def visible(text: str) -> str:
    """`text` without characters that cannot be seen: controls, bidi, zero width, tags, variants."""
    return _INVISIBLE.sub("", text)


HOSTS = frozenset({"arxiv.org", "www.arxiv.org", "huggingface.co"})
_ELEMENT = re.compile(
    r"a|abbr|address|animate|applet|area|article|aside|audio|b|base|bdi|bdo|blink|blockquote|body|"
    r"br|button|canvas|caption|center|circle|code|col|data|dd|del|details|dfn|dialog|div|dl|dt|em|"
    r"embed|fieldset|figure|font|footer|foreignobject|form|frame|frameset|g|h1|h2|h3|h4|h5|h6|head|"
    r"header|hr|html|i|iframe|image|img|input|ins|kbd|label|legend|li|link|main|map|mark|marquee|"
    r"math|menu|meta|meter|nav|noscript|object|ol|optgroup|option|output|p|param|path|picture|"
    r"plaintext|pre|progress|q|rect|rp|rt|ruby|s|samp|script|section|select|set|slot|small|source|"
    r"span|strike|strong|style|sub|summary|sup|svg|table|tbody|td|template|text|textarea|tfoot|th|"
    r"thead|time|title|tr|track|tt|u|ul|use|var|video|wbr|xmp",
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
    """One pass over `text`, and what was taken out: images, HTML, links but to `own` and `HOSTS`.

    Addresses in `known`, as `bare` gives them, stay as words; of any other the host's name does.
    """
    text, tags = _replaced(_TAG, text, _without_tag)
    text, links = _without_links(text, own)
    text, told = _replaced(_URL, text, lambda url: _told(url, own, known))
    text = _JOINT.sub(
        lambda joint: (
            joint[0] if joint["to"] and _is_own(joint["to"], own) else f"] {joint[0][1:]}"
        ),
        text,
    )
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


def _without_tag(tag: re.Match[str]) -> tuple[str, str]:
    known = tag["name"] is None or _ELEMENT.fullmatch(tag["name"]) or "=" in tag["rest"]
    if not known or _BREAK.fullmatch(tag[0]):
        return tag[0], ""
    is_image = (tag["name"] or "").lower() in {"img", "image"}
    return "", "image" if is_image else "html"


def _without_links(text: str, own: frozenset[str]) -> tuple[str, Counter[str]]:
    def instead(link: re.Match[str]) -> tuple[str, str]:
        if link[0].startswith("!"):
            return link["label"], "image"
        return (link[0], "") if _is_own(link["to"], own) else (link["label"], "link")

    found = Counter[str]()
    while True:
        fewer, kinds = _replaced(_LINK, text, instead)
        found += kinds
        if fewer == text:
            return text, found
        text = fewer  # what was left of a link may be the label of another


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


def _opened(text: str) -> str:
    """`text` in which no ``<`` opens a tag, but for line breaks and tokens written as code."""
    codes = [code.span() for code in _CODE.finditer(text)]

    def opened(sign: re.Match[str]) -> str:
        at = sign.start()
        bare_tag = _BARE_TAG.match(text, at)
        in_code = any(first < at < last for first, last in codes)
        token = bare_tag and in_code and not _ELEMENT.fullmatch(bare_tag[0].strip("</>"))
        return sign[0] if token or _BREAK.match(text, at) else "< "

    return _OPENING.sub(opened, text)


Known = frozenset[tuple[str, ...]]
_WORD = re.compile(r"[A-Za-z0-9_]+")
_TOGETHER = 3
# A line is so many known words in a row. Of 671 true answers and claims none shares as many as 5
# with a prompt.
_LINE = 8


@lru_cache(maxsize=2)  # each answer asks for those of the same prompts
def known_lines(texts: tuple[str, ...]) -> Known:
    """What lines of these texts are told by: three words in a row each, and how those begin."""
    return frozenset(
        words[at : at + size]
        for text in texts
        for piece in re.split(r"\$\w+", text)
        for words in [tuple(word[0].casefold() for word in _WORD.finditer(piece))]
        for at in range(len(words) - _TOGETHER + 1)
        for size in range(1, _TOGETHER + 1)
    )


def run_at_end(text: str, known: Known) -> int:
    """Where a run of known words begins that may go on after the text; its length if none does."""
    words = list(_WORD.finditer(text)) if known else []
    for first, last, _ in _runs(text, known):
        if last == words[-1].end():
            return first
    for begun in (words[-2:], words[-1:]):
        if begun and tuple(word[0].casefold() for word in begun) in known:
            return begun[0].start()
    return len(text)


def _runs(text: str, known: Known) -> Iterator[tuple[int, int, int]]:
    """Runs of known words: where they begin and end (exclusive), and how many words they have."""
    if not known:
        return
    words = list(_WORD.finditer(text))
    said = [word[0].casefold() for word in words]
    at = 0
    while at <= len(words) - _TOGETHER:
        end = at
        while end <= len(said) - _TOGETHER and tuple(said[end : end + _TOGETHER]) in known:
            end += 1
        if end > at:
            last = end + _TOGETHER - 2
            yield words[at].start(), words[last].end(), last - at + 1
        at = end + 1


_CUT = "…"
_PASSES = 20
_KEY = re.compile(r"(?<![A-Za-z0-9])sk-[A-Za-z0-9_-]{16,}")


@dataclass(frozen=True, slots=True)
class OutputPolicy:
    """What one text is held to.

    `own` are addresses that may be links, `known` those that may be told of in words; `secrets` are
    struck out word for word, and so are lines of `prompts`.
    """

    own: frozenset[str] = frozenset()
    known: frozenset[str] = frozenset()
    secrets: tuple[str, ...] = ()
    prompts: Known = frozenset()


def scrubbed(text: str, limits: OutputPolicy) -> tuple[str, Counter[str]]:
    """`text` without what may not leave, and how much was taken out.

    It is counted by kind: image, html, link, key, path, prompt, invisible.
    """
    found = Counter[str]()
    for _ in range(_PASSES):
        seen = visible(text)
        left, kinds = inert(seen, limits.own, limits.known)
        for secret in limits.secrets:
            found["path" if "/" in secret or "\\" in secret else "key"] += left.count(secret)
            left = left.replace(secret, _CUT)
        left, keys = _KEY.subn(_CUT, left)
        lines = [run for run in _runs(left, limits.prompts) if run[2] >= _LINE]
        for first, last, _ in reversed(lines):
            left = f"{left[:first]}{_CUT}{left[last:]}"
        found += kinds + Counter(invisible=len(text) - len(seen), key=keys, prompt=len(lines))
        if left == text:
            break
        text = left
    return text, found


def scrubbed_stream(
    deltas: Iterable[str], limits: OutputPolicy
) -> Generator[str, None, Counter[str]]:
    """`scrubbed` piece by piece, an end held back while it may yet be such; counts come last."""
    pending, found = "", Counter[str]()
    for delta in chain(deltas, [None]):
        seen = visible(delta or "")  # what cannot be seen would part what belongs together
        found["invisible"] += len(delta or "") - len(seen)
        pending += seen
        at = len(pending) if delta is None else _settled(pending, limits)
        ready, kinds = scrubbed(pending[:at], limits)
        found += kinds
        pending = pending[at:]
        if ready:
            yield ready
    return found


def _settled(text: str, limits: OutputPolicy) -> int:
    """How much of a text can be scrubbed and shown, whatever follows."""
    at = len(text)
    while True:
        shown = text[:at]
        begun = min(
            run_at_end(shown, limits.prompts),
            *(match.start() for part in _UNFINISHED if (match := part.search(shown))),
            *(_begun(shown, secret) for secret in limits.secrets),
        )
        if begun == at:
            return at
        at = begun


def _begun(text: str, secret: str) -> int:
    """Where a secret begins at the end of a text, of which more is to come."""
    longest = min(len(text), len(secret) - 1)
    sizes = (size for size in range(longest, 0, -1) if text.endswith(secret[:size]))
    return len(text) - next(sizes, 0)
