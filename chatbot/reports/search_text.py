"""Search text that a language model wrote for a paper: read, checked, kept beside the report.

A report ``NAME.txt`` may have a ``NAME.enrichment.jsonl``: a first line that says how it was made,
then one line a paper. A line belongs to a paper by the hash of its content, so it goes on serving
a report whose other papers change, and never a text it was not written for. What it holds is
searched, never quoted and never shown as the paper's.

Augmenting a corpus before it is searched follows arXiv:2602.05975, slogans as what is searched
arXiv:2602.05216.
"""

import hashlib
import json
import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from pydantic import BaseModel, Field

from chatbot.errors import ReportError
from chatbot.reports.parsing import SECTION_LABELS, Paper, SectionKey
from chatbot.text.terms import normalise

_SUFFIX = ".enrichment.jsonl"
_NUMBER = re.compile(r"(?<![A-Za-z\d.])\d[\d,]*(?:\.\d+)?")
# A word with a capital past its first letter or a digit: a name, not the start of a sentence.
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9]*(?:[.+-][A-Za-z0-9]+)*")
_NAME_LIKE = re.compile(r"(?<=\w)[A-Z]|[A-Za-z-]\d")
_JOINTS = re.compile(r"[^a-z0-9\u3400-\u9fff]+")
# Abbreviations that an English translation brings with it; they name no system, model or data set.
_ABBREVIATIONS = Path(__file__).with_name("abbreviations.txt")
OF_THE_FIELD = frozenset(_ABBREVIATIONS.read_text(encoding="utf-8").split())


class Keywords(BaseModel, frozen=True):
    """Terms of the field and plain words for them, by language."""

    en: tuple[str, ...] = ()
    zh: tuple[str, ...] = ()


class SectionText(BaseModel, frozen=True):
    """What is searched for one section: a line in each language, and questions it answers."""

    en: str = ""
    zh: str = ""
    questions: tuple[str, ...] = ()


class SearchText(BaseModel, frozen=True):
    """What a model writes for one paper."""

    aliases: tuple[str, ...] = ()
    keywords: Keywords = Keywords()
    sections: Mapping[SectionKey, SectionText] = Field(min_length=1)


def enrichment_file(report: Path) -> Path:
    """The file beside a report that holds its search text."""
    return report.with_name(report.stem + _SUFFIX)


def digest_of(paper: Paper) -> str:
    """A paper's sections under their labels, as a model reads them."""
    return "\n\n".join(f"[{s.key}] {SECTION_LABELS[s.key]}\n{s.text}" for s in paper.sections)


def content_hash(paper: Paper) -> str:
    """What a paper's search text was written for: a hash of title and sections."""
    return hashlib.sha256(f"{paper.title}\n{digest_of(paper)}".encode()).hexdigest()[:16]


def section_text_of(text: SearchText, key: SectionKey) -> str:
    """All that is searched for one section; empty where nothing was written for it."""
    section = text.sections.get(key, SectionText())
    return "\n".join(filter(None, [section.en, section.zh, *section.questions]))


def keywords_of(text: SearchText) -> str:
    """The names and keywords of the paper."""
    return "\n".join([*text.aliases, *text.keywords.en, *text.keywords.zh])


def parse_search_text(answer: str) -> SearchText:
    """The search text in a model's answer, with or without words around the JSON.

    Raises:
        ValueError: there is none, or it has another shape.
    """
    first, last = answer.find("{"), answer.rfind("}")
    if not 0 <= first < last:
        raise ValueError("no JSON object in the answer")
    return SearchText.model_validate_json(answer[first : last + 1])


def with_texts(text: SearchText, change: Callable[[str], str]) -> SearchText:
    """The search text with each text in it changed; a list goes without those that become empty."""

    def changed(value: Any) -> Any:
        if isinstance(value, dict):
            return {name: changed(held) for name, held in value.items()}
        return change(value) if isinstance(value, str) else list(filter(None, map(change, value)))

    return SearchText.model_validate(changed(text.model_dump()))


def without_unsupported(text: SearchText, paper: Paper) -> tuple[SearchText, tuple[str, ...]]:
    """The search text less every number and name that the paper's own text does not hold.

    Returns:
        The text, and what was taken out of it.
    """
    check = _Check(f"{paper.id}\n{paper.title}\n{digest_of(paper)}")
    aliases = tuple(filter(check.holds, text.aliases))
    kept = with_texts(text.model_copy(update={"aliases": ()}), check.cleaned)
    return kept.model_copy(update={"aliases": aliases}), tuple(check.removed)


class _Check:
    """A paper's numbers and names, and what was found to be neither."""

    def __init__(self, source: str) -> None:
        text = normalise(source)
        self._squeezed = _JOINTS.sub("", text)
        self._numbers = {n.replace(",", "") for n in re.findall(r"\d[\d,]*(?:\.\d+)?", text)}
        self.removed: list[str] = []

    def holds(self, alias: str) -> bool:
        """Whether an alias occurs in the paper, however it is spaced."""
        found = bool(alias.strip()) and _JOINTS.sub("", normalise(alias)) in self._squeezed
        if not found:
            self.removed.append(alias)
        return found

    def cleaned(self, text: str) -> str:
        text = _NAME.sub(self._name, text)
        return " ".join(_NUMBER.sub(self._number, text).split())

    def _name(self, match: re.Match[str]) -> str:
        squeezed = _JOINTS.sub("", normalise(match[0]))
        if (
            self._known(match[0])
            or squeezed in self._squeezed
            or squeezed.removesuffix("s") in self._squeezed
            or all(map(self._known, re.split(r"[-+]", match[0])))
        ):
            return match[0]
        self.removed.append(match[0])
        return " "

    def _known(self, part: str) -> bool:
        plain = normalise(part)
        known = plain in self._squeezed or plain in OF_THE_FIELD
        return known or not _NAME_LIKE.search(part)

    def _number(self, match: re.Match[str]) -> str:
        if match[0].replace(",", "") in self._numbers:
            return match[0]
        self.removed.append(match[0])
        return " "


def read_beside(report: Path) -> tuple[bytes, list[tuple[dict[str, Any], SearchText]]]:
    """The search text beside a report: its bytes and its lines; nothing where there is none.

    Raises:
        ReportError: it cannot be read.
    """
    path = enrichment_file(report)
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        return b"", []
    except OSError as error:
        raise ReportError(str(path), 1, f"cannot be read ({error.strerror})") from error
    return data, list(parse_rows(data, str(path)))


def parse_rows(data: bytes, path: str) -> Iterator[tuple[dict[str, Any], SearchText]]:
    """The lines of a file of search text, each as it stands and as its text.

    Raises:
        ReportError: a line cannot be read.
    """
    for number, line in enumerate(data.split(b"\n"), 1):
        try:
            row = json.loads(line) if line.strip() else {}
            if "content" in row:
                yield row, SearchText.model_validate(row)
        except (ValueError, TypeError) as error:
            cause = "is no line of search text; delete it and run 'chatbot enrich'"
            raise ReportError(path, number, cause) from error
