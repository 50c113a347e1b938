"""Whether the sections hold the kind of thing that is asked for, without asking a model.

An attribute that digests seldom give is looked for in all sections of the paper; a score is there
only where the name it is asked for stands beside a number; a question that takes for granted what
the sections deny rests on a false premise.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import rjieba

from chatbot.answer.models import AbstainReason
from chatbot.answer.polarity import direction_conflict
from chatbot.answer.quantities import quantities
from chatbot.answer.sentence_ranking import Sentence
from chatbot.index.records import IndexedSection
from chatbot.index.store import Index
from chatbot.index.terms import bigrams, normalise, words
from chatbot.retrieval import wording
from chatbot.retrieval.confidence import decide
from chatbot.retrieval.models import Evidence
from chatbot.retrieval.ranking import unnamed

# What is asked for, and what a section that gives it holds.
_ATTRIBUTES: tuple[tuple[re.Pattern[str], re.Pattern[str]], ...] = tuple(
    (re.compile(asked, re.IGNORECASE), re.compile(given, re.IGNORECASE))
    for asked, given in (
        (
            r"许可|开源协议|什么协议|啥协议|哪种协议|能不能商用|可以商用|商用行|"
            r"\blicen[cs]e\b|commercial(?:ly)? us",
            r"许可|开源协议|\blicen[cs]e|\bMIT\b|Apache|CC[- ]BY|\bGPL\b|\bBSD\b|商用",
        ),
        (
            r"作者|谁写的|哪个(?:机构|学校|公司|团队|大学|实验室)|哪家(?:机构|公司|单位)|"
            r"\bauthors?\b|\baffiliations?\b|"
            r"which (?:lab|university|company|team)|who (?:wrote|made|built)",
            r"作者|机构|大学|团队|实验室|公司|\bauthors?\b|\buniversity\b",
        ),
        (
            r"卡时|GPU ?小时|训练了?多(?:久|少天|少小时)|训练时长|训练成本|花了?多少钱|多少美元|"
            r"gpu[- ]?hours?|how long .{0,30}\btrain|training (?:cost|time)",
            r"卡时|GPU ?小时|\d ?(?:天|小时|hours?|days?|h\b)|美元|\$ ?\d|gpu[- ]?hours?|成本",
        ),
        (
            r"(?:什么时候|何时|哪天|哪年|几月)(?:发布|开源|上线|发表|放出)|发布日期|"
            r"when (?:was|were|will) .{0,40}(?:released?|published|open)|release date",
            r"20\d\d ?年|\d{1,2} ?月|20\d\d-\d|将于|即将|计划|后(?:开源|发布|放出)",
        ),
        (
            r"(?:代码|仓库|项目)(?:的)?(?:链接|地址|网址|在哪)|github ?(?:链接|地址)|"
            r"(?:link|url) (?:to|of|for) .{0,20}(?:code|repo)|where .{0,30}\b(?:code|repo)",
            r"github|开源|代码|https?://|\bcode\b|发布",
        ),
    )
)
_WANTS_A_FIGURE = re.compile(
    r"多少(?!种|类|个?(?:模型|阶段|步骤|部分))|几分|百分之|具体(?:是|数)|"
    r"\bhow (?:much|high|many points)\b|"
    r"what (?:is|was|are) the (?:\w+ ){0,2}(?:score|accuracy|rate|number)|"
    r"exact (?:score|number|figure)",
    re.IGNORECASE,
)
_METRIC = re.compile(
    r"[\u3400-\u9fff](?:[\u3400-\u9fff]率)(?=是|有|为|到|具|多|的?具体|$|，|。|？|\?)"
)
_TAKES_FOR_GRANTED = re.compile(
    r"为什么|为何|为啥|怎么会|凭什么|\bwhy\b|\bhow come\b", re.IGNORECASE
)
# How many characters beside a name may hold its number.
_BEFORE, _AFTER = 16, 60
_RARE = 3.0
_PREMISE_TERMS = 3
# Confidence under which an unheard-of noun is taken for what the reports lack.
_UNSURE, _UNSURE_ABOUT = 0.3, 0.6
_ABOUT = re.compile(r"做|搞|讲|研究|关于|有关|面向|针对|涉及")
_NEAR = 3
_NOUNS = frozenset({"n", "nz", "nt"})
_THINGS = _NOUNS | {"ns", "nr", "vn"}
_JOINTS = re.compile(r"[\s\-_]+")


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a question is not answered, and the sentence that contradicts it, if one does."""

    reason: AbstainReason
    contradicts: Sentence | None = None


def refusal_of(index: Index, evidence: Evidence, ranked: Sequence[Sentence]) -> Refusal | None:
    """Whether to refuse a look-up; `ranked` are the best paper's sentences, likeliest first."""
    query = evidence.query
    if query.intent != "lookup" or not evidence.hits:
        return None
    if not query.links:
        if _is_off_topic(index, evidence):
            return Refusal("off_topic")
        if decide(evidence.confidence) == "refuse" or _asks_for_the_unheard_of(index, evidence):
            return Refusal("not_in_corpus")
    if (sentence := _denied(index, evidence, ranked)) is not None:
        return Refusal("false_premise", sentence)
    paper = index.catalogue.by_id[evidence.hits[0].section.paper_id]
    sections = [index.sections[row] for row in paper.rows]
    named = paper.id in query.papers
    if (named or decide(evidence.confidence) == "answer") and _lacks(index, evidence, sections):
        return Refusal("not_reported")
    return None


def _lacks(index: Index, evidence: Evidence, sections: Sequence[IndexedSection]) -> bool:
    """Whether the paper does not give the attribute or the figure that is asked for."""
    question = evidence.query.question
    text = "\n".join(section.text for section in sections)
    for asked, given in _ATTRIBUTES:
        if asked.search(question):
            return not given.search(text)
    if not _WANTS_A_FIGURE.search(question):
        return False
    rest = unnamed(index, question, evidence.query.links)
    clause = wording.asked_of(rest)
    told = [n for n in wording.names_in(clause) or wording.names_in(rest) if _tells(index, n)]
    if told:
        return not any(_valued(_JOINTS.sub("", name), text) for name in told)
    metrics = [match[0] for match in _METRIC.finditer(clause)]
    return bool(metrics) and not any(_valued(metric, text) for metric in metrics)


def _tells(index: Index, name: str) -> bool:
    """Whether a name is one of few papers': "LLMs" and "GPU" are asked beside any figure."""
    return max(map(index.lexical.idf, words(name)), default=0.0) >= _RARE


def _valued(name: str, text: str) -> bool:
    """Whether a number stands beside the name somewhere in the text."""
    plain = _JOINTS.sub(" ", normalise(text))
    letters = r"\s?".join(map(re.escape, normalise(name)))
    for match in re.finditer(letters, plain):
        after = re.split(r"[。；;\n]", plain[match.end() : match.end() + _AFTER])[0]
        before = re.split(r"[。；;\n]", plain[max(0, match.start() - _BEFORE) : match.start()])[-1]
        if quantities(after) or quantities(before):
            return True
    return False


def _denied(index: Index, evidence: Evidence, ranked: Sequence[Sentence]) -> Sentence | None:
    """The sentence that says the opposite of what the question takes for granted."""
    question = evidence.query.question
    if not _TAKES_FOR_GRANTED.search(question):
        return None
    rest = unnamed(index, question, evidence.query.links)
    names = [name.lower() for name in wording.names_in(rest)]
    for sentence in ranked:
        text = sentence.span.text
        related = any(name in text.lower() for name in names) or (
            len(sentence.terms) >= _PREMISE_TERMS
        )
        if related and direction_conflict(rest, text):
            return sentence
    return None


def _asks_for_the_unheard_of(index: Index, evidence: Evidence) -> bool:
    """Whether an unsure search has a noun in its question that no report holds.

    "有篇做手语翻译的": what a paper is said to be about weighs more than a noun elsewhere.
    """
    query = evidence.query
    if evidence.confidence is None or query.language == "en":
        return False
    for noun, before in _nouns(query.question, _NOUNS):
        if not _is_known(index, noun):
            about = _ABOUT.search(before) is not None
            if evidence.confidence < (_UNSURE_ABOUT if about else _UNSURE):
                return True
    return False


def _is_off_topic(index: Index, evidence: Evidence) -> bool:
    """Whether an unsure search is for things of which no report holds a single one."""
    query = evidence.query
    if query.language == "en" or decide(evidence.confidence) != "refuse":
        return False
    things = [thing for thing, _ in _nouns(query.question, _THINGS)]
    known = wording.names_in(query.question) or any(_is_known(index, thing) for thing in things)
    return bool(things) and not known


def _nouns(question: str, tags: frozenset[str]) -> Iterator[tuple[str, str]]:
    """The Chinese words with one of these tags, each with the characters just before it."""
    at = 0
    for word, tag in rjieba.tag(question):
        at = question.find(word, at)
        if tag in tags and len(word) > 1 and not word.isascii():
            yield word, question[max(0, at - _NEAR) : at]


def _is_known(index: Index, word: str) -> bool:
    """Whether any report holds the word or a piece of it."""
    return any(map(index.lexical.holds_bigram, bigrams(word)))
