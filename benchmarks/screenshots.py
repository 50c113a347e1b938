"""`make screenshots`: the page as it looks, into docs/screenshots.

Each part at 390 and 1440 px, light and dark, in Chinese and English. Without a model; the evals
page shows a run of a few items made for it.
"""

import itertools
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from playwright.sync_api import Browser, Page, sync_playwright

from chatbot.bot import Chatbot, ensure_index
from chatbot.config import PROJECT_ROOT, Settings
from chatbot.database.opening import open_database
from chatbot.web.app import free_port, served
from chatbot.web.page import build_page

FOLDER = PROJECT_ROOT / "docs" / "screenshots"
FLAGS = ("--no-sandbox", "--disable-gpu", "--force-color-profile=srgb")
SHAPES = list(itertools.product((390, 1440), ("light", "dark"), ("zh-CN", "en-US")))
QUESTIONS = {
    "zh-CN": "GRU-Mem 的推理速度提升了多少？",
    "en-US": "How precise is Bielik Guard on real user prompts?",
}


def main() -> None:
    """Take all screenshots anew."""
    chromium = shutil.which("chromium")
    if chromium is None:
        sys.exit("no Chromium: apt-get install chromium fonts-noto-cjk")
    with tempfile.TemporaryDirectory() as folder:
        settings = Settings(CHATBOT_DATA_DIR=Path(folder))
        ensure_index(settings)
        _run_evals(folder)
        page, i18n = build_page(Chatbot.open(settings), open_database(settings))
        with (
            served(page, i18n, "127.0.0.1", free_port("127.0.0.1", 18_700)) as url,
            sync_playwright() as playwright,
        ):
            browser = playwright.chromium.launch(executable_path=chromium, args=list(FLAGS))
            for width, colours, locale in SHAPES:
                _shoot(browser, url, (width, colours, locale))
            browser.close()


def _run_evals(folder: str) -> None:
    command = [sys.executable, "-m", "chatbot", "eval", "answers", "citations", "--limit", "12"]
    environment = {"CHATBOT_DATA_DIR": folder, "PATH": "/usr/bin:/bin"}
    subprocess.run(command, env=environment, capture_output=True, check=False, cwd=PROJECT_ROOT)


def _shoot(browser: Browser, url: str, shape: tuple[int, str, str]) -> None:
    width, colours, locale = shape
    for name, show in PARTS.items():
        context = browser.new_context(
            viewport={"width": width, "height": 844 if width < 600 else 900},
            locale=locale,
            color_scheme="dark" if colours == "dark" else "light",
        )
        page = context.new_page()
        page.goto(f"{url}/")
        page.wait_for_function("/\\d/.test(document.querySelector('#corpus')?.innerText)")
        show(page, locale)
        page.wait_for_timeout(1500)
        file = FOLDER / f"{name}-{width}-{colours}-{locale[:2]}.jpg"
        page.screenshot(path=file, type="jpeg", quality=70)
        context.close()


def _tab(number: int) -> Callable[[Page, str], None]:
    def opened(page: Page, _locale: str) -> None:
        # At 390 px the last tabs are behind a button.
        tab = page.get_by_role("tab").nth(number)
        if not tab.is_visible():
            page.locator(".overflow-menu button").first.click()
            tab = page.locator(".overflow-dropdown button").nth(number - 5)
        tab.click()

    return opened


def _answer(page: Page, locale: str) -> None:
    page.fill("#question textarea", QUESTIONS[locale])
    page.press("#question textarea", "Enter")
    page.wait_for_selector("#chat .by")


def _source(page: Page, locale: str) -> None:
    _answer(page, locale)
    page.locator("#chat a.marker").first.click()


def _comparison(page: Page, _locale: str) -> None:
    page.goto(f"{page.url.partition('?')[0]}?compare=2602.10560,2602.05327")
    page.wait_for_selector("#compare-answer table")


def _paper(page: Page, _locale: str) -> None:
    page.goto(f"{page.url.partition('?')[0]}?paper=2602.10560")


PARTS: dict[str, Callable[[Page, str], None]] = {
    "chat": _answer,
    "source": _source,
    "compare": _comparison,
    "browse": _tab(2),
    "paper": _paper,
    "reports": _tab(3),
    "evals": _tab(4),
}

if __name__ == "__main__":
    main()
