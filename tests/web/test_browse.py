"""The browse tab in Chromium: finding papers, the chart, and reading one."""

import re

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Locator, Page, expect

from tests.web.conftest import OpenPage

pytestmark = pytest.mark.browser

TITLES = "#browse-results .papers a"


def browse(page: Page, tab: str = "浏览") -> Page:
    """Go to the tab, by the menu of tabs where they do not fit."""
    found = page.get_by_role("tab", name=tab, exact=True)
    if found.is_visible():
        found.click()
    else:
        page.locator(".overflow-menu > button").click()
        page.locator(".overflow-dropdown button", has_text=tab).click()
    expect(page.locator(TITLES).first).to_be_visible()
    return page


def bar(page: Page, label: str) -> Locator:
    return page.locator("#browse-chart").get_by_role("button", name=re.compile(f"^{label}"))


def shown(page: Page) -> Locator:
    return page.locator("#browse-results").get_by_role("status")


def search(page: Page, words: str) -> None:
    page.locator("#browse-search").get_by_role("textbox").fill(words)


def read(page: Page, paper: str) -> Locator:
    """Find a paper by its id and open it."""
    search(page, paper)
    # Not only as many titles: those of the search before are there until this one is answered.
    title = page.locator(f'{TITLES}[href="#paper/{paper}"]')
    expect(page.locator(TITLES)).to_have_count(1)
    title.click()
    text = page.locator("#browse-text")
    expect(text.locator(f'a[href="#ask/{paper}"]')).to_be_visible()
    return text


def faults(page: Page) -> list[str]:
    """What axe-core finds that is serious in this tab."""
    found = Axe().run(page, context="#browse").response["violations"]
    return [
        f"{rule['id']}: {[node['html'][:120] for node in rule['nodes'][:3]]}"
        for rule in found
        if rule["impact"] in {"serious", "critical"}
    ]


def test_every_paper_is_listed_in_pages_and_found_by_words(page: Page) -> None:
    browse(page)
    expect(shown(page)).to_have_text("共 138 篇，第 1–25 篇")
    expect(page.locator(TITLES)).to_have_count(25)
    page.get_by_role("button", name="下一页").click()
    expect(shown(page)).to_have_text("共 138 篇，第 26–50 篇")
    expect(shown(page)).to_be_focused()
    search(page, "gru-mem")
    expect(page.locator(TITLES).first).to_contain_text("When to Memorize")
    search(page, "没有这个词")
    expect(shown(page)).to_contain_text("没有符合条件的论文")


def test_a_click_on_a_bar_filters_and_the_filter_can_be_removed(page: Page) -> None:
    browse(page)
    bar(page, "语音与音频").click()
    expect(shown(page)).to_have_text("共 3 篇，第 1–3 篇")
    expect(bar(page, "语音与音频")).to_have_attribute("aria-pressed", "true")
    expect(page.locator("#browse-results small").first).to_contain_text("语音与音频")
    bar(page, "2026-02-06").click()
    expect(shown(page)).to_have_text("共 2 篇，第 1–2 篇")
    chips = page.locator(".in-force")
    expect(chips.get_by_role("button")).to_have_count(2)
    chips.get_by_role("button", name="取消筛选：语音与音频").click()
    expect(shown(page)).to_have_text("共 30 篇，第 1–25 篇")
    chips.get_by_role("button", name="取消筛选：2026-02-06").click()
    expect(shown(page)).to_have_text("共 138 篇，第 1–25 篇")
    expect(chips).to_have_count(0)


def test_the_chart_is_worked_by_keyboard_and_keeps_the_focus(page: Page) -> None:
    browse(page)
    bar(page, "智能体").focus()
    page.keyboard.press("Enter")
    expect(bar(page, "智能体")).to_have_attribute("aria-pressed", "true")
    expect(bar(page, "智能体")).to_be_focused()
    page.keyboard.press("Space")
    expect(bar(page, "智能体")).to_have_attribute("aria-pressed", "false")
    expect(shown(page)).to_contain_text("138")


def test_a_paper_is_read_beside_the_list_with_its_five_sections(page: Page) -> None:
    browse(page)
    text = read(page, "2602.10560")
    expect(text.get_by_role("heading", level=3)).to_have_count(5)
    expect(text.get_by_role("heading", level=2)).to_be_focused()
    expect(text.get_by_role("link", name="arXiv 原文")).to_be_visible()
    left, right = page.locator("#browse-list"), page.locator("#browse-paper")
    beside = (left.bounding_box() or {}, right.bounding_box() or {})
    assert beside[0]["x"] + beside[0]["width"] <= beside[1]["x"]
    text = read(page, "2602.10224")
    usage = text.locator("h3:has-text('使用指南') + ul")
    expect(usage.locator(":scope > li")).to_have_count(4)
    expect(usage.locator("li ol > li")).to_have_count(4)
    innovations = text.locator("h3:has-text('主要创新点') + *")
    expect(innovations.locator(":scope > li")).to_have_count(3)
    text.get_by_role("link", name="返回列表").click()
    expect(right).to_be_hidden()
    expect(page.locator(TITLES)).to_be_focused()


def test_what_reports_write_is_shown_without_leftovers(page: Page) -> None:
    browse(page)
    for paper, formulas, whole in (
        ("2602.10104", 3, "目标函数训练模型"),
        ("2601.05905", 1, "Neighbor-Consistency Belief"),
        ("2602.10090", 0, "平均分 ~65.94）超过了"),
        ("2602.05885", 0, "Fast@1.2"),
    ):
        text = read(page, paper)
        expect(text).to_contain_text(whole)
        assert text.locator(".katex").count() >= formulas
        for never in (".katex-error", "del", 'a[href^="mailto"]', "pre"):
            expect(text.locator(never)).to_have_count(0)
        plain = text.evaluate(
            """node => { const copy = node.cloneNode(true);
            copy.querySelectorAll('.katex, code').forEach(part => part.remove());
            return copy.textContent; }"""
        )
        assert not any(sign in plain for sign in ("**", "$", "\\(", "&#"))


def test_on_a_phone_the_paper_takes_the_place_of_the_list_and_there_is_a_way_back(
    open_page: OpenPage,
) -> None:
    with open_page(width=390, locale="en-US", dark=True) as page:
        browse(page, "Browse")
        title = page.locator(TITLES).nth(20)
        title.click()
        text = page.locator("#browse-text")
        expect(text.get_by_role("heading", level=2)).to_have_text(title.inner_text() or "")
        expect(title).to_be_hidden()
        expect(text.get_by_role("heading", level=2)).to_be_in_viewport()
        assert page.evaluate("document.documentElement.scrollWidth") <= 390
        assert faults(page) == []
        text.get_by_role("link", name="Back to the list").click()
        expect(title).to_be_focused()
        expect(title).to_be_in_viewport()
        assert page.evaluate("document.documentElement.scrollWidth") <= 390


def test_list_and_paper_stay_in_sight_together_and_nothing_bars_a_screen_reader(
    open_page: OpenPage,
) -> None:
    with open_page() as page:
        browse(page)
        assert faults(page) == []
        bar(page, "智能体").click()
        expect(page.locator(".in-force")).to_be_visible()
        assert faults(page) == []
        title = page.locator(TITLES).nth(20)
        title.click()
        expect(page.locator("#browse-text h2")).to_be_focused()
        expect(page.locator("#browse-text h2")).to_be_in_viewport()
        expect(title).to_be_in_viewport()
        assert faults(page) == []
