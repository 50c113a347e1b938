"""Claims held against the sections they cite: the quote that bears each out, and a verdict.

Has it a marker; are its numbers there, as values, and do they belong to what it says they do; are
its names there; does it say the opposite; is its wording grounded, and not better in another
section of the paper. No model is asked. `docs/answers.md` has what is caught of planted errors and
how often a true sentence is accused: what needs understanding is left to a judge.
"""

import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace
from functools import cached_property

from chatbot.index.reading import Index
from chatbot.reports.search_text import OF_THE_FIELD
from chatbot.text.markdown import Span, sentences
from chatbot.text.quantities import quantities
from chatbot.text.terms import content_terms, normalise, share
from chatbot.understanding.wording import language_of, names_in
from chatbot.verification.claims import Citation, Claim, Draft, Quote, claims_of, stated_in
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
    sources = {
        n: _Source(Ground(section, index.search_texts.get(section.paper_id)))
        for n, section in draft.sources.items()
    }
    papers = {section.paper_id for section in draft.sources.values()}
    known = [source.ground for source in sources.values()]
    named = {ground.section.name for ground in known}
    known += [
        Ground(section, index.search_texts.get(paper))
        for paper in papers & index.catalogue.by_id.keys()
        for section in (index.sections[row] for row in index.catalogue.by_id[paper].rows)
        if section.name not in named
    ]
    checked = draft.with_claims(lambda claim: _checked(claim, sources, known, index))
    return _with_abstention(checked)


def _with_abstention(draft: Draft) -> Draft:
    """The sentence that says that nothing was found needs no source."""
    first = next(iter(stated_in(draft.blocks)), None)
    if draft.abstain_reason is None or first is None or first.reason != "missing_marker":
        return draft
    lead = replace(first, kind="lead", supported=True, reason=None)
    return draft.with_claims(lambda claim: lead if claim is first else claim)


def citations_of(draft: Draft) -> tuple[Citation, ...]:
    """A citation for each source a verified draft cites, by number.

    It holds a quote for each sentence that cites it; a source that only a heading or a lead-in
    cites is quoted for that line.
    """
    stated: dict[int, dict[tuple[int, int], None]] = {}
    beside: dict[int, dict[tuple[int, int], None]] = {}
    for claim in claims_of(draft.blocks):
        for n, span in zip(claim.citations, claim.quotes, strict=False):
            (stated if claim.states else beside).setdefault(n, {})[span] = None
    quotes = {n: list(spans)[:1] for n, spans in beside.items()} | stated
    return tuple(
        Citation(
            n,
            section := draft.sources[n],
            tuple(Quote(section.text[first:last], first, last) for first, last in spans),
        )
        for n, spans in sorted(quotes.items())
    )


@dataclass(frozen=True)
class _Source:
    """A section that is cited, its sentences cut once for however many claims cite it."""

    ground: Ground

    @cached_property
    def _sentences(self) -> tuple[tuple[Span, frozenset[str]], ...]:
        cut = sentences(self.ground.section.text)
        return tuple((span, frozenset(content_terms(span.text))) for span in cut)

    def quote_for(self, claim: str) -> tuple[int, int]:
        """The span of the sentence that shares most terms with a claim, shorter ones first.

        Where none shares any it is the first; of a text without sentences it is all.
        """
        if not self._sentences:
            return 0, len(self.ground.section.text)
        wanted = frozenset(content_terms(claim))
        best, _ = max(self._sentences, key=lambda sentence: _overlap(wanted, sentence[1]))
        return best.start, best.end


def _overlap(wanted: frozenset[str], terms: frozenset[str]) -> float:
    return len(terms & wanted) / (len(terms) * len(wanted)) ** 0.5 if terms and wanted else 0.0


def _checked(
    claim: Claim, sources: Mapping[int, _Source], known: Collection[Ground], index: Index
) -> Claim:
    if claim.quotes:
        return claim
    numbers = tuple(n for n in claim.citations if n in sources)
    cited = tuple(sources[n].ground for n in numbers)
    reason = _reason(claim.text, cited, known, index) if claim.states else None
    quotes = tuple(sources[n].quote_for(claim.text) for n in numbers)
    return replace(claim, citations=numbers, quotes=quotes, supported=reason is None, reason=reason)


def _reason(
    text: str, cited: tuple[Ground, ...], known: Collection[Ground], index: Index
) -> str | None:
    """Why a sentence does not pass, if it does not."""
    if not cited:
        return None if _needs_no_source(text) else "missing_marker"
    if any(text in source.section.text for source in cited):
        return None  # word for word
    plain = text.replace("**", "")
    names = {source.section.name for source in cited}
    papers = {source.section.paper_id for source in cited}
    terms = () if _NOT_SAID.search(plain) else content_terms(plain)
    stated = _Stated(
        plain,
        language_of(plain) == "en",
        {term: index.lexical.idf(term) for term in terms},
        cited,
        tuple(s for s in known if s.section.paper_id in papers and s.section.name not in names),
    )
    return _objection(stated, index)


def _needs_no_source(text: str) -> bool:
    """Whether a sentence states nothing of a paper: a bare yes or no, or what is not said."""
    if quantities(text) or names_in(text):
        return False
    return bool(_BARE_ANSWER.fullmatch(text) or _NOT_SAID.search(text))


def _objection(claim: _Stated, index: Index) -> str | None:
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


def _absent_number(claim: _Stated) -> str | None:
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
                return name
    return None


def _opposite(claim: _Stated) -> str | None:
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


def _unbound_number(claim: _Stated, index: Index) -> str | None:
    if claim.is_english or not claim.weights:
        return None
    names = [(link.start, link.end) for link in index.catalogue.names.find(claim.text)]
    ids = [match.span() for match in _ARXIV_ID.finditer(claim.text)]
    held = [place for source in claim.cited for place in source.places]
    return number_of_something_else(places(claim.text, [*names, *ids]), held, index.lexical.idf)


def _better_sibling(claim: _Stated) -> str | None:
    """Another section of the same paper that holds clearly more of the claim's wording."""
    if not claim.is_comparable or len(claim.papers) > 1:
        return None
    shares = ((share(claim.weights, claim.terms_of(s)), s.section.key) for s in claim.siblings)
    best, key = max(shares, default=(0.0, ""))
    least = _BETTER_IN_ENGLISH if claim.is_english else _BETTER_ELSEWHERE
    return key if best - claim.held >= least else None


def _ungrounded(claim: _Stated) -> str | None:
    """Empty where too little of the wording is grounded."""
    least = _LEAST_IN_ENGLISH if claim.is_english else _LEAST_GROUNDED
    if len(claim.papers) > 1:
        least /= 2  # what several papers have in common is said in the words of none
    return "" if claim.is_comparable and claim.held < least else None


def _clauses(text: str) -> list[str]:
    return [clause for clause in re.split(r"[，,；;。]", text) if clause.strip()]
