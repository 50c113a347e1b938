"""What the verifier catches of planted errors, and how often it accuses a true claim."""

import json
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from chatbot.files import json_lines
from chatbot.index.reading import Index
from chatbot.index.sections import IndexedSection
from chatbot.text.markdown import sentences
from chatbot.understanding.models import Language
from chatbot.verification.claims import Draft, read_blocks, stated_in
from chatbot.verification.verification import verified
from evals.items import DATASETS, Item
from evals.mutators import HARMLESS, MUTATORS, CitedClaim
from evals.statistics import Estimate, bootstrap

UNTOUCHED = "untouched (false alarms)"
_BARE = 4
_ONE_ANSWER = {"fact", "numeric", "english", "followup", "comparison"}


@dataclass(frozen=True, slots=True)
class Caught:
    """The share of claims with one kind of error that the verifier objects to."""

    kind: str
    share: Estimate


def true_claims(index: Index, items: Sequence[Item], language: Language) -> list[CitedClaim]:
    """True claims in one language: the gold answers' sentences, and the paraphrases of sections.

    A bare "不用。" is left out: alone it says nothing of a paper, whichever it cites.
    """
    by_name = {section.name: section for section in index.sections}
    claims = [
        CitedClaim(span.text, tuple(by_name[name] for name in item.sections))
        for item in items
        if item.type in _ONE_ANSWER and item.lang == language and item.sections
        for span in sentences(item.answer)
        if len(span.text) > _BARE
    ]
    for _, line in json_lines((DATASETS / "claims.jsonl").read_text(encoding="utf-8")):
        row = json.loads(line)
        if row["lang"] == language:
            claims.append(CitedClaim(row["text"], (by_name[row["section"]],)))
    return claims


def accused(index: Index, claim: CitedClaim) -> bool:
    """Whether the verifier objects to any sentence of the claim."""
    sources: Mapping[int, IndexedSection] = dict(enumerate(claim.sections, 1))
    draft = verified(index, Draft(read_blocks(claim.markdown), sources))
    return any(not stated.supported for stated in stated_in(draft.blocks))


def caught(index: Index, claims: Sequence[CitedClaim], *, seed: int = 0) -> list[Caught]:
    """False alarms on the claims as they are, then what is caught of each kind of planted error.

    Claims on one paper are drawn together for the intervals.
    """
    table = [_measured(index, UNTOUCHED, claims)]
    harmless = {f"{kind} (false alarms)": mutate for kind, mutate in HARMLESS.items()}
    for kind, mutate in {**harmless, **MUTATORS}.items():
        drawn = random.Random(seed)  # noqa: S311 - errors to plant, not a secret
        planted = [false for claim in claims if (false := mutate(claim, claims, drawn))]
        table.append(_measured(index, kind, planted))
    return table


def _measured(index: Index, kind: str, claims: Sequence[CitedClaim]) -> Caught:
    values = [float(accused(index, claim)) for claim in claims]
    return Caught(kind, bootstrap(values, [claim.sections[0].paper_id for claim in claims]))
