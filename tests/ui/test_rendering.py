"""An answer as the Markdown the page shows: safe, linked, honest about what was not verified."""

import dataclasses

import pytest

from chatbot.answer.models import Answer, SentenceVerdict, Step
from chatbot.bot import Chatbot
from chatbot.ui.rendering import render_answer, render_steps, safe_markdown
from chatbot.ui.wording import WORDING

QUESTION = "GRU-Mem 的推理速度提升了多少？"


@pytest.fixture(scope="module")
def answer(seed_bot: Chatbot) -> Answer:
    return seed_bot.answer(QUESTION)


@pytest.mark.parametrize("token", ["<tool_call>", "<sc>", "</think>", "<script>alert(1)</script>"])
def test_tags_are_shown_and_not_obeyed(token: str) -> None:
    assert safe_markdown(f"标记 {token} 在此") == f"标记 {token.replace('<', '&lt;')} 在此"


def test_tags_in_code_are_left_as_they_are_since_markdown_shows_them() -> None:
    assert safe_markdown("`<sc>` 与 <sc>") == "`<sc>` 与 &lt;sc>"


@pytest.mark.parametrize(
    "text", ["![图](http://evil.example/x.png)", "[点我](http://evil.example)", "[x](javascript:y)"]
)
def test_images_and_links_are_written_out(text: str) -> None:
    shown = safe_markdown(text)
    assert "](" not in shown
    assert "![" not in shown


def test_a_formula_gets_delimiters_that_no_price_has() -> None:
    assert safe_markdown("轨迹 $y^+$ 与 $a<b$") == r"轨迹 \(y^+\) 与 \(a\lt b\)"


@pytest.mark.parametrize("price", ["价格 $3 和 $6 美元", "$1.5/$15", "BUYER_PRICE($X)"])
def test_prices_stay_prices(price: str) -> None:
    assert safe_markdown(price) == price


def test_each_marker_links_to_its_own_turns_source(answer: Answer) -> None:
    shown = render_answer(answer, turn=3)
    for citation in answer.citations:
        assert f'href="#source-3-{citation.n}">[{citation.n}]</a>' in shown
        assert f'<div id="source-3-{citation.n}">' in shown


def test_a_source_names_paper_date_section_lines_and_links(answer: Answer) -> None:
    shown = render_answer(answer, 1)
    assert "2026-02-12 · 实验效果</summary>" in shown
    assert "2602.10560/results, 实验效果一节，第 1000–1003 行，000_a123f1b62403a6c8.txt" in shown
    assert 'href="https://arxiv.org/abs/2602.10560"' in shown
    assert 'href="https://huggingface.co/papers/2602.10560"' in shown


def test_a_quote_keeps_the_reports_bold_and_escapes_the_rest(answer: Answer) -> None:
    citation = answer.citations[-1]
    quote = dataclasses.replace(citation.quotes[0], text="**粗** <sc> $3 *a* `b` [1, 2]")
    changed = dataclasses.replace(
        answer, citations=(dataclasses.replace(citation, quotes=(quote,)),)
    )
    shown = render_answer(changed, 1)
    expected = "<b>粗</b> &lt;sc&gt; &#36;3 &#42;a&#42; &#96;b&#96; [1, 2]"
    assert f"<blockquote>{expected}</blockquote>" in shown


def test_what_could_not_be_verified_is_listed_with_the_reason(answer: Answer) -> None:
    sentences = (
        SentenceVerdict("没有出处。", (), supported=False, reason="missing_marker"),
        SentenceVerdict("提升 7%。", (1,), supported=False, reason="number_not_in_source: 7"),
    )
    shown = render_answer(dataclasses.replace(answer, sentences=sentences), 1)
    assert "没有出处。 <em>(没有标明出处)</em>" in shown
    assert "提升 7%。 <em>(数字 7 不在所引的原文里)</em>" in shown


def test_a_sound_answer_has_no_warning(answer: Answer) -> None:
    assert "⚠" not in render_answer(answer, 1)


def test_a_refusal_looks_different(answer: Answer) -> None:
    refused = dataclasses.replace(answer, abstain_reason="not_in_corpus")
    assert 'class="abstained"' in render_answer(refused, 1)
    assert 'class="abstained"' not in render_answer(answer, 1)


def test_a_notice_comes_first_and_is_escaped(answer: Answer) -> None:
    shown = render_answer(dataclasses.replace(answer, notice="模型 <x> 失败"), 1)
    assert shown.startswith('<div class="notice">模型 &lt;x&gt; 失败</div>')


@pytest.mark.parametrize(
    ("mode", "language", "words"),
    [
        ("extractive", "zh", "原文摘录"),
        ("gpt-x", "zh", "由 gpt-x 撰写"),
        ("gpt-x", "en", "Written by"),
    ],
)
def test_every_answer_says_how_it_was_made(
    answer: Answer, mode: str, language: str, words: str
) -> None:
    assert words in render_answer(dataclasses.replace(answer, mode=mode, language=language), 1)


def test_the_steps_are_told_as_they_come() -> None:
    steps = [Step("understand", 0.1, "lookup"), Step("retrieve"), Step("retrieve", 2.0, "8")]
    assert "理解问题 → 检索到 8 节 …" in render_steps(steps, WORDING["zh"])
    assert "Understand → Search …" in render_steps(steps[:2], WORDING["en"])


def test_a_cell_of_a_table_may_hold_several_lines_and_no_other_tag() -> None:
    row = safe_markdown("| 甲 | 一 [1]<br>二<img src=x> |")
    assert "一 [1]<br>二&lt;img" in row
    assert "<br>" not in safe_markdown("一<br>二")
