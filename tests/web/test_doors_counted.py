"""What is counted of the page's own doors: an answer stopped, a comparison."""

import threading
from pathlib import Path

import pytest
from playwright.sync_api import expect
from prometheus_client import CollectorRegistry

from chatbot.answering.instrumentation import Outcome
from chatbot.bot import Chatbot
from chatbot.config import Settings
from chatbot.llm.client import open_chat_model
from chatbot.web.health import Metrics
from tests.fakes.openai_server import FakeOpenAI, Reply
from tests.web.conftest import OpenPage, serving


class Over:
    """Tells that a question is no longer worked on."""

    def __init__(self) -> None:
        self.ended_one = threading.Event()

    def began(self) -> None:
        pass

    def ended(self, outcome: Outcome) -> None:
        self.ended_one.set()


@pytest.mark.browser
def test_an_answer_stopped_on_the_page_is_counted_as_stopped_and_is_no_longer_worked_on(
    open_page: OpenPage, seed_settings: Settings, tmp_path: Path
) -> None:
    registry, over = CollectorRegistry(), Over()
    with FakeOpenAI(Reply.trickle("很长的回答。" * 200, 0.05)) as server:
        settings = seed_settings.model_copy(update={"openai_base_url": server.url})
        bot = Chatbot(settings, open_chat_model(settings), [Metrics(registry), over])
        with serving(bot, tmp_path) as url, open_page(url) as page:
            page.fill("#question textarea", "GRU-Mem 的推理速度提升了多少？")
            page.press("#question textarea", "Enter")
            expect(page.locator("#chat")).to_contain_text("很长的回答")
            page.click("#stop")
            expect(page.locator("#send")).to_be_visible()
            assert over.ended_one.wait(30)
            assert registry.get_sample_value("chatbot_stopped_total", {"door": "page"}) == 1
            assert registry.get_sample_value("chatbot_questions_in_progress") == 0


@pytest.mark.browser
def test_a_comparison_on_the_page_is_counted_by_its_door(
    open_page: OpenPage, seed_settings: Settings, tmp_path: Path
) -> None:
    registry = CollectorRegistry()
    bot = Chatbot(seed_settings, None, [Metrics(registry)])
    query = "?compare=2602.10560,2602.06034"
    with serving(bot, tmp_path) as url, open_page(url, query) as page:
        expect(page.locator("#compare table")).to_be_visible()
    kinds = {"intent": "compare", "language": "zh", "mode": "extractive", "door": "compare"}
    assert registry.get_sample_value("chatbot_questions_total", kinds) == 1
