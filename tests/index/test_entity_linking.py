"""What papers are called, and finding it in a text."""

import json
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatbot.config import Settings
from chatbot.index.entity_linking import NameTable, squeeze
from chatbot.index.ingestion import ingest
from chatbot.index.lexical import LexicalIndex
from chatbot.index.reading import Index, open_index
from chatbot.index.records import Records
from chatbot.index.storage import ReportEntry, fingerprint, write_search_text, write_shard
from chatbot.index.update import updated
from chatbot.reports.parsing import parse_report
from chatbot.reports.search_text import content_hash
from tests.report_text import MadePaper, paper, render_report


def table(*papers: MadePaper, aliases: dict[str, list[str]] | None = None) -> NameTable:
    """The names of papers as they are indexed, with search text for the `aliases`."""
    data = render_report("2026-03-01", papers)
    report = parse_report(data, "r.txt")
    with TemporaryDirectory() as folder:
        data_dir = Path(folder)
        write_shard(data_dir, data, "r.txt")
        entry = ReportEntry("r.txt", "r.txt", fingerprint(data))
        if aliases:
            rows = (
                {
                    "content": content_hash(paper),
                    "aliases": aliases.get(paper.id, []),
                    "sections": {"results": {"en": "A line."}},
                }
                for paper in report.papers
            )
            text = "\n".join(map(json.dumps, rows)).encode()
            entry = replace(entry, search_text=write_search_text(data_dir, entry.sha256, text))
        made = data_dir / updated(data_dir, None, [entry]).folder
        return NameTable(Records.open(made), LexicalIndex(made))


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


def test_a_name_that_is_of_another_paper_now_is_that_ones(
    settings: Settings, tmp_path: Path
) -> None:
    def names(*papers: MadePaper) -> NameTable:
        (tmp_path / "r.txt").write_bytes(render_report("2026-03-01", papers))
        ingest(settings, [tmp_path / "r.txt"])
        return open_index(settings).catalogue.names

    other = paper("2603.00003", "Another", contribution="提出了 FooNet 框架，FooNet 很快。")
    three = [paper(f"2603.0001{n}", f"Paper {n}", results="FooNet 很快。") for n in range(3)]
    assert found(names(ONE), "FooNet 呢") == [("2603.00001",)]
    assert found(names(other), "FooNet 呢") == [("2603.00003",)]
    assert found(names(other, *three), "FooNet 呢") == []
    assert found(names(TWO, other), "FooNet 和 Zebra") == [("2603.00003",), ("2603.00002",)]


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
