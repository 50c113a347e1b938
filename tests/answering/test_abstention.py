"""What a model puts around its answer: the word that it is none, a fence about all of it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatbot.answering.writing import Kept, without_abstention
from chatbot.text.markdown import unwrapped
from chatbot.verification.claims import AbstainReason


def read(*deltas: str) -> tuple[str, AbstainReason | None]:
    told = Kept(without_abstention(deltas))
    return "".join(told), told.returned


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
    assert read(*text) == (rest, reason)
    assert read(text) == (rest, reason)


@pytest.mark.parametrize(
    "text", ["答案 NOT_REPORTED", "NOT a word", "**重点** [1]", "", "No.", "NOT_R", "## 标题"]
)
def test_any_other_text_comes_through_as_it_is(text: str) -> None:
    assert read(*text) == (text, None)


@given(st.text(alphabet="NOT_REPD*` \n甲[1]", max_size=30), st.integers(1, 5))
def test_how_the_text_is_cut_does_not_matter(text: str, size: int) -> None:
    assert read(*[text[i : i + size] for i in range(0, len(text), size)]) == read(text)


WHOLE = "# 甲\n\n- 乙 [1]。\n\n```py\nx = 1\n```\n丙。"


@pytest.mark.parametrize("size", [1, 3, 1_000])
@pytest.mark.parametrize(
    ("written", "shown"),
    [
        (f"```markdown\n{WHOLE}\n```", f"{WHOLE}\n"),
        (f"\n~~~~ MD\n{WHOLE}\n~~~~\n", f"{WHOLE}\n"),
        (f"```markdown\n{WHOLE}\n```\n再说一句。", f"{WHOLE}\n再说一句。"),
        (f"```markdown\n{WHOLE}", WHOLE),
        ("```py\nx = 1\n```\n丙。", "```py\nx = 1\n```\n丙。"),
        ("``` 甲", "``` 甲"),
    ],
)
def test_a_fence_around_all_of_an_answer_is_taken_off(written: str, shown: str, size: int) -> None:
    pieces = (written[at : at + size] for at in range(0, len(written), size))
    assert "".join(unwrapped(pieces)) == shown
