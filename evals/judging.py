"""The judge over a run's answers, and its agreement with the hand labels."""

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor

from pydantic import BaseModel, ConfigDict

from chatbot.index.store import Index
from chatbot.llm import ChatModel
from evals.answering import AnswerRow
from evals.answers import Answered
from evals.cases import Case
from evals.items import Item, JudgeLabel
from evals.judge import Judgement, Passage, Reference, Section, agreement, judge_claim
from evals.statistics import Estimate

# Cohen's kappa under which a judge's scores are shown as unverified.
LEAST_AGREEMENT = 0.7


class JudgedClaim(BaseModel):
    """A sentence of an answer, and what the judge made of it beside the sections it cites."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    case: str
    repeat: int
    text: str
    label: str
    reason: str
    prompt_tokens: int = 0
    completion_tokens: int = 0


def judged_claims(
    model: ChatModel,
    index: Index,
    cases: Mapping[str, Case],
    answers: Mapping[str, Sequence[AnswerRow]],
    concurrency: int = 2,
) -> list[JudgedClaim]:
    """Each claim of each answer judged against the sections that it cites itself, guided by gold.

    Raises:
        ChatbotError: in replay, a call that was not recorded.
    """
    sections = {section.name: section for section in index.sections}
    todo = [
        (row, number, Answered.of_row(cases[key], row))
        for key, rows in answers.items()
        if key in cases
        for row in rows
        for number in range(len(Answered.of_row(cases[key], row).sentences))
    ]

    def judged(job: tuple[AnswerRow, int, Answered]) -> JudgedClaim:
        row, number, answered = job
        sentence, named = answered.sentences[number], dict(answered.numbered)
        cited = [sections[named[n]] for n in sentence.citations if named.get(n) in sections]
        found = _judged(model, sentence.text, cited, answered.item)
        return JudgedClaim(
            case=row.case,
            repeat=row.repeat,
            text=sentence.text,
            label=found.label,
            reason=found.reason,
            prompt_tokens=found.spent.prompt_tokens,
            completion_tokens=found.spent.completion_tokens,
        )

    with ThreadPoolExecutor(concurrency) as pool:
        return list(pool.map(judged, todo))


def _judged(model: ChatModel, claim: str, cited: Sequence[Section], item: Item) -> Judgement:
    quote = "\n".join(evidence.quote for evidence in item.evidence)
    reference = Reference(item.answer, quote) if item.answer else None
    if len(cited) == 1:
        return judge_claim(model, claim, cited[0], reference)
    return judge_claim(model, claim, Passage("\n\n".join(s.text for s in cited)), reference)


def agreement_with(
    model: ChatModel, index: Index, labels: Sequence[JudgeLabel], concurrency: int = 2
) -> Estimate:
    """Cohen's kappa between the judge and the hand labels; what it cannot say counts against it."""
    sections = {section.name: section for section in index.sections}

    def judged(label: JudgeLabel) -> str:
        return judge_claim(model, label.claim, sections[label.section]).label

    with ThreadPoolExecutor(concurrency) as pool:
        return agreement([label.label for label in labels], list(pool.map(judged, labels)))
