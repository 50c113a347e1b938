"""Tokens and what they cost, by the price table."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from chatbot.llm.budget import PRICES, price_of
from evals.answering import AnswerRow
from evals.judging import JudgedText


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
    price = price_of(model, prices)
    return [
        {
            "call": call,
            "calls": calls,
            "prompt_tokens": prompt,
            "completion_tokens": completion,
            "cost": price and round(price.of(prompt, completion), 4),
        }
        for call, (calls, prompt, completion) in found.items()
    ]
