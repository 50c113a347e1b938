"""What an answer calls a paper."""

import re
import textwrap

from chatbot.index.naming import LATIN_NAME
from chatbot.index.records import IndexedSection
from chatbot.index.store import Index

_LONGEST = 36
# What a paper works with or is held against is not what it is called.
_OTHERS = re.compile(r"(?:基于|使用|采用|利用|借助|相比|对比|优于|超越|如)\W*$")


def short_name(section: IndexedSection) -> str:
    """What stands before the colon of a paper's title, cut where it is long."""
    head = head_of(section.title)
    if len(head) <= _LONGEST:
        return head
    words = textwrap.shorten(head, _LONGEST, placeholder="…", break_on_hyphens=False)
    return words if len(words) > 1 else f"{head[: _LONGEST - 1]}…"


def full_name(index: Index, section: IndexedSection) -> str:
    """What stands before the colon of a paper's title; with its system's name, where that is none.

    Readers know "Octopus", its title is "Learning Self-Correction in Vision-Language Models via …".
    """
    head = head_of(section.title)
    system = _system(index, section.paper_id) if len(head) > _LONGEST else None
    return head if system is None or system in head else f"{system} · {head}"


def name_to_ask_by(index: Index, section: IndexedSection) -> str:
    """What a reader would call a paper in a question: its system's name, or its title's head."""
    return _system(index, section.paper_id) or head_of(section.title)


def head_of(title: str) -> str:
    """What stands before the colon of a title."""
    return title.partition(":")[0].strip() or title


def _system(index: Index, paper: str) -> str | None:
    """The first name of its own in the sentence that says what a paper contributes."""
    for section in index.sections_of(paper):
        if section.key != "contribution":
            continue
        for link in index.catalogue.names.find(section.text):
            name, before = section.text[link.start : link.end], section.text[: link.start]
            own = link.papers == (paper,) and LATIN_NAME.fullmatch(name)
            if own and not _OTHERS.search(before):
                return name
    return None
