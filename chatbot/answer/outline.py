"""A comparison's outline: its columns, and for each cell the sections it is to be filled from."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from itertools import chain, zip_longest

from pydantic import BaseModel, Field, ValidationError

from chatbot.answer.synthesis import LANGUAGE_NAMES
from chatbot.errors import ModelError
from chatbot.index.store import Index
from chatbot.llm import ChatModel, ChatTurn, TokenUsage, complete
from chatbot.material import Material
from chatbot.prompts import load_prompt
from chatbot.retrieval import wording
from chatbot.retrieval.comparison import ranked_within
from chatbot.retrieval.models import Evidence, Hit
from chatbot.retrieval.weights import shipped_weights
from chatbot.scrubbing import Limits, is_clean, prompt_lines

_MOST_COLUMNS, _LONGEST_COLUMN = 5, 120
# So many sections for each cell: the one that answers is nearly always among them.
_PER_CELL = 2


class _Outline(BaseModel):
    """What the model is asked for."""

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
    turns = load_prompt("outline").turns(
        language=LANGUAGE_NAMES[evidence.query.language],
        papers=[Material("papers", "\n".join(f"- {title}" for title in titles))],
        question=[Material("question", evidence.query.standalone)],
    )
    return list(turns)


def _columns(
    evidence: Evidence, model: ChatModel
) -> tuple[tuple[str, ...], tuple[TokenUsage, ...]]:
    try:
        text, spent = complete(model, outline_turns(evidence), _Outline)
    except ModelError:
        return (), (TokenUsage(0, 0),)
    try:
        outline = _Outline.model_validate_json(text[text.find("{") : text.rfind("}") + 1])
    except ValidationError:
        return (), (spent,)
    limits = Limits(prompts=prompt_lines())
    aspects = (" ".join(aspect.split()).replace("|", "/") for aspect in outline.aspects)
    usable = (a for a in aspects if 0 < len(a) <= _LONGEST_COLUMN and is_clean(a, limits))
    return tuple(dict.fromkeys(usable))[:_MOST_COLUMNS], (spent,)


def _by_cell(index: Index, evidence: Evidence) -> Evidence:
    """The best sections of each cell, those of all cells before the second best of any."""
    papers = list(dict.fromkeys(hit.section.paper_id for hit in evidence.hits))
    known = {hit.section.name: hit for hit in evidence.hits}

    def of_column(column: str) -> list[list[Hit]]:
        aspects = wording.aspects_of(column)
        query = replace(evidence.query, search_text=column, aspects=aspects, links=())
        ranked = ranked_within(index, query, papers, shipped_weights())
        cells = (
            [Hit(index.sections[row], value) for row, value in zip(p.rows, p.scores, strict=True)]
            for p in ranked
        )
        # A column is a few words: the section they name says more than how well they match.
        return [sorted(cell, key=lambda hit: hit.section.key not in aspects) for cell in cells]

    with ThreadPoolExecutor() as pool:
        cells = list(chain.from_iterable(pool.map(of_column, evidence.query.columns)))
    turns = chain.from_iterable(zip_longest(*(cell[:_PER_CELL] for cell in cells)))
    chosen = {hit.section.name: hit for hit in turns if hit is not None}
    return replace(evidence, hits=tuple(known.get(name, hit) for name, hit in chosen.items()))
