"""The BM25 index."""

from pathlib import Path

import numpy as np
import pytest

from chatbot.errors import MissingIndexError
from chatbot.index.lexical import CUTS, FieldScores, LexicalIndex, SectionTerms

TEXTS = {"p1": ["量子纠错 提升", "资源 需求"], "p2": ["蛋白质 折叠", "折叠 加速 提升"]}
TITLES = {"p1": "Codes", "p2": "Folding"}


def build(written: str = "", keywords: str = "") -> LexicalIndex:
    """The index of TEXTS; `written` is the search text of the first section."""
    sections = [
        SectionTerms(
            paper,
            {kind: cut(text) for kind, cut in CUTS.items()},
            {kind: cut(written if text == TEXTS["p1"][0] else "") for kind, cut in CUTS.items()},
        )
        for paper, texts in TEXTS.items()
        for text in texts
    ]
    return LexicalIndex.build(sections, TITLES, {"p1": keywords})


@pytest.fixture
def index() -> LexicalIndex:
    return build()


def ask(index: LexicalIndex, text: str, *, wide: bool = False) -> FieldScores:
    return index.scores("words", dict.fromkeys(CUTS["words"](text), 1.0), wide=wide)


def test_the_section_that_holds_the_words_scores_best(index: LexicalIndex) -> None:
    scores = ask(index, "量子纠错").section
    assert int(scores.argmax()) == 0
    assert scores.max() == pytest.approx(1.0)


def test_a_section_profits_from_its_papers_title(index: LexicalIndex) -> None:
    scores = ask(index, "Codes").paper
    assert min(scores[:2]) > max(scores[2:]) == 0


def test_a_term_of_more_weight_counts_more(index: LexicalIndex) -> None:
    even = index.scores("words", {"资源": 1.0, "折叠": 1.0}).section
    uneven = index.scores("words", {"资源": 9.0, "折叠": 1.0}).section
    assert uneven[2] < even[2]


def test_sections_can_be_scored_for_other_terms_than_their_papers(index: LexicalIndex) -> None:
    both = index.scores("words", {"资源": 1.0}, {"折叠": 1.0})
    assert (both.paper == index.scores("words", {"资源": 1.0}).paper).all()
    assert (both.section == index.scores("words", {"折叠": 1.0}).section).all()


def test_nothing_scores_where_no_term_is_known(index: LexicalIndex) -> None:
    assert not ask(index, "xyzzy").section.any()
    assert not ask(index, "").paper.any()


def test_rare_words_weigh_more(index: LexicalIndex) -> None:
    assert index.idf("xyzzy") > index.idf("量子") > index.idf("提升") > 0


def test_search_text_is_found_in_the_wide_fields_only() -> None:
    index = build(written="quantum error", keywords="stabiliser")
    assert not ask(index, "quantum").section.any()
    assert int(ask(index, "quantum", wide=True).section.argmax()) == 0
    assert list(ask(index, "stabiliser", wide=True).paper > 0) == [True, True, False, False]


def test_papers_without_search_text_keep_their_plain_scores_beside_those_that_have_some() -> None:
    index = build(written="折叠 folding of proteins", keywords="folding")
    plain, wide = ask(index, "折叠"), ask(index, "折叠", wide=True)
    assert np.array_equal(wide.section[2:], plain.section[2:])
    assert np.array_equal(wide.paper[2:], plain.paper[2:])
    assert wide.section[0] == pytest.approx(1.0)


def test_without_search_text_the_wide_fields_are_the_plain_ones(index: LexicalIndex) -> None:
    assert not index.is_enriched
    plain, wide = ask(index, "折叠"), ask(index, "折叠", wide=True)
    assert np.array_equal(plain.section, wide.section)


def test_an_index_read_back_scores_the_same(tmp_path: Path) -> None:
    index = build(written="quantum error")
    index.save(tmp_path / "lexical")
    again = LexicalIndex.load(tmp_path / "lexical")
    for wide in (False, True):
        before, after = (ask(i, "折叠 quantum", wide=wide) for i in (index, again))
        assert np.array_equal(before.section, after.section)
        assert np.array_equal(before.paper, after.paper)


def test_an_index_of_nothing_answers_nothing(tmp_path: Path) -> None:
    LexicalIndex.build([], {}).save(tmp_path / "lexical")
    again = LexicalIndex.load(tmp_path / "lexical")
    assert len(ask(again, "折叠").section) == 0
    assert again.idf("折叠") > 0
    assert not again.knows("折叠")


def test_damaged_files_are_reported_with_what_to_do(index: LexicalIndex, tmp_path: Path) -> None:
    index.save(tmp_path / "lexical")
    (tmp_path / "lexical" / "paper_of_row.npy").write_bytes(b"damaged")
    with pytest.raises(MissingIndexError, match="--rebuild"):
        LexicalIndex.load(tmp_path / "lexical")
