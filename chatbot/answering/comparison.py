"""Comparisons as tables: papers by columns; with a model its outline is chosen first."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from itertools import chain, zip_longest

from pydantic import BaseModel, Field, ValidationError

from chatbot.answering.sentence_ranking import Asked, Sentence, in_reading_order, ranked_sentences
from chatbot.answering.writing import LANGUAGE_NAMES
from chatbot.errors import ModelError
from chatbot.guardrails.spotlighting import Material
from chatbot.index.reading import Index
from chatbot.llm.client import ChatModel, ChatTurn, TokenUsage, complete
from chatbot.llm.prompts import load_prompt, may_leave
from chatbot.reports.parsing import SECTION_KEYS, SECTION_LABELS
from chatbot.retrieval.comparisons import COLUMNS, ranked_within
from chatbot.retrieval.models import Evidence, Hit
from chatbot.retrieval.ranking import shipped_weights
from chatbot.understanding import wording

_SENTENCES, _CHARACTERS, _FOR_A_QUESTION = 2, 240, 4
# Of a question, so many of a paper's best sections have a sentence each.
_SECTIONS = 2
# A column is reported on where a sentence holds this share of its words; where the column names a
# section, any of them.
_LEAST_WORDS, _ANY_WORD = 0.34, 0.01
_WHOLE_SECTIONS = frozenset(chain(SECTION_KEYS, SECTION_LABELS.values(), *COLUMNS.values()))


def cells(index: Index, evidence: Evidence, hits: Sequence[Hit]) -> list[list[Sentence]]:
    """The sentences of one paper's cells, by column; none where the report does not say.

    A comparison without columns has one, for the question.
    """
    query = evidence.query
    if query.columns:
        return [_for_column(index, column, hits) for column in query.columns]
    ranked = ranked_sentences(Asked.of(index, query.focus), hits)
    # The best sentence of each of the paper's best sections, then the likeliest others.
    chosen: list[Sentence] = []
    for hit in hits[:_SECTIONS]:
        chosen += [s for s in ranked if s.section == hit.section][:1]
    likeliest = [*chosen, *(s for s in ranked if s not in chosen)]
    return [in_reading_order(likeliest[:_FOR_A_QUESTION])]


def _for_column(index: Index, column: str, hits: Sequence[Hit]) -> list[Sentence]:
    """The sentences that a column's words are about, from the section it names if it names one."""
    aspects = wording.aspects_of(column)
    of_section = [hit for hit in hits if hit.section.key in aspects]
    asked = Asked.of(index, wording.focus_of(column))
    ranked = ranked_sentences(asked, of_section or hits)
    if column not in _WHOLE_SECTIONS:
        least = _LEAST_WORDS if not of_section else _ANY_WORD
        ranked = [s for s in ranked if asked.share(s) >= least]
    chosen = ranked[:_SENTENCES]
    while len(chosen) > 1 and sum(len(s.span.text) for s in chosen) > _CHARACTERS:
        chosen = chosen[:-1]
    return in_reading_order(chosen)


_MOST_COLUMNS, _LONGEST_COLUMN = 5, 120
# So many sections for each cell: the one that answers is nearly always among them.
_PER_CELL = 2


class _Outline(BaseModel):
    aspects: list[str] = Field(min_length=1)


def outlined(
    index: Index, evidence: Evidence, model: ChatModel
) -> tuple[Evidence, tuple[TokenUsage, ...]]:
    """The evidence of a comparison, cell by cell, and what it cost.

    Columns that the reader did not give are chosen by the model from the question. Where it fails
    or answers something else, or what may not leave, the question itself stays the only column.
    """
    spent: tuple[TokenUsage, ...] = ()
    if not evidence.query.columns:
        columns, spent = _columns(evidence, model)
        evidence = replace(evidence, query=replace(evidence.query, columns=columns))
    return (_by_cell(index, evidence) if evidence.query.columns else evidence), spent


def outline_turns(evidence: Evidence) -> list[ChatTurn]:
    """The turns that ask for the columns."""
    titles = dict.fromkeys(hit.section.title for hit in evidence.hits)
    return load_prompt("outline").turns(
        language=LANGUAGE_NAMES[evidence.query.language],
        papers=[Material("papers", "\n".join(f"- {title}" for title in titles))],
        question=[Material("question", evidence.query.standalone)],
    )


def _columns(
    evidence: Evidence, model: ChatModel
) -> tuple[tuple[str, ...], tuple[TokenUsage, ...]]:
    spent = TokenUsage(0, 0)
    try:
        text, spent = complete(model, outline_turns(evidence), _Outline)
        outline = _Outline.model_validate_json(text[text.find("{") : text.rfind("}") + 1])
    except (ModelError, ValidationError):
        return (), (spent,)
    aspects = (" ".join(aspect.split()).replace("|", "/") for aspect in outline.aspects)
    usable = (a for a in aspects if 0 < len(a) <= _LONGEST_COLUMN and may_leave(a))
    return tuple(dict.fromkeys(usable))[:_MOST_COLUMNS], (spent,)


def _by_cell(index: Index, evidence: Evidence) -> Evidence:
    """The best sections of each cell, those of all cells before the second best of any."""
    papers = list(dict.fromkeys(hit.section.paper_id for hit in evidence.hits))
    known = {hit.section: hit for hit in evidence.hits}

    def of_column(column: str) -> list[list[Hit]]:
        aspects = wording.aspects_of(column)
        query = replace(evidence.query, sought=wording.sought_of(column), aspects=aspects, links=())
        ranked = ranked_within(index, query, papers, shipped_weights())
        cells = ([Hit(index.section(row), value) for row, value in paper] for paper in ranked)
        # A column is a few words: the section they name says more than how well they match.
        return [sorted(cell, key=lambda hit: hit.section.key not in aspects) for cell in cells]

    with ThreadPoolExecutor() as pool:
        cells = list(chain.from_iterable(pool.map(of_column, evidence.query.columns)))
    turns = chain.from_iterable(zip_longest(*(cell[:_PER_CELL] for cell in cells)))
    chosen = {hit.section: hit for hit in turns if hit is not None}
    return replace(evidence, hits=tuple(known.get(section, hit) for section, hit in chosen.items()))
