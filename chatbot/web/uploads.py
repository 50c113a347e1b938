"""Report files that visitors bring: checked at the door, held against the index, kept, indexed.

What cannot be read, is no report, or cannot be kept is a `ChatbotError`, as is a damaged index.
"""

import datetime as dt
import re
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import chain
from pathlib import Path, PurePosixPath
from typing import IO

from anyio import to_thread
from python_multipart.exceptions import MultipartParseError
from python_multipart.multipart import MultipartParser, parse_options_header
from starlette.datastructures import Headers
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from chatbot.config import Settings
from chatbot.errors import ChatbotError, ModelError, ReportError
from chatbot.files import write_atomically
from chatbot.guardrails.limits import LARGEST_REPORT, MOST_UPLOADS, read_report_bytes
from chatbot.index.generation import Progress, complete_vectors, no_progress
from chatbot.index.ingestion import IngestResult, index_words
from chatbot.index.reading import Index
from chatbot.index.storage import UPLOADS, fingerprint, read_parsed
from chatbot.reports.parsing import SUFFIXES, Paper, Report, parse_report

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


class _Parts:
    """Takes in a body of parts as it comes, and refuses some by the names of their files."""

    def __init__(self, content_type: str, body: IO[bytes]) -> None:
        kind, options = parse_options_header(content_type)
        if kind != b"multipart/form-data" or b"boundary" not in options:
            raise _RefusedError(400, "an upload is multipart/form-data")
        self._body, self._name, self._value, self._parts = body, b"", b"", 0
        self._parser = MultipartParser(
            options[b"boundary"],
            {
                "on_part_begin": self._part,
                "on_header_field": self._field,
                "on_header_value": self._more,
                "on_header_end": self._header,
            },
        )

    def take_in(self, data: bytes) -> None:
        try:
            self._parser.write(data)
        except MultipartParseError as error:
            raise _RefusedError(400, "the upload cannot be read") from error
        self._body.write(data)  # on disk, where it is long

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
                raise _RefusedError(415, f"only {', '.join(SUFFIXES)} files may be uploaded")
        self._name = self._value = b""


async def with_reports_only(app: ASGIApp, scope: Scope, receive: Receive, send: Send) -> None:
    """Give the application an upload only when all of it has come and been looked at."""
    if scope["path"] != UPLOAD:
        await app(scope, receive, send)
        return
    with tempfile.SpooledTemporaryFile(_IN_MEMORY) as body:
        try:
            await _read(scope, receive, body)
        except _RefusedError as refused:
            await PlainTextResponse(str(refused), refused.status)(scope, receive, send)
        else:
            await app(scope, _replayed(body, receive), send)


async def _read(scope: Scope, receive: Receive, body: IO[bytes]) -> None:
    """Read a request's body, refusing it as soon as anything is wrong with it."""
    parts, size = _Parts(Headers(scope=scope).get("content-type", ""), body), 0
    more = True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise _RefusedError(400, "the upload broke off")
        data = message.get("body", b"")
        size += len(data)
        if size > _MOST_BYTES:
            raise _RefusedError(413, f"more than {_MOST_BYTES // 2**20} MB at once")
        await to_thread.run_sync(parts.take_in, data)
        more = message.get("more_body", False)


def _replayed(body: IO[bytes], receive: Receive) -> Receive:
    body.seek(0)
    chunks = chain(iter(partial(body.read, _CHUNK), b""), [b""])

    async def again() -> Message:
        data = await to_thread.run_sync(next, chunks, None)
        if data is None:
            return await receive()
        return {"type": "http.request", "body": data, "more_body": bool(data)}

    return again


_NAME = re.compile(r"upload-(?P<day>\d{4}-\d{2}-\d{2})-(?P<number>\d+)-[0-9a-f]+")
_DIGITS = 10


@dataclass(frozen=True, slots=True)
class Upload:
    """A visitor's report: the file's name there, its bytes, its parse."""

    name: str
    data: bytes
    report: Report


@dataclass(frozen=True, slots=True)
class Preview:
    """What indexing an upload would do.

    `same_as` is the name of an indexed report, or of an earlier upload, with the same content. The
    `known` papers stand in another report as well, whose text of them stays.
    """

    upload: Upload
    same_as: str | None
    new: tuple[Paper, ...] = ()
    known: tuple[Paper, ...] = ()


@dataclass(frozen=True, slots=True)
class KnownReport:
    """A report in the index, and how many papers it holds."""

    name: str
    date: dt.date
    papers: int


def read_upload(path: Path) -> Upload:
    """Read and parse a visitor's file; its errors name the file alone."""
    try:
        data = read_report_bytes(path)
    except OSError as error:
        cause = f"cannot be read ({error.strerror}); choose it again"
        raise ReportError(path.name, 1, cause) from error
    return Upload(path.name, data, parse_report(data, path.name))


def known_reports(index: Index) -> tuple[KnownReport, ...]:
    """The reports of an index, newest first."""
    found = index.records.all(
        "SELECT report, day, count(*) FROM papers GROUP BY report ORDER BY day DESC, report DESC"
    )
    return tuple(KnownReport(name, dt.date.fromordinal(day), n) for name, day, n in found)


def preview_uploads(index: Index, uploads: Sequence[Upload]) -> tuple[Preview, ...]:
    """What indexing these reports would do to the index, paper by paper."""
    data_dir, held = index.settings.data_dir, index.catalogue.by_id
    days = {upload.report.date for upload in uploads}
    alike = {report.name for report in known_reports(index) if report.date in days}
    entries = (entry for entry in index.manifest.reports if entry.name in alike)
    before = [(entry.name, read_parsed(data_dir, entry)) for entry in entries]
    previews, seen = [], set[str]()
    for upload in uploads:
        own = (upload.report.date, upload.report.papers)
        same = next((name for name, one in before if (one.date, one.papers) == own), None)
        papers = upload.report.papers if same is None else ()
        known = tuple(paper for paper in papers if paper.id in held or paper.id in seen)
        new = tuple(paper for paper in papers if paper not in known)
        previews.append(Preview(upload, same, new, known))
        before.append((upload.name, upload.report))
        seen |= {paper.id for paper in papers}
    return tuple(previews)


def add_uploads(
    settings: Settings, uploads: Sequence[Upload], progress: Progress = no_progress
) -> IngestResult:
    """Keep these reports and index them; where that fails, nothing is kept."""
    paths = _places(settings.data_dir, uploads)
    written: list[Path] = []
    try:
        for path, upload in zip(paths, uploads, strict=True):
            if not path.exists():
                write_atomically(path, upload.data)
                written.append(path)
        result, update = index_words(settings, paths, progress=progress)
    except (OSError, ChatbotError) as error:
        for path in written:
            path.unlink(missing_ok=True)
        if isinstance(error, ChatbotError):
            raise
        raise ChatbotError(
            f"{settings.data_dir / UPLOADS} cannot be written ({error.strerror or error}); make "
            "room or set CHATBOT_DATA_DIR to a folder that can be written"
        ) from error
    try:
        return replace(result, embedded=complete_vectors(settings, update, progress))
    except ModelError as error:
        return replace(result, notices=(*result.notices, f"words answer alone for now: {error}"))


def _places(data_dir: Path, uploads: Sequence[Upload]) -> list[Path]:
    """Where each upload is kept: where its content is already, or under the day's next number.

    Of two reports of a day the one later in the alphabet is shown, hence the number.
    """
    folder = data_dir / UPLOADS
    places: list[Path] = []
    for upload in uploads:
        day, content = upload.report.date.isoformat(), fingerprint(upload.data)[:_DIGITS]
        taken = [*places, *folder.glob(f"upload-{day}-*.txt")]
        matches = [match for path in taken if (match := _NAME.fullmatch(path.stem))]
        kept = next((path for path in taken if path.stem.endswith(f"-{content}")), None)
        number = 1 + max((int(m["number"]) for m in matches if m["day"] == day), default=0)
        places.append(kept or folder / f"upload-{day}-{number:03}-{content}.txt")
    return places
