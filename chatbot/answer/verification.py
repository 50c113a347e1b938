"""Deterministic checks of each sentence against the sections it cites.

Has it a marker; are its numbers there, as values, and do they belong to what it says they do; are
its names there; does it say the opposite; is its wording grounded, and not better in another
section of the paper. No model is asked. `docs/answers.md` has what is caught of planted errors and
how often a true sentence is accused: what needs understanding is left to a judge.
"""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from chatbot.answer.citations import claims
from chatbot.answer.markers import cited_numbers, without_markers
from chatbot.answer.models import SentenceVerdict
from chatbot.answer.polarity import direction_conflict, negation_conflict
from chatbot.answer.quantities import Quantity, quantities, spelt_quantities
from chatbot.answer.sentences import sentences
from chatbot.index.enrichment import OF_THE_FIELD, keywords_of, section_text_of
from chatbot.index.records import IndexedSection
from chatbot.index.store import Index
from chatbot.index.terms import bigrams, normalise, without_stop_words, words
from chatbot.retrieval.wording import language_of, names_in

_ARXIV_ID = re.compile(r"\b\d{4}\.\d{4,5}(?:v\d+)?\b")
_IS_NAME = re.compile(r"[A-Z0-9]")
_JOINTS = re.compile(r"[\s\-_–—·]+")
_CLAUSE = re.compile(r"[，,。；;：:！!？?\n（）()、]|\band\b|而|且")
_NOT_SAID = re.compile(
    r"(?:来源|报告|原文|摘要|文中|论文)[^，。；]{0,12}(?:没有|未|并未|并不)"
    r"(?:给出|提到|提及|说|写|列|报告|提供|明确|认为|包含|涉及)"
    r"|(?:不能|不可|无法|不宜)[^，。；]{0,8}(?:比较|相比|对比|排高下|排名)"
    r"|\b(?:sources?|reports?|digests?) (?:do|does|did)(?:n't| not) "
    r"(?:say|give|state|report|mention)"
    r"|\bnot (?:stated|reported|given|mentioned)\b|\b(?:cannot|can't|not) be compared\b",
    re.IGNORECASE,
)
_BARE_ANSWER = re.compile(
    r"(?:不?(?:是|会|能|对|需要|可以|一样)的?|有|没有|yes|no)[。.,，!！ ]*", re.IGNORECASE
)
# Shares of the claim's weight (idf). Found on the planted errors, see docs/answers.md.
_LEAST_GROUNDED = 0.25
_LEAST_IN_ENGLISH = 0.35
_BETTER_IN_ENGLISH = 0.08
_BETTER_ELSEWHERE = 0.05
_BETTER_BOUND = 0.25
_SAME_SENTENCE = 0.22
_FEWEST_TERMS = 4


@dataclass(frozen=True)
class _Source:
    """A section as claims are held against it."""

    section: IndexedSection

    @cached_property
    def text(self) -> str:
        return f"{self.section.text}\n{self.section.title}"

    @cached_property
    def plain(self) -> str:
        return normalise(self.text)

    @cached_property
    def numbers(self) -> tuple[Quantity, ...]:
        about = f"{self.section.paper_id}\n{self.section.date.isoformat()}"
        return (*quantities(self.text), *spelt_quantities(self.text), *quantities(about))

    @cached_property
    def squeezed(self) -> str:
        return _squeezed(f"{self.text}\n{self.section.paper_id}")

    @cached_property
    def sentences(self) -> tuple[tuple[str, frozenset[str]], ...]:
        return tuple((s.text, frozenset(_terms(s.text))) for s in sentences(self.section.text))


def verify(
    markdown: str, sources: Mapping[int, IndexedSection], index: Index
) -> tuple[SentenceVerdict, ...]:
    """A verdict for each sentence that states something.

    Reasons, the first that holds: ``missing_marker``; ``number_not_in_source: N``;
    ``name_not_in_source: NAME``; ``opposite_of_source: WORD``; ``number_of_something_else: N``;
    ``better_in_section: KEY``; ``wording_not_in_source``.
    """
    cited = {n: _Source(section) for n, section in sources.items()}
    return tuple(_verdict(claim, cited, index) for claim in claims(markdown))


def _verdict(claim: str, sources: Mapping[int, _Source], index: Index) -> SentenceVerdict:
    numbers = tuple(n for n in cited_numbers(claim) if n in sources)
    text = without_markers(claim).strip()
    if not numbers and _needs_no_source(text):
        return SentenceVerdict(text, numbers, supported=True)
    if not numbers:
        return SentenceVerdict(text, numbers, supported=False, reason="missing_marker")
    reason = _objection(text, [sources[n] for n in numbers], index)
    return SentenceVerdict(text, numbers, supported=reason is None, reason=reason)


def _needs_no_source(text: str) -> bool:
    """Whether a sentence states nothing of a paper: a bare yes or no, or what is not said."""
    if quantities(text) or names_in(text):
        return False
    return bool(_BARE_ANSWER.fullmatch(text) or _NOT_SAID.search(text))


def _objection(text: str, cited: Sequence[_Source], index: Index) -> str | None:
    """Why a claim is not borne out by the sections it cites, if it is not."""
    if any(text in source.section.text for source in cited):
        return None  # word for word
    weights = {term: index.lexical.idf(term) for term in _terms(text)}
    if _NOT_SAID.search(text):
        # That something is not said is in no words of the source: only numbers and names can be.
        weights = {}
    objections: tuple[tuple[str, Callable[[], str | None]], ...] = (
        ("number_not_in_source", lambda: _absent_number(text, cited)),
        ("name_not_in_source", lambda: _absent_name(text, cited, index)),
        ("opposite_of_source", lambda: _opposite(text, weights, cited) if weights else None),
        (
            "number_of_something_else",
            lambda: _unbound_number(text, cited, index) if weights else None,
        ),
        ("better_in_section", lambda: _better_sibling(text, weights, cited, index)),
        ("wording_not_in_source", lambda: _ungrounded(text, weights, cited, index)),
    )
    for reason, find in objections:
        if (what := find()) is not None:
            return f"{reason}: {what}" if what else reason
    return None


def _absent_number(text: str, cited: Iterable[_Source]) -> str | None:
    held = [number for source in cited for number in source.numbers]
    for quantity in quantities(text):
        if not any(quantity.agrees(other) for other in held) and not any(
            # A size may stand in a name there: "Qwen3-4B".
            quantity.text[-1].isalpha()
            and re.search(rf"(?<![\d.]){re.escape(quantity.text)}(?![a-z0-9])", source.plain)
            for source in cited
        ):
            return quantity.text
    return None


def _absent_name(text: str, cited: Sequence[_Source], index: Index) -> str | None:
    """A name that none of the sections holds and that is not what their papers are called."""
    own = {source.section.paper_id for source in cited}
    called = "".join(
        _squeezed(text[link.start : link.end])
        for link in index.catalogue.names.find(text)
        if own & {*link.papers}
    )
    held = [called, *(source.squeezed for source in cited)]
    for name in names_in(text):
        if normalise(name) in OF_THE_FIELD:
            continue
        squeezed = _squeezed(name)
        forms = {squeezed, squeezed.removesuffix("s")}
        if not any(form in where for form in forms for where in held):
            parts = [_squeezed(part) for part in re.split(r"[-+]", name) if _IS_NAME.search(part)]
            if "-" not in name or not all(any(p in where for where in held) for p in parts):
                return name
    return None


def _opposite(text: str, weights: Mapping[str, float], cited: Sequence[_Source]) -> str | None:
    whole = "\n".join(source.section.text for source in cited)
    if (word := negation_conflict(text, whole)) is not None:
        return word
    for clause in _clauses(text):
        wanted = {term: weights.get(term, 0.0) for term in _terms(clause)}
        share, nearest = max(
            (
                (_share(wanted, terms), sentence)
                for source in cited
                for sentence, terms in source.sentences
            ),
            default=(0.0, ""),
        )
        if share >= _SAME_SENTENCE and (word := direction_conflict(clause, nearest)):
            return word
    return None


def _unbound_number(text: str, cited: Sequence[_Source], index: Index) -> str | None:
    """A number whose neighbours in the claim stand beside another number of the source."""
    if language_of(text) == "en":
        return None
    names = index.catalogue.names.find(text)
    bare = _ARXIV_ID.sub(" ", _blanked(text, [(name.start, name.end) for name in names]))
    for quantity, around in _surroundings(bare):
        wanted = {term: index.lexical.idf(term) for term in _terms(around)}
        if not wanted:
            continue
        own = other = 0.0
        for source in cited:
            for candidate, beside in _surroundings(source.section.text):
                share = _share(wanted, frozenset(_terms(beside)))
                if candidate.agrees(quantity):
                    own = max(own, share)
                elif candidate.readings[0].unit == quantity.readings[0].unit:
                    other = max(other, share)
        if other - own >= _BETTER_BOUND:
            return quantity.text
    return None


def _better_sibling(
    text: str, weights: Mapping[str, float], cited: Sequence[_Source], index: Index
) -> str | None:
    """Another section of the same paper that holds clearly more of the claim's wording."""
    comparable = _comparable(text, weights, cited, index)
    if comparable is None or len({source.section.paper_id for source in cited}) > 1:
        return None
    held = _share(weights, comparable)
    own = {source.section.name for source in cited}
    best, key = 0.0, ""
    for paper in {source.section.paper_id for source in cited}:
        for row in index.catalogue.by_id[paper].rows if paper in index.catalogue.by_id else ():
            sibling = index.sections[row]
            if sibling.name not in own:
                share = _share(weights, _terms_of(sibling, text, index))
                best, key = max((best, key), (share, sibling.key))
    least = _BETTER_IN_ENGLISH if language_of(text) == "en" else _BETTER_ELSEWHERE
    return key if best - held >= least else None


def _ungrounded(
    text: str, weights: Mapping[str, float], cited: Sequence[_Source], index: Index
) -> str | None:
    """Empty where too little of the wording is grounded."""
    comparable = _comparable(text, weights, cited, index)
    least = _LEAST_IN_ENGLISH if language_of(text) == "en" else _LEAST_GROUNDED
    if len({source.section.paper_id for source in cited}) > 1:
        least /= 2  # what several papers have in common is said in the words of none
    return "" if comparable is not None and _share(weights, comparable) < least else None


def _comparable(
    text: str, weights: Mapping[str, float], cited: Sequence[_Source], index: Index
) -> frozenset[str] | None:
    """The terms a claim's wording can be held against, or None where they would say nothing.

    The sections are Chinese, so an English claim needs what was written about them in English.
    """
    papers = {source.section.paper_id for source in cited}
    foreign = language_of(text) == "en" and not papers <= index.search_texts.keys()
    if foreign or len(weights) < _FEWEST_TERMS:
        return None
    return frozenset().union(*(_terms_of(source.section, text, index) for source in cited))


def _terms_of(section: IndexedSection, text: str, index: Index) -> frozenset[str]:
    """The terms of a section, and for an English claim those of its search text."""
    whole = f"{section.text}\n{section.title}"
    if language_of(text) == "en" and (written := index.search_texts.get(section.paper_id)):
        whole += f"\n{section_text_of(written, section.key)}\n{keywords_of(written)}"
    return frozenset(_terms(whole))


def _surroundings(text: str) -> list[tuple[Quantity, str]]:
    """Each number with what stands around it: its clause, and the clause before a bare one."""
    plain = normalise(text)
    cuts = [0, *(match.start() for match in _CLAUSE.finditer(plain)), len(plain)]
    found = []
    for quantity in quantities(text):
        place = max(i for i, cut in enumerate(cuts[:-1]) if cut <= quantity.start)
        first = max(0, place - 1)
        around = plain[cuts[first] : quantity.start] + " " + plain[quantity.end : cuts[place + 1]]
        found.append((quantity, around))
    return found


def _blanked(text: str, spans: Iterable[tuple[int, int]]) -> str:
    for start, end in spans:
        text = text[:start] + " " * (end - start) + text[end:]
    return text


def _clauses(text: str) -> list[str]:
    return [clause for clause in re.split(r"[，,；;。]", text) if clause.strip()]


def _share(weights: Mapping[str, float], terms: frozenset[str]) -> float:
    total = sum(weights.values())
    return sum(value for term, value in weights.items() if term in terms) / total if total else 0.0


def _squeezed(text: str) -> str:
    return _JOINTS.sub("", normalise(text))


def _terms(text: str) -> list[str]:
    return [*without_stop_words(words(text)), *bigrams(text)]
