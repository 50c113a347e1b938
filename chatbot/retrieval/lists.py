"""Lists and overviews: which papers, by name, by topic, or from the records.

"哪些论文用了 LoRA", "which papers are about video", "今天有什么值得看".
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import replace

import numpy as np

from chatbot.index.lexical import Scope
from chatbot.index.reading import READ_ABSTRACT_ONLY, Index, PaperRecord
from chatbot.reports.parsing import SECTION_KEYS, SectionKey
from chatbot.retrieval.mentions import COMMON, HEADS, Listed, mentioning, term_pattern, terms_of
from chatbot.retrieval.models import Coverage, Hit, ListBy
from chatbot.retrieval.ranking import Array, Weights, score, signals_of
from chatbot.text.terms import without_stop_words, words
from chatbot.understanding.criteria import GENERIC
from chatbot.understanding.models import Query

_KINDS = {
    "benchmark": r"基准|benchmark|[A-Za-z]Bench\b|评测集|测试平台|竞技场|沙箱|\bEvaluation Suite",
    "dataset": r"数据集|语料|dataset|corpus",
    "framework": r"框架|framework",
    "toolkit": r"工具包|toolkit",
}
_KIND_OF = {
    **dict.fromkeys(("评测基准", "基准", "评测集", "测试集", "benchmark"), "benchmark"),
    **dict.fromkeys(("数据集", "语料库", "语料", "data set", "corpus", "dataset"), "dataset"),
    **dict.fromkeys(("框架", "framework"), "framework"),
    **dict.fromkeys(("工具包", "toolkit"), "toolkit"),
}
_NEW = r"(?:[提推]出|[构自新创]建|建立|[发颁]布|开发|首个|设计|引入|打造)[了出]?[^。；\n，]{0,28}?"
_DENIED = re.compile(r"未|没有|无法|不(?:提供|开源|公开|需)|\b(?:not|no)\b")
# Papers found by ranking alone are listed down to this share of the best score.
_CUT = 0.6
# No list is asked by more alternatives.
_MOST_PIECES = 40
_MOST_RANKED = 12


def papers_introducing(
    index: Index, scope: Scope, named: str
) -> tuple[tuple[Listed, ...], Coverage]:
    """The papers that bring a new benchmark, data set, …, by what it is called."""
    kind = _KINDS[_KIND_OF[named]]
    pattern, title = re.compile(f"{_NEW}(?:{kind})", re.IGNORECASE), re.compile(kind, re.IGNORECASE)
    listed = []
    said = re.sub(r"\[A-Za-z\]|\\b", "", kind).split("|")
    for paper in _likely(index, scope, [[said]], inside=True):
        rows = {index.section(row).key: row for row in paper.rows}
        found = [
            rows[key]
            for key in ("contribution", "innovations")
            if key in rows and pattern.search(index.section(rows[key]).text)
        ]
        if found or (title.search(paper.title) and rows):
            first = found or [rows.get("contribution", paper.rows[0])]
            listed.append(Listed(paper, tuple(first), 1.0 + 0.5 * ("contribution" in rows)))
    return tuple(listed), Coverage("topic", index.catalogue.count(scope), len(listed), (named,))


def narrowed(index: Index, query: Query, listed: Sequence[Listed]) -> tuple[Listed, ...]:
    """Of listed papers those whose head says what else is asked; all where none says any of it.

    "哪些论文用强化学习做 GUI 智能体": made by GUI, narrowed to 强化学习. What no head of
    them says does not narrow.
    """
    english = query.language == "en"
    kept = list(listed)
    for piece in query.criteria.beside:
        said = _either_language(index, piece) if english else [re.compile(re.escape(piece), re.I)]
        saying = [entry for entry in kept if _all_in(_head_of(index, entry.paper)[1], said)]
        if 0 < len(saying) < len(kept):
            kept = saying
    return tuple(kept)


def _head_of(
    index: Index, paper: PaperRecord, keys: Sequence[SectionKey] = HEADS
) -> tuple[list[int], str]:
    """A paper's rows of these kinds, and their texts after its title and keywords."""
    rows = [row for row in paper.rows if index.section(row).key in keys]
    return rows, "\n".join([index.head_of(paper), *(index.section(row).text for row in rows)])


def _all_in(text: str, patterns: Sequence[re.Pattern[str]]) -> bool:
    return bool(patterns) and all(pattern.search(text) for pattern in patterns)


def papers_about(
    index: Index, query: Query, scope: Scope, topic: Sequence[str]
) -> tuple[Listed, ...]:
    """The papers whose title, field, contribution or keywords hold a topic in these very words."""
    patterns = [term_pattern(piece) for piece in topic]
    words_of = [_either_language(index, piece) for piece in topic if query.language == "en"]
    only_field = query.criteria.field_only
    listed = []
    worded = [_worded(index, piece) for piece in topic if query.language == "en"]
    for paper in _likely(index, scope, [[topic], *filter(None, worded)]):
        rows, head = _head_of(index, paper, ("field",) if only_field else HEADS)
        found = [row for row in rows if any(p.search(index.section(row).text) for p in patterns)]
        in_title = not only_field and any(p.search(index.head_of(paper)) for p in patterns)
        if found or in_title or any(_all_in(head, asked) for asked in words_of):
            listed.append(Listed(paper, tuple(found or rows[:1] or paper.rows[:1]), 1.0))
    return tuple(listed) if only_field or _tells_apart(index, query, listed, scope) else ()


def _tells_apart(index: Index, query: Query, listed: Sequence[Listed], scope: Scope) -> bool:
    """Whether the papers are few enough to be what was asked for; of given papers all may be."""
    return bool(query.filters.papers) or len(listed) <= COMMON * index.catalogue.count(scope)


def _likely(
    index: Index,
    scope: Scope,
    alternatives: Iterable[Sequence[Iterable[str]]],
    *,
    inside: bool = False,
) -> list[PaperRecord]:
    """The papers of a scope, in order, that may hold what one of these alternatives asks for.

    An alternative asks for one text of each of its groups.
    """
    found = set[int]()
    for groups in alternatives:
        held = [
            frozenset[int]().union(*(index.lexical.holding(t, scope, inside=inside) for t in texts))
            for texts in groups or [[""]]
        ]
        found |= frozenset.intersection(*held)
    return index.catalogue.of_numbers(found)


def rows_in(index: Index, paper: PaperRecord, scope: Scope) -> list[int]:
    """The rows of a paper that are of the kinds of a scope."""
    keys = {SECTION_KEYS[place] for place in scope.keys} or {*SECTION_KEYS}
    return [row for row in paper.rows if index.section(row).key in keys]


def _worded(index: Index, phrase: str) -> list[list[str]]:
    """The words of an English phrase, each with what the glossary has for it."""
    said = (word for word in phrase.split() if word.lower() not in GENERIC)
    return [[word, *index.glossary.translate(word)] for word in said]


def _either_language(index: Index, phrase: str) -> list[re.Pattern[str]]:
    """The words of an English phrase, each as it stands or as the glossary has it."""
    return [
        re.compile("|".join([term_pattern(word).pattern, *map(re.escape, glosses)]), re.IGNORECASE)
        for word, *glosses in _worded(index, phrase)
    ]


def papers_saying(
    index: Index, query: Query, scope: Scope, topic: Sequence[str]
) -> tuple[Listed, ...]:
    """The papers with a sentence that holds all words of a topic: "代码已开源"."""
    asked = [_said_as(piece) for piece in topic]
    listed = []
    for paper in _likely(index, scope, ([[w] for w in said] for said in asked), inside=True):
        text = index.text_of(paper)
        near = [w for w in asked if all(word in text for word in w)]
        rows = [row for row in paper.rows if _says(index.section(row).text.lower(), near)]
        if rows:
            rows.sort(key=lambda row: index.section(row).key not in query.aspects)
            listed.append(Listed(paper, tuple(rows), 1.0))
    return tuple(listed) if _tells_apart(index, query, listed, scope) else ()


def _said_as(piece: str) -> frozenset[str]:
    """The words a sentence has to hold; the piece as it stands where a word is one character."""
    found = without_stop_words(words(piece))
    return frozenset(found if all(len(word) > 1 for word in found) else [piece.lower()])


def _says(text: str, asked: Sequence[frozenset[str]]) -> bool:
    """Whether a sentence holds all words of one of these sets, and does not deny them."""
    sentences = (s for s in re.split(r"[。；;\n]", text) if not _DENIED.search(s))
    return any(all(word in s for word in said) for s in sentences for said in asked)


def papers_near(index: Index, query: Query, scope: Scope, weights: Weights) -> tuple[Listed, ...]:
    """The best papers by their score, down to a share of the best."""
    signals = signals_of(index, query.sought, aspects=query.aspects, scope=scope)
    if not len(signals.rows):
        return ()
    scores: Array = score(signals, weights)
    likely = dict(zip(signals.papers.tolist(), signals.paper.tolist(), strict=True))
    rows: dict[int, list[int]] = {}
    for place in np.argsort(-scores, kind="stable"):
        rows.setdefault(int(signals.papers[place]), []).append(int(signals.rows[place]))
    least, listed = _CUT * max(likely.values()), []
    for paper in sorted(rows, key=lambda paper: -likely[paper])[:_MOST_RANKED]:
        if likely[paper] >= least:
            (record,) = index.catalogue.of_numbers([paper])
            listed.append(Listed(record, tuple(rows[paper]), likely[paper]))
    return tuple(listed)


def overview(index: Index, scope: Scope) -> tuple[tuple[Hit, ...], Coverage]:
    """The contribution of every paper the filters let through, those of one field together.

    Fields stand in the order of their first paper; papers, within, in that of their report.
    """
    papers = index.catalogue.papers_in(scope)
    groups: dict[str, list[int]] = {}
    for paper in papers:
        keys = {index.section(row).key: row for row in rows_in(index, paper, scope)}
        row = keys.get("contribution", next(iter(keys.values())))
        field = index.section(keys["field"]).text if "field" in keys else ""
        # The first few characters of a field's text name the broad area.
        groups.setdefault(field.strip(" *-·\n")[:4], []).append(row)
    rows = [row for group in groups.values() for row in group]
    hits = tuple(
        Hit(index.section(row), 1.0, {"records": place}) for place, row in enumerate(rows, 1)
    )
    return hits, Coverage("records", len(papers), len(papers))


def find_papers(
    index: Index, query: Query, scope: Scope, weights: Weights
) -> tuple[tuple[Listed, ...], Coverage]:
    """The papers that a list question asks for, among those the filters let through."""
    found, coverage = _found(index, query, scope, weights)
    if not query.criteria.negated:
        return found, coverage
    taken = {entry.paper.id for entry in found}
    others = [paper for paper in index.catalogue.papers_in(scope) if paper.id not in taken]
    return _whole(others), Coverage("topic", coverage.checked, len(others))


def _found(
    index: Index, query: Query, scope: Scope, weights: Weights
) -> tuple[tuple[Listed, ...], Coverage]:
    criteria, count = query.criteria, index.catalogue.count(scope)
    if criteria.records:
        abstract_only = criteria.records == "abstract_only"
        papers = index.catalogue.papers_in(scope)
        records = [p for p in papers if (p.read_from == READ_ABSTRACT_ONLY) is abstract_only]
        return _whole(records), Coverage("records", count, len(records))
    if criteria.introduces:
        listed, coverage = papers_introducing(index, scope, criteria.introduces)
        listed = narrowed(index, query, listed)
        return listed, replace(coverage, matched=len(listed))
    terms = terms_of(index, scope, criteria.names)
    if terms:
        mentioned = mentioning(index, query, scope, terms)
        found = narrowed(index, query, mentioned)
        by: ListBy = "mention" if len(found) == len(mentioned) else "topic"
        return found, Coverage(by, count, len(found), terms)
    topics = criteria.topics
    if not topics:
        return _whole(index.catalogue.papers_in(scope)), Coverage("records", count, count)
    found = mentioning(index, query, scope, topics) if criteria.uses else ()
    if 0 < len(found) <= COMMON * count:
        return found, Coverage("mention", count, len(found), topics)
    found = (
        papers_about(index, query, scope, topics)
        or papers_saying(index, query, scope, topics)
        or papers_near(index, query, scope, weights)
    )
    return found, Coverage("topic", count, len(found), topics)


def _whole(papers: Sequence[PaperRecord]) -> tuple[Listed, ...]:
    """Papers in the order of the records, each with its contribution, or what comes first."""
    return tuple(Listed(paper, paper.rows[1:2] or paper.rows[:1], 1.0) for paper in papers)
