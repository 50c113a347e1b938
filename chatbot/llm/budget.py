"""A model that is asked only while the day's tokens last, and what tokens cost."""

import datetime as dt
import tomllib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from pydantic import BaseModel

from chatbot.errors import BudgetError, ChatbotError, ModelError
from chatbot.llm.client import ChatModel, ChatTurn, Chunk

PRICES = Path(__file__).with_name("prices.toml")


@dataclass(frozen=True, slots=True)
class Price:
    """Dollars for a million tokens."""

    prompt: float
    completion: float

    def of(self, prompt_tokens: int, completion_tokens: int) -> float:
        """What so many tokens cost, in dollars."""
        return (prompt_tokens * self.prompt + completion_tokens * self.completion) / 1e6


def price_of(model: str, table: Path = PRICES) -> Price | None:
    """The price of a model, None where the table has none; one that is damaged is our error."""
    try:
        prices = tomllib.loads(table.read_text(encoding="utf-8"))
        known = max((name for name in prices if model.startswith(name)), key=len, default=None)
        if known is None:
            return None
        return Price(float(prices[known]["prompt"]), float(prices[known]["completion"]))
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ChatbotError(f"{table} cannot be read: {error}") from error


_BYTES_A_TOKEN = 4
_STEP = 200


class Account(Protocol):
    """Where the tokens spent are counted, by day of UTC."""

    def today(self) -> tuple[dt.date, int]:
        """The day that is accounted now, and the tokens spent on it."""

    def add(self, day: dt.date, tokens: int) -> None:
        """Add to what was spent on a day; below zero gives back what was taken too much."""


def renews(day: dt.date) -> dt.datetime:
    """When the day after begins."""
    return dt.datetime.combine(day + dt.timedelta(days=1), dt.time(), dt.UTC)


class BudgetedModel:
    """A model under a daily budget of tokens.

    What a call's prompt may cost is charged before it is made, so that calls made at once do not
    each spend the rest; what is written, as it comes. At its end the call is charged as the server
    counts it, where it does. Of a call that is broken off up to 200 tokens may go uncharged: that
    happens on the event loop, where nothing waits for the database.
    """

    def __init__(self, model: ChatModel, account: Account, daily_tokens: int) -> None:
        self.name, self.context_tokens = model.name, model.context_tokens
        self._model, self._account, self._daily = model, account, daily_tokens

    def stream(
        self, turns: Sequence[ChatTurn], shape: type[BaseModel] | None = None
    ) -> Iterator[Chunk]:
        """The model's answer as it is written.

        Raises:
            BudgetError: the day's tokens are used up.
            ModelError: as for the model, or the account of tokens does not answer.
        """
        day = self._open_day()
        cost = sum(_tokens(turn.content) for turn in turns)
        charged = self._charge(day, cost)
        answered = False
        try:
            for chunk in self._model.stream(turns, shape):
                answered = True
                cost += _tokens(chunk.text)
                if chunk.usage:
                    cost = chunk.usage.prompt_tokens + chunk.usage.completion_tokens
                if chunk.usage or cost - charged >= _STEP:
                    charged += self._charge(day, cost - charged)
                yield chunk
        except ModelError:
            self._charge(day, (cost if answered else 0) - charged)
            raise
        self._charge(day, cost - charged)

    def _open_day(self) -> dt.date:
        try:
            day, spent = self._account.today()
        except ChatbotError as error:
            raise ModelError(str(error)) from error
        if spent >= self._daily:
            raise BudgetError(self._daily, renews(day))
        return day

    def _charge(self, day: dt.date, tokens: int) -> int:
        try:
            if tokens:
                self._account.add(day, tokens)
        except ChatbotError as error:
            raise ModelError(str(error)) from error
        return tokens


def _tokens(text: str) -> int:
    return -(-len(text.encode()) // _BYTES_A_TOKEN)
