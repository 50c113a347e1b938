"""A question and its history to a `Query`, by rules and without a model."""

import re
from collections.abc import Sequence
from dataclasses import replace

from chatbot.retrieval.models import Filters, Intent, Language, Message, Query

_CJK = re.compile(r"[\u3400-\u9fff]")
_ENGLISH_GRAMMAR = re.compile(
    r"\b(?:what|which|who|when|where|why|how|does|do|did|is|are|was|were|has|have|can|the|an|"
    r"of|in|on|to|for|from|with|and|or|by|it|its|than|that)\b",
    re.IGNORECASE,
)
_LATIN_WORD = re.compile(r"[A-Za-z]{2,}")
_ARXIV_ID = re.compile(r"(?<![\d.])\d{4}\.\d{4,5}(?![\d.]\d)")
_NAME = re.compile(r"(?<![\w.+-])[A-Za-z][A-Za-z0-9]*(?:[.+-][A-Za-z0-9]+)*")
# Capitals past the first letter, or a digit: "LLaDA", "Qwen3", "GRU", but not "What".
_NAME_LIKE = re.compile(r"(?<=\w)[A-Z]|[a-zA-Z-]\d")
_COMPARE = re.compile(
    r"对比|比较|相比|区别|不同之处|差别|谁更|哪个更|分别|各自|\b(?:compare|comparison|versus|vs|differ\w*)\b",
    re.IGNORECASE,
)
_LIST = re.compile(
    r"哪些.{0,12}(?:论文|文章|研究|工作)|(?:论文|文章|研究|工作).{0,8}(?:哪些|有谁)|哪几篇|有几篇|多少篇|"
    r"都有谁|有没有.*论文|列出|列一下|"
    r"\b(?:which|what|list|all)\b.*\bpapers\b|\bpapers\b.*\b(?:that|which)\b",
    re.IGNORECASE,
)
_CHAT = re.compile(
    r"\W*(?:你好|您好|嗨|哈喽|早上好|谢谢|多谢|再见|你是谁|你能做什么|"
    r"hi|hello|hey|thanks|thank you|bye|who are you|what can you do)\W*",
    re.IGNORECASE,
)
# Words that lean on what was said before; a short question without a name does so too.
_REFERS_BACK = re.compile(
    r"它|这篇|那篇|该论文|该方法|这个|那个|这两|那两|其中|上面|前者|后者|前面|后面|前一|后一|"
    r"第[一二三四五六七八九十\d]+[个篇]|^那|^还有|呢[?？]?$|"
    r"\b(?:it|its|they|their|them|this|that|these|those|former|latter|"
    r"the (?:first|second|third|other|same)(?: one| paper)?|what about|how about)\b|^and\b",
    re.IGNORECASE,
)
_SHORT = 16


def understand(
    question: str,
    history: Sequence[Message] = (),
    filters: Filters | None = None,
    top_turns: int = 2,
) -> Query:
    """Make the query of a question: language, intent, filters, and a text to search for.

    A question that leans on the conversation is searched together with the last `top_turns` user
    turns and the last answer.
    """
    leading = _context(question, history, top_turns)
    standalone = "\n".join([*leading, question])
    given = filters or Filters()
    named = tuple(dict.fromkeys(_ARXIV_ID.findall(question)))
    if named and not given.papers:
        given = replace(given, papers=named)
    return Query(
        question=question,
        standalone=standalone,
        search_text=_ARXIV_ID.sub(" ", standalone).strip() or standalone,
        language=language_of(question),
        intent=_intent(question),
        filters=given,
        history=tuple(history),
    )


def names_in(text: str) -> tuple[str, ...]:
    """The names of systems, models and datasets in a question: words with capitals or digits."""
    return tuple(dict.fromkeys(name for name in _NAME.findall(text) if _NAME_LIKE.search(name)))


def language_of(text: str) -> Language:
    """The language of a question: names and quoted words do not decide it, its grammar does."""
    chinese, english = len(_CJK.findall(text)), len(_ENGLISH_GRAMMAR.findall(text))
    return "zh" if chinese > 2 * english else "en"


def _intent(question: str) -> Intent:
    if _CHAT.fullmatch(question):
        return "chat"
    if _LIST.search(question):
        return "list"
    return "compare" if _COMPARE.search(question) else "lookup"


def _context(question: str, history: Sequence[Message], top_turns: int) -> list[str]:
    """The earlier turns a question leans on, oldest first; none if it stands alone."""
    short = len(question) <= _SHORT and not _LATIN_WORD.search(question)
    if not history or not (short or _REFERS_BACK.search(question)):
        return []
    asked = [turn.content for turn in history if turn.role == "user"][-top_turns:]
    answered = [turn.content for turn in history if turn.role == "assistant"][-1:]
    return [*asked, *answered]
