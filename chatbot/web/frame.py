"""What every part of the page is built with: streams that stop at once, links that are actions."""

import asyncio
import functools
import json
from collections import OrderedDict
from collections.abc import AsyncIterator, Callable, Generator, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from threading import Lock, Thread
from typing import Any, Generic, ParamSpec, TypeVar, cast

import gradio as gr
from anyio import CapacityLimiter, to_thread
from gradio.components import Component
from gradio.i18n import I18nData
from sqlalchemy import Engine

from chatbot.bot import Chatbot
from chatbot.errors import ChatbotError
from chatbot.index.reading import Index
from chatbot.store.accounts import NOBODY
from chatbot.understanding.models import Language
from chatbot.web.auth import Admit
from chatbot.web.locales import language_of_visitor

_T = TypeVar("_T")


class PerGeneration(Generic[_T]):
    """What `make` gives for a chatbot's index, kept until another generation is committed."""

    def __init__(self, bot: Chatbot, make: Callable[[Index], _T]) -> None:
        self._bot, self._make = bot, make
        self._lock = Lock()
        self._made: tuple[Index, _T] | None = None

    def current(self) -> _T:
        """That of the committed index; of many visitors at once, one makes it for all."""
        with self._lock:
            index = self._bot.index
            if self._made is None or self._made[0] is not index:
                self._made = index, self._make(index)
            return self._made[1]


_Shown = TypeVar("_Shown")


@dataclass
class Run:
    """Something that streams; `stopped` says whether the reader ended it, `ended` anyone."""

    limiter: CapacityLimiter
    ended: asyncio.Event = field(default_factory=asyncio.Event)
    stopped: bool = False

    async def steps(self, iterator: Generator[_Shown, None, None]) -> AsyncIterator[_Shown]:
        """The iterator's items, each made in a thread, until it or the run is ended.

        A step that is under way then ends by itself; the iterator is closed after it.
        """
        lock = Lock()  # closing waits for the step

        def step() -> _Shown | None:
            with lock:
                return next(iterator, None)

        def close() -> None:
            with lock:
                iterator.close()

        ending = asyncio.ensure_future(self.ended.wait())
        stepping: asyncio.Future[_Shown | None] | None = None
        try:
            while not self.ended.is_set():
                stepping = asyncio.ensure_future(
                    to_thread.run_sync(step, limiter=self.limiter, abandon_on_cancel=True)
                )
                await asyncio.wait({stepping, ending}, return_when=asyncio.FIRST_COMPLETED)
                if not stepping.done() or (item := stepping.result()) is None:
                    break
                yield item
        finally:
            ending.cancel()
            if stepping is not None:
                stepping.cancel()
            Thread(target=close, daemon=True).start()


class Runs:
    """What streams to each open page: one thing at a time. For the event loop's thread alone.

    So many threads are granted to all of them together as are steps to be worked on `at_once`.
    """

    def __init__(self, at_once: int) -> None:
        self._limiter = CapacityLimiter(at_once)
        self._current: dict[str | None, Run] = {}

    def begin(self, page: str | None) -> Run:
        """A new run for an open page, which ends the one before it."""
        if before := self._current.get(page):
            before.ended.set()
        self._current[page] = run = Run(self._limiter)
        return run

    @contextmanager
    def running(self, page: str | None) -> Iterator[Run]:
        """A new run for an open page, forgotten when it is over, however it ends."""
        run = self.begin(page)
        try:
            yield run
        finally:
            if self._current.get(page) is run:
                del self._current[page]

    def stop(self, page: str | None) -> None:
        """End what streams to a page, for its reader wants no more of it."""
        if run := self._current.get(page):
            run.stopped = True
            run.ended.set()


class Showing:
    """Which conversation each open page was last turned to, "" for none; safe between threads.

    What ends after a page was turned elsewhere must not turn it back. The `most` pages turned last
    are remembered.
    """

    def __init__(self, most: int = 10_000) -> None:
        self._most, self._shown = most, OrderedDict[str | None, str]()
        self._lock = Lock()

    def turn(self, page: str | None, conversation: str) -> None:
        """A page is about to show a conversation."""
        with self._lock:
            self._shown[page] = conversation
            self._shown.move_to_end(page)
            if len(self._shown) > self._most:
                self._shown.popitem(last=False)

    def is_elsewhere(self, page: str | None, conversation: str) -> bool:
        """Whether a page was turned to another conversation."""
        with self._lock:
            return self._shown.get(page, conversation) != conversation


_SCRIPTS = Path(__file__).with_name("scripts")


def script(name: str) -> str:
    """What a browser runs, of ``scripts/NAME.js``: for `js=` one function."""
    return (_SCRIPTS / f"{name}.js").read_text(encoding="utf-8")


_P = ParamSpec("_P")
_R = TypeVar("_R")
# What every event of the page has.
QUIET: dict[str, Any] = {"show_progress": "hidden", "api_visibility": "private"}
COPY = script("copy")
# And of a link: of clicks on further ones while the first is followed the last counts, not none.
LINK: dict[str, Any] = {**QUIET, "trigger_mode": "always_last"}
_ON_LOAD = script("links")


@dataclass(frozen=True, slots=True)
class Frame:
    """What a part of the page is built with.

    `text` gives a text that follows the visitor's language, by ``PART_NAME`` of `WORDING`;
    `paper_choices` what each paper is picked by, with its id.
    `actions` has an event for each verb of the page's own links: a handler that takes
    ``event: gr.EventData`` reads the rest of the link from ``event.value``. `admit` counts a
    visitor's question, or raises where they ask too fast. `answers_at_once` are answered side by
    side; further ones wait. `showing` is which conversation each open page shows.
    """

    bot: Chatbot
    database: Engine
    paper_choices: PerGeneration[list[tuple[str, str]]]
    text: Callable[[str], I18nData]
    actions: gr.HTML
    admit: Admit
    answers_at_once: int
    showing: Showing


def action_links() -> gr.HTML:
    """The component that turns clicks on ``[label](#VERB/REST)`` into its events.

    The verbs and their rests: ``source/TURN/N``, ``ask/PAPER``, ``paper/PAPER``,
    ``compare/PAPER,PAPER``, ``unfilter/KIND/VALUE``, ``copy/TURN``, ``close/PANEL``, ``chat/ID``.
    """
    return gr.HTML("", js_on_load=_ON_LOAD, elem_id="actions", visible="hidden")


def visitor_language(request: gr.Request) -> Language:
    """The language of whoever sent a request."""
    return language_of_visitor(dict(request.headers))


def owner_of(request: gr.Request) -> str:
    """Whose conversations and opinions these are; without a sign-in there is one owner."""
    return request.username or NOBODY


def told(handler: Callable[_P, _R]) -> Callable[_P, _R]:
    """An event's handler whose `ChatbotError` is told in a notice and changes nothing."""

    @functools.wraps(handler)
    def telling(*args: _P.args, **kwargs: _P.kwargs) -> _R:
        try:
            return handler(*args, **kwargs)
        except ChatbotError as error:
            gr.Warning(str(error))
            return cast(_R, gr.skip())

    return telling


_SAVE = script("save")


def download_button(
    label: str | I18nData,
    make: Callable[..., tuple[str, str]],
    inputs: Component | Sequence[Component] | None,
    elem_id: str,
    *,
    visible: bool = True,
) -> gr.Button:
    """A button that saves what `make` gives for the inputs: a file's name, and its text.

    Where the name is empty, nothing is saved. `make` may also take ``request: gr.Request``.
    Show and hide the button and no box around it: what is hidden in a box that is shown later, is
    shown with it (gradio 6.31), and the file's text is carried in such a component.
    """
    button = gr.Button(label, elem_id=elem_id, size="sm", scale=0, min_width=120, visible=visible)
    file = gr.Textbox(visible="hidden", elem_id=f"{elem_id}-file")

    @functools.wraps(make)
    def packed(*values: Any) -> str:
        return json.dumps(make(*values))

    # Its type is not what `make` says.
    packed.__annotations__ = {**make.__annotations__, "return": str}
    packing = button.click(packed, inputs, file, show_progress="hidden", api_visibility="private")
    packing.success(None, file, None, js=_SAVE, api_visibility="private")
    return button
