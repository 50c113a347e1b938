"""Numbers as values: "5 万" is 50,000, "400%" is "4 倍", "0.44M" is "44 万", "third" is 3.

A number that a scale or unit could belong to in two ways has two readings: in "61.4–63.4%" the
first is 61.4 or 61.4 %, in "5 到 10 万" it is 5 or 50,000. Two numbers agree where any of their
readings do.
"""

import math
import re
from dataclasses import dataclass
from typing import Literal

from chatbot.text.terms import normalise

_DIGITS = {sign: value for value, sign in enumerate("零一二三四五六七八九")} | {"〇": 0, "两": 2}
_TENS = {"十": 10, "百": 100, "千": 1000}
_CARDINALS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")
_FIRST = ("zeroth", "first", "second", "third", "fourth", "fifth")
_ORDINALS = (*_FIRST, "sixth", "seventh", "eighth", "ninth", "tenth")
_WORDS = {word: value for words in (_CARDINALS, _ORDINALS) for value, word in enumerate(words)}
NUMERALS = "".join([*_DIGITS, *_TENS])
ORDINALS = _ORDINALS[1:]


def number_of(text: str) -> int | None:
    """The number a numeral spells: "12", "3rd", "十二", "二〇二六", "three"; None of others."""
    text = text.strip().lower()
    digits = text.rstrip("stndrh")
    if digits.isdecimal():
        return int(digits)
    if text in _WORDS:
        return _WORDS[text]
    if not text or any(sign not in NUMERALS for sign in text):
        return None
    if not any(sign in _TENS for sign in text):
        return int("".join(str(_DIGITS[sign]) for sign in text))
    total, digit = 0, 0
    for sign in text:
        if sign in _TENS:
            total, digit = total + (digit or 1) * _TENS[sign], 0
        else:
            digit = _DIGITS[sign]
    return total + digit


# `times` is "4 倍" and "4×", `percent` "61.4%", which some write as "61.4", `points` "5 个百分点".
Unit = Literal["plain", "percent", "times", "points"]
_POWERS = "百 千 万 十万 百万 千万 亿 十亿 百亿 千亿 万亿"  # of ten, from the second on
_THOUSANDS = ("k thousand", "m million", "b billion", "t trillion")
_SCALES = {name: 10.0**power for power, name in enumerate(_POWERS.split(), 2)} | {
    name: 1000.0**power for power, names in enumerate(_THOUSANDS, 1) for name in names.split()
}
_UNITS: dict[Unit, str] = {
    "percent": "%, percent",
    "times": "倍, x, ×, -fold, times",
    "points": "个百分点, 百分点, percentage point, percentage points, point, points, pp",
}
_UNIT_OF = {name: unit for unit, names in _UNITS.items() for name in names.split(", ")}
_NUMBER = re.compile(
    r"(?<![a-z0-9.])(?<!\^)"
    r"(?P<number>(?:\d{1,3}(?:,\d{3})+(?!\d)|\d+)(?:\.\d+)?)"
    r"(?:[ \t]?(?P<scale>万亿|[十百千]?[亿万]|千(?!瓦|克|米|字节)|百(?!分)|"
    r"(?:thousand|million|billion|trillion)\b|[kmbt](?![a-z0-9])))?"
    r"(?:[ \t]?(?:多|余|\+))?"
    r"(?:[ \t]?(?P<unit>个百分点|百分点|percentage points?|percent|points?\b|pp\b|\\?%|倍|-fold|"
    r"times\b|[x×](?![a-z0-9])|\\times))?"
)
_RANGE = re.compile(r"[ \t]*(?:[-–—~～至到]|to\b|and\b|和|与|、|,|/)[ \t]*")
# A hyphen after a letter or digit goes on with a name or date, but for "1B-14B" and "61.4%-63.4%".
_GOES_ON = re.compile(r"[a-z0-9][-_]\Z")
_RANGE_GOES_ON = re.compile(r"(?<![a-z0-9.-])(?!(?:19|20)\d\d-)\d[\d.]*(?:[kmbt%])?-\Z")
_FACTOR_OF = re.compile(r"factor of[ \t]*\Z")
_PERCENT_OF = re.compile(r"百分之[ \t]*\Z")
# Chinese numerals count only before a measure word: "三类", "两倍", not "一般".
_NUMERAL = re.compile(
    r"(?<![一二两三四五六七八九十百千])(?P<number>[一二两三四五六七八九十百千]++)(?P<scale>万|亿)?"
    r"(?P<unit>倍|成(?!功|本|为|果|员|分|像|熟|立|长))?"
    r"(?(unit)|(?=[个种类张条篇层步次天项名组轮阶大路维级点款套家位组代块段方]))"
)


@dataclass(frozen=True, slots=True)
class Reading:
    """One way to take a number: its value with its scale, and its unit."""

    value: float
    unit: Unit


@dataclass(frozen=True, slots=True)
class Quantity:
    """A number in a text: as it stands there, where, and what it may mean."""

    text: str
    start: int
    end: int
    readings: tuple[Reading, ...]

    def agrees(self, other: "Quantity") -> bool:
        """Whether any reading of the one is a reading of the other."""
        return any(_same(a, b) for a in self.readings for b in other.readings)


def quantities(text: str) -> tuple[Quantity, ...]:
    """The numbers of a text, in order; those inside names ("GPT-4", "Qwen2.5") are none.

    Places are those of the normalised text (`terms.normalise`), which may be longer or shorter.
    """
    plain = normalise(text)
    matches = [match for match in _NUMBER.finditer(plain) if not _in_name(plain, match.start())]
    found: list[Quantity] = []
    for place, match in enumerate(matches):
        readings = [_reading(match, match["scale"], _unit(match, plain))]
        if place + 1 < len(matches):
            following = matches[place + 1]
            joined = _RANGE.fullmatch(plain, match.end(), following.start())
            if joined and (following["scale"] or following["unit"]):
                # What stands after the second may belong to both.
                unit = readings[0].unit if readings[0].unit != "plain" else _unit(following, plain)
                readings.append(_reading(match, match["scale"] or following["scale"], unit))
        found.append(
            Quantity(match[0].strip(), match.start(), match.end(), tuple(dict.fromkeys(readings)))
        )
    return tuple(found)


def spelt_quantities(text: str) -> tuple[Quantity, ...]:
    """The numbers of a text that are written in Chinese numerals before a measure word."""
    found = []
    for match in _NUMERAL.finditer(normalise(text)):
        value = float(number_of(match["number"]) or 0) * _SCALES.get(match["scale"] or "", 1.0)
        unit: Unit = "times" if match["unit"] == "倍" else "plain"
        reading = Reading(value * 10, "percent") if match["unit"] == "成" else Reading(value, unit)
        found.append(Quantity(match[0], match.start(), match.end(), (reading,)))
    return tuple(found)


def _in_name(text: str, at: int) -> bool:
    before = text[max(0, at - 24) : at]
    return bool(_GOES_ON.search(before)) and not _RANGE_GOES_ON.search(before)


def _unit(match: re.Match[str], text: str) -> Unit:
    before = text[max(0, match.start() - 16) : match.start()]
    if _PERCENT_OF.search(before):
        return "percent"
    if _FACTOR_OF.search(before):
        return "times"
    written = (match["unit"] or "").removeprefix("\\")
    return _UNIT_OF.get(written, "plain")


def _reading(match: re.Match[str], scale: str | None, unit: Unit) -> Reading:
    value = float(match["number"].replace(",", ""))
    return Reading(value * _SCALES.get(scale or "", 1.0), unit)


def _same(a: Reading, b: Reading) -> bool:
    units = {a.unit, b.unit}
    if units == {"percent", "times"}:
        percent, times = (a, b) if a.unit == "percent" else (b, a)
        return math.isclose(percent.value, 100 * times.value, rel_tol=1e-6)
    # A unit may be left out ("准确率 61.4"), but not put in another's place.
    may_agree = len(units) == 1 or units <= {"plain", "percent", "points"}
    return may_agree and math.isclose(a.value, b.value, rel_tol=1e-6)
