"""Where the page listens, and which language it comes in."""

import contextlib
import socket

import gradio as gr
import httpx
import pytest

from chatbot.config import Settings
from chatbot.errors import ConfigurationError
from chatbot.web.app import free_port, serve, served
from chatbot.web.locales import COOKIE, language_of_visitor
from tests.web.conftest import FIRST_PORT

MCP = {"jsonrpc": "2.0", "id": 1, "method": "ping"}
ACCEPTED = "application/json, text/event-stream"


def test_the_page_is_served_to_this_machine_only(settings: Settings) -> None:
    with pytest.raises(ConfigurationError, match="this machine only"):
        serve(settings, host="192.0.2.1")


def test_a_taken_port_is_passed_over(page_url: str) -> None:
    taken = int(page_url.rstrip("/").rpartition(":")[2])
    assert free_port("127.0.0.1", taken) > taken


@pytest.fixture
def nothing() -> gr.Blocks:
    """A page with a text on it."""
    with gr.Blocks() as page:
        gr.Markdown("x")
    return page


# uvicorn ends its thread by SystemExit.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_port_taken_meanwhile_is_one_line(nothing: gr.Blocks, page_url: str) -> None:
    taken = int(page_url.rpartition(":")[2])
    with (
        pytest.raises(ConfigurationError, match=f"--port {taken}: the page cannot listen there"),
        served(nothing, gr.I18n(), "127.0.0.1", taken),
    ):
        pass


def test_what_still_streams_is_ended_and_not_broken_off_when_the_page_is_closed(
    nothing: gr.Blocks,
) -> None:
    with httpx.Client(timeout=60) as client, contextlib.ExitStack() as stack:
        port = free_port("127.0.0.1", FIRST_PORT)
        with served(nothing, gr.I18n(), "127.0.0.1", port) as url:
            beats = stack.enter_context(client.stream("GET", f"{url}/gradio_api/heartbeat/x"))
            lines = beats.iter_lines()
            assert next(lines) == "data: ALIVE"
        assert [line for line in lines if line] == []


@pytest.mark.parametrize(
    ("headers", "language"),
    [
        ({}, "zh"),
        ({"accept-language": "zh-TW,zh;q=0.9,en;q=0.8"}, "zh"),
        ({"accept-language": "en-GB,en;q=0.9"}, "en"),
        ({"accept-language": "fr-FR,en;q=0.5"}, "en"),
        ({"accept-language": "en", "cookie": f"a=b; {COOKIE}=zh"}, "zh"),
        ({"accept-language": "en", "cookie": f"{COOKIE}=<script>"}, "en"),
        ({"accept-language": "en", "cookie": "a/b=1"}, "en"),
        ({"accept-language": "en", "cookie": f"a/b=1; {COOKIE}=zh; c"}, "zh"),
        ({"accept-language": "en", "cookie": f'a={{"b": [1, "c"]}}; {COOKIE}=zh'}, "zh"),
        ({"accept-language": "en", "cookie": f'{COOKIE}=zh; a={{"b": [1, "c"]}}'}, "zh"),
        ({"accept-language": "en", "cookie": f"{COOKIE}="}, "en"),
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


def test_a_cookie_of_another_application_does_not_keep_the_page_from_coming(page_url: str) -> None:
    assert httpx.get(page_url, headers={"cookie": "a/b=1"}).status_code == 200


def has_ipv6() -> bool:
    """Whether this machine has a loopback of IPv6."""
    with contextlib.suppress(OSError), socket.socket(socket.AF_INET6) as probe:
        probe.bind(("::1", 0))
        return True
    return False


def answered(page_url: str, path: str, host: str) -> int:
    """The status a path answers with when asked under a host's name."""
    headers = {"host": host, "accept": ACCEPTED}
    if "mcp" in path:
        return httpx.post(page_url + path, headers=headers, json=MCP).status_code
    return httpx.get(page_url + path, headers=headers).status_code


@pytest.mark.skipif(not has_ipv6(), reason="no IPv6 on this machine")
def test_the_page_can_be_served_over_ipv6(nothing: gr.Blocks) -> None:
    with served(nothing, gr.I18n(), "::1", free_port("::1", FIRST_PORT + 1_000)) as url:
        assert url.startswith("http://[::1]:")
        assert httpx.get(url).status_code == 200


@pytest.mark.parametrize("path", ["/", "/gradio_api/info", "/gradio_api/mcp/"])
def test_the_page_answers_to_the_names_of_this_machine_only(page_url: str, path: str) -> None:
    port = page_url.rpartition(":")[2]
    own = ("127.0.0.1", "localhost", "LOCALHOST", "[::1]")
    for host in (*own, *(f"{name}:{port}" for name in own)):
        assert (host, answered(page_url, path, host)) == (host, 200)
    foreign = ("evil.example", f"evil.example:{port}", "127.0.0.1.evil.example", "localhost@evil")
    for host in (*foreign, "192.0.2.1", "[::2]", "127.0.0.1:80:evil.example", "::1", ""):
        assert (host, answered(page_url, path, host)) == (host, 400)
