"""Checks a dataset against the indexed reports: what it says of them has to be so.

Ids exist and are used once, quotes are verbatim, key facts stand in the answer and their numbers in
the sections, pairs are pairs. What only a reader can tell (is the answer right) it cannot.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from chatbot.index.reading import Index
from chatbot.text.quantities import quantities
from evals.facts import holds
from evals.items import Item, load_items

_PAIR = 2


def problems_of(path: Path, index: Index) -> list[str]:
    """What is wrong with a file of items, one line each: ``FILE:LINE: what``.

    Raises:
        ChatbotError: it cannot be read, or a line is no item.
    """
    items = load_items(path)
    texts = {section.name: section.text for section in index.sections}
    papers = {section.paper_id for section in index.sections}
    counted = Counter(item.id for item in items)
    found = [
        f"{path}:{line}: {item.id}: {problem}"
        for line, item in enumerate(items, 1)
        for problem in _problems(item, texts, papers)
    ]
    found += [f"{path}: id {name} is used {n} times" for name, n in counted.items() if n > 1]
    return found + [f"{path}: {problem}" for problem in _unpaired(items)]


def _problems(item: Item, texts: Mapping[str, str], papers: set[str]) -> Iterator[str]:
    for paper in {*item.papers, *item.about} - papers:
        yield f"no report has a paper {paper}"
    for name in {*item.sections, *item.alt_sections, *(e.section for e in item.evidence)}:
        if name not in texts:
            yield f"no report has a section {name}"
    for evidence in item.evidence:
        if evidence.section in texts and evidence.quote not in texts[evidence.section]:
            yield f"not verbatim in {evidence.section}: {evidence.quote!r}"
    if not item.question.strip():
        yield "no question"
    if item.is_answerable:
        yield from _unfinished(item)
        yield from _facts_missing(item, texts)


def _unfinished(item: Item) -> Iterator[str]:
    """What an answerable question still needs."""
    needed = {
        "sections": bool(item.sections),
        "a right answer": bool(item.answer.strip()),
        "key facts": bool(item.key_facts),
    }
    for name, there in needed.items():
        if not there:
            yield f"an answerable question needs {name}"


def _facts_missing(item: Item, texts: Mapping[str, str]) -> Iterator[str]:
    """Key facts that the answer does not hold, and numbers that no needed section does."""
    needed = "\n".join(texts.get(name, "") for name in item.sections)
    for fact in item.key_facts:
        if not holds(item.answer, fact):
            yield f"the answer does not hold its key fact {fact!r}"
        if (
            item.type != "list"
            and quantities(fact)
            and not holds(f"{item.question}\n{needed}", fact)
        ):
            yield f"no needed section holds the number of its key fact {fact!r}"


def _unpaired(items: Sequence[Item]) -> Iterator[str]:
    pairs: dict[str, list[Item]] = {}
    for item in items:
        if item.pair is not None:
            pairs.setdefault(item.pair, []).append(item)
    for name, members in pairs.items():
        if len(members) != _PAIR or len({item.is_answerable for item in members}) != _PAIR:
            yield f"pair {name} is not one answerable question and one that is not"
