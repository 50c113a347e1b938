"""Lists: "哪些论文用了 LoRA", "which papers are about video", "只读了摘要的是哪几篇".

In this order: what the records say is taken from them; a name is looked for in every section of
every paper in scope (`mentions`); a topic in titles, fields and contributions, then in sentences,
and where it stands nowhere papers are ranked and cut (`topics`).
"""

import re
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from chatbot.index.catalogue import READ_ABSTRACT_ONLY, PaperRecord
from chatbot.index.store import Index
from chatbot.retrieval import wording
from chatbot.retrieval.mentions import COMMON, Listed, mentioning, terms_of
from chatbot.retrieval.models import Coverage, ListBy, Query
from chatbot.retrieval.topics import (
    narrowed,
    papers_about,
    papers_introducing,
    papers_near,
    papers_saying,
    topic_of,
)
from chatbot.retrieval.weights import Weights

_USES = re.compile(
    r"用到|使用|用了|采用|基于|借助|\b(?:use|using|uses|used|based on)\b", re.IGNORECASE
)

# "Not about X": the others are listed.
_NOT = re.compile(
    r"(?:不是|并非|不|没有?)(?:关于|涉及|研究|属于|讲|做)|"
    r"\b(?:not|nothing to do|unrelated)\s+(?:about|on|with|to|related to|concerned with)\b",
    re.IGNORECASE,
)


def find_papers(
    index: Index, query: Query, allowed: NDArray[np.bool_], weights: Weights
) -> tuple[tuple[Listed, ...], Coverage]:
    """The papers that a list question asks for, among those the filters let through."""
    if _NOT.search(query.search_text):
        return _others(index, query, allowed, weights)
    return _found(index, query, allowed, weights)


def _found(
    index: Index, query: Query, allowed: NDArray[np.bool_], weights: Weights
) -> tuple[tuple[Listed, ...], Coverage]:
    scope = index.catalogue.papers_of(allowed)
    question = query.search_text
    if (records := _by_records(scope, question)) is not None:
        return _whole(records), Coverage("records", len(scope), len(records))
    if (introduced := papers_introducing(index, scope, question)) is not None:
        listed, coverage = introduced
        listed = narrowed(index, query, listed, coverage.terms)
        return listed, replace(coverage, matched=len(listed))
    terms = terms_of(index, scope, question)
    if terms:
        mentioned = mentioning(index, query, scope, terms)
        found = narrowed(index, query, mentioned, terms)
        by: ListBy = "mention" if len(found) == len(mentioned) else "topic"
        return found, Coverage(by, len(scope), len(found), terms)
    topic = topic_of(question)
    if not topic:
        return _whole(scope), Coverage("records", len(scope), len(scope))
    found = mentioning(index, query, scope, topic) if _USES.search(question) else ()
    if 0 < len(found) <= COMMON * len(scope):
        return found, Coverage("mention", len(scope), len(found), tuple(topic))
    found = (
        papers_about(index, query, scope, topic)
        or papers_saying(index, query, scope, topic)
        or papers_near(index, query, allowed, weights)
    )
    return found, Coverage("topic", len(scope), len(found), tuple(topic))


def _others(
    index: Index, query: Query, allowed: NDArray[np.bool_], weights: Weights
) -> tuple[tuple[Listed, ...], Coverage]:
    """The papers of the scope that a list without the question's "not" leaves out."""
    asked = replace(query, search_text=_NOT.sub(" ", query.search_text))
    found, coverage = _found(index, asked, allowed, weights)
    taken = {entry.paper.id for entry in found}
    others = [paper for paper in index.catalogue.papers_of(allowed) if paper.id not in taken]
    return _whole(others), Coverage("topic", coverage.checked, len(others))


def _by_records(scope: Sequence[PaperRecord], question: str) -> list[PaperRecord] | None:
    """The papers that the records alone tell, or None where the question is about their text."""
    if wording.ABSTRACT_ONLY.search(question):
        return [paper for paper in scope if paper.read_from == READ_ABSTRACT_ONLY]
    if wording.FULL_TEXT.search(question):
        return [paper for paper in scope if paper.read_from != READ_ABSTRACT_ONLY]
    return None


def _whole(papers: Sequence[PaperRecord]) -> tuple[Listed, ...]:
    """Papers in the order of the records, each with its contribution, or what comes first."""
    return tuple(Listed(paper, paper.rows[1:2] or paper.rows[:1], 1.0) for paper in papers)
