"""Sending an answer back once, where its sentences do not pass the check.

Interventions can do harm (2602.03338), so the mended answer is kept only if fewer of its sentences
fail and it still cites something, and what it mended and broke is counted.
"""

from dataclasses import dataclass, replace

from chatbot.answer.citations import resolve
from chatbot.answer.markers import clean_markers
from chatbot.answer.models import Draft, Repair, SentenceVerdict
from chatbot.answer.synthesis import repair_turns
from chatbot.answer.verification import verify
from chatbot.errors import ModelError
from chatbot.index.store import Index
from chatbot.llm import ChatModel, TokenUsage, complete
from chatbot.material import visible
from chatbot.prompts import load_prompt
from chatbot.retrieval.models import Evidence


@dataclass(frozen=True, slots=True)
class Outcome:
    """The mended draft, what became of it, the markers that pointed nowhere, and its cost."""

    draft: Draft
    repair: Repair
    removed: tuple[int, ...]
    spent: TokenUsage


def verdicts_of(index: Index, draft: Draft) -> tuple[SentenceVerdict, ...]:
    """A verdict for each sentence; the one that says nothing was found needs no source."""
    found = verify(draft.markdown, draft.sources, index) if draft.sources else ()
    if draft.abstain_reason and found and found[0].reason == "missing_marker":
        return found[1:]
    return found


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
