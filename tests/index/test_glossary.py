"""English words to Chinese ones, from the reports' own brackets."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from chatbot.index.lexical import Glossary, count_glosses
from chatbot.index.records import Records

TEXTS = [
    "提出世界模型（World Model），用于机器人（Robots）。",
    "世界模型 (World Models) 与稀疏注意力（Sparse Attention）。",
    "采用稀疏注意力（sparse attention）和**语音**（Speech）。",
]


@pytest.fixture
def glossary(tmp_path: Path) -> Iterator[Glossary]:
    with Records.changing(tmp_path) as records:
        records.insert("glosses", [(*pair, n) for pair, n in count_glosses(TEXTS).items()])
    records = Records.open(tmp_path)
    yield Glossary(records)
    records.close()


def test_words_that_are_glossed_together_translate_each_other(glossary: Glossary) -> None:
    assert "注意力" in glossary.translate("Which attention is used?")
    assert "世界" in glossary.translate("the world models")


def test_a_pair_seen_once_may_be_chance(glossary: Glossary) -> None:
    assert glossary.translate("robots and speech") == {}


def test_weights_are_shares(glossary: Glossary) -> None:
    weights = glossary.translate("sparse attention of a world model").values()
    assert weights
    assert all(0 < weight <= 1 for weight in weights)


def test_nothing_is_translated_without_a_word_it_knows(glossary: Glossary) -> None:
    assert glossary.translate("推理速度 of the xyzzy") == {}
    assert Glossary().translate("sparse attention") == {}
