"""What papers are called, and finding it in a text."""

from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatbot.errors import MissingIndexError
from chatbot.index.entity_linking import NameTable, squeeze
from chatbot.index.reading import Index
from chatbot.index.sections import live_sections
from chatbot.reports.parsing import parse_report
from tests.report_text import MadePaper, paper, render_report


def table(*papers: MadePaper, aliases: dict[str, list[str]] | None = None) -> NameTable:
    report = parse_report(render_report("2026-03-01", papers), "r.txt")
    return NameTable.mine(live_sections([("r.txt", report)]), aliases)


def found(names: NameTable, text: str) -> list[tuple[str, ...]]:
    return [link.papers for link in names.find(text)]


ONE = paper(
    "2603.00001",
    "FooNet: A Study of Things",
    contribution="提出了 FooNet 框架，并构建了 BarBench 基准。",
    usage="代码见 https://github.com/lab/QuuxLM-7B 。",
    results="在 MMLU 上超过 LLaMA-3。BarBench 上最好。",
)
TWO = paper(
    "2603.00002", "Scaling Bars", contribution="提出名为 Zebra 的方法。", usage="Zebra 需要显卡。"
)


@pytest.mark.parametrize(
    "text", ["FooNet 怎样", "foonet", "Foo Net 的效果", "ＦｏｏＮｅｔ", "foo-net?", "FooNett 怎样"]
)
def test_a_papers_name_is_found_however_it_is_written(text: str) -> None:
    assert found(table(ONE, TWO), text) == [("2603.00001",)]


@pytest.mark.parametrize("name", ["BarBench", "QuuxLM-7B", "QuuxLM"])
def test_what_a_paper_brings_into_the_world_is_a_name_of_its_own(name: str) -> None:
    assert found(table(ONE, TWO), f"{name} 的规模") == [("2603.00001",)]


def test_a_plain_word_is_a_name_where_the_text_calls_something_so() -> None:
    assert found(table(ONE, TWO), "Zebra 的效果") == [("2603.00002",)]


@pytest.mark.parametrize("name", ["MMLU", "LLaMA-3", "GitHub"])
def test_what_a_paper_only_mentions_is_not_its_name(name: str) -> None:
    assert found(table(ONE, TWO), f"{name} 的规模") == []


def test_a_name_of_two_papers_is_of_both() -> None:
    other = paper("2603.00003", "FooNet: Another Thing")
    assert found(table(ONE, other), "FooNet 呢") == [("2603.00001", "2603.00003")]


def test_the_longest_name_wins() -> None:
    other = paper("2603.00003", "FooNet-XL: Another Thing")
    assert found(table(ONE, other), "FooNet-XL 呢") == [("2603.00003",)]


def test_written_aliases_are_names_too() -> None:
    assert found(table(ONE, aliases={"2603.00001": ["甲乙网络"]}), "甲乙网络怎样") == [
        ("2603.00001",)
    ]


def test_a_misspelt_name_is_marked_as_such() -> None:
    (link,) = table(ONE).find("FoNet 怎样")
    assert (link.typo, link.name) == (True, "FooNet")


def test_english_words_are_not_taken_for_misspelt_names() -> None:
    names = table(paper("2603.00001", "SHARP: Social Harm"))
    assert found(names, "What share of the prompts is sharp?") == []


def test_a_title_in_quotation_marks_is_found_though_abridged(seed_index: Index) -> None:
    names = seed_index.catalogue.names
    assert found(names, "《Over-Searching in Search-Augmented LLMs》的结论") == [("2601.05503",)]


def test_every_paper_of_the_shipped_reports_is_found_by_its_title(seed_index: Index) -> None:
    names = seed_index.catalogue.names
    for record in seed_index.catalogue.papers:
        assert (record.id,) in found(names, f"{record.title} 的效果")


def test_a_table_read_back_finds_the_same(tmp_path: Path) -> None:
    table(ONE, TWO).save(tmp_path / "names.json")
    again = NameTable.load(tmp_path / "names.json", lambda _: False)
    assert found(again, "FooNet 和 Zebra") == [("2603.00001",), ("2603.00002",)]


def test_a_damaged_table_is_reported_with_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "names.json").write_text("{")
    with pytest.raises(MissingIndexError, match="--rebuild"):
        NameTable.load(tmp_path / "names.json", lambda _: False)


@given(st.text(max_size=200))
def test_links_stand_in_order_and_never_overlap(text: str) -> None:
    links = _NAMES.find(text)
    assert all(one.end <= two.start for one, two in pairwise(links))
    assert all(0 <= link.start < link.end <= len(text) for link in links)


@given(st.text(alphabet="fFoOnNeEtT -_　ＦｏZzebra", max_size=40))
def test_squeezing_forgets_case_width_and_joints(text: str) -> None:
    assert squeeze(text) == squeeze(text.upper()) == squeeze(squeeze(text))


_NAMES = table(ONE, TWO)


def test_a_word_of_the_reports_is_no_misspelt_name(seed_index: Index) -> None:
    names = seed_index.catalogue.names
    assert not names.find("VBench 得分多少")
    (typo,) = names.find("VE-Bensh 得分多少")
    assert (typo.name, typo.typo) == ("VE-Bench", True)
