"""How readers put things: the patterns that tell a question's language, intent and aspects."""

import re
from collections.abc import Sequence

from chatbot.index.entity_linking import Link, NameTable
from chatbot.reports.parsing import SECTION_KEYS, SectionKey
from chatbot.understanding.models import Focus, Language, Sought

_CJK = re.compile(r"[\u3400-\u9fff]")
_ENGLISH_GRAMMAR = re.compile(
    r"\b(?:what|which|who|when|where|why|how|does|do|did|is|are|was|were|has|have|can|the|an|"
    r"of|in|on|to|for|from|with|and|or|by|it|its|than|that)\b",
    re.IGNORECASE,
)
_NAME = re.compile(r"(?<![\w.+-])[A-Za-z][A-Za-z0-9]*(?:[.+-][A-Za-z0-9]+)*")
# Capitals past the first letter, or a digit: "LLaDA", "Qwen3", "GRU", but not "What".
_NAME_LIKE = re.compile(r"(?<=\w)[A-Z]|[a-zA-Z-]\d")


def _any_case(*parts: str) -> re.Pattern[str]:
    return re.compile("|".join(parts), re.IGNORECASE)


CHAT = _any_case(
    r"\W*(?:你好|您好|嗨|哈喽|早上好|谢谢|多谢|再见|你是谁|你能做什么|"
    r"(?:hi|hello|hey)(?: there| all)?|thanks|thank you|bye|who are you|what can you do)\W*"
)
# Which papers: the papers themselves are asked for, not something of one of them.
WHICH_PAPERS = _any_case(
    r"推荐(?:一下)?(?:[几一两三]篇|些)|"
    r"哪些[^，。？]{0,20}(?:论文|文章|研究|工作|paper)|(?<![这那])[哪有]?几篇|多少篇|所有[^，。？]{0,16}论文",
    r"(?:论文|文章|研究|工作|paper)(?:里|中)?(?:都|分别)?(?:有|是)?(?:哪些|谁|哪几)|名单|一篇别漏",
    r"\b(?:which|what|list|all|name|show)\b[^?.]{0,200}\b(?:papers|works|studies|articles)\b",
    r"\brecommend\b[^?.]{0,200}\bpapers?\b|"
    r"\bhow many (?:papers|works|studies)\b|\bpapers (?:that|which|using|about|on)\b",
)
LIST = _any_case(
    WHICH_PAPERS.pattern,
    r"都有谁|都是谁|列出|列一下|列全|列个|的(?:都)?有(?:哪些|谁|哪几)",
    r"哪些[^，。？]{0,30}(?:用到|用了|使用|采用|基于|跑过|评测|提到|涉及|做)",
)
COMPARE_STRONGLY = _any_case(
    r"对比一?下|比较一?下|有什么(?:区别|不同|差别)|(?:区别|不同|差别|异同)(?:在哪|是什么|呢)|谁更|哪个更|谁最|各自|"
    r"两篇|三篇|有啥不同|一样[么吗]",
    r"^\W*compare\b|(?<!-)\bversus\b(?!-)|\bvs\b|\bdiffer(?:s|ence)?\b.{0,200}\b(?:between|from)\b|\bboth\b",
)
# With one paper named, what tells that another is only described: "UMEM 和讲数据的那篇，各用了…".
EACH_AND_ANOTHER = _any_case(
    r"(?:[和跟与及、]|还有)[^，。？]{0,80}[那这]一?篇.{0,120}(?:各|分别|谁|都)",
    r"\band\b.{0,120}\bpaper\b.{0,120}\b(?:each|both|either|respectively)\b",
)
# Names that papers may only mention are compared where each is asked about.
EACH = _any_case(
    r"对比|比较|相比|区别|不同|差别|差异|异同|谁|哪个|各|分别|一样|[两三四]个",
    r"\b(?:compar\w*|versus|vs|differ\w*|both|each|either|whereas|respectively)\b",
)
SEVERAL = _any_case(r"[和跟与及、]|还有", r"\b(?:and|with|versus|vs|or)\b")
OVERVIEW = _any_case(
    r"有(?:什么|哪些|啥)[^，。？]{0,6}(?:值得|好看|新鲜|亮点|看点|有意思|重要|新东西)|值得(?:看|读|关注|一读)",
    r"(?:都|主要)?(?:讲|说|聊|写)了?(?:些|点)?(?:什么|啥|哪些)[^，。？]{0,4}$|"
    r"(?:有|都有)(?:什么|啥)(?:新)?(?:内容|论文|东西|方向|主题)?[?？]?$",
    r"(?:概览|概述|综述|总览|总结|概括|梳理|盘点)[^，。？]{0,8}(?:期|份|批|报告|日报|今天|昨天|这周|本周)",
    r"(?:期|份|批|报告|日报|今天|昨天|这周|本周)[^，。？]{0,8}(?:概览|概述|总览|总结|概括|梳理|盘点)",
    r"(?:和|跟|比|与)[^，。？]{0,4}(?:上一?期|前一?期|昨天)[^，。？]{0,10}(?:变化|不同|多了|新增|新)",
    r"\bwhat(?:'s| is| are)? (?:new|changed|worth|interesting|hot|notable)\b|\bwhat changed\b",
    r"\b(?:overview|highlights?|digest|summar\w+|round-?up)\b.{0,200}\b(?:issue|report|today|week|day)\b",
    r"\b(?:issue|report|today|week)\b.{0,200}\b(?:overview|highlights?|about|summar\w+|cover\w*)\b",
    r"\banything (?:new|interesting|worth)\b|\bworth reading\b",
    r"\bwhat(?:'s| is) in\b.{0,200}\b(?:issue|report)\b",
)
# Words that lean on what was said before; a short question without a name does so too.
REFERS_BACK = _any_case(
    r"它|这篇|那篇|该论文|该方法|这个|那个|这两|那两|其中|上面|前者|后者|前面|后面|前一|后一|两者|二者|刚才|"
    r"第[一二三四五六七八九十\d]+[个篇]|最后一[个篇]|^那|^还有|^再|^然后|呢[?？]?$",
    r"\b(?:it|its|they|their|them|this|that|these|those|former|latter|"
    r"the (?:first|second|third|last|other|same|two)|what about|how about)\b|^and\b",
)
# Ten words a section that ask for it, few enough not to be fitted to any questions.
_ASPECTS: dict[SectionKey, re.Pattern[str]] = {
    "field": _any_case(r"领域|场景|方向", r"\b(?:field|domain|area|application)"),
    "contribution": _any_case(
        r"贡献|做什么|是什么|[讲说]了?什么|解决|总结|概括|介绍|主要内容",
        r"\b(?:contribut|summar|about\W*$|tell me about|main idea|^what is)",
    ),
    "usage": _any_case(
        r"怎么用|使用|输入|输出|硬件|卡|代码|开源|部署",
        r"\b(?:inputs?\b|outputs?\b|hardware|gpus?\b|code\b|releas|open[- ]sourc|deploy|licen)",
    ),
    "innovations": _any_case(
        r"创新|原理|机制|怎么|如何|为什么|设计|区别|不同",
        r"\b(?:how do(?:es)?\b|why\b|mechanism|design|novel|differ)",
    ),
    "results": _any_case(
        r"效果|结果|提升|多少|率|倍|快|分|表现|实验",
        r"\b(?:results?\b|scores?\b|accura|how (?:much|many)|fast|improv|perform|best|percent)",
    ),
}
# What names a whole section, and what else may stand beside it in a question for no more than that.
_WHOLE_SECTIONS: dict[SectionKey, re.Pattern[str]] = {
    "field": _any_case(r"(?:应用|研究)?领域|应用场景", r"\b(?:fields?|domains?|areas?)\b"),
    "contribution": _any_case(r"贡献", r"\bcontributions?\b"),
    "usage": _any_case(r"使用(?:指南|方法|方式)|怎么用|如何使用|用法", r"\bhow to use\b|\busage\b"),
    "innovations": _any_case(
        r"创新(?:点|之处)?|方法|原理|思路",
        r"\b(?:innovations?|methods?|approach(?:es)?|novelt(?:y|ies))\b",
    ),
    "results": _any_case(
        r"(?:实验)?(?:效果|结果)|实验|性能|表现", r"\b(?:results?|performance|experiments?)\b"
    ),
}
SECTION_NAMES: dict[Language, dict[SectionKey, str]] = {
    "zh": {
        "field": "应用领域",
        "contribution": "核心贡献",
        "usage": "使用指南",
        "innovations": "主要创新",
        "results": "实验效果",
    },
    "en": {key: key for key in SECTION_KEYS},
}
_BESIDE = _any_case(
    r"第[一二三四五六七八九十\d]+[个篇]|最后一[个篇]|[这那该两三][个篇]?|[它他]们?|[前后两二三]者|论文|文章|工作|模型|"
    r"系统|主要|核心|关键|具体|最|在|上|里|中|方面|各自|各|分别|之间|对比|比较|相比|一下|[和跟与及、]|请|帮我|介绍|"
    r"说说|讲讲|说|讲|采?用|不同|区别|差[别异]|异同|怎么?样|如何|什么|哪些|是|有|的|了|啥|都|呢|吗|吧|么",
    r"\b(?:what|how|is|are|was|were|do|does|did|the|a|an|of|its?|their|they|them|in|on|and|or|by|for|to|"
    r"key|main|core|overall|good|well|this|that|these|those|papers?|works?|systems?|models?|compare|"
    r"comparison|between|vs|versus|with|differences?|differ|different|both|former|latter|first|second|"
    r"third|fourth|fifth|last|one|two|tell|give|me|about|please|can|you|has|have|use|uses|used)\b|'s\b",
)
_CLAUSE = re.compile(
    r"[，。？！；：,;:?!—\n]+|(?<=[\u3400-\u9fff])\s+(?=[\u3400-\u9fff])|(?<!\b[A-Z]r)\.(?=\s|$)|\s-+\s"
)
_ASKS = _any_case(
    r"什么|啥|多少|几|哪|怎么|咋|如何|为何|凭|是不是|有没有|会不会|能不能|吗|么|多[长大久高快远]|还是|分别|各|"
    r"报一下|给一下",
    r"\b(?:what|which|who|when|where|why|how|does|do|did|is|are|was|were|can|could|has|have|had|"
    r"will|would|i need|give me|tell me)\b",
)
_ASKS_WHICH_PAPER = _any_case(
    r"哪一?篇|哪个论文|哪项(?:研究|工作)|有没有(?:搞|做|讲)",
    r"\b(?:which|what) (?:paper|work|study)\b|\bi'm after\b|\bi remember\b",
)
_ASKS_NUMBER = _any_case(
    r"多少|几|百分|倍|比例|分别",
    r"\bhow (?:many|much|far|often|long|big|large)\b|\bpercent\w*\b",
    r"\bwhat (?:\w+ )?(?:rate|score|number)\b",
)


def language_of(text: str) -> Language:
    """The language of a question: names and quoted words do not decide it, its grammar does."""
    chinese, english = len(_CJK.findall(text)), len(_ENGLISH_GRAMMAR.findall(text))
    return "zh" if chinese > 2 * english else "en"


def names_in(text: str) -> tuple[str, ...]:
    """The names of systems, models and datasets in a question: words with capitals or digits."""
    return tuple(dict.fromkeys(name for name in _NAME.findall(text) if _NAME_LIKE.search(name)))


def asked_of(text: str) -> str:
    """The clauses of a question that ask, without those that only describe the paper meant.

    "打星际争霸的那个模型，把局面拆成哪五块" asks "把局面拆成哪五块". All of it where none asks.
    """
    clauses = [clause.strip() for clause in _CLAUSE.split(text)]
    asking = [c for c in clauses if _ASKS.search(c) and not _ASKS_WHICH_PAPER.search(c)]
    return " ".join(asking) or text


def without_names(text: str, links: Sequence[Link], names: NameTable) -> str:
    """The text without the names of the papers of these links."""
    meant = {paper for link in links for paper in link.papers}
    for name in names.find(text) if meant else ():
        if meant & {*name.papers}:
            text = text[: name.start] + " " * (name.end - name.start) + text[name.end :]
    return text


def sought_of(text: str, links: Sequence[Link] = (), names: NameTable | None = None) -> Sought:
    """What is searched for by a text that names the papers of these links."""
    unnamed = without_names(text, links, names) if names else text
    return Sought(text, unnamed, language_of(text) == "en", bool(_ASKS_NUMBER.search(text)))


def focus_of(question: str, links: Sequence[Link] = (), names: NameTable | None = None) -> Focus:
    """What sentences are judged for by a question that names the papers of these links."""
    rest = without_names(question, links, names) if names else question
    rest = rest if rest.strip(" ?？。,，") else question
    clause = asked_of(rest)
    named = tuple(name.lower() for name in names_in(rest))
    return Focus(rest, clause, named, bool(_ASKS_NUMBER.search(clause)))


def whole_sections_of(text: str) -> tuple[SectionKey, ...]:
    """The sections of which a question asks for all; none where it asks for something in them.

    `text` is the question without the names of papers: "的主要创新是什么", not "用了几张显卡".
    """
    found = tuple(key for key, pattern in _WHOLE_SECTIONS.items() if pattern.search(text))
    rest = text
    for pattern in [*(_WHOLE_SECTIONS[key] for key in found), _BESIDE]:
        rest = pattern.sub(" ", rest)
    return () if re.search(r"\w", rest) else found


def aspects_of(text: str) -> tuple[SectionKey, ...]:
    """The sections that a question's words, where it asks, ask for."""
    asked = asked_of(text)
    return tuple(key for key, pattern in _ASPECTS.items() if pattern.search(asked))
