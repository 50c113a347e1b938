"""The reports tab in Chromium: what is in the index, and adding to it."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from chatbot.bot import Chatbot
from chatbot.config import SEEDS, Settings
from chatbot.guardrails.limits import LARGEST_REPORT, MOST_UPLOADS
from chatbot.index.ingestion import ingest
from chatbot.web.frame import PerGeneration
from chatbot.web.uploads import known_reports
from tests.web.conftest import OpenPage, at_rest, serving
from tests.web.uploaded import paper, report

pytestmark = pytest.mark.browser

SEED = SEEDS / "000_a123f1b62403a6c8.txt"


@pytest.fixture
def bot(seed_settings: Settings, tmp_path: Path) -> Chatbot:
    """A chatbot over a copy of the shipped reports' index, which a test may change."""
    shutil.copytree(seed_settings.data_dir, tmp_path / "data")
    return Chatbot(Settings(CHATBOT_DATA_DIR=tmp_path / "data"), None)


@pytest.fixture
def own_url(bot: Chatbot, tmp_path: Path) -> Iterator[str]:
    with serving(bot, tmp_path / "conversations") as url:
        yield url


@pytest.fixture
def mine(tmp_path: Path) -> Path:
    return written(tmp_path / "mine.txt", report(paper(1, "提升 **3%**。"), paper(2, "提升 4%。")))


def written(path: Path, text: str) -> Path:
    path.write_text(text, encoding="utf-8")
    return path


def choose(page: Page, *files: Path) -> None:
    """Choose files on the reports tab, the fourth, which a phone may have put into a menu."""
    tab = page.locator("#tabs").get_by_role("tab").nth(3)
    if tab.count() and tab.is_visible():
        tab.click()
    else:
        page.locator("#tabs .overflow-menu > button").click()
        page.locator("#tabs .overflow-dropdown button").nth(-2).click()
    expect(page.locator("#report-list tbody tr").first).to_be_visible()
    page.set_input_files("#report-files input[type=file]", files)


def test_the_reports_are_listed_newest_first(page: Page) -> None:
    page.locator("#tabs").get_by_role("tab").nth(3).click()
    rows = page.locator("#report-list tbody tr")
    expect(rows).to_have_count(5)
    expect(rows.first).to_contain_text("2026-02-22")
    expect(rows.first).to_contain_text("004_36d8fe0d9ea06fe0.txt")
    expect(rows.first).to_contain_text("23")


def test_the_reports_are_read_once_for_each_generation(bot: Chatbot, mine: Path) -> None:
    indexed = PerGeneration(bot, known_reports)
    before = indexed.current()
    assert indexed.current() is before
    ingest(bot.settings, [mine])
    after = indexed.current()
    assert [report.name for report in after] == ["mine.txt", *(report.name for report in before)]
    assert indexed.current() is after


def test_what_a_title_has_of_markup_is_shown_from_the_preview_to_the_filter(
    open_page: OpenPage, own_url: str, tmp_path: Path
) -> None:
    title = "Quill `<img src=http://evil.example/a.png>` ![b](http://evil.example/b.png) \\(c"
    text = report(paper(1, "在 QuillBench 上提升 37.5%。"))
    named = text.replace("Quillnet 1: Learning to Quill", title)
    assert named != text
    with open_page(own_url) as page:
        choose(page, written(tmp_path / "new.txt", named))
        page.locator("#report-preview summary").first.click()
        expect(page.locator("#report-preview li").first).to_contain_text(title)
        page.click("#report-add")
        expect(page.locator(".report-added li").first).to_contain_text(title)
        page.locator(".report-added a.ask").click()
        chip = page.locator("#in-force a.chip")
        expect(chip).to_contain_text(title)
        expect(page.locator("#in-force img")).to_have_count(0)
        chip.click()
        expect(chip).to_have_count(0)


def test_a_link_with_a_broken_escape_does_nothing_worse_than_find_nothing(page: Page) -> None:
    page.locator("#tabs").get_by_role("tab").nth(2).click()
    link = page.locator("#browse-results a").first
    link.evaluate("link => link.setAttribute('href', '#paper/%E4%')")
    link.click()
    expect(page.locator("#browse-text .unknown")).to_contain_text("%E4%")


def test_a_report_is_previewed_then_added_and_can_be_asked(
    open_page: OpenPage, own_url: str, bot: Chatbot, tmp_path: Path
) -> None:
    known = SEED.read_text(encoding="utf-8").partition(f"{'=' * 60}\n")[2].split(f"\n{'=' * 60}\n")
    papers = [f"\n{'=' * 60}\n{known[0]}", f"\n{'=' * 60}\n{known[1]}补充一句。\n"]
    text = report(*papers, paper(1, "在 QuillBench 上提升 37.5%。", field=""))
    with open_page(own_url) as page:
        choose(page, written(tmp_path / "new.txt", text))
        preview = page.locator("#report-preview")
        expect(preview).to_contain_text("2026-03-01 · 3 篇论文")
        for shown in ("新论文 1", "别的日报里已有（两份都保留） 2"):
            expect(preview).to_contain_text(shown)
        expect(preview.locator(".problems")).to_contain_text("paper 2603.00001 has no section")
        expect(preview.locator(".problems b")).to_have_text(f"第 {line(text)} 行")
        assert len(bot.index.catalogue.papers) == 138
        page.click("#report-add")
        added = page.locator("#report-result")
        expect(added).to_contain_text("现有 139 篇论文")
        expect(added.locator('a[href="#paper/2603.00001"]')).to_contain_text("Quillnet 1")
        expect(added.locator('a[href="#ask/2603.00001"]')).to_have_text("提问")
        expect(page.locator("#report-list tbody tr")).to_have_count(6)
        expect(page.locator("#corpus")).to_contain_text("139 篇论文，6 期日报")
        expect(page.locator("#report-add")).to_be_hidden()
    assert "37.5%" in bot.answer("Quillnet-1 在 QuillBench 上提升了多少？").markdown


def line(text: str) -> int:
    """The line the last paper begins on."""
    return text[: text.rindex("## 📄")].count("\n") + 1


def test_a_file_that_is_no_report_is_refused_by_line_and_nothing_is_added(
    open_page: OpenPage, own_url: str, mine: Path, tmp_path: Path
) -> None:
    bad = written(tmp_path / "bad.md", "# x\n**Date**: 2026-99-01\n")
    with open_page(own_url, locale="en-US") as page:
        choose(page, mine, bad, written(tmp_path / "some.pdf", "x"))
        error = page.get_by_role("alert")
        expect(error).to_contain_text("nothing was added")
        expect(error).to_contain_text("bad.md · line 2")
        expect(error).to_contain_text("write '**Date**: YYYY-MM-DD' at the top")
        expect(error).not_to_contain_text("some.pdf")
        expect(page.locator("#report-add")).to_be_hidden()


def test_what_is_in_the_index_already_is_not_added_again(page: Page) -> None:
    choose(page, SEED)
    expect(page.locator("#report-preview")).to_contain_text(f"内容与已有的 {SEED.name} 相同")
    expect(page.locator("#report-preview")).to_contain_text("没有需要收录的内容")
    expect(page.locator("#report-add")).to_be_hidden()


def test_too_many_files_are_refused(page: Page, tmp_path: Path) -> None:
    many = [written(tmp_path / f"{n}.txt", f"{n}") for n in range(MOST_UPLOADS + 1)]
    choose(page, *many)
    expect(page.get_by_role("alert")).to_contain_text("一次最多 20 个文件，这里有 21 个")


def test_a_file_that_is_too_large_is_refused(page: Page, tmp_path: Path) -> None:
    large = tmp_path / "large.txt"
    large.write_bytes(b" " * (LARGEST_REPORT + 1))
    choose(page, large)
    expect(page.get_by_role("alert")).to_contain_text("大于 10 MB")


def test_where_adding_fails_one_line_says_why_and_the_old_index_goes_on(
    open_page: OpenPage, own_url: str, bot: Chatbot, mine: Path
) -> None:
    (bot.settings.data_dir / "uploads").write_text("a file")
    with open_page(own_url) as page:
        choose(page, mine)
        page.click("#report-add")
        failed = page.locator("#report-result").get_by_role("alert")
        expect(failed).to_contain_text("没有收录，原有的索引照常使用")
        expect(failed).to_contain_text("uploads cannot be written")
    assert len(bot.index.catalogue.papers) == 138


def test_a_title_is_text_and_never_markup(
    open_page: OpenPage, own_url: str, tmp_path: Path
) -> None:
    title = "<img src=x onerror=alert(1)> Quill ![a](b) ${1+1}"
    text = report(paper(1, "提升 3%。")).replace("Quillnet 1: Learning to Quill", title)
    with open_page(own_url) as page:
        choose(page, written(tmp_path / "<b>.txt", text))
        page.locator("#report-preview summary").first.click()
        expect(page.locator("#report-preview li")).to_have_text(title)
        expect(page.locator("#report-preview img")).to_have_count(0)


@pytest.mark.parametrize("dark", [False, True])
def test_it_fits_a_phone_and_can_be_read_aloud(open_page: OpenPage, mine: Path, dark: bool) -> None:
    with open_page(width=390, locale="en-US", dark=dark) as page:
        choose(page, mine, SEED)
        expect(page.locator(".report-preview")).to_have_count(2)
        assert page.evaluate("document.documentElement.scrollWidth") == 390
        for part in ("#report-preview", "#report-list"):
            found = Axe().run(at_rest(page), context=part).response["violations"]
            assert [v["id"] for v in found if v["impact"] in {"serious", "critical"}] == []
