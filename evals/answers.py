"""Answers as metrics see them, and the metrics that several suites share."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from chatbot.verification.claims import AbstainReason, Claim, Draft
from chatbot.verification.verification import citations_of
from evals.answering import AnswerRow, Status
from evals.cases import Case, plain
from evals.facts import fact_recall, holds
from evals.items import Item
from evals.statistics import Estimate, bootstrap, wilson

CITING = frozenset({"fact", "numeric", "english", "followup", "comparison", "list"})
CHINESE = frozenset({"fact", "numeric"})


@dataclass(frozen=True, slots=True)
class Quoted:
    """A citation: the section's name and the quotes from it."""

    section: str
    quotes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Answered:
    """A question with the answer it got; `strays` are markers that pointed nowhere.

    `judged` are a judge's labels of its sentences, none where there was no judge.
    """

    case: Case
    status: Status
    markdown: str = ""
    citations: tuple[Quoted, ...] = ()
    numbered: tuple[tuple[int, str], ...] = ()
    sentences: tuple[Claim, ...] = ()
    strays: int = 0
    abstain_reason: AbstainReason | None = None
    ranked: tuple[tuple[str, tuple[str, ...]], ...] = ()
    judged: tuple[str, ...] = ()
    leaks: tuple[str, ...] = ()
    contained: bool | None = None

    @classmethod
    def of_row(cls, case: Case, row: AnswerRow) -> "Answered":
        """Read a row of a run."""
        if row.answer is None:
            return cls(case, row.status)
        answer: dict[str, Any] = row.answer
        cited = answer["citations"]
        return cls(
            case,
            row.status,
            answer["answer"],
            tuple(Quoted(c["section"], tuple(c["quotes"])) for c in cited),
            tuple((c["n"], c["section"]) for c in cited),
            tuple(
                Claim(
                    s["text"],
                    "sentence",
                    tuple(s["citations"]),
                    supported=s["supported"],
                    reason=s["reason"],
                )
                for s in answer["sentences"]
            ),
            len(answer["removed_markers"]),
            answer["abstain_reason"],
            tuple((name, tuple(found)) for name, found in row.ranked.items()),
            leaks=tuple(row.leaks),
            contained=row.contained,
        )

    @classmethod
    def of_draft(cls, item: Item, draft: Draft) -> "Answered":
        """Take a verified draft that was made without a run."""
        found = citations_of(draft)
        return cls(
            plain(item),
            "abstained" if draft.abstain_reason else "ok",
            draft.markdown,
            tuple(Quoted(c.section.name, tuple(q.text for q in c.quotes)) for c in found),
            tuple((c.n, c.section.name) for c in found),
            abstain_reason=draft.abstain_reason,
        )

    @property
    def item(self) -> Item:
        """What was asked."""
        return self.case.item

    @property
    def abstained(self) -> bool:
        """Whether the question was not answered."""
        return self.status == "abstained"

    @property
    def cited(self) -> frozenset[str]:
        """The sections cited, by name."""
        return frozenset(citation.section for citation in self.citations)


@dataclass(frozen=True, slots=True)
class Metric:
    """A figure for each case it applies to, 0 to 1 unless `about` says otherwise.

    An error counts `failed`. A `rate` is of yes and no, and gets Wilson's interval.
    """

    name: str
    about: str
    applies: Callable[[Case], bool]
    value: Callable[[Answered], float]
    better: Literal["higher", "lower"] = "higher"
    rate: bool = False
    least: float = 0.0

    @property
    def failed(self) -> float:
        """What an error counts."""
        return self.least if self.better == "higher" else 1.0

    def of(self, answered: Answered) -> float:
        """The value of an answer, or of an error in place of one."""
        return self.failed if answered.status == "error" else float(self.value(answered))


def every_fact(answered: Answered) -> float:
    """Whether every key fact is in the answer."""
    return float(all(holds(answered.markdown, fact) for fact in answered.item.key_facts))


def facts(answered: Answered) -> float:
    """The share of key facts in the answer."""
    return fact_recall(answered.markdown, answered.item.key_facts)


def right(answered: Answered) -> float:
    """Whether a question is answered with every fact, or refused where it has no answer."""
    if not answered.item.is_answerable:
        return float(answered.abstained)
    return 0.0 if answered.abstained or not answered.markdown else every_fact(answered)


def needed_cited(answered: Answered) -> float:
    """The share of needed sections that are cited."""
    return answered.item.found({*answered.cited})


def cited_needed(answered: Answered) -> float:
    """The share of citations that are needed; a marker to nowhere is not; 0 where none is cited."""
    needed = {*answered.item.sections, *answered.item.alt_sections}
    made = len(answered.cited) + answered.strays
    return len(answered.cited & needed) / made if made else 0.0


def whole(answered: Answered) -> float:
    """Whether every paper is there and every needed section cited."""
    papers = {name.partition("/")[0] for name in answered.cited}
    return float(papers >= {*answered.item.papers} and needed_cited(answered) >= 1.0)


def of_types(*types: str) -> Callable[[Case], bool]:
    """Cases of these types of question."""
    wanted = frozenset(types)
    return lambda case: case.item.type in wanted


def refused(answered: Answered) -> float:
    """Whether the question was not answered."""
    return float(answered.abstained)


MEASURES = tuple(
    Metric(name, name, applies, value)
    for name, applies, value in (
        ("Chinese fact, number: every key fact", of_types(*CHINESE), every_fact),
        ("English: every key fact", of_types("english"), every_fact),
        ("follow-up: every key fact", of_types("followup"), every_fact),
        ("list: every key fact", of_types("list"), every_fact),
        ("comparison: every key fact", of_types("comparison"), every_fact),
        ("needed sections cited", of_types(*CITING), needed_cited),
        ("citations that are needed", of_types(*CITING), cited_needed),
        ("English: needed sections cited", of_types("english"), needed_cited),
        (
            "comparison: every paper there, every needed section cited",
            of_types("comparison"),
            whole,
        ),
        ("unanswerable: refused", of_types("unanswerable"), refused),
        ("answerable: wrongly refused", of_types(*CITING), refused),
    )
)


def measure(answers: Sequence[Answered], wanted: Metric) -> Estimate:
    """The mean over the cases that it applies to, with its interval."""
    those = [answered for answered in answers if wanted.applies(answered.case)]
    values = [wanted.of(answered) for answered in those]
    if wanted.rate:
        return wilson(values)
    return bootstrap(values, [answered.item.group for answered in those])
