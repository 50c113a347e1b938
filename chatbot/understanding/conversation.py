"""Follow-ups: what "it", "the second one" or "那和前一个比呢" stand for, by the history alone."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from chatbot.index.entity_linking import Link, NameTable
from chatbot.text.quantities import number_of
from chatbot.understanding.models import Message

ARXIV_ID = re.compile(r"(?<![\d.])(\d{4}\.\d{4,5})(?:v\d+)?(?![\d.]\d)")
_LATIN_WORD = re.compile(r"[A-Za-z]{2,}")
# What else leans on what was said before; a short question without a name does so too.
_LEANS = re.compile(
    r"它|[这那][篇个]|该(?:论文|方法)|刚才|^(?:那|还有|再|然后)|呢[?？]?$|"
    r"\b(?:its?|they|their|them|this|that|these|those|the (?:other|same)|"
    r"(?:what|how) about)\b|^and\b",
    re.IGNORECASE,
)
_SHORT = 16
_TURNS = 2
_ORDINAL = re.compile(
    r"第\s*(?P<zh>[一二三四五六七八九十两]|\d{1,2})\s*[个篇种者项]|"
    r"(?P<last>最后[一那]?[个篇]|后者|后一[个篇]|后面[那的]?[个篇]?|后头?[那一]?个?(?=[呢的那，,？?]|$))|"
    r"(?P<first>前者|前一[个篇]|前面[那的]?[个篇]?)|"
    r"(?:\bthe|^)\W*(?P<en>first|second|third|fourth|fifth|last|former|latter)\b",
    re.IGNORECASE,
)
_AGAINST = re.compile(
    r"[和跟与比][^，。？]{0,8}(?:[前上]|刚才|之前|另一|第)[^，。？]{0,6}[比呢]|[两二]者|这两[个篇]|"
    r"\b(?:compare|versus|vs|than)\b.{0,200}\b(?:previous|first|former|earlier|other|last)\b|"
    r"\bthe two\b|\bboth\b",
    re.IGNORECASE,
)
# What is held against the paper the question names is left to the conversation: "和 SAGE 比呢".
_AGAINST_NAMED = re.compile(
    r"^\W*那?么?(?:它|这篇)?[和跟与比][^，。？]+?比|"
    r"\bhow d(?:oes|o) (?:it|this|that|they)\b.*\bcompare|"
    r"^\W*(?:and )?(?:compared|versus|vs)\b|^\W*compare (?:it|this|that|them)\b",
    re.IGNORECASE,
)
# Of the papers just listed: "其中哪些开源了代码", "which of them release code".
_AMONG = re.compile(
    r"其中|[这那](?:些|[几三四五六七八九十]+[篇个])|上面[这那]?[些几]|它们[里中之]|"
    r"\b(?:of|among) (?:them|these|those)\b|\b(?:these|those) (?:papers|works|ones)\b",
    re.IGNORECASE,
)
_MOST = re.compile(
    r"[哪谁][^，。？]*[最更]|[区差]别|[不异]同|"
    r"\b(?:best|most|least|\w{2,}est|better|faster|differ\w*)\b",
    re.IGNORECASE,
)
_WHICH = re.compile(
    r"[哪谁]|[几少][篇个]|\b(?:which|what|how many|who|any|do|does|are|is)\b", re.IGNORECASE
)
_LEANING = (_LEANS, _ORDINAL, _AMONG, _AGAINST)
_MOST_COMPARED = 8


@dataclass(frozen=True, slots=True)
class Context:
    """What the history adds to a question: the turns it leans on, and the papers it speaks of.

    `compares` says that the papers are to be held against each other, `lists` that some of them are
    to be picked.
    """

    turns: tuple[str, ...] = ()
    links: tuple[Link, ...] = ()
    compares: bool = False
    lists: bool = False


STANDS_ALONE = Context()


def context_of(
    question: str, own: Sequence[Link], history: Sequence[Message], names: NameTable
) -> Context:
    """The context of a question that leans on the conversation; empty if it stands alone.

    `own` are the papers the question itself names: they replace those of the history, unless both
    are compared.
    """
    short = len(question) <= _SHORT and not _LATIN_WORD.search(question)
    against = bool(own and _AGAINST_NAMED.search(question))
    if not (short or against or any(leans.search(question) for leans in _LEANING)):
        return STANDS_ALONE
    spoken = [(turn, _papers_of(turn, names)) for turn in _told(history, names)]
    # The papers of the last answer that lists some; of the last turn with several, else.
    several = [(turn, links) for turn, links in reversed(spoken) if len(links) > 1]
    by_list = [links for turn, links in several if turn.lists]
    listed = next(iter([*by_list, *(links for _, links in several)]), [])
    if not own and listed and _AMONG.search(question) and _WHICH.search(question):
        if _MOST.search(question):
            return Context(links=tuple(listed[:_MOST_COMPARED]), compares=True)
        return Context(links=tuple(listed), lists=True)
    compares = against or bool(_AGAINST.search(question))
    focus = _focus(question, spoken, compares=compares, named=bool(own))
    asked = [turn.content for turn in history if turn.role == "user"]
    if own and not compares:
        # A new subject: the last question says what is asked of it, where the new one is short.
        return Context(turns=tuple(asked[-1:]) if len(question) <= _SHORT else ())
    turns = asked[-_TURNS:]
    if not focus:
        turns += [turn.content for turn in history if turn.role == "assistant"][-1:]
    return Context(tuple(turns), tuple(focus), compares)


def _told(history: Sequence[Message], names: NameTable) -> Iterator[Message]:
    """The turns; where an answer is known by its text alone, what it lists is read from that.

    An answer that gives several ids lists those papers; what its quotes name besides is no item.
    """
    for turn in history:
        ids = [paper for paper in ARXIV_ID.findall(turn.content) if paper in names.titles]
        if turn.role == "assistant" and turn.papers is None and len(ids) > 1:
            yield replace(turn, papers=tuple(dict.fromkeys(ids)), lists=True)
        else:
            yield turn


def _focus(
    question: str, spoken: Sequence[tuple[Message, list[Link]]], *, compares: bool, named: bool
) -> list[Link]:
    """The papers a follow-up is about: one of a list by its place, or those last spoken of."""
    last = [links for _, links in spoken if links]
    if not last:
        return []
    ordinal = _ORDINAL.search(question)
    if ordinal and not compares:
        lists = [links for links in last if len(links) > 1]
        word = (ordinal["zh"] or ordinal["en"] or "").lower()
        backwards = ordinal["last"] or word in {"last", "latter"}
        place = -1 if backwards else (number_of(word) or 1) - 1
        if lists and -len(lists[-1]) <= place < len(lists[-1]):
            return [lists[-1][place]]
        everything = _distinct([link for links in last for link in links])
        if -len(everything) <= place < len(everything):
            return [everything[place]]
    if compares:
        everything = _distinct([link for links in reversed(last) for link in links])
        return everything[: 1 if named else 2]
    by_user = [links for turn, links in spoken[-2:] if turn.role == "user" and links]
    return by_user[-1] if by_user else last[-1]


def _papers_of(turn: Message, names: NameTable) -> list[Link]:
    """The papers a turn speaks of, in its order: those it cites, else by name or arXiv id."""
    if turn.papers is not None:
        known = (paper for paper in turn.papers if paper in names.titles)
        return [Link(names.titles[paper], (paper,), 0, 0) for paper in known]
    text = turn.content
    ids = [match for match in ARXIV_ID.finditer(text) if match[1] in names.titles]
    links = [Link(names.titles[m[1]], (m[1],), m.start(), m.end()) for m in ids]
    links += names.find(text)
    known_ids = {paper for link in links for paper in link.papers if len(link.papers) == 1}
    certain = [
        link for link in links if len(link.papers) == 1 or not known_ids.intersection(link.papers)
    ]
    return _distinct(sorted(certain, key=lambda link: link.start))


def _distinct(links: Sequence[Link]) -> list[Link]:
    """The first link to each paper or set of papers."""
    return list({link.papers: link for link in reversed(links)}.values())[::-1]
