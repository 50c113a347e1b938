"""The lexical index."""

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest

from chatbot.errors import MissingIndexError
from chatbot.index.lexical import (
    EVERYTHING,
    KINDS,
    PARTS,
    Kind,
    LexicalIndex,
    Part,
    Scope,
    terms_of,
)
from chatbot.index.records import Records
from chatbot.index.update import LexicalWriter, carry_over
from chatbot.reports.parsing import SECTION_KEYS

TEXTS = {"Codes": ["量子纠错 提升", "资源 需求"], "Folding": ["蛋白质 折叠", "折叠 加速 提升"]}
Building = Callable[..., LexicalIndex]


def add(
    writer: LexicalWriter,
    number: int,
    title: str,
    texts: Sequence[str],
    parts: Sequence[Part] = PARTS[:2],
) -> None:
    """Put a paper in on the day of its number; its sections go by eight times that and on."""
    about = {"paper": number, "day": number, "names": title.lower()}
    sections = dict(zip(SECTION_KEYS, map(terms_of, texts), strict=False))
    writer.add(parts, about, terms_of(title, title), sections)


@pytest.fixture
def build(tmp_path: Path) -> Building:
    def made(wide: dict[str, Sequence[str]] | None = None) -> LexicalIndex:
        writer = LexicalWriter(tmp_path / "lexical")
        for number, (title, texts) in enumerate(TEXTS.items(), 1):
            add(writer, number, title, texts)
        for number, (title, texts) in enumerate((wide or {}).items(), 1):
            add(writer, number, title, texts, PARTS[2:])
        writer.finish()
        return LexicalIndex(tmp_path / "lexical")

    return made


@pytest.fixture
def index(build: Building) -> LexicalIndex:
    return build()


def ask(
    index: LexicalIndex,
    text: str,
    part: Part = "section",
    kind: Kind = "words",
    scope: Scope = EVERYTHING,
) -> list[int]:
    terms = tuple((term, 1.0) for term in terms_of(text)[kind].split())
    return index.best(part, kind, terms, scope).numbers.tolist()


@pytest.mark.parametrize("kind", KINDS)
def test_the_section_that_holds_the_words_scores_best(index: LexicalIndex, kind: Kind) -> None:
    assert ask(index, "量子纠错", kind=kind)[0] == 8


def test_a_paper_is_found_by_its_title_and_sections_are_not(index: LexicalIndex) -> None:
    assert ask(index, "Codes", "paper") == [1]
    assert ask(index, "Codes") == []


def test_a_term_of_more_weight_counts_more(index: LexicalIndex) -> None:
    even = index.best("section", "words", (("资源", 1.0), ("折叠", 1.0)))
    uneven = index.best("section", "words", (("资源", 9.0), ("折叠", 1.0)))
    assert uneven.among(np.array([9])) > even.among(np.array([9]))
    assert uneven.among(np.array([16])) == even.among(np.array([16]))


@pytest.mark.parametrize(
    ("scope", "found"),
    [
        (Scope(papers=frozenset([1])), {8}),
        (Scope(papers=frozenset()), set()),
        (Scope(without=frozenset([1])), {17}),
        (Scope(days=frozenset([2, 5])), {17}),
        (Scope(keys=frozenset([0])), {8}),
        (Scope(days=frozenset([1, 2]), keys=frozenset([1])), {17}),
    ],
)
def test_a_scope_narrows_what_is_found_and_no_score(
    index: LexicalIndex, scope: Scope, found: set[int]
) -> None:
    everywhere = index.best("section", "words", (("提升", 1.0),))
    within = index.best("section", "words", (("提升", 1.0),), scope)
    assert {*within.numbers.tolist()} == found
    assert (within.values == everywhere.among(within.numbers)).all()


def test_nothing_scores_where_no_term_is_known(index: LexicalIndex) -> None:
    assert ask(index, "xyzzy") == ask(index, "") == []
    assert not index.best("section", "words", ()).among(np.array([8])).any()


def test_rare_words_weigh_more(index: LexicalIndex) -> None:
    assert index.idf("xyzzy") > index.idf("量子") > index.idf("提升") > 0


def test_search_text_is_found_in_the_wide_parts_only(build: Building) -> None:
    index = build({"Codes\nstabiliser": ["量子纠错 quantum", "资源"]})
    assert index.is_enriched
    assert ask(index, "quantum") == []
    assert ask(index, "quantum", "wide_section") == [8]
    assert ask(index, "stabiliser", "wide_paper") == [1]
    assert index.holding("stabiliser") == {1}


@pytest.mark.parametrize(
    ("text", "held"),
    [
        ("折叠", {2}),
        ("折", {2}),
        ("提升", {1, 2}),
        ("Fold", {2}),
        ("资源折叠", set()),
        ("", {1, 2}),
    ],
)
def test_the_papers_that_may_hold_a_text_are_told(
    index: LexicalIndex, text: str, held: set[int]
) -> None:
    assert index.holding(text) == held
    assert index.holding(text, Scope(papers=frozenset([1]))) == held & {1}


def test_a_part_of_a_word_is_held_where_it_is_asked_for(index: LexicalIndex) -> None:
    assert index.holding("ode") == frozenset()
    assert index.holding("ode", inside=True) == {1}


def test_names_that_are_a_letter_or_two_away_are_found(index: LexicalIndex) -> None:
    assert index.called_like("codse", 1) == (1,)
    assert index.called_like("codxy", 1) == ()


def test_an_index_of_nothing_answers_nothing(tmp_path: Path) -> None:
    LexicalWriter(tmp_path).finish()
    index = LexicalIndex(tmp_path)
    assert ask(index, "折叠") == []
    assert index.idf("折叠") > 0
    assert not index.knows("折叠")


def test_a_generation_has_what_the_one_before_had_less_what_is_dropped(
    index: LexicalIndex, tmp_path: Path
) -> None:
    with Records.changing(tmp_path / "lexical"):
        pass
    (tmp_path / "next").mkdir()
    carry_over(tmp_path / "lexical", tmp_path / "next")
    writer = LexicalWriter(tmp_path / "next")
    writer.drop(2)
    add(writer, 2, "Folds", ["折叠 光线"])
    writer.finish()
    after = LexicalIndex(tmp_path / "next")
    assert ask(after, "折叠") == [16]
    assert {*ask(index, "折叠")} == {16, 17}
    assert after.knows("光线")
    assert not after.knows("蛋白质")


def test_damaged_files_are_reported_with_what_to_do(index: LexicalIndex, tmp_path: Path) -> None:
    for file in (tmp_path / "lexical").glob("*/*.term"):
        file.write_bytes(b"damaged")
    with pytest.raises(MissingIndexError, match="--rebuild"):
        LexicalIndex(tmp_path / "lexical")
