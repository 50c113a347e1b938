"""Report text to typed `Report`, `Paper` and `Section`; which lines head the five sections."""

import datetime as dt
import re
import tomllib
from bisect import bisect
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache
from itertools import islice, pairwise
from operator import itemgetter
from pathlib import Path
from typing import Literal, get_args

from chatbot.errors import ReportError, quoted
from chatbot.guardrails.limits import LARGEST_REPORT, MOST_REPORTS, read_report_bytes
from chatbot.text.quantities import number_of
from chatbot.text.terms import bigrams, normalise, share

SectionKey = Literal["field", "contribution", "usage", "innovations", "results"]
SECTION_KEYS: tuple[SectionKey, ...] = get_args(SectionKey)
_LABELS = tomllib.loads(Path(__file__).with_name("labels.toml").read_text(encoding="utf-8"))
SECTION_LABELS: dict[SectionKey, str] = {key: _LABELS[key][0] for key in SECTION_KEYS}
# What stands before a heading's label, the label with its glosses, and what follows.
_HEADING = re.compile(
    r"(?P<bullet> {0,3}[-*+•][ \t]+)? {0,3}(?P<hashes>#{1,6}[ \t]+)?(?P<outer>\*\*)?"
    r"(?:[（(]?(?P<number>[0-9０-９]{1,3}|[一二三四五])[ \t]*[.．、)）][ \t]*)?(?P<inner>\*\*)?"
    r"(?P<label>(?:[（(][^()（）]{0,80}[)）]|[^*:：()（）]){1,60})"
    r"(?:(?P<colon>[:：])[ \t]*)?(?P<closing>\*\*)?[ \t]*(?P<late_colon>[:：])?(?P<rest>.*)"
)
_GLOSS = re.compile(r"[（(][^()（）]*[)）]")
_QUALIFIER = re.compile(_LABELS["qualifiers"])
# From what likeness on a heading opens its section; and one alone on a line with its number.
_LIKE, _NEAR = 0.65, 0.3


def _parts(label: str) -> Counter[str]:
    """What labels are compared by: words and pairs of signs, less qualifiers."""
    return Counter(bigrams(_QUALIFIER.sub(" ", normalise(label))))


_PARTS = {key: {part for label in _LABELS[key] for part in _parts(label)} for key in SECTION_KEYS}


@lru_cache(maxsize=1024)
def nearest_section(label: str) -> tuple[SectionKey, float]:
    """The section whose labels this is like, and how much more than any other's, 0 to 1; ours 2."""
    parts = _parts(bare := _GLOSS.sub(" ", label).strip())
    likeness = sorted((share(parts, known), key) for key, known in _PARTS.items())
    (second, _), (best, key) = likeness[-2:]
    return key, best - second + (bare == SECTION_LABELS[key])


@dataclass(frozen=True, slots=True)
class Heading:
    """A line (0-based) written as headings are, how, and the text after it.

    `key` is the section its label is like or, where it is like none, that of its number; `opens`
    says whether it may open that section. `style` is its bullet or heading level, whether it is
    bold before and after the number, and whether there is one.
    """

    line: int
    label: str
    key: SectionKey
    likeness: float
    numbered_right: bool
    opens: bool
    style: tuple[str, bool, bool, bool]
    rest: str


def as_heading(line: str, i: int) -> Heading | None:
    """What line `i` is as a heading: marked as one, and nothing but text after a colon."""
    match = _HEADING.fullmatch(line)
    if not match or not (match["hashes"] or match["number"] or match["outer"] or match["inner"]):
        return None
    bold = bool(match["outer"] or match["inner"])
    rest = "" if match["hashes"] and not match["rest"].strip("# \t") else match["rest"]
    separated = match["colon"] or match["late_colon"] or (bold and rest[:1].isspace())
    if (bold and not match["closing"]) or (rest.strip() and not separated):
        return None
    key, likeness = nearest_section(label := match["label"].strip("# \t"))
    if likeness < _NEAR and not (match["hashes"] or match["number"]):
        return None
    number = number_of(match["number"] or "") or 0
    if likeness < _NEAR and 0 < number <= len(SECTION_KEYS):
        key = SECTION_KEYS[number - 1]
    right = number == SECTION_KEYS.index(key) + 1
    opens = likeness >= (_NEAR if right and not rest.strip() else _LIKE)
    level = (match["bullet"] or "").rstrip() + (match["hashes"] or "").strip()
    style = (level, bool(match["outer"]), bool(match["inner"]), bool(match["number"]))
    return Heading(i, label, key, likeness, right, opens, style, rest)


def choose_headings(candidates: Sequence[Heading]) -> tuple[Heading, ...]:
    """The heaviest chain of candidates in canonical key order, earliest where equal.

    A candidate weighs more in the style most keys of the paper share, with its own number, and the
    more its label is ours, so an item such as ``2. **使用指南**：…`` inside another section does
    not win over, or stand in for, a real heading. In another style only one without a bullet
    counts, alone on its line or with our own label.
    """
    keys_by_style = Counter(style for style, _ in {(c.style, c.key) for c in candidates})
    most = max(keys_by_style.values(), default=0)
    merit = itemgetter(0, 1)
    # What headings in canonical order weigh together, where (negative) the last stands, and they.
    best: list[tuple[float, int, tuple[Heading, ...]]] = [(0, 0, ())] * (len(SECTION_KEYS) + 1)
    for candidate in candidates:
        order, common = SECTION_KEYS.index(candidate.key), keys_by_style[candidate.style] == most
        alone = not candidate.rest.strip() or candidate.likeness > 1
        if not ((common and most > 1) or (alone and not candidate.style[0].strip("#"))):
            continue
        weight, _, before = max(best[: order + 1], key=merit)
        weight += 4 + 2 * common + candidate.numbered_right + candidate.likeness
        longer = (weight, -candidate.line, (*before, candidate))
        best[order + 1] = max(best[order + 1], longer, key=merit)
    return max(best, key=merit)[2]


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
    """Something a reader of the report should know.

    The report is usable all the same; where it is `fatal`, less the paper it is about.
    """

    line: int
    message: str
    fatal: bool = False


@dataclass(frozen=True, slots=True)
class Report:
    """One daily report."""

    path: str
    date: dt.date
    source_url: str
    papers: tuple[Paper, ...]
    problems: tuple[Problem, ...]


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
        ReportError: too large, not UTF-8, empty, without a date or a paper with sections, or a
            paper has no arXiv link.
    """
    if len(data) > LARGEST_REPORT:
        most = f"{LARGEST_REPORT // 2**20} MB"
        raise ReportError(path, 1, f"the file is larger than {most}, the most; cut it by day")
    lines = _decode(data, path).split("\n")
    unfenced = _unfenced(lines)
    starts = [i for i, line in enumerate(unfenced) if line and _opens_paper(lines, i)]
    if not any(line.strip() for line in lines):
        cause = "the file is empty; a report starts with '# Hugging Face Daily Papers Report'"
        raise ReportError(path, 1, cause)
    date, source_url = _parse_header(lines[: starts[0]] if starts else lines, path)
    if not starts:
        cause = "no paper found; each paper starts with a line '## 📄 TITLE'"
        raise ReportError(path, len(lines), cause)
    problems: list[Problem] = []
    papers: dict[str, Paper] = {}
    for start, end in pairwise([*starts, len(lines)]):
        paper = _parse_paper(path, lines, unfenced, range(start, end), problems)
        if paper and paper.id in papers:
            first = papers[paper.id].lines.first
            cause = f"paper {paper.id} appears twice, first on line {first}; remove one"
            raise ReportError(path, start + 1, cause)
        if paper:
            papers[paper.id] = paper
    if not papers:
        raise ReportError(path, problems[0].line, problems[0].message)
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


def _unfenced(lines: Sequence[str]) -> list[str]:
    """The lines, those in closed code fences blank; one open at a separator is taken for text."""
    unfenced = list(lines)
    opened: tuple[int, str] | None = None
    for i, line in enumerate(lines):
        match = _FENCE.fullmatch(line)
        if opened is None:
            if match and "`" not in match["info"]:
                opened = (i, match["mark"])
        elif _SEPARATOR.fullmatch(line):
            opened = None
        elif match and not match["info"].strip() and match["mark"].startswith(opened[1]):
            unfenced[opened[0] : i + 1] = [""] * (i + 1 - opened[0])
            opened = None
    return unfenced


def _opens_paper(lines: Sequence[str], i: int) -> bool:
    """Whether line `i` opens a paper: it looks so, after a separator or before a link."""
    if not _PAPER.fullmatch(lines[i]):
        return False
    before = next((line for line in reversed(lines[max(0, i - 5) : i]) if line.strip()), "")
    after = next((line for line in lines[i + 1 : i + 6] if line.strip()), "")
    return bool(_SEPARATOR.fullmatch(before) or _LINK.fullmatch(after.strip()))


def _parse_paper(
    path: str, lines: Sequence[str], unfenced: Sequence[str], span: range, problems: list[Problem]
) -> Paper | None:
    """The paper on some lines, where any of its text is in a section beside its field."""
    start, opening = span.start, _PAPER.fullmatch(lines[span.start])
    title = opening["title"].strip() if opening else ""
    end = _before_blank(lines, start, span.stop)
    if end - 1 > start and _SEPARATOR.fullmatch(lines[end - 1]):
        end = _before_blank(lines, start, end - 1)
    found = [h for i in range(start + 1, end) if (h := as_heading(unfenced[i], i))]
    headings = choose_headings([h for h in found if h.opens])
    preamble = lines[start + 1 : headings[0].line if headings else end]
    url, paper_id = _parse_link(preamble, start, title, path)
    if {heading.key for heading in headings} <= {"field"}:
        held = f"no section but {SECTION_LABELS['field']}" if headings else "no section"
        cause = f"paper {paper_id} has {held}; head the others as in '### 2. 一句话核心贡献'"
        problems.append(Problem(start + 1, cause, fatal=True))
        return None
    _, read_from = _told(preamble, _READ_FROM) or (0, "")
    stops = [*(heading.line for heading in headings[1:]), end]
    sections = tuple(_section(lines, h, stop) for h, stop in zip(headings, stops, strict=True))
    problems.extend(_section_problems(paper_id, start + 1, sections))
    problems.extend(islice(_passed_over(paper_id, found, headings), len(SECTION_KEYS)))
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


def _passed_over(
    paper_id: str, headings: Iterable[Heading], chosen: Sequence[Heading]
) -> Iterator[Problem]:
    """What stands where the chosen headings stand, looks like one, and was taken for text."""
    lines, orders = [h.line for h in chosen], [SECTION_KEYS.index(h.key) for h in chosen]
    names = ["no section", *(SECTION_LABELS[h.key] for h in chosen)]
    styles = {h.style for h in chosen}
    levels = {level for level, *_ in styles if level.startswith("#")}
    for h in headings:
        order, before = SECTION_KEYS.index(h.key), bisect(lines, h.line)
        levelled = h.style[0] in levels
        missing = order not in orders and before == bisect(orders, order)
        near = h.likeness >= _NEAR or (h.numbered_right and missing)
        told = (levelled and before) or (near and (h.numbered_right or not h.style[3]))
        if told and h.line not in lines and (levelled or h.style in styles):
            label = SECTION_LABELS[h.key] if near else "none of the five"
            second = h.opens and order in orders
            what = "second heading" if second else f"heading {quoted(h.label)} near"
            where = f"{label}; its text is in {names[before]}"
            yield Problem(h.line + 1, f"paper {paper_id} has a {what} {where}")


SUFFIXES = (".txt", ".md", ".markdown")


def report_files(path: Path) -> list[Path]:
    """The report files a path stands for: itself, or those in the folder and below, sorted.

    Beyond `MOST_REPORTS` and one no more are looked for.
    """
    if path.is_file():
        return [path]
    shown = path.rglob("[!.]*")
    found = (file for file in shown if file.suffix.lower() in SUFFIXES and file.is_file())
    return sorted(islice(found, MOST_REPORTS + 1))
