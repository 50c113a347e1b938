"""Work that streams to a page, stopped where the reader says so and at once.

gradio's own way (``cancels=``) waits for the step that runs, which may wait for a model; until then
its front end drops whatever else is asked by the same event, without a word. And what it cancels
still counts as running when its end is told.
"""

import asyncio
import threading
from collections import OrderedDict
from collections.abc import AsyncIterator, Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TypeVar

from anyio import CapacityLimiter, to_thread

_T = TypeVar("_T")


@dataclass
class Run:
    """Something that streams; `stopped` says whether the reader ended it, `ended` anyone."""

    limiter: CapacityLimiter
    ended: asyncio.Event = field(default_factory=asyncio.Event)
    stopped: bool = False

    async def steps(self, iterator: Generator[_T, None, None]) -> AsyncIterator[_T]:
        """The iterator's items, each made in a thread, until it or the run is ended.

        A step that is under way then ends by itself; the iterator is closed after it.
        """
        lock = threading.Lock()  # closing waits for the step
        ending = asyncio.ensure_future(self.ended.wait())
        step: asyncio.Future[_T | None] | None = None
        try:
            while not self.ended.is_set():
                step = asyncio.ensure_future(_step(iterator, lock, self.limiter))
                await asyncio.wait({step, ending}, return_when=asyncio.FIRST_COMPLETED)
                if not step.done() or (item := step.result()) is None:
                    break
                yield item
        finally:
            ending.cancel()
            if step is not None:
                step.cancel()
            threading.Thread(target=_close, args=(iterator, lock), daemon=True).start()


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
        self._lock = threading.Lock()

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


async def _step(
    iterator: Generator[_T, None, None], lock: threading.Lock, limiter: CapacityLimiter
) -> _T | None:
    def step() -> _T | None:
        with lock:
            return next(iterator, None)

    return await to_thread.run_sync(step, limiter=limiter, abandon_on_cancel=True)


def _close(iterator: Generator[_T, None, None], lock: threading.Lock) -> None:
    with lock:
        iterator.close()
