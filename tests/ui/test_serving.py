"""Where the page listens, and which language it comes in."""

import httpx
import pytest

from chatbot.config import Settings
from chatbot.errors import ConfigurationError
from chatbot.ui.language import COOKIE, language_of_visitor
from chatbot.ui.serving import free_port, serve


def test_the_page_is_served_to_this_machine_only(settings: Settings) -> None:
    with pytest.raises(ConfigurationError, match="this machine only"):
        serve(settings, host="192.0.2.1")


def test_a_taken_port_is_passed_over(page_url: str) -> None:
    taken = int(page_url.rstrip("/").rpartition(":")[2])
    assert free_port("127.0.0.1", taken) > taken


@pytest.mark.parametrize(
    ("headers", "language"),
    [
        ({}, "zh"),
        ({"accept-language": "zh-TW,zh;q=0.9,en;q=0.8"}, "zh"),
        ({"accept-language": "en-GB,en;q=0.9"}, "en"),
        ({"accept-language": "fr-FR,en;q=0.5"}, "en"),
        ({"accept-language": "en", "cookie": f"a=b; {COOKIE}=zh"}, "zh"),
        ({"accept-language": "en", "cookie": f"{COOKIE}=<script>"}, "en"),
    ],
)
def test_the_switch_wins_then_the_browsers_languages(
    headers: dict[str, str], language: str
) -> None:
    assert language_of_visitor(headers) == language


def test_the_page_names_its_language_and_only_a_chosen_one_overrides_the_browsers(
    page_url: str,
) -> None:
    asked = httpx.get(page_url, headers={"accept-language": "en"}).text
    chosen = httpx.get(page_url, headers={"accept-language": "en", "cookie": f"{COOKIE}=zh"}).text
    assert '<html\n\tlang="en"' in asked
    assert "defineProperty(navigator" not in asked
    assert '<html\n\tlang="zh-CN"' in chosen
    assert "defineProperty(navigator" in chosen
