"""Answers and evidence as the JSON of `docs/interface.md`.

Fields are added there, never renamed.
"""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from chatbot.answer.models import Answer, Citation
from chatbot.answer.notices import clarifying_question, notice_of
from chatbot.retrieval.models import Evidence, Hit, Language, Query


def answer_payload(answer: Answer, name: str | int | None = None) -> dict[str, Any]:
    """What ``ask --json`` prints."""
    return {
        "id": name,
        "question": answer.question,
        "answer": answer.markdown,
        "abstained": answer.abstained,
        "abstain_reason": answer.abstain_reason,
        "mode": answer.mode,
        "intent": answer.intent,
        "language": answer.language,
        "notice": answer.notice,
        **_of_search(answer, answer.language),
        "citations": [_citation(citation) for citation in answer.citations],
        "sentences": [
            {
                "text": sentence.text,
                "citations": list(sentence.citations),
                "supported": sentence.supported,
                "reason": sentence.reason,
            }
            for sentence in answer.sentences
        ],
        "removed_markers": list(answer.removed_markers),
        "prompt_version": answer.prompt_version,
        "repair": answer.repair and asdict(answer.repair),
        "usage": {
            "llm_calls": answer.usage.llm_calls,
            "prompt_tokens": answer.usage.prompt_tokens,
            "completion_tokens": answer.usage.completion_tokens,
        },
        "timings_ms": _rounded(answer.timings_ms),
    }


def evidence_payload(
    evidence: Evidence, timings_ms: Mapping[str, float], name: str | int | None = None
) -> dict[str, Any]:
    """What ``search --json`` prints."""
    return {
        "id": name,
        "question": evidence.query.question,
        "query": _query(evidence.query),
        "notice": notice_of(evidence),
        **_of_search(evidence, evidence.query.language),
        "hits": [_hit(hit) for hit in evidence.hits],
        "timings_ms": _rounded(timings_ms),
    }


def _citation(citation: Citation) -> dict[str, Any]:
    section, lead = citation.section, citation.quotes[0]
    return {
        "n": citation.n,
        "section": section.name,
        "title": section.title,
        "url": section.url,
        "date": section.date.isoformat(),
        "quote": lead.text,
        "span": [lead.start, lead.end],
        "quotes": [quote.text for quote in citation.quotes],
        "report": section.report,
        "lines": [section.lines.first, section.lines.last],
    }


def _of_search(found: Answer | Evidence, language: Language) -> dict[str, Any]:
    """What answers and evidence have in common."""
    asked, coverage = found.clarification, found.coverage
    return {
        "confidence": None if found.confidence is None else round(found.confidence, 3),
        "clarification": asked
        and {
            "question": clarifying_question(asked, language),
            "options": [{"id": paper, "title": title} for paper, title in asked.options],
        },
        "coverage": coverage
        and {
            "by": coverage.by,
            "checked": coverage.checked,
            "matched": coverage.matched,
            "terms": list(coverage.terms),
        },
    }


def _query(query: Query) -> dict[str, Any]:
    """What a question was understood to be about: named by it, or given as filters."""
    filters = query.filters
    return {
        "language": query.language,
        "intent": query.intent,
        "papers": list(dict.fromkeys([*filters.papers, *query.papers])),
        "dates": [
            span.first.isoformat() if span.first == span.last else f"{span.first}..{span.last}"
            for span in filters.dates
        ],
        "sections": list(dict.fromkeys([*filters.sections, *query.aspects])),
        "standalone": query.standalone,
    }


def _hit(hit: Hit) -> dict[str, Any]:
    section = hit.section
    return {
        "section": section.name,
        "score": round(hit.score, 6),
        "title": section.title,
        "date": section.date.isoformat(),
        "url": section.url,
        "text": section.text,
        "ranks": dict(hit.ranks),
    }


def _rounded(timings_ms: Mapping[str, float]) -> dict[str, float]:
    return {stage: round(milliseconds, 2) for stage, milliseconds in timings_ms.items()}
