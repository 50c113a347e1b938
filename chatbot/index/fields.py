"""Which of a dozen fields a paper belongs to, by rules over its field section.

The section is free text that names the narrowest or the chief subject first; so terms count by
where they stand. The fields and their terms are in ``fields.toml``.
"""

import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from chatbot.index.catalogue import PaperRecord
from chatbot.index.reading import Index
from chatbot.reports.parsing import SectionKey

OTHER = "other"
# What a term is worth in a phrase, of what it was worth in the phrase before.
_DECAY = 0.7
_PHRASE_END = re.compile(r"[、，,；;。/\n：:]+")
_DROPPED = re.compile(r"[*_`]+")
# From here on a section tells where the work can be applied, not what it is about.
_APPLIED = re.compile(
    r"(?<=.)(?:应用于|适用于|应用场景|服务于|应用领域包括|applications? )", re.DOTALL
)


@dataclass(frozen=True, slots=True)
class Field:
    """A field: its key, its names by language, and what each of its terms counts for."""

    key: str
    names: Mapping[str, str]
    terms: tuple[tuple[re.Pattern[str], float], ...]


def read_fields(path: Path) -> tuple[Field, ...]:
    """The fields of a table, in its order."""
    table = tomllib.loads(path.read_text(encoding="utf-8"))
    return tuple(
        Field(row["key"], row["names"], tuple(_terms(row.get("terms", {}))))
        for row in table["field"]
    )


def _terms(row: Mapping[str, float]) -> Iterator[tuple[re.Pattern[str], float]]:
    for term, weight in row.items():
        yield re.compile(term), float(weight)


FIELDS = read_fields(Path(__file__).with_name("fields.toml"))


def field_name(key: str, language: str) -> str:
    """What a field is called; a key that is no field's is its own name."""
    return next((field.names[language] for field in FIELDS if field.key == key), key)


def field_of_text(text: str) -> str:
    """The key of the field that a text's terms speak for most; `OTHER` where none does."""
    plain = _DROPPED.sub("", text).lower().strip()
    about = _APPLIED.split(plain, maxsplit=1)[0]
    phrases = [part for part in _PHRASE_END.split(about) if part.strip(" ()（）")]
    totals = {field.key: _total(field, phrases) for field in FIELDS}
    best = max(totals, key=lambda key: totals[key])
    return best if totals[best] > 0 else OTHER


def _total(field: Field, phrases: list[str]) -> float:
    """What the terms of a field come to; each counts once, where it stands first."""
    return sum(
        weight * next((_DECAY**i for i, phrase in enumerate(phrases) if term.search(phrase)), 0.0)
        for term, weight in field.terms
    )


def fields_of_papers(index: Index) -> tuple[str, ...]:
    """The field of each paper of the catalogue.

    By its field section; where it has none, by its title and contribution.
    """
    return tuple(_field_of_paper(index, paper) for paper in index.catalogue.papers)


def _field_of_paper(index: Index, paper: PaperRecord) -> str:
    texts: dict[SectionKey, str] = {
        section.key: section.text for section in index.sections_of(paper.id)
    }
    found = field_of_text(texts.get("field", ""))
    if found != OTHER or texts.get("field"):
        return found
    return field_of_text(f"{paper.title}\n{texts.get('contribution', '')}")
