"""Report files that visitors bring: checked at the door, held against the index, kept, indexed.

What cannot be read, is no report, or cannot be kept is a `ChatbotError`, as is a damaged index.
"""

import datetime as dt
import re
import tempfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
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
from chatbot.errors import ChatbotError, ReportError
from chatbot.files import write_atomically
from chatbot.guardrails.limits import LARGEST_REPORT, MOST_UPLOADS, read_report_bytes
from chatbot.index.generation import Progress
from chatbot.index.ingestion import IngestResult, ingest
from chatbot.index.reading import Index
from chatbot.index.sections import IndexedSection, live_sections
from chatbot.index.storage import fingerprint, read_parsed
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


_FOLDER = "uploads"
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

    `same_as` is the name of an indexed report, or of an earlier upload, with the same content.
    `unchanged` are papers whose text in the index stays, for it is the same or of a newer report.
    """

    upload: Upload
    same_as: str | None
    new: tuple[Paper, ...] = ()
    updated: tuple[Paper, ...] = ()
    unchanged: tuple[Paper, ...] = ()


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
    found = [KnownReport(name, report.date, len(report.papers)) for name, report in _indexed(index)]
    return tuple(sorted(found, key=lambda known: (known.date, known.name), reverse=True))


def preview_uploads(index: Index, uploads: Sequence[Upload]) -> tuple[Preview, ...]:
    """What indexing these reports would do to the index, paper by paper."""
    known = _indexed(index)
    fresh: list[Upload] = []
    same: dict[int, str] = {}
    for place, upload in enumerate(uploads):
        before = [*known, *((other.name, other.report) for other in fresh)]
        own = (upload.report.date, upload.report.papers)
        name = next((name for name, one in before if (one.date, one.papers) == own), None)
        if name is None:
            fresh.append(upload)
        else:
            same[place] = name
    names = [path.name for path in _places(index.settings.data_dir, fresh)]
    reports = [(name, up.report) for name, up in zip(names, fresh, strict=True)]
    old, new = _texts(index.sections), _texts(live_sections([*known, *reports]))
    names.reverse()
    return tuple(
        Preview(upload, same[place]) if place in same else _preview(upload, names.pop(), old, new)
        for place, upload in enumerate(uploads)
    )


def add_uploads(
    settings: Settings, uploads: Sequence[Upload], progress: Progress | None = None
) -> IngestResult:
    """Keep these reports and index them; where that fails, nothing is kept."""
    paths = _places(settings.data_dir, uploads)
    written: list[Path] = []
    try:
        for path, upload in zip(paths, uploads, strict=True):
            if not path.exists():
                write_atomically(path, upload.data)
                written.append(path)
        return ingest(settings, paths, progress=progress)
    except (OSError, ChatbotError) as error:
        for path in written:
            path.unlink(missing_ok=True)
        if isinstance(error, ChatbotError):
            raise
        raise ChatbotError(
            f"{settings.data_dir / _FOLDER} cannot be written ({error.strerror or error}); make "
            "room or set CHATBOT_DATA_DIR to a folder that can be written"
        ) from error


def _indexed(index: Index) -> list[tuple[str, Report]]:
    data_dir = index.settings.data_dir
    return [(entry.name, read_parsed(data_dir, entry)) for entry in index.manifest.reports]


_Texts = dict[str, list[IndexedSection]]


def _texts(sections: Iterable[IndexedSection]) -> _Texts:
    found: _Texts = {}
    for section in sections:
        found.setdefault(section.paper_id, []).append(section)
    return found


def _preview(upload: Upload, name: str, old: _Texts, new: _Texts) -> Preview:
    def content(sections: Sequence[IndexedSection]) -> list[tuple[str, str, str, str]]:
        return [(s.title, s.url, s.key, s.text) for s in sections]

    kinds: dict[str, list[Paper]] = {"new": [], "updated": [], "unchanged": []}
    for paper in upload.report.papers:
        before, after = old.get(paper.id, []), new.get(paper.id, [])
        shown = any(section.report == name for section in after)
        changed = shown and content(before) != content(after)
        kinds["new" if not before else "updated" if changed else "unchanged"].append(paper)
    return Preview(upload, None, **{kind: tuple(papers) for kind, papers in kinds.items()})


def _places(data_dir: Path, uploads: Sequence[Upload]) -> list[Path]:
    """Where each upload is kept: where its content is already, or under the day's next number.

    Of two reports of a day the one later in the alphabet is shown, hence the number.
    """
    folder = data_dir / _FOLDER
    places: list[Path] = []
    for upload in uploads:
        day, content = upload.report.date.isoformat(), fingerprint(upload.data)[:_DIGITS]
        taken = [*places, *folder.glob(f"upload-{day}-*.txt")]
        matches = [match for path in taken if (match := _NAME.fullmatch(path.stem))]
        kept = next((path for path in taken if path.stem.endswith(f"-{content}")), None)
        number = 1 + max((int(m["number"]) for m in matches if m["day"] == day), default=0)
        places.append(kept or folder / f"upload-{day}-{number:03}-{content}.txt")
    return places
