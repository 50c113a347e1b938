"""Lists and overviews: which papers, by name, by topic, or from the records.

"哪些论文用了 LoRA", "which papers are about video", "今天有什么值得看".
"""

import re
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from chatbot.index.catalogue import READ_ABSTRACT_ONLY, PaperRecord
from chatbot.index.reading import Index
from chatbot.retrieval.mentions import (
    ASIDE,
    COMMON,
    FIELD_ONLY,
    GENERIC,
    HEADS,
    SCAFFOLD_EN,
    Listed,
    mentioning,
    term_pattern,
    terms_of,
)
from chatbot.retrieval.models import Coverage, Hit, ListBy
from chatbot.retrieval.ranking import Array, Weights, score, signals_of
from chatbot.text.terms import without_stop_words, words
from chatbot.understanding import wording
from chatbot.understanding.models import Query

# What a list is asked with, and no paper is about.
_SCAFFOLD = re.compile(
    r"请?(?:帮我|给我)?(?:列[出全个]|列一[下列]|整理|盘点|找出|找一下|说说|告诉我)|"
    r"推荐(?:一下)?(?:[几一两三]篇|些)|适合|入门|新手|其中|[这那]些|它们|"
    r"完整名单|名单|一篇都?别漏|一栏|写到|提到|写了|一共|总共|共|把 ?arxiv ?号|"
    r"(?:都)?(?:有|是)?(?:哪些|哪几篇|几篇|多少篇|谁)|分别|"
    r"各管哪一块|论文|文章|研究|工作|日报|报告|收录|里面?|这几?[期份批]|那[期份批天]|的?有关|相关|关于|方面|方向|"
    r"领域|主题|做|搞|讲|涉及|包含|包括|属于|针对|一下|[都有的是了在跟和与里中把也要吗呢]",
    re.IGNORECASE,
)
# What a paper did with what the list is by, not what it is about.
_HOW = re.compile(
    r"用|采用|基于|借助|自己|自身|方法|模型|底座|骨干|基准|评测|测评|提出|推出|新|跑|拿|训|实验|上报|一个|显卡|这个"
)
_FOR = re.compile(r"\b(?:for|of|about|in)\s+(?P<what>[\w\s-]+)", re.IGNORECASE)
_FILLERS = re.compile(r"已经|目前|现在")
# Turned round: "开源代码" would be cut as 开 and 源代码.
_RELEASES = re.compile(r"(?P<how>开源|公开|发布)了?(?P<what>代码|数据集|数据|权重)")
_SUFFIX = re.compile(r"(?<=[\u3400-\u9fff]{2})(?:机制|方法|技术|算法|问题|任务)$")
_WANTS_NEW = re.compile(
    r"(?:自己|新|首次|首个|提出|推出|构建|发布|建立|造|建)[^，。？]{0,10}?"
    r"(?P<zh>评测基准|基准|评测集|测试集|数据集|语料库|语料|框架|工具包)"
    r"|\b(?:introduc|propos|releas|present|build|creat|new)\w*\b[^?.]{0,30}?"
    r"\b(?P<en>benchmark|dataset|data set|corpus|toolkit|framework)s?\b",
    re.IGNORECASE,
)
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
_NEW = (
    r"(?:提出|推出|构建|发布|建立|开发|首个|设计|引入|自建|新建|创建|打造)[了出]?[^。；\n，]{0,28}?"
)
_DENIED = re.compile(r"未|没有|无法|尚未|不(?:提供|开源|公开|需)|\b(?:not|no)\b")
# Papers found by ranking alone are listed down to this share of the best score.
_CUT = 0.6
# No list is asked by more alternatives.
_MOST_PIECES = 40
_MOST_RANKED = 12


def papers_introducing(
    index: Index, scope: Sequence[PaperRecord], question: str
) -> tuple[tuple[Listed, ...], Coverage] | None:
    """The papers that bring a new benchmark, data set, …; None where that is not the question."""
    wanted = _WANTS_NEW.search(ASIDE.sub(" ", question))
    if wanted is None:
        return None
    named = (wanted["zh"] or wanted["en"]).lower()
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


def topic_of(question: str) -> list[str]:
    """What a list is about: the question less what any list is asked with, in alternatives."""
    text = ASIDE.sub(" ", question)
    if wording.language_of(question) == "en":
        kept = [w for w in re.findall(r"[A-Za-z][\w-]*", text) if w.lower() not in SCAFFOLD_EN]
        return [" ".join(kept)] if kept else []
    text = _FILLERS.sub("", FIELD_ONLY.sub(" ", text))
    text = _RELEASES.sub(r"\g<what>\g<how>", text)
    pieces = re.split(r"[/、，,。？?！：:；“”\"\s]|或者?", _SCAFFOLD.sub(" ", text))
    stems = (_SUFFIX.sub("", piece) for piece in dict.fromkeys(pieces))
    return [piece for piece in stems if len(piece) > 1][:_MOST_PIECES]


def narrowed(
    index: Index, query: Query, listed: Sequence[Listed], taken: Sequence[str]
) -> tuple[Listed, ...]:
    """Of listed papers those whose head says what else is asked; all where none says any of it.

    "哪些论文用强化学习做 GUI 智能体": made by GUI (`taken`), narrowed to 强化学习. What no head of
    them says does not narrow.
    """
    english = query.language == "en"
    kept = list(listed)
    for piece in _further(query.search_text, taken, english=english):
        said = _either_language(index, piece) if english else [re.compile(re.escape(piece), re.I)]
        saying = [entry for entry in kept if said and _head_says(index, entry.paper, said)]
        if 0 < len(saying) < len(kept):
            kept = saying
    return tuple(kept)


def _further(question: str, taken: Sequence[str], *, english: bool) -> list[str]:
    """What else a list is asked by; in English what follows "for" or "of" after the term taken."""
    rest = ASIDE.sub(" ", question)
    for term in taken:
        *before, after = term_pattern(term).split(rest)
        rest = after if english else " ".join([*before, after])
    if english:
        followed = _FOR.search(rest)
        phrases = topic_of(f"which {followed['what']}") if followed else []
        pieces = [word for phrase in phrases for word in phrase.split()]
    else:
        pieces = topic_of(rest)
    return [p for p in pieces if p.lower() not in GENERIC and not _HOW.search(p)]


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
    only_field = bool(FIELD_ONLY.search(query.question))
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
    signals = signals_of(index, query.search_text, aspects=query.aspects, allowed=allowed)
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


_USES = re.compile(
    r"用到|使用|用了|采用|基于|借助|\b(?:use|using|uses|used|based on)\b", re.IGNORECASE
)
# "Not about X": the others are listed.
_NOT = re.compile(
    r"(?:不是|并非|不|没有?)(?:关于|涉及|研究|属于|讲|做)|"
    r"\b(?:not|nothing to do|unrelated)\s+(?:about|on|with|to|related to|concerned with)\b",
    re.IGNORECASE,
)


def find_papers(
    index: Index, query: Query, allowed: NDArray[np.bool_], weights: Weights
) -> tuple[tuple[Listed, ...], Coverage]:
    """The papers that a list question asks for, among those the filters let through."""
    if _NOT.search(query.search_text):
        return _others(index, query, allowed, weights)
    return _found(index, query, allowed, weights)


def _found(
    index: Index, query: Query, allowed: NDArray[np.bool_], weights: Weights
) -> tuple[tuple[Listed, ...], Coverage]:
    scope = index.catalogue.papers_of(allowed)
    question = query.search_text
    if (records := _by_records(scope, question)) is not None:
        return _whole(records), Coverage("records", len(scope), len(records))
    if (introduced := papers_introducing(index, scope, question)) is not None:
        listed, coverage = introduced
        listed = narrowed(index, query, listed, coverage.terms)
        return listed, replace(coverage, matched=len(listed))
    terms = terms_of(index, scope, question)
    if terms:
        mentioned = mentioning(index, query, scope, terms)
        found = narrowed(index, query, mentioned, terms)
        by: ListBy = "mention" if len(found) == len(mentioned) else "topic"
        return found, Coverage(by, len(scope), len(found), terms)
    topic = topic_of(question)
    if not topic:
        return _whole(scope), Coverage("records", len(scope), len(scope))
    found = mentioning(index, query, scope, topic) if _USES.search(question) else ()
    if 0 < len(found) <= COMMON * len(scope):
        return found, Coverage("mention", len(scope), len(found), tuple(topic))
    found = (
        papers_about(index, query, scope, topic)
        or papers_saying(index, query, scope, topic)
        or papers_near(index, query, allowed, weights)
    )
    return found, Coverage("topic", len(scope), len(found), tuple(topic))


def _others(
    index: Index, query: Query, allowed: NDArray[np.bool_], weights: Weights
) -> tuple[tuple[Listed, ...], Coverage]:
    """The papers of the scope that a list without the question's "not" leaves out."""
    asked = replace(query, search_text=_NOT.sub(" ", query.search_text))
    found, coverage = _found(index, asked, allowed, weights)
    taken = {entry.paper.id for entry in found}
    others = [paper for paper in index.catalogue.papers_of(allowed) if paper.id not in taken]
    return _whole(others), Coverage("topic", coverage.checked, len(others))


def _by_records(scope: Sequence[PaperRecord], question: str) -> list[PaperRecord] | None:
    """The papers that the records alone tell, or None where the question is about their text."""
    if wording.ABSTRACT_ONLY.search(question):
        return [paper for paper in scope if paper.read_from == READ_ABSTRACT_ONLY]
    if wording.FULL_TEXT.search(question):
        return [paper for paper in scope if paper.read_from != READ_ABSTRACT_ONLY]
    return None


def _whole(papers: Sequence[PaperRecord]) -> tuple[Listed, ...]:
    """Papers in the order of the records, each with its contribution, or what comes first."""
    return tuple(Listed(paper, paper.rows[1:2] or paper.rows[:1], 1.0) for paper in papers)
