"""Serving the page: where it listens, and how it looks."""

import contextlib
import socket
import sys
from pathlib import Path

import gradio as gr
import matplotlib as mpl
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware

from chatbot.answer.engine import answer_events
from chatbot.bot import Chatbot
from chatbot.config import Settings
from chatbot.database.schema import open_database
from chatbot.errors import ConfigurationError
from chatbot.limits import LARGEST_REPORT
from chatbot.retrieval.understanding import understand
from chatbot.ui.language import LanguageMiddleware
from chatbot.ui.page import build_page

_LOOPBACK = {"127.0.0.1", "localhost", "::1"}
# A site elsewhere can have its name resolve to this machine; its pages then ask under that name.
_OWN_HOSTS_ONLY = Middleware(
    TrustedHostMiddleware,
    allowed_hosts=["127.0.0.1", "localhost", "[::1]"],
    www_redirect=False,
)
_PORTS_TRIED = 50
# A file somewhat too large still arrives, so that the page can say what is wrong with it.
_ROOM = 4
# A list, something no report has, and a look-up in each language: each loads what others do not.
_FIRST = (
    "哪些论文研究大语言模型？",
    "明天火星上的天气怎么样？",
    "What is its accuracy?",
    "效果怎么样？",
)
_FOLDER = Path(__file__).parent


def serve(settings: Settings, host: str = "127.0.0.1", port: int = 7860) -> None:
    """Serve the page until interrupted, on the first free port from `port` on.

    Raises:
        ConfigurationError: `host` is not this machine alone, or no port is free.
    """
    if host not in _LOOPBACK:
        raise ConfigurationError(
            f"--host {host}: the page has no sign-in yet and listens on this machine only; "
            "use 127.0.0.1"
        )
    bot = Chatbot.open(settings)
    page, i18n = build_page(bot, open_database(settings))
    warm_up(bot)
    address = launch(page, i18n, host, free_port(host, port))
    print(f"论文日报问答已就绪 / ready: {address}", flush=True)  # noqa: T201 - it is what was asked for
    page.block_thread()


def launch(page: gr.Blocks, i18n: gr.I18n, host: str, port: int) -> str:
    """Start serving in the background, with nothing that is loaded from another host.

    Returns:
        The page's address.
    """
    # The theme's own greys and indigos fall short of WCAG's contrast (AA, 4.5 to 1).
    theme = gr.themes.Soft(
        primary_hue="indigo",
        neutral_hue="slate",
        font=["system-ui", "Noto Sans CJK SC", "PingFang SC", "Microsoft YaHei", "sans-serif"],
        font_mono=["ui-monospace", "Consolas", "monospace"],
    ).set(
        body_text_color_subdued="*neutral_600",
        body_text_color_subdued_dark="*neutral_300",
        block_info_text_color="*neutral_600",
        block_info_text_color_dark="*neutral_300",
        block_title_text_color="*primary_700",
        input_placeholder_color="*neutral_600",
        input_border_color="*neutral_400",
        input_border_color_dark="*neutral_500",
        checkbox_border_color="*neutral_500",
        checkbox_border_color_dark="*neutral_400",
        input_placeholder_color_dark="*neutral_300",
        button_primary_background_fill="*primary_600",
        block_title_text_color_dark="white",
        block_label_text_color="*primary_700",
        block_label_text_color_dark="white",
        link_text_color_dark="*primary_300",
        link_text_color_hover_dark="*primary_200",
        link_text_color_visited_dark="*primary_300",
    )
    # Standard output is for the one line with the address; gradio tells of its MCP server there.
    with contextlib.redirect_stdout(sys.stderr):
        _, address, _ = page.launch(
            # In brackets, or gradio asks itself at an address that is none.
            server_name=f"[{host}]" if ":" in host else host,
            server_port=port,
            prevent_thread_lock=True,
            quiet=True,
            share=False,
            footer_links=[],
            run_history=False,
            theme=theme,
            css_paths=sorted(_FOLDER.glob("*.css")),
            i18n=i18n,
            mcp_server=True,
            max_file_size=_ROOM * LARGEST_REPORT,
            app_kwargs={"middleware": [_OWN_HOSTS_ONLY, Middleware(LanguageMiddleware)]},
        )
    return address.rstrip("/")


def warm_up(bot: Chatbot) -> None:
    """Load what the first question would have to wait for; no model is asked."""
    # gradio asks at each event which it is; where none is set, matplotlib loads all to find one.
    mpl.use("agg")
    for question in _FIRST:
        *_, _ = answer_events(bot.index, understand(question, bot.index.catalogue), None)


def free_port(host: str, first: int) -> int:
    """The first port from `first` on that nothing listens on.

    Raises:
        ConfigurationError: none of the next fifty is free.
    """
    for port in range(first, first + _PORTS_TRIED):
        with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((host, port))
            except OSError:
                continue
            return port
    raise ConfigurationError(f"--port {first}: none of {_PORTS_TRIED} ports from there is free")
