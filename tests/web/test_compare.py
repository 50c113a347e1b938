"""The compare tab in Chromium: choosing, the table, its sources, and taking it away."""

import csv
import io
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Locator, Page, expect

from chatbot.config import Settings
from tests.fakes.openai_server import FakeOpenAI, Reply
from tests.web.conftest import OpenPage, at_rest, bot_with_model, serving

pytestmark = pytest.mark.browser

GRU_MEM, PROACT, GENIUS = "2602.10560", "2602.05327", "2602.11144"
TABLE = (
    "| 论文 | 实验效果 |\n| --- | --- |\n| **GRU-Mem** | 推理速度最高提升 400% [1] |\n"
    "| **ProAct** | 报告未提及 |\n"
)


def opened(page: Page) -> Page:
    page.locator("#tabs").get_by_role("tab").nth(1).click()
    expect(page.locator("#compare-start")).to_be_visible()
    return page


def pick(page: Page, *papers: str) -> None:
    """Type something of each paper and take the first match."""
    box = page.locator("#compare-papers input")
    chosen = page.locator("#compare-papers .token")
    for paper in papers:
        before = chosen.count()
        box.fill(paper)
        expect(page.locator("#compare-papers [role=option]").first).to_be_visible()
        box.press("Enter")
        expect(chosen).to_have_count(before + 1)
    box.press("Escape")


def write_aspect(page: Page, aspect: str) -> None:
    box = page.locator("#compare-aspects input")
    box.fill(aspect)
    box.press("Enter")


def compare(page: Page) -> Locator:
    """Compare what is chosen; the table."""
    page.click("#compare-start")
    expect(page.locator("#compare-table .by")).to_be_visible()
    return page.locator("#compare-table table")


@pytest.fixture
def compared(open_page: OpenPage) -> Iterator[Page]:
    """The page with two papers compared by the usual aspects."""
    with open_page(query=f"?compare={GRU_MEM},{PROACT}") as page:
        expect(opened(page).locator("#compare-table .by")).to_be_visible()
        yield page


def test_opened_without_a_link_the_tab_is_as_it_was_laid_out(page: Page) -> None:
    expect(opened(page).locator("#compare-start")).to_have_text("对比")
    # What loading the page set off is over before what is asked after it.
    follow(page, f"#compare/{GRU_MEM}")
    expect(page.locator("#compare-status")).to_contain_text("现在选了 1 篇")
    expect(page.locator("#compare-start")).to_have_text("对比")
    expect(page.locator("#compare-stop")).to_be_hidden()


def test_a_paper_is_found_by_title_system_name_and_id(page: Page) -> None:
    box = opened(page).locator("#compare-papers input")
    options = page.locator("#compare-papers [role=option]")
    for typed in ("when to memorize", "gru-mem", GRU_MEM):
        box.fill(typed)
        expect(options).to_have_count(1)
        expect(options).to_contain_text("When to Memorize and When to Stop")
        expect(options).to_contain_text("2026-02-12")


def test_papers_by_own_aspects_make_a_table_that_marks_what_is_not_reported(page: Page) -> None:
    pick(opened(page), "GRU-Mem", PROACT)
    for button in ("#compare-csv", "#compare-markdown", "#compare-to-chat"):
        expect(page.locator(button)).to_be_hidden()
    write_aspect(page, "实验效果")
    write_aspect(page, "量子|纠错码")
    table = compare(page)
    expect(table.locator("th")).to_have_text(["论文", "实验效果", "量子/纠错码"])
    expect(table.locator("tbody tr")).to_have_count(2)
    expect(table.locator("tbody tr").first).to_contain_text("400% (4倍)")
    expect(table.locator("td .not-reported")).to_have_text(["报告未提及"] * 2)
    expect(page.locator("#compare-status")).to_have_text("已对比 2 篇论文。")
    expect(page.locator("#compare-to-chat")).to_be_visible()


def test_an_english_visitor_is_offered_told_and_answered_in_english(open_page: OpenPage) -> None:
    with open_page(locale="en-US") as page:
        status = opened(page).locator("#compare-status")
        page.click("#compare-start")
        expect(status).to_have_text("Choose 2 to 8 papers; there are 0 now.")
        page.locator("#compare-papers input").click()
        for n in range(9):
            page.locator("#compare-papers [role=option]").nth(n).click()
        page.locator("#compare-papers input").press("Escape")
        page.click("#compare-start")
        expect(status).to_have_text("Choose 2 to 8 papers; there are 9 now.")
        page.locator("#compare-papers input").press("Backspace")
        page.locator("#compare-aspects input").click()
        page.locator("#compare-aspects [role=option]", has_text="contribution").click()
        expect(compare(page).locator("th")).to_have_text(["Paper", "contribution"])
        expect(page.locator("#compare-table tbody tr")).to_have_count(8)


def test_a_cells_marker_opens_its_section_beside_the_table_and_closes_again(compared: Page) -> None:
    page = compared
    marker = page.locator("#compare-table td a.marker").last
    marker.click()
    source = page.locator("#compare-source")
    expect(source.locator("mark").first).to_be_visible()
    expect(source.locator("h2")).to_contain_text("ProAct")
    expect(source).to_be_focused()
    beside = page.locator("#compare-answer").bounding_box()
    panel = source.bounding_box()
    assert beside
    assert panel
    assert panel["x"] >= beside["x"] + beside["width"]
    source.locator("a.close").press("Enter")
    expect(source).to_be_hidden()
    expect(marker).to_be_focused()


def test_on_a_phone_the_table_scrolls_in_its_box_and_a_source_comes_into_view(
    open_page: OpenPage,
) -> None:
    with open_page(query=f"?compare={GRU_MEM},{PROACT}", width=390) as page:
        table = opened(page).locator("#compare-table table")
        expect(table).to_be_visible()
        box = page.locator("#compare-table .table-box")
        assert page.evaluate("document.documentElement.scrollWidth") <= 390
        assert box.evaluate("box => box.scrollWidth > box.clientWidth")
        first = table.locator("td").first
        box.evaluate("box => { box.scrollLeft = 300; }")
        inside, around = first.bounding_box(), box.bounding_box()
        assert inside
        assert around
        assert around["x"] <= inside["x"] <= around["x"] + 2
        assert inside["width"] < 130
        table.locator("a.marker").first.click()
        expect(page.locator("#compare-source mark").first).to_be_in_viewport()


def test_the_table_is_saved_for_a_spreadsheet(compared: Page) -> None:
    with compared.expect_download() as saving:
        compared.click("#compare-csv")
    assert saving.value.suggested_filename == f"comparison-{GRU_MEM}-{PROACT}.csv"
    saved = saving.value.path().read_bytes().decode("utf-8")
    assert saved.startswith("\ufeff")
    rows = list(csv.reader(io.StringIO(saved.removeprefix("\ufeff"))))
    assert rows[0] == ["论文", "应用领域", "核心贡献", "主要创新", "实验效果"]
    assert [len(row) for row in rows[:3]] == [5, 5, 5]
    assert "GRU-Mem" in rows[1][2]


def test_the_spreadsheet_has_below_the_table_what_its_markers_stand_for(compared: Page) -> None:
    with compared.expect_download() as saving:
        compared.click("#compare-csv")
    rows = list(csv.reader(io.StringIO(saving.value.path().read_text(encoding="utf-8-sig"))))
    empty = rows.index([])
    assert rows[empty + 1] == ["出处"]
    sources = {row[0]: row[1:] for row in rows[empty + 2 :]}
    cited = {mark for row in rows[:empty] for cell in row for mark in re.findall(r"\[\d+\]", cell)}
    assert cited == set(sources)
    title, section, address = sources["[8]"]
    assert title.startswith("ProAct: Agentic Lookahead")
    assert (section, address) == ("实验效果", f"https://arxiv.org/abs/{PROACT}")


def test_a_comparison_is_copied_with_its_sources(compared: Page) -> None:
    compared.context.grant_permissions(["clipboard-read", "clipboard-write"])
    compared.locator("#compare-table .by a").click()
    expect(compared.locator(".toast-body")).to_contain_text("已复制")
    copied = compared.evaluate("navigator.clipboard.readText()")
    assert "| 论文 | 应用领域 |" in copied
    assert "[8] ProAct: Agentic Lookahead" in copied
    assert f"https://arxiv.org/abs/{PROACT}" in copied


def test_the_table_is_saved_as_markdown_with_its_sources(compared: Page) -> None:
    with compared.expect_download() as saving:
        compared.click("#compare-markdown")
    saved = saving.value.path().read_text(encoding="utf-8")
    assert saving.value.suggested_filename.endswith(".md")
    assert "| 论文 | 应用领域 |" in saved
    assert "[8]" in saved.partition("**出处**")[0]
    assert "[8] ProAct: Agentic Lookahead" in saved.partition("**出处**")[2]
    assert "实验效果一节，第 " in saved
    assert f"https://arxiv.org/abs/{PROACT}" in saved


def test_a_link_to_a_comparison_is_made_on_arrival(compared: Page) -> None:
    expect(compared.locator("#compare-table tbody tr")).to_have_count(2)
    expect(compared.locator("#compare-papers .token")).to_have_count(2)
    expect(compared.locator("#compare-table")).to_contain_text("ProAct")


def test_a_link_to_a_paper_that_is_not_indexed_says_so(open_page: OpenPage) -> None:
    with open_page(query=f"?compare={GRU_MEM},1234.56789") as page:
        status = opened(page).locator("#compare-status")
        expect(status).to_have_text("索引里没有这些论文：1234.56789。请在上面重新选。")
        expect(page.locator("#compare-papers .token")).to_have_count(1)


def follow(page: Page, link: str) -> None:
    """Follow one of the page's own links, as another part of the page would show it."""
    page.evaluate(
        "href => { const a = document.createElement('a'); a.href = href;"
        " document.body.append(a); a.click(); a.remove(); }",
        link,
    )


def test_links_to_one_paper_gather_them_and_a_link_to_several_compares(page: Page) -> None:
    chosen = opened(page).locator("#compare-papers .token")
    follow(page, f"#compare/{GRU_MEM}")
    expect(page.locator("#compare-status")).to_contain_text("现在选了 1 篇")
    expect(chosen).to_have_count(1)
    follow(page, f"#compare/{PROACT}")
    expect(chosen).to_have_count(2)
    expect(page.locator("#compare-table table")).to_have_count(0)
    follow(page, f"#compare/{GENIUS},{PROACT}")
    expect(page.locator("#compare-table tbody tr").first).to_contain_text("GENIUS")


@pytest.mark.parametrize(("width", "dark"), [(1440, False), (390, True)])
def test_a_screen_reader_finds_nothing_amiss(open_page: OpenPage, width: int, dark: bool) -> None:
    query = f"?compare={GRU_MEM},{GENIUS}"
    with open_page(query=query, width=width, dark=dark) as page:
        opened(page)
        page.locator("#compare-table a.marker").first.click()
        expect(page.locator("#compare-source mark").first).to_be_visible()
        found = Axe().run(at_rest(page), context={"include": [["#compare"]]})
        serious = [
            v for v in found.response["violations"] if v["impact"] in ("serious", "critical")
        ]
        assert serious == []


@pytest.fixture
def slow_model() -> Iterator[FakeOpenAI]:
    """A model that writes a table slowly."""
    with FakeOpenAI(default=Reply.text(TABLE, chunk=2, delay=0.1)) as server:
        yield server


@pytest.fixture
def comparing(
    open_page: OpenPage, seed_settings: Settings, tmp_path: Path, slow_model: FakeOpenAI
) -> Iterator[Page]:
    """The page while the slow model compares two papers."""
    bot = bot_with_model(seed_settings, slow_model.url)
    with serving(bot, tmp_path) as url, open_page(url) as page:
        pick(opened(page), GRU_MEM, PROACT)
        write_aspect(page, "实验效果")
        page.click("#compare-start")
        expect(page.locator("#compare-stop")).to_be_visible()
        yield page


def test_a_models_table_grows_as_it_is_written_and_names_the_model(comparing: Page) -> None:
    expect(comparing.locator("#compare-status")).to_contain_text("生成回答")
    expect(comparing.locator("#compare-table th").first).to_be_visible()
    expect(comparing.locator("#compare-table .by")).to_contain_text("fake-model")
    expect(comparing.locator("#compare-start")).to_be_visible()
    expect(comparing.locator("#compare-table .not-reported")).to_have_count(1)


def test_a_comparison_can_be_stopped_and_another_made(comparing: Page) -> None:
    expect(comparing.locator("#compare-table th").first).to_be_visible()
    comparing.click("#compare-stop")
    expect(comparing.locator("#compare-status")).to_contain_text("已停止")
    expect(comparing.locator("#compare-csv")).to_be_hidden()
    comparing.click("#compare-start")
    expect(comparing.locator("#compare-table .by")).to_contain_text("fake-model")


def test_a_comparison_is_stopped_while_the_model_has_not_begun_and_another_is_made(
    open_page: OpenPage, seed_settings: Settings, tmp_path: Path
) -> None:
    with (
        FakeOpenAI(Reply.late(TABLE, 20), default=Reply.text(TABLE)) as server,
        serving(bot_with_model(seed_settings, server.url), tmp_path) as url,
        open_page(url) as page,
    ):
        pick(opened(page), GRU_MEM, PROACT)
        write_aspect(page, "实验效果")
        page.click("#compare-start")
        expect(page.locator("#compare-status")).to_contain_text("生成回答")
        page.click("#compare-stop")
        expect(page.locator("#compare-status")).to_contain_text("已停止", timeout=10_000)
        page.click("#compare-start")
        by = page.locator("#compare-table .by")
        expect(by).to_contain_text("fake-model", timeout=10_000)


def test_a_link_followed_while_a_comparison_comes_ends_it(
    comparing: Page, slow_model: FakeOpenAI
) -> None:
    follow(comparing, f"#compare/{GENIUS},{PROACT}")
    expect(comparing.locator("#compare-papers .token").first).to_contain_text("GENIUS")
    expect(comparing.locator("#compare-table .by")).to_contain_text("fake-model")
    assert slow_model.client_left(10)  # so nothing more comes of the first
    expect(comparing.locator("#compare-status")).to_have_text("已对比 2 篇论文。")
    expect(comparing.locator("#compare-papers .token").first).to_contain_text("GENIUS")


def test_a_model_that_fails_leaves_the_reports_own_sentences_and_says_so(
    open_page: OpenPage, seed_settings: Settings, tmp_path: Path
) -> None:
    with (
        FakeOpenAI(default=Reply.error(401, "no such key")) as server,
        serving(bot_with_model(seed_settings, server.url), tmp_path) as url,
        open_page(url) as page,
    ):
        pick(opened(page), GRU_MEM, PROACT)
        compare(page)
        expect(page.locator("#compare-table .notice")).to_contain_text("OPENAI_API_KEY")
        expect(page.locator("#compare-table tbody tr")).to_have_count(2)
