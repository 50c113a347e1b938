"""The page in headless Chromium, on the real index."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from chatbot.bot import Chatbot
from chatbot.config import Settings
from chatbot.errors import ConfigurationError
from chatbot.llm import open_chat_model
from chatbot.ui.page import build_page, free_port, launch, serve
from tests.fakes.openai_server import FakeOpenAI, Reply

pytestmark = pytest.mark.browser

expect.set_options(timeout=15_000)

QUESTION = "GRU-Mem 的推理速度提升了多少？"


@pytest.fixture(scope="module")
def page_url(seed_bot: Chatbot) -> Iterator[str]:
    yield from serving(seed_bot)


def serving(bot: Chatbot) -> Iterator[str]:
    """Serve the page of a bot for as long as it is needed."""
    page, i18n = build_page(bot)
    yield launch(page, i18n, "127.0.0.1", free_port("127.0.0.1", 18_860))
    page.close(verbose=False)


def open_page(
    browser: Browser, url: str, width: int = 1280, locale: str = "zh-CN", dark: bool = False
) -> Iterator[Page]:
    """A page whose console errors, failed requests and requests to other hosts fail the test."""
    context = browser.new_context(
        viewport={"width": width, "height": 900},
        locale=locale,
        color_scheme="dark" if dark else "light",
    )
    faults: list[str] = []
    page = context.new_page()
    page.set_default_timeout(20_000)
    page.on("console", lambda m: faults.append(m.text) if m.type == "error" else None)
    page.on("pageerror", lambda error: faults.append(str(error)))
    # gradio's client ends its event stream by aborting the request
    page.on("requestfailed", lambda r: None if "/queue/data" in r.url else faults.append(r.url))
    page.on("request", lambda r: None if _local(r.url) else faults.append(f"elsewhere: {r.url}"))
    page.goto(url)
    page.wait_for_selector("#question textarea")
    yield page
    context.close()
    assert faults == []


def _local(url: str) -> bool:
    return url.startswith(("http://127.0.0.1:", "http://localhost:", "data:", "blob:"))


@pytest.fixture
def page(browser: Browser, page_url: str) -> Iterator[Page]:
    yield from open_page(browser, page_url)


def ask(page: Page, question: str) -> None:
    """Ask and wait until the answer is complete."""
    before = page.locator("#chat .by").count()
    page.fill("#question textarea", question)
    page.press("#question textarea", "Enter")
    expect(page.locator("#chat .by")).to_have_count(before + 1)


def test_a_question_is_answered_with_a_source_that_opens(page: Page) -> None:
    ask(page, QUESTION)
    expect(page.locator("#chat")).to_contain_text("400%")
    source = page.locator("#chat details", has_text="实验效果")
    expect(source.locator("blockquote").last).not_to_be_visible()
    source.locator("summary").click()
    expect(source.locator("blockquote").last).to_contain_text("推理速度大幅提升")
    expect(source).to_contain_text("2602.10560/results")


def test_a_marker_opens_its_source(page: Page) -> None:
    ask(page, QUESTION)
    page.locator("#chat a.marker").last.click()
    expect(page.locator("#chat details blockquote").last).to_be_visible()


def test_a_follow_up_is_understood(page: Page) -> None:
    ask(page, "GRU-Mem 是什么？")
    ask(page, "它的推理速度提升了多少？")
    expect(page.locator("#chat .sources").last).to_contain_text("Gated Recurrent Memory")
    expect(page.locator("#chat")).to_contain_text("400%")


def test_an_example_is_asked_by_a_click(page: Page) -> None:
    page.locator("#examples button").first.click()
    expect(page.locator("#chat .by")).to_have_count(1)
    expect(page.locator("#chat")).to_contain_text("400%")


def test_tokens_that_look_like_tags_are_readable(page: Page) -> None:
    ask(page, "DLLM-Searcher 的 <tool_call> 受控解码是什么？")
    expect(page.locator("#chat .message").last).to_contain_text("<tool_call>")


def test_a_formula_is_set_and_a_price_is_not(page: Page) -> None:
    ask(page, "公式 $y^+$ 与价格 $3 和 $6")
    question = page.locator("#chat .message").first
    expect(question.locator(".katex")).to_have_count(1)
    expect(question).to_contain_text("$3 和 $6")


def test_clearing_starts_anew(page: Page) -> None:
    ask(page, QUESTION)
    page.click("#clear")
    expect(page.locator("#chat .by")).to_have_count(0)


def test_an_empty_question_changes_nothing(page: Page) -> None:
    page.fill("#question textarea", "  ")
    page.press("#question textarea", "Enter")
    expect(page.locator("#send")).to_be_visible()
    expect(page.locator("#chat .message")).to_have_count(0)


def test_the_page_says_its_mode_and_how_to_set_a_key(page: Page) -> None:
    expect(page.locator("#header")).to_contain_text("OPENAI_API_KEY")
    expect(page.locator("#header")).to_contain_text("138 篇论文")


@pytest.mark.parametrize(("width", "dark"), [(390, False), (390, True), (1440, True)])
def test_the_page_follows_the_browsers_language_and_fits_its_width(
    browser: Browser, page_url: str, width: int, dark: bool
) -> None:
    for page in open_page(browser, page_url, width, "en-US", dark):
        expect(page.locator("#header")).to_contain_text("138 papers")
        expect(page.locator("#send")).to_have_text("Send")
        ask(page, "How precise is Bielik Guard on real user prompts?")
        assert page.evaluate("document.documentElement.scrollWidth") <= width


def bot_at(server: FakeOpenAI, seeds: Settings) -> Chatbot:
    settings = seeds.model_copy(update={"openai_base_url": server.url, "llm": "fake-model"})
    return Chatbot(settings, open_chat_model(settings))


def test_a_models_answer_streams_and_names_the_model(
    browser: Browser, seed_settings: Settings
) -> None:
    slow = Reply.text("推理速度最高提升 400% [1]。没有出处的话。", chunk=2, delay=0.1)
    with FakeOpenAI(slow) as server:
        for url in serving(bot_at(server, seed_settings)):
            for page in open_page(browser, url):
                expect(page.locator("#header")).to_contain_text("fake-model")
                page.fill("#question textarea", QUESTION)
                page.press("#question textarea", "Enter")
                expect(page.locator("#chat .steps")).to_contain_text("检索到 8 节")
                expect(page.locator("#chat")).to_contain_text("推理速度")
                expect(page.locator("#chat .by")).to_contain_text("fake-model")
                expect(page.locator("#chat .unverified")).to_contain_text("没有标明出处")


def test_a_refused_key_ends_in_an_extract_that_says_so(
    browser: Browser, seed_settings: Settings
) -> None:
    with FakeOpenAI(Reply.error(401, "no such key")) as server:
        for url in serving(bot_at(server, seed_settings)):
            for page in open_page(browser, url):
                ask(page, QUESTION)
                expect(page.locator("#chat .notice")).to_contain_text("OPENAI_API_KEY")
                expect(page.locator("#chat")).to_contain_text("400%")


def test_while_an_answer_comes_it_can_be_stopped_and_nothing_else_asked(
    browser: Browser, seed_settings: Settings
) -> None:
    with FakeOpenAI(Reply.trickle("很长" * 300, delay=0.1)) as server:
        for url in serving(bot_at(server, seed_settings)):
            for page in open_page(browser, url):
                page.fill("#question textarea", QUESTION)
                page.press("#question textarea", "Enter")
                expect(page.locator("#chat")).to_contain_text("很长")
                expect(page.locator("#question textarea")).to_be_disabled()
                page.click("#stop")
                expect(page.locator("#send")).to_be_visible()
                expect(page.locator("#question textarea")).to_be_enabled()


def test_the_page_is_served_to_this_machine_only(settings: Settings) -> None:
    with pytest.raises(ConfigurationError, match="this machine only"):
        serve(settings, host="192.0.2.1")


def test_a_taken_port_is_passed_over(page_url: str) -> None:
    taken = int(page_url.rstrip("/").rpartition(":")[2])
    assert free_port("127.0.0.1", taken) > taken
