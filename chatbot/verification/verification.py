"""Deterministic checks of each sentence against the sections it cites.

Has it a marker; are its numbers there, as values, and do they belong to what it says they do; are
its names there; does it say the opposite; is its wording grounded, and not better in another
section of the paper. No model is asked. `docs/answers.md` has what is caught of planted errors and
how often a true sentence is accused: what needs understanding is left to a judge.
"""

import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass

from chatbot.index.reading import Index
from chatbot.index.sections import IndexedSection
from chatbot.reports.search_text import OF_THE_FIELD
from chatbot.text.quantities import quantities
from chatbot.text.terms import content_terms, normalise, share
from chatbot.understanding.wording import language_of, names_in
from chatbot.verification.attribution import (
    cited_numbers,
    claims,
    without_markers,
)
from chatbot.verification.grounds import (
    Ground,
    direction_conflict,
    negation_conflict,
    number_of_something_else,
    places,
    squeezed,
)
from chatbot.verification.models import Draft, SentenceVerdict

_ARXIV_ID = re.compile(r"\b\d{4}\.\d{4,5}(?:v\d+)?\b")
_IS_NAME = re.compile(r"[A-Z0-9]")
_NOT_SAID = re.compile(
    r"(?:来源|报告|原文|摘要|文中|论文)[^，。；]{0,12}(?:没有|[未不])[给提说写列报明认包涉]"
    r"|[不无][能可法宜][^，。；]{0,8}(?:比较|[相对]比|排[高名])"
    r"|\b(?:source|report|digest)s? d(?:o|oes|id)(?:n't| not) (?:say|give|state|report|mention)"
    r"|\bnot (?:stated|reported|given|mentioned)\b|\b(?:cannot|can't|not) be compared\b",
    re.IGNORECASE,
)
_BARE_ANSWER = re.compile(
    r"(?:不?(?:[是会能对]|需要|[可一][以样])的?|没?有|yes|no)[。.,，!！ ]*", re.I
)
# Shares of the claim's weight (idf). Found on the planted errors, see docs/answers.md.
_LEAST_GROUNDED = 0.25
_LEAST_IN_ENGLISH = 0.35
_BETTER_IN_ENGLISH = 0.08
_BETTER_ELSEWHERE = 0.05
_SAME_SENTENCE = 0.22
_FEWEST_TERMS = 4


@dataclass(frozen=True, slots=True)
class _Claim:
    """A sentence without its markers, the sections it cites, and all others of their papers.

    `weights` are its terms by rarity; none for a sentence on what is not said, which is in no words
    of the source: only its numbers and names can be.
    """

    text: str
    is_english: bool
    weights: Mapping[str, float]
    cited: tuple[Ground, ...]
    siblings: tuple[Ground, ...]

    @property
    def papers(self) -> frozenset[str]:
        return frozenset(source.section.paper_id for source in self.cited)

    @property
    def is_comparable(self) -> bool:
        """Whether its wording says anything.

        The sections are Chinese, so an English claim needs what was written about them in English.
        """
        foreign = self.is_english and any(source.written is None for source in self.cited)
        return not foreign and len(self.weights) >= _FEWEST_TERMS

    @property
    def held(self) -> float:
        """The share of its wording that the sections cited hold, 0 to 1."""
        return share(self.weights, frozenset().union(*map(self.terms_of, self.cited)))

    def terms_of(self, source: Ground) -> frozenset[str]:
        return source.english if self.is_english else source.chinese


def verify(
    markdown: str, sources: Mapping[int, IndexedSection], index: Index
) -> tuple[SentenceVerdict, ...]:
    """A verdict for each sentence that states something.

    Reasons, the first that holds: ``missing_marker``; ``number_not_in_source: N``;
    ``name_not_in_source: NAME``; ``opposite_of_source: WORD``; ``number_of_something_else: N``;
    ``better_in_section: KEY``; ``wording_not_in_source``.
    """
    cited = {n: Ground(s, index.search_texts.get(s.paper_id)) for n, s in sources.items()}
    by_name = {source.section.name: source for source in cited.values()}
    for paper in {section.paper_id for section in sources.values()} & index.catalogue.by_id.keys():
        for section in (index.sections[row] for row in index.catalogue.by_id[paper].rows):
            by_name.setdefault(section.name, Ground(section, index.search_texts.get(paper)))
    return tuple(_verdict(claim, cited, by_name.values(), index) for claim in claims(markdown))


def _verdict(
    claim: str, sources: Mapping[int, Ground], known: Collection[Ground], index: Index
) -> SentenceVerdict:
    numbers = tuple(n for n in cited_numbers(claim) if n in sources)
    text = without_markers(claim).strip()
    if not numbers and _needs_no_source(text):
        return SentenceVerdict(text, numbers, supported=True)
    if not numbers:
        return SentenceVerdict(text, numbers, supported=False, reason="missing_marker")
    cited = tuple(sources[n] for n in numbers)
    if any(text in source.section.text for source in cited):
        return SentenceVerdict(text, numbers, supported=True)  # word for word
    plain = text.replace("**", "")
    names = {source.section.name for source in cited}
    papers = {source.section.paper_id for source in cited}
    reason = _objection(
        _Claim(
            plain,
            language_of(plain) == "en",
            {}
            if _NOT_SAID.search(plain)
            else {t: index.lexical.idf(t) for t in content_terms(plain)},
            cited,
            tuple(s for s in known if s.section.paper_id in papers and s.section.name not in names),
        ),
        index,
    )
    return SentenceVerdict(text, numbers, supported=reason is None, reason=reason)


def _needs_no_source(text: str) -> bool:
    """Whether a sentence states nothing of a paper: a bare yes or no, or what is not said."""
    if quantities(text) or names_in(text):
        return False
    return bool(_BARE_ANSWER.fullmatch(text) or _NOT_SAID.search(text))


def _objection(claim: _Claim, index: Index) -> str | None:
    """Why a claim is not borne out by the sections it cites, if it is not."""
    objections: tuple[tuple[str, Callable[[], str | None]], ...] = (
        ("number_not_in_source", lambda: _absent_number(claim)),
        ("name_not_in_source", lambda: _absent_name(claim, index)),
        ("opposite_of_source", lambda: _opposite(claim)),
        ("number_of_something_else", lambda: _unbound_number(claim, index)),
        ("better_in_section", lambda: _better_sibling(claim)),
        ("wording_not_in_source", lambda: _ungrounded(claim)),
    )
    for reason, find in objections:
        if (what := find()) is not None:
            return f"{reason}: {what}" if what else reason
    return None


def _absent_number(claim: _Claim) -> str | None:
    held = [number for source in claim.cited for number in source.numbers]
    for quantity in quantities(claim.text):
        if not any(quantity.agrees(other) for other in held) and not any(
            # A size may stand in a name there: "Qwen3-4B".
            quantity.text[-1].isalpha()
            and re.search(rf"(?<![\d.]){re.escape(quantity.text)}(?![a-z0-9])", source.plain)
            for source in claim.cited
        ):
            return quantity.text
    return None


def _absent_name(claim: _Claim, index: Index) -> str | None:
    """A name that none of the sections holds and that is not what their papers are called."""
    called = "".join(
        squeezed(claim.text[link.start : link.end])
        for link in index.catalogue.names.find(claim.text)
        if claim.papers & {*link.papers}
    )
    held = [called, *(source.squeezed for source in claim.cited)]
    for name in names_in(claim.text):
        if normalise(name) in OF_THE_FIELD:
            continue
        form = squeezed(name)
        forms = {form, form.removesuffix("s")}
        if not any(f in where for f in forms for where in held):
            parts = [squeezed(part) for part in re.split(r"[-+]", name) if _IS_NAME.search(part)]
            if "-" not in name or not all(any(p in where for where in held) for p in parts):
                return name
    return None


def _opposite(claim: _Claim) -> str | None:
    if not claim.weights:
        return None
    whole = "\n".join(source.section.text for source in claim.cited)
    if (word := negation_conflict(claim.text, whole)) is not None:
        return word
    for clause in _clauses(claim.text):
        wanted = {term: claim.weights.get(term, 0.0) for term in content_terms(clause)}
        closeness, nearest = max(
            (
                (share(wanted, terms), sentence)
                for source in claim.cited
                for sentence, terms in source.sentences
            ),
            default=(0.0, ""),
        )
        if closeness >= _SAME_SENTENCE and (word := direction_conflict(clause, nearest)):
            return word
    return None


def _unbound_number(claim: _Claim, index: Index) -> str | None:
    if claim.is_english or not claim.weights:
        return None
    names = [(link.start, link.end) for link in index.catalogue.names.find(claim.text)]
    ids = [match.span() for match in _ARXIV_ID.finditer(claim.text)]
    held = [place for source in claim.cited for place in source.places]
    return number_of_something_else(places(claim.text, [*names, *ids]), held, index.lexical.idf)


def _better_sibling(claim: _Claim) -> str | None:
    """Another section of the same paper that holds clearly more of the claim's wording."""
    if not claim.is_comparable or len(claim.papers) > 1:
        return None
    shares = ((share(claim.weights, claim.terms_of(s)), s.section.key) for s in claim.siblings)
    best, key = max(shares, default=(0.0, ""))
    least = _BETTER_IN_ENGLISH if claim.is_english else _BETTER_ELSEWHERE
    return key if best - claim.held >= least else None


def _ungrounded(claim: _Claim) -> str | None:
    """Empty where too little of the wording is grounded."""
    least = _LEAST_IN_ENGLISH if claim.is_english else _LEAST_GROUNDED
    if len(claim.papers) > 1:
        least /= 2  # what several papers have in common is said in the words of none
    return "" if claim.is_comparable and claim.held < least else None


def _clauses(text: str) -> list[str]:
    return [clause for clause in re.split(r"[，,；;。]", text) if clause.strip()]


def verdicts_of(index: Index, draft: Draft) -> tuple[SentenceVerdict, ...]:
    """A verdict for each sentence; the one that says nothing was found needs no source."""
    found = verify(draft.markdown, draft.sources, index) if draft.sources else ()
    if draft.abstain_reason and found and found[0].reason == "missing_marker":
        return found[1:]
    return found
