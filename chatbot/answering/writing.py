"""What a model is asked with, and what it says: sources, refusals, one answer sent back once."""

import re
from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Generic, TypeVar

from chatbot.answering.models import Repair, TextDelta, Usage, Written
from chatbot.answering.rules import Rule
from chatbot.errors import ModelError
from chatbot.guardrails.output_filter import OutputPolicy, scrubbed_stream, visible
from chatbot.guardrails.spotlighting import Material, Value
from chatbot.index.reading import Index
from chatbot.index.sections import IndexedSection
from chatbot.llm.client import ChatModel, ChatTurn, Chunk, complete
from chatbot.llm.prompts import Prompt, load_prompt
from chatbot.retrieval.models import Evidence
from chatbot.text.markdown import unwrapped
from chatbot.understanding.models import Message
from chatbot.verification.claims import AbstainReason, Draft, clean_markers, failed_in, read_blocks
from chatbot.verification.verification import citations_of, verified

LANGUAGE_NAMES = {"zh": "Chinese", "en": "English"}
ASKED_FOR = "those that the question asks about"
_SPEAKERS = {"user": "reader", "assistant": "chatbot"}
# Shares of the context: a conversation may take so much of it, the sources so much.
_HISTORY_SHARE = 0.15
# A Chinese character costs about one token; what is left is for the answer.
_SOURCES_SHARE = 0.6


def number_sources(evidence: Evidence, context_tokens: int) -> dict[int, IndexedSection]:
    """The sections to show, numbered from 1, best first, as many as the context has room for."""
    numbered: dict[int, IndexedSection] = {}
    room = int(context_tokens * _SOURCES_SHARE)
    for hit in evidence.hits:
        room -= len(hit.section.text)
        if numbered and room < 0:
            break
        numbered[len(numbered) + 1] = hit.section
    return numbered


def prompt_for(evidence: Evidence) -> Prompt:
    """The prompt that asks for this kind of answer."""
    return load_prompt("compare" if evidence.query.intent == "compare" else "answer")


def prompt_turns(
    prompt: Prompt,
    evidence: Evidence,
    sources: dict[int, IndexedSection],
    context_tokens: int,
    rules: Sequence[Rule] = (),
) -> list[ChatTurn]:
    """The turns of one call: what to do, then the sources, the latest history and the question."""
    query, material = evidence.query, list[Material | str](_sources(sources))
    if coverage := evidence.coverage:
        # A list's model is told how far the search went, so that it can say what may be missing.
        how = "may be incomplete" if coverage.by == "topic" else "is complete"
        material.append(
            f"The search went through {coverage.checked} papers and found {coverage.matched}; "
            f"the list {how}."
        )
    asked = Material("question", query.question)
    values: dict[str, Value] = {
        "language": LANGUAGE_NAMES[query.language],
        "columns": [Material("aspects", "; ".join(query.columns) or ASKED_FOR)],
        "sources": material,
        "question": [*_history(query.history, context_tokens), asked],
        "rules": "\n".join(rule.line for rule in rules),
    }
    system, user = prompt.turns(**{name: values[name] for name in prompt.variables})
    return [ChatTurn(system.role, system.content.rstrip()), user]


def repair_turns(evidence: Evidence, draft: Draft) -> list[ChatTurn]:
    """The turns that ask for a verified draft to be mended where its sentences failed the check."""
    failed = failed_in(draft.blocks)
    objections = "\n".join(f"- {claim.reason}: {claim.text}" for claim in failed)
    return load_prompt("repair").turns(
        language=LANGUAGE_NAMES[evidence.query.language],
        sources=_sources(draft.sources),
        question=[Material("question", evidence.query.question)],
        answer=[Material("answer", draft.markdown)],
        objections=[Material("objections", objections)],
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


_ABSTENTIONS: tuple[AbstainReason, ...] = ("not_reported", "false_premise", "not_in_corpus")
_REASONS = {reason.upper(): reason for reason in _ABSTENTIONS}
_WORD = re.compile(rf"[\s*`\[\](#:：]*(?P<word>{'|'.join(_REASONS)})[*`\])：:。.]*\s*")
# What may still become the word, however dressed.
_DRESSED = re.compile(r"[\s*`\[\](#:：]*(?P<begun>[A-Z_]*)")


def without_abstention(deltas: Iterable[str]) -> Generator[str, None, AbstainReason | None]:
    """The text of `deltas` less a word of abstention at its start, whose reason is returned."""
    pieces, pending = iter(deltas), ""
    for delta in pieces:
        pending += delta
        if not _could_begin(pending):
            break
    word = _WORD.match(pending)
    if rest := pending[word.end() :] if word else pending:
        yield rest
    yield from pieces
    return _REASONS[word["word"]] if word else None


def _could_begin(text: str) -> bool:
    """Whether a text may still turn out to begin with the word, or to go on dressing it."""
    if match := _WORD.match(text):
        return match.end() == len(text)
    dressed = _DRESSED.fullmatch(text)
    return dressed is not None and any(word.startswith(dressed["begun"]) for word in _REASONS)


_T = TypeVar("_T")
_R = TypeVar("_R")


class Kept(Generic[_T, _R]):
    """A generator that is read once, and then what it returned."""

    returned: _R

    def __init__(self, pieces: Generator[_T, None, _R]) -> None:
        self._pieces = pieces

    def __iter__(self) -> Iterator[_T]:
        self.returned = yield from self._pieces


def write(
    model: ChatModel,
    turns: Sequence[ChatTurn],
    sources: Mapping[int, IndexedSection],
    limits: OutputPolicy,
) -> Generator[TextDelta, None, Written]:
    """Yield what a model writes, markers cleaned, within its limits, until it ends or fails."""
    texts = Kept(_texts(model.stream(turns)))
    told = Kept(without_abstention(unwrapped(texts)))
    cleaned = Kept(clean_markers(told, sources.keys()))
    text, taken = yield from filtered(cleaned, limits)
    draft = Draft(read_blocks(text), sources, told.returned)
    usage = replace(texts.returned, llm_calls=1)
    return Written(draft, removed=cleaned.returned, taken=taken, usage=usage)


def _texts(chunks: Iterator[Chunk]) -> Generator[str, None, Usage]:
    """The texts of a model's chunks; then what they cost."""
    usage = Usage()
    for chunk in chunks:
        if chunk.usage:
            usage += Usage.of([chunk.usage])
        if text := visible(chunk.text):
            yield text
    return usage


def filtered(
    texts: Iterable[str], limits: OutputPolicy
) -> Generator[TextDelta, None, tuple[str, Mapping[str, int]]]:
    """Yield the text scrubbed, as it comes; return all of it, and what was taken out."""
    pieces, shown = Kept(scrubbed_stream(texts, limits)), list[str]()
    for text in pieces:
        shown.append(text)
        yield TextDelta(text)
    return "".join(shown).strip(), pieces.returned


def mend(index: Index, evidence: Evidence, model: ChatModel, first: Written) -> Written | None:
    """What the model makes of a draft whose failing sentences are sent back to it.

    Its `repair` says whether it is better than the first. None where all pass, or the model fails:
    the first answer stands, its failing sentences marked.
    """
    draft = verified(index, first.draft)
    if not (failed := failed_in(draft.blocks)):
        return None
    try:
        text, spent = complete(model, repair_turns(evidence, draft))
    except ModelError:
        return None
    cleaned = Kept(clean_markers([visible(text)], first.draft.sources.keys()))
    blocks = read_blocks("".join(cleaned).strip())
    mended = verified(index, replace(first.draft, blocks=blocks))
    still, known = failed_in(mended.blocks), {claim.text for claim in failed}
    broken = sum(claim.text not in known for claim in still)
    kept = len(still) < len(failed) and bool(citations_of(mended))
    repair = Repair(kept, repaired=len(failed) - (len(still) - broken), broken=broken)
    second = replace(first, draft=mended, removed=cleaned.returned, taken={}, repair=repair)
    return replace(second, usage=first.usage + Usage.of([spent]))
