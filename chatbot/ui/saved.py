"""Saved conversations: their list, and opening, renaming, exporting and deleting one."""

import html
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import gradio as gr

from chatbot.database.conversations import (
    Conversation,
    delete_conversation,
    list_conversations,
    read_turns,
    rename_conversation,
)
from chatbot.errors import ChatbotError
from chatbot.retrieval.models import Language
from chatbot.ui.chat import ChatFields, settled
from chatbot.ui.download import download_button
from chatbot.ui.export import conversation_markdown
from chatbot.ui.frame import Frame, owner_of, visitor_language
from chatbot.ui.wording.chat import TEXTS

_CONFIRM = """(id) => confirm(document.documentElement.lang.startsWith('zh') ? {zh!r} : {en!r})
  ? id : ''"""


@dataclass(frozen=True, slots=True)
class SavedFields:
    """The components: in the sidebar the list, above the chat the open conversation's bar."""

    new: gr.Button
    saved: gr.Markdown
    title: gr.Textbox
    export: gr.Button
    delete: gr.Button


def build_saved(frame: Frame) -> tuple[gr.Button, gr.Markdown]:
    """Lay out the list in the sidebar, and the button that begins a new conversation."""
    new = gr.Button(frame.text("chat_new"), variant="primary", size="sm", elem_id="new")
    gr.Markdown(frame.text("chat_saved"), elem_classes="side-heading")
    return new, gr.Markdown(elem_id="saved")


def build_bar(frame: Frame, conversation: gr.Textbox) -> tuple[gr.Textbox, gr.Button, gr.Button]:
    """Lay out the open conversation's title, and the buttons that export and delete it."""

    def exported(conversation: str, title: str, request: gr.Request) -> tuple[str, str]:
        turns = read_turns(frame.database, owner_of(request), conversation)
        text = conversation_markdown(title, turns, visitor_language(request))
        return f"{conversation[:8]}.md", text

    with gr.Row(elem_id="conversation-bar"):
        title = gr.Textbox(
            label=frame.text("chat_title"),
            show_label=False,
            container=False,
            visible=False,
            elem_id="conversation-title",
            scale=1,
        )
        export = download_button(
            frame.text("chat_export"), exported, [conversation, title], "export", visible=False
        )
        delete = gr.Button(
            frame.text("chat_delete"), size="sm", scale=0, visible=False, elem_id="delete"
        )
    return title, export, delete


def connect_saved(frame: Frame, fields: ChatFields, saved: SavedFields, blocks: gr.Blocks) -> None:
    """Connect the list and the bar to the chat."""

    def opened(request: gr.Request, event: gr.EventData) -> list[Any]:
        return shown(frame, fields, str(event.value), request)

    def refreshed(conversation: str, request: gr.Request) -> list[Any]:
        return shown(frame, fields, conversation, request)

    def emptied(request: gr.Request) -> list[Any]:
        return shown(frame, fields, "", request)

    def linked(request: gr.Request) -> list[Any]:
        conversation = request.query_params.get("chat", "")
        if conversation:
            return shown(frame, fields, conversation, request)
        rest = [gr.skip()] * (3 + len(fields.examples))
        return [gr.skip(), gr.skip(), saved_list(frame, "", request), *rest]

    def renamed(conversation: str, title: str, request: gr.Request) -> str:
        if conversation:
            rename_conversation(frame.database, owner_of(request), conversation, title)
        return saved_list(frame, conversation, request)

    def deleted(confirmed: str, conversation: str, request: gr.Request) -> list[Any]:
        if confirmed:
            delete_conversation(frame.database, owner_of(request), confirmed)
        return shown(frame, fields, "" if confirmed else conversation, request)

    everything = shown_fields(fields, saved)
    quiet: dict[str, Any] = {"show_progress": "hidden", "api_visibility": "private"}
    blocks.load(linked, None, everything, **quiet)
    frame.actions.chat(opened, None, everything, **quiet)
    fields.done.change(refreshed, fields.conversation, everything, **quiet)
    saved.new.click(emptied, None, everything, **quiet)
    fields.chat.clear(emptied, None, everything, **quiet)
    saved.title.submit(renamed, [fields.conversation, saved.title], saved.saved, **quiet)
    saved.title.blur(renamed, [fields.conversation, saved.title], saved.saved, **quiet)
    confirm = _CONFIRM.format(**{name: texts.confirm_delete for name, texts in TEXTS.items()})
    ask = gr.Textbox(visible=False)
    saved.delete.click(None, fields.conversation, ask, js=confirm, **quiet).then(
        deleted, [ask, fields.conversation], everything, **quiet
    )


def shown_fields(fields: ChatFields, saved: SavedFields) -> list[Any]:
    """What changes when a conversation is opened or closed."""
    bar = [saved.title, saved.export, saved.delete]
    return [fields.conversation, fields.chat, saved.saved, *bar, *fields.examples]


def shown(frame: Frame, fields: ChatFields, conversation: str, request: gr.Request) -> list[Any]:
    """A conversation opened, or none: what `shown_fields` are then."""
    owner = owner_of(request)
    try:
        messages = settled(frame, owner, conversation)
    except ChatbotError as error:
        gr.Warning(str(error))
        conversation, messages = "", gr.update(value=[])
    kept = list_conversations(frame.database, owner)
    title = next((one.title for one in kept if one.id == conversation), "")
    return [
        conversation,
        messages,
        _list(kept, conversation, visitor_language(request)),
        gr.update(value=title, visible=bool(conversation)),
        *[gr.update(visible=bool(conversation))] * 2,
        *[gr.update(visible=not conversation)] * len(fields.examples),
    ]


def saved_list(frame: Frame, conversation: str, request: gr.Request) -> str:
    """The list as Markdown, the open one marked."""
    kept = list_conversations(frame.database, owner_of(request))
    return _list(kept, conversation, visitor_language(request))


def _list(kept: Sequence[Conversation], current: str, language: Language) -> str:
    if not kept:
        return TEXTS[language].none_saved
    lines = "".join(
        f'<li><a href="#chat/{one.id}"{_CURRENT if one.id == current else ""}>'
        f"{html.escape(one.title)}</a></li>"
        for one in kept
    )
    return f"<ul>{lines}</ul>"


_CURRENT = ' aria-current="true" class="current"'
