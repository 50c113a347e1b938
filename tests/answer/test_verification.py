"""A verdict for each sentence of an answer."""

import pytest

from chatbot.answer.verification import verify
from tests.answer.test_citations import section


def verdict(
    sentence: str, text: str = "准确率 61.4%，共 1,655 个任务，用 8 张 GPU。"
) -> tuple[bool, str | None]:
    (found,) = verify(sentence, {1: section(text)})
    return found.supported, found.reason


@pytest.mark.parametrize(
    "sentence",
    [
        "准确率 61.4%[1]。",
        "共 1655 个任务[1]。",
        "共 １６５５ 个任务[1]。",
        "没有数字[1]。",
        "2602.10560 用 8 张卡[1]。",
    ],
)
def test_a_sentence_whose_numbers_are_all_in_its_source_is_supported(sentence: str) -> None:
    assert verdict(sentence) == (True, None)


def test_a_sentence_without_a_marker_is_not() -> None:
    assert verdict("准确率 61.4%。") == (False, "missing_marker")


def test_a_number_that_no_cited_section_holds_is_named() -> None:
    assert verdict("准确率 64.1%[1]。") == (False, "number_not_in_source: 64.1")


def test_part_of_a_longer_number_is_not_that_number() -> None:
    assert verdict("用 6 张卡[1]。") == (False, "number_not_in_source: 6")


def test_an_answer_without_claims_has_no_verdicts() -> None:
    assert verify("**标题**（2026-02-12）\n\n*说明。*", {}) == ()
