"""The page served over the shipped reports, and Chromium to look at it with."""

import contextlib
import os
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, Page, expect

from chatbot.bot import Chatbot
from chatbot.config import Settings
from chatbot.database.opening import open_database
from chatbot.web.app import free_port, served
from chatbot.web.gate import EVERYONE_HERE, Access
from chatbot.web.page import build_page

expect.set_options(timeout=30_000)

# Tests may run side by side; each worker looks for free ports of its own.
_WORKER = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
FIRST_PORT = 18_860 + 100 * _WORKER

OpenPage = Callable[..., AbstractContextManager[Page]]


@contextlib.contextmanager
def serving(bot: Chatbot, folder: Path, access: Access = EVERYONE_HERE) -> Iterator[str]:
    """Serve the page of a bot for as long as it is needed; conversations are kept in `folder`."""
    database = open_database(bot.settings.model_copy(update={"data_dir": folder}))
    page, i18n = build_page(bot, database)
    with served(page, i18n, "127.0.0.1", free_port("127.0.0.1", FIRST_PORT), access) as url:
        yield url
    database.dispose()


@pytest.fixture(scope="module")
def page_url(seed_bot: Chatbot, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of the page over the shipped reports, without a model."""
    with serving(seed_bot, tmp_path_factory.mktemp("conversations")) as url:
        yield url


@pytest.fixture
def open_page(browser: Browser, page_url: str) -> OpenPage:
    """Opens a page whose console errors, failed requests and foreign requests fail the test."""

    @contextlib.contextmanager
    def opened(
        url: str = page_url,
        query: str = "",
        width: int = 1440,
        locale: str = "zh-CN",
        dark: bool = False,
    ) -> Iterator[Page]:
        context = browser.new_context(
            viewport={"width": width, "height": 900},
            locale=locale,
            color_scheme="dark" if dark else "light",
            accept_downloads=True,
        )
        faults: list[str] = []

        def noted(fault: str) -> None:
            # What leaving the page interrupts; a request that fails otherwise is noted as such.
            if "AbortError" not in fault and "Connection errored out" not in fault:
                faults.append(fault)

        page = context.new_page()
        page.set_default_timeout(20_000)
        page.on("console", lambda m: noted(m.text) if m.type == "error" else None)
        page.on("pageerror", lambda error: noted(str(error)))
        # gradio's client ends its event stream by aborting the request
        # and leaving the page aborts what is under way
        aborted = "net::ERR_ABORTED"
        page.on(
            "requestfailed",
            lambda r: None if _stream(r.url) or r.failure == aborted else faults.append(r.url),
        )
        page.on("request", lambda r: None if _local(r.url) else faults.append(f"away: {r.url}"))
        page.goto(f"{url}/{query}")
        # What the page is filled with when it is loaded comes last with the number of papers.
        page.wait_for_function("/\\d/.test(document.querySelector('#corpus')?.innerText)")
        yield page
        context.close()
        assert faults == []

    return opened


@pytest.fixture
def page(open_page: OpenPage) -> Iterator[Page]:
    """The page in Chinese, 1440 px wide, light."""
    with open_page() as opened:
        yield opened


def _stream(url: str) -> bool:
    return any(part in url for part in ("/queue/data", "/heartbeat/", "/upload_progress"))


def _local(url: str) -> bool:
    parts = urlsplit(url)
    return parts.scheme in {"data", "blob"} or parts.hostname in {"127.0.0.1", "localhost"}


def bot_with_model(seeds: Settings, url: str) -> Chatbot:
    """A chatbot over the shipped reports that asks the model at `url`."""
    from chatbot.llm.client import open_chat_model

    settings = seeds.model_copy(update={"openai_base_url": url, "llm": "fake-model"})
    return Chatbot(settings, open_chat_model(settings))


def ask(page: Page, question: str) -> None:
    """Ask and wait until the answer is complete."""
    before = page.locator("#chat .by").count()
    page.fill("#question textarea", question)
    page.press("#question textarea", "Enter")
    expect(page.locator("#chat .by")).to_have_count(before + 1)


def at_rest(page: Page) -> Page:
    """The page once nothing fades or moves any more: contrast is measured on what stays."""
    page.wait_for_function(
        "document.getAnimations().every(a => a.effect.getTiming().iterations === Infinity"
        " || a.playState !== 'running')"
    )
    return page
