"""The evals tab in Chromium, over runs that ``chatbot eval`` made."""

import json
import os
import re
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from chatbot.bot import Chatbot
from chatbot.cli.commands import main
from chatbot.config import Settings
from chatbot.web.eval_runs import Item, Metric, Suite, Wanted, failing_items
from tests.web.conftest import OpenPage, serving

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def home(seed_settings: Settings, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder in which the command has measured a few questions, twice."""
    folder = tmp_path_factory.mktemp("evals") / "data"
    shutil.copytree(seed_settings.data_dir, folder)
    for name, suites in (("older", ["conversation"]), ("newer", ["abstention", "comparison"])):
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("CHATBOT_DATA_DIR", str(folder))
            patch.setattr(sys, "argv", ["chatbot", "eval", *suites, "--limit", "3", "--run", name])
            with pytest.raises(SystemExit):
                main()
    os.utime(folder / "evals" / "older" / "report.json", (1, 1))
    return folder


@pytest.fixture(scope="module")
def evals_url(home: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    bot = Chatbot(Settings(CHATBOT_DATA_DIR=home), None)
    with serving(bot, tmp_path_factory.mktemp("conversations")) as url:
        yield url


@pytest.fixture
def evals(open_page: OpenPage, evals_url: str) -> Iterator[Page]:
    with open_page(evals_url) as page:
        yield opened(page)


def opened(page: Page) -> Page:
    """The page at its evals tab."""
    tab = page.locator("#tabs").get_by_role("tab").nth(4)
    if tab.count() and tab.is_visible():
        tab.click()
    else:
        page.locator("#tabs .overflow-menu > button").click()
        page.locator("#tabs .overflow-dropdown button").last.click()
    expect(page.locator(".eval-suite, .eval-notice").first).to_be_visible()
    return page


def pick(page: Page, dropdown: str, choice: str) -> None:
    page.locator(f"{dropdown} input").click()
    page.get_by_role("option", name=choice).click()


def report_of(home: Path, run: str) -> Any:
    return json.loads((home / "evals" / run / "report.json").read_text(encoding="utf-8"))


def test_without_a_run_the_tab_says_how_to_make_one(page: Page) -> None:
    opened(page)
    expect(page.locator(".eval-notice")).to_contain_text("请在终端运行 chatbot eval")
    expect(page.locator("#eval-items")).to_be_hidden()


def test_the_newest_run_is_shown_with_its_intervals_and_gates(evals: Page, home: Path) -> None:
    figures = evals.locator("#eval-figures")
    expect(figures.locator("h3")).to_have_text(["拒答", "对比"])
    expect(figures.locator(".eval-facts")).to_contain_text("原文摘录")
    expect(figures).to_contain_text("每组只取 3 题")
    report = report_of(home, "newer")
    metric = next(m for m in report["suites"][0]["metrics"] if m["name"] == "refused")
    row = figures.locator("tr", has=evals.locator("th", has_text="应拒已拒")).first
    expect(row.locator("b")).to_have_text(f"{metric['mean']:.2f}")
    expect(row).to_contain_text(f"[{metric['low']:.2f}, {metric['high']:.2f}]")
    passed = report["gates"]["passed"]
    expect(figures.locator(".eval-gates")).to_contain_text("通过" if passed else "未过门槛")
    figures.locator("summary").first.click()
    expect(figures.locator(".eval-types th", has_text="无答案").first).to_be_visible()


def test_another_run_can_be_picked(evals: Page) -> None:
    pick(evals, "#eval-run", "older")
    expect(evals.locator("#eval-figures h3")).to_have_text(["追问"])


def test_a_question_that_fell_short_opens_to_its_answer_and_sources(
    open_page: OpenPage, evals_url: str, home: Path
) -> None:
    items = report_of(home, "newer")["suites"][1]["items"]
    with open_page(evals_url, locale="en-US") as page:
        opened(page)
        pick(page, "#eval-suite", "comparison")
        pick(page, "#eval-short_of", "any")
        short = [i for i in items if min(i["values"].values()) < 1]
        expect(page.locator(".eval-item")).to_have_count(len(short))
        pick(page, "#eval-suite", "abstention")
        pick(page, "#eval-type", "unanswerable")
        first = page.locator(".eval-item").first
        first.locator("summary").click()
        expect(first.get_by_role("heading", name="Answer")).to_be_visible()
        expect(first.locator('a[href^="#paper/"]').first).to_be_visible()


def test_questions_that_are_wrong_come_before_those_answered_at_too_great_length() -> None:
    wordy, wrong = {"brevity": 0.1, "key facts": 1.0}, {"brevity": 1.0, "key facts": 0.5}
    suite = Suite(
        name="answers",
        n=4,
        metrics=tuple(Metric(name=name, mean=0.5, low=0, high=1, n=4) for name in wordy),
        items=(
            Item(unit="wordy", status="ok", question="?", values=wordy),
            Item(unit="wrong", status="ok", question="?", values=wrong),
            Item(unit="both", status="ok", question="?", values={**wordy, **wrong, "brevity": 0.1}),
            Item(unit="broken", status="error", question="?"),
        ),
    )
    found = [item.unit for item, _ in failing_items(suite, Wanted())]
    assert found == ["wrong", "both", "broken", "wordy"]


def test_a_damaged_report_is_said_to_be_damaged_and_the_others_stay(
    evals: Page, home: Path
) -> None:
    broken = home / "evals" / "broken"
    broken.mkdir()
    (broken / "report.json").write_text('{"run": {"id": ', encoding="utf-8")
    evals.click("#eval-refresh")
    notice = evals.locator(".eval-notice")
    expect(notice).to_contain_text("report.json is damaged")
    expect(notice).to_contain_text("--run broken --stage report")
    expect(evals.locator("#eval-items")).to_be_hidden()
    pick(evals, "#eval-run", "newer")
    expect(evals.locator("#eval-figures h3")).to_have_text(["拒答", "对比"])
    shutil.rmtree(broken)
    evals.click("#eval-refresh")
    expect(evals.locator("#eval-run input")).to_have_value(re.compile("newer"))


@pytest.mark.parametrize("dark", [False, True])
def test_it_fits_a_phone_and_can_be_read_aloud(
    open_page: OpenPage, evals_url: str, dark: bool
) -> None:
    with open_page(evals_url, width=390, locale="en-US", dark=dark) as page:
        opened(page)
        page.locator(".eval-types summary").first.click()
        page.locator(".eval-item summary").first.click()
        assert page.evaluate("document.documentElement.scrollWidth") == 390
        for part in ("#eval-figures", "#eval-list"):
            found = Axe().run(page, context=part).response["violations"]
            assert [v["id"] for v in found if v["impact"] in {"serious", "critical"}] == []
