"""The evals tab in Chromium, over runs that ``chatbot eval`` made."""

import os
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import FrameLocator, Locator, Page, expect

from chatbot.bot import Chatbot
from chatbot.cli.commands import main
from chatbot.config import Settings
from chatbot.web.evals import known_runs, read_report
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
    expect(page.locator("#eval-report iframe, .eval-notice").first).to_be_visible()
    return page


def pick(page: Page, choice: str) -> None:
    page.locator("#eval-run input").click()
    page.get_by_role("option", name=choice).click()


def report(page: Page) -> FrameLocator:
    """The report as it stands in the page."""
    return page.frame_locator("#eval-report iframe")


def open_until_it_stays(page: Page, item: Locator) -> None:
    """Opens an item; gradio sets the frame in once more just after it was shown, closing it."""
    for _ in range(20):
        if item.get_attribute("open") is None:
            item.locator("summary").click()
        page.wait_for_timeout(300)
        if item.get_attribute("open") is not None:
            return


def test_without_a_run_the_tab_says_how_to_make_one(page: Page) -> None:
    opened(page)
    expect(page.locator(".eval-notice")).to_contain_text("请在终端运行 chatbot eval")
    expect(page.locator("#eval-download")).to_be_hidden()


def test_the_newest_run_is_shown_and_another_can_be_picked(evals: Page) -> None:
    expect(report(evals).locator("h1")).to_have_text("Eval report newer")
    expect(report(evals).locator("h2", has_text="Suite: abstention")).to_be_visible()
    pick(evals, "older")
    expect(report(evals).locator("h1")).to_have_text("Eval report older")
    expect(evals.locator("#eval-report iframe")).to_have_attribute("title", "评测报告 older")


def test_in_the_report_a_question_opens_and_a_link_leads_to_its_part(evals: Page) -> None:
    item = report(evals).locator("details").first
    open_until_it_stays(evals, item)
    expect(item.locator("dt", has_text="Expected answer")).to_be_visible()
    report(evals).locator('nav a[href$="#usage"]').click()
    expect(report(evals).locator("#usage")).to_be_in_viewport()
    expect(report(evals).locator("h1")).to_have_text("Eval report newer")
    link = report(evals).locator('a[href^="https://"]').first
    assert link.get_attribute("target") == "_blank"


def test_nothing_in_a_report_runs_or_reaches_the_page(evals: Page, home: Path) -> None:
    planted = home / "evals" / "planted"
    shutil.copytree(home / "evals" / "older", planted)
    script = "parent.document.title = 'taken'"
    (planted / "report.html").write_text(
        f'<h1>Planted</h1><script>{script}</script>"><i>{"&" * 3}</i>', encoding="utf-8"
    )
    evals.click("#eval-refresh")
    pick(evals, "planted")
    expect(report(evals).locator("h1")).to_have_text("Planted")
    expect(report(evals).locator("i")).to_have_text("&&&")
    sandbox = evals.locator("#eval-report iframe").get_attribute("sandbox") or ""
    assert {"allow-scripts", "allow-same-origin", "allow-forms"}.isdisjoint(sandbox.split())
    assert "taken" not in evals.title()
    shutil.rmtree(planted)


def test_a_run_without_a_report_is_told_in_a_line_and_the_others_stay(
    evals: Page, home: Path
) -> None:
    early = home / "evals" / "early"
    early.mkdir()
    (early / "report.json").write_text("{}", encoding="utf-8")
    evals.click("#eval-refresh")
    notice = evals.locator(".eval-notice")
    expect(notice).to_contain_text("chatbot eval --run early --stage report")
    expect(notice).not_to_contain_text(str(home))
    expect(evals.locator("#eval-download")).to_be_hidden()
    pick(evals, "newer")
    expect(report(evals).locator("h1")).to_have_text("Eval report newer")
    shutil.rmtree(early)


@pytest.mark.parametrize("name", ["..", "../..", "newer/..", "/etc", "", None])
def test_only_what_a_run_wrote_is_read(home: Path, name: str | None) -> None:
    (home / "report.html").write_text("beside the runs", encoding="utf-8")
    assert read_report(home, name) is None
    assert list(known_runs(home)) == ["newer", "older"]


def test_the_report_can_be_saved_as_it_was_written(evals: Page, home: Path) -> None:
    expect(evals.locator("#eval-download")).to_be_visible()
    with evals.expect_download() as saving:
        evals.click("#eval-download")
    assert saving.value.suggested_filename == "newer.html"
    written = (home / "evals" / "newer" / "report.html").read_bytes()
    assert saving.value.path().read_bytes() == written


@pytest.mark.parametrize("dark", [False, True])
def test_it_fits_a_phone_and_can_be_read_aloud(
    open_page: OpenPage, evals_url: str, dark: bool
) -> None:
    with open_page(evals_url, width=390, locale="en-US", dark=dark) as page:
        opened(page)
        expect(report(page).locator("h1")).to_be_visible()
        assert page.evaluate("document.documentElement.scrollWidth") == 390
        frame = page.frames[-1]
        assert frame.evaluate("document.documentElement.scrollWidth <= innerWidth")
        shade = frame.evaluate("getComputedStyle(document.body).backgroundColor")
        assert shade == ("rgb(15, 20, 25)" if dark else "rgb(255, 255, 255)")
        found = Axe().run(page, context="#evals").response["violations"]
        assert [v["id"] for v in found if v["impact"] in {"serious", "critical"}] == []
