"""Texts read into claims, each cited section with quotes that are verbatim and chosen for them."""

import datetime as dt

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chatbot.index.reading import Index
from chatbot.index.sections import IndexedSection
from chatbot.reports.parsing import LineSpan
from chatbot.verification.claims import (
    Citation,
    Draft,
    claims_of,
    markdown_of,
    read_blocks,
    stated_in,
    without_markers,
)
from chatbot.verification.verification import citations_of, verified

TEXT = "*   **效率**：推理速度最高提升 **400%**。\n*   **综合**：准确率不降；成本更低。"
DAY = dt.date(2026, 2, 12)


def section(text: str = TEXT, key: str = "results") -> IndexedSection:
    url = "https://huggingface.co/papers/2602.10560"
    return IndexedSection(
        "2602.10560", "GRU-Mem", url, "HTML", key, text, "r.txt", LineSpan(1, 2), DAY
    )


def cite(index: Index, text: str, sources: dict[int, IndexedSection]) -> tuple[Citation, ...]:
    return citations_of(verified(index, Draft(read_blocks(text), sources)))


def quote(index: Index, claim: str, text: str = TEXT) -> str:
    ((found,),) = (citation.quotes for citation in cite(index, f"{claim}[1]", {1: section(text)}))
    assert text[found.start : found.end] == found.text
    return found.text


def test_the_quote_is_the_sentence_that_bears_the_claim_out(seed_index: Index) -> None:
    assert quote(seed_index, "速度提升 400%") == "**效率**：推理速度最高提升 **400%**。"
    assert quote(seed_index, "成本低") == "成本更低。"


def test_a_claim_that_shares_nothing_is_given_the_first_sentence(seed_index: Index) -> None:
    assert quote(seed_index, "xyzzy").startswith("**效率")


def test_a_text_without_sentences_is_quoted_whole(seed_index: Index) -> None:
    assert quote(seed_index, "甲", "---") == quote(seed_index, "乙", "---") == "---"


@settings(max_examples=60, deadline=None)
@given(st.text(alphabet="甲乙丙。；\n*- 400%", min_size=1, max_size=60))
def test_a_quote_is_always_verbatim_at_its_span(seed_index: Index, text: str) -> None:
    quote(seed_index, "甲提升 400%", text)


def test_each_cited_source_becomes_one_citation_with_a_quote_for_each_claim(
    seed_index: Index,
) -> None:
    sources = {1: section(), 2: section("别的。", "usage")}
    found = cite(seed_index, "速度提升 400%[1]。成本更低[1]。别的[2]。", sources)
    assert [(c.n, c.section.name, len(c.quotes)) for c in found] == [
        (1, "2602.10560/results", 2),
        (2, "2602.10560/usage", 1),
    ]


@pytest.mark.parametrize("lead", ["主要有两点[1]：", "# 结论 [1]", "[1]"])
def test_a_source_that_only_a_lead_in_or_heading_cites_is_a_citation_too(
    seed_index: Index, lead: str
) -> None:
    found = cite(seed_index, f"{lead}\n- 速度提升 400%[2]。", {1: section(), 2: section()})
    assert [c.n for c in found] == [1, 2]


def test_a_number_that_stands_for_no_source_is_passed_over(seed_index: Index) -> None:
    assert cite(seed_index, "代码 `x[7]。y` 如此[9]。", {1: section()}) == ()


def test_a_source_nobody_cites_is_no_citation(seed_index: Index) -> None:
    assert cite(seed_index, "没有出处。", {1: section()}) == ()


@pytest.mark.parametrize(
    "written", ["甲提升。[1]乙下降。[2]", "甲提升[1]。乙下降[2]。", "甲提升。 [1] 乙下降。 [2]"]
)
def test_a_marker_belongs_to_the_sentence_before_it(written: str) -> None:
    first, second = stated_in(read_blocks(written))
    assert ("甲" in first.text, first.citations) == (True, (1,))
    assert ("乙" in second.text, second.citations) == (True, (2,))


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
    assert stated_in(read_blocks(line)) == ()


FENCED = """先看代码：

```py
x[1] = quicksort(a)  # 最快。
```

速度提升 400% [1]。
"""


def test_code_is_no_claim_and_the_sentence_after_it_is_one() -> None:
    blocks = read_blocks(FENCED)
    assert [block.kind for block in blocks] == ["paragraph", "code", "paragraph"]
    (claim,) = stated_in(blocks)
    assert (claim.text, claim.citations) == ("速度提升 400% 。", (1,))
    first, last = claim.place
    assert blocks[2].text[first:last] == "速度提升 400% [1]。"


def test_a_list_keeps_its_items_where_they_begin_with_a_marker() -> None:
    (block,) = read_blocks("- [1] 甲提升。\n- 乙。[2]\n  - 丙[1]。\n")
    claims = [cell.claims for row in block.rows for cell in row]
    assert [[(c.text, c.kind, c.citations) for c in own] for own in claims] == [
        [("甲提升。", "item", (1,))],
        [("乙。", "item", (2,))],
        [("丙。", "item", (1,))],
    ]


def test_what_stands_before_a_semicolon_shares_the_markers_that_follow() -> None:
    (claim,) = stated_in(read_blocks("训练用 8 张 GPU；数据有 5 万条[1]。"))
    assert (claim.text, claim.citations) == ("训练用 8 张 GPU；数据有 5 万条。", (1,))


def test_the_cells_of_a_table_are_claims_but_for_its_heads() -> None:
    (table,) = read_blocks("| 论文 | 速度 |\n|---|---|\n| 甲 | 快 [1]。<br>$x|y$ [2] |")
    assert [(c.text, c.citations) for c in stated_in([table])] == [("快 。", (1,)), ("$x|y$", (2,))]


@given(st.text(alphabet="甲。；:\n*-#>|`$ 1.[]~\\(\t", max_size=80))
def test_the_blocks_of_a_text_are_all_of_it_and_a_claim_stands_at_its_place(text: str) -> None:
    blocks = read_blocks(text)
    assert markdown_of(blocks) == text
    for block in blocks:
        for claim in claims_of([block]):
            first, last = claim.place
            assert claim.text in without_markers(block.text[first:last])
