"""The word a model begins with where the sources do not answer."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatbot.answering.writing import without_abstention
from chatbot.verification.models import AbstainReason


def read(*deltas: str) -> tuple[str, list[AbstainReason]]:
    found: list[AbstainReason] = []
    return "".join(without_abstention(deltas, found)), found


@pytest.mark.parametrize(
    ("text", "rest", "reason"),
    [
        ("NOT_REPORTED\n报告没有给出。", "报告没有给出。", "not_reported"),
        ("**FALSE_PREMISE**\n\n前提不对。", "前提不对。", "false_premise"),
        ("`NOT_IN_CORPUS`: nothing.", "nothing.", "not_in_corpus"),
        ("NOT_REPORTED", "", "not_reported"),
    ],
)
def test_the_word_is_taken_out_and_told(text: str, rest: str, reason: str) -> None:
    assert read(*text) == (rest, [reason])
    assert read(text) == (rest, [reason])


@pytest.mark.parametrize(
    "text", ["答案 NOT_REPORTED", "NOT a word", "**重点** [1]", "", "No.", "NOT_R", "## 标题"]
)
def test_any_other_text_comes_through_as_it_is(text: str) -> None:
    assert read(*text) == (text, [])


@given(st.text(alphabet="NOT_REPD*` \n甲[1]", max_size=30), st.integers(1, 5))
def test_how_the_text_is_cut_does_not_matter(text: str, size: int) -> None:
    assert read(*[text[i : i + size] for i in range(0, len(text), size)]) == read(text)
