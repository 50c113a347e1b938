"""The answer without a model: sentences of the sections found, verbatim and in reading order."""

import math
import re
import textwrap
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import groupby

import numpy as np
from numpy.typing import NDArray

from chatbot.answering.comparison import cells
from chatbot.answering.models import TEXTS, in_order, line_of, list_of, table_of
from chatbot.answering.refusal import refusal_of
from chatbot.answering.sentence_ranking import Asked, Sentence, in_reading_order, ranked_sentences
from chatbot.index.entity_linking import LATIN_NAME
from chatbot.index.reading import Index
from chatbot.index.sections import IndexedSection
from chatbot.retrieval.mentions import term_pattern
from chatbot.retrieval.models import Evidence, Hit
from chatbot.understanding.models import Query
from chatbot.understanding.wording import names_in
from chatbot.verification.claims import Block, Claim, ClaimKind, Draft, escape_markers

_LONGEST = 36
# What a paper works with or is held against is not what it is called.
_OTHERS = re.compile(r"(?:基于|[使采利]用|借助|[相对]比|优于|超越|如)\W*$")


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


@dataclass(frozen=True, slots=True)
class _Breadth:
    """How much an answer draws on.

    Papers at most, and how close to the best one a further one must score; from each the sentences
    that hold the answer with this probability, but no more of them and of their characters.
    """

    papers: int
    closeness: float
    probability: float
    sentences: int
    characters: int


_LOOKUP = _Breadth(papers=2, closeness=0.85, probability=0.69, sentences=10, characters=600)
_LISTED = _Breadth(papers=200, closeness=0.0, probability=0.0, sentences=1, characters=200)
_WHOLE = _Breadth(papers=1, closeness=0.0, probability=1.0, sentences=12, characters=1_000)
_NEAREST = _Breadth(papers=1, closeness=0.0, probability=0.6, sentences=2, characters=300)
# Of another paper on the same system, so much beside: it may say otherwise.
_BESIDE = _Breadth(papers=1, closeness=0.0, probability=0.6, sentences=3, characters=300)
_MOST_COMPARED = 8


def extract(index: Index, evidence: Evidence, weights: NDArray[np.float64] | None = None) -> Draft:
    """Draft an answer of verbatim sentences; a section's number is its place among those quoted.

    `weights` are those of `sentence_ranking`, the shipped ones by default.
    """
    query = evidence.query
    wording = TEXTS[query.language]
    if not evidence.hits:
        return Draft((line_of(wording["nothing"]),), {}, abstain_reason="not_in_corpus")
    if query.intent == "compare":
        return _comparison(index, evidence)
    breadth = _LISTED if query.intent in {"list", "overview"} else _LOOKUP
    if _is_whole(evidence):
        breadth = _WHOLE
    asked = Asked.of(index, query.focus)
    found = _papers(_asked_for(evidence), breadth.papers, breadth.closeness)
    groups = list(map(partial(ranked_sentences, asked, weights=weights), found))
    namesake = _namesake(index, evidence, found)
    refusal = refusal_of(index, evidence, has_namesake=namesake is not None)
    if refusal == "off_topic":
        return Draft((line_of(wording["off_topic"]),), {}, abstain_reason="off_topic")
    if refusal:
        # What is nearest is told briefly: it is no answer.
        groups, breadth = groups[:1], _NEAREST
    chosen: list[Sentence] = []
    # Of a list, the sentences that hold what it was made by.
    terms = [term_pattern(term) for term in evidence.coverage.terms] if evidence.coverage else []
    for ranked in groups:
        holding = [s for s in ranked if any(term.search(s.span.text) for term in terms)]
        chosen += _choose(holding or ranked, breadth)
    beside: list[Sentence] = []
    if namesake is not None and refusal is None:
        beside = _choose(ranked_sentences(asked, namesake, weights), _BESIDE)
    draft = _write(index, query, chosen, beside)
    if refusal is None:
        return draft
    blocks = in_order([line_of(wording[refusal]), *draft.blocks])
    return replace(draft, blocks=blocks, abstain_reason=refusal)


def _comparison(index: Index, evidence: Evidence) -> Draft:
    """A table: a row a paper, a column an aspect, in each cell sentences or that there are none."""
    query = evidence.query
    texts, found = TEXTS[query.language], _papers(evidence.hits, _MOST_COMPARED)
    chosen = [cells(index, evidence, hits) for hits in found]
    sources = _numbered(sentence for row in chosen for cell in row for sentence in cell)
    heads = [texts["paper"], *(query.columns or (texts["asked"],))]
    rows = [[[Claim(head, "heading")] for head in heads]]
    for hits, row in zip(found, chosen, strict=True):
        paper = f"**{full_name(index, hits[0].section)}**（{hits[0].section.date.isoformat()}）"
        empty = [Claim(texts["no_cell"], "cell")]
        rows.append(
            [[Claim(paper, "heading")], *(_quotes(cell, sources, "cell") or empty for cell in row)]
        )
    return Draft((table_of(rows),), sources)


def _asked_for(evidence: Evidence) -> Sequence[Hit]:
    """The hits; where all of a section is asked for, or only what a paper is, those that say so."""
    query = evidence.query
    if _is_whole(evidence):
        return [hit for hit in evidence.hits if hit.section.key in query.whole]
    summing_up = [hit for hit in evidence.hits if hit.section.key == "contribution"]
    only = query.intent == "lookup" and query.aspects == ("contribution",)
    return summing_up if only and summing_up else evidence.hits


def _is_whole(evidence: Evidence) -> bool:
    """Whether all of some section of the paper found first is asked for, and is at hand."""
    query, first = evidence.query, evidence.hits[0].section
    return query.intent == "lookup" and first.key in query.whole and first.paper_id in query.papers


def _papers(hits: Sequence[Hit], most: int, closeness: float = 0.0) -> list[list[Hit]]:
    """The hits of each paper, as one report has it, worth quoting, best paper first.

    A further paper must score as close to the best as `closeness`, 0 to 1.
    """
    least = closeness * hits[0].score
    by_paper: dict[tuple[str, str], list[Hit]] = {}
    for hit in hits:
        by_paper.setdefault((hit.section.paper_id, hit.section.report), []).append(hit)
    near = [group for group in by_paper.values() if group[0].score >= least]
    return near[:most]


def _namesake(
    index: Index, evidence: Evidence, shown: Sequence[Sequence[Hit]]
) -> Sequence[Hit] | None:
    """The hits of another paper whose title names the system of the one shown, or the reverse.

    Both are given: which of them the reader means, or which is right, the words do not tell.
    """
    if evidence.query.intent != "lookup" or len(shown) > 1:
        return None
    first = shown[0][0].section
    named = _named_in(index, first.title)
    for hits in _papers(evidence.hits, _MOST_COMPARED):
        other = hits[0].section
        if other.paper_id != first.paper_id and (
            other.paper_id in named or first.paper_id in _named_in(index, other.title)
        ):
            return hits
    return None


def _named_in(index: Index, title: str) -> frozenset[str]:
    links = (link for name in names_in(title) for link in index.catalogue.names.find(name))
    return frozenset(paper for link in links for paper in link.papers)


def _choose(ranked: Sequence[Sentence], breadth: _Breadth) -> list[Sentence]:
    """The likeliest sentences for their length, in reading order, until they likely answer."""
    chosen: list[Sentence] = []
    likely, characters = 0.0, 0
    for sentence in sorted(ranked, key=lambda s: -s.likely / math.sqrt(len(s.span.text))):
        length = len(sentence.span.text)
        if chosen and characters + length > breadth.characters:
            continue
        chosen.append(sentence)
        likely, characters = likely + sentence.likely, characters + length
        if likely >= breadth.probability or len(chosen) == breadth.sentences:
            break
    return in_reading_order(chosen)


def _write(
    index: Index, query: Query, chosen: Sequence[Sentence], beside: Sequence[Sentence] = ()
) -> Draft:
    """The sentences under their papers' names; those `beside` after a line that says why."""
    sources = _numbered([*chosen, *beside])
    blocks = list(_by_paper(index, query, chosen, sources))
    if beside:
        blocks.append(line_of(TEXTS[query.language]["namesake"]))
        blocks += _by_paper(index, query, beside, sources)
    # For a reader of English, what the index says of each section quoted.
    for n, section in sources.items() if query.language == "en" else ():
        written = index.search_texts.get(section.paper_id)
        text = written.sections.get(section.key) if written else None
        if text and text.en:
            blocks.append(line_of(f"*Section {n}, machine-written: {text.en.replace('*', '')}*"))
    return Draft(in_order(blocks), sources)


def _by_paper(
    index: Index, query: Query, chosen: Sequence[Sentence], sources: Mapping[int, IndexedSection]
) -> Iterator[Block]:
    """Each paper's name and day, and its sentences as a list."""
    listing = query.intent == "list"
    for (paper, _), quoted in groupby(chosen, lambda s: (s.section.paper_id, s.section.report)):
        own = list(quoted)
        section = own[0].section
        name = full_name(index, section) if listing else short_name(section)
        about = f"{paper} · " if listing else ""
        yield line_of(f"**{name}**（{about}{section.date.isoformat()}）")
        yield list_of(_quotes(own, sources, "item"))


def _numbered(chosen: Iterable[Sentence]) -> dict[int, IndexedSection]:
    return dict(enumerate(dict.fromkeys(sentence.section for sentence in chosen), 1))


def _quotes(
    chosen: Iterable[Sentence], sources: Mapping[int, IndexedSection], kind: ClaimKind
) -> list[Claim]:
    """Sentences as claims that are borne out by what they quote: themselves."""
    numbers, claims = {section: n for n, section in sources.items()}, []
    for sentence in chosen:
        span, text = sentence.span, escape_markers(sentence.span.text)
        # Emphasis that the cut left open is dropped.
        shown = text.replace("**", "") if text.count("**") % 2 else text
        cited = (numbers[sentence.section],)
        claims.append(Claim(shown, kind, cited, ((span.start, span.end),)))
    return claims
