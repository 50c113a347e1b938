"""What an answer is: `Answer`, the events that lead to one, and its blocks as Markdown and CSV."""

import csv
import io
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import astuple, dataclass, field, replace
from pathlib import Path
from typing import Literal

from pydantic import TypeAdapter

from chatbot.llm.client import TokenUsage
from chatbot.reports.parsing import SectionKey
from chatbot.retrieval.models import Clarification, Coverage, Evidence
from chatbot.understanding.models import Intent, Language, Query
from chatbot.verification.claims import (
    AbstainReason,
    Block,
    Cell,
    Citation,
    Claim,
    Draft,
    markdown_of,
    stated_in,
    without_markers,
)

EXTRACTIVE = "extractive"
# What answers say beside the reports' own words, by language.
TEXTS = TypeAdapter(dict[Language, dict[str, str]]).validate_python(
    tomllib.loads(Path(__file__).with_name("texts.toml").read_text(encoding="utf-8"))
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
        each = (cls(1, call.prompt_tokens, call.completion_tokens) for call in calls)
        return sum(each, cls())

    def __add__(self, other: "Usage") -> "Usage":
        return Usage(*map(sum, zip(astuple(self), astuple(other), strict=True)))


@dataclass(frozen=True, slots=True)
class Repair:
    """What sending an answer back once did: failing sentences mended or dropped, and new ones.

    `kept` says whether the mended answer replaced the first.
    """

    kept: bool
    repaired: int
    broken: int


@dataclass(frozen=True, slots=True)
class Written:
    """A draft as it may leave, who made it (a model's name, or "extractive"), and what it cost.

    `removed` are numbers that were no source, `taken` counts what was taken out, `notice` is what
    went wrong on the way. `version` is the prompt's, `rules` are the names of those that were in
    it, `repair` is what sending the answer back once did.
    """

    draft: Draft
    mode: str = EXTRACTIVE
    version: str | None = None
    rules: tuple[str, ...] = ()
    removed: tuple[int, ...] = ()
    taken: Mapping[str, int] = field(default_factory=dict)
    usage: Usage = Usage()
    repair: Repair | None = None
    notice: str = ""


@dataclass(frozen=True, slots=True)
class Scope:
    """What a question is about, by its words or the reader's filters; dates: days or ``D1..D2``."""

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
    """A stage began (`milliseconds` is None) or ended; `detail` is a count or name to show."""

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
_BREAK = "<br>"


def line_of(text: str) -> Block:
    """A line that states nothing: a title, a note, or what leads in to what follows."""
    cell = Cell(text, (Claim(text, "lead", place=(0, len(text))),))
    return Block("paragraph", text, ((cell,),))


def list_of(claims: Iterable[Claim]) -> Block:
    """A list, an item a claim."""
    rows, text = list[tuple[Cell]](), ""
    for claim in claims:
        text = f"{text}\n- " if text else "- "
        rows.append((_cell([claim], len(text)),))
        text += rows[-1][0].text
    return Block("list", text, tuple(rows))


def table_of(rows: Sequence[Sequence[Sequence[Claim]]]) -> Block:
    """A table of rows of cells of claims; the first row names the columns."""
    laid_out, text = list[tuple[Cell, ...]](), ""
    for row in rows:
        text = f"{text}\n|" if text else "|"
        cells = []
        for claims in row:
            inert = [replace(claim, text=claim.text.replace("|", "\\|")) for claim in claims]
            cells.append(_cell(inert, len(text) + 1))
            text += f" {cells[-1].text} |"
        if not laid_out:
            text += f"\n|{' --- |' * len(row)}"
        laid_out.append(tuple(cells))
    return Block("table", text, tuple(laid_out))


def _cell(claims: Sequence[Claim], start: int) -> Cell:
    """A cell whose text begins at `start` of its block."""
    placed, at = list[Claim](), start
    for claim in claims:
        end = at + len(_with_markers(claim))
        placed.append(replace(claim, place=(at, end)))
        at = end + len(_BREAK)
    return Cell(_BREAK.join(map(_with_markers, claims)), tuple(placed))


def _with_markers(claim: Claim) -> str:
    return " ".join([claim.text, *(f"[{n}]" for n in claim.citations)])


def notice_of(evidence: Evidence) -> str | None:
    """All there is to say of a search, or None."""
    language, parts = evidence.query.language, list[str]()
    texts = TEXTS[language]
    if evidence.notice:
        parts.append(texts["by_words"].format(error=evidence.notice))
    if evidence.missing_dates:
        days = ", ".join(map(str, evidence.missing_dates))
        parts.append(texts["no_report"].format(days=days))
    if evidence.unknown and evidence.hits:
        parts.append(texts["unknown"].format(names=", ".join(evidence.unknown)))
    if coverage := evidence.coverage:
        how = texts["ranked" if coverage.by == "topic" else "checked"]
        parts.append(how.format(checked=coverage.checked, matched=coverage.matched))
    if evidence.clarification:
        parts.append(question_back(evidence.clarification, language))
    return " ".join(parts) or None


def question_back(asked: Clarification, language: Language) -> str:
    """The question to ask back, with the titles to choose from."""
    titles = " / ".join(title for _, title in asked.options)
    return TEXTS[language]["clarify"].format(
        count=len(asked.options), name=asked.name, titles=titles
    )


def in_order(blocks: Sequence[Block]) -> tuple[Block, ...]:
    """The blocks of one text, each parted from the next."""
    parted = (replace(block, text=f"{block.text.rstrip()}\n\n") for block in blocks[:-1])
    return (*parted, *blocks[-1:])


def tables_in(blocks: Iterable[Block]) -> list[list[list[str]]]:
    """The tables of an answer, each as rows of the Markdown of its cells."""
    tables = (block for block in blocks if block.kind == "table")
    return [[[cell.text for cell in row] for row in table.rows] for table in tables]


def to_csv(blocks: Iterable[Block], sources: Sequence[Sequence[str]] = ()) -> str:
    """The first table of an answer as CSV; empty where there is none.

    Without its markers, unless there are rows of `sources`: these stand below it, an empty row
    between.
    """
    tables = tables_in(blocks)
    if not tables:
        return ""

    def plain(cell: str) -> str:
        text = cell if sources else without_markers(cell)
        text = text.replace(_BREAK, "\n").replace("**", "").replace("\\|", "|")
        return "\n".join(line.strip() for line in text.split("\n"))

    below = [[], *sources] if sources else []
    rows = [*([plain(cell) for cell in row] for row in tables[0]), *below]
    out = io.StringIO()
    # A spreadsheet would take what begins with one of these for a formula.
    formulas = ("=", "+", "-", "@")
    csv.writer(out).writerows(
        [f"'{cell}" if cell.startswith(formulas) else cell for cell in row] for row in rows
    )
    return out.getvalue()
