"""Distils feedback that recurs into proposed rules: with a model, or by how alike comments are.

A wish recurs where at least `RECURRING` entries of feedback share it that no rule is from yet.
Proposals are ordered by how many readers share them, then by how many entries, and the first
`MOST_PROPOSALS` are kept: one reader who comments often does not displace what several say.
"""

import html
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import get_args

import numpy as np
from pydantic import BaseModel, Field, ValidationError
from rapidfuzz import fuzz, utils
from rapidfuzz.process import cdist

from chatbot.answering.rules import (
    KINDS,
    LONGEST_RULE,
    Kind,
    Reach,
    Rule,
    Rulebook,
    name_for,
    rule_text,
)
from chatbot.database.opening import now
from chatbot.errors import ChatbotError, ModelError
from chatbot.feedback.ratings import Feedback
from chatbot.llm.client import ChatModel, ChatTurn, complete
from chatbot.llm.prompts import load_prompt, may_leave
from chatbot.understanding.models import Language

RECURRING = 2
MOST_PROPOSALS = 10
# The latest are read; without a model each is compared with each, which takes seconds for so many.
_MOST_ENTRIES = 500
# Percent. Of 19 comments made up for this, pairs that meant different things reached 51.
_ALIKE = 55
_SAME_RULE = 85
# A token a character, at the worst; the rest is for the prompt's own words and the answer.
_FEEDBACK_SHARE = 0.5
_LONGEST_QUESTION = 300
_ATTEMPTS = 2
_AGAIN = "That is not the JSON object asked for. Answer with the object alone."


@dataclass(frozen=True, slots=True)
class _Wish:
    """What several entries share."""

    text: str
    entries: tuple[Feedback, ...]
    name: str = ""
    reach: Reach = field(default_factory=Reach)

    @property
    def weight(self) -> tuple[int, int]:
        """Readers, then entries."""
        return len({entry.owner for entry in self.entries}), len(self.entries)


class _Proposed(BaseModel):
    """One rule, as the model is asked for it; `feedback` are numbers of entries."""

    name: str
    text: str
    kinds: list[Kind]
    languages: list[Language]
    feedback: list[int]


class _Proposals(BaseModel):
    rules: list[_Proposed] = Field(default_factory=list)


def distil(
    feedback: Sequence[Feedback], book: Rulebook, model: ChatModel | None
) -> tuple[Rule, ...]:
    """Rules to propose: none that is there already, and none with a name that is taken.

    Without a model a rule is the most typical of several comments, word for word. A `ModelError`
    where the model failed, or what it answered is of no use.
    """
    told = {source for rule in book.rules for source in rule.sources}
    entries = [
        entry for entry in feedback if utils.default_process(entry.comment) and entry.id not in told
    ][:_MOST_ENTRIES]
    if len(entries) < RECURRING:
        return ()
    wishes = list(_alike(entries) if model is None else _asked(entries, book.rules, model))
    proposed: list[Rule] = []
    for wish in sorted(wishes, key=lambda wish: wish.weight, reverse=True):
        known = [*book.rules, *proposed]
        likest = [fuzz.ratio(wish.text, k.text, processor=utils.default_process) for k in known]
        if max(likest, default=0) >= _SAME_RULE:
            continue
        taken = [*(rule.name for rule in known), *book.problems]
        proposed.append(
            Rule(
                name=name_for(wish.name or wish.text, taken),
                text=wish.text,
                created=now().date(),
                reach=wish.reach,
                sources=tuple(entry.id for entry in wish.entries),
            )
        )
        if len(proposed) == MOST_PROPOSALS:
            break
    return tuple(proposed)


def _alike(entries: Sequence[Feedback]) -> Iterator[_Wish]:
    """Groups of comments in much the same words, each by its most typical one, heaviest first.

    Disliked answers alone count: what a reader liked says nothing that could be told a model as it
    stands. A rule is for the kinds of question and the language it was said of.
    """
    disliked = [entry for entry in entries if entry.verdict == "dislike"]
    texts = [utils.default_process(entry.comment) for entry in disliked]
    # From 0 to 100, by their characters, or by their set of words.
    by_character = cdist(texts, texts, scorer=fuzz.ratio)
    likeness = np.maximum(by_character, cdist(texts, texts, scorer=fuzz.token_set_ratio))
    left = np.ones(len(disliked), dtype=bool)
    while True:
        groups = [
            (_Wish(disliked[row].comment, tuple(disliked[n] for n in near)), near, row)
            for row in np.flatnonzero(left)
            if len(disliked[row].comment) <= LONGEST_RULE
            for near in [np.flatnonzero(left & (likeness[row] >= _ALIKE))]
            if len(near) >= RECURRING
        ]
        if not groups:
            return
        # The heaviest, and in it the comment that is most like the others.
        best, near, _ = max(groups, key=lambda g: (g[0].weight, likeness[g[2], g[1]].sum()))
        left[near] = False
        if text := _usable(best.text):
            yield replace(best, text=text, reach=_reach(best.entries))


def _reach(entries: Sequence[Feedback]) -> Reach:
    intents = {entry.record.intent for entry in entries}
    languages = {entry.record.language for entry in entries}
    known = intents <= set(KINDS) and len(intents) < len(KINDS)
    return Reach(
        tuple(kind for kind in KINDS if kind in intents) if known else (),
        tuple(languages) if len(languages) < len(get_args(Language)) else (),
    )


def _asked(entries: Sequence[Feedback], rules: Sequence[Rule], model: ChatModel) -> Iterator[_Wish]:
    """What the model makes of them, as far as several entries are behind it.

    A rule that holds an address, HTML or a line of a prompt is none.
    """
    shown = _shown(entries, int(model.context_tokens * _FEEDBACK_SHARE))
    numbered = dict(enumerate(entries[: len(shown)], 1))
    for proposed in _proposals(shown, rules, model).rules:
        sources = tuple(numbered[n] for n in dict.fromkeys(proposed.feedback) if n in numbered)
        text = _usable(proposed.text)
        if text and len(sources) >= RECURRING and may_leave(text):
            reach = Reach(
                tuple(dict.fromkeys(proposed.kinds)), tuple(dict.fromkeys(proposed.languages))
            )
            yield _Wish(text, sources, proposed.name, reach)


def _proposals(shown: Sequence[str], rules: Sequence[Rule], model: ChatModel) -> _Proposals:
    """The model's proposals; an answer of another shape is asked for once more."""
    there = "\n".join(html.escape(rule.line, quote=False) for rule in rules)
    turns = load_prompt("distil").turns(rules=there, feedback="\n\n".join(shown))
    for _ in range(_ATTEMPTS):
        text, _spent = complete(model, turns, _Proposals)
        try:
            return _Proposals.model_validate_json(text[text.find("{") : text.rfind("}") + 1])
        except ValidationError:
            turns += [ChatTurn("assistant", text), ChatTurn("user", _AGAIN)]
    raise ModelError(
        f"{model.name} proposed no rules that can be read; try again, or another model"
    )


def _shown(entries: Sequence[Feedback], room: int) -> list[str]:
    """The entries, numbered and delimited, as many as fit; no comment can close its own tag."""
    shown: list[str] = []
    for n, entry in enumerate(entries, 1):
        about = f'kind="{entry.record.intent}" language="{entry.record.language}"'
        text = (
            f'<feedback n="{n}" verdict="{entry.verdict}" {about}>\n'
            f"<question>{html.escape(entry.question[:_LONGEST_QUESTION], quote=False)}</question>\n"
            f"<comment>{html.escape(entry.comment, quote=False)}</comment>\n</feedback>"
        )
        room -= len(text)
        if shown and room < 0:
            break
        shown.append(text)
    return shown


def _usable(text: str) -> str | None:
    try:
        return rule_text(text)
    except ChatbotError:
        return None
