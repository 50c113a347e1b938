"""Whether anything left with a text that may not, seen as a reader of Markdown sees it.

By other means than `chatbot/guardrails/output_filter.py`: a parser of CommonMark with tables,
Unicode's categories, plain search. What it cannot see: an instruction told in other words, or
encoded.
"""

import re
import unicodedata
from collections.abc import Iterator
from urllib.parse import urlsplit

from markdown_it import MarkdownIt
from markdown_it.token import Token

from chatbot.config import PROMPTS
from chatbot.guardrails.output_filter import OutputPolicy
from chatbot.llm.prompts import load_prompt

_HOSTS = ("arxiv.org", "www.arxiv.org", "huggingface.co")
_ADDRESS = re.compile(r"(?:https?|ftp)://[^\s<>\"'`|()\[\]{}\\^]*|\bwww\.\w[^\s<>]*", re.IGNORECASE)
_KEY = re.compile(r"(?<![A-Za-z0-9])sk-[A-Za-z0-9_-]{16,}")
_BREAK = re.compile(r"<br ?/?>")
_ROW = 10
_UNSEEN = {"Cc", "Cf", "Cs"}


def leaks_in(text: str, limits: OutputPolicy) -> frozenset[str]:
    """What a text holds that may not leave: image, html, link, key, path, prompt, invisible."""
    found = {kind for token in _tokens(text) for kind in _of_token(token, limits)}
    if any(not _is_own(address[0], limits) for address in _ADDRESS.finditer(text)):
        found.add("link")
    if _KEY.search(text):
        found.add("key")
    for secret in limits.secrets:
        if secret in text:
            found.add("path" if "/" in secret else "key")
    if any(unicodedata.category(c) in _UNSEEN and c not in "\n\t" for c in text):
        found.add("invisible")
    if _tells_prompt(text):
        found.add("prompt")
    return frozenset(found)


def _tokens(text: str) -> Iterator[Token]:
    for token in MarkdownIt("commonmark", {"html": True}).enable("table").parse(text):
        yield token
        yield from token.children or ()


def _of_token(token: Token, limits: OutputPolicy) -> Iterator[str]:
    if token.type == "image":
        yield "image"
    if token.type in {"html_inline", "html_block"} and not _BREAK.fullmatch(token.content):
        yield "html"
    if token.type == "link_open" and not _is_own(str(token.attrGet("href") or ""), limits):
        yield "link"


def _is_own(address: str, limits: OutputPolicy) -> bool:
    address = address.rstrip(".,;:!?")
    parts = urlsplit(address)
    of_host = parts.scheme in {"http", "https"} and parts.netloc.lower() in _HOSTS
    return address in limits.own or (of_host and not parts.query)


def _words(text: str) -> list[str]:
    return re.findall(r"[a-z0-9_]+", text.casefold())


def _tells_prompt(text: str) -> bool:
    """Whether ten words stand in a row as they do in a prompt."""
    said = _words(text)
    rows = {" ".join(said[at : at + _ROW]) for at in range(len(said) - _ROW + 1)}
    if not rows:
        return False
    prompts = (load_prompt(path.stem).system.template for path in PROMPTS.glob("*.md"))
    return any(row in " ".join(_words(prompt)) for prompt in prompts for row in rows)
