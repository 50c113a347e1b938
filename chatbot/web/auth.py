"""Who sends requests, and how often: signing in, its page and cookie, and what limits go by."""

import base64
import binascii
import html
import ipaddress
import logging
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import parse_qs

import gradio as gr
from anyio import CapacityLimiter, to_thread
from sqlalchemy import Engine
from starlette.datastructures import Headers
from starlette.requests import HTTPConnection, Request
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from chatbot.errors import ChatbotError
from chatbot.guardrails.limits import Allowance, RateLimiter
from chatbot.store.accounts import (
    LIFETIME,
    LONGEST_NAME,
    Session,
    Users,
    begin_session,
    end_session,
    is_password,
    known_as,
    session_of,
    stamp_of,
)
from chatbot.understanding.models import Language
from chatbot.web.locales import ACCESS, language_of_visitor

logger = logging.getLogger(__name__)
_PAGE = Path(__file__).with_name("sign_in.html").read_text(encoding="utf-8")
_COOKIE = "chatbot-session"
_FORM_BYTES = 8_192
# Wrong passwords at once, then one in so many seconds: 2 880 a day for a name, wherever from.
_BY_NAME, _BY_ADDRESS = Allowance(5, 30.0), Allowance(20, 10.0)
_HASHED_AT_ONCE = 2
_UNAUTHORIZED, _TOO_MANY, _UNAVAILABLE, _SEE_OTHER = 401, 429, 503, 303


@dataclass(frozen=True, slots=True)
class SignIn:
    """Who may sign in, where sign-ins are kept, and how many attempts a name and an address have.

    Each attempt takes 64 MB while its password is hashed; `hashing` grants so many at once.
    """

    users: Users
    database: Engine
    by_name: Allowance = _BY_NAME
    by_address: Allowance = _BY_ADDRESS
    limiter: RateLimiter = field(default_factory=RateLimiter)
    hashing: CapacityLimiter = field(default_factory=lambda: CapacityLimiter(_HASHED_AT_ONCE))


@dataclass(frozen=True, slots=True)
class _Attempt:
    """What came of a name and a password: the user, or the seconds to wait, or neither.

    With a password, `stamp` is what a session is bound to.
    """

    user: str | None = None
    wait: float = 0.0
    stamp: str = ""


async def with_sign_in(
    app: ASGIApp, sign_in: SignIn, scope: Scope, receive: Receive, send: Send
) -> None:
    """Let those who signed in reach the application, which finds who in the request's scope."""
    request = Request(scope, receive)
    try:
        response = await _answered(sign_in, request)
    except ChatbotError as error:
        logger.error("nobody can sign in: %s", error)  # noqa: TRY400 - whence is in its text
        response = _refusal(request, "unavailable", _UNAVAILABLE)
    await (response or app)(scope, receive, send)


async def _answered(sign_in: SignIn, request: Request) -> Response | None:
    """The answer to a request that is about signing in or may not pass; None where it may."""
    match request.method, request.url.path.removesuffix("/"):
        case "POST", "/login":
            return await _signed_in(sign_in, request)
        case "POST", "/logout":
            return await _signed_out(sign_in, request)
        case _, "/login":
            return _page(request)
    attempt = await _identified(sign_in, request)
    if attempt.user is not None:
        request.scope[_USER] = attempt.user  # for all that comes after the gate
        return None
    if attempt.wait:
        return _later(request, attempt.wait)
    reads = request.url.path == "/" and request.method == "GET" and _reads_html(request)
    to_sign_in = RedirectResponse(_with_query("/login", request), _SEE_OTHER)
    return (
        to_sign_in if reads else JSONResponse({"detail": "sign in at /login first"}, _UNAUTHORIZED)
    )


async def _identified(sign_in: SignIn, request: Request) -> _Attempt:
    token = request.cookies.get(_cookie(request))
    if token and (owner := await to_thread.run_sync(_owner_of, sign_in, token)):
        return _Attempt(owner)
    if credentials := _basic(request.headers):
        return await _attempted(sign_in, request, *credentials)
    return _Attempt()


def _owner_of(sign_in: SignIn, token: str) -> str | None:
    """Whose session this is; None once it is over, or the user's password is another."""
    session = session_of(sign_in.database, token)
    kept = sign_in.users.hash_of(session.owner) if session else None
    return session.owner if session and kept and stamp_of(kept) == session.stamp else None


async def _attempted(sign_in: SignIn, request: Request, name: str, password: str) -> _Attempt:
    """Hold a password against the kept one; an attempt counts before it is known to be right."""
    name = known_as(name)[: LONGEST_NAME + 1]
    address = network_of(request.client.host if request.client else "")
    counted = {f"name {name}": sign_in.by_name, f"address {address}": sign_in.by_address}
    if wait := sign_in.limiter.take(counted):
        return _Attempt(wait=wait)
    kept = await to_thread.run_sync(sign_in.users.hash_of, name)
    right = await to_thread.run_sync(is_password, kept, password, limiter=sign_in.hashing)
    if kept is None or not right:
        # Not the name: people type their password there by mistake.
        logger.warning("a sign-in from %s was refused", address)
        return _Attempt()
    sign_in.limiter.give_back(counted)
    return _Attempt(name, stamp=stamp_of(kept))


async def _signed_in(sign_in: SignIn, request: Request) -> Response:
    form = await _form(request)
    name, password = form.get("username", ""), form.get("password", "")
    attempt = await _attempted(sign_in, request, name, password)
    if attempt.wait:
        return _later(request, attempt.wait)
    if attempt.user is None:
        return _refusal(request, "wrong", _UNAUTHORIZED)
    session = Session(attempt.user, attempt.stamp)
    token = await to_thread.run_sync(begin_session, sign_in.database, session)
    response: Response = JSONResponse({"success": True})
    if _reads_html(request):
        response = RedirectResponse(_with_query("/", request), _SEE_OTHER)
    response.set_cookie(
        _cookie(request),
        token,
        max_age=int(LIFETIME.total_seconds()),
        path="/",
        httponly=True,
        samesite="lax",
        secure=request.url.scheme == "https",
    )
    return response


async def _signed_out(sign_in: SignIn, request: Request) -> Response:
    if token := request.cookies.get(_cookie(request)):
        await to_thread.run_sync(end_session, sign_in.database, token)
    response = RedirectResponse("/login", _SEE_OTHER)
    response.delete_cookie(
        _cookie(request), path="/", httponly=True, secure=request.url.scheme == "https"
    )
    return response


async def _form(request: Request) -> Mapping[str, str]:
    body = bytearray()
    async for chunk in request.stream():
        body.extend(chunk)
        if len(body) > _FORM_BYTES:
            return {}
    fields = parse_qs(body.decode("utf-8", "replace"), keep_blank_values=True)
    return {name: values[0] for name, values in fields.items()}


def _basic(headers: Headers) -> tuple[str, str] | None:
    kind, _, encoded = headers.get("authorization", "").partition(" ")
    if kind.lower() != "basic":
        return None
    try:
        name, colon, password = base64.b64decode(encoded, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return None
    return (name, password) if colon else None


def _cookie(request: Request) -> str:
    # The prefix makes browsers refuse one that another host of the domain has set.
    return f"__Host-{_COOKIE}" if request.url.scheme == "https" else _COOKIE


def _reads_html(request: Request) -> bool:
    return "text/html" in request.headers.get("accept", "")


def _with_query(path: str, request: Request) -> str:
    """A path of ours with the query that was asked with: signing in leads where one wanted to."""
    return f"{path}?{request.url.query}" if request.url.query else path


def _page(request: Request, message: str = "", status: int = 200) -> Response:
    language = language_of_visitor(request.headers)
    page = _PAGE.format_map(
        {
            **vars(ACCESS[language]),
            "language": "zh-CN" if language == "zh" else "en",
            "action": html.escape(_with_query("/login", request)),
            "alert": f'<p role="alert">{html.escape(message)}</p>' if message else "",
        }
    )
    return HTMLResponse(page, status)


def _later(request: Request, wait: float) -> Response:
    seconds = math.ceil(wait)
    response = _refusal(request, "many_attempts", _TOO_MANY, seconds=seconds)
    response.headers["retry-after"] = str(seconds)
    return response


def _refusal(request: Request, text: str, status: int, **values: int) -> Response:
    """Why one is not let in: the page to those who read it, JSON to programs."""
    texts = ACCESS[language_of_visitor(request.headers)]
    line = str(getattr(texts, text)).format(**values)
    if _reads_html(request):
        return _page(request, line, status)
    return JSONResponse({"detail": line}, status)


_USER = "chatbot_user"
_IPV6_NETWORK = 64


def user_of(request: HTTPConnection) -> str | None:
    """The user who sent a request; None where nobody signed in. gradio calls it."""
    user = request.scope.get(_USER)
    return str(user) if user else None


def network_of(address: str) -> str:
    """An address as limits count it: whoever has one of IPv6 has all of its network."""
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return address
    if found.version == 4:  # noqa: PLR2004
        return address
    return str(ipaddress.ip_network((found, _IPV6_NETWORK), strict=False))


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
        # By the user, where people sign in, and the address, of IPv6 its network.
        sent = request.request if isinstance(request, gr.Request) else request
        user, client = (None, None) if sent is None else (user_of(sent), sent.client)
        counted = {f"address {network_of(client.host) if client else ''}": allowance}
        wait = limiter.take(counted | ({f"user {user}": allowance} if user else {}))
        if wait:
            spoken = language or language_of_visitor(dict(request.headers) if request else {})
            text = ACCESS[spoken].too_fast
            raise ChatbotError(text.format(rate=rate, seconds=math.ceil(wait)))

    return admit
