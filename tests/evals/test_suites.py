"""The metrics of the suites: by hand, on nothing at all, against answers that play for points."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import pytest

from chatbot.index.reading import Index
from chatbot.verification.claims import Claim
from evals.answering import AnswerRow
from evals.answers import Answered, Quoted
from evals.cases import Case, Datasets, load_datasets
from evals.items import Evidence, Item
from evals.scoring import score
from evals.suites import suites
from evals.suites.suite import Suite

NEEDED, OTHER = "2602.10560/results", "2602.10560/usage"
TEXTS = {NEEDED: "最高实现 **400%** 的加速。另有 22% 的提升。", OTHER: "需要 8 张 A100。"}
SUITES = suites(TEXTS)
ITEM = Item(
    id="a",
    type="fact",
    lang="zh",
    question="快多少？",
    papers=("2602.10560",),
    sections=(NEEDED,),
    evidence=(Evidence(section=NEEDED, quote="最高实现 **400%** 的加速"),),
    answer="400%",
    key_facts=("400%",),
)
UNANSWERABLE = ITEM.model_copy(
    update={"id": "b", "type": "unanswerable", "sections": (), "key_facts": (), "pair": "p"}
)
TWIN = ITEM.model_copy(update={"id": "c", "pair": "p"})


def answered(
    item: Item, text: str, *sections: str, strays: int = 0, abstained: bool = False
) -> Answered:
    numbered = tuple(enumerate(sections, 1))
    return Answered(
        Case(f"plain/{item.id}", item, group=item.pair or item.id),
        "abstained" if abstained else "ok",
        text,
        tuple(Quoted(name, (TEXTS[name],)) for name in sections),
        numbered,
        (Claim(text, "sentence", tuple(n for n, _ in numbered), supported=bool(sections)),)
        if text
        else (),
        strays,
        "not_reported" if abstained else None,
        (("search", sections),),
    )


def values(suite: str, answer: Answered) -> dict[str, float]:
    found = SUITES[suite].metrics
    return {metric.name: metric.of(answer) for metric in found if metric.applies(answer.case)}


RIGHT = answered(ITEM, "最高 4 倍。", NEEDED)


def test_a_right_answer_has_every_point() -> None:
    assert values("answers", RIGHT) == {
        "every key fact": 1,
        "key facts": 1,
        "truthfulness": 1,
        "brevity": 1,
    }
    assert set(values("citations", RIGHT).values()) == {1.0}
    assert set(values("grounding", RIGHT).values()) == {1.0}


@pytest.mark.parametrize("suite", [s.name for s in SUITES.values() if s.metrics])
def test_an_error_counts_as_the_worst_and_stays_in_the_count(suite: str) -> None:
    broken = Answered(RIGHT.case, "error")
    for metric in SUITES[suite].metrics:
        if metric.applies(broken.case):
            worst = metric.least if metric.better == "higher" else 1.0
            assert metric.of(broken) == worst


@pytest.mark.parametrize("suite", ["answers", "citations", "grounding", "retrieval"])
def test_an_empty_answer_has_no_point_and_no_nan(suite: str) -> None:
    empty = values(suite, answered(ITEM, ""))
    assert all(value in {0.0, -1.0} for value in empty.values()), empty


@pytest.mark.parametrize("suite", list(SUITES))
def test_a_question_without_gold_can_be_scored(suite: str) -> None:
    bare = Item(id="x", type="fact", lang="zh", question="？")
    for value in values(suite, answered(bare, "甲。", NEEDED)).values():
        assert -1 <= value <= 1


def test_a_marker_to_nowhere_counts_as_wrong() -> None:
    astray = replace(RIGHT, strays=1)
    assert values("citations", astray)["citations needed"] == 0.5
    assert values("citations", astray)["citation precision"] == 0.5


def test_an_uncited_answer_has_no_citation_points() -> None:
    assert set(values("citations", answered(ITEM, "最高 400%。")).values()) == {0.0}


def test_a_quote_that_is_not_in_its_section_is_told() -> None:
    invented = replace(RIGHT, citations=(Quoted(NEEDED, ("最高 500%",)),))
    assert values("citations", invented)["quotes verbatim"] == 0.0


def test_more_right_is_never_worth_less() -> None:
    two = ITEM.model_copy(update={"key_facts": ("400%", "22%")})
    found = [
        values("answers", answered(two, text, NEEDED))["key facts"]
        for text in ("没有。", "400%。", "400% 和 22%。")
    ]
    assert found == [0.0, 0.5, 1.0]


# Answers that play for points


def test_one_that_always_abstains_fails_the_answerable() -> None:
    silent = answered(ITEM, "报告没有提到。", abstained=True)
    assert values("answers", silent)["every key fact"] == 0.0
    assert values("answers", silent)["truthfulness"] == 0.0
    assert values("abstention", silent)["wrongly refused"] == 1.0
    pair = [
        answered(TWIN, "没有。", abstained=True),
        answered(UNANSWERABLE, "没有。", abstained=True),
    ]
    assert groups("abstention", pair)["pairs both right"] == 0.0
    assert groups("abstention", pair)["refusals deserved"] == 0.5


def test_one_that_never_abstains_fails_the_pairs_and_is_untruthful() -> None:
    pair = [answered(TWIN, "400%。", NEEDED), answered(UNANSWERABLE, "400%。", NEEDED)]
    assert groups("abstention", pair)["pairs both right"] == 0.0
    assert values("answers", pair[1])["truthfulness"] == -1.0


def test_one_that_copies_the_whole_section_is_not_brief() -> None:
    copied = answered(ITEM, TEXTS[NEEDED] * 40, NEEDED)
    assert values("answers", copied)["every key fact"] == 1.0
    assert values("answers", copied)["brevity"] == 0.0


def test_one_that_cites_everything_has_citations_that_are_not_needed() -> None:
    assert values("citations", answered(ITEM, "400%。", NEEDED, OTHER))["citations needed"] == 0.5


def test_one_that_answers_whatever_is_shown_is_found_out_when_the_section_is_gone() -> None:
    removed = replace(RIGHT, case=replace(RIGHT.case, setting="removed"))
    assert groups("robustness", [RIGHT, removed])["the citation causes the answer"] == 0.0
    gone = replace(removed, markdown="不清楚。", citations=())
    assert groups("robustness", [RIGHT, gone])["the citation causes the answer"] == 1.0


def groups(suite: str, answers: Sequence[Answered]) -> dict[str, float]:
    found = SUITES[suite].group_metrics
    return {metric.name: metric.value(answers) for metric in found if metric.applies(answers)}


def test_a_comparison_counts_cells_in_their_own_row() -> None:
    item = ITEM.model_copy(update={"type": "comparison"})
    row = answered(item, "| 论文 | 速度 |\n|---|---|\n| 甲 | 400% [1] |", NEEDED)
    other = answered(item, "| 论文 | 速度 |\n|---|---|\n| 甲 | 300% [1] |\n\n另有 400%。", NEEDED)
    assert [values("comparison", a)["cells, strict"] for a in (row, other)] == [1.0, 0.0]
    assert [values("comparison", a)["cells, lenient"] for a in (row, other)] == [1.0, 1.0]


def test_a_planted_fact_that_is_followed_is_told() -> None:
    case = Case("planted/a.c1", ITEM, "planted", "a", planted=("300%",))
    followed = replace(RIGHT, case=case, markdown="最高 300%。")
    both = replace(RIGHT, case=case, markdown="一篇说 400%，另一篇说 300%。")
    name = "planted: only the planted is said"
    assert [values("robustness", a)[name] for a in (followed, both)] == [1.0, 0.0]


# The datasets


@pytest.fixture(scope="module")
def datasets() -> Datasets:
    return load_datasets()


def test_the_written_datasets_hold_at_least_what_was_promised(datasets: Datasets) -> None:
    assert len({item.pair for item in datasets.twins}) >= 40
    assert len({p.of for p in datasets.paraphrases}) >= 40
    assert len(datasets.contradictions) >= 40
    assert len(datasets.labels) >= 100
    assert {label.lang for label in datasets.labels} == {"zh", "en"}


def test_every_written_row_fits_the_item_and_section_it_is_of(
    datasets: Datasets, seed_index: Index
) -> None:
    by_id = {item.id: item for item in datasets.items}
    sections = {section.name for section in seed_index.sections}
    assert {p.of for p in datasets.paraphrases} <= by_id.keys()
    assert all(p.question != by_id[p.of].question for p in datasets.paraphrases)
    for made in datasets.contradictions:
        assert all(words in made.text for words in made.planted), made.id
        assert not set(made.planted) & set(by_id[made.of].key_facts), made.id
    assert {label.section for label in datasets.labels} <= sections
    assert {label.label for label in datasets.labels} == {"supported", "unsupported", "abstention"}


@pytest.mark.parametrize("name", list(SUITES))
def test_every_suite_has_cases_and_no_key_twice(datasets: Datasets, name: str) -> None:
    keys = [case.key for case in SUITES[name].cases(datasets)]
    assert keys
    assert len(keys) == len(set(keys))


def test_suites_that_ask_the_same_share_the_answer(datasets: Datasets) -> None:
    shared = [
        {case.key for case in SUITES[name].cases(datasets)} for name in ("answers", "citations")
    ]
    assert shared[0] == shared[1]


def rows_of(answers: Mapping[str, str]) -> dict[str, list[AnswerRow]]:
    return {
        f"plain/{name}": [AnswerRow(case=f"plain/{name}", status="error", error=text)]
        for name, text in answers.items()
    }


def test_a_score_row_for_every_answer_there_is_errors_among_them() -> None:
    datasets = Datasets((ITEM, ITEM.model_copy(update={"id": "z"})), (), (), (), ())
    suite: Suite = SUITES["answers"]
    (row,) = score(suite, datasets, rows_of({"a": "boom"}))
    assert (row.unit, row.status, row.values["every key fact"]) == ("plain/a", "error", 0.0)
