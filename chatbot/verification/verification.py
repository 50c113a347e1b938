"""Claims held against the sections they cite: the quote that bears each out, and a verdict.

Has it a marker; are its numbers there, as values, and do they belong to what it says they do; are
its names there; does it say the opposite; is its wording grounded, and not better in another
section of the paper. No model is asked. `docs/answers.md` has what is caught of planted errors and
how often a true sentence is accused: what needs understanding is left to a judge.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from chatbot.index.reading import Index
from chatbot.index.sections import IndexedSection
from chatbot.reports.search_text import OF_THE_FIELD
from chatbot.text.markdown import Span
from chatbot.text.quantities import quantities
from chatbot.text.terms import content_terms, normalise, share
from chatbot.understanding.wording import language_of, names_in
from chatbot.verification.claims import Citation, Claim, Draft, claims_of, stated_in
from chatbot.verification.grounds import (
    Ground,
    direction_conflict,
    negation_conflict,
    number_of_something_else,
    places,
    squeezed,
)

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
class _Stated:
    """A sentence without its markers, its terms by rarity, and the sections it cites.

    One on what is not said has no terms: only its numbers and names can be in the source.
    """

    text: str
    is_english: bool
    weights: Mapping[str, float]
    cited: tuple[Ground, ...]

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


def verified(index: Index, draft: Draft) -> Draft:
    """The draft with a quote for each source a claim cites and a verdict on all it states.

    Numbers that stand for no source are left out. Quotes are what they are: a claim that has its
    quotes already is left as it is. Reasons, the first that holds: ``missing_marker``;
    ``number_not_in_source: N``; ``name_not_in_source: NAME``; ``opposite_of_source: WORD``;
    ``number_of_something_else: N``; ``better_in_section: KEY``; ``wording_not_in_source``.
    """
    claims = claims_of(draft.blocks)
    if all(claim.quotes or not (claim.states or claim.citations) for claim in claims):
        return draft

    def ground(section: IndexedSection) -> Ground:
        return Ground(section, index.search_texts.get(section.paper_id))

    sources = {n: ground(section) for n, section in draft.sources.items()}
    known = {source.section: source for source in sources.values()}
    for paper in {section.paper_id for section in draft.sources.values()}:
        for section in index.sections_of(paper):
            known.setdefault(section, ground(section))
    first = next(iter(stated_in(draft.blocks)), None)

    def checked(claim: Claim) -> Claim:
        if claim.quotes:
            return claim
        numbers = tuple(n for n in claim.citations if n in sources)
        cited = tuple(sources[n] for n in numbers)
        reason = _reason(claim.text, cited, known.values(), index) if claim.states else None
        if reason == "missing_marker" and draft.abstain_reason and claim is first:
            # The sentence that says that nothing was found needs no source.
            return replace(claim, kind="lead", citations=())
        quotes = tuple(source.quote_for(claim.text) for source in cited)
        return replace(
            claim, citations=numbers, quotes=quotes, supported=reason is None, reason=reason
        )

    return draft.with_claims(checked)


def citations_of(draft: Draft) -> tuple[Citation, ...]:
    """A citation for each source a verified draft cites, by number.

    It holds a quote for each sentence that cites it; a source that only a heading or a lead-in
    cites is quoted for that line.
    """
    quotes: dict[int, dict[tuple[int, int], None]] = {}
    for claim in sorted(claims_of(draft.blocks), key=lambda claim: not claim.states):
        for n, span in zip(claim.citations, claim.quotes, strict=False):
            if claim.states or n not in quotes:
                quotes.setdefault(n, {})[span] = None
    return tuple(
        Citation(
            n,
            section := draft.sources[n],
            tuple(Span(section.text[first:last], first, last) for first, last in spans),
        )
        for n, spans in sorted(quotes.items())
    )


def _reason(
    text: str, cited: tuple[Ground, ...], known: Iterable[Ground], index: Index
) -> str | None:
    if not cited:
        # A bare yes or no, and what is not said, state nothing of a paper.
        bare = _BARE_ANSWER.fullmatch(text) or _NOT_SAID.search(text)
        return None if bare and not quantities(text) and not names_in(text) else "missing_marker"
    if any(text in source.section.text for source in cited):
        return None  # word for word
    plain = text.replace("**", "")
    terms = () if _NOT_SAID.search(plain) else content_terms(plain)
    claim = _Stated(
        plain, language_of(plain) == "en", {term: index.lexical.idf(term) for term in terms}, cited
    )
    return (
        _absent_number(claim)
        or _absent_name(claim, index)
        or _opposite(claim)
        or _unbound_number(claim, index)
        or _better_section(claim, known)
        or _ungrounded(claim)
    )


def _absent_number(claim: _Stated) -> str | None:
    held = [number for source in claim.cited for number in source.numbers]
    for quantity in quantities(claim.text):
        if not any(quantity.agrees(other) for other in held) and not any(
            # A size may stand in a name there: "Qwen3-4B".
            quantity.text[-1].isalpha()
            and re.search(rf"(?<![\d.]){re.escape(quantity.text)}(?![a-z0-9])", source.plain)
            for source in claim.cited
        ):
            return f"number_not_in_source: {quantity.text}"
    return None


def _absent_name(claim: _Stated, index: Index) -> str | None:
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
                return f"name_not_in_source: {name}"
    return None


def _opposite(claim: _Stated) -> str | None:
    if not claim.weights:
        return None
    whole = "\n".join(source.section.text for source in claim.cited)
    if (word := negation_conflict(claim.text, whole)) is not None:
        return f"opposite_of_source: {word}"
    for clause in re.split(r"[，,；;。]", claim.text):
        wanted = {term: claim.weights.get(term, 0.0) for term in content_terms(clause)}
        closeness, nearest = max(
            (
                (share(wanted, terms), sentence.text)
                for source in claim.cited
                for sentence, terms in source.sentences
            ),
            default=(0.0, ""),
        )
        if closeness >= _SAME_SENTENCE and (word := direction_conflict(clause, nearest)):
            return f"opposite_of_source: {word}"
    return None


def _unbound_number(claim: _Stated, index: Index) -> str | None:
    if claim.is_english or not claim.weights:
        return None
    names = [(link.start, link.end) for link in index.catalogue.names.find(claim.text)]
    ids = [match.span() for match in _ARXIV_ID.finditer(claim.text)]
    held = [place for source in claim.cited for place in source.places]
    stated = places(claim.text, [*names, *ids])
    number = number_of_something_else(stated, held, index.lexical.idf)
    return number and f"number_of_something_else: {number}"


def _better_section(claim: _Stated, known: Iterable[Ground]) -> str | None:
    """Whether another section of the same paper holds clearly more of the claim's wording."""
    if not claim.is_comparable or len(claim.papers) > 1:
        return None
    own = (source for source in known if source.section.paper_id in claim.papers)
    shares = ((share(claim.weights, claim.terms_of(s)), s.section.key) for s in own)
    best, key = max(shares, default=(0.0, ""))
    least = _BETTER_IN_ENGLISH if claim.is_english else _BETTER_ELSEWHERE
    return f"better_in_section: {key}" if best - claim.held >= least else None


def _ungrounded(claim: _Stated) -> str | None:
    least = _LEAST_IN_ENGLISH if claim.is_english else _LEAST_GROUNDED
    if len(claim.papers) > 1:
        least /= 2  # what several papers have in common is said in the words of none
    return "wording_not_in_source" if claim.is_comparable and claim.held < least else None
