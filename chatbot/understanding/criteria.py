"""What a question wants of several papers: the criteria of a list, the parts of a comparison.

Read here once; what follows looks at reports alone.
"""

import re
from collections.abc import Sequence

from chatbot.index.entity_linking import NameTable
from chatbot.text.quantities import number_of
from chatbot.text.terms import STOP_WORDS
from chatbot.understanding.models import Criteria, Part, Records
from chatbot.understanding.wording import language_of

_LATIN_TERM = re.compile(
    r"(?<![A-Za-z0-9.])[A-Za-z0-9][\w.+'’-]*(?:[ \t]+(?:[A-Z0-9][\w.+'’-]*|\d[\w.]*))*"
)
_ASIDE = re.compile(r"[（(][^（）()]*[）)]")
_QUOTED = re.compile(r"[“\"'「『《]([^”\"'」』》]{2,24})[”\"'」』》]")
SCAFFOLD_EN = STOP_WORDS | frozenset(
    "list all name show works study studies article articles issue issues deal deals dealing every "  # noqa: SIM905 - a list of words reads as one
    "related concern concerning address focus focused total altogether".split()
)
# Latin words that stand in a Chinese question without being a name.
GENERIC = frozenset(
    "ai ml llm llms agent agents paper papers arxiv model models benchmark benchmarks dataset "  # noqa: SIM905 - a list of words reads as one
    "datasets gpu gpus token tokens sota and or nvidia issue report id ids vs".split()
)
_WANTS_OWN = re.compile(
    r"自[己身]|本身|[底基]座|骨干|基础模型|微调|不算|而不是|"
    r"\b(?:own|itself|fine-?tun\w*|built on|base model)\b",
    re.IGNORECASE,
)
_FIELD_ONLY = re.compile(r"应用领域|领域一?栏|field section", re.IGNORECASE)
_ALL = re.compile(r"既.{1,200}又|同时|并且|且都|\bboth\b.{1,200}\band\b", re.IGNORECASE)
# What a list is asked with, and no paper is about.
_SCAFFOLD = re.compile(
    r"请?(?:[帮给]我)?(?:列[出全个]|列一[下列]|整理|盘点|找[出一]下?|说说|告诉我)|推荐(?:一下)?[几一两三]?[篇些]|"
    r"适合|入门|其中|[这那]些|它们|(?:完整)?名单|[写提]到|写了|[一总]?共|(?:都)?[有是]?(?:哪些|[哪有]?几篇|多少篇|谁)|"
    r"分别|论文|文章|研究|工作|日报|报告|收录|里面?|[这那]几?[期份批天]|的?[有相]关|关于|方[面向]|领域|主题|"
    r"[做搞讲]|涉及|包[含括]|属于|针对|一下|[都有的是了在跟和与里中把也要吗呢]",
    re.IGNORECASE,
)
# What a paper did with what the list is by, not what it is about.
_HOW = re.compile(
    r"用|基于|借助|自[己身]|方法|模型|[底基]座|骨干|基准|[评测]测|[提推]出|新|[跑拿训]|实验|上报|一个|这个|显卡"
)
_FOR = re.compile(r"\b(?:for|of|about|in)\s+(?P<what>[\w\s-]+)", re.IGNORECASE)
_FILLERS = re.compile(r"已经|目前|现在")
# Turned round: "开源代码" would be cut as 开 and 源代码.
_RELEASES = re.compile(r"(?P<how>开源|公开|发布)了?(?P<what>代码|数据集|数据|权重)")
_WANTS_NEW = re.compile(
    r"(?:自己|新|首[次个]|[提推]出|发布|[造建])[^，。？]{0,10}?"
    r"(?P<zh>评测基准|基准|[评测][测试]集|数据集|语料库?|框架|工具包)|"
    r"\b(?:introduc|propos|releas|present|build|creat|new)\w*\b[^?.]{0,30}?"
    r"\b(?P<en>benchmark|data ?set|corpus|toolkit|framework)s?\b",
    re.IGNORECASE,
)
_USES = re.compile(r"用[到了]|[使采]用|基于|借助|\b(?:use[sd]?|using|based on)\b", re.IGNORECASE)
# "Not about X": the others are listed.
_NOT = re.compile(
    r"(?:不是?|并非|没有?)(?:关于|涉及|研究|属于|[讲做])|"
    r"\b(?:not|nothing to do|unrelated)\s+(?:about|on|with|to)\b",
    re.IGNORECASE,
)
ABSTRACT_ONLY = re.compile(
    r"[只仅光]是?[读看基根有][^，。？]{0,8}摘要|没有?[读看]到?[全正原]文|"
    r"\b(?:only|just)\b[^?.]{0,24}\babstracts?\b|\babstracts?[- ]only\b|"
    r"\bnot\b.{0,16}\bfull text\b",
    re.IGNORECASE,
)
_FULL_TEXT = re.compile(
    r"(?<!没)(?<!没有)[读看][了过]?[全正]文|"
    r"\b(?:read|based on|from)\b[^?.]{0,16}\b(?:full text|html)\b",
    re.IGNORECASE,
)
# No list is asked by more alternatives.
_MOST_PIECES, _MOST_NAMES = 40, 100


def criteria_of(text: str) -> Criteria:
    """What a list is asked by; `text` is the question without days and ids."""
    negated = _NOT.search(text) is not None
    text = _NOT.sub(" ", text)
    plain = _ASIDE.sub(" ", text)
    new = _WANTS_NEW.search(plain)
    introduces = (new["zh"] or new["en"]).lower() if new else None
    names = _names(plain)
    full: Records = "full_text" if _FULL_TEXT.search(text) else None
    records: Records = "abstract_only" if ABSTRACT_ONLY.search(text) else full
    return Criteria(
        negated=negated,
        records=records,
        introduces=introduces,
        names=names,
        topics=tuple(_topics(plain)),
        beside=_beside(plain, (introduces,) if introduces else names),
        uses=bool(_USES.search(text)),
        own=bool(_WANTS_OWN.search(text)),
        field_only=bool(_FIELD_ONLY.search(text)),
        every=bool(_ALL.search(text)),
    )


def _names(text: str) -> tuple[str, ...]:
    """What may be names: what is quoted, and Latin words that are no word of the question."""
    english = language_of(text) == "en"
    candidates = [match[1] for match in _QUOTED.finditer(text)]
    for match in _LATIN_TERM.finditer(text):
        term = match[0].strip(" .'’-")
        plain = term.isalpha() and (term.islower() or term.istitle()) and term.isascii()
        if not (english and plain and " " not in term):
            candidates.append(term)
    known = GENERIC | SCAFFOLD_EN
    names = list(dict.fromkeys(candidates))[:_MOST_NAMES]
    return tuple(name for name in names if name.lower() not in known and not name.isdecimal())


def _topics(text: str) -> list[str]:
    """What a list is about: the question less what any list is asked with, in alternatives."""
    if language_of(text) == "en":
        kept = [w for w in re.findall(r"[A-Za-z][\w-]*", text) if w.lower() not in SCAFFOLD_EN]
        return [" ".join(kept)] if kept else []
    text = _FILLERS.sub("", _FIELD_ONLY.sub(" ", text))
    text = _RELEASES.sub(r"\g<what>\g<how>", text)
    pieces = re.split(r"[/、，,。？?！：:；“”\"\s]|或者?", _SCAFFOLD.sub(" ", text))
    return [piece for piece in dict.fromkeys(pieces) if len(piece) > 1][:_MOST_PIECES]


def _beside(text: str, taken: Sequence[str]) -> tuple[str, ...]:
    """What else a list is asked by, beside the names it is made by.

    In English it is what follows "for" or "of" after the last of them.
    """
    if not taken:
        return ()
    *before, after = re.split("|".join(map(re.escape, taken)), text, flags=re.IGNORECASE)
    if language_of(text) == "en":
        followed = _FOR.search(after)
        phrases = _topics(f"which {followed['what']}") if followed else []
        pieces = [word for phrase in phrases for word in phrase.split()]
    else:
        pieces = _topics(" ".join([*before, after]))
    return tuple(p for p in pieces if p.lower() not in GENERIC and not _HOW.search(p))


# Where one description of a paper ends and the next begins.
_BREAK = re.compile(
    r"[、，,；;：:。？?！!]|(?:还有|以及|[和跟与同及])|\b(?:and|with|versus|vs|or|against|to)\b(?!-)",
    re.IGNORECASE,
)
_LIKE_A_PAPER = re.compile(r"[那这][篇个]|论文|方法|\b(?:paper|method|one|the)\b", re.IGNORECASE)
_A_PAPER = re.compile(r"[那这]一?篇|\bpaper\b", re.IGNORECASE)
_COUNT = re.compile(
    r"(?P<zh>[两二三四五])[个篇种者]|\b(?P<en>two|three|four|five)\b", re.IGNORECASE
)
# Each part is searched for.
_MOST_PARTS = 40


def parts_of(question: str, names: NameTable) -> tuple[Part, ...]:
    """The parts of a comparison between its breaks that name no paper."""
    text = question
    for link in names.find(text):
        text = text[: link.start] + "\0" * (link.end - link.start) + text[link.end :]
    parts = (part.strip() for part in _BREAK.split(text))
    return tuple(
        Part(part, bool(_A_PAPER.search(part)), bool(_LIKE_A_PAPER.search(part)))
        for part in [part for part in parts if part and "\0" not in part][:_MOST_PARTS]
    )


def count_of(question: str) -> int:
    """How many papers a comparison says it is of; 0 where it does not."""
    count = _COUNT.search(question)
    return (number_of(count["zh"] or count["en"]) or 0) if count else 0
