"""Evidence as the JSON of `docs/interface.md`; fields are added there, never renamed."""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from chatbot.answer.models import Scope
from chatbot.answer.notices import notice_of
from chatbot.answer.record import clarification_of, coverage_of, rounded_confidence
from chatbot.retrieval.models import Evidence, Hit


def evidence_payload(
    evidence: Evidence, timings_ms: Mapping[str, float], name: str | int | None = None
) -> dict[str, Any]:
    """What ``search --json`` prints."""
    query = evidence.query
    asked, coverage = clarification_of(evidence, query.language), coverage_of(evidence)
    scope = {part: list(names) for part, names in asdict(Scope.of(query)).items()}
    return {
        "id": name,
        "question": query.question,
        "query": {
            "language": query.language,
            "intent": query.intent,
            **scope,
            "standalone": query.standalone,
        },
        "notice": notice_of(evidence),
        "confidence": rounded_confidence(evidence),
        "clarification": asked and asked.model_dump(mode="json"),
        "coverage": coverage and coverage.model_dump(mode="json"),
        "hits": [_hit(hit) for hit in evidence.hits],
        "timings_ms": {stage: round(took, 2) for stage, took in timings_ms.items()},
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
