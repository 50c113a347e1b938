"""What answers are worth: key facts held, sections cited, refusals, by kind of question."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from chatbot.answer.citations import resolve
from chatbot.answer.models import Draft
from evals.facts import holds
from evals.items import Item
from evals.statistics import Estimate, bootstrap

_CHINESE = frozenset({"fact", "numeric"})
_CITING = frozenset({"fact", "numeric", "english", "followup", "comparison", "list"})


@dataclass(frozen=True, slots=True)
class Answered:
    """A question with the answer it got, and the names of the sections cited."""

    item: Item
    draft: Draft

    @property
    def cited(self) -> frozenset[str]:
        """The sections cited, by name."""
        found = resolve(self.draft.markdown, self.draft.sources)
        return frozenset(citation.section.name for citation in found)

    @property
    def holds_all(self) -> bool:
        """Whether every key fact is in the answer."""
        return all(holds(self.draft.markdown, fact) for fact in self.item.key_facts)

    @property
    def precision(self) -> float:
        """The share of the sections cited that are needed; 0 where none is cited."""
        needed, cited = {*self.item.sections, *self.item.alt_sections}, self.cited
        return len(cited & needed) / len(cited) if cited else 0.0

    @property
    def whole(self) -> bool:
        """Whether every paper is there and every needed section cited."""
        cited = {*self.cited}
        papers = {name.partition("/")[0] for name in cited}
        return papers >= {*self.item.papers} and self.item.found(cited) >= 1.0


@dataclass(frozen=True, slots=True)
class Measure:
    """A figure over the items that belong."""

    name: str
    belongs: Callable[[Item], bool]
    value: Callable[[Answered], float]


MEASURES = (
    Measure(
        "Chinese fact, number: every key fact", lambda i: i.type in _CHINESE, lambda a: a.holds_all
    ),
    Measure("English: every key fact", lambda i: i.type == "english", lambda a: a.holds_all),
    Measure("follow-up: every key fact", lambda i: i.type == "followup", lambda a: a.holds_all),
    Measure("list: every key fact", lambda i: i.type == "list", lambda a: a.holds_all),
    Measure("comparison: every key fact", lambda i: i.type == "comparison", lambda a: a.holds_all),
    Measure(
        "needed sections cited", lambda i: i.type in _CITING, lambda a: a.item.found({*a.cited})
    ),
    Measure("citations that are needed", lambda i: i.type in _CITING, lambda a: a.precision),
    Measure(
        "English: needed sections cited",
        lambda i: i.type == "english",
        lambda a: a.item.found({*a.cited}),
    ),
    Measure(
        "comparison: every paper there, every needed section cited",
        lambda i: i.type == "comparison",
        lambda a: a.whole,
    ),
    Measure(
        "unanswerable: refused",
        lambda i: i.type == "unanswerable",
        lambda a: a.draft.abstain_reason is not None,
    ),
    Measure(
        "answerable: wrongly refused",
        lambda i: i.type in _CITING,
        lambda a: a.draft.abstain_reason is not None,
    ),
)


def measure(answers: Sequence[Answered], wanted: Measure) -> Estimate:
    """The mean over the items that belong, with its interval, questions on one paper together."""
    those = [answer for answer in answers if wanted.belongs(answer.item)]
    groups = [min(answer.item.papers or (answer.item.id,)) for answer in those]
    return bootstrap([float(wanted.value(answer)) for answer in those], groups)
