"""What is verified: a draft with its sources, the quotes cited, a verdict for each sentence."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from chatbot.index.sections import IndexedSection

AbstainReason = Literal["not_in_corpus", "not_reported", "false_premise", "off_topic"]


@dataclass(frozen=True, slots=True)
class Draft:
    """Markdown with ``[n]`` markers, and the section each n stands for."""

    markdown: str
    sources: Mapping[int, IndexedSection]
    abstain_reason: AbstainReason | None = None


@dataclass(frozen=True, slots=True)
class Quote:
    """A verbatim piece of a section's text and its character span there, end exclusive."""

    text: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Citation:
    """What a marker ``[n]`` stands for. `quotes` holds a quote for each sentence that cites it.

    The first leads.
    """

    n: int
    section: IndexedSection
    quotes: tuple[Quote, ...]


@dataclass(frozen=True, slots=True)
class SentenceVerdict:
    """One sentence of an answer: what it cites and whether that bears it out.

    `reason` says why not.
    """

    text: str
    citations: tuple[int, ...]
    supported: bool
    reason: str | None = None
