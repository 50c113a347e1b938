"""Report text to typed `Report`, `Paper` and `Section`; which lines head the five sections."""

import datetime as dt
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import islice, pairwise
from operator import itemgetter
from pathlib import Path
from typing import Literal, get_args

from chatbot.errors import ReportError, quoted
from chatbot.guardrails.limits import LARGEST_REPORT, MOST_REPORTS, read_report_bytes
from chatbot.text.quantities import number_of

SectionKey = Literal["field", "contribution", "usage", "innovations", "results"]
SECTION_KEYS: tuple[SectionKey, ...] = get_args(SectionKey)
SECTION_LABELS: dict[SectionKey, str] = {
    "field": "应用领域",
    "contribution": "一句话核心贡献",
    "usage": "使用指南",
    "innovations": "主要创新点",
    "results": "实验效果",
}
_HEADING = re.compile(
    r" {0,3}(?P<hashes>#{1,6}[ \t]+)?(?P<outer>\*\*)?"
    r"(?:(?P<number>[0-9０-９]{1,3}|[一二三四五])[ \t]*[.．、)）][ \t]*)?(?P<inner>\*\*)?"
    rf"(?P<label>{'|'.join(SECTION_LABELS.values())})"
    r"(?P<gloss>[ \t]*[（(][^()（）]{0,80}[)）])?[ \t]*"
    r"(?:(?P<colon>[:：])[ \t]*)?(?P<closing>\*\*)?[ \t]*(?P<late_colon>[:：])?"
    r"(?P<rest>.*)"
)
# Heading level, bold before and after the number, numbered or not.
Style = tuple[int, bool, bool, bool]
_KEY_OF_LABEL = {label: key for key, label in SECTION_LABELS.items()}


@dataclass(frozen=True, slots=True)
class Heading:
    """A line (0-based) that may open a section, the text after it, and how it is written."""

    line: int
    key: SectionKey
    style: Style
    rest: str
    numbered_right: bool


# Headings in canonical order, after what they weigh together and where (negative) the last stands.
_Chain = tuple[int, int, tuple[Heading, ...]]


def as_heading(line: str, i: int) -> Heading | None:
    """The heading that line `i` may be: marked as one, and nothing but text after a colon."""
    match = _HEADING.fullmatch(line)
    if not match or not (match["hashes"] or match["number"] or match["outer"] or match["inner"]):
        return None
    bold = bool(match["outer"] or match["inner"])
    rest = "" if match["hashes"] and not match["rest"].strip("# \t") else match["rest"]
    separated = match["colon"] or match["late_colon"] or (bold and rest[:1].isspace())
    if (bold and not match["closing"]) or (rest.strip() and not separated):
        return None
    key = _KEY_OF_LABEL[match["label"]]
    number = match["number"]
    numbered_right = number is not None and number_of(number) == SECTION_KEYS.index(key) + 1
    level = len((match["hashes"] or "").strip())
    style = (level, bool(match["outer"]), bool(match["inner"]), number is not None)
    return Heading(i, key, style, rest, numbered_right)


def choose_headings(
    candidates: Sequence[Heading],
) -> tuple[tuple[Heading, ...], tuple[Heading, ...]]:
    """The heaviest chain of candidates in canonical key order, earliest where equal.

    A candidate weighs more in the style most keys of the paper share, and with its own number, so
    an item such as ``2. **使用指南**：…`` inside another section does not win over, or stand in
    for, a real heading.

    Returns:
        The chain, and what looks like a second heading of one of its sections.
    """
    keys_by_style = Counter(style for style, _ in {(c.style, c.key) for c in candidates})
    most = max(keys_by_style.values(), default=0)
    merit = itemgetter(0, 1)
    best: list[_Chain] = [(0, 0, ())] * (len(SECTION_KEYS) + 1)
    alike = []
    for candidate in candidates:
        order, common = SECTION_KEYS.index(candidate.key), keys_by_style[candidate.style] == most
        weight, _, before = max(best[: order + 1], key=merit)
        weight += 4 + 2 * common + candidate.numbered_right
        longer = (weight, -candidate.line, (*before, candidate))
        best[order + 1] = max(best[order + 1], longer, key=merit)
        if common and candidate.numbered_right:
            alike.append(candidate)
    chosen = max(best, key=merit)[2]
    keys = {heading.key for heading in chosen}
    return chosen, tuple(c for c in alike if c.key in keys and c not in chosen)


_PAPER = re.compile(r"##[ \t]+📄\ufe0f?[ \t]*(?P<title>.*)")
_LINK = re.compile(r"[-*][ \t]+\*\*链接\*\*[ \t]*[:：][ \t]*(?P<value>.*)")
_READ_FROM = re.compile(r"[-*][ \t]+\*\*阅读来源\*\*[ \t]*[:：][ \t]*(?P<value>.*)")
_DATE = re.compile(r"\*\*(?:Date|日期)\*\*[ \t]*[:：][ \t]*(?P<value>.*)")
_SOURCE_URL = re.compile(r"\*\*(?:Source URL|来源)\*\*[ \t]*[:：][ \t]*(?P<value>.*)")
_ARXIV_URL = re.compile(r"https?://[^\s/]+/(?:[^\s?#]*/)?(?P<id>\d{4}\.\d{4,5})(?:v\d+)?/?")
# Years a report may be of: days are counted on from it, either way.
_YEARS = range(1900, 3000)
_SEPARATOR = re.compile(r"={5,}[ \t]*")
_FENCE = re.compile(r"[ \t]*(?P<mark>```+|~~~+)(?P<info>.*)")


@dataclass(frozen=True, slots=True)
class LineSpan:
    """First and last line of something in its file, 1-based and inclusive."""

    first: int
    last: int

    def holds(self, line: int) -> bool:
        """Whether it goes over a line."""
        return self.first <= line <= self.last


@dataclass(frozen=True, slots=True)
class Section:
    """One labelled section of a paper.

    `text` is verbatim but for outer blank space, `lines` includes the heading.
    """

    key: SectionKey
    heading: str
    text: str
    lines: LineSpan


@dataclass(frozen=True, slots=True)
class Paper:
    """One digested paper; `sections` holds what the report has, in its order, and no more."""

    id: str
    title: str
    url: str
    read_from: str
    sections: tuple[Section, ...]
    lines: LineSpan


@dataclass(frozen=True, slots=True)
class Problem:
    """Something a reader of the report should know; the report is usable all the same."""

    line: int
    message: str


@dataclass(frozen=True, slots=True)
class Report:
    """One daily report."""

    path: str
    date: dt.date
    source_url: str
    papers: tuple[Paper, ...]
    problems: tuple[Problem, ...]


@dataclass(frozen=True, slots=True)
class _Source:
    """A report's lines, and which of them (0-based) are inside code fences."""

    path: str
    lines: Sequence[str]
    fenced: frozenset[int]


def read_report(path: Path) -> Report:
    """Read and parse one report file.

    Raises:
        ReportError: the file cannot be read or is not a report.
    """
    try:
        data = read_report_bytes(path)
    except OSError as error:
        cause = f"cannot be read ({error.strerror}); check the path"
        raise ReportError(str(path), 1, cause) from error
    return parse_report(data, str(path))


def parse_report(data: bytes, path: str) -> Report:
    """Parse a report's bytes; `path` is only named in errors and kept in the result.

    Raises:
        ReportError: too large, not UTF-8, empty, without a date or papers, or a paper has no arXiv
            link.
    """
    if len(data) > LARGEST_REPORT:
        most = f"{LARGEST_REPORT // 2**20} MB"
        raise ReportError(path, 1, f"the file is larger than {most}, the most; cut it by day")
    lines = _decode(data, path).split("\n")
    source = _Source(path, lines, _fenced_lines(lines))
    starts = [i for i in range(len(lines)) if i not in source.fenced and _opens_paper(lines, i)]
    if not any(line.strip() for line in lines):
        cause = "the file is empty; a report starts with '# Hugging Face Daily Papers Report'"
        raise ReportError(path, 1, cause)
    header = lines[: starts[0]] if starts else lines
    date, source_url = _parse_header(header, path)
    if not starts:
        cause = "no paper found; each paper starts with a line '## 📄 TITLE'"
        raise ReportError(path, len(lines), cause)
    problems: list[Problem] = []
    papers: dict[str, Paper] = {}
    for start, end in pairwise([*starts, len(lines)]):
        paper = _parse_paper(source, start, end, problems)
        if paper.id in papers:
            first = papers[paper.id].lines.first
            cause = f"paper {paper.id} appears twice, first on line {first}; remove one"
            raise ReportError(path, start + 1, cause)
        papers[paper.id] = paper
    return Report(path, date, source_url, tuple(papers.values()), tuple(problems))


def _decode(data: bytes, path: str) -> str:
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        cause = f"not UTF-8 (byte {data[error.start]:#04x}); save the file as UTF-8"
        raise ReportError(path, line, cause) from error
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _parse_header(lines: Sequence[str], path: str) -> tuple[dt.date, str]:
    """The report's date, from its date line or else from its source URL, and that URL."""
    _, source_url = _told(lines, _SOURCE_URL) or (0, "")
    line, text = _told(lines, _DATE) or (0, source_url.rstrip("/").rsplit("/", 1)[-1])
    cause = f"no usable date ({quoted(text)}); write '**Date**: YYYY-MM-DD' at the top"
    with suppress(ValueError):
        date = dt.date.fromisoformat(text)
        if date.year in _YEARS:
            return date, source_url
    raise ReportError(path, line + 1, cause)


def _told(lines: Sequence[str], pattern: re.Pattern[str]) -> tuple[int, str] | None:
    """The first line (0-based) that is of a pattern, and its value."""
    matches = ((i, pattern.fullmatch(line.strip())) for i, line in enumerate(lines))
    return next(((i, match["value"].strip()) for i, match in matches if match), None)


def _fenced_lines(lines: Sequence[str]) -> frozenset[int]:
    """Lines inside closed code fences; a fence left open at a separator line is taken for text."""
    fenced: set[int] = set()
    opened: tuple[int, str] | None = None
    for i, line in enumerate(lines):
        match = _FENCE.fullmatch(line)
        if opened is None:
            if match and "`" not in match["info"]:
                opened = (i, match["mark"])
        elif _SEPARATOR.fullmatch(line):
            opened = None
        elif match and not match["info"].strip() and match["mark"].startswith(opened[1]):
            fenced.update(range(opened[0], i + 1))
            opened = None
    return frozenset(fenced)


def _opens_paper(lines: Sequence[str], i: int) -> bool:
    """Whether line `i` opens a paper: it looks so, after a separator or before a link."""
    if not _PAPER.fullmatch(lines[i]):
        return False
    before = next((line for line in reversed(lines[max(0, i - 5) : i]) if line.strip()), "")
    after = next((line for line in lines[i + 1 : i + 6] if line.strip()), "")
    return bool(_SEPARATOR.fullmatch(before) or _LINK.fullmatch(after.strip()))


def _parse_paper(source: _Source, start: int, end: int, problems: list[Problem]) -> Paper:
    lines = source.lines
    opening = _PAPER.fullmatch(lines[start])
    title = opening["title"].strip() if opening else ""
    end = _before_blank(lines, start, end)
    if end - 1 > start and _SEPARATOR.fullmatch(lines[end - 1]):
        end = _before_blank(lines, start, end - 1)
    candidates = [
        heading
        for i in range(start + 1, end)
        if i not in source.fenced and (heading := as_heading(lines[i], i))
    ]
    headings, repeated = choose_headings(candidates)
    preamble = lines[start + 1 : headings[0].line if headings else end]
    url, paper_id = _parse_link(preamble, start, title, source.path)
    _, read_from = _told(preamble, _READ_FROM) or (0, "")
    stops = [*(heading.line for heading in headings[1:]), end]
    sections = tuple(_section(lines, h, stop) for h, stop in zip(headings, stops, strict=False))
    problems.extend(_section_problems(paper_id, start + 1, sections))
    for heading in repeated:
        message = f"paper {paper_id} has a second heading {SECTION_LABELS[heading.key]}"
        problems.append(Problem(heading.line + 1, f"{message}; it is kept as text"))
    return Paper(paper_id, title, url, read_from, sections, LineSpan(start + 1, end))


def _parse_link(preamble: Sequence[str], start: int, title: str, path: str) -> tuple[str, str]:
    """The paper's URL and arXiv id, from its link line."""
    found = _told(preamble, _LINK)
    if found is None:
        cause = f"paper {quoted(title)} has no line '- **链接**: URL'; add it"
        raise ReportError(path, start + 1, cause)
    offset, url = found
    address = _ARXIV_URL.fullmatch(url)
    if not address:
        cause = f"the link {quoted(url)} does not end in an arXiv id such as 2602.10560"
        raise ReportError(path, start + 2 + offset, cause)
    return url, address["id"]


def _before_blank(lines: Sequence[str], start: int, end: int) -> int:
    while end - 1 > start and not lines[end - 1].strip():
        end -= 1
    return end


def _section(lines: Sequence[str], heading: Heading, stop: int) -> Section:
    """The section from its heading to the line before `stop`."""
    stop = _before_blank(lines, heading.line, stop)
    text = "\n".join([heading.rest, *lines[heading.line + 1 : stop]]).strip()
    return Section(heading.key, lines[heading.line].strip(), text, LineSpan(heading.line + 1, stop))


def _section_problems(paper_id: str, line: int, sections: Sequence[Section]) -> Iterator[Problem]:
    found = {section.key for section in sections}
    for key, label in SECTION_LABELS.items():
        if key not in found:
            yield Problem(line, f"paper {paper_id} has no section {label} ({key})")
    for section in sections:
        if not section.text:
            yield Problem(section.lines.first, f"section {paper_id}/{section.key} is empty")


SUFFIXES = {".txt", ".md"}


def report_files(path: Path) -> list[Path]:
    """The report files a path stands for: itself, or those in the folder and below, sorted.

    Beyond `MOST_REPORTS` and one no more are looked for.
    """
    if path.is_file():
        return [path]
    found = (
        file
        for file in path.rglob("*")
        if file.suffix in SUFFIXES and file.is_file() and not file.name.startswith(".")
    )
    return sorted(islice(found, MOST_REPORTS + 1))
