"""The page's texts, in the two languages it speaks: ``zh.toml`` and ``en.toml`` beside this file.

Each part of the page has a table there and its texts by language here. A test holds that both files
have the same texts, that whatever the page shows is among them, and that it shows them all.
"""

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from starlette.requests import cookie_parser

from chatbot.understanding.models import Language

LANGUAGES: tuple[Language, ...] = ("zh", "en")


class Wording:
    """The texts of a part of the page in one language, as attributes by their names."""

    sections: list[str]
    common_aspects: list[str]

    def __init__(self, texts: Mapping[str, Any]) -> None:
        vars(self).update(texts)

    def __getattr__(self, name: str) -> str:
        raise AttributeError(f"there is no text {name!r}")


def read_wording(language: Language) -> dict[str, Wording]:
    """The texts in a language, by part of the page."""
    text = Path(__file__).with_name(f"{language}.toml").read_text(encoding="utf-8")
    return {part: Wording(texts) for part, texts in tomllib.loads(text).items()}


WORDING = {language: read_wording(language) for language in LANGUAGES}
ACCESS, PAGE, CHAT, ANSWERS, COMPARE, BROWSE, REPORTS, EVALS = (
    {language: parts[part] for language, parts in WORDING.items()}
    for part in ("access", "page", "chat", "answers", "compare", "browse", "reports", "evals")
)
# As they are in both languages.
EXAMPLES = (
    "GRU-Mem 的推理速度提升了多少？",
    "FeatureBench 和 CLI-Gym 各有多少个任务？",
    "How precise is Bielik Guard on real user prompts?",
    "哪些论文研究 GUI 智能体？",
)
COOKIE = "chatbot-language"  # as in scripts/switch_language.js
_TAGS: dict[Language, str] = {"zh": "zh-CN", "en": "en"}
_OVERRIDE = (
    "<head><script>for (const [name, value] of [['language', '{tag}'], ['languages', ['{tag}']]])"
    "Object.defineProperty(navigator, name, {{value}});</script>"
)


def language_of_visitor(headers: Mapping[str, str]) -> Language:
    """The language chosen with the page's switch, else the first of ``Accept-Language`` we have.

    Chinese where the browser asks for neither.
    """
    return _chosen(headers) or _accepted(headers)


def _chosen(headers: Mapping[str, str]) -> Language | None:
    # Not `SimpleCookie`: it fails on what another application on this machine may have set.
    chosen = cookie_parser(headers.get("cookie", "")).get(COOKIE)
    return next((known for known in _TAGS if chosen == known), None)


def _accepted(headers: Mapping[str, str]) -> Language:
    for part in headers.get("accept-language", "").lower().split(","):
        for language in _TAGS:
            if part.strip().startswith(language):
                return language
    return "zh"


def in_language(page: bytes, headers: Mapping[str, str]) -> bytes:
    """The page with the visitor's language in its first line, a chosen one also in its head."""
    chosen = _chosen(headers)
    tag = _TAGS[chosen or _accepted(headers)]
    page = page.replace(b'lang="en"', f'lang="{tag}"'.encode(), 1)
    return page.replace(b"<head>", _OVERRIDE.format(tag=tag).encode(), 1) if chosen else page


def translations(texts: Mapping[Language, Mapping[str, str]]) -> dict[str, Any]:
    """Texts by our languages as gradio wants them: by every tag a browser may ask with."""
    return {"zh": texts["zh"], "zh-CN": texts["zh"], "zh-TW": texts["zh"], "en": texts["en"]}
