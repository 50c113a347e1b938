"""Markers resolved to sections, with quotes that are verbatim and chosen for the claim."""

import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatbot.index.sections import IndexedSection
from chatbot.reports.parsing import LineSpan
from chatbot.verification.attribution import best_quote, claims, resolve

TEXT = "*   **效率**：推理速度最高提升 **400%**。\n*   **综合**：准确率不降；成本更低。"
DAY = dt.date(2026, 2, 12)


def section(text: str = TEXT, key: str = "results") -> IndexedSection:
    url = "https://huggingface.co/papers/2602.10560"
    return IndexedSection(
        "2602.10560", "GRU-Mem", url, "HTML", key, text, "r.txt", LineSpan(1, 2), DAY, (DAY,)
    )


def test_the_quote_is_the_sentence_that_bears_the_claim_out() -> None:
    assert best_quote("速度提升 400%", TEXT).text == "**效率**：推理速度最高提升 **400%**。"
    assert best_quote("成本低", TEXT).text == "成本更低。"


def test_a_claim_that_shares_nothing_is_given_the_first_sentence() -> None:
    assert best_quote("xyzzy", TEXT).start == TEXT.index("**效率")


def test_a_text_without_sentences_is_quoted_whole() -> None:
    assert best_quote("甲", "---") == best_quote("乙", "---")
    assert best_quote("甲", "---").text == "---"


@given(st.text(max_size=40), st.text(alphabet="甲乙丙。；\n*- 400%", max_size=60))
def test_a_quote_is_always_verbatim_at_its_span(claim: str, text: str) -> None:
    quote = best_quote(claim, text)
    assert text[quote.start : quote.end] == quote.text


def test_each_cited_source_becomes_one_citation_with_a_quote_for_each_claim() -> None:
    sources = {1: section(), 2: section("别的。", "usage")}
    found = resolve("速度提升 400%[1]。成本更低[1]。别的[2]。", sources)
    assert [(c.n, c.section.name, len(c.quotes)) for c in found] == [
        (1, "2602.10560/results", 2),
        (2, "2602.10560/usage", 1),
    ]


def test_a_source_that_only_a_lead_in_cites_is_a_citation_too() -> None:
    found = resolve("主要有两点[1]：\n- 速度提升 400%[2]。", {1: section(), 2: section()})
    assert [c.n for c in found] == [1, 2]


def test_a_number_that_stands_for_no_source_is_passed_over() -> None:
    assert resolve("代码 `x[7]。y` 如此[9]。", {1: section()}) == ()


def test_a_source_nobody_cites_is_no_citation() -> None:
    assert resolve("没有出处。", {1: section()}) == ()


@pytest.mark.parametrize(
    "written", ["甲提升。[1]乙下降。[2]", "甲提升[1]。乙下降[2]。", "甲提升。 [1] 乙下降。 [2]"]
)
def test_a_marker_belongs_to_the_sentence_before_it(written: str) -> None:
    first, second = claims(written)
    assert ("甲" in first, "[1]" in first) == (True, True)
    assert ("乙" in second, "[2]" in second) == (True, True)


@pytest.mark.parametrize(
    "line",
    [
        "**GRU-Mem**（2026-02-12）",
        "*以上为报告原句摘录。*",
        "## 结论",
        "|---|---|",
        "主要结果如下：",
        "",
    ],
)
def test_titles_notes_and_lead_ins_are_no_claims(line: str) -> None:
    assert claims(line) == []
