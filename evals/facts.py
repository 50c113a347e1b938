"""Whether an answer holds a key fact: numbers compared as values, all else as squeezed text."""

import re
from collections.abc import Sequence

from chatbot.text.quantities import Quantity, quantities, spelt_quantities
from chatbot.text.terms import normalise

_ARXIV_ID = re.compile(r"\b\d{4}\.\d{4,5}\b")
_BARE = re.compile(r"\d[\d,]*(?:\.\d+)?")
_MARKER = re.compile(r"\[\d{1,3}\]")
# "A100 80GB" and "Qwen2.5-7B" are two numbers, "1,000" and "2-3" stay one text.
_BETWEEN_NUMBERS = re.compile(
    r"(?<=\d)(?:[\s()（）\[\]“”\"'*]+(?=\d)|-(?=\d+(?:\.\d+)?[bmk](?![a-z])))"
)
_JOINTS = re.compile(r"[\s,，、\-–—“”\"'‘’「」*_`$\\{}()（）]+")


def holds(answer: str, fact: str) -> bool:
    """Whether `answer` says `fact`.

    "5 万" is 50,000 and "400%" is "4 倍"; case, spaces, commas and hyphens do not matter. Markers
    and arXiv ids are set aside, since short numbers hide in them.
    """
    if _ARXIV_ID.fullmatch(fact):
        return fact in _ARXIV_ID.findall(answer)
    text = _MARKER.sub(" ", _ARXIV_ID.sub(" ", answer))
    wanted = _as_quantity(fact)
    if wanted is not None:
        found = [*quantities(text), *spelt_quantities(text)]
        if any(_agree(quantity, wanted) for quantity in found):
            return True
        # A number that is part of a name ("A100") is text.
        return not fact.strip()[0].isdigit() and _stands_in(fact, text)
    return _stands_in(fact, text)


def fact_recall(answer: str, facts: Sequence[str]) -> float:
    """The share of these facts that the answer holds, 0 to 1; 1 where there are none."""
    return sum(holds(answer, fact) for fact in facts) / len(facts) if facts else 1.0


def _as_quantity(fact: str) -> Quantity | None:
    """The fact as a number, where it is nothing else."""
    found = quantities(fact)
    whole = len(found) == 1 and _squeezed(found[0].text) == _squeezed(fact)
    return found[0] if whole else None


def _agree(quantity: Quantity, wanted: Quantity) -> bool:
    """As `Quantity.agrees`; a fact that is a bare number leaves scale and unit open."""
    if wanted.readings[0].unit != "plain":
        return quantity.agrees(wanted)
    value = wanted.readings[0].value
    bare = _BARE.match(quantity.text)
    said = {reading.value for reading in quantity.readings}
    if bare and wanted.text.replace(",", "").replace(".", "").isdigit():
        said.add(float(bare[0].replace(",", "")))
    return any(abs(number - value) <= 1e-6 * max(1.0, abs(value)) for number in said)


def _stands_in(fact: str, text: str) -> bool:
    """Whether the text holds the fact, squeezed, and no number goes on where the fact ends."""
    wanted = re.escape(_squeezed(fact))
    return bool(re.search(rf"(?<!\d(?=\d)){wanted}(?!(?<=\d)\d)", _squeezed(text)))


def _squeezed(text: str) -> str:
    return _JOINTS.sub("", _BETWEEN_NUMBERS.sub("|", normalise(text)))
