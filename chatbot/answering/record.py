"""An answer as it is kept, printed and shown again, without the index behind it; its notices."""

from collections.abc import Mapping
from dataclasses import asdict, fields, replace
from typing import Any, cast

from pydantic import BaseModel, ConfigDict, model_validator

from chatbot.answering.models import Answer, Repair, Scope, Usage, notice_of, question_back
from chatbot.reports.parsing import SectionKey
from chatbot.retrieval.models import Clarification, Coverage, Evidence
from chatbot.text.markdown import unwrapped
from chatbot.understanding.models import Intent, Language
from chatbot.verification.claims import (
    AbstainReason,
    Block,
    Citation,
    Claim,
    Draft,
    claims_of,
    read_blocks,
)


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


class SentenceRecord(_Record, from_attributes=True):
    """One sentence's verdict, read off its claim."""

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


class AnswerRecord(_Record):
    """A finished answer with all that a reader is shown of it."""

    id: str | int | None = None
    question: str
    answer: str
    blocks: tuple[Block, ...] = ()
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
    coverage: Coverage | None
    citations: tuple[CitationRecord, ...]
    sentences: tuple[SentenceRecord, ...]
    removed_markers: tuple[int, ...]
    taken_out: dict[str, int] = {}
    prompt_version: str | None
    rules: tuple[str, ...] = ()
    repair: Repair | None
    usage: Usage
    timings_ms: dict[str, float]

    @model_validator(mode="before")
    @classmethod
    def _with_blocks(cls, kept: Any) -> Any:
        """What was kept before answers had blocks is read into them, with the verdicts kept."""
        if not isinstance(kept, Mapping) or "blocks" in kept or "answer" not in kept:
            return kept
        verdicts = {
            sentence.text: sentence
            for sentence in map(SentenceRecord.model_validate, kept.get("sentences", ()))
        }

        def judged(claim: Claim) -> Claim:
            known = verdicts.get(claim.text, claim)
            return replace(claim, supported=known.supported, reason=known.reason)

        text = "".join(unwrapped([kept["answer"]]))
        draft = Draft(read_blocks(text), {}).with_claims(judged)
        return {**kept, "blocks": draft.blocks}

    @property
    def papers(self) -> tuple[str, ...]:
        """The papers that the answer cites, by id, in its order."""
        papers = {citation.n: citation.paper_id for citation in self.citations}
        cited = (n for claim in claims_of(self.blocks) for n in claim.citations)
        return tuple(dict.fromkeys(papers[n] for n in cited if n in papers))

    @property
    def failed(self) -> tuple[SentenceRecord, ...]:
        """The sentences that could not be verified."""
        return tuple(sentence for sentence in self.sentences if not sentence.supported)


def record_of(answer: Answer, name: str | int | None = None) -> AnswerRecord:
    """The record of an answer; `name` is the asker's own id for the question."""
    same = {field.name: getattr(answer, field.name) for field in fields(answer)}
    shown = {
        "id": name,
        "answer": answer.markdown,
        "abstained": answer.abstained,
        "confidence": answer.confidence and round(answer.confidence, 3),
        "clarification": _clarification(answer.clarification, answer.language),
        "citations": tuple(map(_citation, answer.citations)),
        "sentences": answer.sentences,
        "timings_ms": {stage: round(took, 2) for stage, took in answer.timings_ms.items()},
    }
    return AnswerRecord.model_validate(same | shown)


def _clarification(asked: Clarification | None, language: Language) -> ClarificationRecord | None:
    if asked is None:
        return None
    return ClarificationRecord(
        question=question_back(asked, language),
        options=tuple(OptionRecord(id=paper, title=title) for paper, title in asked.options),
    )


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


def evidence_payload(
    evidence: Evidence, timings_ms: Mapping[str, float], name: str | int | None = None
) -> dict[str, Any]:
    """What ``search --json`` prints."""
    query = evidence.query
    asked = _clarification(evidence.clarification, query.language)
    return {
        "id": name,
        "question": query.question,
        "query": {
            "language": query.language,
            "intent": query.intent,
            **{part: list(names) for part, names in asdict(Scope.of(query)).items()},
            "standalone": query.standalone,
        },
        "notice": notice_of(evidence),
        "confidence": evidence.confidence and round(evidence.confidence, 3),
        "clarification": asked and asked.model_dump(mode="json"),
        "coverage": evidence.coverage and asdict(evidence.coverage),
        "hits": [
            {
                "section": hit.section.name,
                "score": round(hit.score, 6),
                "title": hit.section.title,
                "date": hit.section.date.isoformat(),
                "url": hit.section.url,
                "report": hit.section.report,
                "text": hit.section.text,
                "ranks": dict(hit.ranks),
            }
            for hit in evidence.hits
        ],
        "timings_ms": {stage: round(took, 2) for stage, took in timings_ms.items()},
    }
