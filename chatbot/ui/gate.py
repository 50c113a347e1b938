"""What stands before gradio's application: every request passes here first, or does not pass.

Refused unless allowed: a host's name that is not ours, a page of another site, a visitor who has
not signed in where users are set up, and whatever of gradio's routes the page does not use.
"""

import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from gradio.routes import App, ORJSONResponse
from starlette.datastructures import Headers
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from chatbot.ui.language import language_of_visitor
from chatbot.ui.policy import with_policy
from chatbot.ui.requests import with_request_id, without_visit
from chatbot.ui.sign_in import SignIn, with_sign_in
from chatbot.ui.uploading import with_reports_only
from chatbot.ui.wording.access import TEXTS

LOOPBACK = ("127.0.0.1", "localhost", "[::1]")
# What the page, gradio's client and MCP clients use. Not: files, the proxy, deep links, monitoring.
_USED = re.compile(
    r"/|/config/?|/theme\.css|/favicon\.ico|/robots\.txt|/manifest\.json|"
    r"/(assets|static|svelte)/.+|/gradio_api/(info/?|openapi\.json|startup-events|theme\.css|app_id/?|"
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


class GatedApp(App):
    """gradio's application behind the gate, outside of all middleware that gradio adds itself."""

    def __init__(self, access: Access, **kwargs: Any) -> None:
        self._access = access
        super().__init__(default_response_class=ORJSONResponse, **kwargs)

    def build_middleware_stack(self) -> ASGIApp:
        """The application as it is served."""
        return gated(super().build_middleware_stack(), self._access)


def gated(app: ASGIApp, access: Access) -> ASGIApp:
    """An application that only requests which may pass reach."""
    inner = with_busy_line(with_reports_only(without_visit(app)))
    known = _only(_is_used, _NOT_FOUND, "no such page", inner)
    ours = _with_routes(access.routes, known)
    signed_in = with_sign_in(ours, access.sign_in) if access.sign_in else ours
    opened = _with_routes(access.open_routes, signed_in)
    own = _only(_is_own, _FORBIDDEN, "a page of another site asked for this", opened)
    named = TrustedHostMiddleware(own, allowed_hosts=list(access.hosts), www_redirect=False)
    served = with_request_id(with_policy(named))

    async def gate(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await app(scope, receive, send)
        elif scope["type"] == "http":
            await served(scope, receive, send)
        else:  # gradio uses no web sockets
            await send({"type": "websocket.close", "code": 1008})

    return gate


def _only(allowed: Callable[[Scope], bool], status: int, why: str, app: ASGIApp) -> ASGIApp:
    async def asked(scope: Scope, receive: Receive, send: Send) -> None:
        if allowed(scope):
            await app(scope, receive, send)
        else:
            await JSONResponse({"detail": why}, status)(scope, receive, send)

    return asked


def _with_routes(routes: Mapping[str, ASGIApp], app: ASGIApp) -> ASGIApp:
    async def routed(scope: Scope, receive: Receive, send: Send) -> None:
        await routes.get(scope["path"], app)(scope, receive, send)

    return routed


def _is_used(scope: Scope) -> bool:
    return _USED.fullmatch(scope["path"]) is not None


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


def with_busy_line(app: ASGIApp) -> ASGIApp:
    """Where gradio's queue is full, tell when to come back; its own 503 the page words itself."""

    async def told(scope: Scope, receive: Receive, send: Send) -> None:
        if not _BUSY.fullmatch(scope["path"]):
            await app(scope, receive, send)
            return
        refused = False

        async def sent(message: Message) -> None:
            nonlocal refused
            if message["type"] == "http.response.start" and message["status"] == _UNAVAILABLE:
                refused = True
                texts = TEXTS[language_of_visitor(Headers(scope=scope))]
                line = texts.busy.format(seconds=_BUSY_SECONDS)
                await _later(line, _BUSY_SECONDS)(scope, receive, send)
            elif not refused:
                await send(message)

        await app(scope, receive, sent)

    return told


def _later(line: str, seconds: float) -> JSONResponse:
    wait = {"retry-after": str(math.ceil(seconds))}
    return JSONResponse({"detail": line}, _TOO_MANY, headers=wait)
