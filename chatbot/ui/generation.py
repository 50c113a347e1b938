"""What the page makes of an index, made once for each generation of it."""

from collections.abc import Callable
from threading import Lock
from typing import Generic, TypeVar

from chatbot.bot import Chatbot
from chatbot.index.store import Index

_T = TypeVar("_T")


class PerGeneration(Generic[_T]):
    """What `make` gives for a chatbot's index, kept until another generation is committed."""

    def __init__(self, bot: Chatbot, make: Callable[[Index], _T]) -> None:
        self._bot, self._make = bot, make
        self._lock = Lock()
        self._made: tuple[Index, _T] | None = None

    def current(self) -> _T:
        """That of the committed index; of many visitors at once, one makes it for all.

        Raises:
            ChatbotError: as `make` does.
        """
        with self._lock:
            index = self._bot.index
            if self._made is None or self._made[0] is not index:
                self._made = index, self._make(index)
            return self._made[1]
