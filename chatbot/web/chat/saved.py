"""Saved conversations: their list, and opening, renaming, exporting and deleting one."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import gradio as gr

from chatbot.answering.suggestions import suggest
from chatbot.errors import ChatbotError
from chatbot.feedback.ratings import verdicts_of
from chatbot.store.conversations import (
    Conversation,
    Turn,
    delete_conversation,
    list_conversations,
    read_turns,
    rename_conversation,
)
from chatbot.understanding.models import Filters, Language
from chatbot.web.chat.asking import THUMBS, TO_ASKED, controls, shown_turns
from chatbot.web.chat.panels import ChatFields, FilterFields
from chatbot.web.frame import (
    LINK,
    QUIET,
    Frame,
    download_button,
    owner_of,
    script,
    told,
    visitor_language,
)
from chatbot.web.locales import CHAT
from chatbot.web.markdown import plain_html
from chatbot.web.rendering import conversation_markdown

_ADDRESS = script("address")
_CONFIRM = """(id) => confirm(document.documentElement.lang.startsWith('zh') ? {zh!r} : {en!r})
  ? id : ''"""


@dataclass(frozen=True, slots=True)
class ConversationPlace:
    """All that changes when a conversation is opened or closed.

    In the sidebar the list, `saved`; above the chat the bar with `title`, `export` and `delete`.
    """

    fields: ChatFields
    filters: FilterFields
    new: gr.Button
    saved: gr.Markdown
    title: gr.Textbox
    export: gr.Button
    delete: gr.Button

    @property
    def changed(self) -> list[Any]:
        """The components, in the order of `shown`."""
        bar = [self.title, self.export, self.delete]
        fields = [self.fields.conversation, self.fields.chat, self.saved, *bar]
        return [*fields, *self.fields.controls, *self.filters.values]


def build_saved(frame: Frame) -> tuple[gr.Button, gr.Markdown]:
    """Lay out the list in the sidebar, and the button that begins a new conversation."""
    new = gr.Button(frame.text("chat_new"), variant="primary", size="sm", elem_id="new")
    gr.Markdown(frame.text("chat_saved"), elem_classes="side-heading")
    return new, gr.Markdown(elem_id="saved")


def build_bar(frame: Frame, conversation: gr.Textbox) -> tuple[gr.Textbox, gr.Button, gr.Button]:
    """Lay out the open conversation's title, and the buttons that export and delete it."""

    @told
    def exported(conversation: str, title: str, request: gr.Request) -> tuple[str, str]:
        turns = read_turns(frame.database, owner_of(request), conversation)
        text = conversation_markdown(title, turns, visitor_language(request))
        return f"{conversation[:8]}.md", text

    with gr.Row(elem_id="conversation-bar"):
        title = gr.Textbox(
            label=frame.text("chat_title"),
            show_label=False,
            container=False,
            max_lines=1,
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


def connect_saved(
    frame: Frame, place: ConversationPlace, blocks: gr.Blocks, answering: list[Any]
) -> list[Any]:
    """Connect the list and the bar to the chat.

    Opening or closing a conversation ends the answer that is coming (`answering`), and its showing
    as it is kept: that would come after the other conversation, and over it. Returned are the
    events that whatever else opens a conversation has to cancel.
    """

    @told
    def opened(request: gr.Request, event: gr.EventData) -> list[Any]:
        return shown(frame, place, str(event.value), request)

    @told
    def refreshed(conversation: str, request: gr.Request) -> Any:
        # A blank question begins none, and one that is begun meanwhile is not to be closed.
        if not conversation:
            return gr.skip()
        kept = shown(frame, place, conversation, request, again=True)
        elsewhere = frame.showing.is_elsewhere(request.session_hash, conversation)
        return gr.skip() if elsewhere else kept

    def linked(request: gr.Request) -> str:
        """The conversation that the page's address names."""
        return str(request.query_params.get("chat", ""))

    @told
    def named(name: str, request: gr.Request) -> list[Any]:
        return shown(frame, place, name, request)

    fields = place.fields
    link = gr.Textbox("", visible="hidden")
    blocks.load(linked, None, link, **QUIET)
    linking = link.change(named, link, place.changed, **QUIET)
    refreshing = fields.done.change(refreshed, fields.conversation, place.changed, **QUIET)
    running = [*answering, refreshing]
    for event in (frame.actions.chat, place.new.click, place.delete.click):
        event(None, cancels=running, queue=False, api_visibility="private")
    opening = frame.actions.chat(opened, None, place.changed, **LINK)
    for event in (linking, opening):
        event.then(None, js=TO_ASKED, api_visibility="private")
    place.new.click(named, gr.State(""), place.changed, **QUIET)
    fields.conversation.change(None, fields.conversation, None, js=_ADDRESS, **QUIET)
    _connect_bar(frame, place, blocks)
    return running


def _connect_bar(frame: Frame, place: ConversationPlace, blocks: gr.Blocks) -> None:
    @told
    def listed(conversation: str, request: gr.Request) -> str:
        kept = list_conversations(frame.database, owner_of(request))
        return _list(kept, conversation, visitor_language(request))

    @told
    def renamed(conversation: str, title: str, request: gr.Request) -> list[Any]:
        owner = owner_of(request)
        if conversation:
            rename_conversation(frame.database, owner, conversation, title)
        kept = list_conversations(frame.database, owner)
        shown_list = _list(kept, conversation, visitor_language(request))
        return [_title(kept, conversation), shown_list]

    @told
    def deleted(confirmed: str, conversation: str, request: gr.Request) -> list[Any]:
        if confirmed:
            delete_conversation(frame.database, owner_of(request), confirmed)
        return shown(frame, place, "" if confirmed else conversation, request)

    conversation = place.fields.conversation
    blocks.load(listed, conversation, place.saved, **QUIET)
    for event in (place.title.submit, place.title.blur):
        event(renamed, [conversation, place.title], [place.title, place.saved], **QUIET)
    confirm = _CONFIRM.format(**{name: texts.confirm_delete for name, texts in CHAT.items()})
    ask = gr.Textbox(visible="hidden")
    place.delete.click(None, conversation, ask, js=confirm, **QUIET).then(
        deleted, [ask, conversation], place.changed, **QUIET
    )


def shown(
    frame: Frame, place: ConversationPlace, name: str, request: gr.Request, *, again: bool = False
) -> list[Any]:
    """A conversation opened, or none where the name is empty: what `place.changed` are then.

    The filters are those of its last question. Shown `again` after a turn it is open already, and
    what cannot have changed is left alone: gradio makes each component anew that is updated, on the
    event loop.
    """
    owner = owner_of(request)
    if not again:
        frame.showing.turn(request.session_hash, name)
    try:
        turns = read_turns(frame.database, owner, name) if name else ()
        messages = _settled(frame, owner, name, turns)
    except ChatbotError as error:
        gr.Warning(str(error))
        name, turns, messages = "", (), gr.update(value=[], editable="user")
    kept = list_conversations(frame.database, owner)
    there = gr.update(visible=bool(name))
    fields = controls(running=False, begun=bool(name), fields=place.fields)
    given = turns[-1].filters if turns else Filters()
    filters = [[str(span) for span in given.dates], list(given.papers), list(given.sections)]
    return [
        name,
        messages,
        _list(kept, name, visitor_language(request)),
        gr.update(value=_title(kept, name), visible=bool(name)),
        there,
        there,
        *([gr.skip()] * len(fields) if again and name else fields),
        *([gr.skip()] * len(filters) if again else filters),
    ]


def _title(kept: Sequence[Conversation], name: str) -> str:
    return next((one.title for one in kept if one.id == name), "")


def _settled(frame: Frame, owner: str, name: str, turns: Sequence[Turn]) -> Any:
    """A conversation as it is kept, with what was thought of it and questions to go on with."""
    verdicts = verdicts_of(frame.database, owner, name)
    last = turns[-1].answer if turns else None
    asked = [turn.question for turn in turns]
    suggestions = suggest(frame.bot.index, last, asked) if last else ()
    # Of each turn's two messages that are not the reader's, the second is the answer.
    thumbs = [
        thumb
        for turn in turns
        for thumb in (None, THUMBS.get(verdicts.get((turn.position, turn.attempt), "")))
    ]
    messages = shown_turns(turns)
    if suggestions:
        messages[-1]["options"] = [{"value": s.question, "label": s.label} for s in suggestions]
    return gr.update(value=messages, feedback_value=thumbs, editable="user")


def _list(kept: Sequence[Conversation], current: str, language: Language) -> str:
    """The list as Markdown, the open one marked."""
    if not kept:
        return CHAT[language].none_saved
    lines = "".join(
        f'<li><a href="#chat/{one.id}"{_CURRENT if one.id == current else ""}>'
        f"{plain_html(one.title)}</a></li>"
        for one in kept
    )
    return f"<ul>{lines}</ul>"


_CURRENT = ' aria-current="true" class="current"'
