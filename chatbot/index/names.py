"""What papers are called: titles, systems, abbreviations and aliases, and finding them in a text.

Names are mined from the reports' own words. One that two papers own stays ambiguous: both are kept.
"""

import json
import re
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Self

from pydantic import TypeAdapter

from chatbot.errors import MissingIndexError
from chatbot.index.naming import (
    HOSTS_AND_FORMATS,
    LATIN_NAME,
    OwnName,
    own_names,
    squeeze,
)
from chatbot.index.records import IndexedSection
from chatbot.index.terms import normalise

_MOST_WORDS = 14
# "GRU-": what follows is the rest of a compound, not a name of its own.
_MID_COMPOUND = re.compile(r"[A-Za-z0-9]-")
_SHORT_NAME = 6
_RUN = re.compile(r"[A-Za-z0-9]+|[\u3400-\u9fff]")
_PLAIN_WORD = re.compile(r"[A-Z][a-z]{1,7}|[A-Z]{2,7}")
_TITLE_MARKS = re.compile(r"[《「“\"](?P<title>[^》」”\"]{8,400})[》」”\"]")


NAMES_FILE = "names.json"
_SAVED = TypeAdapter(tuple[dict[str, tuple[str, tuple[str, ...], bool]], dict[str, str]])


@dataclass(frozen=True, slots=True)
class Link:
    """A name found in a text, at `start` to `end`, and the papers it may mean.

    `typo` says that it was found by similarity, `name` being the right spelling; `sure` that the
    name is plainly the papers' own, not one that they may only have mentioned.
    """

    name: str
    papers: tuple[str, ...]
    start: int
    end: int
    typo: bool = False
    sure: bool = True


@dataclass(frozen=True)
class NameTable:
    """Squeezed names, each with its spelling, the papers that own it, and whether plainly.

    `is_word` tells words of the reports: "VBench" is one, and no misspelling of VE-Bench.
    """

    names: Mapping[str, tuple[str, tuple[str, ...], bool]]
    titles: Mapping[str, str]
    is_word: Callable[[str], bool] = field(default=lambda _: False, compare=False, repr=False)

    @classmethod
    def mine(
        cls, sections: Sequence[IndexedSection], aliases: Mapping[str, Sequence[str]] | None = None
    ) -> Self:
        """The names of the papers of `sections`; `aliases` are further ones, by paper id."""
        owners: defaultdict[str, list[OwnName]] = defaultdict(list)
        for own in own_names(sections, aliases or {}):
            owners[squeeze(own.name)].append(own)
        names = {
            key: (
                found[0].name,
                tuple(dict.fromkeys(own.paper_id for own in found)),
                any(own.sure for own in found),
            )
            for key, found in owners.items()
            if len(key) > 1 and not key.isdigit() and key not in HOSTS_AND_FORMATS
        }
        return cls(names, {section.paper_id: section.title for section in sections})

    def save(self, path: Path) -> None:
        """Write the table."""
        path.write_text(json.dumps([self.names, self.titles], ensure_ascii=False), encoding="utf-8")

    @classmethod
    def load(cls, path: Path, is_word: Callable[[str], bool]) -> Self:
        """Read what `save` wrote.

        Raises:
            MissingIndexError: it is missing or damaged.
        """
        try:
            names, titles = _SAVED.validate_json(path.read_bytes())
            return cls(names, titles, is_word)
        except (OSError, ValueError) as error:
            cause = f"{path} cannot be read; run 'chatbot ingest --rebuild'"
            raise MissingIndexError(cause) from error

    def find(self, text: str) -> tuple[Link, ...]:
        """The names in a text, in its order; the longest wins where they overlap."""
        return self._remembered(text)

    @cached_property
    def _remembered(self) -> Callable[[str], tuple[Link, ...]]:
        """A question is looked through several times on its way to an answer."""
        return lru_cache(maxsize=64)(self._find)

    def _find(self, text: str) -> tuple[Link, ...]:
        found: list[Link] = []
        taken = bytearray(len(text))
        exact = sorted(self._exact(text), key=lambda link: link.start - link.end)
        for link in [*exact, *self._quoted_titles(text), *self._misspelt(text)]:
            if taken.find(1, link.start, link.end) < 0:
                taken[link.start : link.end] = b"\1" * (link.end - link.start)
                found.append(link)
        return tuple(sorted(found, key=lambda link: link.start))

    def _exact(self, text: str) -> Iterator[Link]:
        runs = [(m.start(), m.end(), normalise(m[0])) for m in _RUN.finditer(_same_length(text))]
        mostly_latin = _mostly_latin(text)
        for first, (start, _, _) in enumerate(runs):
            if _MID_COMPOUND.fullmatch(text, max(0, start - 2), start):
                continue
            key = ""
            for _, end, run in runs[first : first + _MOST_WORDS]:
                key += run
                if entry := self.names.get(key):
                    name, papers, sure = entry
                    written = text[start:end]
                    if len(key) < _SHORT_NAME and _in_one(name) and not _in_one(written):
                        continue  # "as a" is not "ASA"
                    if not (_is_plain(name) and _is_common(written, name, in_english=mostly_latin)):
                        yield Link(name, papers, start, end, sure=sure)

    def _quoted_titles(self, text: str) -> Iterator[Link]:
        """Titles between quotation marks, roughly as they are."""
        from rapidfuzz import fuzz, process

        for match in _TITLE_MARKS.finditer(text):
            best = process.extractOne(
                normalise(match["title"]),
                self._plain_titles,
                scorer=fuzz.token_set_ratio,
                score_cutoff=_LIKE_A_TITLE,
            )
            if best:
                paper_id = best[2]
                yield Link(self.titles[paper_id], (paper_id,), match.start(), match.end())

    def _misspelt(self, text: str) -> Iterator[Link]:
        """Words that are no name but one or two letters from one."""
        from rapidfuzz import process
        from rapidfuzz.distance import OSA

        mostly_latin = _mostly_latin(text)
        for match in LATIN_NAME.finditer(_same_length(text)):
            key = squeeze(match[0])
            allowed = 1 if len(key) < _LONG_NAME else 2
            if len(key) < _TYPO_LENGTH or key in self._known_words or self.is_word(match[0]):
                continue
            if mostly_latin and match[0].islower():
                continue  # an English word, not a name
            near = process.extract(
                key, self._long_names, scorer=OSA.distance, score_cutoff=allowed, limit=2
            )
            if near and (len(near) == 1 or near[0][1] < near[1][1]):
                name, papers, sure = self.names[near[0][0]]
                yield Link(name, papers, match.start(), match.end(), typo=True, sure=sure)

    @cached_property
    def _plain_titles(self) -> dict[str, str]:
        return {paper_id: normalise(title) for paper_id, title in self.titles.items()}

    @cached_property
    def _long_names(self) -> list[str]:
        return [key for key in self.names if _TYPO_LENGTH <= len(key) <= _LONGEST_TYPO]

    @cached_property
    def _known_words(self) -> frozenset[str]:
        """Words of titles, which are spelt right even if they are close to a name."""
        return frozenset(
            squeeze(word) for title in self.titles.values() for word in LATIN_NAME.findall(title)
        )


_LIKE_A_TITLE = 80
_TYPO_LENGTH, _LONG_NAME, _LONGEST_TYPO = 5, 9, 24


def _same_length(text: str) -> str:
    """Full-width letters and digits made half-width, one for one, so that places stay."""
    return "".join(chr(ord(c) - 0xFEE0) if "！" <= c <= "～" else c for c in text)


def _in_one(text: str) -> bool:
    return bool(_RUN.fullmatch(_same_length(text)))


def _is_plain(name: str) -> bool:
    """Whether a name looks like any English word: "SCALE", "Prism", "LET"."""
    return bool(_PLAIN_WORD.fullmatch(name))


def _is_common(written: str, name: str, *, in_english: bool) -> bool:
    """Whether a plain name as written here is more likely the word: "scale", "Claude Opus"."""
    return written not in {name, name.upper()} and (in_english or not written.islower())


def _mostly_latin(text: str) -> bool:
    runs = _RUN.findall(text)
    return sum(map(str.isascii, runs)) * 2 > len(runs)
