"""Lists: "哪些论文用了 LoRA", "which papers are about video", "只读了摘要的是哪几篇".

Three ways, in this order. What the records say (read from the abstract only, how many papers) is
taken from them. A name is looked for in every section of every paper in scope, so the list is
complete for it. A topic is looked for in titles, fields and contributions, and where it stands in
none of them, papers are ranked and cut where their score falls off.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from chatbot.headings import SectionKey
from chatbot.index.catalogue import READ_ABSTRACT_ONLY, PaperRecord
from chatbot.index.store import Index
from chatbot.index.terms import without_stop_words, words
from chatbot.retrieval import wording
from chatbot.retrieval.models import Coverage, Query
from chatbot.retrieval.ranking import Array, score, signals_of
from chatbot.retrieval.weights import Weights

_LATIN_TERM = re.compile(
    r"(?<![A-Za-z0-9.])[A-Za-z0-9][\w.+'’-]*(?:[ \t]+(?:[A-Z0-9][\w.+'’-]*|\d[\w.]*))*"
)
_ASIDE = re.compile(r"[（(][^（）()]*[）)]")
_QUOTED = re.compile(r"[“\"'「『《]([^”\"'」』》]{2,24})[”\"'」』》]")
_CHUNK = re.compile(r"[A-Za-z]+|\d+(?:\.\d+)*|[\u3400-\u9fff]+")
# What a list is asked with, and no paper is about.
_SCAFFOLD = re.compile(
    r"请?(?:帮我|给我)?(?:列[出全个]|列一[下列]|整理|盘点|找出|找一下|说说|告诉我)|"
    r"完整名单|名单|一篇都?别漏|一栏|写到|提到|写了|一共|总共|共|把 ?arxiv ?号|"
    r"(?:都)?(?:有|是)?(?:哪些|哪几篇|几篇|多少篇|谁)|分别|"
    r"各管哪一块|论文|文章|研究|工作|日报|报告|收录|里面?|这几?[期份批]|那[期份批天]|的?有关|相关|关于|方面|方向|"
    r"领域|主题|做|搞|讲|涉及|包含|包括|已经|目前|属于|针对|一下|[都有的是了在跟和与里中把也要吗呢]",
    re.IGNORECASE,
)
_SCAFFOLD_EN = frozenset(
    Path(__file__).with_name("scaffold_words.txt").read_text(encoding="utf-8").split()
)
# Latin words that stand in a Chinese question without being a name.
_GENERIC = frozenset(
    "ai ml llm llms agent agents paper papers arxiv model models benchmark benchmarks dataset "  # noqa: SIM905 - a list of words reads as one
    "datasets gpu gpus token tokens sota and or nvidia issue report id ids vs".split()
)
_BASELINE = re.compile(
    r"相比|对比|基线|优于|超过|超越|胜过|落后|不如|高于|低于|传统|不同于|区别于|减少|现有|"
    r"baseline|outperform|versus",
    re.IGNORECASE,
)
_NEAR = 12
_WITHOUT = re.compile(r"无需|不需要?|没有|未使用|未用|而非|而不是|摒弃|\bwithout\b|\binstead of\b")
_BASE_MODEL = re.compile(r"基座|底座|骨干|基础模型|base|backbone", re.IGNORECASE)
_OWN_USE = re.compile(
    r"基于|使用|采用|利用|加载|初始化|微调|骨干|基座|底座|构建|训练|引入|结合|集成|搭载|部署|评估|评测|测试|"
    r"平台|需要|实验"
)
_WANTS_OWN = re.compile(
    r"自己|自身|本身|底座|骨干|基座|基础模型|拿来|微调|不算|除外|而不是|"
    r"\b(?:own|itself|themselves|fine-?tun\w*|built on|base model|not (?:just|merely))\b",
    re.IGNORECASE,
)
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
_FIELD_ONLY = re.compile(r"应用领域|领域一?栏|field section", re.IGNORECASE)
_TOPICAL = re.compile(r"有关|相关|关于|方向|领域|主题|方面|\b(?:about|related|topic|deal)\b")
_SUFFIX = re.compile(r"(?<=[\u3400-\u9fff]{2})(?:机制|方法|技术|算法|问题|任务)$")
_USES = re.compile(
    r"用到|使用|用了|采用|基于|借助|\b(?:use|using|uses|used|based on)\b", re.IGNORECASE
)
_ALL = re.compile(r"既.+又|同时|并且|且都|\bboth\b.+\band\b", re.IGNORECASE)
_DENIED = re.compile(r"未|没有|无法|尚未|不(?:提供|开源|公开|需)|\b(?:not|no)\b")
_HEADS: tuple[SectionKey, ...] = ("field", "contribution")
# A term in more of the papers than this says nothing of a paper.
_COMMON = 0.5
# Papers found by ranking alone are listed down to this share of the best score.
_CUT = 0.6
_MOST_RANKED = 12


@dataclass(frozen=True, slots=True)
class Listed:
    """A paper of a list and the rows that put it there, best first; `score` orders the list."""

    paper: PaperRecord
    rows: tuple[int, ...]
    score: float


def find_papers(
    index: Index, query: Query, allowed: NDArray[np.bool_], weights: Weights
) -> tuple[tuple[Listed, ...], Coverage]:
    """The papers that a list question asks for, among those the filters let through."""
    scope = index.catalogue.papers_of(allowed)
    question = query.search_text
    if (records := _by_records(scope, question)) is not None:
        return _whole(records), Coverage("records", len(scope), len(records))
    if (listed := _introducing(index, scope, question)) is not None:
        return listed
    terms = _terms(index, scope, question)
    if terms:
        found = _mentioning(index, query, scope, terms)
        return found, Coverage("mention", len(scope), len(found), terms)
    topic = _topic(question)
    if not topic:
        return _whole(scope), Coverage("records", len(scope), len(scope))
    found = _mentioning(index, query, scope, topic) if _USES.search(question) else ()
    if 0 < len(found) <= _COMMON * len(scope):
        return found, Coverage("mention", len(scope), len(found), tuple(topic))
    found = (
        _about(index, query, scope, topic)
        or _saying(index, query, scope, topic)
        or _ranked(index, query, allowed, weights)
    )
    return found, Coverage("topic", len(scope), len(found), tuple(topic))


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


def _terms(index: Index, scope: Sequence[PaperRecord], question: str) -> tuple[str, ...]:
    """The names a list is to be made by: those in few enough papers to tell them apart."""
    text = _ASIDE.sub(" ", question)
    english = wording.language_of(question) == "en"
    candidates = [match[1] for match in _QUOTED.finditer(text)]
    for match in _LATIN_TERM.finditer(text):
        term = match[0].strip(" .'’-")
        plain = term.isalpha() and (term.islower() or term.istitle()) and term.isascii()
        if english and plain and " " not in term:
            continue  # an English word of the question, not a name
        candidates.append(term)
    found = []
    for term in candidates:
        if term.lower() in _GENERIC or term.lower() in _SCAFFOLD_EN or term.isdecimal():
            continue
        for part in _parts(term):
            share = _share_of(index, scope, part)
            if 0 < share <= (1.0 if wording.names_in(part) else _COMMON):
                found.append(part)
                break
    return tuple(dict.fromkeys(found))


def _parts(term: str) -> Iterator[str]:
    """A term, then what is left of it without its first words, then without its last."""
    pieces = [piece for piece in term.split() if piece.lower() not in _SCAFFOLD_EN]
    for start in range(len(pieces)):
        part = " ".join(pieces[start:])
        if part.lower() not in _GENERIC:
            yield part
    for end in range(len(pieces) - 1, 0, -1):
        part = " ".join(pieces[:end])
        if part.lower() not in _GENERIC:
            yield part


def _share_of(index: Index, scope: Sequence[PaperRecord], term: str) -> float:
    return len(_holding(index, scope, term)) / max(1, len(scope))


def _holding(index: Index, scope: Sequence[PaperRecord], term: str) -> list[PaperRecord]:
    """The papers that hold a term; most are ruled out by its first letters alone."""
    pattern, chunks = term_pattern(term), _CHUNK.findall(term.lower())
    begin = chunks[0] if chunks else term.lower()
    texts = index.paper_texts
    return [
        paper
        for paper in scope
        if begin in texts[paper.place] and pattern.search(texts[paper.place])
    ]


def term_pattern(term: str) -> re.Pattern[str]:
    """A name however it is spaced and joined, and not inside another.

    "AIME" is in "AIME24" and "AIME'25"; "4B" is not in "14B", nor "H20" in "H200".
    """
    chunks = _CHUNK.findall(term)
    if not chunks:
        return re.compile(re.escape(term))
    body = r"[\s\-_'’]*".join(re.escape(chunk) for chunk in chunks)
    before = r"(?<![A-Za-z0-9.])" if chunks[0].isascii() else ""
    after = ""
    if chunks[-1].isascii():
        after = r"(?![A-Za-z0-9])" if chunks[-1][-1].isdigit() else r"s?(?![A-Za-z])"
    return re.compile(before + body + after, re.IGNORECASE)


def _mentioning(
    index: Index, query: Query, scope: Sequence[PaperRecord], terms: Sequence[str]
) -> tuple[Listed, ...]:
    """Every paper that mentions one of the terms (or all, if so asked), with the sections."""
    question = query.search_text
    patterns = [term_pattern(term) for term in terms]
    own_only = bool(_WANTS_OWN.search(question))
    only_field = bool(_FIELD_ONLY.search(question))
    by_topic = bool(_TOPICAL.search(question))
    listed = []
    holding = [{paper.id for paper in _holding(index, scope, term)} for term in terms]
    wanted = set.intersection(*holding) if _ALL.search(question) else set.union(*holding)
    for paper in (paper for paper in scope if paper.id in wanted):
        graded: dict[int, float] = {}
        for row in paper.rows:
            section = index.sections[row]
            if only_field and section.key != "field":
                continue
            grades = [_grade(section.text, m) for p in patterns for m in p.finditer(section.text)]
            if grades:
                graded[row] = max(grades) + 0.5 * (section.key in query.aspects)
        if by_topic and graded and not any(index.sections[row].key in _HEADS for row in graded):
            graded[paper.rows[0]] = max(graded.values())
        in_title = any(pattern.search(paper.title) for pattern in patterns) and not only_field
        if not graded and in_title:
            graded[paper.rows[min(1, len(paper.rows) - 1)]] = 1.0
        if not graded or (own_only and max(graded.values()) < 0 and not in_title):
            continue
        if by_topic:
            rows = sorted(graded, key=lambda row: (index.sections[row].key not in _HEADS, row))
        else:
            rows = sorted(graded, key=lambda row: -graded[row])
        listed.append(Listed(paper, tuple(rows), 2.0 + max(graded.values())))
    return tuple(sorted(listed, key=lambda entry: -entry.score))


def _grade(text: str, match: re.Match[str]) -> float:
    """How much a mention looks like the paper's own use: below 0 it is what it compares with."""
    start = max(text.rfind(mark, 0, match.start()) for mark in "。；\n，,") + 1
    clause = text[start : match.start()][-30:]
    after = text[match.end() : match.end() + 12]
    if _WITHOUT.search(clause):
        return -1.0
    if _BASELINE.search(clause[-_NEAR:]) and not _BASE_MODEL.search(clause[-_NEAR:]):
        return -1.0
    if _OWN_USE.search(clause + after):
        return 1.0
    return -1.0 if _BASELINE.search(clause) else 0.5


def _introducing(
    index: Index, scope: Sequence[PaperRecord], question: str
) -> tuple[tuple[Listed, ...], Coverage] | None:
    """The papers that bring a new benchmark, data set, …; None where that is not the question."""
    wanted = _WANTS_NEW.search(_ASIDE.sub(" ", question))
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


def _topic(question: str) -> list[str]:
    """What a list is about: the question less what any list is asked with, in alternatives."""
    text = _ASIDE.sub(" ", question)
    if wording.language_of(question) == "en":
        kept = [w for w in re.findall(r"[A-Za-z][\w-]*", text) if w.lower() not in _SCAFFOLD_EN]
        return [" ".join(kept)] if kept else []
    text = _FIELD_ONLY.sub(" ", text)
    pieces = re.split(r"[/、，,。？?！：:；“”\"\s]|或者?", _SCAFFOLD.sub(" ", text))
    stems = (_SUFFIX.sub("", piece) for piece in dict.fromkeys(pieces))
    return [piece for piece in stems if len(piece) > 1]


def _about(
    index: Index, query: Query, scope: Sequence[PaperRecord], topic: Sequence[str]
) -> tuple[Listed, ...]:
    """The papers whose title, field or contribution holds a topic in these very words."""
    patterns = [term_pattern(piece) for piece in topic]
    only_field = bool(_FIELD_ONLY.search(query.question))
    listed = []
    for paper in scope:
        rows = [row for row in paper.rows if index.sections[row].key in _HEADS]
        if only_field:
            rows = [row for row in rows if index.sections[row].key == "field"]
        found = [row for row in rows if any(p.search(index.sections[row].text) for p in patterns)]
        in_title = not only_field and any(p.search(paper.title) for p in patterns)
        if found or in_title:
            listed.append(Listed(paper, tuple(found or rows[:1] or paper.rows[:1]), 1.0))
    return tuple(listed) if len(listed) <= _COMMON * len(scope) or only_field else ()


def _saying(
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
    return tuple(listed) if len(listed) <= _COMMON * len(scope) else ()


def _said_as(piece: str) -> frozenset[str]:
    """The words a sentence has to hold; the piece as it stands where a word is one character."""
    found = without_stop_words(words(piece))
    return frozenset(found if all(len(word) > 1 for word in found) else [piece.lower()])


def _sentences(index: Index, row: int) -> list[str]:
    return re.split(r"[。；;\n]", index.sections[row].text.lower())


def _says(sentence: str, asked: frozenset[str]) -> bool:
    return all(word in sentence for word in asked) and not _DENIED.search(sentence)


def _ranked(
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
