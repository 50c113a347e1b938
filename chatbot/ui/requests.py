"""The id of each request: taken from whoever asks, or made, and told in the answer's header."""

import re
from dataclasses import replace
from uuid import uuid4

import gradio as gr
from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import HTTPConnection
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from chatbot.visits import Door, Visit, visiting

_HEADER = "x-request-id"
_VISIT = "chatbot_visit"
# Others choose it, and it is written into logs: nothing that ends a line or opens a tag.
_WELL_FORMED = re.compile(r"[A-Za-z0-9._:-]{1,64}")
_TRACEPARENT = re.compile(r"[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}")


def with_request_id(app: ASGIApp) -> ASGIApp:
    """An application whose every response says the request's id; the gate logs under it."""

    async def identified(scope: Scope, receive: Receive, send: Send) -> None:
        headers = Headers(scope=scope)
        traceparent = headers.get("traceparent", "")
        visit = Visit(
            _given(headers) or uuid4().hex,
            traceparent=traceparent if _TRACEPARENT.fullmatch(traceparent) else "",
        )

        async def sent(message: Message) -> None:
            if message["type"] == "http.response.start":
                told = MutableHeaders(raw=list(message.get("headers", [])))
                told[_HEADER] = visit.request_id
                message = {**message, "headers": told.raw}
            await send(message)

        scope[_VISIT] = visit
        with visiting(visit):
            await app(scope, receive, sent)

    return identified


def without_visit(app: ASGIApp) -> ASGIApp:
    """An application as gradio's, in which a request's context outlives it.

    Its queue's tasks are begun by whichever request comes first, and work on those of all. So what
    they work on is said where it is known: by `visit_of`.
    """

    async def forgotten(scope: Scope, receive: Receive, send: Send) -> None:
        with visiting(Visit()):
            await app(scope, receive, send)

    return forgotten


def visit_of(request: gr.Request | HTTPConnection | None, door: Door) -> Visit:
    """The request as gradio hands it to events and endpoints."""
    sent = request.request if isinstance(request, gr.Request) else request
    visit = sent.scope.get(_VISIT, Visit()) if sent is not None else Visit()
    return replace(visit, door=door)


def _given(headers: Headers) -> str:
    given = headers.get(_HEADER, "")
    return given if _WELL_FORMED.fullmatch(given) else ""
