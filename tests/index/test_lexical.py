"""The BM25 index."""

from pathlib import Path

import numpy as np
import pytest

from chatbot.errors import MissingIndexError
from chatbot.index.lexical import LexicalIndex, SectionTerms
from chatbot.index.terms import bigrams, words

TEXTS = {"p1": ["量子纠错 提升", "资源 需求"], "p2": ["蛋白质 折叠", "折叠 加速 提升"]}


@pytest.fixture
def index() -> LexicalIndex:
    sections = [
        SectionTerms(paper, words(text), bigrams(text))
        for paper, texts in TEXTS.items()
        for text in texts
    ]
    return LexicalIndex.build(sections, {"p1": "Codes", "p2": "Folding"})


def test_the_section_that_holds_the_words_scores_best(index: LexicalIndex) -> None:
    scores = index.scores("量子纠错")
    assert int(scores.argmax()) == 0
    assert scores.max() == pytest.approx(1.0)


def test_a_section_profits_from_its_papers_title(index: LexicalIndex) -> None:
    scores = index.scores("Codes")
    assert min(scores[:2]) > max(scores[2:]) == 0


def test_nothing_scores_where_no_term_is_known(index: LexicalIndex) -> None:
    assert not index.scores("xyzzy").any()
    assert not index.scores("").any()


def test_rare_words_weigh_more(index: LexicalIndex) -> None:
    assert index.idf("xyzzy") > index.idf("量子") > index.idf("提升") > 0


def test_an_index_read_back_scores_the_same(index: LexicalIndex, tmp_path: Path) -> None:
    index.save(tmp_path / "lexical")
    again = LexicalIndex.load(tmp_path / "lexical")
    assert np.array_equal(again.scores("折叠 提升"), index.scores("折叠 提升"))


def test_an_index_of_nothing_answers_nothing(tmp_path: Path) -> None:
    LexicalIndex.build([], {}).save(tmp_path / "lexical")
    again = LexicalIndex.load(tmp_path / "lexical")
    assert len(again.scores("折叠")) == 0
    assert again.idf("折叠") > 0


def test_damaged_files_are_reported_with_what_to_do(index: LexicalIndex, tmp_path: Path) -> None:
    index.save(tmp_path / "lexical")
    (tmp_path / "lexical" / "paper_of_row.npy").write_bytes(b"damaged")
    with pytest.raises(MissingIndexError, match="--rebuild"):
        LexicalIndex.load(tmp_path / "lexical")
