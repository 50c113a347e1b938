"""Comparisons: which papers are compared, and the sections of each that answer."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from chatbot.errors import ChatbotError, quoted
from chatbot.guardrails.limits import check_question
from chatbot.index.entity_linking import Link
from chatbot.index.reading import Catalogue, Index
from chatbot.retrieval.ranking import Weights, probabilities, score, signals_of
from chatbot.text.terms import bigrams, normalise, without_stop_words, words
from chatbot.understanding import wording
from chatbot.understanding.conversation import ARXIV_ID
from chatbot.understanding.models import Filters, Language, Part, Query, Sought

_FEWEST, _MOST = 2, 8
COLUMNS: dict[Language, tuple[str, ...]] = {
    language: tuple(name for key, name in names.items() if key != "usage")
    for language, names in wording.SECTION_NAMES.items()
}
# How much the other papers say about which section answers, beside a paper's own scores.
_SHARED = 0.5


@dataclass(frozen=True, slots=True)
class PaperSections:
    """A paper's rows, best first, with their scores."""

    paper_id: str
    rows: tuple[int, ...]
    scores: tuple[float, ...]


def compared_papers(index: Index, query: Query, allowed: NDArray[np.bool_]) -> tuple[str, ...]:
    """The papers a question compares: those it names, then those it describes, part by part."""
    known = index.catalogue.by_id
    named: list[str] = []
    for link in query.links:
        papers = [paper for paper in link.papers if paper in known]
        if len(papers) > 1:
            papers = [_likeliest(index, query.sought, papers)]
        named += [paper for paper in papers if paper not in named]
    described = sum(part.is_paper for part in query.parts)
    wanted = query.count or max(_FEWEST, len(named) + described)
    if len(named) < min(wanted, _MOST):
        for paper in _described(index, query.parts, allowed):
            if paper not in named and len(named) < wanted:
                named.append(paper)
    return tuple(named[:_MOST])


def comparison_query(
    catalogue: Catalogue, papers: Sequence[str], columns: Sequence[str], language: Language
) -> Query:
    """The query that compares papers, given by arXiv id, title or a system's name, by columns.

    Raises:
        ChatbotError: a paper is not found or ambiguous, or they are too few or too many, or
            papers and columns are together more than a question may hold.
    """
    check_question(" ".join([*papers, *columns]))
    ids = list(dict.fromkeys(_paper_called(catalogue, name) for name in papers))
    if not _FEWEST <= len(ids) <= _MOST:
        raise ChatbotError(f"{len(ids)} different papers given; compare {_FEWEST} to {_MOST}")
    titles = [catalogue.by_id[paper].title for paper in ids]
    by = tuple(columns) or COLUMNS[language]
    listed = "、".join(titles) if language == "zh" else ", ".join(titles)
    question = (
        f"对比 {listed}：{'；'.join(by)}"
        if language == "zh"
        else (f"Compare {listed} by {'; '.join(by)}")
    )
    return Query(
        question=question,
        standalone=question,
        sought=wording.sought_of(" ".join(by)),
        focus=wording.focus_of(question),
        language=language,
        intent="compare",
        filters=Filters(papers=tuple(ids)),
        links=tuple(Link(title, (paper,), 0, 0) for title, paper in zip(titles, ids, strict=True)),
        columns=by,
    )


def _paper_called(catalogue: Catalogue, name: str) -> str:
    """The id of the one paper a name stands for."""
    if match := ARXIV_ID.search(name):
        if match[1] in catalogue.by_id:
            return match[1]
        raise ChatbotError(f"no paper {match[1]} in the index; 'chatbot papers' lists them")
    wanted = normalise(name).strip()
    titled = [paper.id for paper in catalogue.papers if normalise(paper.title) == wanted]
    named = [paper for link in catalogue.names.find(name) for paper in link.papers]
    found = list(dict.fromkeys(titled or named))
    if not found:
        raise ChatbotError(f"no paper is called {quoted(name)}; 'chatbot papers' lists them")
    if len(found) > 1:
        options = ", ".join(f"{paper} ({catalogue.by_id[paper].title})" for paper in found)
        raise ChatbotError(f"{quoted(name)} is several papers, give an arXiv id: {options}")
    return found[0]


def ranked_within(
    index: Index, query: Query, papers: Sequence[str], weights: Weights
) -> list[PaperSections]:
    """The sections of each paper for the question; what is asked of one is asked of all."""
    by_key: list[dict[str, float]] = []
    for paper in papers:
        mask = np.zeros(len(index.sections), bool)
        mask[list(index.catalogue.by_id[paper].rows)] = True
        signals = signals_of(
            index, query.sought, links=query.links, aspects=query.aspects, allowed=mask
        )
        scores = probabilities(score(signals, weights))
        keys = [index.sections[row].key for row in signals.rows]
        by_key.append(dict(zip(keys, map(float, scores), strict=True)))
    ranked = []
    for paper, own in zip(papers, by_key, strict=True):
        rows = {index.sections[row].key: row for row in index.catalogue.by_id[paper].rows}
        others = [other for other in by_key if other is not own]
        shared = {key: sum(o.get(key, 0.0) for o in others) / len(papers) for key in rows}
        total = {key: own.get(key, 0.0) + _SHARED * shared[key] for key in rows}
        best = sorted(total, key=lambda key: -total[key])
        best_scores = tuple(total[key] for key in best)
        ranked.append(PaperSections(paper, tuple(rows[key] for key in best), best_scores))
    return ranked


def _likeliest(index: Index, sought: Sought, papers: Sequence[str]) -> str:
    """Of papers that share a name, the one the rest of the question fits best."""
    mask = np.zeros(len(index.sections), bool)
    for paper in papers:
        mask[list(index.catalogue.by_id[paper].rows)] = True
    signals = signals_of(index, sought, allowed=mask)
    if not len(signals.rows):
        return papers[0]
    best = int(signals.rows[int(np.argmax(signals.paper + signals.lexical))])
    return str(index.sections[best].paper_id)


def _described(index: Index, parts: Sequence[Part], allowed: NDArray[np.bool_]) -> list[str]:
    """The paper each part fits, surest first: by how much of what is rare in the part it holds."""
    found: dict[str, float] = {}
    for part in parts:
        signals = signals_of(index, wording.sought_of(part.text), allowed=allowed)
        if not len(signals.rows):
            continue
        row = signals.rows[int(np.argmax(signals.paper + 0.1 * signals.dense))]
        paper = index.catalogue.by_id[index.sections[row].paper_id]
        text = "\n".join([paper.title, *(index.sections[row].text for row in paper.rows)])
        held = {*words(text), *bigrams(text)}.intersection(without_stop_words(words(part.text)))
        rarity = sum(map(index.lexical.idf, held)) * (2.0 if part.likely else 1.0)
        found[paper.id] = max(found.get(paper.id, 0.0), rarity)
    return sorted(found, key=lambda paper: -found[paper])
