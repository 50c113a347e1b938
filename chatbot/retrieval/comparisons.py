"""Comparisons: which papers are compared, and the sections of each that answer."""

from collections.abc import Sequence

import numpy as np

from chatbot.errors import ChatbotError, quoted
from chatbot.guardrails.limits import check_question
from chatbot.index.entity_linking import Link
from chatbot.index.lexical import Scope
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


def compared_papers(index: Index, query: Query, scope: Scope) -> tuple[str, ...]:
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
        others = (p for p in _described(index, query.parts, scope) if p not in named)
        named += [*others][: wanted - len(named)]
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
    if language == "zh":
        question = f"对比 {'、'.join(titles)}：{'；'.join(by)}"
    else:
        question = f"Compare {', '.join(titles)} by {'; '.join(by)}"
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
    linked = [paper for link in catalogue.names.find(name) for paper in link.papers]
    titled = [paper for paper in linked if normalise(catalogue.by_id[paper].title) == wanted]
    found = list(dict.fromkeys(titled or linked))
    if not found:
        raise ChatbotError(f"no paper is called {quoted(name)}; 'chatbot papers' lists them")
    if len(found) > 1:
        options = ", ".join(f"{paper} ({catalogue.by_id[paper].title})" for paper in found)
        raise ChatbotError(f"{quoted(name)} is several papers, give an arXiv id: {options}")
    return found[0]


def ranked_within(
    index: Index, query: Query, papers: Sequence[str], weights: Weights
) -> list[list[tuple[int, float]]]:
    """Each paper's rows, best first, with their scores; what is asked of one is asked of all."""
    by_key: list[dict[str, float]] = []
    for paper in papers:
        scope = _scope_of(index, [paper])
        signals = signals_of(
            index, query.sought, links=query.links, aspects=query.aspects, scope=scope
        )
        scores = probabilities(score(signals, weights))
        keys = [index.section(row).key for row in signals.rows]
        by_key.append(dict(zip(keys, map(float, scores), strict=True)))
    ranked = []
    for paper, own in zip(papers, by_key, strict=True):
        rows = {index.section(row).key: row for row in index.catalogue.by_id[paper].rows}
        others = [other for other in by_key if other is not own]
        shared = {key: sum(o.get(key, 0.0) for o in others) / len(papers) for key in rows}
        total = {key: own.get(key, 0.0) + _SHARED * shared[key] for key in rows}
        best = sorted(total, key=lambda key: -total[key])
        ranked.append([(rows[key], total[key]) for key in best])
    return ranked


def _likeliest(index: Index, sought: Sought, papers: Sequence[str]) -> str:
    """Of papers that share a name, the one the rest of the question fits best."""
    signals = signals_of(index, sought, scope=_scope_of(index, papers))
    if not len(signals.rows):
        return papers[0]
    best = int(signals.rows[int(np.argmax(signals.paper + signals.lexical))])
    return index.section(best).paper_id


def _scope_of(index: Index, papers: Sequence[str]) -> Scope:
    return Scope(frozenset(index.catalogue.by_id[paper].number for paper in papers))


def _described(index: Index, parts: Sequence[Part], scope: Scope) -> list[str]:
    """The paper each part fits, surest first: by how much of what is rare in the part it holds."""
    found: dict[str, float] = {}
    for part in parts:
        signals = signals_of(index, wording.sought_of(part.text), scope=scope)
        if not len(signals.rows):
            continue
        row = signals.rows[int(np.argmax(signals.paper + 0.1 * signals.dense))]
        paper = index.catalogue.by_id[index.section(row).paper_id]
        text = index.text_of(paper)
        held = {*words(text), *bigrams(text)}.intersection(without_stop_words(words(part.text)))
        rarity = sum(map(index.lexical.idf, held)) * (2.0 if part.likely else 1.0)
        found[paper.id] = max(found.get(paper.id, 0.0), rarity)
    return sorted(found, key=lambda paper: -found[paper])
