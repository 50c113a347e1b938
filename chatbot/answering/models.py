"""What an answer is: `Answer`, and the events that lead to one."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from chatbot.llm.client import TokenUsage
from chatbot.reports.parsing import SectionKey
from chatbot.retrieval.models import Clarification, Coverage
from chatbot.understanding.models import Intent, Language, Query
from chatbot.verification.claims import (
    AbstainReason,
    Block,
    Citation,
    Claim,
    markdown_of,
    stated_in,
)


@dataclass(frozen=True, slots=True)
class Usage:
    """What the answer cost."""

    llm_calls: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0

    @classmethod
    def of(cls, calls: Sequence[TokenUsage]) -> "Usage":
        """What these calls cost."""
        return cls(
            len(calls),
            sum(call.prompt_tokens for call in calls),
            sum(call.completion_tokens for call in calls),
        )

    def __add__(self, other: "Usage") -> "Usage":
        return Usage(
            self.llm_calls + other.llm_calls,
            self.prompt_tokens + other.prompt_tokens,
            self.completion_tokens + other.completion_tokens,
        )


@dataclass(frozen=True, slots=True)
class Repair:
    """What sending an answer back once did: failing sentences mended or dropped, and new ones.

    `kept` says whether the mended answer replaced the first.
    """

    kept: bool
    repaired: int
    broken: int


@dataclass(frozen=True, slots=True)
class Scope:
    """What a question was understood to be about, by its own words or the reader's filters.

    Dates are days, or ``D1..D2``.
    """

    papers: tuple[str, ...] = ()
    dates: tuple[str, ...] = ()
    sections: tuple[SectionKey, ...] = ()

    @classmethod
    def of(cls, query: Query) -> "Scope":
        """The scope of a query."""
        filters = query.filters
        return cls(
            tuple(dict.fromkeys([*filters.papers, *query.papers])),
            tuple(str(span) for span in filters.dates),
            tuple(dict.fromkeys([*filters.sections, *query.aspects])),
        )


@dataclass(frozen=True, slots=True)
class Answer:
    """A finished answer: blocks of claims, each of which knows what it cites and quotes.

    `removed_markers` are those that pointed nowhere.

    `notice` tells the reader what went wrong, `retrieved` counts the sections found;
    `clarification`, `coverage` and `confidence` are as in `Evidence`. `rules` names those learnt
    from feedback that were in the prompt, `taken_out` counts by kind what may not leave and did not
    (`chatbot/guardrails/output_filter.py`).
    """

    question: str
    blocks: tuple[Block, ...]
    citations: tuple[Citation, ...]
    mode: str
    intent: Intent
    language: Language
    scope: Scope = Scope()
    retrieved: int = 0
    abstain_reason: AbstainReason | None = None
    removed_markers: tuple[int, ...] = ()
    taken_out: Mapping[str, int] = field(default_factory=dict)
    notice: str | None = None
    clarification: Clarification | None = None
    coverage: Coverage | None = None
    confidence: float | None = None
    prompt_version: str | None = None
    rules: tuple[str, ...] = ()
    repair: Repair | None = None
    usage: Usage = Usage()
    timings_ms: Mapping[str, float] = field(default_factory=dict)

    @property
    def markdown(self) -> str:
        """The text with its markers."""
        return markdown_of(self.blocks)

    @property
    def sentences(self) -> tuple[Claim, ...]:
        """The claims that state something, each with its verdict."""
        return stated_in(self.blocks)

    @property
    def abstained(self) -> bool:
        """Whether the question was not answered."""
        return self.abstain_reason is not None


@dataclass(frozen=True, slots=True)
class Step:
    """A stage began (`milliseconds` is None) or ended.

    `detail` is a count or a name worth showing.
    """

    name: Literal["understand", "retrieve", "outline", "synthesize", "verify"]
    milliseconds: float | None = None
    detail: str = ""


@dataclass(frozen=True, slots=True)
class TextDelta:
    """More of the answer's markdown."""

    text: str


@dataclass(frozen=True, slots=True)
class Restart:
    """What was streamed so far is void and another text follows.

    `notice` says why, for the reader; `cause` for programs: the model failed, the day's tokens are
    used up, or failing sentences were mended.
    """

    notice: str
    cause: Literal["model", "budget", "repair"] = "model"


Event = Step | TextDelta | Restart | Answer
