"""The panel beside the chat with the section behind a marker, and thumbs with room to say why."""

from dataclasses import dataclass
from typing import Any

import gradio as gr

from chatbot.errors import ChatbotError
from chatbot.feedback.ratings import (
    LONGEST_COMMENT,
    RatedAnswer,
    Verdict,
    Versions,
    add_comment,
    save_feedback,
)
from chatbot.store.conversations import Turn, history_of, read_turns
from chatbot.understanding.models import Language
from chatbot.web.chat.asking import ChatFields
from chatbot.web.chat.conversation import turn_of
from chatbot.web.frame import (
    COPY,
    LINK,
    QUIET,
    Frame,
    owner_of,
    script,
    told,
    visitor_language,
)
from chatbot.web.locales import CHAT as TEXTS
from chatbot.web.markdown import LATEX_DELIMITERS
from chatbot.web.rendering import answer_markdown, render_source

_FOCUS = script("to_source")
_FOCUS_BACK = script("from_source")


def build_sources(frame: Frame) -> gr.Markdown:
    """Lay the panel out."""
    return gr.Markdown(
        frame.text("chat_no_source"),
        elem_id="sources",
        latex_delimiters=LATEX_DELIMITERS,
        line_breaks=False,
    )


def connect_sources(frame: Frame, fields: ChatFields, panel: gr.Markdown) -> None:
    """Connect markers, the panel's own links, and copying an answer."""

    def opened(conversation: str, request: gr.Request, event: gr.EventData) -> Any:
        place, _, n = str(event.value).rpartition("/")
        turn = _turn(frame, conversation, place, owner_of(request))
        if turn is None or turn.answer is None or not n.isdecimal():
            return gr.skip()
        source = render_source(turn.answer, int(n), frame.bot.index, visitor_language(request))
        return f'<div class="sheet">\n\n{source}\n\n</div>'

    def first(conversation: str, request: gr.Request) -> str:
        """The first source of the latest answer, for those who have room beside the chat."""
        language = visitor_language(request)
        turns = _turns(frame, conversation, owner_of(request))
        return _first(frame, turns, language)

    def closed(request: gr.Request, event: gr.EventData) -> Any:
        if event.value != "sources":
            return gr.skip()
        return TEXTS[visitor_language(request)].no_source

    def copied(conversation: str, request: gr.Request, event: gr.EventData) -> str:
        turn = _turn(frame, conversation, str(event.value), owner_of(request))
        if turn is None or turn.answer is None:
            return ""
        gr.Info(TEXTS[visitor_language(request)].copied)
        return answer_markdown(turn.answer)

    text = gr.Textbox(visible=False)
    frame.actions.source(opened, fields.conversation, panel, **LINK)
    frame.actions.close(closed, None, panel, **QUIET)
    fields.conversation.change(first, fields.conversation, panel, **QUIET)
    fields.done.change(first, fields.conversation, panel, **QUIET)
    frame.actions.copy(copied, fields.conversation, text, **QUIET).then(
        None, text, None, js=COPY, api_visibility="private"
    )


def _turn(frame: Frame, conversation: str, place: str, owner: str) -> Turn | None:
    """The turn at a place of the open conversation, where the place is one."""
    turns = _turns(frame, conversation, owner) if place.isdecimal() else ()
    return next((turn for turn in turns if turn.position == int(place)), None)


def _turns(frame: Frame, conversation: str, owner: str) -> tuple[Turn, ...]:
    """The turns of the open conversation; none where it was deleted meanwhile."""
    try:
        return read_turns(frame.database, owner, conversation) if conversation else ()
    except ChatbotError:
        return ()


def _first(frame: Frame, turns: tuple[Turn, ...], language: Language) -> str:
    answer = turns[-1].answer if turns else None
    if answer is None or not answer.citations:
        return TEXTS[language].no_source
    return render_source(answer, answer.citations[0].n, frame.bot.index, language)


@dataclass(frozen=True, slots=True)
class CommentFields:
    """The row that asks why; `rated` is the id of the feedback it is about."""

    comment: gr.Textbox
    send: gr.Button
    rated: gr.State


def build_comment(frame: Frame) -> CommentFields:
    """Lay the row out, hidden until an answer is rated."""
    with gr.Row(elem_id="comment"):
        comment = gr.Textbox(
            label=frame.text("chat_comment"),
            placeholder=frame.text("chat_comment_placeholder"),
            visible=False,
            max_length=LONGEST_COMMENT,
            elem_id="comment-text",
            scale=1,
        )
        send = gr.Button(
            frame.text("chat_send_comment"), visible=False, scale=0, elem_id="comment-send"
        )
    return CommentFields(comment, send, gr.State(""))


def connect_rating(frame: Frame, fields: ChatFields, row: CommentFields) -> None:
    """Connect the thumbs below each answer, and the comment."""

    @told
    def rated(conversation: str, request: gr.Request, event: gr.LikeData) -> list[Any]:
        verdict = _verdict(event.liked)
        owner = owner_of(request)
        turns = read_turns(frame.database, owner, conversation)
        place = turn_of(event.index)
        turn = turns[place] if place < len(turns) else None
        if turn is None or turn.answer is None:
            return ["", *_row(visible=False)]
        answer = RatedAnswer(
            conversation=conversation,
            position=turn.position,
            attempt=turn.attempt,
            question=turn.question,
            history=history_of(turns[: turn.position]),
            record=turn.answer,
            versions=Versions.of(frame.bot.index),
        )
        kept = save_feedback(frame.database, owner, answer, verdict)
        return [kept or "", *_row(visible=kept is not None)]

    @told
    def commented(kept: str, comment: str, request: gr.Request) -> list[Any]:
        add_comment(frame.database, owner_of(request), kept, comment)
        gr.Info(TEXTS[visitor_language(request)].thanks)
        return _row(visible=False)

    def hidden() -> list[Any]:
        return _row(visible=False)

    shown = [row.comment, row.send]
    fields.chat.like(rated, fields.conversation, [row.rated, *shown], **QUIET)
    for sent in (row.send.click, row.comment.submit):
        sent(commented, [row.rated, row.comment], shown, **QUIET)
    fields.conversation.change(hidden, None, shown, **QUIET)


def _verdict(liked: bool | str) -> Verdict | None:
    """Which thumb is lit now; none, where it was pressed a second time."""
    if isinstance(liked, str):
        return None
    return "like" if liked else "dislike"


def _row(*, visible: bool) -> list[Any]:
    return [gr.update(value="", visible=visible), gr.update(visible=visible)]
