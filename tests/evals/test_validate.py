"""A dataset is checked against the reports before anyone trusts it."""

import json
from pathlib import Path
from typing import Any

import pytest

from chatbot.index.reading import Index
from evals.items import DATASETS
from evals.validate import problems_of

GOOD: dict[str, Any] = {
    "id": "x",
    "type": "numeric",
    "lang": "zh",
    "question": "GRU-Mem 的推理速度提升了多少？",
    "papers": ["2602.10560"],
    "sections": ["2602.10560/results"],
    "evidence": [{"section": "2602.10560/results", "quote": "最高实现了 **400% (4倍)**"}],
    "answer": "最高 400%。",
    "key_facts": ["400%"],
}


@pytest.mark.parametrize("name", ["dev.jsonl", "twins.jsonl"])
def test_the_shipped_datasets_are_sound(seed_index: Index, name: str) -> None:
    assert problems_of(DATASETS / name, seed_index) == []


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"papers": ["2602.99999"]}, "no report has a paper 2602.99999"),
        ({"sections": ["2602.10560/colour"]}, "no report has a section 2602.10560/colour"),
        (
            {"evidence": [{"section": "2602.10560/results", "quote": "最高 500%"}]},
            "not verbatim in 2602.10560/results",
        ),
        ({"question": " "}, "no question"),
        ({"sections": []}, "needs sections"),
        ({"answer": "很快。"}, "does not hold its key fact"),
        ({"answer": "987%", "key_facts": ["987%"]}, "no needed section holds the number"),
        ({"pair": "p"}, "pair p is not one answerable question and one that is not"),
    ],
)
def test_what_is_not_so_is_told_with_its_line(
    tmp_path: Path, seed_index: Index, change: dict[str, Any], problem: str
) -> None:
    file = tmp_path / "own.jsonl"
    file.write_text(json.dumps(GOOD | change, ensure_ascii=False) + "\n", encoding="utf-8")
    problems = problems_of(file, seed_index)
    assert any(problem in found for found in problems), problems
    assert all(str(file) in found for found in problems)


def test_a_sound_item_has_no_problem_and_an_id_used_twice_one(
    tmp_path: Path, seed_index: Index
) -> None:
    file = tmp_path / "own.jsonl"
    line = json.dumps(GOOD, ensure_ascii=False) + "\n"
    file.write_text(line, encoding="utf-8")
    assert problems_of(file, seed_index) == []
    file.write_text(line * 2, encoding="utf-8")
    assert problems_of(file, seed_index) == [f"{file}: id x is used 2 times"]
