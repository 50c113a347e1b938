"""Errors planted in true claims, to see whether the verifier catches them.

Each mutator makes of a claim and its section a false one of its kind, or none where the claim has
nothing to go wrong in that way.
"""

import random
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from chatbot.index.sections import IndexedSection
from chatbot.reports.search_text import OF_THE_FIELD
from chatbot.text.quantities import Quantity, quantities
from chatbot.text.terms import normalise
from chatbot.understanding.wording import names_in


@dataclass(frozen=True, slots=True)
class CitedClaim:
    """A sentence and the sections it cites; `marked` is whether it carries its markers.

    With `astray` they point nowhere.
    """

    text: str
    sections: tuple[IndexedSection, ...]
    marked: bool = True
    astray: bool = False

    @property
    def markdown(self) -> str:
        """The claim with its markers, numbered from 1."""
        first = _NOWHERE if self.astray else 1
        marks = "".join(f"[{n}]" for n in range(first, first + len(self.sections)))
        return f"{self.text} {marks}" if self.marked else self.text


Mutator = Callable[[CitedClaim, Sequence[CitedClaim], random.Random], CitedClaim | None]
_NOWHERE = 900
_DIGITS = re.compile(r"\d+(?:\.\d+)?")
_FIGURE = re.compile(r"(?<![A-Za-z0-9.\-])\d+(?:\.\d+)?%?(?![A-Za-z0-9])")
_PERCENT = 100
_UNIT_SWAPS = (("%", " 倍"), ("万", "亿"), ("亿", "万"), ("倍", "%"), ("million", "billion"))
_DIRECTIONS = (
    *(("提升", "降低"), ("提高", "降低"), ("增加", "减少"), ("高于", "低于"), ("优于", "劣于")),
    *(("超过", "低于"), ("超越", "不及"), ("更高", "更低"), ("更快", "更慢"), ("更好", "更差")),
    *(("更多", "更少"), ("最高", "最低"), ("更强", "更弱"), ("上升", "下降"), ("领先", "落后")),
    *(("improves", "reduces"), ("increases", "decreases"), ("higher", "lower")),
    *(("faster", "slower"), ("better", "worse"), ("outperforms", "underperforms")),
    *(("more", "fewer"), ("outperform", "underperform"), ("beats", "loses to")),
)
_NEGATIONS = ("没有", "不是", "不会", "无需", "无法", "并不", "不", "未")
_AFFIRMED = re.compile(
    r"提升|使用|采用|需要|支持|依赖|可以|能够|包含|能(?!力)|会(?!议)|保持|引入|生成"
)
_ENGLISH_VERB = re.compile(r"\b(?:is|are|was|were|does|can|will|has|uses|needs|keeps)\b")


def _number_changed(
    claim: CitedClaim, _others: Sequence[CitedClaim], rng: random.Random
) -> CitedClaim | None:
    held = [q for section in claim.sections for q in quantities(section.text)]
    found = quantities(claim.text)
    if not found:
        return None
    target = rng.choice(found)
    for _ in range(20):
        digits = _DIGITS.search(target.text)
        value = float(digits[0]) if digits else 0.0
        changed = f"{value * rng.choice((0.6, 0.8, 1.3, 1.7)) + rng.choice((1, 2, 3)):.4g}"
        text = _replaced(claim.text, target, _DIGITS.sub(changed, target.text, count=1))
        (new, *_) = [q for q in quantities(text) if q.start == target.start] or [target]
        if not any(new.agrees(other) for other in held):
            return replace(claim, text=text)
    return None


def _unit_swapped(
    claim: CitedClaim, _others: Sequence[CitedClaim], _rng: random.Random
) -> CitedClaim | None:
    held = [q for section in claim.sections for q in quantities(section.text)]
    for target in quantities(claim.text):
        for old, new in _UNIT_SWAPS:
            if old not in target.text:
                continue
            text = _replaced(claim.text, target, target.text.replace(old, new, 1))
            changed = next((q for q in quantities(text) if q.start == target.start), None)
            if changed and not any(changed.agrees(other) for other in held):
                return replace(claim, text=text)
    return None


def _number_swapped(
    claim: CitedClaim, _others: Sequence[CitedClaim], rng: random.Random
) -> CitedClaim | None:
    """A number of the claim replaced by another of the same unit from the same section."""
    own = quantities(claim.text)
    held = [q for section in claim.sections for q in quantities(section.text)]
    pairs = [
        (target, other)
        for target in own
        for other in held
        if other.readings[0].unit == target.readings[0].unit
        and not any(other.agrees(mine) for mine in own)
    ]
    if not pairs:
        return None
    target, other = rng.choice(pairs)
    return replace(claim, text=_replaced(claim.text, target, other.text))


def _name_swapped(
    claim: CitedClaim, others: Sequence[CitedClaim], rng: random.Random
) -> CitedClaim | None:
    own = [name for name in names_in(claim.text) if normalise(name) not in OF_THE_FIELD]
    held = normalise(" ".join(f"{s.title} {s.text}" for s in claim.sections))
    foreign = [
        name
        for other in rng.sample(others, min(40, len(others)))
        for name in names_in(other.text)
        if normalise(name) not in held and normalise(name) not in OF_THE_FIELD
    ]
    if not own or not foreign:
        return None
    return replace(claim, text=claim.text.replace(rng.choice(own), rng.choice(foreign)))


def _paper_swapped(
    claim: CitedClaim, others: Sequence[CitedClaim], rng: random.Random
) -> CitedClaim | None:
    other = _of_other_papers(claim, others, rng)
    return other and replace(claim, sections=other.sections)


def _section_swapped(
    claim: CitedClaim, others: Sequence[CitedClaim], rng: random.Random
) -> CitedClaim | None:
    """Another section of the same paper cited."""
    if len(claim.sections) != 1:
        return None
    (own,) = claim.sections
    siblings = {
        section.name: section
        for other in others
        for section in other.sections
        if section.paper_id == own.paper_id and section.key != own.key
    }
    if not siblings:
        return None
    return replace(claim, sections=(rng.choice(list(siblings.values())),))


def _negated(
    claim: CitedClaim, _others: Sequence[CitedClaim], _rng: random.Random
) -> CitedClaim | None:
    """A negation dropped where there is one, added where there is none."""
    for word in _NEGATIONS:
        if word in claim.text:
            return replace(claim, text=claim.text.replace(word, "", 1))
    if match := _AFFIRMED.search(claim.text):
        return replace(claim, text=f"{claim.text[: match.start()]}不{claim.text[match.start() :]}")
    if match := _ENGLISH_VERB.search(claim.text):
        return replace(claim, text=f"{claim.text[: match.end()]} not{claim.text[match.end() :]}")
    return None


def _direction_swapped(
    claim: CitedClaim, _others: Sequence[CitedClaim], _rng: random.Random
) -> CitedClaim | None:
    for up, down in _DIRECTIONS:
        for old, new in ((up, down), (down, up)):
            text = re.sub(rf"(?<![a-z]){old}(?![a-z])", new, claim.text, count=1)
            if text != claim.text:
                return replace(claim, text=text)
    return None


def _from_nowhere(
    claim: CitedClaim, others: Sequence[CitedClaim], rng: random.Random
) -> CitedClaim | None:
    """What another paper's section says, under this claim's markers."""
    other = _of_other_papers(claim, others, rng)
    return other and replace(claim, text=other.text)


def _unmarked(
    claim: CitedClaim, _others: Sequence[CitedClaim], _rng: random.Random
) -> CitedClaim | None:
    return replace(claim, marked=False)


def _astray(
    claim: CitedClaim, _others: Sequence[CitedClaim], _rng: random.Random
) -> CitedClaim | None:
    return replace(claim, astray=True)


def _side_dropped(
    claim: CitedClaim, _others: Sequence[CitedClaim], _rng: random.Random
) -> CitedClaim | None:
    """Of a claim on several papers, the first alone is cited."""
    (first, *rest) = claim.sections
    own = tuple(s for s in claim.sections if s.paper_id == first.paper_id)
    return replace(claim, sections=own) if len(own) <= len(rest) else None


def _full_width(
    claim: CitedClaim, _others: Sequence[CitedClaim], _rng: random.Random
) -> CitedClaim | None:
    wide = claim.text.translate({ord(str(d)): chr(0xFF10 + d) for d in range(10)})
    return replace(claim, text=wide) if wide != claim.text else None


def _in_bold(
    claim: CitedClaim, _others: Sequence[CitedClaim], _rng: random.Random
) -> CitedClaim | None:
    bold = _FIGURE.sub(lambda match: f"**{match[0]}**", claim.text)
    return replace(claim, text=bold) if bold != claim.text else None


def _as_times(
    claim: CitedClaim, _others: Sequence[CitedClaim], _rng: random.Random
) -> CitedClaim | None:
    """400 % as 4 times, and the reverse."""
    for quantity in quantities(claim.text):
        (value, unit) = (quantity.readings[0].value, quantity.readings[0].unit)
        if unit == "percent" and value >= _PERCENT and not value % 1:
            return replace(claim, text=_replaced(claim.text, quantity, f" {value / _PERCENT:g} 倍"))
        if unit == "times" and not value * _PERCENT % 1 and quantity.text[-1] == "倍":
            return replace(claim, text=_replaced(claim.text, quantity, f" {value * _PERCENT:g}%"))
    return None


def _reordered(
    claim: CitedClaim, _others: Sequence[CitedClaim], _rng: random.Random
) -> CitedClaim | None:
    """The last clause of a Chinese sentence put first."""
    *parts, last = re.split(r"，", claim.text.rstrip("。；"))
    return replace(claim, text=f"{'，'.join([last, *parts])}。") if parts else None


# None of these makes a claim false: nothing may object.
HARMLESS: Mapping[str, Mutator] = {
    "full-width digits": _full_width,
    "numbers in bold": _in_bold,
    "400% as 4 times": _as_times,
    "clauses reordered": _reordered,
}
MUTATORS: Mapping[str, Mutator] = {
    "number changed": _number_changed,
    "unit or scale swapped": _unit_swapped,
    "name swapped": _name_swapped,
    "another paper cited": _paper_swapped,
    "another section cited": _section_swapped,
    "number swapped within the section": _number_swapped,
    "direction swapped": _direction_swapped,
    "negation dropped or added": _negated,
    "sentence from nowhere": _from_nowhere,
    "marker missing": _unmarked,
    "marker to nowhere": _astray,
    "one side of a comparison uncited": _side_dropped,
}


def _of_other_papers(
    claim: CitedClaim, others: Sequence[CitedClaim], rng: random.Random
) -> CitedClaim | None:
    """A claim that shares no paper with this one."""
    papers = {section.paper_id for section in claim.sections}
    elsewhere = [o for o in others if not papers & {s.paper_id for s in o.sections}]
    return rng.choice(elsewhere) if elsewhere else None


def _replaced(text: str, target: Quantity, new: str) -> str:
    """The normalised text with one number replaced."""
    plain = normalise(text)
    return f"{plain[: target.start]}{new}{plain[target.end :]}"
