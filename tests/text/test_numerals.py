"""Numbers that are spelt out."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatbot.text.quantities import number_of


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("12", 12),
        ("3rd", 3),
        ("十二", 12),
        ("三十", 30),
        ("两百零五", 205),
        ("二〇二六", 2026),
        ("Third", 3),
        ("seven", 7),
    ],
)
def test_a_numeral_is_read_however_it_is_spelt(text: str, number: int) -> None:
    assert number_of(text) == number


@pytest.mark.parametrize("text", ["", "篇", "十几", "eleventy", "-1", "st"])
def test_what_is_no_numeral_is_no_number(text: str) -> None:
    assert number_of(text) is None


@given(st.integers(1, 99))
def test_chinese_numerals_below_a_hundred_are_read_back(number: int) -> None:
    tens, ones = divmod(number, 10)
    digits = "零一二三四五六七八九"
    spelt = ("" if tens < 1 else "十" if tens == 1 else f"{digits[tens]}十") + (
        digits[ones] if ones else ""
    )
    assert number_of(spelt) == number
