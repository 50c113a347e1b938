"""The chat tab: asking, answering, asking again; turns as gradio's messages."""

import contextlib
import logging
import re
import time
from collections.abc import AsyncIterator, Callable, Generator, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

import gradio as gr
from anyio import to_thread
from sqlalchemy import Engine

from chatbot.answering.models import Answer, Event, Restart, Step, TextDelta
from chatbot.answering.record import AnswerRecord, record_of
from chatbot.bot import Chatbot
from chatbot.errors import ChatbotError
from chatbot.guardrails.limits import LONGEST_QUESTION, check_question
from chatbot.store.conversations import (
    Turn,
    begin_conversation,
    begin_turn,
    end_turn,
    history_of,
    read_turns,
)
from chatbot.telemetry.logs import in_one_context
from chatbot.text.markdown import unwrapped
from chatbot.understanding.models import Language
from chatbot.understanding.wording import language_of
from chatbot.web.chat.panels import ChatFields, FilterFields, read_filters, turn_of, turns_of
from chatbot.web.frame import QUIET, Frame, Runs, owner_of, script, told, visitor_language
from chatbot.web.gate import visit_of
from chatbot.web.locales import ANSWERS, CHAT, EXAMPLES, PAGE
from chatbot.web.markdown import LATEX_DELIMITERS, ComingText, plain_html, text_html
from chatbot.web.rendering import render_answer, steps_line

logger = logging.getLogger(__name__)
TO_QUESTION = script("to_question")
TO_ASKED = script("to_asked")
THUMBS = {"like": "Like", "dislike": "Dislike"}


_SECONDS = 0.1
# What is done over and over takes at most a tenth of the time, but is done at least so often.
_REST, _LONGEST = 9, 2.0


class Pace:
    """When something that is done over and over is due again.

    Every `seconds`, where it takes little; the longer it takes, the longer it rests. So of many
    answers that come at once each is shown and kept less often, and none holds the others up.
    """

    def __init__(self, seconds: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._seconds, self._clock, self._due = seconds, clock, 0.0

    def is_due(self) -> bool:
        """Whether it is to be done now."""
        return self._clock() >= self._due

    @contextmanager
    def doing(self) -> Iterator[None]:
        """Do it here: a showing lasts until the page asks for the next."""
        begun = self._clock()
        try:
            yield
        finally:
            took = self._clock() - begun
            self._due = begun + took + min(max(self._seconds - took, _REST * took), _LONGEST)


@dataclass
class PartialAnswer:
    """What has come of an answer so far, and as HTML; `pace` is how often it is shown."""

    steps: list[Step] = field(default_factory=list)
    text: str = ""
    html: ComingText = field(default_factory=ComingText)
    answer: AnswerRecord | None = None
    pace: Pace = field(default_factory=lambda: Pace(_SECONDS))

    def take(self, event: Event) -> bool:
        """Take an event in; whether what has come is to be shown now, before there is an answer.

        The first text is, and each stage as it begins: nothing may follow for as long as a model
        thinks.
        """
        now = False
        match event:
            case Step():
                now = event.milliseconds is None
                self.steps.append(event)
            case TextDelta():
                now = not self.text
                self.text += event.text
            case Restart():
                self.text = ""
            case Answer():
                self.answer = record_of(event)
        return self.answer is None and (now or self.pace.is_due())

    def shown(self) -> str:
        """The HTML of the text; that of blocks which were complete before is not made again."""
        self.html = self.html.after(self.text)
        return self.html.html


_KEEP_SECONDS = 0.5
# All that could be Markdown or HTML, and the ends of lines.
_MARKUP = re.compile(r"[!-/:-@\[-`{-~\n]")
Messages = list[dict[str, Any]]


def shown_turns(turns: Sequence[Turn]) -> Messages:
    """All messages of turns that have ended."""
    return [message for turn in turns for message in shown_turn(turn)]


def shown_turn(turn: Turn) -> Messages:
    """The messages of a turn that has ended: answered, stopped or failed."""
    if turn.answer is None:
        texts = ANSWERS[language_of(turn.question)]
        why = texts.failed.format(error=turn.error) if turn.error else texts.stopped
        shown = f'<div class="notice stopped">{plain_html(why)}</div>'
        text = f"{text_html(''.join(unwrapped([turn.partial])))}\n\n{shown}"
        return _messages(turn.question, texts.steps, "", text)
    record = turn.answer
    title, details = steps_line(record)
    text = render_answer(record, str(turn.position), turn.filters)
    took = record.timings_ms.get("total", 0) / 1000
    return _messages(turn.question, title, details, text, duration=round(took, 2))


def literal(text: str) -> str:
    """A reader's own text as it was typed; the page decodes it again for editing."""
    return _MARKUP.sub(lambda sign: f"&#{ord(sign[0])};", text)


def _messages(question: str, title: str, details: str, text: str, **metadata: Any) -> Messages:
    steps = {"title": title, "status": "done", **metadata}
    return [
        {"role": "user", "content": literal(question)},
        {"role": "assistant", "content": details, "metadata": steps},
        {"role": "assistant", "content": text},
    ]


def answering(
    bot: Chatbot, database: Engine, earlier: Sequence[Turn], turn: Turn
) -> Generator[Messages, None, None]:
    """All messages of the conversation, again and again while the answer of its last turn comes.

    What comes is kept meanwhile, so that a turn which is stopped, or which nobody listens to any
    more, has it; an answer that cannot be kept is shown all the same.
    """
    before, language = shown_turns(earlier), language_of(turn.question)
    coming, keeping, error = PartialAnswer(), Pace(_KEEP_SECONDS), ""
    try:
        for event in bot.ask(turn.question, history_of(earlier), turn.filters):
            due = coming.take(event)
            if coming.text and coming.answer is None and keeping.is_due():
                # An error is told of at the end, if it lasts.
                with keeping.doing(), contextlib.suppress(ChatbotError):
                    end_turn(database, turn, None, partial=coming.text)
            if due:
                with coming.pace.doing():
                    yield [*before, *_unfinished(turn, coming, language)]
    except GeneratorExit:
        with contextlib.suppress(ChatbotError):
            end_turn(database, turn, None, partial=coming.text)
        raise
    except ChatbotError as failure:
        error = str(failure)
    except Exception:
        logger.exception("a question was not answered")
        error = "…"
    try:
        end_turn(database, turn, coming.answer, partial=coming.text, error=error)
    except ChatbotError as failure:
        gr.Warning(str(failure))
    ended = replace(turn, answer=coming.answer, partial=coming.text, error=error)
    yield [*before, *shown_turn(ended)]


def _unfinished(turn: Turn, coming: PartialAnswer, language: Language) -> Messages:
    """What has come, under its stages: the running one last, sections counted once they are."""
    texts, names = ANSWERS[language], dict[str, str]()
    for step in coming.steps:
        found = step.name == "retrieve" and step.milliseconds is not None
        names[step.name] = texts.found.format(n=step.detail) if found else getattr(texts, step.name)
    title = " → ".join(names.values())
    return _messages(turn.question, title, "", coming.shown() or "…", status="pending")


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
    asked: two answers would write over each other. `done` grows when an answer has ended. Returned
    are the events that answer and that tell its end, for others to cancel.
    """

    @told
    def typed(request: gr.Request, text: str, conversation: str, *chosen: Any) -> list[Any]:
        return _begun(frame, _Asked(text, conversation, None, chosen), fields, request)

    def linked(request: gr.Request) -> str:
        """The question that the page's address asks."""
        return str(request.query_params.get("q", ""))

    def of_event(*, text: bool, place: bool) -> Callable[..., list[Any]]:
        """What asks the text of an event of the chat, at its place; or either as it was."""

        @told
        def asked(
            request: gr.Request, event: gr.EventData, conversation: str, *chosen: Any
        ) -> list[Any]:
            said, at = str(event.value) if text else "", turn_of(event.index) if place else None
            return _begun(frame, _Asked(said, conversation, at, chosen), fields, request)

        return asked

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
        fields.chat.option_select(of_event(text=True, place=False), narrowed, begun, **QUIET),
        fields.chat.retry(of_event(text=False, place=True), narrowed, begun, **QUIET),
        fields.chat.edit(of_event(text=True, place=True), narrowed, begun, **QUIET),
    ]
    return _connect_answering(frame, fields, triggers)


def _connect_answering(frame: Frame, fields: ChatFields, triggers: list[Any]) -> list[Any]:
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
    """Keep the question, show it, and let none other be asked; nothing where it is blank."""
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
