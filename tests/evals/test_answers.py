"""What an answer is worth: facts held, sections cited, papers present."""

import pytest

from chatbot.answering.models import line_of, list_of
from chatbot.index.sections import IndexedSection
from chatbot.verification.claims import Claim, Draft
from evals.answers import MEASURES, Answered, cited_needed, every_fact, measure, whole
from evals.items import Item
from tests.verification.test_attribution import section

ITEM = Item(
    id="x",
    type="fact",
    lang="zh",
    question="快多少？",
    papers=("2602.10560",),
    sections=("2602.10560/results",),
    key_facts=("400%",),
)


def quoting(text: str, source: IndexedSection) -> Draft:
    return Draft((list_of([Claim(text, "item", (1,), ((0, 5),))]),), {1: source})


RIGHT = Answered.of_draft(ITEM, quoting("最高 4 倍。", section()))
BESIDE = Answered.of_draft(ITEM, quoting("很快。", section(key="usage")))
SILENT = Answered.of_draft(ITEM, Draft((line_of("没有。"),), {}, abstain_reason="not_reported"))


def test_a_right_answer_holds_the_facts_and_cites_what_is_needed() -> None:
    assert every_fact(RIGHT)
    assert whole(RIGHT)
    assert [cited_needed(answer) for answer in (RIGHT, BESIDE, SILENT)] == [1.0, 0.0, 0.0]


@pytest.mark.parametrize("answer", [BESIDE, SILENT])
def test_another_section_or_none_is_not_the_whole_answer(answer: Answered) -> None:
    assert not every_fact(answer)
    assert not whole(answer)


def test_each_measure_is_a_share_over_the_items_that_belong() -> None:
    figures = {m.name: measure([RIGHT, BESIDE, SILENT], m) for m in MEASURES}
    assert figures["Chinese fact, number: every key fact"].mean == pytest.approx(1 / 3)
    assert figures["answerable: wrongly refused"].mean == pytest.approx(1 / 3)
    assert figures["list: every key fact"].n == 0
