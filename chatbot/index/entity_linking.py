"""What papers are called, mined from the reports, and finding those names in a text."""

import json
import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Self

from pydantic import TypeAdapter

from chatbot.errors import MissingIndexError
from chatbot.index.sections import IndexedSection
from chatbot.text.terms import normalise

# A name: a Latin word with a capital, perhaps with digits, joined by hyphens, dots or plus signs.
LATIN_NAME = re.compile(r"(?<![\w\\])[A-Za-z][A-Za-z0-9]*(?:[-.+*][A-Za-z0-9]+)*")
# Capitals past the first letter of a part, or a digit: "GUI-Owl", "dLDM", but not "Test-Time".
_NAME_LIKE = re.compile(r"(?<=[A-Za-z0-9])[A-Z]|\d")
_LATEX = re.compile(r"\$[^$\n]*\$")
_TITLE_HEAD = re.compile(r"^(?P<head>[^:：?？]{2,60}?)\s*(?:[:：?？]|\s--\s|$)")
# "Memory-as-a-Tool", "Calibrate-Then-Act": no other paper will be called so.
_COMPOUND = re.compile(r"(?<![\w-])[A-Z][A-Za-z0-9]*(?:-[A-Za-z0-9]+){2,}(?![\w-])")
_IN_BRACKETS = re.compile(r"[（(](?P<name>[A-Za-z][\w.+-]{1,20})[）)]")
_BRINGS = r"[提推]出|[构新自]建|首创|发布|开发|设计|引入|[称名]为|建立|打造|介绍|即"
_INTRODUCED = re.compile(
    rf"(?:{_BRINGS}|开源|本文的?|模型名称?)[^。；\n]{{0,24}}$|(?:^|\n)\s*(?:\d+\.|[*-])\s+\*\*$|"
    r"(?:github\.com|huggingface\.co)/\S*/$"
)
_INTRODUCED_NEAR = re.compile(rf"(?:{_BRINGS}|[（(])[^，。；\n]{{0,20}}$")
_CALLED = re.compile(r"(?:[名称]为|叫做?|即)\W*$")
_NEW = re.compile(r"(?:[构新自]建|[提推]出)的?\W*$")
_BORROWED = re.compile(
    r"(?:基于|[使采利]用|[相对]比|优于|超[过越]|基线|如|包括|在)[^，。；\n]{0,12}$"
)
_REPORT = re.compile(r"(?<!\s)\s*+(?:technical|tech)\s+report\b.*", re.IGNORECASE)
_GENERIC_HEADS = frozenset({"a", "an", "the", "on", "do", "can", "what", "when", "how", "why"})
_SHARED = 3  # a name in more papers than this is the field's, unless it heads a title
_FEW_SECTIONS = 2
HOSTS_AND_FORMATS = frozenset(["arxiv", "github", "huggingface", "html", "latex", "pdf", "json"])
_SHORTEST = 3
_LEAD = 40
_VERSION = re.compile(r"[vV]\d+(?:\.\d+)*")
# "GUI-Owl-1.5", "KiteFish-A1-1.5B-Math": what the versions and sizes of a model have in common.
_FAMILY = re.compile(r"([A-Za-z]{4,}|[A-Za-z]{2,}-[A-Za-z]{2,})-?[vA-Z]?\d")
_CHINESE_MARK = re.compile(r"[\u3400-\u9fff，。、；：（）*]")
_RUN = re.compile(r"[A-Za-z0-9]+|[\u3400-\u9fff]")


def squeeze(text: str) -> str:
    """The form in which names are compared: no case, width, spaces or punctuation."""
    return "".join(_RUN.findall(normalise(text)))


@dataclass(frozen=True, slots=True)
class OwnName:
    """A name of a paper; `sure` where its title has it, or its text plainly brings it in."""

    paper_id: str
    name: str
    sure: bool


def own_names(
    sections: Sequence[IndexedSection], aliases: Mapping[str, Sequence[str]]
) -> Iterator[OwnName]:
    """The names that each paper owns."""
    papers = _papers(sections)
    names = {paper_id: _names_in(own) for paper_id, own in papers.items()}
    shared_by = Counter(key for found in names.values() for key in found)
    for paper_id, own in papers.items():
        for name in [*_title_names(own[0].title), *aliases.get(paper_id, ())]:
            yield OwnName(paper_id, name, sure=True)
        title_words = {squeeze(word) for word in LATIN_NAME.findall(own[0].title)}
        for key, (name, places) in names[paper_id].items():
            if shared_by[key] > _SHARED or len(key) < _SHORTEST or _VERSION.fullmatch(name):
                continue
            if _owns(name, places, in_title=key in title_words, alone=shared_by[key] == 1):
                sure = key in title_words or _plainly_owns(places, alone=shared_by[key] == 1)
                yield OwnName(paper_id, name, sure)
                family = _FAMILY.match(name)
                if (
                    family
                    and _NAME_LIKE.search(family[1])
                    and not _others_use(family[1], shared_by)
                ):
                    yield OwnName(paper_id, family[1], sure)


def _others_use(name: str, shared_by: Mapping[str, int]) -> bool:
    return shared_by.get(squeeze(name), 0) > 1


def _names_in(own: Sequence[IndexedSection]) -> dict[str, tuple[str, list[tuple[str, str]]]]:
    """The names in a paper's sections: spelling, and for each place its section and what led up."""
    found: dict[str, tuple[str, list[tuple[str, str]]]] = {}
    for section in own:
        text = _LATEX.sub(" ", section.text)
        for match in LATIN_NAME.finditer(text):
            name = match[0]
            before = text[max(0, match.start() - _LEAD) : match.start()]
            if _NAME_LIKE.search(name) or (name[0].isupper() and _among_chinese(text, match)):
                found.setdefault(squeeze(name), (name, []))[1].append((section.key, before))
    return found


def _among_chinese(text: str, match: re.Match[str]) -> bool:
    """Whether Chinese stands on both sides of a word: then it is a name however it is written."""
    around = text[max(0, match.start() - 2) : match.start()], text[match.end() : match.end() + 2]
    return all(not side.strip() or _CHINESE_MARK.search(side) for side in around)


def _owns(name: str, places: Sequence[tuple[str, str]], *, in_title: bool, alone: bool) -> bool:
    """Whether a paper that mentions a name is the one that brought it into the world."""
    introduced = any(
        _NEW.search(before) or (_INTRODUCED.search(before) and not _BORROWED.search(before))
        for _, before in places
    )
    sections = {key for key, _ in places}
    if not _NAME_LIKE.search(name):  # any word may start with a capital; a name is used again
        called = any(_CALLED.search(before) for _, before in places)
        few = 1 if called else _FEW_SECTIONS
        return introduced and alone and not in_title and len(sections) > few
    if in_title or introduced:
        return alone or len(sections) > 1 or "contribution" in sections
    return alone and "contribution" in sections and len(sections) > 1


def _plainly_owns(places: Sequence[tuple[str, str]], *, alone: bool) -> bool:
    """Whether a paper speaks of a name all over, or its contribution is that name."""
    contributed = any(
        key == "contribution" and _INTRODUCED_NEAR.search(before) and not _BORROWED.search(before)
        for key, before in places
    )
    return contributed or (alone and len({key for key, _ in places}) > _FEW_SECTIONS)


def _papers(sections: Sequence[IndexedSection]) -> dict[str, list[IndexedSection]]:
    papers: defaultdict[str, list[IndexedSection]] = defaultdict(list)
    for section in sections:
        papers[section.paper_id].append(section)
    return papers


def _title_names(title: str) -> Iterable[str]:
    """A title, what stands before its colon, and what its brackets abbreviate."""
    yield title
    for match in _IN_BRACKETS.finditer(title):
        yield match["name"]
        yield title[: match.start()].strip(" :")
    yield from _COMPOUND.findall(title)
    head = _REPORT.sub("", title)
    if (match_head := _TITLE_HEAD.match(head)) and match_head["head"].lower() not in _GENERIC_HEADS:
        yield match_head["head"].strip()
        yield match_head["head"].partition("(")[0].strip()
    if " and " in head and "-" in head:  # "Qwen3-VL-Embedding and Qwen3-VL-Reranker: …"
        for part in head.partition(":")[0].split(" and "):
            if LATIN_NAME.fullmatch(part.strip()) and _NAME_LIKE.search(part):
                yield part.strip()


_MOST_WORDS = 14
# "GRU-": what follows is the rest of a compound, not a name of its own.
_MID_COMPOUND = re.compile(r"[A-Za-z0-9]-")
_SHORT_NAME = 6
_RUN_OF_TEXT = re.compile(r"[A-Za-z0-9]+|[\u3400-\u9fff]")
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
        runs = [
            (m.start(), m.end(), normalise(m[0])) for m in _RUN_OF_TEXT.finditer(_same_length(text))
        ]
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
    return bool(_RUN_OF_TEXT.fullmatch(_same_length(text)))


def _is_plain(name: str) -> bool:
    """Whether a name looks like any English word: "SCALE", "Prism", "LET"."""
    return bool(_PLAIN_WORD.fullmatch(name))


def _is_common(written: str, name: str, *, in_english: bool) -> bool:
    """Whether a plain name as written here is more likely the word: "scale", "Claude Opus"."""
    return written not in {name, name.upper()} and (in_english or not written.islower())


def _mostly_latin(text: str) -> bool:
    runs = _RUN_OF_TEXT.findall(text)
    return sum(map(str.isascii, runs)) * 2 > len(runs)
