"""The chat tab: asking, answering, asking again."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import gradio as gr

from chatbot.database.conversations import (
    Turn,
    begin_conversation,
    begin_turn,
    read_turns,
)
from chatbot.database.feedback import verdicts_of
from chatbot.errors import ChatbotError
from chatbot.suggestions import suggest
from chatbot.ui.conversation import (
    Messages,
    answering,
    shown_turns,
    turn_of,
    with_suggestions,
)
from chatbot.ui.filters import FilterFields, read_filters
from chatbot.ui.frame import Frame, owner_of
from chatbot.ui.markdown import LATEX_DELIMITERS, safe_markdown
from chatbot.ui.wording import page
from chatbot.ui.wording.chat import EXAMPLES

_THUMBS = {"like": "Like", "dislike": "Dislike"}
_QUIET: dict[str, Any] = {"show_progress": "hidden", "api_visibility": "private"}


@dataclass(frozen=True, slots=True)
class ChatFields:
    """The chat's components.

    `conversation` is the open one's id, empty where none is; `asked` the place of the turn that is
    to be answered, None where there is none. The visitor's browser holds the id, so that a restart
    of the server loses no conversation.
    """

    chat: gr.Chatbot
    box: gr.Textbox
    send: gr.Button
    stop: gr.Button
    examples: tuple[gr.Button, ...]
    conversation: gr.Textbox
    asked: gr.State
    done: gr.Number

    @property
    def controls(self) -> list[Any]:
        """What is enabled and shown by whether an answer is coming."""
        return [self.box, self.send, self.stop, *self.examples]


def build_chat(frame: Frame, conversation: gr.Textbox) -> ChatFields:
    """Lay the conversation and the question box out."""
    text = frame.text
    chat = gr.Chatbot(
        label=text("chat_conversation"),
        show_label=False,
        elem_id="chat",
        height="auto",
        scale=1,
        layout="panel",
        editable="user",
        latex_delimiters=LATEX_DELIMITERS,
        buttons=[],
        line_breaks=False,
        group_consecutive_messages=False,
        feedback_options=tuple(_THUMBS.values()),
        placeholder="\n\n".join(texts.about for texts in page.TEXTS.values()),
    )
    with gr.Row(elem_id="ask"):
        box = gr.Textbox(
            label=text("chat_question"),
            show_label=False,
            placeholder=text("chat_placeholder"),
            elem_id="question",
            scale=1,
            autofocus=True,
            max_lines=6,
        )
        send = gr.Button(text("chat_send"), variant="primary", elem_id="send", scale=0)
        stop = gr.Button(text("chat_stop"), visible=False, elem_id="stop", scale=0)
    with gr.Row(elem_id="examples"):
        examples = tuple(gr.Button(example, size="sm") for example in EXAMPLES)
    return ChatFields(
        chat,
        box,
        send,
        stop,
        examples,
        conversation,
        asked=gr.State(None),
        done=gr.Number(0, visible="hidden"),
    )


@dataclass(frozen=True, slots=True)
class _Asked:
    """A question as an event brings it.

    `place` is the turn that it replaces, None where it is new; a blank one is asked as it was.
    `chosen` are the values of the filters.
    """

    text: str
    conversation: str
    place: int | None
    owner: str
    chosen: tuple[Any, ...]


def connect_asking(
    frame: Frame, fields: ChatFields, filters: FilterFields, blocks: gr.Blocks
) -> None:
    """Connect what asks a question: the box, the examples, suggestions, retry and edit.

    A question is kept and shown at once, then its answer streams in. Meanwhile no other can be
    asked: two answers would write over each other. `done` grows when an answer has ended.
    """

    def typed(request: gr.Request, text: str, conversation: str, *chosen: Any) -> list[Any]:
        asked = _Asked(text, conversation, None, owner_of(request), chosen)
        return _begun(frame, asked, fields)

    def linked(request: gr.Request) -> str:
        """The question that the page's address asks."""
        return str(request.query_params.get("q", ""))

    def suggested(
        request: gr.Request, event: gr.SelectData, conversation: str, *chosen: Any
    ) -> list[Any]:
        asked = _Asked(str(event.value), conversation, None, owner_of(request), chosen)
        return _begun(frame, asked, fields)

    def again(
        request: gr.Request, event: gr.RetryData, conversation: str, *chosen: Any
    ) -> list[Any]:
        place = turn_of(_index(event))
        asked = _Asked("", conversation, place, owner_of(request), chosen)
        return _begun(frame, asked, fields)

    def edited(
        request: gr.Request, event: gr.EditData, conversation: str, *chosen: Any
    ) -> list[Any]:
        place = turn_of(_index(event))
        asked = _Asked(str(event.value), conversation, place, owner_of(request), chosen)
        return _begun(frame, asked, fields)

    # Of its own: a page without such an address must begin nothing beside what is typed at once.
    link = gr.Textbox("", visible="hidden")
    blocks.load(linked, None, link, **_QUIET)
    begun = [fields.conversation, fields.asked, fields.chat, *fields.controls]
    narrowed = [fields.conversation, *filters.values]
    triggers = [
        fields.box.submit(typed, [fields.box, *narrowed], begun, **_QUIET),
        fields.send.click(typed, [fields.box, *narrowed], begun, **_QUIET),
        *(
            example.click(typed, [example, *narrowed], begun, **_QUIET)
            for example in fields.examples
        ),
        link.change(typed, [link, *narrowed], begun, **_QUIET),
        fields.chat.option_select(suggested, narrowed, begun, **_QUIET),
        fields.chat.retry(again, narrowed, begun, **_QUIET),
        fields.chat.edit(edited, narrowed, begun, **_QUIET),
    ]
    _connect_answering(frame, fields, triggers)


def _connect_answering(frame: Frame, fields: ChatFields, triggers: list[Any]) -> None:
    """Connect what follows a question: its answer, the end of it, and stopping it."""

    def reply(
        conversation: str, asked: int | None, request: gr.Request
    ) -> Iterator[Messages | dict[str, Any]]:
        if asked is None:
            yield gr.skip()
            return
        turns = read_turns(frame.database, owner_of(request), conversation)
        yield from answering(frame.bot, frame.database, conversation, turns[:asked], turns[asked])

    def ended(conversation: str, done: float) -> list[Any]:
        return [done + 1, *_controls(running=False, begun=bool(conversation), fields=fields)]

    running = []
    for trigger in triggers:
        answer = trigger.then(
            reply,
            [fields.conversation, fields.asked],
            fields.chat,
            **_QUIET,
        )
        answer.then(
            ended, [fields.conversation, fields.done], [fields.done, *fields.controls], **_QUIET
        )
        running.append(answer)
    stopped = fields.stop.click(None, cancels=running, api_visibility="private")
    stopped.then(
        ended, [fields.conversation, fields.done], [fields.done, *fields.controls], **_QUIET
    )


def _begun(frame: Frame, asked: _Asked, fields: ChatFields) -> list[Any]:
    """Keep the question, show it, and let none other be asked; nothing where it is blank."""
    nothing = [gr.skip(), None, gr.skip(), *[gr.skip()] * len(fields.controls)]
    try:
        filters = read_filters(*asked.chosen)
        turns: tuple[Turn, ...] = ()
        if asked.conversation:
            turns = read_turns(frame.database, asked.owner, asked.conversation)
        earlier = turns if asked.place is None else turns[: asked.place]
        replaced = turns[len(earlier)].question if len(earlier) < len(turns) else ""
        question = asked.text.strip() or replaced
        if not question:
            return nothing
        opened = asked.conversation or begin_conversation(frame.database, asked.owner, question)
        turn = Turn(len(earlier), question, filters)
        begin_turn(frame.database, asked.owner, opened, turn, anew=asked.place is not None)
    except ChatbotError as error:
        gr.Warning(str(error))
        return nothing
    shown = [*shown_turns(earlier), {"role": "user", "content": safe_markdown(question)}]
    return [opened, turn.position, shown, *_controls(running=True, begun=True, fields=fields)]


def settled(frame: Frame, owner: str, conversation: str) -> Any:
    """The open conversation as it is kept, with what was thought of it and questions to go on with.

    Raises:
        ChatbotError: the owner has no such conversation.
    """
    if not conversation:
        return gr.update(value=[], feedback_value=None)
    turns = read_turns(frame.database, owner, conversation)
    last = turns[-1].answer if turns else None
    suggestions = suggest(frame.bot.index, last) if last else ()
    verdicts = verdicts_of(frame.database, owner, conversation)
    # Of each turn's two messages that are not the reader's, the second is the answer.
    thumbs = [
        thumb for turn in turns for thumb in (None, _THUMBS.get(verdicts.get(turn.position, "")))
    ]
    return gr.update(value=with_suggestions(shown_turns(turns), suggestions), feedback_value=thumbs)


def _controls(*, running: bool, begun: bool, fields: ChatFields) -> list[Any]:
    """The text box, its buttons and the examples, while an answer comes or while none does."""
    box = gr.update(value="", interactive=False) if running else gr.update(interactive=True)
    send, stop = gr.update(visible=not running), gr.update(visible=running)
    return [box, send, stop, *[gr.update(visible=not begun)] * len(fields.examples)]


def _index(event: gr.RetryData | gr.EditData) -> int:
    return event.index if isinstance(event.index, int) else event.index[0]
