"""The answer without a model: sentences of the retrieved sections, verbatim and in reading order.

Sentences are taken greedily for the question's words they add, each weighted by how rare it is
(maximal coverage after Lin & Bilmes 2011). Words that only name the paper are set aside first:
every sentence of the right paper may lack them.
"""

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

from chatbot.answer.markers import escape_markers
from chatbot.answer.models import Draft
from chatbot.answer.sentences import Span, sentences
from chatbot.headings import SECTION_KEYS
from chatbot.index.records import IndexedSection
from chatbot.index.terms import bigrams, without_stop_words, words
from chatbot.retrieval.confidence import decide
from chatbot.retrieval.mentions import term_pattern
from chatbot.retrieval.models import Coverage, Evidence, Hit, Intent, Language

_ASKS_NUMBER = re.compile(
    r"多少|几[个种类张条篇层步次倍天小分项名成组轮点]|百分|多[大高长快久慢]|倍|分别|分数|得分|准确率|"
    r"how (?:many|much|often|long|big|fast|far)|percent|score|rate|number",
    re.IGNORECASE,
)
_DIGIT = re.compile(r"\d")


@dataclass(frozen=True, slots=True)
class _Breadth:
    """How many papers an answer draws on, sentences from each, and how close a rival must score."""

    papers: int
    sentences: int
    closeness: float


_BREADTH: dict[Intent, _Breadth] = {
    "lookup": _Breadth(papers=2, sentences=3, closeness=0.85),
    "compare": _Breadth(papers=8, sentences=2, closeness=0.0),
    "list": _Breadth(papers=200, sentences=1, closeness=0.0),
    "overview": _Breadth(papers=200, sentences=1, closeness=0.0),
}
_MAX_CHARACTERS = 420
_LEAST_SHARE = 0.4
_NUMBER_BONUS = 0.15
_SECTION_PRIOR = 0.5

_WORDING: dict[Language, dict[str, str]] = {
    "zh": {
        "note": "*以上为报告原句摘录，未使用大模型。*",
        "nothing": "报告中没有找到与这个问题有关的内容。",
        "far": "报告中没有找到这个问题的答案，最接近的内容如下：",
        "chat": (
            "你好！我只回答与 AI 论文日报有关的问题，并给出出处。"
            "可以问某篇论文做了什么、效果如何，或哪些论文涉及某个主题。"
        ),
    },
    "en": {
        "note": "*These are the reports' own sentences, in Chinese; no language model was used.*",
        "nothing": "The reports hold nothing on this question.",
        "far": "The reports do not seem to answer this. The nearest they say:",
        "chat": (
            "Hello! I only answer questions about the daily AI-paper reports, with sources. "
            "Ask what a paper does, what it achieved, or which papers are about a topic."
        ),
    },
}


@dataclass(frozen=True, slots=True)
class _Candidate:
    """A sentence that may be quoted, the question's terms it holds, and what else speaks for it."""

    section: IndexedSection
    span: Span
    terms: frozenset[str]
    prior: float


def extract(evidence: Evidence, idf: Callable[[str], float]) -> Draft:
    """Draft an answer of verbatim sentences; a section's number is its place among those quoted."""
    query = evidence.query
    wording = _WORDING[query.language]
    if not evidence.hits:
        return Draft(wording["nothing"], {}, abstain_reason="not_in_corpus")
    breadth = _BREADTH.get(query.intent, _BREADTH["lookup"])
    # The question alone: earlier turns find the paper, but would choose the same sentences again.
    asked = _weights(query.question, idf)
    chosen: list[_Candidate] = []
    for hits in _papers(evidence.hits, breadth):
        about_paper = frozenset(_terms(hits[0].section.title))
        candidates = _candidates(hits, query.question, asked.keys() - about_paper)
        candidates = _with_terms(candidates, evidence.coverage) or candidates
        chosen += _choose(candidates, asked, breadth.sentences)
    draft = _write(chosen, wording["note"])
    if decide(evidence.confidence) != "refuse":
        return draft
    markdown = f"{wording['far']}\n\n{draft.markdown}"
    return replace(draft, markdown=markdown, abstain_reason="not_in_corpus")


def small_talk(language: Language) -> Draft:
    """The reply to a greeting: what this is for, without a claim and so without a citation."""
    return Draft(_WORDING[language]["chat"], {})


def _papers(hits: Sequence[Hit], breadth: _Breadth) -> list[list[Hit]]:
    """The hits of each paper worth quoting, best paper first."""
    least = breadth.closeness * hits[0].score
    by_paper: dict[str, list[Hit]] = {}
    for hit in hits:
        by_paper.setdefault(hit.section.paper_id, []).append(hit)
    near = [group for group in by_paper.values() if group[0].score >= least]
    return near[: breadth.papers]


def _candidates(hits: Iterable[Hit], question: str, asked: Iterable[str]) -> list[_Candidate]:
    wanted = frozenset(asked)
    wants_number = bool(_ASKS_NUMBER.search(question))
    best = max((hit.score for hit in hits), default=1.0) or 1.0
    return [
        _Candidate(
            hit.section,
            span,
            wanted.intersection(_terms(span.text)),
            _SECTION_PRIOR * hit.score / best
            + (_NUMBER_BONUS if wants_number and _DIGIT.search(span.text) else 0),
        )
        for hit in hits
        for span in sentences(hit.section.text)
        if not span.text.rstrip("*").endswith(("：", ":"))
    ]


def _with_terms(candidates: Sequence[_Candidate], coverage: Coverage | None) -> list[_Candidate]:
    """The sentences that hold what a list was made by."""
    patterns = [term_pattern(term) for term in coverage.terms] if coverage else []
    return [c for c in candidates if any(pattern.search(c.span.text) for pattern in patterns)]


def _choose(candidates: list[_Candidate], weight: dict[str, float], limit: int) -> list[_Candidate]:
    """Up to `limit` sentences that together hold most of what was asked, in reading order."""
    total = sum(weight[term] for c in candidates for term in c.terms) and sum(weight.values())
    chosen: list[_Candidate] = []
    covered: frozenset[str] = frozenset()
    first_value, characters = 0.0, 0
    while candidates and len(chosen) < limit:
        values = [_value(c, covered, weight, total) for c in candidates]
        value, best = max(zip(values, candidates, strict=True), key=lambda pair: pair[0])
        characters += len(best.span.text)
        if chosen and (value < _LEAST_SHARE * first_value or characters > _MAX_CHARACTERS):
            break
        first_value = first_value or value
        chosen.append(best)
        covered |= best.terms
        candidates = [c for c in candidates if c is not best]
    return sorted(chosen, key=lambda c: (SECTION_KEYS.index(c.section.key), c.span.start))


def _value(
    candidate: _Candidate, covered: frozenset[str], weight: dict[str, float], total: float
) -> float:
    gain = sum(weight[term] for term in candidate.terms - covered)
    again = sum(weight[term] for term in candidate.terms & covered)
    return (gain + 0.3 * again) / (total or 1.0) + 0.3 * candidate.prior


def _write(chosen: Sequence[_Candidate], note: str) -> Draft:
    numbers: dict[str, int] = {}
    sources: dict[int, IndexedSection] = {}
    lines: list[str] = []
    paper = None
    for candidate in chosen:
        section = candidate.section
        n = numbers.setdefault(section.name, len(numbers) + 1)
        sources[n] = section
        if section.paper_id != paper:
            paper = section.paper_id
            lines += ["", f"**{section.title}**（{section.date.isoformat()}）", ""]
        lines.append(f"- {_shown(candidate.span.text)} [{n}]")
    return Draft("\n".join([*lines, "", note]).strip(), sources)


def _shown(sentence: str) -> str:
    """A sentence for display.

    Emphasis that the cut left open is dropped, look-alike markers are escaped.
    """
    text = escape_markers(sentence)
    return text.replace("**", "") if text.count("**") % 2 else text


def _weights(text: str, idf: Callable[[str], float]) -> dict[str, float]:
    return {term: idf(term) for term in _terms(text)}


def _terms(text: str) -> list[str]:
    return list(
        dict.fromkeys([*without_stop_words(words(text)), *without_stop_words(bigrams(text))])
    )
