"""What claims are held against: a section, with all that is made of its text made once."""

import re
from dataclasses import dataclass
from functools import cached_property

from chatbot.answer.number_binding import Place, places
from chatbot.answer.quantities import Quantity, quantities, spelt_quantities
from chatbot.answer.sentences import sentences
from chatbot.index.enrichment import SearchText, keywords_of, section_text_of
from chatbot.index.records import IndexedSection
from chatbot.index.terms import content_terms, normalise

_JOINTS = re.compile(r"[\s\-_–—·]+")


@dataclass(frozen=True)
class Ground:
    """A section, and the search text written about its paper if there is any."""

    section: IndexedSection
    written: SearchText | None

    @cached_property
    def _words(self) -> str:
        return self.section.text.replace("**", "")

    @cached_property
    def text(self) -> str:
        """The section, without emphasis, and the title of its paper."""
        return f"{self._words}\n{self.section.title}"

    @cached_property
    def plain(self) -> str:
        """The same, lower case and half width."""
        return normalise(self.text)

    @cached_property
    def numbers(self) -> tuple[Quantity, ...]:
        """All numbers a claim may take from it, id and date too."""
        about = f"{self.section.paper_id}\n{self.section.date.isoformat()}"
        return (*quantities(self.text), *spelt_quantities(self.text), *quantities(about))

    @cached_property
    def places(self) -> tuple[Place, ...]:
        """The numbers of the section where they stand."""
        return places(self._words)

    @cached_property
    def squeezed(self) -> str:
        """The form in which names are looked for in it."""
        return squeezed(f"{self.text}\n{self.section.paper_id}")

    @cached_property
    def sentences(self) -> tuple[tuple[str, frozenset[str]], ...]:
        """Its sentences, each with its terms."""
        cut = sentences(self._words)
        return tuple((s.text, frozenset(content_terms(s.text))) for s in cut)

    @cached_property
    def chinese(self) -> frozenset[str]:
        """The terms a Chinese claim is held against."""
        return frozenset(content_terms(self.text))

    @cached_property
    def english(self) -> frozenset[str]:
        """The terms an English claim is held against: those of the search text too."""
        if self.written is None:
            return self.chinese
        told = f"{section_text_of(self.written, self.section.key)}\n{keywords_of(self.written)}"
        return frozenset(content_terms(f"{self.text}\n{told}"))


def squeezed(text: str) -> str:
    """The form in which names are looked for: no case, width, spaces or hyphens."""
    return _JOINTS.sub("", normalise(text))
