"""The chat tab: asking, answering, asking again."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import gradio as gr
from anyio import to_thread

from chatbot.errors import ChatbotError
from chatbot.guardrails.limits import LONGEST_QUESTION, check_question
from chatbot.store.conversations import Turn, begin_conversation, begin_turn, read_turns
from chatbot.telemetry.logs import in_one_context
from chatbot.web.chat.conversation import Messages, answering, literal, shown_turns, turn_of
from chatbot.web.chat.panels import ChatFields, FilterFields, read_filters, turns_of
from chatbot.web.frame import QUIET, Frame, Runs, owner_of, script, told, visitor_language
from chatbot.web.gate import visit_of
from chatbot.web.locales import CHAT, EXAMPLES, PAGE
from chatbot.web.markdown import LATEX_DELIMITERS

TO_QUESTION = script("to_question")
TO_ASKED = script("to_asked")
THUMBS = {"like": "Like", "dislike": "Dislike"}


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
        autoscroll=False,
        editable="user",
        latex_delimiters=LATEX_DELIMITERS,
        buttons=[],
        line_breaks=False,
        group_consecutive_messages=False,
        feedback_options=tuple(THUMBS.values()),
        placeholder="\n\n".join(texts.about for texts in PAGE.values()),
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
            max_length=LONGEST_QUESTION,
        )
        send = gr.Button(text("chat_send"), variant="primary", elem_id="send", scale=0)
        stop = gr.Button(text("chat_stop"), visible=False, elem_id="stop", scale=0)
    with gr.Row(elem_id="examples"):
        examples = tuple(gr.Button(example, size="sm") for example in EXAMPLES)
    asked, done = gr.State(None), gr.Number(0, visible="hidden")
    return ChatFields(chat, box, send, stop, examples, conversation, asked, done)


@dataclass(frozen=True, slots=True)
class _Asked:
    """A question as an event brings it.

    `place` is the turn that it replaces, None where it is new; a blank one is asked as it was.
    `chosen` are the values of the filters.
    """

    text: str
    conversation: str
    place: int | None
    chosen: tuple[Any, ...]


def connect_asking(
    frame: Frame, fields: ChatFields, filters: FilterFields, blocks: gr.Blocks
) -> list[Any]:
    """Connect what asks a question: the box, the examples, suggestions, retry and edit.

    A question is kept and shown at once, then its answer streams in. Meanwhile no other can be
    asked: two answers would write over each other. `done` grows when an answer has ended.

    Returns:
        The events that answer and that tell its end, for others to cancel.
    """

    @told
    def typed(request: gr.Request, text: str, conversation: str, *chosen: Any) -> list[Any]:
        return _begun(frame, _Asked(text, conversation, None, chosen), fields, request)

    def linked(request: gr.Request) -> str:
        """The question that the page's address asks."""
        return str(request.query_params.get("q", ""))

    @told
    def suggested(
        request: gr.Request, event: gr.SelectData, conversation: str, *chosen: Any
    ) -> list[Any]:
        return _begun(frame, _Asked(str(event.value), conversation, None, chosen), fields, request)

    @told
    def again(
        request: gr.Request, event: gr.RetryData, conversation: str, *chosen: Any
    ) -> list[Any]:
        asked = _Asked("", conversation, turn_of(event.index), chosen)
        return _begun(frame, asked, fields, request)

    @told
    def edited(
        request: gr.Request, event: gr.EditData, conversation: str, *chosen: Any
    ) -> list[Any]:
        asked = _Asked(str(event.value), conversation, turn_of(event.index), chosen)
        return _begun(frame, asked, fields, request)

    # Of its own: a page without such an address must begin nothing beside what is typed at once.
    link = gr.Textbox("", visible="hidden")
    blocks.load(linked, None, link, **QUIET)
    begun = [fields.conversation, fields.asked, fields.chat, *fields.controls]
    narrowed = [fields.conversation, *filters.values]
    triggers = [
        fields.box.submit(typed, [fields.box, *narrowed], begun, **QUIET),
        fields.send.click(typed, [fields.box, *narrowed], begun, **QUIET),
        *(each.click(typed, [each, *narrowed], begun, **QUIET) for each in fields.examples),
        link.change(typed, [link, *narrowed], begun, **QUIET),
        fields.chat.option_select(suggested, narrowed, begun, **QUIET),
        fields.chat.retry(again, narrowed, begun, **QUIET),
        fields.chat.edit(edited, narrowed, begun, **QUIET),
    ]
    return _connect_answering(frame, fields, triggers)


def _connect_answering(frame: Frame, fields: ChatFields, triggers: list[Any]) -> list[Any]:
    """Connect what follows a question: its answer, the end of it, and stopping it."""
    runs = Runs(frame.answers_at_once)

    async def reply(
        conversation: str, asked: int | None, request: gr.Request
    ) -> AsyncIterator[Messages | dict[str, Any]]:
        turns = await to_thread.run_sync(turns_of, frame, conversation, owner_of(request))
        if asked is None or asked >= len(turns):
            yield gr.skip()
            return
        answer = answering(frame.bot, frame.database, turns[:asked], turns[asked])
        with runs.running(request.session_hash) as run:
            async for messages in run.steps(in_one_context(answer, visit_of(request, "page"))):
                yield messages

    async def stopped(request: gr.Request) -> None:
        runs.stop(request.session_hash)

    def ended(done: float) -> list[Any]:
        return [done + 1, *controls(running=False, fields=fields)]

    events = []
    after = [fields.done, *fields.controls]
    many: dict[str, Any] = {**QUIET, "concurrency_limit": frame.answers_at_once}
    for trigger in triggers:
        trigger.then(None, js=TO_ASKED, api_visibility="private")
        answer = trigger.then(reply, [fields.conversation, fields.asked], fields.chat, **many)
        end = answer.then(ended, fields.done, after, **QUIET)
        end.then(None, js=TO_QUESTION, api_visibility="private")
        events += [answer, end]
    fields.stop.click(stopped, None, None, queue=False, api_visibility="private")
    return events


def _begun(frame: Frame, asked: _Asked, fields: ChatFields, request: gr.Request) -> list[Any]:
    """Keep the question, show it, and let none other be asked; nothing where it is blank.

    Raises:
        ChatbotError: it is too long, a filter cannot be used, or the conversation is gone.
    """
    owner, language = owner_of(request), visitor_language(request)
    opened = asked.conversation
    turns = read_turns(frame.database, owner, opened) if opened else ()
    earlier = turns if asked.place is None else turns[: asked.place]
    replaced = turns[len(earlier)] if len(earlier) < len(turns) else None
    question = asked.text.strip() or (replaced.question if replaced else "")
    if not question:
        return [gr.skip(), None, gr.skip(), *[gr.skip()] * len(fields.controls)]
    if len(question) > LONGEST_QUESTION:
        raise ChatbotError(CHAT[language].too_long.format(most=LONGEST_QUESTION))
    check_question(question)
    frame.admit(request, language)
    # Tried again, a question is asked of what it was asked of.
    again = replaced is not None and not asked.text.strip()
    filters = (
        replaced.filters
        if replaced and again
        else read_filters(frame.bot.index, asked.chosen, language)
    )
    opened = opened or begin_conversation(frame.database, owner, question)
    frame.showing.turn(request.session_hash, opened)
    turn = Turn(len(earlier), question, filters)
    begin_turn(frame.database, owner, opened, turn, anew=replaced is not None)
    shown = [*shown_turns(earlier), {"role": "user", "content": literal(question)}]
    chat = gr.update(value=shown, editable=None)
    first = None if asked.conversation else True
    return [opened, turn.position, chat, *controls(running=True, begun=first, fields=fields)]


def controls(*, running: bool, fields: ChatFields, begun: bool | None = None) -> list[Any]:
    """The text box, its buttons and the examples, while an answer comes or while none does.

    The examples stay as they are where it is not said whether a conversation is `begun`: gradio
    makes each component anew that is updated, on the event loop.
    """
    box = gr.update(value="", interactive=False) if running else gr.update(interactive=True)
    send, stop = gr.update(visible=not running), gr.update(visible=running)
    examples = gr.skip() if begun is None else gr.update(visible=not begun)
    return [box, send, stop, *[examples] * len(fields.examples)]
