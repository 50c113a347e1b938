"""What claims are held against: a section, with all that is made of its text made once.

Also whether a number belongs to what a claim says it does, told from what stands around it.
"""

import re
from bisect import bisect_right
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from functools import cached_property

import rjieba

from chatbot.index.sections import IndexedSection
from chatbot.reports.search_text import SearchText, keywords_of, section_text_of
from chatbot.text.markdown import Span, sentences
from chatbot.text.quantities import Quantity, quantities, spelt_quantities
from chatbot.text.terms import content_terms, normalise, share

_NEGATION = re.compile(
    r"[没不未无非免]|避免|防止|缺乏|\b(?:not|never|no|without|cannot|avoid\w*|fail\w*|nor)\b|n't\b"
)
_CLAUSE_END = re.compile(r"[，,。；;！!？?\n]")
# How far, in characters, a negation reaches.
_NEGATION_REACH = 14
_NEGATED = re.compile(
    r"(?:并[非不]|不[是会能再]?|无[法需]|从?未能?|(?<!有)没有?(?!有)|非(?![常线])|无(?!论|损))"
    r"(?P<zh>[\u3400-\u9fff]{2,4})"
    r"|\b(?:not|never|no|without|cannot|\w{2,}n't)\s+"
    r"(?:(?:be|been|a|an|the|any)\s+)?(?P<en>[a-z]{3,})"
)
# Each pair: what goes up or is better, what goes down or is worse.
_DIRECTIONS: tuple[tuple[re.Pattern[str], re.Pattern[str]], ...] = tuple(
    (re.compile(up), re.compile(down))
    for up, down in (
        (
            r"[提上]升|提高|增[加长]|升[高至到]|涨|\b(?:increas|improv|rais|boost|rose|rise|gain)\w*",
            r"降[低至到]|下[降跌滑]|减[少小]|缩减|退化|"
            r"\b(?:decreas|reduc|lower(?:s|ed|ing)\b|drop|declin|cuts?\b|fell\b)\w*",
        ),
        (
            r"[高优强]于|[超胜赢]过|超越|领先|击败|(?<![不没])超出|\b(?:outperform|exceed|surpass|beat)\w*",
            r"[低劣逊弱]于|不[及如]|落后|输给|\b(?:underperform|lag|trail|lose|lost)\w*",
        ),
        *(
            (rf"[更最较加][{more}]|\b(?:{rises})\b", rf"[更最较减变][{less}]|\b(?:{falls})\b")
            for more, less, rises, falls in (
                ("高大", "低小", "(?:high|larg)e(?:r|st)", "(?:low|small)e(?:r|st)"),
                ("快速", "慢", "faste(?:r|st)|speeds? up", "slowe(?:r|st)"),
                ("好优佳", "差糟", "better|best", "wors(?:e|t)"),
                ("多", "少", "more|most", "fewer|less|least|fewest"),
                ("强", "弱", "stronge(?:r|st)", "weake(?:r|st)"),
            )
        ),
    )
)


def negation_conflict(claim: str, source: str) -> str | None:
    """A word that the claim negates and the source only affirms, or the other way round."""
    said, held = normalise(claim), normalise(source)
    for negating, affirming in ((said, held), (held, said)):
        # The first word after each negation; Chinese ones as they are cut.
        negated = {
            match["en"] or next(iter(rjieba.cut(match["zh"])))
            for match in _NEGATED.finditer(negating)
        }
        for word in sorted(word for word in negated if len(word) > 1):
            affirmed = _uses(word, affirming)
            if not affirmed or any(_is_negated(affirming, at) for at in affirmed):
                continue
            if all(_is_negated(negating, at) for at in _uses(word, negating)):
                return word
    return None


def direction_conflict(claim: str, sentence: str) -> str | None:
    """A direction of the claim whose opposite alone stands in the sentence it is closest to."""
    said, held = normalise(claim), normalise(sentence)
    for pair in _DIRECTIONS:
        for word, opposite in (pair, pair[::-1]):
            found = word.search(said)
            if not found or opposite.search(said):
                continue
            if opposite.search(held) and not word.search(held):
                return found[0]
    return None


def _uses(word: str, text: str) -> list[int]:
    return [match.start() for match in re.finditer(re.escape(word), text)]


def _is_negated(text: str, at: int) -> bool:
    """Whether a negation stands shortly before, in the same clause."""
    before = _CLAUSE_END.split(text[max(0, at - _NEGATION_REACH) : at])[-1]
    return bool(_NEGATION.search(before))


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
        + _LEFT * share(dict.fromkeys(wanted.left, 1.0), held.left)
        + _RIGHT * share(dict.fromkeys(wanted.right, 1.0), held.right)
        + _NEIGHBOUR * same_neighbour
    )


def _terms(plain: str, start: int, quantity: Quantity, end: int) -> frozenset[str]:
    return frozenset(content_terms(f"{plain[start : quantity.start]} {plain[quantity.end : end]}"))


def _characters(text: str) -> frozenset[str]:
    bare = _NO_CHARACTER.sub("", text)
    return frozenset([*bare, *(bare[i : i + 2] for i in range(len(bare) - 1))])


_JOINTS = re.compile(r"[\s\-_–—·]+")


@dataclass(frozen=True)
class Ground:
    """A section, and the search text written about its paper if there is any."""

    section: IndexedSection
    written: SearchText | None

    @cached_property
    def _words(self) -> str:
        return self.section.text.replace("**", "")

    @cached_property
    def text(self) -> str:
        """The section, without emphasis, and the title of its paper."""
        return f"{self._words}\n{self.section.title}"

    @cached_property
    def plain(self) -> str:
        """The same, lower case and half width."""
        return normalise(self.text)

    @cached_property
    def numbers(self) -> tuple[Quantity, ...]:
        """All numbers a claim may take from it, id and date too."""
        about = f"{self.section.paper_id}\n{self.section.date.isoformat()}"
        return (*quantities(self.text), *spelt_quantities(self.text), *quantities(about))

    @cached_property
    def places(self) -> tuple[Place, ...]:
        """The numbers of the section where they stand."""
        return places(self._words)

    @cached_property
    def squeezed(self) -> str:
        """The form in which names are looked for in it."""
        return squeezed(f"{self.text}\n{self.section.paper_id}")

    @cached_property
    def _spans(self) -> list[tuple[Span, frozenset[str]]]:
        return _sentences_of(self.section.text)

    def quote_for(self, claim: str) -> tuple[int, int]:
        """The span of the sentence that shares most terms with a claim, shorter ones first.

        Where none shares any it is the first; of a text without sentences it is all.
        """
        if not self._spans:
            return 0, len(self.section.text)
        wanted = frozenset(content_terms(claim))

        def overlap(sentence: tuple[Span, frozenset[str]]) -> float:
            size = len(sentence[1]) * len(wanted)
            return len(sentence[1] & wanted) / size**0.5 if size else 0.0

        best, _ = max(self._spans, key=overlap)
        return best.start, best.end

    @cached_property
    def sentences(self) -> list[tuple[Span, frozenset[str]]]:
        """Its sentences without emphasis, each with its terms."""
        return _sentences_of(self._words)

    @cached_property
    def chinese(self) -> frozenset[str]:
        """The terms a Chinese claim is held against."""
        return frozenset(content_terms(self.text))

    @cached_property
    def english(self) -> frozenset[str]:
        """The terms an English claim is held against: those of the search text too."""
        if self.written is None:
            return self.chinese
        told = f"{section_text_of(self.written, self.section.key)}\n{keywords_of(self.written)}"
        return frozenset(content_terms(f"{self.text}\n{told}"))


def _sentences_of(text: str) -> list[tuple[Span, frozenset[str]]]:
    return [(span, frozenset(content_terms(span.text))) for span in sentences(text)]


def squeezed(text: str) -> str:
    """The form in which names are looked for: no case, width, spaces or hyphens."""
    return _JOINTS.sub("", normalise(text))
