"""Does a claim say the opposite of its source: a word negated here and not there, up for down?

Only what the words themselves show: a negated word that the source never negates (or always does),
and a direction whose opposite stands in the sentence the claim is closest to.
"""

import re
from collections.abc import Iterable

import rjieba

from chatbot.index.terms import normalise

_NEGATION = re.compile(
    r"没|不|未|无|非|避免|防止|缺乏|而非|免|\b(?:not|never|no|without|cannot|avoid\w*|fail\w*|nor)\b|n't\b"
)
_CLAUSE_END = re.compile(r"[，,。；;！!？?\n]")
# How far, in characters, a negation reaches.
_REACH = 14
_NEGATED = re.compile(
    r"(?:(?<!有)没有|并非|并不|不是|不会|不能|不再|无法|无需|未能|从未|不|未|(?<!有)没(?!有)|非(?![常线])|无(?!论|损))"
    r"(?P<zh>[\u3400-\u9fff]{2,4})"
    r"|\b(?:not|never|no|without|cannot|can't|don't|doesn't|didn't|isn't|wasn't|won't)\s+"
    r"(?:(?:be|been|a|an|the|any)\s+)?(?P<en>[a-z]{3,})"
)
# Each pair: what goes up or is better, what goes down or is worse.
_DIRECTIONS: tuple[tuple[re.Pattern[str], re.Pattern[str]], ...] = tuple(
    (re.compile(up), re.compile(down))
    for up, down in (
        (
            r"提升|提高|增加|增长|上升|升高|上涨|升至|升到|涨到|涨了|\b(?:increas|improv|rais|boost|rose|rise|gain)\w*",
            r"降低|下降|减少|减小|降至|降到|缩减|下跌|下滑|退化|\b(?:decreas|reduc|lower(?:s|ed|ing)\b|drop|declin|cuts?\b|fell\b)\w*",
        ),
        (
            r"高于|超过|超越|优于|胜过|强于|领先|击败|赢过|(?<![不没])超出|\b(?:outperform|exceed|surpass|beat)\w*",
            r"低于|不及|不如|劣于|逊于|弱于|落后|输给|\b(?:underperform|lag|trail|lose|lost)\w*",
        ),
        (
            r"更高|更大|最高|最大|较高|\b(?:higher|highest|larger|largest)\b",
            r"更低|更小|最低|最小|较低|\b(?:lower|lowest|smaller|smallest)\b",
        ),
        (
            r"更快|加快|加速|\b(?:faster|fastest|speeds? up)\b",
            r"更慢|减慢|变慢|\b(?:slower|slowest)\b",
        ),
        (r"更好|最好|最佳|更优|最优|\b(?:better|best)\b", r"更差|最差|更糟|\b(?:worse|worst)\b"),
        (r"更多|最多|\b(?:more|most)\b", r"更少|最少|\b(?:fewer|less|least|fewest)\b"),
        (r"更强|最强|\b(?:stronger|strongest)\b", r"更弱|最弱|\b(?:weaker|weakest)\b"),
    )
)


def negation_conflict(claim: str, source: str) -> str | None:
    """A word that the claim negates and the source only affirms, or the other way round."""
    said, held = normalise(claim), normalise(source)
    for negating, affirming in ((said, held), (held, said)):
        for word in sorted(set(_negated(negating))):
            affirmed = _uses(word, affirming)
            if (
                affirmed
                and not any(_is_negated(affirming, at) for at in affirmed)
                and all(_is_negated(negating, at) for at in _uses(word, negating))
            ):
                return word
    return None


def direction_conflict(claim: str, sentence: str) -> str | None:
    """A direction of the claim whose opposite alone stands in the sentence it is closest to."""
    said, held = normalise(claim), normalise(sentence)
    for pair in _DIRECTIONS:
        for word, opposite in (pair, pair[::-1]):
            found = word.search(said)
            if (
                found
                and not opposite.search(said)
                and opposite.search(held)
                and not word.search(held)
            ):
                return found[0]
    return None


def _negated(text: str) -> Iterable[str]:
    """The first word after each negation; Chinese ones as they are cut."""
    for match in _NEGATED.finditer(text):
        word = match["en"] or next(iter(rjieba.cut(match["zh"])))
        if len(word) > 1:
            yield word


def _uses(word: str, text: str) -> list[int]:
    return [match.start() for match in re.finditer(re.escape(word), text)]


def _is_negated(text: str, at: int) -> bool:
    """Whether a negation stands shortly before, in the same clause."""
    before = _CLAUSE_END.split(text[max(0, at - _REACH) : at])[-1]
    return bool(_NEGATION.search(before))
