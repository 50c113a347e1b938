"""What leads from one part of the page to another, and what readers think of the answers."""

import datetime as dt
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from chatbot.answering.rules import Rule, write_rule
from chatbot.bot import Chatbot
from chatbot.config import Settings
from chatbot.database.opening import open_database
from chatbot.feedback.ratings import list_feedback
from tests.fakes.openai_server import FakeOpenAI, Reply
from tests.web.conftest import OpenPage, ask, bot_with_model, serving

pytestmark = pytest.mark.browser

QUESTION = "GRU-Mem 的推理速度提升了多少？"


def tab(page: Page, name: str) -> None:
    """Go to a tab."""
    page.get_by_role("tab", name=name).click()


# Links to a state


def test_a_link_to_a_paper_opens_it(open_page: OpenPage) -> None:
    with open_page(query="?paper=2602.10560") as page:
        expect(page.get_by_role("tab", name="浏览")).to_have_attribute("aria-selected", "true")
        expect(page.locator("#browse-text")).to_contain_text("推理速度大幅提升")


def test_a_link_to_a_paper_that_is_not_there_says_so(open_page: OpenPage) -> None:
    with open_page(query="?paper=9999.99999") as page:
        expect(page.locator("#browse-text")).to_contain_text("9999.99999")


def test_a_link_to_a_comparison_makes_it(open_page: OpenPage) -> None:
    with open_page(query="?compare=2602.10560,2602.05327") as page:
        expect(page.locator("#compare-table tbody tr")).to_have_count(2)


def test_a_link_to_a_conversation_opens_it(page: Page, open_page: OpenPage) -> None:
    ask(page, QUESTION)
    expect(page.locator("#saved a.current")).to_have_count(1)
    link = page.locator("#saved a.current").get_attribute("href") or ""
    with open_page(query=f"?chat={link.rpartition('/')[2]}") as again:
        expect(again.locator("#chat")).to_contain_text("400%")


# From one tab to another


def test_a_source_leads_to_the_whole_paper_and_that_to_a_question(page: Page) -> None:
    ask(page, QUESTION)
    page.locator("#sources a", has_text="全部五节").click()
    expect(page.locator("#browse-text")).to_contain_text("使用指南")
    page.locator("#browse-text a", has_text="就这篇论文提问").first.click()
    expect(page.locator("#in-force a.chip")).to_contain_text("2602.10560")


def test_a_comparison_is_gone_on_with_in_the_chat(open_page: OpenPage) -> None:
    with open_page(query="?compare=2602.10560,2602.05327") as page:
        page.get_by_role("button", name="到对话里继续问").click()
        expect(page.locator("#chat table")).to_be_visible()
        expect(page.locator("#in-force a.chip")).to_have_count(2)
        expect(page.locator("#conversation-title")).to_be_visible()
        page.locator("#chat a.marker").first.click()
        expect(page.locator("#sources mark").first).to_be_visible()
        ask(page, "哪一篇提到了强化学习？")
        expect(page.locator("#chat .by")).to_have_count(2)


def test_the_chats_sidebar_leaves_its_room_to_the_other_tabs(page: Page) -> None:
    width = "document.querySelector('#tabs').offsetWidth"
    page.wait_for_function(f"{width} < 1440 - 280")
    tab(page, "浏览")
    page.wait_for_function(f"{width} > 1440 - 50")


# What readers think


@pytest.fixture
def kept(seed_bot: Chatbot, open_page: OpenPage, tmp_path: Path) -> Iterator[tuple[Page, Settings]]:
    """A page of the test's own, and the settings that name its database."""
    settings = seed_bot.settings.model_copy(update={"data_dir": tmp_path})
    with serving(seed_bot, tmp_path) as url, open_page(url) as page:
        yield page, settings


def test_a_dislike_is_kept_with_its_comment_and_shown_again(kept: tuple[Page, Settings]) -> None:
    page, settings = kept
    ask(page, QUESTION)
    expect(page.locator("#chat .option").first).to_be_visible()
    page.get_by_role("button", name="踩").click()
    page.locator("#comment-text textarea, #comment-text input").fill("要给出基线的数字")
    page.click("#comment-send")
    expect(page.locator(".toast-body")).to_contain_text("已记下")
    expect(page.locator("#comment-text")).to_be_hidden()
    (feedback,) = list_feedback(open_database(settings))
    assert (feedback.verdict, feedback.comment) == ("dislike", "要给出基线的数字")
    assert feedback.question == QUESTION
    assert feedback.record.citations[0].section == "2602.10560/results"
    page.reload()
    page.locator("#saved a").first.click()
    expect(page.get_by_role("button", name="Disliked")).to_be_visible()


def test_an_approved_rule_is_named_in_the_details_of_the_answer_it_steered(
    seed_copy: Settings, open_page: OpenPage, tmp_path: Path
) -> None:
    with FakeOpenAI(Reply.text("推理速度最高提升 400% [1]。")) as server:
        bot = bot_with_model(seed_copy, server.url)
        rule = Rule("give-baselines", "给出基线的数字。", dt.date(2026, 11, 21), "approved")
        write_rule(seed_copy.data_dir, rule)
        with serving(bot, tmp_path) as url, open_page(url) as page:
            ask(page, QUESTION)
            expect(page.locator("#chat .by")).to_contain_text("give-baselines")
