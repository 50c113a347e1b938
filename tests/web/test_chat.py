"""The chat in headless Chromium, on the real index."""

import contextlib
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect
from playwright.sync_api import TimeoutError as PlaywrightTimeoutError

from chatbot.bot import Chatbot
from chatbot.config import Settings
from tests.fakes.openai_server import FakeOpenAI, Reply
from tests.web.conftest import OpenPage, ask, bot_with_model, serving

pytestmark = pytest.mark.browser

QUESTION = "GRU-Mem 的推理速度提升了多少？"
ANSWER = "推理速度最高提升 400% [1]。没有出处的话。"


def send(page: Page, question: str) -> None:
    """Ask without waiting for the answer."""
    page.fill("#question textarea", question)
    page.press("#question textarea", "Enter")


# Asking and answering


def test_a_question_is_answered_with_its_sources_below(page: Page) -> None:
    ask(page, QUESTION)
    expect(page.locator("#chat")).to_contain_text("400%")
    expect(page.locator("#chat .sources")).to_contain_text("实验效果")


def test_the_newest_question_stands_at_the_top_with_its_answer_below(page: Page) -> None:
    ask(page, "哪些论文在 AIME 上做了评测？")
    # gradio's own scrolling comes last now and then (2 of 8 runs): then the next one stands.
    for _ in range(3):
        ask(page, QUESTION)
        with contextlib.suppress(PlaywrightTimeoutError):
            page.wait_for_function(NEWEST_AT_THE_TOP, timeout=5_000)
            return
    page.wait_for_function(NEWEST_AT_THE_TOP)


NEWEST_AT_THE_TOP = """() => {
  const top = one => document.querySelector(one).getBoundingClientRect().top;
  const asked = [...document.querySelectorAll('#chat .user-row')].pop();
  const below = asked.getBoundingClientRect().top - top('#chat .panel-wrap');
  return below >= 0 && below < 40;
}"""


def test_a_follow_up_is_understood(page: Page) -> None:
    ask(page, "GRU-Mem 是什么？")
    ask(page, "它的推理速度提升了多少？")
    expect(page.locator("#chat .sources").last).to_contain_text("Gated Recurrent Memory")
    expect(page.locator("#chat")).to_contain_text("400%")


def test_an_example_is_asked_by_a_click_and_the_examples_go_away(page: Page) -> None:
    page.locator("#examples button").first.click()
    expect(page.locator("#chat .by")).to_have_count(1)
    expect(page.locator("#chat")).to_contain_text("400%")
    expect(page.locator("#examples button").first).to_be_hidden()


def test_tokens_that_look_like_tags_are_readable(page: Page) -> None:
    ask(page, "DLLM-Searcher 的主要创新点是什么？")
    expect(page.locator("#chat .message").last).to_contain_text("<tool_call>")


def test_a_question_is_shown_as_it_was_typed_and_edited_as_such(page: Page) -> None:
    typed = "公式 $y^+$、**价格** $3 <tool_call> & a@b ~3"
    ask(page, typed)
    expect(page.locator("#chat .user-row .message-content")).to_have_text(typed)
    page.get_by_role("button", name="编辑").click()
    expect(page.locator("#chat textarea")).to_have_value(typed)


def test_a_formula_in_an_answer_is_set(page: Page) -> None:
    ask(page, "GRU-Mem 的主要创新点是什么？")
    expect(page.locator("#chat .bot-row .katex").first).to_be_visible()


def test_an_empty_question_changes_nothing(page: Page) -> None:
    send(page, "  ")
    page.locator("#examples button").first.click()
    expect(page.locator("#chat .by")).to_have_count(1)
    expect(page.locator("#chat .user-row")).to_have_count(1)


def test_the_steps_are_shown_while_it_works_and_folded_when_done(
    browser: Browser, seed_settings: Settings, open_page: OpenPage, tmp_path: Path
) -> None:
    with (
        FakeOpenAI(Reply.text(ANSWER, chunk=2, delay=0.1)) as server,
        serving(bot_with_model(seed_settings, server.url), tmp_path) as url,
        open_page(url) as page,
    ):
        send(page, QUESTION)
        steps = page.locator("#chat .thought-group")
        expect(steps).to_contain_text("检索到 8 节 → 生成回答")
        expect(page.locator("#chat")).to_contain_text("推理速度")
        expect(page.locator("#chat .by")).to_contain_text("fake-model")
        expect(steps).to_contain_text("核对引用：1 句未能核实")
        expect(page.locator("#chat li", has_text="检索到 8 节:")).to_be_hidden()
        steps.locator(".title").click()
        expect(page.locator("#chat li", has_text="检索到 8 节:")).to_be_visible()


def test_a_sentence_that_could_not_be_verified_is_marked_with_the_reason(
    browser: Browser, seed_settings: Settings, open_page: OpenPage, tmp_path: Path
) -> None:
    with (
        FakeOpenAI(Reply.text(ANSWER)) as server,
        serving(bot_with_model(seed_settings, server.url), tmp_path) as url,
        open_page(url) as page,
    ):
        ask(page, QUESTION)
        doubtful = page.locator("#chat .doubtful")
        expect(doubtful).to_have_text("没有出处的话。")
        expect(doubtful).to_have_attribute("title", "⚠ 没有标明出处")
        # Again, where the answer has just been shown anew as it is kept.
        page.wait_for_function(
            """() => {
              const doubtful = document.querySelector('#chat .doubtful');
              doubtful.focus();
              return getComputedStyle(doubtful, '::after').content.includes('没有标明出处');
            }"""
        )


def test_a_refused_key_ends_in_an_extract_that_says_so(
    browser: Browser, seed_settings: Settings, open_page: OpenPage, tmp_path: Path
) -> None:
    with (
        FakeOpenAI(Reply.error(401, "no such key")) as server,
        serving(bot_with_model(seed_settings, server.url), tmp_path) as url,
        open_page(url) as page,
    ):
        ask(page, QUESTION)
        expect(page.locator("#chat .notice")).to_contain_text("OPENAI_API_KEY")
        expect(page.locator("#chat")).to_contain_text("400%")


def test_a_question_the_reports_do_not_answer_looks_refused(page: Page) -> None:
    ask(page, "GRU-Mem 在 ImageNet 上的准确率是多少？")
    expect(page.locator("#chat .abstained")).to_contain_text("报告里没有答案")
    ask(page, QUESTION)
    expect(page.locator("#chat .abstained")).to_have_count(1)


def test_an_answer_can_be_stopped_and_says_so_also_later(
    browser: Browser, seed_settings: Settings, open_page: OpenPage, tmp_path: Path
) -> None:
    with (
        FakeOpenAI(Reply.trickle("很长" * 300, delay=0.1)) as server,
        serving(bot_with_model(seed_settings, server.url), tmp_path) as url,
        open_page(url) as page,
    ):
        send(page, QUESTION)
        # What has come is kept twice a second.
        expect(page.locator("#chat")).to_contain_text("很长" * 8)
        expect(page.locator("#question textarea")).to_be_disabled()
        page.click("#stop")
        expect(page.locator("#send")).to_be_visible()
        expect(page.locator("#question textarea")).to_be_enabled()
        expect(page.locator("#chat .stopped")).to_contain_text("未经核对")
        page.reload()
        page.locator("#saved a").first.click()
        expect(page.locator("#chat .stopped")).to_contain_text("未经核对")
        expect(page.locator("#chat")).to_contain_text("很长")


def test_a_model_that_has_not_begun_is_stopped_at_once_and_the_next_question_answered(
    browser: Browser, seed_settings: Settings, open_page: OpenPage, tmp_path: Path
) -> None:
    with (
        FakeOpenAI(
            Reply.late("太迟 [1]。", 20), Reply.text("推理速度最高提升 400% [1]。")
        ) as server,
        serving(bot_with_model(seed_settings, server.url), tmp_path) as url,
        open_page(url) as page,
    ):
        send(page, QUESTION)
        expect(page.locator("#chat")).to_contain_text("生成回答")
        page.click("#stop")
        expect(page.locator("#chat .stopped")).to_be_visible(timeout=10_000)
        send(page, QUESTION)
        expect(page.locator("#chat")).to_contain_text("最高提升 400%", timeout=10_000)
        expect(page.locator("#chat")).not_to_contain_text("太迟")


def test_an_answer_is_tried_again(
    browser: Browser, seed_settings: Settings, open_page: OpenPage, tmp_path: Path
) -> None:
    with (
        FakeOpenAI(Reply.text("第一次 [1]。"), Reply.text("推理速度最高提升 400% [1]。")) as server,
        serving(bot_with_model(seed_settings, server.url), tmp_path) as url,
        open_page(url) as page,
    ):
        ask(page, QUESTION)
        page.get_by_role("button", name="重试").last.click()
        expect(page.locator("#chat")).to_contain_text("最高提升 400%")
        expect(page.locator("#chat")).not_to_contain_text("第一次")
        expect(page.locator("#chat .by")).to_have_count(1)


def test_an_earlier_question_is_edited_and_what_followed_is_gone(page: Page) -> None:
    ask(page, QUESTION)
    ask(page, "它的方法是什么？")
    page.get_by_role("button", name="编辑").first.click()
    page.locator("#chat textarea").fill("FeatureBench 有多少个任务？")
    page.locator("#chat").get_by_role("button", name="发送").click()
    expect(page.locator("#chat .user-row")).to_have_count(1)
    expect(page.locator("#chat .by")).to_have_count(1)
    expect(page.locator("#chat .sources")).to_contain_text("FeatureBench")


def test_an_entity_typed_into_an_edited_question_stays_as_typed(page: Page) -> None:
    typed = "GRU-Mem 的 &lt;update&gt; 与 <b> &amp;amp; 是什么？"
    ask(page, QUESTION)
    page.get_by_role("button", name="编辑").first.click()
    page.locator("#chat textarea").fill(typed)
    page.locator("#chat").get_by_role("button", name="发送").click()
    expect(page.locator("#chat .user-row .message-content")).to_have_text(typed)
    expect(page.locator("#chat .by")).to_have_count(1)
    page.get_by_role("button", name="编辑").first.click()
    expect(page.locator("#chat textarea")).to_have_value(typed)


def test_a_suggestion_is_asked_by_a_click_and_answered(page: Page) -> None:
    ask(page, QUESTION)
    suggestion = page.locator("#chat .option").first
    expect(suggestion).to_contain_text("GRU-Mem")
    suggestion.click()
    expect(page.locator("#chat .by")).to_have_count(2)
    expect(page.locator("#chat .abstained")).to_have_count(0)


def test_a_name_of_two_papers_offers_both(page: Page) -> None:
    ask(page, "SAGE 的效果怎么样？")
    options = page.locator("#chat .option")
    expect(options).to_have_count(2)
    options.filter(has_text="2602.10116").click()
    expect(page.locator("#chat .by")).to_have_count(2)
    expect(page.locator("#chat .scope").last).to_contain_text("2602.10116")


# Sources


def test_a_marker_opens_the_whole_section_with_the_quote_highlighted(page: Page) -> None:
    ask(page, QUESTION)
    page.locator("#chat a.marker").last.click()
    panel = page.locator("#sources")
    expect(panel.locator("mark")).to_contain_text(["推理速度大幅提升"])
    expect(panel).to_contain_text("计算成本")
    expect(panel).to_contain_text("2026-02-12")
    expect(panel).to_contain_text("日报的摘要")
    for name, target in (("arXiv", "arxiv.org/abs"), ("Hugging Face", "huggingface.co/papers")):
        link = panel.get_by_role("link", name=name)
        expect(link).to_have_attribute("href", f"https://{target}/2602.10560")


def test_a_marker_is_followed_by_keyboard_too(page: Page) -> None:
    ask(page, QUESTION)
    page.locator("#sources a.close").click()
    expect(page.locator("#sources mark")).to_have_count(0)
    page.locator("#chat a.marker").last.focus()
    page.keyboard.press("Enter")
    expect(page.locator("#sources mark")).not_to_have_count(0)


def test_on_a_small_screen_a_source_covers_the_lower_part_until_it_is_closed(
    open_page: OpenPage,
) -> None:
    with open_page(width=390) as page:
        ask(page, QUESTION)
        expect(page.locator("#chat .option").first).to_be_visible()
        expect(page.locator("#sources")).to_be_hidden()
        page.locator("#chat a.marker").last.click()
        expect(page.locator("#sources mark").first).to_be_visible()
        page.locator("#sources a.close").click()
        expect(page.locator("#sources")).to_be_hidden()


def test_asking_about_a_papers_source_narrows_the_chat_to_it(page: Page) -> None:
    ask(page, QUESTION)
    page.locator("#sources a", has_text="就这篇论文提问").click()
    expect(page.locator("#in-force a.chip")).to_contain_text("2602.10560")
    expect(page.locator("#question textarea")).to_be_focused()
    ask(page, "有什么局限或者基线？")
    sources = page.locator("#chat .sources").last.locator("a")
    expect(sources.first).to_be_visible()
    for link in sources.all():
        expect(link).to_contain_text("When to Memorize")


# Filters


def test_a_filter_stays_in_sight_until_it_is_taken_away(page: Page) -> None:
    page.locator("#filter-papers input").fill("GRU")
    page.get_by_role("option").first.click()
    page.locator("#filter-sections label", has_text="实验效果").click()
    chips = page.locator("#in-force a.chip")
    expect(chips).to_have_count(2)
    ask(page, "效果如何？")
    expect(chips).to_have_count(2)
    expect(page.locator("#chat .sources small").first).to_contain_text("实验效果")
    chips.first.click()
    expect(chips).to_have_count(1)


def test_a_question_that_names_a_day_shows_the_filter_it_caused(page: Page) -> None:
    ask(page, "2月12日有哪些论文？")
    expect(page.locator("#chat .scope")).to_contain_text("2026-02-12")


def test_a_day_that_cannot_be_read_is_said_and_nothing_asked(page: Page) -> None:
    page.locator("#filter-dates input").fill("someday")
    page.keyboard.press("Enter")
    send(page, QUESTION)
    expect(page.locator(".toast-body")).to_contain_text("someday")
    expect(page.locator("#chat .message")).to_have_count(0)


# Saved conversations


def test_conversations_are_kept_over_a_restart_renamed_and_deleted(
    seed_bot: Chatbot, open_page: OpenPage, tmp_path: Path
) -> None:
    with serving(seed_bot, tmp_path) as url, open_page(url) as page:
        ask(page, QUESTION)
        page.locator("#conversation-title textarea, #conversation-title input").fill("关于速度")
        page.keyboard.press("Enter")
        expect(page.locator("#saved")).to_contain_text("关于速度")
    with serving(seed_bot, tmp_path) as url, open_page(url) as page:
        page.locator("#saved a", has_text="关于速度").click()
        expect(page.locator("#chat")).to_contain_text("400%")
        ask(page, "它的方法是什么？")
        expect(page.locator("#chat .by")).to_have_count(2)
        page.on("dialog", lambda dialog: dialog.accept())
        page.click("#delete")
        expect(page.locator("#saved a")).to_have_count(0)
        expect(page.locator("#chat .message")).to_have_count(0)


def test_a_new_conversation_starts_empty_and_the_old_one_stays(page: Page) -> None:
    ask(page, QUESTION)
    expect(page.locator("#saved a.current")).to_have_count(1)
    kept = page.locator("#saved a").count()
    page.click("#new")
    expect(page.locator("#chat .message")).to_have_count(0)
    expect(page.locator("#saved a")).to_have_count(kept)


def test_a_conversation_is_saved_as_markdown_with_its_references(page: Page) -> None:
    ask(page, QUESTION)
    with page.expect_download() as saving:
        page.click("#export")
    text = Path(saving.value.path()).read_text(encoding="utf-8-sig")
    assert saving.value.suggested_filename.endswith(".md")
    assert f"## {QUESTION}" in text
    assert "400%" in text
    assert "[1] When to Memorize and When to Stop" in text
    assert "https://arxiv.org/abs/2602.10560" in text


def test_an_answer_is_copied_without_markup_and_with_its_references(page: Page) -> None:
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    ask(page, QUESTION)
    page.locator("#chat .by a").click()
    expect(page.locator(".toast-body")).to_contain_text("已复制")
    expect(page.locator(".toast-title")).to_be_hidden()
    copied = page.evaluate("navigator.clipboard.readText()")
    assert "400%" in copied
    assert "https://arxiv.org/abs/2602.10560" in copied
    assert "<a" not in copied


# The page around it


def test_a_link_to_a_question_asks_it(open_page: OpenPage) -> None:
    with open_page(query=f"?q={QUESTION}") as page:
        expect(page.locator("#chat .by")).to_have_count(1)
        expect(page.locator("#chat")).to_contain_text("400%")


def test_the_page_says_its_mode_and_how_to_set_a_key(page: Page) -> None:
    expect(page.locator("#corpus")).to_contain_text("OPENAI_API_KEY")
    expect(page.locator("#corpus")).to_contain_text("138 篇论文")


@pytest.mark.parametrize(("width", "dark"), [(390, False), (390, True), (1440, True)])
def test_the_page_follows_the_browsers_language_and_fits_its_width(
    open_page: OpenPage, width: int, dark: bool
) -> None:
    with open_page(width=width, locale="en-US", dark=dark) as page:
        expect(page.locator("#corpus")).to_contain_text("138 papers")
        expect(page.locator("#send")).to_have_text("Send")
        ask(page, "How precise is Bielik Guard on real user prompts?")
        assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_the_language_can_be_switched(open_page: OpenPage) -> None:
    with open_page(locale="en-US") as page:
        expect(page.locator("html")).to_have_attribute("lang", "en")
        page.click("#language")
        expect(page.locator("#send")).to_have_text("发送")
        expect(page.locator("#corpus")).to_contain_text("138 篇论文")
        expect(page.locator("html")).to_have_attribute("lang", "zh-CN")


# What must not go wrong


def test_a_new_conversation_ends_the_answer_that_is_coming(
    browser: Browser, seed_settings: Settings, open_page: OpenPage, tmp_path: Path
) -> None:
    with (
        FakeOpenAI(Reply.trickle("很长" * 300, delay=0.1)) as server,
        serving(bot_with_model(seed_settings, server.url), tmp_path) as url,
        open_page(url) as page,
    ):
        send(page, QUESTION)
        expect(page.locator("#chat")).to_contain_text("很长")
        page.click("#new")
        expect(page.locator("#chat .message")).to_have_count(0)
        expect(page.locator("#question textarea")).to_be_enabled()
        expect(page.locator("#chat")).not_to_contain_text("很长")


def test_a_saved_conversation_brings_its_filters_back_and_a_new_one_has_none(page: Page) -> None:
    page.locator("#filter-sections label", has_text="实验效果").click()
    ask(page, QUESTION)
    expect(page.locator("#saved a.current")).to_have_count(1)
    page.click("#new")
    expect(page.locator("#in-force a.chip")).to_have_count(0)
    page.locator("#saved a").first.click()
    expect(page.locator("#in-force a.chip")).to_have_count(1)


def test_a_loaded_again_page_shows_the_same_conversation_and_asks_nothing_twice(
    open_page: OpenPage,
) -> None:
    with open_page(query=f"?q={QUESTION}") as page:
        expect(page.locator("#chat .by")).to_have_count(1)
        expect(page.locator("#saved a.current")).to_have_count(1)
        kept = page.locator("#saved a").count()
        page.reload()
        expect(page.locator("#chat .by")).to_have_count(1)
        expect(page.locator("#saved a")).to_have_count(kept)


def test_a_question_that_is_too_long_is_refused(open_page: OpenPage) -> None:
    with open_page(query=f"?q={'长' * 1_000}{'x' * 7_500}") as page:
        expect(page.locator(".toast-body")).to_contain_text("8000")
        expect(page.locator("#chat .message")).to_have_count(0)


def test_the_sidebar_never_covers_the_chat(page: Page) -> None:
    page.get_by_role("tab", name="对比").click()
    page.set_viewport_size({"width": 1440, "height": 800})
    page.get_by_role("tab", name="对话").click()
    page.wait_for_function(
        "document.querySelector('#tabs').getBoundingClientRect().left"
        " >= document.querySelector('#side').getBoundingClientRect().right"
    )
