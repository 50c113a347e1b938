"""Eval items: questions with what a right answer needs (`datasets/README.md` says the fields)."""

from collections.abc import Mapping
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from chatbot.answer.sentences import Span
from chatbot.errors import ChatbotError
from chatbot.index.records import IndexedSection
from chatbot.retrieval.models import Language, Message

DATASETS = Path(__file__).resolve().parent / "datasets"
ItemType = Literal["fact", "numeric", "english", "comparison", "list", "followup", "unanswerable"]


class Evidence(BaseModel):
    """A verbatim quote of a section that a right answer stands on."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    section: str
    quote: str

    def within(self, section: IndexedSection, span: Span) -> bool:
        """Whether a sentence of a section holds any of the quote."""
        start = section.text.find(self.quote) if section.name == self.section else -1
        return 0 <= start < span.end and span.start < start + len(self.quote)


class Item(BaseModel):
    """One question; `sections` are those it needs, all of them unless `any_section`.

    A section in `alt_sections` serves in place of the needed one of the same paper; `key_facts` are
    what a right answer says (`facts.py`).
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    id: str
    type: ItemType
    lang: Language
    question: str
    history: tuple[Message, ...] = ()
    papers: tuple[str, ...] = ()
    sections: tuple[str, ...] = ()
    evidence: tuple[Evidence, ...] = ()
    answer: str = ""
    key_facts: tuple[str, ...] = ()
    any_section: bool = False
    alt_sections: tuple[str, ...] = ()

    def found(self, retrieved: Mapping[str, int] | set[str]) -> float:
        """The share of needed sections among those retrieved, 0 to 1."""
        alternatives = {
            name: [alt for alt in self.alt_sections if _paper(alt) == _paper(name)]
            for name in self.sections
        }
        held = [
            name in retrieved or any(alt in retrieved for alt in alternatives[name])
            for name in self.sections
        ]
        if self.any_section:
            return float(any(held))
        return sum(held) / len(held) if held else 0.0


def load_items(path: Path) -> tuple[Item, ...]:
    """The items of a JSONL file.

    Raises:
        ChatbotError: it cannot be read, or a line is no item.
    """
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except OSError as error:
        raise ChatbotError(f"{path} cannot be read: {error.strerror}") from error
    items = []
    for number, line in enumerate(lines, 1):
        try:
            items.append(Item.model_validate_json(line))
        except ValidationError as error:
            first = error.errors()[0]
            where = ".".join(map(str, first["loc"]))
            raise ChatbotError(f"{path}:{number}: {where}: {first['msg']}") from error
    return tuple(items)


def _paper(section: str) -> str:
    return section.partition("/")[0]
