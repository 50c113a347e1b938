"""Whether to refuse, without asking a model.

Because what is asked about is in no report; because the paper denies what the question takes for
granted (`premises.py`); or because it does not give what is asked for (`attributes.py`).
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial

import rjieba

from chatbot.answer.attributes import PaperText, is_misspelt_in, lacks
from chatbot.answer.models import AbstainReason
from chatbot.answer.premises import denied_by
from chatbot.answer.sentence_ranking import Sentence
from chatbot.index.store import Index
from chatbot.index.terms import bigrams, without_stop_words, words
from chatbot.retrieval import wording
from chatbot.retrieval.confidence import decide
from chatbot.retrieval.models import Evidence, Query
from chatbot.retrieval.ranking import unnamed

_RARE = 3.0
# Confidence under which an unheard-of noun is taken for what the reports lack.
_UNSURE, _UNSURE_ABOUT = 0.3, 0.6
_ABOUT = re.compile(r"做|搞|讲|研究|关于|有关|面向|针对|涉及")
_NEAR = 3
_NOUNS = frozenset({"n", "nz", "nt"})
_THINGS = _NOUNS | {"ns", "nr", "vn"}


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a question is not answered, and the sentence that contradicts it, if one does."""

    reason: AbstainReason
    contradicts: Sentence | None = None


def refusal_of(
    index: Index, evidence: Evidence, ranked: Sequence[Sentence], *, has_namesake: bool = False
) -> Refusal | None:
    """Whether to refuse a look-up; `ranked` are the best paper's sentences, likeliest first.

    With a namesake (another paper found on the same system) an unsure search is no sign that
    neither is meant.
    """
    query = evidence.query
    if query.intent != "lookup" or not evidence.hits:
        return None
    if not has_namesake and (reason := _out_of_reach(index, evidence)) is not None:
        return Refusal(reason)
    rest = unnamed(index, query.question, query.links)
    sentence = denied_by(query.question, rest, ranked, index.lexical.idf)
    if sentence is not None:
        return Refusal("false_premise", sentence)
    return Refusal("not_reported") if _is_not_reported(index, evidence) else None


def _out_of_reach(index: Index, evidence: Evidence) -> AbstainReason | None:
    """Why no report can answer: it holds neither the paper asked about nor anything like it."""
    links = evidence.query.links
    if evidence.unknown and all(link.typo for link in links):
        nearest = _nearest(index, evidence).text.lower()
        if any(not is_misspelt_in(name.lower(), nearest) for name in evidence.unknown):
            return "not_in_corpus"
    if links:
        return None
    if _is_off_topic(index, evidence):
        return "off_topic"
    unsure = decide(evidence.confidence) == "refuse" or _asks_for_the_unheard_of(index, evidence)
    return "not_in_corpus" if unsure else None


def _is_not_reported(index: Index, evidence: Evidence) -> bool:
    """Whether the paper asked about does not give what is asked for."""
    query = evidence.query
    named = evidence.hits[0].section.paper_id in query.papers
    if not named and decide(evidence.confidence) != "answer":
        return False
    return lacks(query.question, _nearest(index, evidence), partial(_is_rare, index))


def _nearest(index: Index, evidence: Evidence) -> PaperText:
    """The paper found first, as it is searched."""
    paper = index.catalogue.by_id[evidence.hits[0].section.paper_id]
    texts = {s.key: s.text for s in (index.sections[row] for row in paper.rows)}
    own = f"{paper.title}\n{texts.get('contribution', '')}"
    return PaperText("\n".join([paper.title, *texts.values()]), own)


def _is_rare(index: Index, name: str) -> bool:
    """Whether few sections have the name."""
    return max(map(index.lexical.idf, words(name)), default=0.0) >= _RARE


def _asks_for_the_unheard_of(index: Index, evidence: Evidence) -> bool:
    """Whether an unsure search has a noun in its question that no report holds.

    "有篇做手语翻译的": what a paper is said to be about weighs more than a noun elsewhere.
    """
    query = evidence.query
    if evidence.confidence is None:
        return False
    if query.language == "en":
        return evidence.confidence < _UNSURE and _holds_no_word_of(index, query)
    for noun, before in _nouns(query.question, _NOUNS):
        if not _is_known(index, noun):
            about = _ABOUT.search(before) is not None
            if evidence.confidence < (_UNSURE_ABOUT if about else _UNSURE):
                return True
    return False


def _holds_no_word_of(index: Index, query: Query) -> bool:
    """Whether no report holds a word of an English question, in either language, but for names."""
    rest = unnamed(index, query.question, query.links)
    for name in wording.names_in(rest):
        rest = rest.replace(name, " ")
    asked = without_stop_words(words(rest))
    known = any(index.lexical.knows(word) for word in asked) or index.glossary.translate(rest)
    return bool(asked) and not known


def _is_off_topic(index: Index, evidence: Evidence) -> bool:
    """Whether an unsure search is for things of which no report holds a single one."""
    query = evidence.query
    if query.language == "en" or decide(evidence.confidence) != "refuse":
        return False
    things = [thing for thing, _ in _nouns(query.question, _THINGS)]
    known = wording.names_in(query.question) or any(_is_known(index, thing) for thing in things)
    return bool(things) and not known


def _nouns(question: str, tags: frozenset[str]) -> Iterator[tuple[str, str]]:
    """The Chinese words with one of these tags, each with the characters just before it."""
    at = 0
    for word, tag in rjieba.tag(question):
        at = question.find(word, at)
        if tag in tags and len(word) > 1 and not word.isascii():
            yield word, question[max(0, at - _NEAR) : at]


def _is_known(index: Index, word: str) -> bool:
    """Whether any report holds the word or a piece of it."""
    return any(map(index.lexical.holds_bigram, bigrams(word)))
