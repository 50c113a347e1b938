"""The chat tab with its sidebar, put together."""

from dataclasses import dataclass
from typing import Any

import gradio as gr

from chatbot.ui.chat import build_chat, connect_asking
from chatbot.ui.filters import build_filters, filter_choices
from chatbot.ui.frame import QUIET, Frame, visitor_language
from chatbot.ui.rating import build_comment, connect_rating
from chatbot.ui.saved import (
    ConversationPlace,
    SavedFields,
    build_bar,
    build_saved,
    connect_saved,
)
from chatbot.ui.sources import build_sources, connect_sources

# A sidebar that covers most of a small screen begins closed.
_NARROW = 900


@dataclass(frozen=True, slots=True)
class ChatTab:
    """What the rest of the page may lead to, and the events that it has to cancel."""

    place: ConversationPlace
    running: list[Any]


def build_chat_tab(frame: Frame, blocks: gr.Blocks) -> ChatTab:
    """Lay the tab and its sidebar out, and connect them."""
    conversation = gr.Textbox("", visible="hidden")
    in_force = gr.Markdown(elem_id="in-force", render=False)
    with gr.Sidebar(elem_id="side", width=290, label=frame.text("chat_saved")) as side:
        new, kept = build_saved(frame)
        filters = build_filters(frame, in_force)
    with gr.Row(elem_id="chat-row"):
        with gr.Column(scale=3, elem_id="chat-column"):
            title, export, delete = build_bar(frame, conversation)
            in_force.render()  # type: ignore[no-untyped-call] # gradio left it without types
            fields = build_chat(frame, conversation)
            comment = build_comment(frame)
        with gr.Column(scale=2, elem_id="sources-column", min_width=280):
            panel = build_sources(frame)
    answering = connect_asking(frame, fields, filters, blocks)
    place = ConversationPlace(fields, SavedFields(new, kept, title, export, delete), filters)
    running = connect_saved(frame, place, blocks, answering)
    connect_sources(frame, fields, panel)
    connect_rating(frame, fields, comment)

    def choices(request: gr.Request) -> list[Any]:
        return filter_choices(frame, visitor_language(request))

    def beside(width: float) -> Any:
        return gr.update(open=width >= _NARROW)

    width = gr.Number(visible=False)
    blocks.load(choices, None, filters.values, **QUIET)
    blocks.load(beside, width, side, js="() => window.innerWidth", **QUIET)
    return ChatTab(place, running)
