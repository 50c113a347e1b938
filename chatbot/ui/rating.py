"""Like and dislike in the chat, with room to say why."""

from dataclasses import dataclass
from typing import Any

import gradio as gr

from chatbot.database.conversations import history_of, read_turns
from chatbot.database.feedback import (
    LONGEST_COMMENT,
    RatedAnswer,
    Verdict,
    Versions,
    add_comment,
    save_feedback,
)
from chatbot.ui.chat import ChatFields
from chatbot.ui.conversation import turn_of
from chatbot.ui.frame import QUIET, Frame, owner_of, told, visitor_language
from chatbot.ui.wording.chat import TEXTS


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
