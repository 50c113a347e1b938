"""Questions to go on with, each tried first: only what the reports answer is suggested."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice

from chatbot.answering.engine import ReportQueryEngine, answer_in
from chatbot.answering.quoting import name_to_ask_by
from chatbot.answering.record import AnswerRecord
from chatbot.index.reading import Index
from chatbot.index.sections import IndexedSection
from chatbot.reports.parsing import SectionKey
from chatbot.retrieval.search import search
from chatbot.understanding.interpretation import understand
from chatbot.understanding.models import Filters, Language

_WANTED = 3
_TRIED = 8
_PAPERS = 3
# Characters of a contribution that its nearest neighbour is looked for by.
_LIKENESS = 200
# Characters of a name that still reads well within a question.
_NAME = 40
_QUESTIONS: dict[Language, dict[SectionKey, str]] = {
    "zh": {
        "results": "{name} 的实验效果如何？",
        "innovations": "{name} 的主要创新点是什么？",
        "usage": "{name} 怎么使用，需要什么输入和资源？",
        "contribution": "{name} 的核心贡献是什么？",
    },
    "en": {
        "results": "What results does {name} report?",
        "innovations": "What are the main innovations of {name}?",
        "usage": "How is {name} used, and what does it need?",
        "contribution": "What is the main contribution of {name}?",
    },
}
_COMPARE: dict[Language, str] = {
    "zh": "{name} 和 {other} 有什么不同？",
    "en": "How do {name} and {other} differ?",
}


@dataclass(frozen=True, slots=True)
class Suggestion:
    """A question to go on with, and what to show for it."""

    question: str
    label: str


def suggest(
    index: Index, record: AnswerRecord, asked: Sequence[str] = ()
) -> tuple[Suggestion, ...]:
    """Up to three questions that follow from an answer, or each paper it may have meant.

    In its language. Each of the three is answered without a model first, and kept where the section
    it aims at is cited; none is one of those `asked` already.
    """
    if record.clarification:
        return tuple(
            Suggestion(f"{record.question} ({option.id})", f"{option.title} ({option.id})")
            for option in record.clarification.options
        )
    found: list[Suggestion] = []
    seen = {record.question, *asked}
    for question, aims in islice(_candidates(index, record), _TRIED):
        if question in seen or len(found) == _WANTED:
            continue
        seen.add(question)
        cited = _cited(index, question)
        if cited and aims <= cited:
            found.append(Suggestion(question, question))
    return tuple(found)


def _candidates(index: Index, record: AnswerRecord) -> Iterator[tuple[str, frozenset[str]]]:
    """Questions on the papers cited, and the sections that their answers should cite."""
    cited = frozenset(citation.section for citation in record.citations)
    papers = list(dict.fromkeys(citation.paper_id for citation in record.citations))
    sections = [own for paper in papers[:_PAPERS] if (own := _by_key(index, paper))]
    if len(sections) == 1:
        yield from _on_paper(index, sections[0], record.language, cited, 2)
        yield from _comparison(index, sections[0], record.language)
        yield from _on_paper(index, sections[0], record.language, cited, len(_QUESTIONS["zh"]))
    else:
        for own in sections:
            yield from _on_paper(index, own, record.language, cited, 1)


def _by_key(index: Index, paper: str) -> dict[SectionKey, IndexedSection]:
    return {section.key: section for section in index.sections_of(paper)}


def _on_paper(
    index: Index,
    own: dict[SectionKey, IndexedSection],
    language: Language,
    cited: frozenset[str],
    most: int,
) -> Iterator[tuple[str, frozenset[str]]]:
    """Questions that sections not yet cited answer."""
    asked = 0
    for key, question in _QUESTIONS[language].items():
        if key in own and own[key].name not in cited and asked < most:
            asked += 1
            yield question.format(name=name_to_ask_by(index, own[key])), frozenset({own[key].name})


def _comparison(
    index: Index, own: dict[SectionKey, IndexedSection], language: Language
) -> Iterator[tuple[str, frozenset[str]]]:
    """How the paper differs from the one most like it, by what each contributes."""
    mine = own.get("contribution")
    if mine is None:
        return
    query = understand(
        mine.text[:_LIKENESS], index.catalogue, filters=Filters(sections=("contribution",))
    )
    likely = search(index, replace(query, intent="lookup", links=())).hits
    others = (hit.section for hit in likely if hit.section.paper_id != mine.paper_id)
    name = name_to_ask_by(index, mine)
    short = (other for section in others if len(other := name_to_ask_by(index, section)) <= _NAME)
    for other in islice(short, 1):
        yield _COMPARE[language].format(name=name, other=other), frozenset()


def _cited(index: Index, question: str) -> frozenset[str]:
    """The sections that the answer without a model cites; none where it gives none."""
    answer = answer_in([*ReportQueryEngine(index).stream(question)])
    if answer.abstained or answer.clarification:
        return frozenset()
    return frozenset(citation.section.name for citation in answer.citations)
