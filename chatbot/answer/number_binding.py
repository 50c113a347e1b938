"""Whether a number belongs to what a claim says it does, told from what stands around it.

Presence is not enough: of 300 numbers swapped for another of the same section every one is present.
So each number of a claim is held against every number of the section: the words of its clause and
of the one before, the characters next to it, the numbers before and after. Where another number's
surroundings are clearly more alike than its own, it is somebody else's. The weights were chosen on
planted errors, see docs/answers.md.
"""

import re
from bisect import bisect_right
from collections.abc import Callable, Collection, Iterable, Set
from dataclasses import dataclass

from chatbot.answer.quantities import Quantity, quantities
from chatbot.index.terms import content_terms, normalise, share

_CLAUSE = re.compile(r"[，,。；;：:！!？?\n（）()、]|\band\b|而|且")
_NO_CHARACTER = re.compile(r"[\s*]")
_BEFORE, _AFTER = 8, 6
# No clause goes on for longer than this, in characters, on either side of a number.
_REACH = 300
_WIDE, _CLAUSE_SHARE, _LEFT, _RIGHT, _NEIGHBOUR = 0.3, 0.2, 0.2, 0.2, 0.1
# So much more alike must another number's surroundings be; 1 is identical.
_CLEARLY = 0.16


@dataclass(frozen=True, slots=True)
class Place:
    """A number where it stands.

    `wide` are the terms of its clause and the one before, `clause` of its own; `left` and `right`
    the characters next to it, singly and in pairs; `neighbours` the numbers before and after.
    """

    quantity: Quantity
    wide: frozenset[str]
    clause: frozenset[str]
    left: frozenset[str]
    right: frozenset[str]
    neighbours: tuple[Quantity | None, Quantity | None]


def places(text: str, names: Iterable[tuple[int, int]] = ()) -> tuple[Place, ...]:
    """The numbers of a text where they stand, but for those inside `names` ("GPT-5")."""
    plain = normalise(text)
    cuts = [0, *(match.start() for match in _CLAUSE.finditer(plain)), len(plain)]
    inside = {place for first, last in names for place in range(first, last)}
    found = [quantity for quantity in quantities(text) if quantity.start not in inside]
    beside: list[Quantity | None] = [None, *found, None]
    placed = []
    for i, quantity in enumerate(found):
        clause = bisect_right(cuts, quantity.start, hi=len(cuts) - 1) - 1
        first = quantity.start - _REACH
        end = min(cuts[clause + 1], quantity.end + _REACH)
        placed.append(
            Place(
                quantity,
                _terms(plain, max(first, cuts[max(0, clause - 1)]), quantity, end),
                _terms(plain, max(first, cuts[clause]), quantity, end),
                _characters(plain[max(0, quantity.start - _BEFORE) : quantity.start]),
                _characters(plain[quantity.end : quantity.end + _AFTER]),
                (beside[i], beside[i + 2]),
            )
        )
    return tuple(placed)


def number_of_something_else(
    claim: Collection[Place], held: Collection[Place], idf: Callable[[str], float]
) -> str | None:
    """The first number of a claim that is said of what another number of the section is said of."""
    for place in claim:
        own = other = 0.0
        for candidate in held:
            if candidate.quantity.agrees(place.quantity):
                own = max(own, _likeness(place, candidate, idf))
            elif candidate.quantity.readings[0].unit == place.quantity.readings[0].unit:
                other = max(other, _likeness(place, candidate, idf))
        if other - own >= _CLEARLY:
            return place.quantity.text
    return None


def _likeness(wanted: Place, held: Place, idf: Callable[[str], float]) -> float:
    """How much of what surrounds one number surrounds another, 0 to 1."""
    same_neighbour = any(
        mine is not None and theirs is not None and mine.agrees(theirs)
        for mine, theirs in zip(wanted.neighbours, held.neighbours, strict=True)
    )
    return (
        _WIDE * share({term: idf(term) for term in wanted.wide}, held.wide)
        + _CLAUSE_SHARE * share({term: idf(term) for term in wanted.clause}, held.clause)
        + _LEFT * _part(wanted.left, held.left)
        + _RIGHT * _part(wanted.right, held.right)
        + _NEIGHBOUR * same_neighbour
    )


def _part(wanted: Set[str], held: Set[str]) -> float:
    return len(wanted & held) / len(wanted) if wanted else 0.0


def _terms(plain: str, start: int, quantity: Quantity, end: int) -> frozenset[str]:
    return frozenset(content_terms(f"{plain[start : quantity.start]} {plain[quantity.end : end]}"))


def _characters(text: str) -> frozenset[str]:
    bare = _NO_CHARACTER.sub("", text)
    return frozenset([*bare, *(bare[i : i + 2] for i in range(len(bare) - 1))])
