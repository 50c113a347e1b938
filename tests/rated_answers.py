"""Answers to rate, made up, and a small report that questions can be asked of."""

from pathlib import Path
from typing import Any

from chatbot.answering.record import AnswerRecord
from chatbot.feedback.ratings import RatedAnswer, Versions
from tests.report_text import paper, render_report

MADE: dict[str, Any] = {
    "question": "FooNet 快多少？",
    "answer": "快 2 倍 [1]。",
    "abstained": False,
    "abstain_reason": None,
    "mode": "gpt",
    "intent": "lookup",
    "language": "zh",
    "notice": None,
    "confidence": None,
    "clarification": None,
    "coverage": None,
    "citations": (),
    "sentences": (),
    "removed_markers": (),
    "prompt_version": "0123456789ab",
    "repair": None,
    "usage": {},
    "timings_ms": {},
}


def rated(position: int = 0, conversation: str | None = "c", **more: Any) -> RatedAnswer:
    """An answer at a place; `more` changes its record."""
    record = AnswerRecord.model_validate(MADE | more)
    return RatedAnswer(
        conversation=conversation,
        position=position,
        question=record.question,
        record=record,
        versions=Versions(project="0.1.0", generation=1),
    )


def two_papers(folder: Path) -> Path:
    """A report on two papers."""
    papers = [
        paper("2603.00001", "FooNet: 量子纠错", results="FooNet 的错误率降低 37%。"),
        paper("2603.00002", "BarNet: 蛋白质折叠", results="BarNet 快 2 倍。"),
    ]
    report = folder / "report.txt"
    report.write_bytes(render_report("2026-03-01", papers))
    return report
