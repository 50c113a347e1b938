"""Who sent a request, in which language they read, and how many questions they may ask."""

import ipaddress
import math
from collections.abc import Callable, Mapping, MutableMapping
from typing import Any

import gradio as gr
from starlette.requests import HTTPConnection, cookie_parser

from chatbot.errors import ChatbotError
from chatbot.guardrails.limits import Allowance, RateLimiter
from chatbot.understanding.models import Language
from chatbot.web.locales import ACCESS

_USER = "chatbot_user"
_IPV6_NETWORK = 64


def mark_user(scope: MutableMapping[str, Any], user: str) -> None:
    """Note who sent a request, for all that comes after the gate."""
    scope[_USER] = user


def user_of(request: HTTPConnection) -> str | None:
    """The user who sent a request; None where nobody signed in. gradio calls it."""
    user = request.scope.get(_USER)
    return str(user) if user else None


def _keys_of(request: gr.Request | HTTPConnection | None) -> list[str]:
    """What limits go by: the user, where people sign in, and the address, of IPv6 its network."""
    sent = request.request if isinstance(request, gr.Request) else request
    user, client = (None, None) if sent is None else (user_of(sent), sent.client)
    address = network_of(client.host) if client else ""
    return [*([f"user {user}"] if user else []), f"address {address}"]


def network_of(address: str) -> str:
    """An address as limits count it: whoever has one of IPv6 has all of its network."""
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return address
    if found.version == 4:  # noqa: PLR2004
        return address
    return str(ipaddress.ip_network((found, _IPV6_NETWORK), strict=False))


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


_MINUTE = 60.0
Admit = Callable[[gr.Request | HTTPConnection | None, Language | None], None]


def admission(rate: int) -> Admit:
    """A function that counts a visitor's question, or raises `ChatbotError` with when to come back.

    It takes the request, and the language to refuse in, by default the visitor's.
    """
    limiter, allowance = RateLimiter(), Allowance(rate, _MINUTE / rate)

    def admit(
        request: gr.Request | HTTPConnection | None, language: Language | None = None
    ) -> None:
        wait = limiter.take(dict.fromkeys(_keys_of(request), allowance))
        if wait:
            spoken = language or language_of_visitor(dict(request.headers) if request else {})
            text = ACCESS[spoken].too_fast
            raise ChatbotError(text.format(rate=rate, seconds=math.ceil(wait)))

    return admit
