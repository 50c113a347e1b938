"""The chat page: layout, events, and serving it."""

import logging
import socket
import time
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import gradio as gr

from chatbot.answer.models import Answer, Event, Restart, Step, TextDelta
from chatbot.bot import Chatbot
from chatbot.config import Settings
from chatbot.errors import ChatbotError, ConfigurationError
from chatbot.retrieval.models import Language, Message
from chatbot.retrieval.wording import language_of
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
    """Connect the parts: a question is shown at once, then its answer streams in.

    Meanwhile no other can be asked: two answers would write over each other.
    """
    turns, chat, box = fields
    send, stop, clear = buttons
    question = gr.State("")
    controls = [box, send, stop, *examples]

    def reply(asked: str, messages: Messages, earlier: Turns) -> Iterator[tuple[Messages, Turns]]:
        if asked:
            yield from _reply(bot, asked, messages, earlier)

    def ready() -> list[Any]:
        return _controls(running=False, examples=len(examples))

    def ask(text: str, messages: Messages) -> list[Any]:
        text = text.strip()
        if not text:
            return ["", messages, *ready()]
        shown = {"role": "user", "content": safe_markdown(text)}
        return [text, [*messages, shown], *_controls(running=True, examples=len(examples))]

    running = []
    for trigger, source in [
        (box.submit, box),
        (send.click, box),
        *((example.click, example) for example in examples),
    ]:
        asked = trigger(
            ask, [source, chat], [question, chat, *controls], queue=False, api_visibility="private"
        )
        answered = asked.then(
            reply, [question, chat, turns], [chat, turns], api_visibility="private"
        )
        answered.then(ready, None, controls, queue=False, api_visibility="private")
        running.append(answered)
    for button, emptied in ((stop, []), (clear, [chat, turns])):
        button.click(
            lambda emptied=emptied: [*([] for _ in emptied), *ready()],
            None,
            [*emptied, *controls],
            cancels=running,
            queue=False,
            api_visibility="private",
        )


def _controls(*, running: bool, examples: int) -> list[Any]:
    """The text box, its buttons and the examples, while an answer comes or while none does."""
    box = gr.update(value="", interactive=False) if running else gr.update(interactive=True)
    send, stop = gr.update(visible=not running), gr.update(visible=running)
    return [box, send, stop, *[gr.update(interactive=not running)] * examples]


def _reply(
    bot: Chatbot, question: str, messages: Messages, earlier: Turns
) -> Iterator[tuple[Messages, Turns]]:
    """Stream the answer to a question; what the model reads later is the plain answer."""
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
