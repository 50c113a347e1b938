"""The judge over a run's answers, and its agreement with the hand labels."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

from pydantic import BaseModel, ConfigDict

from chatbot.index.reading import Index
from chatbot.llm.client import ChatModel
from chatbot.verification.claims import Claim
from evals.answering import AnswerRow
from evals.answers import Answered
from evals.items import Item, JudgeLabel
from evals.judge import Judgement, Passage, Reference, Section, agreement, judge_answer, judge_claim
from evals.statistics import Estimate

# Cohen's kappa under which a judge's scores are shown as unverified.
LEAST_AGREEMENT = 0.7


class JudgedText(BaseModel):
    """What the judge made of a sentence beside the sections it cites, or of an answer whole."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    suite: str
    case: str
    repeat: int
    text: str
    label: str
    reason: str
    prompt_tokens: int = 0
    completion_tokens: int = 0


Answer = tuple[AnswerRow, Answered]


def judged_claims(
    model: ChatModel, index: Index, suite: str, answers: Sequence[Answer], concurrency: int = 2
) -> list[JudgedText]:
    """Each claim of each answer judged against the sections that it cites itself, guided by gold.

    Raises:
        ChatbotError: in replay, a call that was not recorded.
    """
    sections = {section.name: section for section in index.sections}
    todo = [
        (row, answered, sentence) for row, answered in answers for sentence in answered.sentences
    ]

    def judged(job: tuple[AnswerRow, Answered, Claim]) -> JudgedText:
        row, answered, sentence = job
        named = dict(answered.numbered)
        cited = [sections[named[n]] for n in sentence.citations if named.get(n) in sections]
        found = _judged(model, sentence.text, cited, answered.item)
        return _text(suite, row, sentence.text, found)

    with ThreadPoolExecutor(concurrency) as pool:
        return list(pool.map(judged, todo))


def judged_answers(
    model: ChatModel, suite: str, answers: Sequence[Answer], concurrency: int = 2
) -> list[JudgedText]:
    """Each answer judged whole, beside the right one.

    Raises:
        ChatbotError: in replay, a call that was not recorded.
    """

    def judged(job: Answer) -> JudgedText:
        row, answered = job
        found = judge_answer(
            model, answered.item.question, answered.markdown, _reference(answered.item)
        )
        return _text(suite, row, answered.markdown, found)

    with ThreadPoolExecutor(concurrency) as pool:
        return list(pool.map(judged, [job for job in answers if job[1].status != "error"]))


def _text(suite: str, row: AnswerRow, text: str, found: Judgement) -> JudgedText:
    return JudgedText(
        suite=suite,
        case=row.case,
        repeat=row.repeat,
        text=text,
        label=found.label,
        reason=found.reason,
        prompt_tokens=found.spent.prompt_tokens,
        completion_tokens=found.spent.completion_tokens,
    )


def _reference(item: Item) -> Reference:
    return Reference(item.answer, "\n".join(evidence.quote for evidence in item.evidence))


def _judged(model: ChatModel, claim: str, cited: Sequence[Section], item: Item) -> Judgement:
    reference = _reference(item) if item.answer else None
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
