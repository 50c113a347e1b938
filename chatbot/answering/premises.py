"""Whether a question takes for granted what a sentence of the paper denies.

Only what the words show: 变慢 asked about and 变快 said, a comparison the wrong way round, what is
asked about as being trained said to be frozen, what is asked about as being used said not to be. A
question that leaves it open ("需要微调吗") takes nothing for granted.
"""

import re
from collections.abc import Callable, Sequence

from chatbot.answering.sentence_ranking import Sentence
from chatbot.text.terms import bigrams
from chatbot.understanding import wording
from chatbot.verification.grounds import direction_conflict

_ASKS_WHY = re.compile(r"为什么|为何|为啥|怎么会|凭什么|\bwhy\b|\bhow come\b", re.IGNORECASE)
_LEAVES_OPEN = re.compile(
    r"吗|(?<!什)么[?？]?$|是不是|是否|会不会|能不能|有没有|要不要|需不需要|需要.{0,12}[?？]?$|还是|"
    r"\b(?:does|do|did|is|are|was|were|can|could|has|have)\b "
    r"(?!.{0,200}\b(?:what|which|how|why)\b)|"
    r"\bor\b|\bwhether\b",
    re.IGNORECASE,
)
_DENIES = re.compile(r"没|不(?!同)|未|无(?!人)|免|冻结|\bnot?\b|\bwithout\b|n't\b|\bfrozen\b")
# What the question's own words say and no sentence that denies it does; what such a one says.
_OPPOSITES = tuple(
    (re.compile(said), re.compile(denied))
    for said, denied in (
        (r"省(?!略)|节[省约]|减少|降低|低于|更[低少小]", r"高约|高出|增加|更高|更大"),
        (r"[还更]大|还高|更高|高于|增加", r"低于|更低|更小|少于|减少"),
    )
)
_TRAINED = re.compile(r"微调|更新|放开|解冻|\b(?:fine-?tun|updat|unfr|retrain)\w*")
_FROZEN = re.compile(
    r"冻结|\bfrozen\b|\bfreez\w*|(?:无需|不需要|不进行|没有)[^，。；]{0,8}(?:微调|更新|训练)"
)
_NOT_USED = re.compile(
    r"(?:不需要|无需|不用|没有|并非|不依赖|无须|不再|不使用|不采用|未使用|不引入)"
    r"(?:任何|额外的?|外部|依赖|使用|引入)*(?P<thing>[\u3400-\u9fffA-Za-z \-/]{2,8})"
)
_NAME = r"[A-Za-z][A-Za-z0-9.+\-]*"
_COMPARED = re.compile(
    rf"(?P<better>{_NAME})[^，。；A-Za-z]{{0,4}}比[^，。；A-Za-z]{{0,4}}(?P<worse>{_NAME})"
)
_IS_BETTER = re.compile(r"比|优于|超过|高于|超越|领先")
_CLAUSE = re.compile(r"[，,。；;]")
# Summed rarity (idf) of the character pairs and Latin words that question and denial share:
# 验证器 is enough, 机器人 is not.
_SAME_THING, _MOST_OF_IT = 6.0, 0.6
_PREMISE_TERMS = 3
_LIKELIEST = 2


def denied_by(
    question: str, rest: str, ranked: Sequence[Sentence], idf: Callable[[str], float]
) -> Sentence | None:
    """The sentence that denies what the question takes for granted; `rest` is it without names.

    `ranked` are the paper's sentences, likeliest to answer first.
    """
    if _LEAVES_OPEN.search(question) and not _ASKS_WHY.search(question):
        return None
    found = _opposed(rest, ranked, asks_why=_ASKS_WHY.search(question) is not None)
    if found is None:
        found = _reversed(question, ranked)
    if found is None and not _DENIES.search(question):
        found = _frozen(rest, ranked, idf) or _unused(rest, ranked, idf)
    return found


def _opposed(rest: str, ranked: Sequence[Sentence], *, asks_why: bool) -> Sentence | None:
    """A sentence on the same matter that goes the other way."""
    names = [name.lower() for name in wording.names_in(rest)]
    asked = wording.asked_of(rest)
    for place, sentence in enumerate(ranked):
        text = sentence.span.text
        alike = len(sentence.terms) >= _PREMISE_TERMS
        named = any(name in text.lower() for name in names)
        if asks_why and (alike or named) and direction_conflict(rest, text):
            return sentence
        if place < _LIKELIEST and alike:
            for said, denied in _OPPOSITES:
                if said.search(asked) and denied.search(text) and not said.search(text):
                    return sentence
    return None


def _reversed(question: str, ranked: Sequence[Sentence]) -> Sentence | None:
    """A sentence in which the worse of two systems is the better one."""
    for match in _COMPARED.finditer(question):
        for sentence in ranked:
            text = sentence.span.text
            worse, better = text.find(match["worse"]), text.find(match["better"])
            said = _IS_BETTER.search(text)
            if said and 0 <= worse < said.start() < better:
                return sentence
    return None


def _frozen(rest: str, ranked: Sequence[Sentence], idf: Callable[[str], float]) -> Sentence | None:
    """A sentence that calls frozen what the question asks about as being trained."""
    if not _TRAINED.search(rest):
        return None
    asked = {term for term in bigrams(rest) if not _TRAINED.search(term)}
    for sentence in ranked:
        text = sentence.span.text
        if _TRAINED.search(_FROZEN.sub("", text)):
            continue
        for match in _FROZEN.finditer(text):
            before = _CLAUSE.split(text[: match.start()])[-1]
            clause = before + _CLAUSE.split(text[match.start() :])[0]
            if _weight(bigrams(clause), asked, idf) >= _SAME_THING:
                return sentence
    return None


def _unused(rest: str, ranked: Sequence[Sentence], idf: Callable[[str], float]) -> Sentence | None:
    """A sentence that says the thing asked about is not needed or not there."""
    asked = set(bigrams(rest))
    for sentence in ranked:
        for match in _NOT_USED.finditer(sentence.span.text):
            thing = bigrams(match["thing"])
            shared = _weight(thing, asked, idf)
            if shared >= max(_SAME_THING, _MOST_OF_IT * _weight(thing, {*thing}, idf)):
                return sentence
    return None


def _weight(terms: Sequence[str], asked: set[str], idf: Callable[[str], float]) -> float:
    return sum(idf(term) for term in {*terms} & asked if len(term) > 1)
