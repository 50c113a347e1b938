"""Lists by name: every paper of the scope that mentions it, graded by how it does.

Each section of each paper is looked at, so the list is complete for the name and its spellings.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from chatbot.index.lexical import Scope
from chatbot.index.reading import Index, PaperRecord
from chatbot.reports.parsing import SectionKey
from chatbot.understanding.criteria import GENERIC, SCAFFOLD_EN
from chatbot.understanding.models import Query
from chatbot.understanding.wording import names_in

_CHUNK = re.compile(r"[A-Za-z]+|\d+(?:\.\d+)*|[\u3400-\u9fff]+")
_BASELINE = re.compile(
    r"[相对]比|基线|优于|超[过越]|胜过|落后|不如|[高低]于|传统|不同于|区别于|减少|现有|baseline|outperform|versus",
    re.IGNORECASE,
)
_NEAR = 12
_WITHOUT = re.compile(r"无需|不需|没有|未[使用]|而非|而不是|摒弃|\b(?:without|instead of)\b")
_BASE_MODEL = re.compile(r"[基底]座|骨干|基础模型|base|backbone", re.IGNORECASE)
_OWN_USE = re.compile(
    r"基于|[使采利]用|加载|初始化|微调|骨干|[基底]座|构建|训练|引入|结合|集成|搭载|部署|评[估测]|测试|平台|需要|实验"
)
HEADS: tuple[SectionKey, ...] = ("field", "contribution")
# A term in more of the papers than this says nothing of a paper.
COMMON = 0.5
# No name has more words.
_MOST_WORDS = 12


@dataclass(frozen=True, slots=True)
class Listed:
    """A paper of a list and the rows that put it there, best first; `score` orders the list."""

    paper: PaperRecord
    rows: tuple[int, ...]
    score: float


def terms_of(index: Index, scope: Scope, candidates: Sequence[str]) -> tuple[str, ...]:
    """The names a list is to be made by: those in few enough papers to tell them apart."""
    found, count = [], index.catalogue.count(scope)
    for term in candidates:
        for part in _parts(term):
            share = len(_holding(index, scope, part)) / max(1, count)
            if 0 < share <= (1.0 if names_in(part) else COMMON):
                found.append(part)
                break
    return tuple(dict.fromkeys(found))


def _parts(term: str) -> Iterator[str]:
    """A term, then what is left of it without its first words, then without its last."""
    pieces = [piece for piece in term.split() if piece.lower() not in SCAFFOLD_EN][:_MOST_WORDS]
    ends = [pieces[start:] for start in range(len(pieces))]
    beginnings = [pieces[:end] for end in range(len(pieces) - 1, 0, -1)]
    parts = map(" ".join, [*ends, *beginnings])
    return (part for part in parts if part.lower() not in GENERIC)


def _holding(index: Index, scope: Scope, term: str) -> list[PaperRecord]:
    """The papers of a scope that hold a term; most are ruled out by the lexical index alone."""
    pattern = term_pattern(term)
    likely = index.catalogue.of_numbers(index.lexical.holding(term, scope))
    return [paper for paper in likely if pattern.search(index.text_of(paper))]


def term_pattern(term: str) -> re.Pattern[str]:
    """A name however it is spaced and joined, and not inside another.

    "AIME" is in "AIME24" and "AIME'25"; "4B" is not in "14B", nor "H20" in "H200".
    """
    chunks = _CHUNK.findall(term)
    if not chunks:
        return re.compile(re.escape(term))
    body = r"[\s\-_'’]*".join(re.escape(chunk) for chunk in chunks)
    before = r"(?<![A-Za-z0-9.])" if chunks[0].isascii() else ""
    after = ""
    if chunks[-1].isascii():
        after = r"(?![A-Za-z0-9])" if chunks[-1][-1].isdigit() else r"s?(?![A-Za-z])"
    return re.compile(before + body + after, re.IGNORECASE)


def mentioning(
    index: Index, query: Query, scope: Scope, terms: Sequence[str]
) -> tuple[Listed, ...]:
    """Every paper that mentions one of the terms (or all, if so asked), with the sections."""
    criteria = query.criteria
    patterns = [term_pattern(term) for term in terms]
    listed = []
    holding = [{paper.number for paper in _holding(index, scope, term)} for term in terms]
    wanted = set.intersection(*holding) if criteria.every else set.union(*holding)
    for paper in index.catalogue.of_numbers(wanted):
        graded: dict[int, float] = {}
        for row in paper.rows:
            section = index.section(row)
            if criteria.field_only and section.key != "field":
                continue
            grades = [_grade(section.text, m) for p in patterns for m in p.finditer(section.text)]
            if grades:
                graded[row] = max(grades) + 0.5 * (section.key in query.aspects)
        in_title = not criteria.field_only and any(p.search(paper.title) for p in patterns)
        if not graded and in_title:
            graded[paper.rows[min(1, len(paper.rows) - 1)]] = 1.0
        if not graded or (criteria.own and max(graded.values()) < 0 and not in_title):
            continue
        rows = sorted(graded, key=lambda row: -graded[row])
        listed.append(Listed(paper, tuple(rows), 2.0 + max(graded.values())))
    return tuple(sorted(listed, key=lambda entry: -entry.score))


def _grade(text: str, match: re.Match[str]) -> float:
    """How much a mention looks like the paper's own use: below 0 it is what it compares with."""
    before = text[max(0, match.start() - 30) : match.start()]
    clause = before[max(before.rfind(mark) for mark in "。；\n，,") + 1 :]
    after = text[match.end() : match.end() + 12]
    if _WITHOUT.search(clause):
        return -1.0
    if _BASELINE.search(clause[-_NEAR:]) and not _BASE_MODEL.search(clause[-_NEAR:]):
        return -1.0
    if _OWN_USE.search(clause + after):
        return 1.0
    return -1.0 if _BASELINE.search(clause) else 0.5
