"""Questions to go on with, each tried first: only what the reports answer is suggested."""

from collections.abc import Iterator, Sequence, Set
from dataclasses import dataclass, replace
from itertools import islice

from chatbot.answering.engine import ReportQueryEngine, answer_in
from chatbot.answering.models import TEXTS
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
_ASKED_OF: tuple[SectionKey, ...] = ("results", "innovations", "usage", "contribution")


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
        answer = answer_in([*ReportQueryEngine(index).stream(question)])
        cited = {citation.section.name for citation in answer.citations}
        if cited and aims <= cited and not (answer.abstained or answer.clarification):
            found.append(Suggestion(question, question))
    return tuple(found)


def _candidates(index: Index, record: AnswerRecord) -> Iterator[tuple[str, Set[str]]]:
    """Questions on the papers cited, and the sections that their answers should cite."""
    cited = dict.fromkeys(citation.paper_id for citation in record.citations)
    papers = [own for paper in islice(cited, _PAPERS) if (own := index.sections_of(paper))]
    unanswered = [_unanswered(index, own, record) for own in papers]
    if len(papers) == 1:
        yield from unanswered[0][:2]
        yield from _comparison(index, papers[0], record.language)
        yield from unanswered[0][2:]
    else:
        for questions in unanswered:
            yield from questions[:1]


def _unanswered(
    index: Index, own: Sequence[IndexedSection], record: AnswerRecord
) -> list[tuple[str, Set[str]]]:
    """Questions that the sections of a paper answer which are not yet cited."""
    name, by_key = name_to_ask_by(index, own[0]), {section.key: section.name for section in own}
    cited = {citation.section for citation in record.citations}
    return [
        (TEXTS[record.language][f"ask_{key}"].format(name=name), {by_key[key]})
        for key in _ASKED_OF
        if key in by_key and by_key[key] not in cited
    ]


def _comparison(
    index: Index, own: Sequence[IndexedSection], language: Language
) -> Iterator[tuple[str, Set[str]]]:
    """How the paper differs from the one most like it, by what each contributes."""
    mine = next((section for section in own if section.key == "contribution"), None)
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
        yield TEXTS[language]["ask_difference"].format(name=name, other=other), set()
