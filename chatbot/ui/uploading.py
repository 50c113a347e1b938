"""Uploads: only files whose names are those of reports, read whole before gradio keeps any."""

import tempfile
from collections.abc import Iterator
from pathlib import PurePosixPath
from typing import IO

from anyio import to_thread
from python_multipart.exceptions import MultipartParseError
from python_multipart.multipart import MultipartParser, parse_options_header
from starlette.datastructures import Headers
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from chatbot.errors import ChatbotError
from chatbot.limits import LARGEST_REPORT, MOST_UPLOADS

SUFFIXES = (".txt", ".md")
UPLOAD = "/gradio_api/upload"
# A few more than a report may have still arrive, so that the page can say what is wrong.
_MOST_PARTS = 2 * MOST_UPLOADS
_MOST_BYTES = MOST_UPLOADS * LARGEST_REPORT
_IN_MEMORY = 2**20
_CHUNK = 2**16


class _RefusedError(ChatbotError):
    def __init__(self, status: int, text: str) -> None:
        super().__init__(text)
        self.status = status


class _Names:
    """Finds the names of the files in a body of parts, as it comes, and refuses some."""

    def __init__(self, content_type: str) -> None:
        kind, options = parse_options_header(content_type)
        if kind != b"multipart/form-data" or b"boundary" not in options:
            raise _RefusedError(400, "an upload is multipart/form-data")
        self._name, self._value, self._parts = b"", b"", 0
        self._parser = MultipartParser(
            options[b"boundary"],
            {
                "on_part_begin": self._part,
                "on_header_field": self._field,
                "on_header_value": self._more,
                "on_header_end": self._header,
            },
        )

    def read(self, data: bytes) -> None:
        try:
            self._parser.write(data)
        except MultipartParseError as error:
            raise _RefusedError(400, "the upload cannot be read") from error

    def _part(self) -> None:
        self._parts += 1
        if self._parts > _MOST_PARTS:
            raise _RefusedError(413, f"more than {_MOST_PARTS} files at once")

    def _field(self, data: bytes, start: int, end: int) -> None:
        self._name += data[start:end]

    def _more(self, data: bytes, start: int, end: int) -> None:
        self._value += data[start:end]

    def _header(self) -> None:
        if self._name.lower() == b"content-disposition":
            _, options = parse_options_header(self._value)
            name = options.get(b"filename", b"").decode("utf-8", "replace")
            if PurePosixPath(name).suffix.lower() not in SUFFIXES:
                raise _RefusedError(415, "only .txt and .md files may be uploaded")
        self._name = self._value = b""


def with_reports_only(app: ASGIApp) -> ASGIApp:
    """An application that is given an upload only when all of it has come and been looked at."""

    async def looked_at(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["path"] != UPLOAD:
            await app(scope, receive, send)
            return
        with tempfile.SpooledTemporaryFile(_IN_MEMORY) as body:
            try:
                await _read(scope, receive, body)
            except _RefusedError as refused:
                response = PlainTextResponse(str(refused), refused.status)
                await response(scope, receive, send)
                return
            await app(scope, _replayed(body, receive), send)

    return looked_at


async def _read(scope: Scope, receive: Receive, body: IO[bytes]) -> None:
    """Read a request's body, refusing it as soon as anything is wrong with it."""
    names, size = _Names(Headers(scope=scope).get("content-type", "")), 0
    more = True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise _RefusedError(400, "the upload broke off")
        data = message.get("body", b"")
        size += len(data)
        if size > _MOST_BYTES:
            raise _RefusedError(413, f"more than {_MOST_BYTES // 2**20} MB at once")
        await to_thread.run_sync(_take_in, names, body, data)
        more = message.get("more_body", False)


def _take_in(names: _Names, body: IO[bytes], data: bytes) -> None:
    names.read(data)
    body.write(data)  # on disk, where it is long


def _replayed(body: IO[bytes], receive: Receive) -> Receive:
    """The body again, then whatever else comes."""
    chunks = _chunks(body)

    async def again() -> Message:
        data = await to_thread.run_sync(next, chunks, None)
        if data is None:
            return await receive()
        return {"type": "http.request", "body": data, "more_body": bool(data)}

    return again


def _chunks(body: IO[bytes]) -> Iterator[bytes]:
    """All of it, and an empty end."""
    body.seek(0)
    while data := body.read(_CHUNK):
        yield data
    yield b""
