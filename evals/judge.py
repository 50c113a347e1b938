"""A judge that reads: whether a section bears a claim out, asked of a language model.

It sees what the deterministic checks of `chatbot.verification.verification` cannot: scope,
conditions, causes. What it is worth is measured against a reader's labels (`agreement`). A
sentence on what is not reported is a class of its own, and an answer of the judge that cannot be
read is never a pass.
"""

import asyncio
import json
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
from llama_index.core.base.response.schema import Response
from llama_index.core.evaluation import BaseEvaluator, EvaluationResult
from llama_index.core.prompts.mixin import PromptDictType
from pydantic import BaseModel

from chatbot.errors import ChatbotError, ModelError
from chatbot.index.sections import IndexedSection
from chatbot.llm.client import ChatModel, ChatTurn, TokenUsage, complete
from chatbot.llm.prompts import load_prompt
from chatbot.llm.provider_errors import one_line
from chatbot.verification.claims import Claim, clean_markers, read_blocks, stated_in
from evals.statistics import Estimate

_TAG = re.compile(r"<(?=\s*/?\s*(?:section|reference|claim|question|answer)\b)", re.IGNORECASE)
_LONGEST_EXCERPT = 120


@dataclass(frozen=True, slots=True)
class Passage:
    """What a claim is held against where it is no `IndexedSection`."""

    text: str
    title: str = ""
    label: str = ""


Section = IndexedSection | Passage


@dataclass(frozen=True, slots=True)
class Reference:
    """A right answer to the question the claim answers, and the passage it stands on.

    Judges that are told how to use one are right more often (arXiv:2602.16802).
    """

    answer: str
    quote: str = ""


@dataclass(frozen=True, slots=True)
class Judgement:
    """What the judge makes of a claim, why, and what it cost.

    ``unscored``: the model failed, or answered something else.
    """

    label: Literal["supported", "unsupported", "abstention", "unscored"]
    reason: str
    spent: TokenUsage


class _Verdict(BaseModel):
    """What the model is asked for."""

    label: Literal["supported", "unsupported", "abstention"]
    reason: str


def judge_claim(
    model: ChatModel, claim: str, section: Section, reference: Reference | None = None
) -> Judgement:
    """Whether this section alone bears the claim out, as the model judges it.

    Raises:
        PromptError: its prompt cannot be used.
    """
    return _judgement(model, judge_turns(claim, section, reference))


def judge_answer(model: ChatModel, question: str, answer: str, reference: Reference) -> Judgement:
    """Whether an answer says what the right one does: ``supported`` where it does.

    Raises:
        PromptError: its prompt cannot be used.
    """
    values = {
        "question": question,
        "reference": reference.answer,
        "evidence": reference.quote,
        "answer": answer,
    }
    escaped = {name: _TAG.sub("< ", value) for name, value in values.items()}
    return _judgement(model, list(load_prompt("judge_answer").turns(**escaped)))


def _judgement(model: ChatModel, turns: Sequence[ChatTurn]) -> Judgement:
    try:
        text, spent = complete(model, turns, _Verdict)
    except ModelError as error:
        return Judgement("unscored", str(error), TokenUsage(0, 0))
    verdicts = list(_verdicts(text))
    if len({verdict.label for verdict in verdicts}) != 1:
        what = "answered several things" if verdicts else "answered something else"
        return Judgement("unscored", f"{what}: {one_line(text)[:_LONGEST_EXCERPT]}", spent)
    return Judgement(verdicts[-1].label, one_line(verdicts[-1].reason), spent)


def judge_turns(claim: str, section: Section, reference: Reference | None) -> list[ChatTurn]:
    """The turns that ask for a judgement; no text in them can close the tags it stands in."""
    values = {
        "title": section.title.replace('"', "'"),
        "label": section.label.replace('"', "'"),
        "text": section.text,
        "reference": _reference_text(reference),
        "claim": claim,
    }
    escaped = {name: _TAG.sub("< ", value) for name, value in values.items()}
    return list(load_prompt("judge").turns(**escaped))


def _reference_text(reference: Reference | None) -> str:
    if reference is None:
        return "There is none."
    passage = f"\n\nPassage: {reference.quote}" if reference.quote else ""
    return reference.answer + passage


def _verdicts(text: str) -> Iterator[_Verdict]:
    """The verdicts in an answer, whatever else is said around them."""
    decoder, at = json.JSONDecoder(), text.find("{")
    while at >= 0:
        try:
            value, end = decoder.raw_decode(text, at)
            yield _Verdict.model_validate(value)
        except (ValueError, RecursionError):
            end = at + 1
        at = text.find("{", end)


class CitedFaithfulnessEvaluator(BaseEvaluator):
    """The judge behind LlamaIndex's interface: each claim against the contexts it cites.

    A claim that cites several is held against all of them together, as in ALCE
    (arXiv:2305.14627); one that cites none is never supported.
    """

    def __init__(self, model: ChatModel) -> None:
        self._model = model

    def _get_prompts(self) -> PromptDictType:
        return {}

    def _update_prompts(self, prompts_dict: PromptDictType) -> None:
        if prompts_dict:
            raise ChatbotError("the judge's prompt is a file; change prompts/judge.md instead")

    async def aevaluate(
        self,
        query: str | None = None,
        response: str | None = None,
        contexts: Sequence[str] | None = None,
        **kwargs: Any,
    ) -> EvaluationResult:
        """Judge an answer's claims; ``[1]`` stands for ``contexts[0]``.

        The score is the share of supported claims among those that are no abstention (None where
        all are), and only a score of 1 passes. An unscored claim counts as not supported; where no
        claim could be scored the result is invalid. `reference`, a right answer, may guide it.
        """
        sources = {n: text for n, text in enumerate(contexts or (), 1) if text.strip()}
        markdown = "".join(clean_markers([response or ""], sources))
        reference = Reference(kwargs["reference"]) if kwargs.get("reference") else None
        judged = [
            (
                block.text[slice(*claim.place)],
                await asyncio.to_thread(self._judged, claim, sources, reference),
            )
            for block in read_blocks(markdown)
            for claim in stated_in([block])
        ]
        result = EvaluationResult(query=query, response=response, contexts=contexts)
        return result.model_copy(update=_scores(judged))

    def evaluate_response(
        self, query: str | None = None, response: Response | None = None, **kwargs: Any
    ) -> EvaluationResult:
        """As `aevaluate_response`."""
        return self.evaluate(query, str(response), _contexts_of(response), **kwargs)

    async def aevaluate_response(
        self, query: str | None = None, response: Response | None = None, **kwargs: Any
    ) -> EvaluationResult:
        """Judge a response; those of `ReportQueryEngine` say which node each marker stands for."""
        return await self.aevaluate(query, str(response), _contexts_of(response), **kwargs)

    def _judged(
        self, claim: Claim, sources: Mapping[int, str], reference: Reference | None
    ) -> Judgement:
        cited = [sources[n] for n in claim.citations if n in sources]
        together = Passage("\n\n".join(cited))
        found = judge_claim(self._model, claim.text, together, reference)
        if not cited and found.label == "supported":
            return replace(found, label="unsupported", reason="it cites nothing")
        return found


def _scores(judged: Sequence[tuple[str, Judgement]]) -> dict[str, object]:
    """What a result says of these claims."""
    counted = Counter(judgement.label for _, judgement in judged)
    stated = len(judged) - counted["abstention"]
    score = counted["supported"] / stated if stated else None
    scored = stated - counted["unscored"]
    failed = [
        f"{judgement.label}: {claim} ({judgement.reason})"
        for claim, judgement in judged
        if judgement.label not in {"supported", "abstention"}
    ]
    reason = "the judge gave no verdict" if stated else "the answer states nothing"
    return {
        "score": score,
        "passing": score == 1.0,
        "feedback": "\n".join(failed),
        "invalid_result": not scored,
        "invalid_reason": None if scored else reason,
    }


def _contexts_of(response: Response | None) -> list[str]:
    """The texts of the nodes at the places of their markers, empty where a number is not cited."""
    nodes = response.source_nodes if response else []
    texts = [f"{node.metadata.get('title', '')}\n{node.get_content()}".strip() for node in nodes]
    metadata = (response and response.metadata) or {}
    numbers = [citation["n"] for citation in metadata.get("citations", ())]
    placed = dict(zip(numbers, texts, strict=True)) if numbers else dict(enumerate(texts, 1))
    return [placed.get(n, "") for n in range(1, max(placed, default=0) + 1)]


def cohens_kappa(a: Sequence[str], b: Sequence[str]) -> float:
    """Agreement of two readers beyond chance, -1 to 1 (Cohen 1960).

    0 where there are no items, 1 where both put every item into one and the same class.

    Raises:
        ValueError: the readers did not label equally many items.
    """
    n, agreed = len(a), sum(x == y for x, y in zip(a, b, strict=True))
    of_a, of_b = Counter(a), Counter(b)
    by_chance = sum(of_a[label] * of_b[label] for label in of_a)  # times n
    if by_chance == n * n:
        return 1.0 if n else 0.0
    return (n * agreed - by_chance) / (n * n - by_chance)


def agreement(
    labels: Sequence[str], judged: Sequence[str], seed: int = 0, draws: int = 2000
) -> Estimate:
    """Cohen's kappa of the labels and the judge, with its bootstrap percentile interval."""
    kappa, n = cohens_kappa(labels, judged), len(labels)
    if not n:
        return Estimate(0.0, 0.0, 0.0, 0)
    rows = np.random.default_rng(seed).integers(n, size=(draws, n)).tolist()
    drawn = [cohens_kappa([labels[i] for i in row], [judged[i] for i in row]) for row in rows]
    low, high = np.percentile(drawn, [2.5, 97.5])
    return Estimate(kappa, float(low), float(high), n)
