"""The five sections of a paper, and which lines of a report are their headings.

Headings come in many styles, and numbered items inside a section look like them. So a heading is
recognised by its label, and the five of a paper are chosen together.
"""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal, get_args

SectionKey = Literal["field", "contribution", "usage", "innovations", "results"]
SECTION_KEYS: tuple[SectionKey, ...] = get_args(SectionKey)
SECTION_LABELS: dict[SectionKey, str] = {
    "field": "应用领域",
    "contribution": "一句话核心贡献",
    "usage": "使用指南",
    "innovations": "主要创新点",
    "results": "实验效果",
}

_HEADING = re.compile(
    r" {0,3}(?P<hashes>#{1,6}[ \t]+)?(?P<outer>\*\*)?"
    r"(?:(?P<number>[0-9０-９]{1,3}|[一二三四五])[ \t]*[.．、)）][ \t]*)?(?P<inner>\*\*)?"
    rf"(?P<label>{'|'.join(SECTION_LABELS.values())})"
    r"(?P<gloss>[ \t]*[（(][^()（）]{0,80}[)）])?[ \t]*"
    r"(?:(?P<colon>[:：])[ \t]*)?(?P<closing>\*\*)?[ \t]*(?P<late_colon>[:：])?"
    r"(?P<rest>.*)"
)
_CHINESE_DIGITS = {"一": 1, "二": 2, "三": 3, "四": 4, "五": 5}
# Heading level, bold before and after the number, numbered or not.
Style = tuple[int, bool, bool, bool]
_KEY_OF_LABEL = {label: key for key, label in SECTION_LABELS.items()}


@dataclass(frozen=True, slots=True)
class Heading:
    """A line (0-based) that may open a section, the text after it, and how it is written."""

    line: int
    key: SectionKey
    style: Style
    rest: str
    numbered_right: bool


@dataclass(frozen=True, slots=True)
class _Chain:
    """Headings in canonical order, and what they weigh together."""

    weight: int = 0
    headings: tuple[Heading, ...] = ()

    def merit(self) -> tuple[int, int]:
        """Heavier is better, then the one that ends earlier."""
        return self.weight, -self.headings[-1].line if self.headings else 0


def as_heading(line: str, i: int) -> Heading | None:
    """The heading that line `i` may be: marked as one, and nothing but text after a colon."""
    match = _HEADING.fullmatch(line)
    if not match or not (match["hashes"] or match["number"] or match["outer"] or match["inner"]):
        return None
    bold = bool(match["outer"] or match["inner"])
    rest = "" if match["hashes"] and not match["rest"].strip("# \t") else match["rest"]
    separated = match["colon"] or match["late_colon"] or (bold and rest[:1].isspace())
    if (bold and not match["closing"]) or (rest.strip() and not separated):
        return None
    key = _KEY_OF_LABEL[match["label"]]
    number = match["number"]
    numbered_right = number is not None and _number(number) == SECTION_KEYS.index(key) + 1
    level = len((match["hashes"] or "").strip())
    style = (level, bool(match["outer"]), bool(match["inner"]), number is not None)
    return Heading(i, key, style, rest, numbered_right)


def _number(text: str) -> int:
    return _CHINESE_DIGITS[text] if text in _CHINESE_DIGITS else int(text)


def choose_headings(candidates: Sequence[Heading]) -> list[Heading]:
    """The heaviest chain of candidates in canonical key order, earliest where equal.

    A candidate weighs more in the style most keys of the paper share, and with its own number, so
    an item such as ``2. **使用指南**：…`` inside another section does not win over, or stand in
    for, a real heading.
    """
    common = _common_styles(candidates)
    best = [_Chain()] * (len(SECTION_KEYS) + 1)
    for candidate in candidates:
        order = SECTION_KEYS.index(candidate.key)
        chain = max(best[: order + 1], key=_Chain.merit)
        weight = 4 + 2 * (candidate.style in common) + candidate.numbered_right
        longer = _Chain(chain.weight + weight, (*chain.headings, candidate))
        best[order + 1] = max(best[order + 1], longer, key=_Chain.merit)
    return list(max(best, key=_Chain.merit).headings)


def _common_styles(candidates: Sequence[Heading]) -> set[Style]:
    """The style, or styles, in which most sections of a paper are headed."""
    counts = Counter(style for style, _ in {(c.style, c.key): None for c in candidates})
    return {style for style, count in counts.items() if count == max(counts.values())}


def repeated_headings(
    candidates: Sequence[Heading], chosen: Sequence[Heading]
) -> Iterator[Heading]:
    """What looks like a second heading of a chosen one's section."""
    keys, lines = {heading.key for heading in chosen}, {heading.line for heading in chosen}
    common = _common_styles(candidates)
    for candidate in candidates:
        alike = candidate.style in common and candidate.numbered_right
        if alike and candidate.key in keys and candidate.line not in lines:
            yield candidate
