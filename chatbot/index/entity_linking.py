"""What papers are called, mined from the reports, and finding those names in a text."""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

from chatbot.index.lexical import LexicalIndex
from chatbot.index.records import Lookup, Records, marks
from chatbot.index.sections import IndexedSection
from chatbot.text.terms import normalise, without_stop_words, words

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


# What kind of name: one of the title or an alias, one in the text, the family of one in the text.
_GIVEN, _MENTIONED, _FAMILIES = 0, 1, 2
_UNSURE, _SURE = 1, 2


@dataclass(frozen=True, slots=True)
class PossibleName:
    """What may be a name of a paper, by its squeezed form.

    Whether it is one, and surely (2) or not (1), depends on how many papers mention it: `alone` is
    for one, `shared` for two or three; in more it is the field's own, unless a title has it. The
    name of a family depends on those that mention the name it is had from, `via`.
    """

    key: str
    kind: int
    name: str
    alone: int
    shared: int
    via: str = ""


def possible_names(own: Sequence[IndexedSection], aliases: Sequence[str]) -> Iterator[PossibleName]:
    """What a paper of these sections may be called, and all else that its text mentions."""
    title = own[0].title
    for name in [*_title_names(title), *aliases]:
        yield PossibleName(squeeze(name), _GIVEN, name, _SURE, _SURE)
    title_words = {squeeze(word) for word in LATIN_NAME.findall(title)}
    for key, (name, places) in _names_in(own).items():
        alone, shared = (
            _ownership(name, places, in_title=key in title_words, alone=alone)
            for alone in (True, False)
        )
        yield PossibleName(key, _MENTIONED, name, alone, shared)
        family = _FAMILY.match(name)
        if (alone or shared) and family and _NAME_LIKE.search(family[1]):
            yield PossibleName(squeeze(family[1]), _FAMILIES, family[1], alone, shared, key)


def _ownership(name: str, places: Sequence[tuple[str, str]], *, in_title: bool, alone: bool) -> int:
    if len(squeeze(name)) < _SHORTEST or _VERSION.fullmatch(name):
        return 0
    if not _owns(name, places, in_title=in_title, alone=alone):
        return 0
    return _SURE if in_title or _plainly_owns(places, alone=alone) else _UNSURE


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
_PLAIN_WORD = re.compile(r"[A-Z][a-z]{1,7}|[A-Z]{2,7}")
_TITLE_MARKS = re.compile(r"[《「“\"](?P<title>[^》」”\"]{8,400})[》」”\"]")


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


_SHARED = 3  # a name in more papers than this is the field's, unless it heads a title
_MENTIONS = """
SELECT count(*) FROM (SELECT DISTINCT papers.id FROM named
    JOIN papers ON papers.number = named.paper WHERE named.key = ? AND named.kind = 1 LIMIT ?)
"""
_OWNERS = """
SELECT named.kind, named.name, named.alone, named.shared, named.via, papers.id
FROM named JOIN papers ON papers.number = named.paper WHERE named.key = ? AND named.kind IN ({})
ORDER BY papers.uploaded, papers.day DESC, papers.report DESC, papers.place, named.place
"""


def record_names(records: Records, paper: int, names: Iterable[PossibleName]) -> set[str]:
    """Write down what a paper may be called; returns the keys that have to be settled anew."""
    known = [n for n in names if len(n.key) > 1 and not n.key.isdigit()]
    rows = [
        (n.key, n.kind, paper, place, n.name, n.alone, n.shared, n.via)
        for place, n in enumerate(known)
    ]
    records.insert("named", rows)
    return {name.key for name in known}


def forget_names(records: Records, paper: int) -> set[str]:
    """Forget what a paper may be called; returns the keys that have to be settled anew."""
    return {key for (key,) in records.all("DELETE FROM named WHERE paper = ? RETURNING key", paper)}


def settle_names(records: Records, keys: set[str]) -> None:
    """Decide for each of these squeezed names, and the families named after them, whose it is."""
    families = {
        family
        for key in keys
        for (family,) in records.all("SELECT key FROM named WHERE via = ? AND kind = 2", key)
    }
    for key in sorted((keys | families) - HOSTS_AND_FORMATS):
        owners = _owners_of(records, key)
        records.all("DELETE FROM names WHERE key = ?", key)
        if owners:
            papers = " ".join(dict.fromkeys(paper for _, paper, _ in owners))
            sure = any(sure for *_, sure in owners)
            records.insert("names", [(key, owners[0][0], papers, sure)])


def _owners_of(records: Records, key: str) -> list[tuple[str, str, bool]]:
    """The spellings of a name, each with a paper that owns it and whether surely."""
    mentioned = records.one(_MENTIONS, key, _SHARED + 1)
    kinds = [_GIVEN, *([_MENTIONED] if mentioned <= _SHARED else [])]
    kinds += [_FAMILIES] if mentioned <= 1 else []
    owners = []
    for kind, name, alone, shared, via, paper in records.all(
        _OWNERS.format(marks(len(kinds))), key, *kinds
    ):
        by = records.one(_MENTIONS, via, _SHARED + 1) if kind == _FAMILIES else mentioned
        surely = alone if kind == _GIVEN or by == 1 else shared if by <= _SHARED else 0
        if surely:
            owners.append((name, paper, surely == _SURE))
    return owners


_Entry = tuple[str, tuple[str, ...], bool]


class NameTable:
    """Squeezed names, each with its spelling, the papers that own it, and whether plainly.

    Words of the reports are no misspelt names: "VBench" is one, and not VE-Bench.
    """

    def __init__(self, records: Records, lexical: LexicalIndex) -> None:
        self._records, self._lexical = records, lexical
        # A question is looked through several times on its way to an answer.
        self.find = lru_cache(maxsize=64)(self._find)
        self._entry = lru_cache(maxsize=2**15)(self._looked_up)

    @property
    def titles(self) -> Lookup[str]:
        """The title of each paper, by its id."""
        return Lookup(lambda id_: self._records.one("SELECT title FROM papers WHERE id = ?", id_))

    def all(self) -> Iterator[_Entry]:
        """Every name."""
        for name, papers, sure in self._records.all("SELECT name, papers, sure FROM names"):
            yield name, tuple(papers.split()), bool(sure)

    def _looked_up(self, key: str) -> tuple[_Entry | None, bool]:
        """What a squeezed name stands for, and whether it begins a longer one."""
        found = self._records.all(
            "SELECT key, name, papers, sure FROM names WHERE key >= ? ORDER BY key LIMIT 2", key
        )
        entry = None
        if found and found[0][0] == key:
            _, name, papers, sure = found.pop(0)
            entry = name, tuple(papers.split()), bool(sure)
        return entry, bool(found) and found[0][0].startswith(key)

    def _find(self, text: str) -> tuple[Link, ...]:
        """The names in a text, in its order; the longest wins where they overlap."""
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
                entry, longer = self._entry(key)
                if entry:
                    name, papers, sure = entry
                    written = text[start:end]
                    # "as a" is not "ASA"
                    apart = len(key) < _SHORT_NAME and _in_one(name) and not _in_one(written)
                    if not apart and not _is_common(written, name, in_english=mostly_latin):
                        yield Link(name, papers, start, end, sure=sure)
                if not longer:
                    break

    def _quoted_titles(self, text: str) -> Iterator[Link]:
        """Titles between quotation marks, roughly as they are."""
        from rapidfuzz import fuzz, process

        for match in _TITLE_MARKS.finditer(text):
            title = normalise(match["title"])
            terms = tuple(dict.fromkeys((term, 1.0) for term in without_stop_words(words(title))))
            hits = self._lexical.best("paper", "words", terms, limit=_MOST_TITLES)
            near = sorted(hits.numbers[:_MOST_TITLES].tolist())
            titles = dict(self._records.all(_TITLES_OF.format(marks(len(near))), *near))
            plain = {paper: normalise(title) for paper, title in titles.items()}
            best = process.extractOne(
                title, plain, scorer=fuzz.token_set_ratio, score_cutoff=_LIKE_A_TITLE
            )
            if best:
                yield Link(titles[best[2]], (best[2],), match.start(), match.end())

    def _misspelt(self, text: str) -> Iterator[Link]:
        """Words that are no name but one or two letters from one."""
        from rapidfuzz import process
        from rapidfuzz.distance import OSA

        mostly_latin = _mostly_latin(text)
        for match in LATIN_NAME.finditer(_same_length(text)):
            key = squeeze(match[0])
            allowed = 1 if len(key) < _LONG_NAME else 2
            if len(key) < _TYPO_LENGTH or self._lexical.knows(match[0]):
                continue
            if mostly_latin and match[0].islower():
                continue  # an English word, not a name
            papers = sorted(self._lexical.called_like(key, allowed))
            like = self._records.all(_NAMES_OF.format(marks(len(papers))), *papers)
            near = process.extract(
                key, [name for (name,) in like], scorer=OSA.distance, score_cutoff=allowed, limit=2
            )
            if near and (len(near) == 1 or near[0][1] < near[1][1]):
                name, owners, sure = self._looked_up(near[0][0])[0] or ("", (), False)
                yield Link(name, owners, match.start(), match.end(), typo=True, sure=sure)


_LIKE_A_TITLE = 80
_TYPO_LENGTH, _LONG_NAME = 5, 9
_MOST_TITLES = 50
_TITLES_OF = "SELECT id, title FROM papers WHERE number IN ({})"
_NAMES_OF = """
SELECT DISTINCT names.key FROM named JOIN names ON names.key = named.key WHERE named.paper IN ({})
"""


def _same_length(text: str) -> str:
    """Full-width letters and digits made half-width, one for one, so that places stay."""
    return "".join(chr(ord(c) - 0xFEE0) if "！" <= c <= "～" else c for c in text)


def _in_one(text: str) -> bool:
    return bool(_RUN.fullmatch(_same_length(text)))


def _is_common(written: str, name: str, *, in_english: bool) -> bool:
    """Whether a name like any English word ("SCALE", "Prism") is here the word: "scale"."""
    if not _PLAIN_WORD.fullmatch(name):
        return False
    return written not in {name, name.upper()} and (in_english or not written.islower())


def _mostly_latin(text: str) -> bool:
    runs = _RUN.findall(text)
    return sum(map(str.isascii, runs)) * 2 > len(runs)
