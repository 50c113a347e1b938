"""The chat page: layout, events, and serving it."""

import logging
import socket
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import gradio as gr

from chatbot.answer.models import Answer, Event, Restart, Step, TextDelta
from chatbot.bot import Chatbot
from chatbot.config import Settings
from chatbot.errors import ChatbotError, ConfigurationError
from chatbot.retrieval.models import Language, Message
from chatbot.retrieval.understanding import language_of
from chatbot.ui.rendering import LATEX_DELIMITERS, render_answer, render_steps, safe_markdown
from chatbot.ui.wording import EXAMPLES, WORDING, Wording

logger = logging.getLogger(__name__)

_LOOPBACK = {"127.0.0.1", "localhost", "::1"}
_UPDATE_SECONDS = 0.1
_PORTS_TRIED = 50
_CONCURRENCY = 16
_CSS = Path(__file__).with_name("page.css")

Messages = list[dict[str, Any]]
Turns = list[dict[str, Any]]


@dataclass
class _Asked:
    """How many questions a reader has asked in this session; the newest one has the page."""

    count: int = 0


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
    page, i18n = build_page(Chatbot.open(settings))
    address = launch(page, i18n, host, free_port(host, port))
    print(f"论文日报问答已就绪 / ready: {address}", flush=True)  # noqa: T201 - it is what was asked for
    page.block_thread()


def launch(page: gr.Blocks, i18n: gr.I18n, host: str, port: int) -> str:
    """Start serving in the background, with nothing that is loaded from another host.

    Returns:
        The page's address.
    """
    theme = gr.themes.Soft(
        primary_hue="indigo",
        neutral_hue="slate",
        font=["system-ui", "Noto Sans CJK SC", "PingFang SC", "Microsoft YaHei", "sans-serif"],
        font_mono=["ui-monospace", "Consolas", "monospace"],
    )
    _, address, _ = page.launch(
        server_name=host,
        server_port=port,
        prevent_thread_lock=True,
        quiet=True,
        share=False,
        footer_links=[],
        run_history=False,
        theme=theme,
        css_paths=_CSS,
        i18n=i18n,
    )
    return address.rstrip("/")


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


def build_page(bot: Chatbot) -> tuple[gr.Blocks, gr.I18n]:
    """The page over a chatbot, not yet served, and its texts."""
    i18n = gr.I18n(**_translations(bot))
    with gr.Blocks(title=i18n("title"), analytics_enabled=False, fill_height=True) as page:
        turns = gr.State([])
        with gr.Column(elem_id="page"):
            gr.Markdown(i18n("header"), elem_id="header")
            chat = gr.Chatbot(
                show_label=False,
                elem_id="chat",
                height="calc(100dvh - 300px)",
                min_height=360,
                scale=1,
                layout="panel",
                latex_delimiters=LATEX_DELIMITERS,
                buttons=["copy"],
                line_breaks=False,
                placeholder="\n\n".join(wording.about for wording in WORDING.values()),
            )
            with gr.Row(elem_id="ask"):
                box = gr.Textbox(
                    label=i18n("question"),
                    show_label=False,
                    placeholder=i18n("placeholder"),
                    elem_id="question",
                    scale=1,
                    autofocus=True,
                    max_lines=6,
                )
                send = gr.Button(i18n("send"), variant="primary", elem_id="send", scale=0)
                stop = gr.Button(i18n("stop"), visible=False, elem_id="stop", scale=0)
                clear = gr.Button(i18n("clear"), elem_id="clear", scale=0)
            with gr.Row(elem_id="examples"):
                examples = [gr.Button(text, size="sm") for text in EXAMPLES]
        _wire(bot, (turns, chat, box), (send, stop, clear), examples)
    page.queue(default_concurrency_limit=_CONCURRENCY)
    return page, i18n


def _wire(
    bot: Chatbot,
    fields: tuple[gr.State, gr.Chatbot, gr.Textbox],
    buttons: tuple[gr.Button, gr.Button, gr.Button],
    examples: list[gr.Button],
) -> None:
    """Connect the parts: a question is shown at once, then its answer streams in."""
    turns, chat, box = fields
    latest = gr.State(_Asked())
    send, stop, clear = buttons

    def reply(
        messages: Messages, earlier: Turns, asked: _Asked
    ) -> Iterator[tuple[Messages, Turns]]:
        mine = asked.count
        for update in _reply(bot, messages, earlier):
            if asked.count != mine:  # a newer question has the page now
                return
            yield update

    asking = [(box.submit, box), (send.click, box), *((e.click, e) for e in examples)]
    running = []
    for trigger, source in asking:
        asked = trigger(
            _ask,
            [source, chat, latest],
            [chat, box, send, stop],
            queue=False,
            api_visibility="private",
        )
        answered = asked.then(
            reply,
            [chat, turns, latest],
            [chat, turns],
            trigger_mode="multiple",
            api_visibility="private",
        )
        answered.then(_idle, None, [send, stop], queue=False, api_visibility="private")
        running.append(answered)
    stop.click(_idle, None, [send, stop], cancels=running, queue=False, api_visibility="private")
    clear.click(
        lambda: ([], [], *_idle()),
        None,
        [chat, turns, send, stop],
        cancels=running,
        queue=False,
        api_visibility="private",
    )


def _ask(question: str, messages: Messages, latest: _Asked) -> tuple[Messages, str, Any, Any]:
    """Show the question; an empty one changes nothing."""
    if not question.strip():
        return messages, "", gr.skip(), gr.skip()
    latest.count += 1
    asked = {"role": "user", "content": safe_markdown(question), "metadata": {"id": question}}
    return [*messages, asked], "", gr.update(visible=False), gr.update(visible=True)


def _idle() -> tuple[Any, Any]:
    """The buttons while nothing runs."""
    return gr.update(visible=True), gr.update(visible=False)


def _reply(bot: Chatbot, messages: Messages, earlier: Turns) -> Iterator[tuple[Messages, Turns]]:
    """Stream the answer to the last question; what the model reads later is the plain answer."""
    if not messages or messages[-1]["role"] != "user":
        return
    question = str((messages[-1].get("metadata") or {}).get("id") or "")
    history = [Message(**turn) for turn in earlier]
    language = language_of(question)
    try:
        for shown, answer in _shown(bot.ask(question, history), WORDING[language], len(messages)):
            asked = [asdict(Message("user", question)), asdict(Message("assistant", answer))]
            done = [*earlier, *asked] if answer else earlier
            yield [*messages, {"role": "assistant", "content": shown}], done
    except ChatbotError as error:
        yield _failed(messages, str(error), language), earlier
    except Exception:
        logger.exception("a question was not answered")
        yield _failed(messages, "…", language), earlier


def _shown(events: Iterator[Event], wording: Wording, turn: int) -> Iterator[tuple[str, str]]:
    """What to show after each event worth showing, and the finished answer's own text."""
    steps: list[Step] = []
    text, due = "", 0.0
    for event in events:
        match event:
            case Step():
                steps.append(event)
            case TextDelta():
                text += event.text
            case Restart():
                text = ""
            case Answer():
                yield render_answer(event, turn), event.markdown
                return
        if time.monotonic() >= due:
            due = time.monotonic() + _UPDATE_SECONDS
            yield f"{safe_markdown(text)}\n\n{render_steps(steps, wording)}".strip(), ""


def _failed(messages: Messages, error: str, language: Language) -> Messages:
    text = safe_markdown(WORDING[language].failed.format(error=error))
    return [*messages, {"role": "assistant", "content": text}]


def _translations(bot: Chatbot) -> dict[str, dict[str, str]]:
    """The page's fixed texts by language, as the browser asks for them."""
    zh, en = (_texts(bot, WORDING[language]) for language in ("zh", "en"))
    return {"zh": zh, "zh-CN": zh, "zh-TW": zh, "en": en}


def _texts(bot: Chatbot, wording: Wording) -> dict[str, str]:
    papers = bot.papers()
    dates = sorted({paper.date for paper in papers})
    span = f"{dates[0]} – {dates[-1]}" if dates else "–"
    corpus = wording.corpus.format(
        papers=len(papers), reports=len(bot.index.manifest.reports), dates=span
    )
    mode = wording.model_mode.format(model=bot.model.name) if bot.model else wording.extractive_mode
    names = ("title", "about", "question", "placeholder", "send", "stop", "clear", "examples")
    header = f"# {wording.title}\n{wording.about} {corpus}\n\n{mode}"
    return {**{name: getattr(wording, name) for name in names}, "header": header}
