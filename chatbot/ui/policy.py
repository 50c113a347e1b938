"""What browsers are told they may do with the page: load from it alone, and show it nowhere else.

gradio's page has scripts in its HTML, which are let run by a nonce of each response, and makes
functions of an event's ``js``, which needs ``unsafe-eval``; its components set styles of their own.
"""

import re
import secrets

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

_POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self' 'unsafe-eval'{nonce}",
        "style-src 'self' 'unsafe-inline'",
        "img-src 'self' data: blob:",
        "font-src 'self' data:",
        "connect-src 'self'",
        "manifest-src 'self'",
        "worker-src 'self' blob:",
        "base-uri 'self'",
        "form-action 'self'",
        "frame-ancestors 'none'",
    )
)
_SCRIPT = re.compile(rb"<script(?=[\s>])")
_HEADERS = {
    "content-security-policy": _POLICY.format(nonce=""),
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=()",
}
_KEPT = re.compile(r"/(assets|static|svelte)/.*|/favicon\.ico")


def with_policy(app: ASGIApp) -> ASGIApp:
    """An application whose every response says what browsers may do with it.

    What gradio answers other sites' pages with is taken out: they are not to read anything.
    """

    async def told(scope: Scope, receive: Receive, send: Send) -> None:
        async def sent(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(raw=list(message.get("headers", [])))
                for name in {name for name in headers if name.startswith("access-control-")}:
                    del headers[name]
                for name, value in _HEADERS.items():
                    headers.setdefault(name, value)
                if not _KEPT.fullmatch(scope["path"]):
                    headers["cache-control"] = "no-store"
                message = {**message, "headers": headers.raw}
            await send(message)

        await app(scope, receive, sent)

    return told


class NonceMiddleware:
    """Gives the scripts in the page's own HTML the nonce that lets them run."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(  # noqa: D102 - the signature is ASGI's
        self, scope: Scope, receive: Receive, send: Send
    ) -> None:
        if scope["type"] != "http" or scope["path"] != "/":
            await self._app(scope, receive, send)
            return
        start: list[Message] = []
        body = bytearray()

        async def marked(message: Message) -> None:
            if message["type"] == "http.response.start":
                start.append(message)
                return
            body.extend(message.get("body", b""))
            if not message.get("more_body"):
                page = _let_run(start[0], bytes(body))
                await send(start[0])
                await send({"type": "http.response.body", "body": page})

        await self._app(scope, receive, marked)


def _let_run(start: Message, page: bytes) -> bytes:
    if not Headers(raw=start["headers"]).get("content-type", "").startswith("text/html"):
        return page
    nonce = secrets.token_urlsafe(16)
    page = _SCRIPT.sub(f'<script nonce="{nonce}"'.encode(), page)
    headers = MutableHeaders(raw=start["headers"])
    headers["content-length"] = str(len(page))
    headers["content-security-policy"] = _POLICY.format(nonce=f" 'nonce-{nonce}'")
    return page
