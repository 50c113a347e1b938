"""English words to Chinese ones, from the reports' own brackets."""

from pathlib import Path

import pytest

from chatbot.errors import MissingIndexError
from chatbot.index.lexical import Glossary

TEXTS = [
    "提出世界模型（World Model），用于机器人（Robots）。",
    "世界模型 (World Models) 与稀疏注意力（Sparse Attention）。",
    "采用稀疏注意力（sparse attention）和**语音**（Speech）。",
]


@pytest.fixture
def glossary() -> Glossary:
    return Glossary.mine(TEXTS)


def test_words_that_are_glossed_together_translate_each_other(glossary: Glossary) -> None:
    assert "注意力" in glossary.translate("Which attention is used?")
    assert "世界" in glossary.translate("the world models")


def test_a_pair_seen_once_may_be_chance(glossary: Glossary) -> None:
    assert glossary.translate("robots and speech") == {}


def test_weights_are_shares(glossary: Glossary) -> None:
    assert all(0 < w <= 1 for terms in glossary.terms.values() for w in terms.values())


def test_nothing_is_translated_without_a_word_it_knows(glossary: Glossary) -> None:
    assert glossary.translate("推理速度 of the xyzzy") == {}


def test_a_glossary_read_back_translates_the_same(glossary: Glossary, tmp_path: Path) -> None:
    glossary.save(tmp_path / "glossary.json")
    assert Glossary.load(tmp_path / "glossary.json") == glossary


def test_a_damaged_glossary_is_reported_with_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "glossary.json").write_text("[")
    with pytest.raises(MissingIndexError, match="--rebuild"):
        Glossary.load(tmp_path / "glossary.json")
