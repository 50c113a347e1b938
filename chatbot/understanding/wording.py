"""How readers put things: what tells a question's language, intent, aspects, and what it wants."""

import re
from collections.abc import Iterator, Mapping, Sequence

import rjieba

from chatbot.index.entity_linking import Link, NameTable
from chatbot.reports.parsing import SECTION_KEYS, SectionKey
from chatbot.text.terms import STOP_WORDS, words
from chatbot.understanding.models import Focus, Language, Noun, Sought, Wanted

_CJK = re.compile(r"[\u3400-\u9fff]")
_ENGLISH = re.compile(r"[a-z]+")
_NAME = re.compile(r"(?<![\w.+-])[A-Za-z][A-Za-z0-9]*(?:[.+-][A-Za-z0-9]+)*")
# Capitals past the first letter, or a digit: "LLaDA", "Qwen3", "GRU", but not "What".
_NAME_LIKE = re.compile(r"(?<=\w)[A-Z]|[a-zA-Z-]\d")


def _any_case(*parts: str) -> re.Pattern[str]:
    return re.compile("|".join(parts), re.IGNORECASE)


def by_key(patterns: Mapping[str, str]) -> dict[str, re.Pattern[str]]:
    """A table of patterns, each for any case."""
    return {key: _any_case(pattern) for key, pattern in patterns.items()}


_WORKS = "(?:论文|文章|研究|工作|paper)"
CHAT = _any_case(
    r"\W*(?:你好|您好|嗨|早上好|谢谢|再见|你是谁|你能做什么|"
    r"(?:hi|hello|hey)(?: there)?|thank(?:s| you)|bye|who are you|what can you do)\W*"
)
# Which papers: the papers themselves are asked for, not something of one of them.
WHICH_PAPERS = _any_case(
    rf"哪些[^，。？]{{0,20}}{_WORKS}|{_WORKS}[里中都分别有是]{{0,4}}(?:哪些|谁|哪几)",
    r"推荐[^，。？]{0,8}[篇些]|(?<![这那])[哪有]?几篇|多少篇|所有[^，。？]{0,16}论文|名单",
    r"\b(?:which|what|list|all|name|show|recommend|how many)\b[^?.]{0,200}"
    r"\b(?:papers|works|studies)\b|"
    r"\bpapers (?:that|which|using|about|on)\b",
)
LIST = _any_case(
    WHICH_PAPERS.pattern,
    r"都[有是]谁|列[出一全个]|的都?有(?:哪些|谁|哪几)|"
    r"哪些[^，。？]{0,30}(?:用[到了]|[使采]用|基于|跑过|评测|提到|涉及|做)",
)
COMPARE_STRONGLY = _any_case(
    r"(?:对比|比较)一?下|有[什啥]么?(?:[区差]别|不同)|(?:[区差]别|[不异]同)(?:在哪|是什么|呢)|谁[更最]|哪个更|"
    r"各自|[两三]篇|一样[么吗]",
    r"^\W*compare\b|(?<!-)\b(?:versus|vs)\b(?!-)|\bdiffer\w*\b.{0,200}\b(?:between|from)\b|\bboth\b",
)
SEVERAL = _any_case(r"[和跟与及、]|还有", r"\b(?:and|with|versus|vs|or)\b")
_ISSUE = r"(?:[期份批]|报告|日报|[今昨]天|[这本]周|\b(?:issue|report|today|week|day)\b)"
_DIGEST = (
    r"(?:概[览述括]|综述|总[览结]|梳理|盘点|"
    r"\b(?:overview|highlights?|digest|summar\w+|about|cover\w*)\b)"
)
OVERVIEW = _any_case(
    r"有(?:什么|哪些|啥)[^，。？]{0,6}(?:值得|[亮看]点|新[鲜东]|有意思|重要)|值得[一看读关]",
    r"[讲说聊写]了?[些点]?(?:什么|啥|哪些)[^，。？]{0,4}$|有(?:什么|啥)(?:内容|论文|东西|方向|主题)?[?？]?$",
    rf"{_DIGEST}.{{0,80}}{_ISSUE}|{_ISSUE}.{{0,80}}(?:{_DIGEST}|[讲说写]了?[些点]?(?:什么|哪些))",
    r"[和跟比与][^，。？]{0,4}(?:[上前]一?期|昨天)[^，。？]{0,10}(?:变化|不同|多了|新)",
    r"\b(?:what|anything)(?:'s| is| are)? (?:new|changed|worth|interesting|notable)\b",
    r"\bworth reading\b",
    rf"\bwhat(?:'s| is) in\b.{{0,80}}{_ISSUE}",
)
# The names of the sections; a question for no more than one asks for all of it.
_WHOLE_SECTIONS: dict[SectionKey, re.Pattern[str]] = {
    "field": _any_case(r"(?:应用|研究)?领域|应用场景", r"\b(?:field|domain|area)s?\b"),
    "contribution": _any_case(r"贡献", r"\bcontributions?\b"),
    "usage": _any_case(r"使用(?:指南|方[法式])?|怎么用|用法", r"\busage\b"),
    "innovations": _any_case(r"创新(?:点|之处)?|方法|原理", r"\b(?:innovat|method|approach)\w*"),
    "results": _any_case(
        r"(?:实验)?[效结]果|实验|性能|表现", r"\b(?:result|performance|experiment)s?\b"
    ),
}
# Some words beside them that ask for a section, few enough not to be fitted to any questions.
_ASPECTS: dict[SectionKey, re.Pattern[str]] = {
    "field": _any_case(r"场景|方向", r"\bapplication"),
    "contribution": _any_case(
        r"做什么|是什么|[讲说]了?什么|解决|总结|概括|介绍|主要内容",
        r"\b(?:contribut|summar|about\W*$|tell me about|main idea|^what is)",
    ),
    "usage": _any_case(
        r"输入|输出|硬件|卡|代码|开源|部署",
        r"\b(?:inputs?\b|outputs?\b|hardware|gpus?\b|code\b|releas|open[- ]sourc|deploy|licen)",
    ),
    "innovations": _any_case(
        r"机制|怎么|如何|为什么|设计|区别|不同",
        r"\b(?:how do(?:es)?\b|why\b|mechanism|design|novel|differ)",
    ),
    "results": _any_case(
        r"提升|多少|率|倍|快|分",
        r"\b(?:scores?\b|accura|how (?:much|many)|fast|improv|perform|best|percent)",
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
_PLACED = re.compile(
    r"(?:第[一二三四五六七八九十\d]+|最后一|[这那该两三])[个篇]?|[前后两二三]者|'s\b"
)
# What else stands beside the name of a section in a question for no more than that; stems.
_BESIDE = frozenset(
    "主要 核心 关键 具体 方面 各自 分别 之间 对比 比较 相比 请 帮 介绍 说说 讲 说 区别 "  # noqa: SIM905 - a list of words reads as one
    "不同 差异 异同 文章 工作 模型 系统 怎么样 main key core overal good well "
    "system model compar between differ former "
    "latter first second third last pleas both".split()
)
_CLAUSE = re.compile(
    r"[，。？！；：,;:?!—\n]+|(?<=[\u3400-\u9fff])\s+(?=[\u3400-\u9fff])|(?<!\b[A-Z]r)\.(?=\s|$)|\s-+\s"
)
_ASKS = _any_case(
    r"[几哪凭咋吗么啥各]|多[少长大久高快远]|[如为]何|[是会能]不[是会能]|有没有|还是|分别|[报给]一下",
    r"\b(?:wh[aeioy]\w*|how|do|does|did|is|are|was|were|can|could|ha[sd]|have|w(?:ill|ould)|"
    r"i need|(?:give|tell) me)\b",
)
_ASKS_WHICH_PAPER = _any_case(r"哪[一个]?篇", r"\b(?:which|what) paper\b")
_ASKS_NUMBER = _any_case(
    r"多少|几|百分|倍|比例|分别",
    r"\bhow (?:many|much|far|often|long|big|large|fast|high)\b|\bpercent|"
    r"\bwhat (?:\w+ )?(?:rate|score|number)\b|\bwhat d(?:oes|id) .{3,60}\b(?:score|reach)\b",
)
_NAMES_FIGURE = _any_case(
    r"(?:得分|[\u3400-\u9fff]率)[是呢]?[?？]?$|\bwhat (?:\S+ ){0,4}(?:scores?|latency)\b"
)


def language_of(text: str) -> Language:
    """The language of a question: names and quoted words do not decide it, its grammar does."""
    chinese = len(_CJK.findall(text))
    english = sum(word in STOP_WORDS for word in _ENGLISH.findall(text.lower()))
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
    for pattern in [*(_WHOLE_SECTIONS[key] for key in found), _PLACED]:
        rest = pattern.sub(" ", rest)
    return () if {*words(rest)} - STOP_WORDS - _BESIDE else found


def aspects_of(text: str) -> tuple[SectionKey, ...]:
    """The sections that a question's words, where it asks, ask for."""
    asked = asked_of(text)
    return tuple(
        key
        for key, pattern in _ASPECTS.items()
        if pattern.search(asked) or _WHOLE_SECTIONS[key].search(asked)
    )


# Things that a question may ask of a paper, and that one says by the same words.
THINGS = by_key(
    {
        "cost": r"美元|费用|成本|\bcosts?\b|\$ ?\d",
        "learning_rate": r"学习率|\blearning[- ]rate",
        "optimizer": r"优化器|\boptimi[sz]er|Adam|\bSGD\b|Muon",
        "latency": r"延迟|毫秒|\blatency\b|\d ?ms\b",
        "batch": r"batch ?size|批大小|批次",
        "participants": r"标注[者员]|志愿者|\b(?:participant|annotator)s\b",
        "seeds": r"种子|\brandom seeds?\b",
        "encoder": r"[视图][觉像]编码器|\b(?:vision|image) encoder\b|CLIP|DINO|\bViT\b",
    }
)
# Others, by key; what a paper says that gives them is in `answering/refusal.py`.
_ATTRIBUTES = THINGS | by_key(
    {
        "licence": r"许可|(?:开源|什么|哪种)协议|商用|\blicen[cs]e\b|commercial(?:ly)? us",
        "authors": r"作者[是有都]|谁写的|哪[个家](?:机构|学校|公司|团队|大学)|"
        r"\b(?:authors|affiliations?)\b|"
        r"which (?:lab|university|company|team)|who (?:wrote|made)",
        "hours": r"GPU ?小?时|卡时|训练了?多[久少]|[少几]个?小时|训练时长|gpu[- ]?hours?|"
        r"how (?:long|many hours).{0,30}\btrain",
        "date": r"(?:什么时候|何时|哪[天年]|几月)[发开上]|release date|"
        r"when (?:was|were|will) .{0,40}(?:releas|publish)",
        "code": r"(?:代码|仓库|项目)的?(?:链接|[地网]址|在哪)|"
        r"(?:link|url|where) .{0,30}\b(?:code|repo)",
        "gpu": r"(?:什么|哪种)(?:型号的?)?显?(?:卡|GPU)|\b(?:what|which) [a-z ]{0,14}gpus?\b",
        "gpus": r"(?:多少|几)[张块]?显?(?:卡|GPU)|\bhow many (?:\w+ ){0,2}gpus?\b",
        "venue": r"会议|期刊|\b(?:conference|venue|journal)\b|\baccepted (?:at|to)\b",
    }
)
_METRIC = re.compile(r"[\u3400-\u9fff]{2}率(?=的?具体|[是有为到具多，。？?]|$)")
# A size, length or distance that narrows what is asked: "2B", "512K", "25km".
_SETTING = re.compile(r"(?<![A-Za-z0-9.\-])\d+(?:\.\d+)?(?:[BMKkm]|km|GB|[×x]\d+)(?![A-Za-z0-9])")
_ABOUT = re.compile(r"[做搞讲]|研究|关于|有关|[面针][向对]|涉及")
_NEAR = 3
_NOUNS = frozenset({"n", "nz", "nt"})
_THINGS = _NOUNS | {"ns", "nr", "vn"}


def wanted_of(question: str) -> Wanted:
    """The attribute or figure that a look-up asks for."""
    clause = asked_of(question)
    return Wanted(
        attributes=tuple(key for key, asked in _ATTRIBUTES.items() if asked.search(question)),
        figure=bool(_ASKS_NUMBER.search(question) or _NAMES_FIGURE.search(question)),
        names=names_in(clause),
        settings=tuple(_SETTING.findall(question)),
        metrics=tuple(match[0] for match in _METRIC.finditer(clause)),
        nouns=tuple(_nouns(question)),
    )


def _nouns(question: str) -> Iterator[Noun]:
    """The Chinese nouns; what stands just before one tells whether a paper is said to be on it."""
    at = 0
    for word, tag in rjieba.tag(question):
        at = question.find(word, at)
        if tag in _THINGS and len(word) > 1 and not word.isascii():
            about = _ABOUT.search(question[max(0, at - _NEAR) : at]) is not None
            yield Noun(word, tag in _NOUNS, about)
