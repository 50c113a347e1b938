"""What a model is asked with, and what it says: sources, refusals, one answer sent back once."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from chatbot.answering.models import Repair
from chatbot.answering.rules import Rule
from chatbot.errors import ModelError
from chatbot.guardrails.spotlighting import Material, Value, visible
from chatbot.index.reading import Index
from chatbot.index.sections import IndexedSection
from chatbot.llm.client import ChatModel, ChatTurn, TokenUsage, complete
from chatbot.llm.prompts import Prompt, load_prompt
from chatbot.retrieval.models import Evidence
from chatbot.understanding.models import Message
from chatbot.verification.attribution import clean_markers, resolve
from chatbot.verification.models import AbstainReason, Draft, SentenceVerdict
from chatbot.verification.verification import verdicts_of

LANGUAGE_NAMES = {"zh": "Chinese", "en": "English"}
ASKED_FOR = "those that the question asks about"
_SPEAKERS = {"user": "reader", "assistant": "chatbot"}
# Shares of the context: a conversation may take so much of it, the sources so much.
_HISTORY_SHARE = 0.15
# A Chinese character costs about one token; what is left is for the answer.
_SOURCES_SHARE = 0.6


def number_sources(evidence: Evidence, context_tokens: int) -> dict[int, IndexedSection]:
    """The sections to show, numbered from 1, best first.

    The weakest are left out where the context is too small.
    """
    numbered: dict[int, IndexedSection] = {}
    room = int(context_tokens * _SOURCES_SHARE)
    for hit in evidence.hits:
        room -= len(hit.section.text)
        if numbered and room < 0:
            break
        numbered[len(numbered) + 1] = hit.section
    return numbered


def prompt_for(evidence: Evidence) -> Prompt:
    """The prompt that asks for this kind of answer.

    Raises:
        PromptError: its file cannot be used.
    """
    return load_prompt("compare" if evidence.query.intent == "compare" else "answer")


def prompt_turns(
    prompt: Prompt,
    evidence: Evidence,
    sources: dict[int, IndexedSection],
    context_tokens: int,
    rules: Sequence[Rule] = (),
) -> list[ChatTurn]:
    """The turns of one call: what to do, then the sources, the latest history and the question."""
    query = evidence.query
    values: dict[str, Value] = {
        "language": LANGUAGE_NAMES[query.language],
        "columns": [Material("aspects", "; ".join(query.columns) or ASKED_FOR)],
        "sources": [*_sources(sources), *_coverage(evidence)],
        "question": [
            *_history(query.history, context_tokens),
            Material("question", query.question),
        ],
        "rules": "\n".join(rule.line for rule in rules),
    }
    system, user = prompt.turns(**{name: values[name] for name in prompt.variables})
    return [ChatTurn(system.role, system.content.rstrip()), user]


def _coverage(evidence: Evidence) -> list[str]:
    """For a list, how far the search went, so that the model can say whether it is complete."""
    if evidence.coverage is None:
        return []
    checked, matched = evidence.coverage.checked, evidence.coverage.matched
    how = "may be incomplete" if evidence.coverage.by == "topic" else "is complete"
    return [f"The search went through {checked} papers and found {matched}; the list {how}."]


def repair_turns(
    prompt: Prompt, evidence: Evidence, draft: Draft, failed: Sequence[SentenceVerdict]
) -> list[ChatTurn]:
    """The turns that ask for an answer to be mended where its sentences failed the check."""
    objections = "\n".join(f"- {verdict.reason}: {verdict.text}" for verdict in failed)
    return list(
        prompt.turns(
            language=LANGUAGE_NAMES[evidence.query.language],
            sources=_sources(draft.sources),
            question=[Material("question", evidence.query.question)],
            answer=[Material("answer", draft.markdown)],
            objections=[Material("objections", objections)],
        )
    )


def _sources(sources: Mapping[int, IndexedSection]) -> list[Material]:
    return [
        Material(
            "source",
            section.text,
            {
                "n": str(n),
                "title": section.title,
                "id": section.paper_id,
                "date": section.date.isoformat(),
                "section": f"{section.label} ({section.key})",
            },
        )
        for n, section in sources.items()
    ]


def _history(history: Sequence[Message], context_tokens: int) -> list[Material]:
    """The latest turns that fit; of the earliest of them what fits of its end.

    They are material and no turns of the call: whoever asks may have made up what was answered, and
    an earlier answer may quote a source that gives orders.
    """
    room = int(context_tokens * _HISTORY_SHARE)
    turns: list[Material] = []
    for turn in reversed(history):
        if room <= 0:
            break
        content = turn.content[-room:]  # at most a token a character
        turns.append(Material("turn", content, {"by": _SPEAKERS[turn.role]}))
        room -= len(content)
    return turns[::-1]


_REASONS: dict[str, AbstainReason] = {
    "NOT_REPORTED": "not_reported",
    "FALSE_PREMISE": "false_premise",
    "NOT_IN_CORPUS": "not_in_corpus",
}
_WORD = re.compile(rf"[\s*`\[\](#:：]*(?P<word>{'|'.join(_REASONS)})[*`\])：:。.]*\s*")
# What may still become the word, however dressed.
_DRESSED = re.compile(r"[\s*`\[\](#:：]*(?P<begun>[A-Z_]*)")


def without_abstention(deltas: Iterable[str], found: list[AbstainReason]) -> Iterator[str]:
    """The text of `deltas` less a word of abstention at its start, which is added to `found`."""
    pending, decided = "", False
    for delta in deltas:
        if decided:
            yield delta
            continue
        pending += delta
        if _could_begin(pending):
            continue
        decided = True
        yield _stripped(pending, found)
    if not decided and pending:
        yield _stripped(pending, found)


def _could_begin(text: str) -> bool:
    """Whether a text may still turn out to begin with the word, or to go on dressing it."""
    if match := _WORD.match(text):
        return match.end() == len(text)
    if (dressed := _DRESSED.fullmatch(text)) is None:
        return False
    return any(word.startswith(dressed["begun"]) for word in _REASONS)


def _stripped(text: str, found: list[AbstainReason]) -> str:
    match = _WORD.match(text)
    if match is None:
        return text
    found.append(_REASONS[match["word"]])
    return text[match.end() :]


@dataclass(frozen=True, slots=True)
class Outcome:
    """The mended draft, what became of it, the markers that pointed nowhere, and its cost."""

    draft: Draft
    repair: Repair
    removed: tuple[int, ...]
    spent: TokenUsage


def mend(index: Index, evidence: Evidence, model: ChatModel, draft: Draft) -> Outcome | None:
    """What the model makes of a draft whose failing sentences are sent back to it.

    None where all pass, or the model fails: the first answer stands, its failing sentences marked.
    """
    failed = [verdict for verdict in verdicts_of(index, draft) if not verdict.supported]
    if not failed:
        return None
    try:
        text, spent = complete(model, repair_turns(load_prompt("repair"), evidence, draft, failed))
    except ModelError:
        return None
    removed: list[int] = []
    cleaned = "".join(clean_markers([visible(text)], draft.sources.keys(), removed)).strip()
    mended = replace(draft, markdown=cleaned)
    still = [verdict for verdict in verdicts_of(index, mended) if not verdict.supported]
    known = {verdict.text for verdict in failed}
    broken = sum(verdict.text not in known for verdict in still)
    kept = len(still) < len(failed) and bool(resolve(mended.markdown, mended.sources))
    repair = Repair(kept, repaired=len(failed) - (len(still) - broken), broken=broken)
    return Outcome(mended, repair, tuple(removed), spent)
