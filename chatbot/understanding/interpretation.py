"""A question and its history to a `Query`: by rules, and rewritten by a model if there is one."""

import re
from collections.abc import Sequence
from dataclasses import replace

from chatbot.errors import ModelError
from chatbot.guardrails.limits import check_history, check_question
from chatbot.guardrails.spotlighting import Material
from chatbot.index.entity_linking import Link
from chatbot.index.lexical import Scope
from chatbot.index.reading import Catalogue
from chatbot.llm.client import ChatModel, TokenUsage, complete
from chatbot.llm.prompts import load_prompt, may_leave
from chatbot.text.quantities import ORDINALS, number_of
from chatbot.understanding import wording
from chatbot.understanding.conversation import ARXIV_ID, STANDS_ALONE, Context, context_of
from chatbot.understanding.criteria import ABSTRACT_ONLY, count_of, criteria_of, parts_of
from chatbot.understanding.dates import DateMention, find_dates
from chatbot.understanding.models import (
    Criteria,
    DateRange,
    Filters,
    Intent,
    Message,
    Query,
    Wanted,
)

_PLACE = re.compile(
    r"(?:第\s*(?P<zh>[一二两三四五六七八九]?十?[一二三四五六七八九]?|\d{1,2})|(?P<last>最后一|倒数第一))\s*篇"
    rf"|\b(?P<en>{'|'.join(ORDINALS)}|last|\d{{1,2}}(?:st|nd|rd|th)) paper\b"
    r"|\bpaper (?:no\.? ?|number |#)(?P<n>\d{1,2})\b",
    re.IGNORECASE,
)
_URL = re.compile(r"https?://[\w./?=&%#~:+-]+", re.IGNORECASE)
_SINCE = re.compile(r"\bsince\b|变化|和上|跟上|比上|与上|多了|新增", re.IGNORECASE)


def understand(
    question: str,
    catalogue: Catalogue,
    history: Sequence[Message] = (),
    filters: Filters | None = None,
) -> Query:
    """Make the query of a question: language, intent, papers, days, sections, and a search text.

    A question that leans on the conversation takes over the papers spoken of there, and is searched
    together with the last user turns. `filters` given by the reader win over days in the question.
    What is more than is taken in (`limits`) is a `ChatbotError`.
    """
    check_question(question)
    check_history([turn.content for turn in history])
    given = filters or Filters()
    names, dates = catalogue.names, find_dates(question, catalogue.dates)
    ids = [Link(m[1], (m[1],), m.start(), m.end()) for m in ARXIV_ID.finditer(question)]
    own = _resolved([*ids, *names.find(_URL.sub(_blank, question))])
    context = context_of(question, own, history, names) if history else STANDS_ALONE
    placed = () if context.links else _by_place(question, catalogue, dates)
    intent = _intent(question, [*own, *placed], context)
    if intent == "overview" and dates and _SINCE.search(question):
        dates = ()  # "since the last issue" is about the one after it
    links = tuple(_resolved([*own, *placed, *context.links]))
    standalone = "\n".join([*context.turns, question])
    if intent == "overview" and not (dates or given.dates or given.papers) and catalogue.dates:
        newest = catalogue.dates[-1]
        dates = (DateMention(DateRange(newest, newest), 0, 0),)
    # An id is certain, even that of a paper that is not here; a name may be another's, and weighs.
    # What is picked from a list is in it.
    certain = own if ids else context.links if context.lists else ()
    narrowed = tuple(dict.fromkeys(p for link in certain for p in link.papers))
    days = () if placed else tuple(mention.span for mention in dates)
    language = wording.language_of(question)
    rest = _without(question, own, dates)
    whole = wording.whole_sections_of(rest) if links else ()
    # A bare name asks what it is.
    aspects = wording.aspects_of(question) if re.search(r"\w", rest) else ("contribution",)
    heads = wording.SECTION_NAMES[language]
    # No section's text is about days and ids.
    search_text = "\n".join([*context.turns, _without(question, (), dates)]).strip() or question
    compares = intent == "compare"
    return Query(
        question=question,
        standalone=standalone,
        sought=wording.sought_of(search_text, links, names),
        focus=wording.focus_of(question, links, names),
        language=language,
        intent=intent,
        filters=replace(given, dates=given.dates or days, papers=given.papers or narrowed),
        history=tuple(history),
        links=links,
        aspects=whole or aspects,
        whole=whole,
        names=wording.names_in(question),
        columns=tuple(heads[key] for key in whole) if compares else (),
        parts=parts_of(question, names) if compares else (),
        count=count_of(question) if compares else 0,
        criteria=criteria_of(search_text) if intent == "list" else Criteria(),
        wanted=wording.wanted_of(question) if intent == "lookup" else Wanted(),
        follows_up=bool(context.turns or context.links),
    )


def _intent(question: str, own: Sequence[Link], context: Context) -> Intent:
    if wording.CHAT.fullmatch(question):
        return "chat"
    several = len({link.papers for link in own if link.sure}) > 1
    # "GENIUS 测了哪些模型": "which" is asked of the one paper that is named.
    asks_one = own and not wording.WHICH_PAPERS.search(question)
    lists = bool(wording.LIST.search(question)) and not asks_one
    if context.compares or (several and not lists):
        return "compare"
    if context.lists:
        return "list"
    if not own and not context.links:
        if wording.OVERVIEW.search(question) and not wording.names_in(question):
            return "overview"
        lists = lists or bool(ABSTRACT_ONLY.search(question))
    if lists:
        return "list"
    strongly = wording.COMPARE_STRONGLY.search(question) and wording.SEVERAL.search(question)
    return "compare" if strongly else "lookup"


def _without(question: str, own: Sequence[Link], dates: Sequence[DateMention]) -> str:
    rest = list(ARXIV_ID.sub(_blank, _URL.sub(_blank, question)))
    for start, end in [*((k.start, k.end) for k in own), *((d.start, d.end) for d in dates)]:
        rest[start:end] = " " * (end - start)
    return "".join(rest)


def _resolved(links: Sequence[Link]) -> list[Link]:
    """Links in order, ambiguous ones narrowed to papers that are also named otherwise."""
    certain = {link.papers[0] for link in links if len(link.papers) == 1}
    seen: dict[tuple[str, ...], Link] = {}
    for link in links:
        meant = tuple(paper for paper in link.papers if paper in certain) or link.papers
        seen.setdefault(meant, replace(link, papers=meant))
    return list(seen.values())


def _blank(match: re.Match[str]) -> str:
    return " " * len(match[0])


def _by_place(
    question: str, catalogue: Catalogue, dates: Sequence[DateMention]
) -> tuple[Link, ...]:
    """Papers named by their place in a report: "第三篇" of the day named, or of the newest."""
    match = _PLACE.search(question)
    if match is None or not catalogue.dates:
        return ()
    day = dates[0].span.last if dates else catalogue.dates[-1]
    listed = catalogue.papers_in(Scope(days=frozenset([day.toordinal()])))
    number = number_of(match["zh"] or match["en"] or match["n"] or "") or 0
    if match["last"] or (match["en"] or "").lower() == "last":
        number = len(listed)
    return tuple(
        Link(paper.title, (paper.id,), match.start(), match.end())
        for paper in (listed[number - 1 : number] if number else ())
    )


_TURNS = 6
_CHARACTERS = 800
_LONGEST = 600


def interpret(
    question: str,
    catalogue: Catalogue,
    history: Sequence[Message] = (),
    filters: Filters | None = None,
    model: ChatModel | None = None,
) -> Query:
    """The query of a question; a follow-up is rewritten where there is a model.

    A model that fails costs nothing: the rules' reading stands.
    """
    query = understand(question, catalogue, history, filters)
    if model is None or not query.follows_up:
        return query
    rewritten, spent = _rewrite(question, history, model)
    if not rewritten:
        return replace(query, spent=spent)
    alone = understand(rewritten, catalogue, (), filters)
    return replace(
        alone,
        question=question,
        standalone=rewritten,
        language=query.language,
        history=tuple(history),
        links=alone.links or query.links,
        aspects=alone.aspects or query.aspects,
        follows_up=True,
        spent=spent,
    )


def _rewrite(
    question: str, history: Sequence[Message], model: ChatModel
) -> tuple[str, tuple[TokenUsage, ...]]:
    """The question as the model puts it.

    Empty where it failed, wrote something else, or what may not leave.
    """
    spoken = [
        Material("turn", turn.content[:_CHARACTERS], {"by": turn.role})
        for turn in history[-_TURNS:]
    ]
    asked = [Material("question", question)]
    turns = load_prompt("rewrite").turns(history=spoken, question=asked)
    try:
        text, spent = complete(model, turns)
    except ModelError:
        return "", (TokenUsage(0, 0),)
    lines = [line.strip() for line in text.strip().splitlines() if line.strip()]
    usable = len(lines) == 1 and len(lines[0]) <= _LONGEST and may_leave(lines[0])
    return (lines[0].removeprefix("Question:").strip() if usable else ""), (spent,)
