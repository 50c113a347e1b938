"""What reports and models write, as the page's HTML: text alone, read as it was meant."""

import html
import re
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatbot.web.markdown import (
    LATEX_DELIMITERS,
    ComingText,
    Piece,
    line_html,
    plain_html,
    section_html,
    text_html,
)

INLINE, DISPLAY = ((d["left"], d["right"]) for d in LATEX_DELIMITERS)
SIGNS = "ab1 \t\n\r`~<>&;!()[]{}:/@|*_#-+.=$%\\\"'\ue000\ue001\ue010\ue011\U000f0000"
TAGS = re.compile(
    r"</?(?:p|br|hr|h[1-6]|ul|li|em|strong|mark|pre|code|blockquote|table|thead|tbody|tr)>"
    r"|</?(?:th|td)(?: style=\"text-align:(?:left|center|right)\")?>|</?ol(?: start=\"\d+\")?>"
)


def read(shown: str) -> str:
    """What a reader reads of a text's HTML, with formulas as TeX between dollars."""
    for sign in (*INLINE, *DISPLAY):
        shown = shown.replace(str(sign), "$")
    return html.unescape(re.sub("<[^>]*>", "", shown)).strip()


@pytest.mark.parametrize(
    "text",
    [
        "标记 <tool_call> 在此",
        "</think>",
        "<script>alert(1)</script>",
        "![图](http://evil.example/x.png)",
        "[点我](http://evil.example)",
        "[点我](https://arxiv.org.evil.example/)",
        "[点我](https://evil@arxiv.org/)",
        "[点我](https://arxiv.org/?q=evil)",
        "[点我](javascript:alert(1))",
        "见 https://evil.example。",
        "<https://evil.example>",
        "[a]: http://evil.example",
        "Fast@1.2 与 CVaR@0.95",
        "平均分 ~65.94）超过（~60.15）",
        "价格 $3 和 $6 美元",
        "价格为$3，总价$6",
        "$1.5/$15",
        "BUYER_PRICE($X)",
        "&lt;img&gt; &#60;",
        "a `b",
        "``a`",
    ],
)
def test_what_is_no_markdown_of_ours_is_shown_as_it_was_written(text: str) -> None:
    shown = text_html(text)
    assert read(shown) == text
    assert TAGS.sub("", shown).count("<") == 0


def test_a_link_to_where_papers_are_is_one() -> None:
    shown = text_html("[论文](https://arxiv.org/abs/2602.10560)")
    assert shown == '<p><a href="https://arxiv.org/abs/2602.10560">论文</a></p>'


@pytest.mark.parametrize(
    ("text", "formulas"),
    [
        ("轨迹 $y^+$ 与 $a<b$", ["y^+", "a<b"]),
        ("参数$k$个", ["k"]),
        (r"Seq$\Delta$-REPA 目标", [r"\Delta"]),
        (r"分数：$ \mathcal{S}_{i} = \hat{p} $。", [r"\mathcal{S}_{i} = \hat{p}"]),
        (r"其中 \(a<b\) 时", ["a<b"]),
        (r"$x~y@z$ 与 $a*b$ 与 $c*d$", ["x~y@z", "a*b", "c*d"]),
        ("**$a_1$：**$b_1$", ["a_1", "b_1"]),
        ("| a | b |\n|---|---|\n| $x|y$ | 2 |", ["x|y"]),
        ("`$a$` $b$", ["b"]),
    ],
)
@pytest.mark.parametrize("shown_by", [text_html, section_html])
def test_a_formula_stays_tex_for_the_page_to_render(
    text: str, formulas: list[str], shown_by: Callable[[str], str]
) -> None:
    shown = re.findall(f"{INLINE[0]}(.*?){INLINE[1]}", shown_by(text))
    assert [html.unescape(tex) for tex in shown] == formulas


@pytest.mark.parametrize(
    "text",
    ["式：\n$$\na*b\n= c\n- d\n$$\n后", "式：\n\\[\na*b\n= c\n- d\n\\]\n后", "> $$\n> a\n> $$"],
)
def test_a_formula_on_lines_of_its_own_is_no_list_and_no_heading(text: str) -> None:
    shown = text_html(text)
    assert len(re.findall(f"<p>{DISPLAY[0]}[^<]*{DISPLAY[1]}</p>", shown)) == 1
    assert not re.search("<(?:h2|li|em)>", shown)


def test_a_bar_in_a_formula_parts_no_cell() -> None:
    shown = text_html("| a | b |\n|---|---|\n| $x|y$ | `c\\|d` |")
    assert re.findall("<td>(.*?)</td>", shown) == [
        f"{INLINE[0]}x|y{INLINE[1]}",
        "<code>c|d</code>",
    ]


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
        ("```make\na:\n\tb\n```", "a:\n\tb"),
    ],
)
@pytest.mark.parametrize("shown_by", [text_html, section_html])
def test_code_reads_as_it_was_written(
    written: str, code: str, shown_by: Callable[[str], str]
) -> None:
    assert code_of(shown_by(written)) == [code]


def test_what_is_indented_after_a_blank_line_is_code_in_an_answer_but_not_in_a_report() -> None:
    text = "如下：\n\n    if a < b:\n        c()\n\n- 一\n\n  二\n\n      d()\n\n末段"
    assert code_of(text_html(text)) == ["if a < b:\n    c()", "d()"]
    assert code_of(section_html(text)) == []


@pytest.mark.parametrize("text", ["快 9 倍。\n===", "快 9 倍。\n---", "- 快 9 倍。\n  -"])
def test_an_underlined_statement_of_an_answer_is_no_heading(text: str) -> None:
    assert not re.search(r"<h\d>", text_html(text))


def code_of(shown: str) -> list[str]:
    return [html.unescape(code) for code in re.findall("<code>(.*?)(?:&#10;)?</code>", shown)]


@pytest.mark.parametrize(
    "text", ["**效率：**得益", "比**（甲）**乙", "**“甲”**乙", "**甲`a`。**乙"]
)
def test_bold_holds_beside_chinese_punctuation(text: str) -> None:
    assert text_html(text).count("<strong>") == 1
    assert "*" not in text_html(text)


def test_a_cell_s_line_ends_where_it_says_so() -> None:
    assert "x<br>" in text_html("| a |\n|---|\n| x<br>y |")


@pytest.mark.parametrize(
    ("text", "numbers"),
    [
        ("甲[1]，乙 [2]。", [1, 2]),
        ("- [1] 甲\n- 乙[2]", [1, 2]),
        ("```py\nx[1]\n```\n甲[2]。", [2]),
        ("`x[1]` 与 $W[1]$ 与 $a_{[2]}$ 与 [3]", [3]),
        ("| a |\n|---|\n| $x|y$ [1] |", [1]),
        ("[9] 与 \\[1\\] 与 [1](甲)", []),
        ("**甲[1]。**", [1]),
    ],
)
def test_a_marker_is_one_where_the_text_is_no_code_and_no_formula(
    text: str, numbers: list[int]
) -> None:
    shown = text_html(text, marker=lambda n: f'<a href="#{n}">[{n}]</a>' if n < 9 else "")
    assert re.findall(r'<a href="#(\d)">', shown) == [str(n) for n in numbers]


def test_a_marker_that_opens_an_item_stays_in_its_list() -> None:
    shown = text_html("- [1] 甲", marker=lambda n: f'<a href="#{n}">[{n}]</a>')
    assert re.search(r"<ul>.*<li><a [^>]*>\[1\]</a> 甲</li>.*</ul>", shown)


@given(st.text(SIGNS, max_size=80))
def test_no_text_makes_an_element_that_is_not_markdown_s(text: str) -> None:
    half = [(0, len(text) // 2)]
    for shown in (text_html(text), section_html(text, half), line_html(text)):
        assert not re.search("[<>]", TAGS.sub("", shown))
        for block in shown.split("\n\n"):
            assert "\n" not in block
    assert re.fullmatch(r"(?:[\w ]|&#\d+;)*", plain_html(text))


@given(st.text(SIGNS, max_size=80), st.integers(1, 9))
def test_what_comes_piece_by_piece_ends_as_what_comes_at_once(text: str, size: int) -> None:
    coming = ComingText()
    for end in range(0, len(text), size):
        coming = coming.after(text[:end])
    whole = text + "\n\n末。"
    shown = coming.after(whole).html.replace('<span class="marker">[1]</span>', "[1]")
    assert shown == text_html(whole)


def test_a_block_that_is_complete_is_not_made_again() -> None:
    before = ComingText().after("# 一\n\n- 二\n- 三\n\n四\n\n五\n")
    after = before.after("# 一\n\n- 二\n- 三\n\n四\n\n五\n六")
    assert all(a is b for a, b in zip(before.done, after.done, strict=True))
    assert len(before.done) == 3


@pytest.mark.parametrize("begun", ["\n-", "\n=", "\n\n#", "\n\n```", "\n**", "\n| -", "\n|---|"])
def test_a_sign_that_may_become_anything_is_not_shown_yet(begun: str) -> None:
    assert ComingText().after(f"甲{begun}").html == "<p>甲</p>"


def test_what_is_begun_anew_is_shown_anew() -> None:
    assert ComingText().after("甲\n\n乙\n\n丙").after("丁").html == "<p>丁</p>"


@pytest.mark.parametrize(
    ("written", "nested"),
    [
        ("* 一\n  * 二\n  * 三\n* 四", "[一[二][三]][四]"),
        ("1.  一\n   *   二\n2.  三", "[一[二]][三]"),
        ("- 一\n\t- 二\n\t\t- 三\n- 四", "[一[二[三]]][四]"),
        ("1. 一\n\n2. 二\n\n   二的续文\n\n末段", "[一][二二的续文]末段"),
        ("*        一", "[一]"),
        ("导语：\n   * 一\n    * 二", "导语：[一][二]"),
        ("1.  一\n    2.  二\n    3.  三", "[一][二][三]"),
        ("*   一：\n    1.  二\n    2.  三", "[一：[二][三]]"),
    ],
)
def test_lists_of_a_section_are_nested_as_their_writer_meant(written: str, nested: str) -> None:
    shown = section_html(written).replace("<li>", "[").replace("</li>", "]")
    assert re.sub(r"\s", "", read(shown)) == nested


@pytest.mark.parametrize(
    ("text", "marked"),
    [
        ("1.  甲乙\n    2.  丙丁。", "丙"),
        ("1.  甲。\n2.  乙。\n\n丙。", "1.  甲。\n2.  乙。"),
        ("**甲**：乙。丙", "**甲**：乙。"),
        ("甲。**乙。丙**", "甲。**乙。"),
        ("| 甲 | 乙 |\n|---|---|\n| 丙 | 丁 |\n| 戊 | 己 |", "| 甲 | 乙 |\n|---|---|\n| 丙 | 丁 |"),
        ("甲\n```\n乙\n```\n丙", "甲\n```\n乙\n```"),
        ("```\n乙\n```\n丙", "```\n乙\n```\n丙"),
        ("甲 $a$ 乙", "甲 $a$"),
        ("### 甲\n- 乙", "### 甲\n- 乙"),
    ],
)
def test_a_highlight_holds_across_what_it_spans_and_changes_nothing_else(
    text: str, marked: str
) -> None:
    at = text.index(marked)
    shown = section_html(text, [(at, at + len(marked))])
    words = re.sub(r"[\s|`*#>$-]|\d\.", "", marked)
    assert re.sub(r"[\s$]", "", read("".join(re.findall("<mark>(.*?)</mark>", shown)))) == words
    assert re.sub("</?mark>", "", shown) == section_html(text)


def test_a_highlight_that_begins_within_a_formula_has_all_of_it() -> None:
    assert f"<mark>{INLINE[0]}ab{INLINE[1]} 甲</mark>" in section_html("$ab$ 甲", [(2, 6)])


def test_a_piece_stands_in_one_element_where_its_tags_allow() -> None:
    piece = Piece(0, 9, '<span class="doubtful">')
    assert text_html("甲 **乙** 丙", [piece]) == (
        '<p><span class="doubtful">甲 <strong>乙</strong> 丙</span></p>'
    )
