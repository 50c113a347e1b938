"""Lists and overviews: which papers, by name, by topic, or from the records.

"哪些论文用了 LoRA", "which papers are about video", "今天有什么值得看".
"""

import re
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from chatbot.index.reading import READ_ABSTRACT_ONLY, Index, PaperRecord
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
    index: Index, scope: Sequence[PaperRecord], named: str
) -> tuple[tuple[Listed, ...], Coverage]:
    """The papers that bring a new benchmark, data set, …, by what it is called."""
    kind = _KINDS[_KIND_OF[named]]
    pattern, title = re.compile(f"{_NEW}(?:{kind})", re.IGNORECASE), re.compile(kind, re.IGNORECASE)
    listed = []
    for paper in scope:
        rows = {index.sections[row].key: row for row in paper.rows}
        found = [
            rows[key]
            for key in ("contribution", "innovations")
            if key in rows and pattern.search(index.sections[rows[key]].text)
        ]
        if found or (title.search(paper.title) and rows):
            first = found or [rows.get("contribution", paper.rows[0])]
            listed.append(Listed(paper, tuple(first), 1.0 + 0.5 * ("contribution" in rows)))
    return tuple(listed), Coverage("topic", len(scope), len(listed), (named,))


def narrowed(index: Index, query: Query, listed: Sequence[Listed]) -> tuple[Listed, ...]:
    """Of listed papers those whose head says what else is asked; all where none says any of it.

    "哪些论文用强化学习做 GUI 智能体": made by GUI, narrowed to 强化学习. What no head of
    them says does not narrow.
    """
    english = query.language == "en"
    kept = list(listed)
    for piece in query.criteria.beside:
        said = _either_language(index, piece) if english else [re.compile(re.escape(piece), re.I)]
        saying = [entry for entry in kept if said and _head_says(index, entry.paper, said)]
        if 0 < len(saying) < len(kept):
            kept = saying
    return tuple(kept)


def _head_says(index: Index, paper: PaperRecord, patterns: Sequence[re.Pattern[str]]) -> bool:
    """Whether title, keywords, field and contribution together hold every pattern."""
    head = _head_of(index, paper, _head_rows(index, paper))
    return all(pattern.search(head) for pattern in patterns)


def _head_rows(index: Index, paper: PaperRecord) -> list[int]:
    return [row for row in paper.rows if index.sections[row].key in HEADS]


def _head_of(index: Index, paper: PaperRecord, rows: Sequence[int]) -> str:
    texts = (index.sections[row].text for row in rows)
    return "\n".join([index.paper_heads[paper.place], *texts])


def papers_about(
    index: Index, query: Query, scope: Sequence[PaperRecord], topic: Sequence[str]
) -> tuple[Listed, ...]:
    """The papers whose title, field, contribution or keywords hold a topic in these very words."""
    patterns = [term_pattern(piece) for piece in topic]
    words_of = [_either_language(index, piece) for piece in topic if query.language == "en"]
    only_field = query.criteria.field_only
    listed, heads = [], index.paper_heads
    for paper in scope:
        rows = _head_rows(index, paper)
        if only_field:
            rows = [row for row in rows if index.sections[row].key == "field"]
        found = [row for row in rows if any(p.search(index.sections[row].text) for p in patterns)]
        in_title = not only_field and any(p.search(heads[paper.place]) for p in patterns)
        head = _head_of(index, paper, rows)
        said = any(asked and all(w.search(head) for w in asked) for asked in words_of)
        if found or in_title or said:
            listed.append(Listed(paper, tuple(found or rows[:1] or paper.rows[:1]), 1.0))
    return tuple(listed) if only_field or _tells_apart(query, listed, scope) else ()


def _tells_apart(query: Query, listed: Sequence[Listed], scope: Sequence[PaperRecord]) -> bool:
    """Whether the papers are few enough to be what was asked for; of given papers all may be."""
    return bool(query.filters.papers) or len(listed) <= COMMON * len(scope)


def _either_language(index: Index, phrase: str) -> list[re.Pattern[str]]:
    """The words of an English phrase, each as it stands or as the glossary has it."""
    patterns = []
    for word in phrase.split():
        if word.lower() not in GENERIC:
            glosses = index.glossary.translate(word)
            either = [term_pattern(word).pattern, *map(re.escape, glosses)]
            patterns.append(re.compile("|".join(either), re.IGNORECASE))
    return patterns


def papers_saying(
    index: Index, query: Query, scope: Sequence[PaperRecord], topic: Sequence[str]
) -> tuple[Listed, ...]:
    """The papers with a sentence that holds all words of a topic: "代码已开源"."""
    asked = [_said_as(piece) for piece in topic]
    texts = index.paper_texts
    listed = []
    for paper in scope:
        near = [w for w in asked if all(word in texts[paper.place] for word in w)]
        rows = [
            row
            for row in paper.rows
            if any(_says(sentence, w) for w in near for sentence in _sentences(index, row))
        ]
        if rows:
            rows.sort(key=lambda row: index.sections[row].key not in query.aspects)
            listed.append(Listed(paper, tuple(rows), 1.0))
    return tuple(listed) if _tells_apart(query, listed, scope) else ()


def _said_as(piece: str) -> frozenset[str]:
    """The words a sentence has to hold; the piece as it stands where a word is one character."""
    found = without_stop_words(words(piece))
    return frozenset(found if all(len(word) > 1 for word in found) else [piece.lower()])


def _sentences(index: Index, row: int) -> list[str]:
    return re.split(r"[。；;\n]", index.sections[row].text.lower())


def _says(sentence: str, asked: frozenset[str]) -> bool:
    return all(word in sentence for word in asked) and not _DENIED.search(sentence)


def papers_near(
    index: Index, query: Query, allowed: NDArray[np.bool_], weights: Weights
) -> tuple[Listed, ...]:
    """The best papers by their score, down to a share of the best."""
    signals = signals_of(index, query.sought, aspects=query.aspects, allowed=allowed)
    if not len(signals.rows):
        return ()
    scores: Array = score(signals, weights)
    by_paper: dict[int, list[int]] = {}
    for place in np.argsort(-scores, kind="stable"):
        paper = int(index.catalogue.paper_of_row[signals.rows[place]])
        by_paper.setdefault(paper, []).append(int(place))
    ranked = sorted(by_paper, key=lambda paper: -float(signals.paper[by_paper[paper][0]]))
    best = float(signals.paper[by_paper[ranked[0]][0]])
    listed = []
    for paper in ranked[:_MOST_RANKED]:
        places = by_paper[paper]
        likely = float(signals.paper[places[0]])
        if likely >= _CUT * best:
            rows = tuple(int(signals.rows[place]) for place in places)
            listed.append(Listed(index.catalogue.papers[paper], rows, likely))
    return tuple(listed)


def overview(index: Index, allowed: NDArray[np.bool_]) -> tuple[tuple[Hit, ...], Coverage]:
    """The contribution of every paper the filters let through, those of one field together.

    Fields stand in the order of their first paper; papers, within, in that of their report.
    """
    scope = index.catalogue.papers_of(allowed)
    groups: dict[str, list[int]] = {}
    for paper in scope:
        keys = {index.sections[row].key: row for row in paper.rows if allowed[row]}
        row = keys.get("contribution", next(iter(keys.values())))
        field = index.sections[keys["field"]].text if "field" in keys else ""
        groups.setdefault(_area(field), []).append(row)
    rows = [row for group in groups.values() for row in group]
    hits = tuple(
        Hit(index.sections[row], 1.0, {"records": place}) for place, row in enumerate(rows, 1)
    )
    return hits, Coverage("records", len(scope), len(scope))


def _area(field: str) -> str:
    """The first few characters of a field's text, which name the broad area."""
    return field.strip(" *-·\n")[:4]


def find_papers(
    index: Index, query: Query, allowed: NDArray[np.bool_], weights: Weights
) -> tuple[tuple[Listed, ...], Coverage]:
    """The papers that a list question asks for, among those the filters let through."""
    found, coverage = _found(index, query, allowed, weights)
    if not query.criteria.negated:
        return found, coverage
    taken = {entry.paper.id for entry in found}
    others = [paper for paper in index.catalogue.papers_of(allowed) if paper.id not in taken]
    return _whole(others), Coverage("topic", coverage.checked, len(others))


def _found(
    index: Index, query: Query, allowed: NDArray[np.bool_], weights: Weights
) -> tuple[tuple[Listed, ...], Coverage]:
    scope, criteria = index.catalogue.papers_of(allowed), query.criteria
    if criteria.records:
        records = _by_records(scope, criteria.records)
        return _whole(records), Coverage("records", len(scope), len(records))
    if criteria.introduces:
        listed, coverage = papers_introducing(index, scope, criteria.introduces)
        listed = narrowed(index, query, listed)
        return listed, replace(coverage, matched=len(listed))
    terms = terms_of(index, scope, criteria.names)
    if terms:
        mentioned = mentioning(index, query, scope, terms)
        found = narrowed(index, query, mentioned)
        by: ListBy = "mention" if len(found) == len(mentioned) else "topic"
        return found, Coverage(by, len(scope), len(found), terms)
    topics = criteria.topics
    if not topics:
        return _whole(scope), Coverage("records", len(scope), len(scope))
    found = mentioning(index, query, scope, topics) if criteria.uses else ()
    if 0 < len(found) <= COMMON * len(scope):
        return found, Coverage("mention", len(scope), len(found), topics)
    found = (
        papers_about(index, query, scope, topics)
        or papers_saying(index, query, scope, topics)
        or papers_near(index, query, allowed, weights)
    )
    return found, Coverage("topic", len(scope), len(found), topics)


def _by_records(scope: Sequence[PaperRecord], read: str) -> list[PaperRecord]:
    """The papers that the records alone tell: digested from the abstract only, or not."""
    abstract_only = read == "abstract_only"
    return [p for p in scope if (p.read_from == READ_ABSTRACT_ONLY) is abstract_only]


def _whole(papers: Sequence[PaperRecord]) -> tuple[Listed, ...]:
    """Papers in the order of the records, each with its contribution, or what comes first."""
    return tuple(Listed(paper, paper.rows[1:2] or paper.rows[:1], 1.0) for paper in papers)
