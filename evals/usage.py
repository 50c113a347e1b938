"""Tokens and what they cost, by the price table."""

import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from chatbot.errors import ChatbotError
from evals.answering import AnswerRow
from evals.judging import JudgedText

PRICES = Path(__file__).with_name("prices.toml")
_MILLION = 1e6


def usage_by_call(
    model: str,
    answers: Mapping[str, Sequence[AnswerRow]],
    judged: Sequence[JudgedText] = (),
    prices: Path = PRICES,
) -> list[dict[str, Any]]:
    """What answering in each setting and judging cost: calls, tokens, dollars if there is a price.

    Raises:
        ChatbotError: the price table cannot be read.
    """
    found: dict[str, list[int]] = {}
    for key, rows in answers.items():
        total = found.setdefault(f"answer ({key.partition('/')[0]})", [0, 0, 0])
        for row in rows:
            used = (row.answer or {}).get("usage", {})
            for place, name in enumerate(("llm_calls", "prompt_tokens", "completion_tokens")):
                total[place] += used.get(name, 0)
    if judged:
        prompt = sum(text.prompt_tokens for text in judged)
        completion = sum(text.completion_tokens for text in judged)
        found["judge"] = [len(judged), prompt, completion]
    price = _price(model, prices)
    return [
        {
            "call": call,
            "calls": calls,
            "prompt_tokens": prompt,
            "completion_tokens": completion,
            "cost": price and round((prompt * price[0] + completion * price[1]) / _MILLION, 4),
        }
        for call, (calls, prompt, completion) in found.items()
    ]


def _price(model: str, path: Path) -> tuple[float, float] | None:
    """Dollars for a million prompt and completion tokens; None where they are not in the table."""
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
        known = sorted((name for name in table if model.startswith(name)), key=len)
        return (
            (float(table[known[-1]]["prompt"]), float(table[known[-1]]["completion"]))
            if known
            else None
        )
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ChatbotError(f"{path} cannot be read: {error}") from error
