"""A verdict for each sentence of an answer."""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chatbot.index.reading import Index
from chatbot.index.sections import IndexedSection
from chatbot.verification.claims import Claim, Draft, read_blocks, stated_in
from chatbot.verification.grounds import direction_conflict, negation_conflict
from chatbot.verification.verification import verified
from tests.verification.test_attribution import section

TEXT = (
    "*   **准确率**：在 MATH-500 上达到 61.4%，优于 BaseNet 的 52.3%，共 1,655 个任务。\n"
    "*   **资源**：训练用 8 张 GPU，数据 5 万条；推理速度提升 3–4 倍，不需要微调底座模型。\n"
)


def verify(text: str, sources: dict[int, IndexedSection], index: Index) -> tuple[Claim, ...]:
    return stated_in(verified(index, Draft(read_blocks(text), sources)).blocks)


def verdict(index: Index, sentence: str, text: str = TEXT) -> tuple[bool, str | None]:
    (found,) = verify(sentence, {1: section(text)}, index)
    return found.supported, found.reason


@pytest.mark.parametrize(
    "sentence",
    [
        "它在 MATH-500 上的准确率为 61.4%[1]。",
        "任务共 1655 个[1]。",
        "任务共 １６５５ 个[1]。",
        "数据有 50,000 条，训练用 8 张 GPU[1]。",
        "数据有 **5** 万条，训练用 **8** 张 GPU[1]。",
        "推理速度提升 300% 到 400%[1]。",
        "2602.10560 训练用 8 张卡[1]。",
        "GRU-Mem 的准确率优于 BaseNet[1]。",
        "不用微调底座模型[1]。",
        "训练用 8 张 GPU；数据有 5 万条[1]。",
        "不需要。",
        "来源没有给出显存。",
        "来源没有给出蛋白质折叠的表面码[1]。",
    ],
)
def test_a_sentence_that_its_source_bears_out_is_supported(
    seed_index: Index, sentence: str
) -> None:
    assert verdict(seed_index, sentence) == (True, None)


@pytest.mark.parametrize(
    ("sentence", "reason"),
    [
        ("准确率 61.4%。", "missing_marker"),
        ("准确率达到 64.1%[1]。", "number_not_in_source: 64.1%"),
        ("训练用 6 张 GPU[1]。", "number_not_in_source: 6"),
        ("数据有 5 亿条[1]。", "number_not_in_source: 5 亿"),
        ("准确率优于 OtherNet[1]。", "name_not_in_source: OtherNet"),
        ("在 MATH-500 上的准确率低于 BaseNet[1]。", "opposite_of_source: 低于"),
        ("需要微调底座模型，不达到任务[1]。", "opposite_of_source: 达到"),
        ("在 MATH-500 上准确率达到 52.3%[1]。", "number_of_something_else: 52.3%"),
        ("蛋白质折叠的结构由量子纠错码的表面码决定[1]。", "wording_not_in_source"),
    ],
)
def test_what_speaks_against_a_sentence_is_named(
    seed_index: Index, sentence: str, reason: str
) -> None:
    assert verdict(seed_index, sentence) == (False, reason)


def test_a_claim_that_another_section_of_the_paper_holds_names_that_section(
    seed_index: Index,
) -> None:
    paper = seed_index.catalogue.by_id["2602.10560"]
    by_key = {section.key: section for section in seed_index.sections_of(paper.id)}
    claim = "得益于早停机制和选择性更新，推理速度大幅提升[1]。"
    assert verify(claim, {1: by_key["results"]}, seed_index)[0].supported
    (found,) = verify(claim, {1: by_key["field"]}, seed_index)
    assert found.reason is not None
    assert found.reason.startswith("better_in_section")


def test_an_english_claim_is_held_against_search_text_where_there_is_any(
    seed_index: Index,
) -> None:
    paper = seed_index.catalogue.by_id["2602.10560"]
    results = next(s for s in seed_index.sections_of(paper.id) if s.key == "results")
    nowhere = "Proteins fold into shapes that surface codes of quantum computers decide [1]."
    assert verify(nowhere, {1: results}, seed_index)[0].reason is not None
    without = replace(seed_index, search_texts={})
    assert verify(nowhere, {1: results}, without)[0].supported


def test_an_answer_without_claims_has_no_verdicts(seed_index: Index) -> None:
    assert verify("**标题**（2026-02-12）\n\n*说明。*", {}, seed_index) == ()


@settings(max_examples=60, deadline=None)
@given(st.text(alphabet="甲乙不未更高低于提升 5%倍万[1]。，\nA-z", max_size=80))
def test_any_text_gets_verdicts(seed_index: Index, text: str) -> None:
    for found in verify(text, {1: section(TEXT)}, seed_index):
        assert found.supported == (found.reason is None)


@pytest.mark.parametrize(
    ("claim", "source", "word"),
    [
        ("它不需要微调", "它需要微调", "需要"),
        ("它需要微调", "它不需要微调", "需要"),
        ("does not scale", "it can scale well", "scale"),
        ("它不需要微调", "无需微调，不需要数据", None),
        ("无法转化为图像", "无法将其转化为图像", None),
        ("检查有没有关键词", "检查关键词", None),
    ],
)
def test_a_negation_on_one_side_only_is_found(claim: str, source: str, word: str | None) -> None:
    assert negation_conflict(claim, source) == word


@pytest.mark.parametrize(
    ("claim", "sentence", "word"),
    [
        ("延迟降低 30%", "延迟提升 30%", "降低"),
        ("it outperforms GRPO", "它不及 GRPO", "outperforms"),
        ("精度更高", "精度更高，延迟更低", None),
        ("速度提升", "模型由三部分组成", None),
    ],
)
def test_an_opposite_direction_is_found(claim: str, sentence: str, word: str | None) -> None:
    assert direction_conflict(claim, sentence) == word
