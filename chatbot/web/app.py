"""Serving the page: where it listens, how it looks, and following an index that others change."""

import contextlib
import logging
import socket
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from threading import Event, Thread
from typing import cast

import gradio as gr
import matplotlib as mpl
import uvicorn
from fastapi import FastAPI
from gradio.routes import App
from prometheus_client import CollectorRegistry
from sqlalchemy import Engine
from starlette.middleware import Middleware
from starlette.routing import Mount

from chatbot.answering.engine import ReportQueryEngine
from chatbot.answering.instrumentation import AnswerLog
from chatbot.bot import Chatbot, ensure_index, open_model
from chatbot.config import Settings
from chatbot.database.opening import open_database
from chatbot.errors import ChatbotError, ConfigurationError
from chatbot.guardrails.limits import LARGEST_REPORT
from chatbot.index.generation import complete_vectors
from chatbot.index.ingestion import bring_up_to_date
from chatbot.index.sharing import SharedIndex
from chatbot.index.storage import usable_manifest
from chatbot.index.watching import watch_folder
from chatbot.llm.budget import price_of
from chatbot.store.accounts import users_of
from chatbot.telemetry.logs import configure_logging, printed_to_log
from chatbot.telemetry.tracing import tracing
from chatbot.web.auth import SignIn, user_of
from chatbot.web.gate import EVERYONE_HERE, LOOPBACK, Access, gated, with_own_page
from chatbot.web.health import Metrics, health_of
from chatbot.web.page import build_page

logger = logging.getLogger(__name__)
_EVERY = 0.5
_SAID_EVERY = 1_000


def follow(settings: Settings, database: Engine, changed: Callable[[], object]) -> Event:
    """Bring the data folder to each new generation of the shared index, until the event is set.

    After each `changed` is called, from the same thread. What fails is logged and tried again.
    """
    stopped = Event()

    def following() -> None:
        shared, told = SharedIndex(database), ""
        while not stopped.wait(_EVERY):
            try:
                here = usable_manifest(settings.data_dir)
                if shared.newest() != (here and here.generation):
                    bring_up_to_date(settings, shared)
                    changed()
                told = ""
            except ChatbotError as error:
                if str(error) != told:
                    logger.warning("the shared index cannot be followed: %s", error)
                told = str(error)

    if settings.chroma_url and settings.database_url:
        Thread(target=following, name="index-follower", daemon=True).start()
    return stopped


def _embed(settings: Settings) -> None:
    """Embed what has no vector yet; meanwhile words alone answer."""
    said = 0

    def told(stage: str, done: int, total: int) -> None:
        nonlocal said
        if done == total or done - said >= _SAID_EVERY:
            said = done
            logger.info("%s: %d of %d sections", stage, done, total)

    try:
        complete_vectors(settings, progress=told)
    except ChatbotError as error:
        logger.warning("words answer alone, since vectors are missing: %s", error)


_LOOPBACK = {"127.0.0.1", "localhost", "::1"}
_EVERYWHERE = {"0.0.0.0", "::"}  # noqa: S104 - looked for, not listened on
_PORTS_TRIED = 50
# Seconds for what streams when the page is closed.
_TO_END = 5
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


def _bracketed(host: str) -> str:
    """A host as it stands in addresses."""
    return f"[{host}]" if ":" in host else host


def serve(settings: Settings, host: str = "127.0.0.1", port: int = 7860) -> None:
    """Serve the page on the first free port from `port` on, and watch, until interrupted.

    Raises:
        ConfigurationError: `host` is not this machine alone and nobody is set up to sign in, no
            port is free, or there is no such folder to watch.
    """
    if settings.watch and not settings.watch.is_dir():
        raise ConfigurationError(f"CHATBOT_WATCH: {settings.watch} is no folder; make it")
    questions = settings.log_questions == "on"
    configure_logging(settings.log, questions=questions)
    with printed_to_log(questions=questions), tracing(settings.otlp_endpoint):
        database = open_database(settings)
        access = access_of(settings, host, database)
        ensure_index(settings, vectors=False)
        Thread(target=_embed, args=(settings,), name="vectors", daemon=True).start()
        metrics = Metrics(CollectorRegistry(), price_of(settings.llm))
        bot = Chatbot(settings, open_model(settings, database), [metrics, AnswerLog()])
        vitals = health_of(bot, database, metrics)
        access = replace(access, open_routes=vitals.open_routes, routes=vitals.routes)
        page, i18n = build_page(bot, database)
        warm_up(bot)
        follow(settings, database, lambda: bot.index)
        with (
            served(page, i18n, host, free_port(host, port), access) as address,
            contextlib.suppress(KeyboardInterrupt),
        ):
            print(f"论文日报问答已就绪 / ready: {address}", flush=True)  # noqa: T201 - it is what was asked for
            for line in watch_folder(settings, settings.watch) if settings.watch else ():
                level = logging.WARNING if line.startswith("error: ") else logging.INFO
                logger.log(level, "watched folder: %s", line)
            Event().wait()


def access_of(settings: Settings, host: str, database: Engine) -> Access:
    """Who may see the page where it listens on `host`, and under which names.

    Raises:
        ConfigurationError: it would be open to others without a sign-in, there are no users, or
            no name is given for a page that listens everywhere.
    """
    public, users = host not in _LOOPBACK, users_of(settings, database)
    what = f"--host {host}" if public else "CHATBOT_HOSTS"
    if users is None:
        if public or settings.hosts:
            raise ConfigurationError(
                f"{what}: without a sign-in the page is for this machine only; set CHATBOT_AUTH to "
                "a file for its users and make them with 'chatbot user add NAME'"
            )
        return Access()
    if not users.names():
        where = "the database" if settings.database_url else f"CHATBOT_AUTH: {settings.auth}"
        if settings.auth or public or settings.hosts:
            raise ConfigurationError(f"{where} has no users; make one with 'chatbot user add NAME'")
        return Access()
    if host in _EVERYWHERE and not settings.hosts:
        raise ConfigurationError(
            f"--host {host}: set CHATBOT_HOSTS to the names or addresses the page is reached by, "
            "such as chat.example.org"
        )
    own = [_bracketed(host)] if public and host not in _EVERYWHERE else []
    return Access((*LOOPBACK, *own, *settings.hosts), SignIn(users, database))


@contextlib.contextmanager
def served(
    page: gr.Blocks, i18n: gr.I18n, host: str, port: int, access: Access = EVERYONE_HERE
) -> Iterator[str]:
    """Serve the page in the background, with nothing that is loaded from another host.

    Yields its address. What then still streams is ended, and has five seconds to do so.

    Raises:
        ConfigurationError: it cannot listen there; the log says why.
    """
    app = _application(page, i18n, access)
    config = uvicorn.Config(app, host, port, log_config=None, log_level="warning")
    config.timeout_graceful_shutdown = _TO_END
    server = uvicorn.Server(config)
    thread = Thread(target=server.run, name="server", daemon=True)
    thread.start()
    while not server.started:
        thread.join(0.01)
        if not thread.is_alive():
            raise ConfigurationError(f"--host {host} --port {port}: the page cannot listen there")
    try:
        # Of 0.0.0.0 no browser makes anything.
        yield f"http://{'localhost' if host == '0.0.0.0' else _bracketed(host)}:{port}"  # noqa: S104
    finally:
        page.close(verbose=False)
        server.should_exit = True
        thread.join()


def _application(page: gr.Blocks, i18n: gr.I18n, access: Access) -> FastAPI:
    """The page in an application of ours, behind the gate."""
    app = FastAPI(openapi_url=None, middleware=[Middleware(gated, access)])
    gr.mount_gradio_app(
        app,
        page,
        "/",
        footer_links=[],
        run_history=False,
        app_kwargs={"middleware": [Middleware(with_own_page)]},
        auth_dependency=user_of if access.sign_in else None,
        show_error=False,
        max_file_size=_ROOM * LARGEST_REPORT,
        i18n=i18n,
        mcp_server=True,
        theme=_theme(),
        css_paths=sorted(_FOLDER.glob("*.css")),
    )
    # So that closing the page ends what it streams: by itself it knows only an app never served.
    page.app = cast(App, cast(Mount, app.routes[-1]).app)
    return app


def _theme() -> gr.themes.Base:
    # The theme's own greys and indigos fall short of WCAG's contrast (AA, 4.5 to 1).
    return gr.themes.Soft(
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


def warm_up(bot: Chatbot) -> None:
    """Load what the first question would have to wait for; no model is asked."""
    # gradio asks at each event which it is; where none is set, matplotlib loads all to find one.
    mpl.use("agg")
    for question in _FIRST:
        ReportQueryEngine(bot.index).query(question)


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
