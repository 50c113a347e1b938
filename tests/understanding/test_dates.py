"""Days in the words of readers, relative to the newest report."""

import datetime as dt
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatbot.understanding.dates import find_dates

REPORTS = tuple(
    map(
        dt.date.fromisoformat,
        ["2025-12-30", "2026-01-12", "2026-02-06", "2026-02-11", "2026-02-12"],
    )
)


def spans(text: str, reports: tuple[dt.date, ...] = REPORTS) -> list[str]:
    found = [mention.span for mention in find_dates(text, reports)]
    return [str(s.first) if s.first == s.last else f"{s.first}..{s.last}" for s in found]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-02-12 的报告", "2026-02-12"),
        ("2026/2/6 那期", "2026-02-06"),
        ("2026.02.11", "2026-02-11"),
        ("20260212 那份", "2026-02-12"),
        ("2026年2月12日有哪些", "2026-02-12"),
        ("2月12日有哪些", "2026-02-12"),
        ("2月12号那批", "2026-02-12"),
        ("二月十二号那份日报", "2026-02-12"),
        ("12月30日的", "2025-12-30"),
        ("2/11那天", "2026-02-11"),
        ("2-11 那期", "2026-02-11"),
        ("12号那期", "2026-02-12"),
        ("Feb 12 papers", "2026-02-12"),
        ("February 12th, 2026", "2026-02-12"),
        ("on 12 February", "2026-02-12"),
        ("the 6th of Feb", "2026-02-06"),
        ("最新一期有什么", "2026-02-12"),
        ("今天有什么值得看", "2026-02-12"),
        ("the latest issue", "2026-02-12"),
        ("what's new today?", "2026-02-12"),
        ("昨天那期", "2026-02-11"),
        ("yesterday's papers", "2026-02-11"),
        ("前天的", "2026-02-10"),
        ("上一期讲了什么", "2026-02-11"),
        ("the previous issue", "2026-02-11"),
        ("上上期", "2026-02-06"),
        ("最早一期", "2025-12-30"),
        ("the first report", "2025-12-30"),
        ("这期有几篇", "2026-02-12"),
        ("这周的论文", "2026-02-09..2026-02-15"),
        ("this week", "2026-02-09..2026-02-15"),
        ("上周", "2026-02-02..2026-02-08"),
        ("这个月", "2026-02-01..2026-02-28"),
        ("上个月", "2026-01-01..2026-01-31"),
        ("2月份有哪些", "2026-02-01..2026-02-28"),
        ("in January", "2026-01-01..2026-01-31"),
        ("最近三天", "2026-02-10..2026-02-12"),
        ("last 7 days", "2026-02-06..2026-02-12"),
        ("最近两期", "2026-02-11..2026-02-12"),
        ("the last three reports", "2026-02-06..2026-02-12"),
        ("从2月6日到2月12日", "2026-02-06..2026-02-12"),
        ("2026-02-06..2026-02-11", "2026-02-06..2026-02-11"),
        ("from Feb 6 to Feb 12", "2026-02-06..2026-02-12"),
        ("3月2日有什么", "2026-03-02"),
    ],
)
def test_a_day_is_understood_in_every_form(text: str, expected: str) -> None:
    assert spans(text) == [expected]


@pytest.mark.parametrize(
    "text",
    [
        "提升 2.4%",
        "1.5B 参数",
        "降到 2/3",
        "AIME 2024",
        "第三天",
        "最新的方法",
        "how do today's models do it",
        "1/2 张卡",
        "2-11 层",
    ],
)
def test_other_numbers_and_words_are_no_days(text: str) -> None:
    assert spans(text) == []


def test_two_days_are_two_days() -> None:
    assert spans("2月6日和2月12日的论文") == ["2026-02-06", "2026-02-12"]


def test_this_issue_beside_a_day_is_that_day() -> None:
    assert spans("2026-02-06 这期") == ["2026-02-06"]


def test_yesterday_without_a_report_is_the_report_before() -> None:
    assert spans("昨天那期", REPORTS[:3]) == ["2026-01-12"]


def test_a_single_report_has_none_before_it() -> None:
    assert spans("上一期", REPORTS[:1]) == spans("上上期", REPORTS[:1]) == []


def test_without_reports_there_is_nothing_to_be_relative_to() -> None:
    assert spans("昨天", ()) == []


def test_a_day_that_no_calendar_has_is_no_day() -> None:
    assert spans("2月31日") == []


@pytest.mark.parametrize("text", ["近0天", "最近0期", "last 0 days", "latest 0 issues"])
def test_none_of_the_last_days_or_issues_is_the_newest(text: str) -> None:
    assert spans(text) == [str(REPORTS[-1])]


@given(st.text(alphabet="12年月日号/-.今昨天上周最近两期 Febto到第0", max_size=40))
def test_whatever_is_written_the_days_are_in_order_and_apart(text: str) -> None:
    mentions = find_dates(text, REPORTS)
    assert all(one.end <= two.start for one, two in pairwise(mentions))
    assert all(m.span.first <= m.span.last for m in mentions)
