"""Report files that visitors bring: held against the index first, then kept and indexed.

An accepted file is written below the data folder under a name made of its date and its content,
and indexed from there, so that every report from elsewhere stays as it is.
"""

import datetime as dt
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from chatbot.config import Settings
from chatbot.corpus import Paper, Report, parse_report
from chatbot.errors import ChatbotError, ReportError
from chatbot.files import write_atomically
from chatbot.index.build import IngestResult, ingest
from chatbot.index.generation import Progress
from chatbot.index.records import IndexedSection, live_sections
from chatbot.index.shards import fingerprint, read_parsed
from chatbot.index.store import Index
from chatbot.limits import read_report_bytes

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
    """Read and parse a visitor's file; its errors name the file alone.

    Raises:
        ReportError: it cannot be read or is not a report.
    """
    try:
        data = read_report_bytes(path)
    except OSError as error:
        cause = f"cannot be read ({error.strerror}); choose it again"
        raise ReportError(path.name, 1, cause) from error
    return Upload(path.name, data, parse_report(data, path.name))


def known_reports(index: Index) -> tuple[KnownReport, ...]:
    """The reports of an index, newest first.

    Raises:
        MissingIndexError: the index is damaged.
    """
    found = [KnownReport(name, report.date, len(report.papers)) for name, report in _indexed(index)]
    return tuple(sorted(found, key=lambda known: (known.date, known.name), reverse=True))


def preview_uploads(index: Index, uploads: Sequence[Upload]) -> tuple[Preview, ...]:
    """What indexing these reports would do to the index, paper by paper.

    Raises:
        MissingIndexError: the index is damaged.
    """
    known = _indexed(index)
    fresh: list[Upload] = []
    same: dict[int, str] = {}
    for place, upload in enumerate(uploads):
        before = [*known, *((other.name, other.report) for other in fresh)]
        name = next((name for name, report in before if _equal(report, upload.report)), None)
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
    """Keep these reports and index them; where that fails, nothing is kept.

    Raises:
        ChatbotError: a file cannot be written, or as for `ingest`.
    """
    paths = _places(settings.data_dir, uploads)
    written: list[Path] = []
    try:
        for path, upload in zip(paths, uploads, strict=True):
            if not path.exists():
                write_atomically(path, upload.data)
                written.append(path)
        return ingest(settings, paths, progress=progress)
    except OSError as error:
        _delete(written)
        raise ChatbotError(
            f"{settings.data_dir / _FOLDER} cannot be written ({error.strerror or error}); make "
            "room or set CHATBOT_DATA_DIR to a folder that can be written"
        ) from error
    except ChatbotError:
        _delete(written)
        raise


def _indexed(index: Index) -> list[tuple[str, Report]]:
    data_dir = index.settings.data_dir
    return [(entry.name, read_parsed(data_dir, entry)) for entry in index.manifest.reports]


def _equal(one: Report, other: Report) -> bool:
    return (one.date, one.papers) == (other.date, other.papers)


_Texts = dict[str, list[IndexedSection]]


def _texts(sections: Iterable[IndexedSection]) -> _Texts:
    found: _Texts = {}
    for section in sections:
        found.setdefault(section.paper_id, []).append(section)
    return found


def _preview(upload: Upload, name: str, old: _Texts, new: _Texts) -> Preview:
    kinds: dict[str, list[Paper]] = {"new": [], "updated": [], "unchanged": []}
    for paper in upload.report.papers:
        before, after = old.get(paper.id, []), new.get(paper.id, [])
        shown = any(section.report == name for section in after)
        kind = "new" if not before else "updated" if shown and _differ(before, after) else ""
        kinds[kind or "unchanged"].append(paper)
    return Preview(upload, None, **{kind: tuple(papers) for kind, papers in kinds.items()})


def _differ(before: Sequence[IndexedSection], after: Sequence[IndexedSection]) -> bool:
    def content(sections: Sequence[IndexedSection]) -> list[tuple[str, str, str, str]]:
        return [(s.title, s.url, s.key, s.text) for s in sections]

    return content(before) != content(after)


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


def _delete(paths: Iterable[Path]) -> None:
    for path in paths:
        path.unlink(missing_ok=True)
