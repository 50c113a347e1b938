"""`AnswerRecord`: an answer as it is kept, printed and shown again, without the index behind it.

Its JSON is that of ``ask --json`` in `docs/interface.md`: fields are added there, never renamed.
"""

from dataclasses import asdict
from typing import cast

from pydantic import BaseModel, ConfigDict

from chatbot.answer.models import AbstainReason, Answer, Citation, Scope
from chatbot.answer.notices import clarifying_question
from chatbot.headings import SectionKey
from chatbot.retrieval.models import Evidence, Intent, Language, ListBy


class _Record(BaseModel):
    # What a later version wrote can be read by this one: fields it does not know are passed over.
    model_config = ConfigDict(frozen=True, extra="ignore")


class CitationRecord(_Record):
    """What ``[n]`` stands for; `spans` are the quotes' places in the section, end exclusive."""

    n: int
    section: str
    title: str
    url: str
    date: str
    quote: str
    span: tuple[int, int]
    quotes: tuple[str, ...]
    spans: tuple[tuple[int, int], ...] = ()
    report: str
    lines: tuple[int, int]

    @property
    def paper_id(self) -> str:
        """The paper's arXiv id."""
        return self.section.partition("/")[0]

    @property
    def key(self) -> SectionKey:
        """Which of the five sections it is."""
        return cast(SectionKey, self.section.partition("/")[2])


class SentenceRecord(_Record):
    """One sentence's verdict."""

    text: str
    citations: tuple[int, ...]
    supported: bool
    reason: str | None = None


class OptionRecord(_Record):
    """A paper that the question may have meant."""

    id: str
    title: str


class ClarificationRecord(_Record):
    """What is asked back."""

    question: str
    options: tuple[OptionRecord, ...]


class CoverageRecord(_Record):
    """What a list stands on."""

    by: ListBy
    checked: int
    matched: int
    terms: tuple[str, ...] = ()


class RepairRecord(_Record):
    """What sending the answer back did."""

    kept: bool
    repaired: int
    broken: int


class UsageRecord(_Record):
    """What the answer cost."""

    llm_calls: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0


class AnswerRecord(_Record):
    """A finished answer with all that a reader is shown of it."""

    id: str | int | None = None
    question: str
    answer: str
    abstained: bool
    abstain_reason: AbstainReason | None
    mode: str
    intent: Intent
    language: Language
    scope: Scope = Scope()
    retrieved: int = 0
    notice: str | None
    confidence: float | None
    clarification: ClarificationRecord | None
    coverage: CoverageRecord | None
    citations: tuple[CitationRecord, ...]
    sentences: tuple[SentenceRecord, ...]
    removed_markers: tuple[int, ...]
    taken_out: dict[str, int] = {}
    prompt_version: str | None
    rules: tuple[str, ...] = ()
    repair: RepairRecord | None
    usage: UsageRecord
    timings_ms: dict[str, float]

    @property
    def failed(self) -> tuple[SentenceRecord, ...]:
        """The sentences that could not be verified."""
        return tuple(sentence for sentence in self.sentences if not sentence.supported)


def record_of(answer: Answer, name: str | int | None = None) -> AnswerRecord:
    """The record of an answer; `name` is the asker's own id for the question."""
    return AnswerRecord(
        id=name,
        question=answer.question,
        answer=answer.markdown,
        abstained=answer.abstained,
        abstain_reason=answer.abstain_reason,
        mode=answer.mode,
        intent=answer.intent,
        language=answer.language,
        scope=answer.scope,
        retrieved=answer.retrieved,
        notice=answer.notice,
        confidence=rounded_confidence(answer),
        clarification=clarification_of(answer, answer.language),
        coverage=coverage_of(answer),
        citations=tuple(_citation(citation) for citation in answer.citations),
        sentences=tuple(SentenceRecord(**asdict(verdict)) for verdict in answer.sentences),
        removed_markers=answer.removed_markers,
        taken_out=dict(answer.taken_out),
        prompt_version=answer.prompt_version,
        rules=answer.rules,
        repair=RepairRecord(**asdict(answer.repair)) if answer.repair else None,
        usage=UsageRecord(**asdict(answer.usage)),
        timings_ms={stage: round(took, 2) for stage, took in answer.timings_ms.items()},
    )


def rounded_confidence(found: Answer | Evidence) -> float | None:
    """The confidence to three places."""
    return None if found.confidence is None else round(found.confidence, 3)


def clarification_of(found: Answer | Evidence, language: Language) -> ClarificationRecord | None:
    """What is asked back, in words."""
    asked = found.clarification
    if asked is None:
        return None
    return ClarificationRecord(
        question=clarifying_question(asked, language),
        options=tuple(OptionRecord(id=paper, title=title) for paper, title in asked.options),
    )


def coverage_of(found: Answer | Evidence) -> CoverageRecord | None:
    """What a list stands on."""
    return CoverageRecord(**asdict(found.coverage)) if found.coverage else None


def _citation(citation: Citation) -> CitationRecord:
    section, lead = citation.section, citation.quotes[0]
    return CitationRecord(
        n=citation.n,
        section=section.name,
        title=section.title,
        url=section.url,
        date=section.date.isoformat(),
        quote=lead.text,
        span=(lead.start, lead.end),
        quotes=tuple(quote.text for quote in citation.quotes),
        spans=tuple((quote.start, quote.end) for quote in citation.quotes),
        report=section.report,
        lines=(section.lines.first, section.lines.last),
    )
