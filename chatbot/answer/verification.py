"""Deterministic checks: has each sentence a marker, are its numbers in the sections it cites?"""

import re
from collections.abc import Mapping

from chatbot.answer.citations import claims
from chatbot.answer.markers import cited_numbers, without_markers
from chatbot.answer.models import SentenceVerdict
from chatbot.index.records import IndexedSection
from chatbot.index.terms import normalise

_NUMBER = re.compile(r"\d+(?:\.\d+)?")
_THOUSANDS = re.compile(r"(?<=\d),(?=\d{3}(?!\d))")


def verify(markdown: str, sources: Mapping[int, IndexedSection]) -> tuple[SentenceVerdict, ...]:
    """A verdict for each sentence that states something.

    Reasons: ``missing_marker``; ``number_not_in_source: N`` for the first number that no cited
    section holds.
    """
    return tuple(_verdict(claim, sources) for claim in claims(markdown))


def _verdict(claim: str, sources: Mapping[int, IndexedSection]) -> SentenceVerdict:
    cited = tuple(n for n in cited_numbers(claim) if n in sources)
    text = without_markers(claim).strip()
    if not cited:
        return SentenceVerdict(text, cited, supported=False, reason="missing_marker")
    held = {number for n in cited for number in _numbers(_readable(sources[n]))}
    absent = next((number for number in _numbers(text) if number not in held), None)
    reason = None if absent is None else f"number_not_in_source: {absent}"
    return SentenceVerdict(text, cited, supported=absent is None, reason=reason)


def _readable(section: IndexedSection) -> str:
    """All of a source that the answer may take numbers from."""
    return "\n".join([section.text, section.title, section.paper_id, section.date.isoformat()])


def _numbers(text: str) -> list[str]:
    """Numbers as written, but for full-width digits and thousands separators."""
    return _NUMBER.findall(_THOUSANDS.sub("", normalise(text)))
