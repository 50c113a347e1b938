"""Eval items: questions with what a right answer needs (`datasets/README.md` says the fields)."""

from collections.abc import Mapping
from pathlib import Path
from typing import Literal, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from chatbot.errors import ChatbotError
from chatbot.files import json_lines
from chatbot.index.sections import IndexedSection
from chatbot.reports.parsing import SectionKey
from chatbot.text.markdown import Span
from chatbot.understanding.models import Language, Message
from chatbot.verification.claims import AbstainReason

DATASETS = Path(__file__).resolve().parent / "datasets"
Row = TypeVar("Row", bound=BaseModel)
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
    what a right answer says (`facts.py`). A question and its unanswerable twin share a `pair`.
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
    pair: str | None = None
    split: str | None = None
    reason: AbstainReason | None = None
    about: tuple[str, ...] = ()

    @property
    def is_answerable(self) -> bool:
        """Whether the reports hold the answer."""
        return self.type != "unanswerable"

    @property
    def group(self) -> str:
        """The paper it is mostly about, for intervals; itself where there is none."""
        return min(self.papers or self.about or (self.id,))

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


class Paraphrase(BaseModel):
    """A question of `dev.jsonl`, the item `of`, in other words, or as typed in a hurry."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    id: str
    of: str
    kind: Literal["paraphrase", "typo"]
    question: str


class Contradiction(BaseModel):
    """A made-up paper that contradicts what the item `of` needs; `planted` is what it says."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    id: str
    of: str
    title: str
    contribution: str
    key: SectionKey
    text: str
    planted: tuple[str, ...]


class JudgeLabel(BaseModel):
    """A claim about a section with a reader's judgement, to measure a judge against."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    id: str
    claim: str
    lang: Language
    section: str
    label: Literal["supported", "unsupported", "abstention"]
    why: str


def load_items(path: Path) -> tuple[Item, ...]:
    """The items of a JSONL file.

    Raises:
        ChatbotError: as for `load_rows`.
    """
    return load_rows(path, Item)


def load_rows(path: Path, model: type[Row]) -> tuple[Row, ...]:
    """The rows of a JSONL file.

    Raises:
        ChatbotError: it cannot be read, or a line is not of this model.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise ChatbotError(f"{path} cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise ChatbotError(f"{path} is not UTF-8: {error.reason}; save it as UTF-8") from error
    rows = []
    for number, line in json_lines(text):
        try:
            rows.append(model.model_validate_json(line))
        except ValidationError as error:
            first = error.errors()[0]
            where = ".".join(map(str, first["loc"]))
            raise ChatbotError(f"{path}:{number}: {where}: {first['msg']}") from error
    return tuple(rows)


def _paper(section: str) -> str:
    return section.partition("/")[0]
