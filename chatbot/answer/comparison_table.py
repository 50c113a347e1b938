"""A comparison without a model: papers by columns, each cell the sections' own sentences."""

import csv
import io
from collections.abc import Sequence
from dataclasses import replace

from chatbot.answer.citations import cells_of
from chatbot.answer.markers import without_markers
from chatbot.answer.sentence_ranking import Asked, Sentence, in_reading_order, ranked_sentences
from chatbot.headings import SECTION_KEYS, SECTION_LABELS
from chatbot.index.store import Index
from chatbot.retrieval import wording
from chatbot.retrieval.comparison import COLUMNS
from chatbot.retrieval.models import Evidence, Hit, Language, Query

NOT_REPORTED: dict[Language, str] = {"zh": "报告未提及", "en": "not reported"}
PAPER: dict[Language, str] = {"zh": "论文", "en": "Paper"}
ASKED: dict[Language, str] = {"zh": "所问", "en": "Asked"}
_SENTENCES, _CHARACTERS, _FOR_A_QUESTION = 2, 240, 4
# Of a question, so many of a paper's best sections have a sentence each.
_SECTIONS = 2
# A column is reported on where a sentence holds this share of its words; where the column names a
# section, any of them.
_LEAST_WORDS, _ANY_WORD = 0.34, 0.01
_WHOLE_SECTIONS = frozenset(
    [
        *SECTION_KEYS,
        *SECTION_LABELS.values(),
        *(name for names in COLUMNS.values() for name in names),
    ]
)


def cells(index: Index, evidence: Evidence, hits: Sequence[Hit]) -> list[list[Sentence]]:
    """The sentences of one paper's cells, by column; none where the report does not say.

    A comparison without columns has one, for the question.
    """
    query = evidence.query
    if not query.columns:
        return [_for_question(index, query, hits)]
    return [_for_column(index, query, column, hits) for column in query.columns]


def _for_question(index: Index, query: Query, hits: Sequence[Hit]) -> list[Sentence]:
    """The best sentence of each of the paper's best sections, then the likeliest others."""
    asked = Asked.of(index, query)
    ranked = ranked_sentences(index, asked, hits)
    chosen: list[Sentence] = []
    for hit in hits[:_SECTIONS]:
        own = [s for s in ranked if s.section.name == hit.section.name]
        chosen += own[:1]
    return in_reading_order([*chosen, *(s for s in ranked if s not in chosen)][:_FOR_A_QUESTION])


def _for_column(index: Index, query: Query, column: str, hits: Sequence[Hit]) -> list[Sentence]:
    """The sentences that a column's words are about, from the section it names if it names one."""
    aspects = wording.aspects_of(column)
    of_section = [hit for hit in hits if hit.section.key in aspects]
    asked = Asked.of(index, replace(query, question=column, links=()))
    ranked = ranked_sentences(index, asked, of_section or hits)
    if column not in _WHOLE_SECTIONS:
        least = _LEAST_WORDS if not of_section else _ANY_WORD
        ranked = [s for s in ranked if asked.share(s) >= least]
    chosen: list[Sentence] = []
    for sentence in ranked[:_SENTENCES]:
        if chosen and sum(len(s.span.text) for s in [*chosen, sentence]) > _CHARACTERS:
            break
        chosen.append(sentence)
    return in_reading_order(chosen)


def tables_of(markdown: str) -> list[list[list[str]]]:
    """The tables of a Markdown text, each as rows of cells, without the line under the head."""
    tables: list[list[list[str]]] = []
    inside = False
    for line in markdown.split("\n"):
        if not line.strip().startswith("|"):
            inside = False
            continue
        if not inside:
            tables.append([])
        inside = True
        row = cells_of(line)
        if not all(set(cell) <= set("-: ") for cell in row):
            tables[-1].append(row)
    return tables


def to_csv(markdown: str, sources: Sequence[Sequence[str]] = ()) -> str:
    """The first table of a Markdown text as CSV; empty where there is none.

    Without its markers, unless there are rows of `sources`: these stand below it, an empty row
    between.
    """
    tables = tables_of(markdown)
    if not tables:
        return ""
    rows = [[_plain(cell, keep_markers=bool(sources)) for cell in row] for row in tables[0]]
    out = io.StringIO()
    below = [[], *sources] if sources else []
    csv.writer(out).writerows([_inert(cell) for cell in row] for row in [*rows, *below])
    return out.getvalue()


def _plain(cell: str, *, keep_markers: bool) -> str:
    text = cell if keep_markers else without_markers(cell)
    text = text.replace("<br>", "\n").replace("**", "").replace("\\|", "|")
    return "\n".join(line.strip() for line in text.split("\n"))


def _inert(cell: str) -> str:
    # A spreadsheet would take these for formulas.
    return f"'{cell}" if cell[:1] in {"=", "+", "-", "@"} else cell
