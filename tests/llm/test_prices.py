"""The price table."""

from pathlib import Path

import pytest

from chatbot.errors import ChatbotError
from chatbot.llm.budget import Price, price_of

TABLE = '["m"]\nprompt = 1.0\ncompletion = 2.0\n["m-large"]\nprompt = 10\ncompletion = 20\n'


@pytest.fixture
def table(tmp_path: Path) -> Path:
    file = tmp_path / "prices.toml"
    file.write_text(TABLE, encoding="utf-8")
    return file


def test_the_longest_beginning_of_a_models_name_counts(table: Path) -> None:
    assert price_of("m-7b", table) == Price(1.0, 2.0)
    assert price_of("m-large-2", table) == Price(10.0, 20.0)
    assert price_of("other", table) is None


def test_a_million_tokens_cost_what_the_table_says(table: Path) -> None:
    assert Price(1.0, 2.0).of(1_000_000, 500_000) == 2.0


def test_the_table_that_ships_can_be_read_and_guesses_no_price() -> None:
    assert price_of("gpt-5.4-mini") is None


@pytest.mark.parametrize("text", ["[", '["m"]\nprompt = 1\n', '["m"]\nprompt = "a lot"\n', "m = 1"])
def test_a_table_that_cannot_be_read_is_named(table: Path, text: str) -> None:
    table.write_text(text, encoding="utf-8")
    with pytest.raises(ChatbotError, match=r"prices\.toml cannot be read"):
        price_of("m", table)
