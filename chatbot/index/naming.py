"""Mining what papers are called from the reports: titles, abbreviations, names they introduce."""

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from chatbot.index.records import IndexedSection
from chatbot.index.terms import normalise

# A name: a Latin word with a capital, perhaps with digits, joined by hyphens, dots or plus signs.
LATIN_NAME = re.compile(r"(?<![\w\\])[A-Za-z][A-Za-z0-9]*(?:[-.+*][A-Za-z0-9]+)*")
# Capitals past the first letter of a part, or a digit: "GUI-Owl", "dLDM", but not "Test-Time".
_NAME_LIKE = re.compile(r"(?<=[A-Za-z0-9])[A-Z]|\d")
_LATEX = re.compile(r"\$[^$\n]*\$")
_TITLE_HEAD = re.compile(r"^(?P<head>[^:：?？]{2,60}?)\s*(?:[:：?？]|\s--\s|$)")
# "Memory-as-a-Tool", "Calibrate-Then-Act": no other paper will be called so.
_COMPOUND = re.compile(r"(?<![\w-])[A-Z][A-Za-z0-9]*(?:-[A-Za-z0-9]+){2,}(?![\w-])")
_IN_BRACKETS = re.compile(r"[（(](?P<name>[A-Za-z][\w.+-]{1,20})[）)]")
_INTRODUCED = re.compile(
    r"(?:提出|构建|新建|自建|推出|首创|发布|开发|设计|引入|称为|命名为|名为|建立|打造|开源|介绍|即|本文的?|模型名称?)"
    r"[^。；\n]{0,24}$|(?:^|\n)\s*(?:\d+\.|[*-])\s+\*\*$|github\.com/\S*/$|huggingface\.co/\S*/$"
)
_INTRODUCED_NEAR = re.compile(
    r"(?:提出|构建|新建|自建|推出|首创|发布|开发|设计|引入|称为|名为|建立|打造|介绍|即|[（(])[^，。；\n]{0,20}$"
)
_CALLED = re.compile(r"(?:名为|称为|命名为|叫做?|即)\W*$")
_NEW = re.compile(r"(?:新建|自建|提出|构建|推出)的?\W*$")
_BORROWED = re.compile(
    r"(?:基于|使用|采用|利用|相比|对比|优于|超过|超越|基线|如|例如|包括|在)[^，。；\n]{0,12}$"
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
