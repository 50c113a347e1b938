"""What stands before gradio's application: hosts, other sites, routes, policies, request ids."""

import re
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from urllib.parse import urlsplit
from uuid import uuid4

import gradio as gr
from starlette.datastructures import Headers, MutableHeaders
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import HTTPConnection
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from chatbot.telemetry.logs import Door, RequestContext, serving_request
from chatbot.web.auth import SignIn, with_sign_in
from chatbot.web.locales import ACCESS, in_language, language_of_visitor
from chatbot.web.uploads import with_reports_only

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


def with_own_page(app: ASGIApp) -> ASGIApp:
    """The routes of gradio with the page in the visitor's language and a nonce for its scripts.

    Within what gradio compresses its responses with, for here the page is read.
    """

    async def fitted(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"] != "/":
            await app(scope, receive, send)
            return
        visitor = Headers(scope=scope)
        start: list[Message] = []
        body = bytearray()

        async def sent(message: Message) -> None:
            if message["type"] == "http.response.start":
                start.append(message)
                return
            body.extend(message.get("body", b""))
            if not message.get("more_body"):
                page = _let_run(start[0], in_language(bytes(body), visitor))
                await send(start[0])
                await send({"type": "http.response.body", "body": page})

        await app(scope, receive, sent)

    return fitted


def _let_run(start: Message, page: bytes) -> bytes:
    headers = MutableHeaders(raw=start["headers"])
    if headers.get("content-type", "").startswith("text/html"):
        nonce = secrets.token_urlsafe(16)
        page = _SCRIPT.sub(f'<script nonce="{nonce}"'.encode(), page)
        headers["content-security-policy"] = _POLICY.format(nonce=f" 'nonce-{nonce}'")
    headers["content-length"] = str(len(page))
    return page


_HEADER = "x-request-id"
_VISIT = "chatbot_visit"
# Others choose it, and it is written into logs: nothing that ends a line or opens a tag.
_WELL_FORMED = re.compile(r"[A-Za-z0-9._:-]{1,64}")
_TRACEPARENT = re.compile(r"[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}")


async def _with_headers(app: ASGIApp, scope: Scope, receive: Receive, send: Send) -> None:
    """Say with every response the request's id, and what browsers may do with it.

    What gradio answers other sites' pages with is taken out: they are not to read anything. The
    gate logs under the id.
    """
    headers = Headers(scope=scope)
    given, parent = headers.get(_HEADER, ""), headers.get("traceparent", "")
    visit = RequestContext(
        given if _WELL_FORMED.fullmatch(given) else uuid4().hex,
        traceparent=parent if _TRACEPARENT.fullmatch(parent) else "",
    )

    async def sent(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(raw=list(message.get("headers", [])))
            for name in {name for name in headers if name.startswith("access-control-")}:
                del headers[name]
            for name, value in _HEADERS.items():
                headers.setdefault(name, value)
            if not _KEPT.fullmatch(scope["path"]):
                headers["cache-control"] = "no-store"
            headers[_HEADER] = visit.request_id
            message = {**message, "headers": headers.raw}
        await send(message)

    scope[_VISIT] = visit
    with serving_request(visit):
        await app(scope, receive, sent)


async def _without_visit(app: ASGIApp, scope: Scope, receive: Receive, send: Send) -> None:
    """Ask an application as gradio's, in which a request's context outlives it.

    Its queue's tasks are begun by whichever request comes first, and work on those of all. So what
    they work on is said where it is known: by `visit_of`.
    """
    with serving_request(RequestContext()):
        await app(scope, receive, send)


def visit_of(request: gr.Request | HTTPConnection | None, door: Door) -> RequestContext:
    """The request as gradio hands it to events and endpoints."""
    sent = request.request if isinstance(request, gr.Request) else request
    visit = sent.scope.get(_VISIT, RequestContext()) if sent is not None else RequestContext()
    return replace(visit, door=door)


LOOPBACK = ("127.0.0.1", "localhost", "[::1]")
# What the page, gradio's client and MCP clients use. Not: files, the proxy, deep links, monitoring.
_USED = re.compile(
    r"/|/config/?|/theme\.css|/favicon\.ico|/robots\.txt|/manifest\.json|"
    r"/(assets|static|svelte)/.+|/gradio_api/(info/?|openapi\.json|theme\.css|app_id/?|"
    r"heartbeat/[^/]+|(run|api)/[^/]+/?|call/.+|queue/(join|data|status)|cancel|reset/?|"
    r"upload|upload_progress|mcp(/.*)?)"
)
_BUSY = re.compile(r"/gradio_api/(queue/join|call/.+)")
_BUSY_SECONDS = 10
_FORBIDDEN, _NOT_FOUND, _TOO_MANY, _UNAVAILABLE = 403, 404, 429, 503


@dataclass(frozen=True, slots=True)
class Access:
    """Under which hosts' names the page answers, and who may sign in; all visitors, where None.

    What the gate answers itself, by path: `open_routes` to whoever asks, `routes` to those who
    signed in.
    """

    hosts: tuple[str, ...] = LOOPBACK
    sign_in: SignIn | None = None
    open_routes: Mapping[str, ASGIApp] = field(default_factory=dict)
    routes: Mapping[str, ASGIApp] = field(default_factory=dict)


EVERYONE_HERE = Access()


def gated(app: ASGIApp, access: Access) -> ASGIApp:
    """An application that only requests which may pass reach."""
    inner = partial(_with_busy_line, partial(with_reports_only, partial(_without_visit, app)))
    known = _only(lambda scope: _USED.fullmatch(scope["path"]), _NOT_FOUND, "no such page", inner)
    ours = partial(_with_routes, access.routes, known)
    signed_in = partial(with_sign_in, ours, access.sign_in) if access.sign_in else ours
    opened = partial(_with_routes, access.open_routes, signed_in)
    own = _only(_is_own, _FORBIDDEN, "a page of another site asked for this", opened)
    named = TrustedHostMiddleware(own, allowed_hosts=list(access.hosts), www_redirect=False)
    served = partial(_with_headers, named)

    async def gate(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await app(scope, receive, send)
        elif scope["type"] == "http":
            await served(scope, receive, send)
        else:  # gradio uses no web sockets
            await send({"type": "websocket.close", "code": 1008})

    return gate


def _only(allowed: Callable[[Scope], object], status: int, why: str, app: ASGIApp) -> ASGIApp:
    async def asked(scope: Scope, receive: Receive, send: Send) -> None:
        if allowed(scope):
            await app(scope, receive, send)
        else:
            await JSONResponse({"detail": why}, status)(scope, receive, send)

    return asked


async def _with_routes(
    routes: Mapping[str, ASGIApp], app: ASGIApp, scope: Scope, receive: Receive, send: Send
) -> None:
    await routes.get(scope["path"], app)(scope, receive, send)


def _is_own(scope: Scope) -> bool:
    """Whether no page of another site sent this, as far as the browser says.

    Another port of this machine is another site, though its cookies are the same. Following a link
    from elsewhere to the page is fine.
    """
    headers = Headers(scope=scope)
    origin = headers.get("origin")
    if origin is not None:
        return urlsplit(origin).netloc.lower() == headers.get("host", "").lower()
    if headers.get("sec-fetch-site") not in {"cross-site", "same-site"}:
        return True
    return headers.get("sec-fetch-mode") == "navigate" and scope["method"] in {"GET", "HEAD"}


async def _with_busy_line(app: ASGIApp, scope: Scope, receive: Receive, send: Send) -> None:
    """Where gradio's queue is full, tell when to come back; its own 503 the page words itself."""
    joins, refused = _BUSY.fullmatch(scope["path"]), False

    async def sent(message: Message) -> None:
        nonlocal refused
        start = message["type"] == "http.response.start"
        if joins and start and message["status"] == _UNAVAILABLE:
            refused = True
            texts = ACCESS[language_of_visitor(Headers(scope=scope))]
            told = {"detail": texts.busy.format(seconds=_BUSY_SECONDS)}
            wait = {"retry-after": str(_BUSY_SECONDS)}
            await JSONResponse(told, _TOO_MANY, headers=wait)(scope, receive, send)
        elif not refused:
            await send(message)

    await app(scope, receive, sent)
