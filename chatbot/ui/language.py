"""Which language a visitor reads, and telling gradio's front end so.

The front end follows ``navigator.language``, and offers no switch without its own settings page.
Ours is a cookie: the page's head then names that language before the front end asks for it.
"""

from collections.abc import Mapping
from typing import Any

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import cookie_parser
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from chatbot.retrieval.models import Language

COOKIE = "chatbot-language"
SWITCH_LANGUAGE = f"""() => {{
  const other = document.documentElement.lang.startsWith('zh') ? 'en' : 'zh';
  document.cookie = `{COOKIE}=${{other}}; path=/; max-age=31536000; samesite=lax`;
  location.reload();
}}"""
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


class LanguageMiddleware:
    """Writes the visitor's language into the page's first line, a chosen one into its head."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(  # noqa: D102 - the signature is ASGI's
        self, scope: Scope, receive: Receive, send: Send
    ) -> None:
        if scope["type"] != "http" or scope["path"] != "/":
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        start: list[Message] = []
        body = bytearray()

        async def rewritten(message: Message) -> None:
            if message["type"] == "http.response.start":
                start.append(message)
                return
            body.extend(message.get("body", b""))
            if not message.get("more_body"):
                page = _in_language(bytes(body), headers)
                MutableHeaders(raw=start[0]["headers"])["content-length"] = str(len(page))
                await send(start[0])
                await send({"type": "http.response.body", "body": page})

        await self._app(scope, receive, rewritten)


def _in_language(page: bytes, headers: Mapping[str, str]) -> bytes:
    chosen = _chosen(headers)
    tag = _TAGS[chosen or _accepted(headers)]
    page = page.replace(b'lang="en"', f'lang="{tag}"'.encode(), 1)
    return page.replace(b"<head>", _OVERRIDE.format(tag=tag).encode(), 1) if chosen else page


def translations(texts: Mapping[Language, Mapping[str, str]]) -> dict[str, Any]:
    """Texts by our languages as gradio wants them: by every tag a browser may ask with."""
    return {"zh": texts["zh"], "zh-CN": texts["zh"], "zh-TW": texts["zh"], "en": texts["en"]}
