"""Sorting papers into fields by the words of their field section."""

from collections import Counter
from pathlib import Path

import pytest

from chatbot.index.reading import Index
from chatbot.index.sections import OTHER, all_fields, field_name, field_of_text, read_fields

# Read by hand: what each shipped section is chiefly about.
READ = [
    ("2602.06008", "agents"),
    ("2602.10224", "reasoning"),
    ("2602.10609", "reasoning"),
    ("2602.10975", "code"),
    ("2602.11137", "language"),
    ("2602.08253", "other"),
    ("2602.10699", "retrieval"),
    ("2602.10179", "safety"),
    ("2602.08711", "multimodal"),
    ("2602.09713", "vision"),
    ("2602.11008", "language"),
    ("2602.10177", "science"),
    ("2602.09014", "generation"),
    ("2602.10116", "robotics"),
    ("2602.09856", "agents"),
    ("2602.09823", "speech"),
    ("2601.02760", "vision"),
    ("2601.04720", "retrieval"),
    ("2601.03017", "science"),
    ("2602.05885", "code"),
    ("2602.16855", "agents"),
    ("2602.10377", "language"),
    ("2602.04683", "speech"),
    ("2602.13579", "robotics"),
]


@pytest.fixture(scope="module")
def fields(seed_index: Index) -> dict[str, str]:
    return {paper.id: paper.field for paper in seed_index.catalogue.papers}


@pytest.mark.parametrize(("paper", "field"), READ)
def test_a_paper_is_in_the_field_a_reader_puts_it_in(
    fields: dict[str, str], paper: str, field: str
) -> None:
    assert fields[paper] == field


def test_few_of_the_shipped_papers_are_left_over(fields: dict[str, str]) -> None:
    assert Counter(fields.values())[OTHER] < 0.1 * len(fields)


def test_every_field_has_a_paper_and_none_has_a_third_of_them(fields: dict[str, str]) -> None:
    counts = Counter(fields.values())
    assert set(counts) == {field.key for field in all_fields()}
    assert max(counts.values()) < len(fields) / 3


@pytest.mark.parametrize(
    ("text", "field"),
    [
        ("医学影像 - 肺部 CT 病灶分割、临床辅助诊断", "science"),
        ("自动驾驶 - 端到端轨迹规划", "robotics"),
        ("推荐系统 - 点击率预估", "retrieval"),
        ("NLP - 机器翻译、低资源语言", "language"),
        ("Text-to-speech synthesis", "speech"),
        ("Protein structure prediction", "science"),
        ("Code generation with large language models", "code"),
        ("联邦学习、差分隐私 (Differential Privacy)", "safety"),
        ("网络拥塞控制", OTHER),
        ("", OTHER),
    ],
)
def test_it_holds_for_subjects_and_languages_the_shipped_reports_lack(
    text: str, field: str
) -> None:
    assert field_of_text(text) == field


def test_what_comes_first_counts_most() -> None:
    assert field_of_text("视频生成、语音合成") == "generation"
    assert field_of_text("语音合成、视频生成") == "speech"


def test_where_it_can_be_applied_is_not_what_it_is_about() -> None:
    assert field_of_text("大语言模型部署。特别适用于机器人、自动驾驶、具身智能") == "language"


def test_reinforcement_learning_is_not_chemistry() -> None:
    assert field_of_text("强化学习") == "reasoning"


def test_each_field_is_named_in_both_languages_and_the_rest_stands_last() -> None:
    assert all(field.names["zh"] and field.names["en"] for field in all_fields())
    assert all_fields()[-1].key == OTHER
    assert field_name("agents", "zh") == "智能体"
    assert field_name("nothing-known", "en") == "nothing-known"


def test_another_table_can_be_read(tmp_path: Path) -> None:
    table = tmp_path / "fields.toml"
    row = "[[field]]\nkey = 'law'\nnames = { zh = '法律', en = 'Law' }\n[field.terms]\n'法律' = 1\n"
    table.write_text(row, encoding="utf-8")
    (field,) = read_fields(table)
    assert field.names["en"] == "Law"
