"""Days named in a question: "2月12日", "Feb 12", "昨天那期", "the latest issue", ranges.

Readers speak of days as of the newest report, so "today" is that report's day, and a day without a
year is the newest such day that has a report.
"""

import datetime as dt
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from chatbot.text.quantities import NUMERALS, number_of
from chatbot.understanding.models import DateRange

_CN = f"[{NUMERALS}]{{1,3}}"
_MONTHS = {
    name: i
    for i, name in enumerate(
        ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"], 1
    )
}
_MONTH = (
    r"(?P<name>jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|"
    r"sept?(?:ember)?|oct(?:ober)?|nov(?:ember)?|dec(?:ember)?)\.?"
)
_ISSUE = r"(?:[期份批天]|日报|的?报告)"
_DAY = re.compile(
    r"(?P<y1>\d{4})\s*[-/.年]\s*(?P<m1>\d{1,2})\s*[-/.月]\s*(?P<d1>\d{1,2})\s*[日号]?(?!\d)"
    rf"|(?:(?P<y2>\d{{4}})\s*年\s*)?(?P<m2>\d{{1,2}}|{_CN})\s*月\s*(?P<d2>\d{{1,2}}|{_CN})\s*[日号]?"
    r"|(?<!\d)(?P<y7>20\d{2})(?P<m7>[01]\d)(?P<d7>[0-3]\d)(?!\d)"
    r"|(?<![A-Za-z\d/.-])(?P<m3>\d{1,2})(?:/|-(?=\d{1,2}\s*[那这的日期号]))(?P<d3>\d{1,2})"
    r"(?![A-Za-z\d/.%-])"
    rf"|\b{_MONTH}\s+(?P<d4>\d{{1,2}})(?:st|nd|rd|th)?(?:\s*,?\s*(?P<y4>\d{{4}}))?(?![\d.%])"
    rf"|\b(?P<d5>\d{{1,2}})(?:st|nd|rd|th)?\s+(?:of\s+)?{_MONTH.replace('name', 'name5')}"
    r"(?:\s*,?\s*(?P<y5>\d{4}))?\b"
    rf"|(?<![\d月])(?P<d6>\d{{1,2}})\s*[日号](?=(?:的|那|这)?(?:{_ISSUE}|一期|有))",
    re.IGNORECASE,
)
_WHOLE_MONTH = re.compile(
    rf"(?:(?P<y>\d{{4}})\s*年\s*)?(?<!\d)(?P<m>\d{{1,2}}|{_CN})\s*月(?:份|里|的|整月|有|，|,|$)"
    rf"|\b(?:in|during|of)\s+{_MONTH}(?:\s+(?P<y2>\d{{4}}))?(?!\s*\d)\b",
    re.IGNORECASE,
)
_JOINS = re.compile(r"\s*(?:[到至~～—–-]|\.\.+|to|through|until|till|and|和)\s*", re.IGNORECASE)
_COUNT = rf"(?P<n>\d{{1,2}}|{_CN}|two|three|four|five|seven)"


@dataclass(frozen=True, slots=True)
class DateMention:
    """Days that a question names, and the words that name them."""

    span: DateRange
    start: int
    end: int


def find_dates(text: str, reports: Sequence[dt.date]) -> tuple[DateMention, ...]:
    """The days a text names, in its order; `reports` are the days that have one, oldest first.

    Nothing is found where there is no report to be relative to.
    """
    if not reports:
        return ()
    found = _merged(list(_days(text, reports)), text)
    taken = bytearray(len(text))
    for mention in found:
        taken[mention.start : mention.end] = b"\1" * (mention.end - mention.start)
    for mention in [*_relative(text, reports), *_months(text, reports)]:
        if taken.find(1, mention.start, mention.end) < 0:
            found.append(mention)
            taken[mention.start : mention.end] = b"\1" * (mention.end - mention.start)
    if not found and (issue := _THIS_ISSUE.search(text)):
        newest = DateRange(reports[-1], reports[-1])
        found.append(DateMention(newest, issue.start(), issue.end()))
    return tuple(sorted(found, key=lambda mention: mention.start))


def _days(text: str, reports: Sequence[dt.date]) -> Iterator[DateMention]:
    for match in _DAY.finditer(text):
        part = {name: value for name, value in match.groupdict().items() if value}
        year = next((int(part[k]) for k in part if k.startswith("y")), None)
        day = next(number_of(part[k]) or 0 for k in part if k.startswith("d"))
        named = part.get("name") or part.get("name5")
        digits = next((part[k] for k in part if k.startswith("m")), None)
        month = _MONTHS[named[:3].lower()] if named else number_of(digits) if digits else None
        found = _newest(year, month, day, reports)
        if found and ("m3" not in part or found in reports):  # "2/3" may be a share
            yield DateMention(DateRange(found, found), match.start(), match.end())


def _newest(
    year: int | None, month: int | None, day: int, reports: Sequence[dt.date]
) -> dt.date | None:
    """The newest such day that has a report; if none has, the one of the newest report's year."""
    for known in reversed(reports):
        if known.day == day and month in {None, known.month} and year in {None, known.year}:
            return known
    try:
        return dt.date(year or reports[-1].year, month or reports[-1].month, day)
    except ValueError:
        return None


def _merged(days: list[DateMention], text: str) -> list[DateMention]:
    """Two days with "to" between them are the days from one to the other."""
    merged: list[DateMention] = []
    for mention in days:
        last = merged[-1] if merged else None
        between = text[last.end : mention.start] if last else ""
        joined = _JOINS.fullmatch(between) and between.strip() not in {"和", "and"}
        if last and joined and last.span.first <= mention.span.last:
            span = DateRange(last.span.first, mention.span.last)
            merged[-1] = DateMention(span, last.start, mention.end)
        else:
            merged.append(mention)
    return merged


def _months(text: str, reports: Sequence[dt.date]) -> Iterator[DateMention]:
    for match in _WHOLE_MONTH.finditer(text):
        name = match["name"]
        month = _MONTHS[name[:3].lower()] if name else number_of(match["m"]) or 0
        if not 1 <= month <= 12:  # noqa: PLR2004 - the months of a year
            continue
        given = match["y"] or match["y2"]
        years = [day.year for day in reports if day.month == month]
        year = int(given) if given else max(years, default=reports[-1].year)
        if not dt.MINYEAR <= year < dt.MAXYEAR:
            continue
        span = DateRange(*_month_of(dt.date(year, month, 1)))
        yield DateMention(span, match.start(), match.end())


def _relative(text: str, reports: Sequence[dt.date]) -> Iterator[DateMention]:
    for pattern, unit, back in _RELATIVE:
        for match in pattern.finditer(text):
            count = max(1, number_of(match["n"]) or 0) if "n" in match.re.groupindex else back
            if days := _counted(unit, count, reports):
                yield DateMention(DateRange(*days), match.start(), match.end())


def _counted(unit: str, count: int, reports: Sequence[dt.date]) -> tuple[dt.date, dt.date] | None:
    """The span that lies so many units back from the newest report, or that many reach back."""
    newest, day = reports[-1], dt.timedelta(days=1)
    match unit:
        case "days":
            first, last = newest - (count - 1) * day, newest
        case "issues":
            first, last = reports[-min(len(reports), count)], newest
        case "first":
            first = last = reports[0]
        case "week":
            first = newest - (newest.weekday() + 7 * count) * day
            last = first + 6 * day
        case "month":
            first, last = _month_of((newest.replace(day=1) - count * day).replace(day=1))
        case "day" if count != 1 or newest - day in reports:
            first = last = newest - count * day
        case _ if len(reports) > count:  # "yesterday" too, where that day has no report
            first = last = reports[-1 - count]
        case _:
            return None
    return first, last


def _month_of(first: dt.date) -> tuple[dt.date, dt.date]:
    return first, (first + dt.timedelta(days=31)).replace(day=1) - dt.timedelta(days=1)


# Words, the unit they count in, and how many of it they go back where they do not say.
_RELATIVE = tuple(
    (re.compile(pattern, re.IGNORECASE), unit, back)
    for pattern, unit, back in (
        (rf"(?:最?近|过去)的?\s*{_COUNT}\s*[天日]", "days", 0),
        (rf"\b(?:last|past)\s+{_COUNT}\s+days\b", "days", 0),
        (rf"最?[近新]的?\s*{_COUNT}\s*[期份]", "issues", 0),
        (rf"\b(?:last|latest|past)\s+{_COUNT}\s+(?:issues|reports)\b", "issues", 0),
        (r"(?:上上|再上一|前前)一?[期份]", "issue", 2),
        (r"(?<!上)(?:上一?|前一)[期份](?:日?报告?)?", "issue", 1),
        (r"\b(?:previous|last|prior) (?:issue|report)\b", "issue", 1),
        (r"(?:最早的?[一那]?|第一)[期份]", "first", 0),
        (r"\b(?:first|earliest|oldest) (?:issue|report)\b", "first", 0),
        (r"最新的?(?:[一这那]?[期份天批](?:日?报告?)?|日?报告?)", "issue", 0),
        (r"最近的?[一这那][期份天批]|今[天日]", "issue", 0),
        (r"\b(?:latest|newest|most recent) (?:issue|report)\b", "issue", 0),
        (r"\btoday(?:'s (?:issue|report|papers)\b|\b(?=\W*$))", "issue", 0),
        (r"昨[天日]|\byesterday(?:'s)?\b", "day", 1),
        (r"前[天日]", "day", 2),
        (r"上个?(?:周|星期|礼拜)|\blast week\b", "week", 1),
        (r"[这本]个?(?:周|星期|礼拜)|\bthis week\b", "week", 0),
        (r"上个?月|\blast month\b", "month", 1),
        (r"[这本]个?月|\bthis month\b", "month", 0),
    )
)
# "This issue": the one spoken of; the newest where no other was named.
_THIS_ISSUE = re.compile(
    r"[这那]一?[期份]|[本当]期|\b(?:this|the current) (?:issue|report)\b", re.IGNORECASE
)
