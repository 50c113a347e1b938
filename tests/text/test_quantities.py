"""Numbers as values, however they are written."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatbot.text.quantities import quantities, spelt_quantities


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("5 万", "50,000"),
        ("1.7 万倍", "17000×"),
        ("400%", "4 倍"),
        ("0.44M", "44 万"),
        ("５０％", "50%"),
        ("70 亿", "7B"),
        ("1,054", "1054"),
        ("百分之 50", "50%"),
        ("2 million", "200 万"),
        ("3.2\\times", "3.2 倍"),
        ("61.4", "61.4%"),
        ("200 多倍", "200 倍"),
        ("5 pp", "5 个百分点"),
    ],
)
def test_the_same_value_agrees_however_it_is_written(one: str, other: str) -> None:
    (a,), (b,) = quantities(one), quantities(other)
    assert a.agrees(b)
    assert b.agrees(a)


@pytest.mark.parametrize(
    ("one", "other"),
    [("5 万", "5 亿"), ("61.4%", "61.4 倍"), ("3 倍", "3 个"), ("7B", "7M"), ("61.4", "61.5")],
)
def test_another_value_scale_or_unit_does_not_agree(one: str, other: str) -> None:
    (a,), (b,) = quantities(one), quantities(other)
    assert not a.agrees(b)


def test_a_range_is_read_both_ways() -> None:
    first, last = quantities("提升 61.4–63.4%")
    assert first.agrees(quantities("61.4%")[0])
    assert last.agrees(quantities("63.4%")[0])
    low, _ = quantities("5 到 10 万")
    assert low.agrees(quantities("50,000")[0])
    assert low.agrees(quantities("5")[0])


@pytest.mark.parametrize("name", ["GPT-4", "Qwen2.5-7B", "A100", "top-k", "x8", "v1.5"])
def test_digits_inside_a_name_are_no_number(name: str) -> None:
    assert quantities(name) == ()


@pytest.mark.parametrize(
    ("text", "value"),
    [("三类", 3), ("两倍", 2), ("二十五个", 25), ("八万条", 80_000), ("三百种", 300)],
)
def test_chinese_numerals_count_before_a_measure_word(text: str, value: float) -> None:
    (found,) = spelt_quantities(text)
    assert found.readings[0].value == value


def test_chinese_characters_that_only_look_like_numerals_are_none() -> None:
    assert spelt_quantities("一般来说，统一的方法万一不行") == ()


@given(st.floats(0, 1e9, allow_nan=False), st.sampled_from(["", "%", "倍", " 万", " 亿"]))
def test_any_number_is_found_with_its_value(value: float, unit: str) -> None:
    written = f"{value:.2f}"
    (found,) = quantities(f"提升了{written}{unit}。")
    scale = {" 万": 1e4, " 亿": 1e8}.get(unit, 1.0)
    assert found.readings[0].value == pytest.approx(float(written) * scale)


@given(st.text(max_size=200))
def test_any_text_can_be_read(text: str) -> None:
    for quantity in [*quantities(text), *spelt_quantities(text)]:
        assert quantity.start < quantity.end
        assert quantity.agrees(quantity)
