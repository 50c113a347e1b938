"""Markdown of reports and models: nothing in it works but text, which reads as it was meant."""

import html
import re
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatbot.web.markdown import nested_lists, plain_html, safe_markdown, section_markdown


@pytest.mark.parametrize("token", ["<tool_call>", "</think>", "<script>alert(1)</script>"])
def test_tags_are_shown_and_not_obeyed(token: str) -> None:
    assert safe_markdown(f"标记 {token} 在此") == f"标记 {token.replace('<', '&lt;')} 在此"


@pytest.mark.parametrize(
    "text",
    [
        "![图](http://evil.example/x.png)",
        "[点我](http://evil.example)",
        "见 https://evil.example。",
        "见 www.evil.example",
        "见http://evil.example 与 HTTPS://evil.example",
    ],
)
def test_images_links_and_addresses_are_written_out(text: str) -> None:
    shown = safe_markdown(text)
    assert not any(sign in shown for sign in ("](", "![", "http:", "https:", "www."))


def test_a_metric_is_no_mail_address() -> None:
    assert safe_markdown("Fast@1.2 与 CVaR@0.95") == "Fast&#64;1.2 与 CVaR&#64;0.95"


def test_two_estimates_strike_nothing_out() -> None:
    assert "~" not in safe_markdown("平均分 ~65.94）超过（~60.15）")


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("轨迹 $y^+$ 与 $a<b$", r"轨迹 \(y^+\) 与 \(a\lt b\)"),
        (r"Seq$\Delta$-REPA 目标", r"Seq\(\Delta\)-REPA 目标"),
        (r"分数：$ \mathcal{S}_{i} = \hat{p} $。", r"分数：\(\mathcal{S}_{i} = \hat{p}\)。"),
        (r"其中 \(a<b\) 时", r"其中 \(a\lt b\) 时"),
        (r"\[ a<b ~ c \]", r"\[ a\lt b ~ c \]"),
        (r"$x~y@z$", r"\(x~y@z\)"),
    ],
)
def test_a_formula_gets_delimiters_that_no_price_has(text: str, shown: str) -> None:
    assert safe_markdown(text) == shown


@pytest.mark.parametrize("price", ["价格 $3 和 $6 美元", "$1.5/$15", "BUYER_PRICE($X)"])
def test_prices_stay_prices(price: str) -> None:
    assert safe_markdown(price) == price


@pytest.mark.parametrize(
    ("written", "code"),
    [
        ("`<sc> ~ a@b $x$`", "<sc> ~ a@b $x$"),
        ("``a`b``", "a`b"),
        ("`` `a` ``", "`a`"),
        ("`a\\`", "a\\"),
        ("```\n[a](b)\n   * c\n```", "[a](b)\n   * c"),
        ("````py\n```\n&lt;\n````", "```\n&lt;"),
        ("~~~\n```\n\n x\n~~~", "```\n\n x"),
        ("> ```\n> **a**\n> ```", "**a**"),
        ("1. ```\n   a\n     b\n   ```", "a\n  b"),
        ("- 一\n  ```\n  \\(a\\)\n  ```", "\\(a\\)"),
        ("```\n写到一半 <b", "写到一半 <b"),
        ("| a |\n|---|\n| `b\\|c` |", "b|c"),
    ],
)
@pytest.mark.parametrize("shown_by", [safe_markdown, section_markdown])
def test_code_reads_as_it_was_written(
    written: str, code: str, shown_by: Callable[[str], str]
) -> None:
    shown = shown_by(written)
    assert code_of(shown) == [code]
    assert "`" not in shown


@pytest.mark.parametrize("unclosed", ["a `b", "``a`", "\\`a\\`", "a `b\n\nc` d", "| `a | b` |"])
def test_a_backtick_that_encloses_nothing_is_a_sign_like_others(unclosed: str) -> None:
    assert code_of(safe_markdown(unclosed)) == []
    assert "`" not in safe_markdown(unclosed)


def test_what_is_indented_after_a_blank_line_is_code_in_an_answer_but_not_in_a_report() -> None:
    text = "如下：\n\n    if a < b:\n        c()\n\n- 一\n\n  二\n\n      d()\n\n末段"
    shown = safe_markdown(text)
    assert code_of(shown) == ["if a < b:\n    c()", "d()"]
    assert "\n  二\n" in shown
    assert code_of(section_markdown(text)) == []


def code_of(shown: str) -> list[str]:
    return [html.unescape(code) for code in re.findall("<code>(.*?)</code>", shown)]


@pytest.mark.parametrize("text", ["[a]: //b", "> - [a]:\n  //b", "[a\\]b]: <//b>", "[a](//b)"])
def test_nothing_defines_what_a_link_leads_to(text: str) -> None:
    assert not re.search(r"\][:(]", safe_markdown(text))


@pytest.mark.parametrize("written", [r"\<b>", r"\[a](b)", r"\\<b>", r"a\*b", r"\![a](b)"])
def test_what_is_escaped_is_shown_without_its_backslash(written: str) -> None:
    shown = html.unescape(safe_markdown(written))
    assert shown == re.sub(r"\\([\\<\[*!])", r"\1", written)


@given(st.text("ab1 \t\n\r`~<>&;!()[]{}:/@|*_#-+.=$%\\\"'\ue000\ue002\ue004\ue005", max_size=80))
def test_no_text_reaches_markdown_with_a_sign_that_could_make_an_element(text: str) -> None:
    tags = re.compile(r"</?(?:strong|code|pre|mark)>|<br ?/?>")
    for shown in (safe_markdown(text), section_markdown(text, [(0, len(text) // 2)])):
        rest = re.sub(r"\\\(.*?\\\)|\\\[.*?\\\]", "", tags.sub("", shown))
        assert not re.search(r"[<`~@]|!\[|\][:(]|://|\\[^\n]", rest)
    assert re.fullmatch(r"(?:[\w \ue000-\ue003]|&(?:lt|#\d+);)*", plain_html(text))


@pytest.mark.parametrize(
    ("written", "nested"),
    [
        ("* 一\n  * 二\n  * 三\n* 四", "* 一\n    * 二\n    * 三\n* 四"),
        ("1.  一\n   *   二\n2.  三", "1. 一\n    * 二\n2. 三"),
        ("- 一\n\t- 二\n\t\t- 三\n- 四", "- 一\n    - 二\n        - 三\n- 四"),
        ("1. 一\n\n2. 二\n\n   二的续文\n\n末段", "1. 一\n\n2. 二\n\n    二的续文\n\n末段"),
        ("*        一", "* 一"),
        ("导语：\n   * 一\n    * 二", "导语：\n* 一\n* 二"),
    ],
)
def test_lists_are_indented_by_their_depth(written: str, nested: str) -> None:
    assert nested_lists(written) == nested


def test_a_first_item_that_lost_its_indentation_stands_with_its_like() -> None:
    assert nested_lists("1.  一\n    2.  二\n    3.  三") == "1. 一\n2. 二\n3. 三"
    assert nested_lists("*   一：\n    1.  二\n    2.  三") == "* 一：\n    1. 二\n    2. 三"


def test_a_highlight_survives_the_indenting() -> None:
    text = "1.  甲乙\n    2.  丙丁"
    at = text.index("丙")
    assert section_markdown(text, [(at, at + 1)]) == "1. 甲乙\n2. <mark>丙</mark>丁"
