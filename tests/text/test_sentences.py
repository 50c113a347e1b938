"""Cutting Markdown into sentences whose spans are exact."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatbot.text.markdown import sentences


def texts(markdown: str) -> list[str]:
    return [span.text for span in sentences(markdown)]


def test_chinese_stops_end_sentences() -> None:
    assert texts("提升了。下降了！为什么？因为甲；所以乙。") == [
        "提升了。",
        "下降了！",
        "为什么？",
        "因为甲；",
        "所以乙。",
    ]


def test_english_stops_end_sentences_but_decimals_and_abbreviations_do_not() -> None:
    text = "It gains 61.4% vs. the rest, e.g. on AIME. Then it stops. See v2.1 of it."
    assert texts(text) == [
        "It gains 61.4% vs. the rest, e.g. on AIME.",
        "Then it stops.",
        "See v2.1 of it.",
    ]


def test_bullets_numbers_and_heading_signs_are_left_out() -> None:
    assert texts("### 标题\n*   **输入**：图像。\n    1.  第一步\n- 乙") == [
        "标题",
        "**输入**：图像。",
        "第一步",
        "乙",
    ]


@pytest.mark.parametrize(
    "whole",
    ["他说（甲。乙；丙）就走了。", "公式 $a; b; c$ 成立。", "代码 `a; b` 可用。", "“好。”他说。"],
)
def test_a_stop_inside_brackets_formulas_or_code_ends_nothing(whole: str) -> None:
    assert texts(whole)[0] in {whole, "“好。”"}
    assert "".join(texts(whole)) == whole


def test_lines_without_a_letter_or_digit_are_no_sentences() -> None:
    assert texts("---\n|---|---|\n***") == []


@given(st.text(alphabet='甲乙ab1.。；;！!（）()[]**`$ \n-#"”', max_size=80))
def test_every_span_is_exactly_its_text_in_order_and_without_overlap(text: str) -> None:
    end = 0
    for span in sentences(text):
        assert text[span.start : span.end] == span.text
        assert span.start >= end
        assert span.text.strip() == span.text != ""
        end = span.end


@given(st.text(alphabet="甲乙ab1.。；;！!（）() \n", max_size=80))
def test_no_letter_or_digit_is_lost(text: str) -> None:
    kept = "".join(span.text for span in sentences(text.replace("1", "一")))
    wanted = text.replace("1", "一")
    assert [c for c in kept if c.isalnum()] == [c for c in wanted if c.isalnum()]
