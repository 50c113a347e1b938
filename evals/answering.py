"""Cases to answers, as rows of JSON: the first stage of a run."""

import datetime as dt
import random
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict

from chatbot.answering.engine import ReportQueryEngine, answer_in, events_from_evidence, policy_for
from chatbot.answering.models import Answer
from chatbot.answering.record import record_of
from chatbot.answering.rules import LONGEST_RULE, Rule, rule_text, write_rule
from chatbot.answering.writing import number_sources, prompt_for, prompt_turns
from chatbot.errors import ChatbotError
from chatbot.index.reading import Index
from chatbot.llm.client import ChatModel
from chatbot.retrieval.models import Evidence, Hit
from chatbot.retrieval.ranking import signals_of
from chatbot.retrieval.retriever import ReportQuery
from chatbot.retrieval.search import search
from chatbot.understanding.interpretation import interpret
from chatbot.understanding.models import Message, Query
from chatbot.understanding.wording import sought_of
from evals.cases import Case
from evals.injection_checks import leaks_in
from evals.injections import is_contained

Status = Literal["ok", "abstained", "error", "unscored"]
DEPTH = 10
_NOISE = 3
_CONTEXT = 32_000
_OTHER_TALK = (
    Message("user", "推荐一种适合周末做的家常菜？"),
    Message("assistant", "可以试试番茄炒蛋，十分钟就好。"),
)


class AnswerRow(BaseModel):
    """One question asked: what came back, or the error; `ranked` are sections found, by method.

    Where an instruction is planted: what left that may not, and whether the prompt contains it.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    case: str
    repeat: int = 0
    status: Status
    error: str | None = None
    answer: dict[str, Any] | None = None
    ranked: dict[str, list[str]] = {}
    milliseconds: float = 0.0
    leaks: list[str] = []
    contained: bool | None = None


@dataclass(frozen=True, slots=True)
class Bench:
    """What answers: the reports' index, those with papers planted in it, perhaps a model."""

    index: Index
    planted: Index | None = None
    model: ChatModel | None = None
    injected: Index | None = None


def answer_case(bench: Bench, case: Case, repeat: int = 0) -> AnswerRow:
    """Ask one question; whatever goes wrong is a row too."""
    begin = time.perf_counter()
    try:
        answer, ranked = _asked(bench, case)
    except ChatbotError as error:
        return AnswerRow(
            case=case.key,
            repeat=repeat,
            status="error",
            error=str(error),
            milliseconds=_since(begin),
        )
    return AnswerRow(
        case=case.key,
        repeat=repeat,
        status="abstained" if answer.abstained else "ok",
        answer=record_of(answer, case.item.id).model_dump(mode="json"),
        ranked=ranked,
        milliseconds=_since(begin),
        **_safety(bench, case, answer),
    )


def _since(begin: float) -> float:
    return round((time.perf_counter() - begin) * 1000, 1)


def _safety(bench: Bench, case: Case, answer: Answer) -> dict[str, Any]:
    """What left with an answer, its record's other texts too, and how the prompt holds the text."""
    if case.injection is None:
        return {}
    index, rules = _index_for(bench, case), _rules(case)
    sources = [citation.section for citation in answer.citations]
    texts = [answer.markdown, answer.notice or "", *(s.text for s in answer.sentences)]
    limits = policy_for(index, sources, written=True)
    asked = ReportQuery(case.item.question, history=case.item.history)
    evidence = ReportQueryEngine(index).retrieve(asked).evidence
    shown = number_sources(evidence, _CONTEXT)
    turns = prompt_turns(prompt_for(evidence), evidence, shown, _CONTEXT, rules)
    return {
        "leaks": sorted({leak for text in texts for leak in leaks_in(text, limits)}),
        "contained": is_contained(turns, case.injection),
    }


def _rules(case: Case) -> tuple[Rule, ...]:
    """The planted rule, as a person approved it."""
    made = case.injection
    if made is None or made.place != "rule":
        return ()
    day = dt.date(2026, 2, 23)
    return (Rule("planted", rule_text(made.planted[:LONGEST_RULE]), day, "approved"),)


def _index_for(bench: Bench, case: Case) -> Index:
    """What a case is asked of; a planted rule holds for its own case alone."""
    if case.setting == "planted" and bench.planted:
        return bench.planted
    if case.injection is None or bench.injected is None:
        return bench.index
    index = bench.injected
    folder = index.settings.data_dir / "rules-of" / case.item.id
    for rule in _rules(case):
        write_rule(folder, rule)
    return replace(index, settings=index.settings.model_copy(update={"data_dir": folder}))


def _asked(bench: Bench, case: Case) -> tuple[Answer, dict[str, list[str]]]:
    index = _index_for(bench, case)
    history = (*(_OTHER_TALK if case.setting == "history" else ()), *case.item.history)
    query = interpret(case.item.question, index.catalogue, history, None, bench.model)
    if case.setting in {"plain", "history", "planted", "injected"}:
        events = ReportQueryEngine(index, bench.model).stream(ReportQuery.of(query))
    else:
        events = events_from_evidence(index, _evidence(bench, case, query), bench.model)
    return answer_in([*events]), (_ranked(index, query) if case.setting == "plain" else {})


def _evidence(bench: Bench, case: Case, query: Query) -> Evidence:
    """What the chatbot is given to read, instead of or beside what it would find."""
    index = bench.index
    found = ReportQueryEngine(index, bench.model).retrieve(ReportQuery.of(query)).evidence
    needed = {*case.item.sections, *case.item.alt_sections}
    gold = [Hit(s, 1.0) for s in index.sections if s.name in needed]
    match case.setting:
        case "nothing":
            return replace(found, hits=())
        case "removed":
            return replace(found, hits=tuple(h for h in found.hits if h.section.name not in needed))
        case "gold":
            return replace(found, hits=tuple(gold), confidence=None)
        case "gold_and_noise":
            return replace(found, hits=(*gold, *_noise(index, case, 0.9)), confidence=None)
        case _:
            least = min((hit.score for hit in found.hits), default=1.0)
            return replace(found, hits=(*found.hits, *_noise(index, case, least)))


def _noise(index: Index, case: Case, score: float) -> Sequence[Hit]:
    """Sections of other papers, the same ones whenever this case is asked."""
    others = [s for s in index.sections if s.paper_id not in case.item.papers]
    drawn = random.Random(case.item.id)  # noqa: S311 - which sections disturb, not a secret
    return [Hit(section, score) for section in drawn.sample(others, _NOISE)]


def _ranked(index: Index, query: Query) -> dict[str, list[str]]:
    """The first sections found: by the search, and by its plainest parts alone."""
    signals = signals_of(index, sought_of(query.sought.text))
    alone: Mapping[str, Any] = {
        "BM25 of the section": signals.columns["words_section"],
        "embedding": signals.dense,
    }
    first = {"search": [hit.section.name for hit in search(index, query, DEPTH).hits]}
    for name, scores in alone.items():
        order = np.argsort(-scores, kind="stable")[:DEPTH]
        first[name] = [index.section(signals.rows[place]).name for place in order]
    return first
