"""What a model's tokens cost, by the price table."""

import tomllib
from dataclasses import dataclass
from pathlib import Path

from chatbot.errors import ChatbotError

PRICES = Path(__file__).with_name("prices.toml")
_MILLION = 1e6


@dataclass(frozen=True, slots=True)
class Price:
    """Dollars for a million tokens."""

    prompt: float
    completion: float

    def of(self, prompt_tokens: int, completion_tokens: int) -> float:
        """What so many tokens cost, in dollars."""
        return (prompt_tokens * self.prompt + completion_tokens * self.completion) / _MILLION


def price_of(model: str, table: Path = PRICES) -> Price | None:
    """The price of a model, None where the table has none.

    Raises:
        ChatbotError: the table cannot be read.
    """
    try:
        prices = tomllib.loads(table.read_text(encoding="utf-8"))
        known = max((name for name in prices if model.startswith(name)), key=len, default=None)
        if known is None:
            return None
        return Price(float(prices[known]["prompt"]), float(prices[known]["completion"]))
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ChatbotError(f"{table} cannot be read: {error}") from error
