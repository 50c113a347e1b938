"""The functions for programs: named endpoints of gradio's API, and tools of its MCP server."""

import functools
import inspect
import json
import logging
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import asdict, dataclass
from typing import Annotated, Any, Literal

import gradio as gr
from anyio import CapacityLimiter, to_thread
from gradio.context import LocalContext
from gradio.events import api
from pydantic import (
    AfterValidator,
    BaseModel,
    Field,
    StringConstraints,
    ValidationError,
    create_model,
)
from pydantic_core import PydanticCustomError

from chatbot.answering.engine import answer_in
from chatbot.answering.record import evidence_payload, record_of
from chatbot.bot import Chatbot
from chatbot.errors import ChatbotError, quoted
from chatbot.guardrails.limits import LONGEST_HISTORY, LONGEST_QUESTION, MOST_TURNS
from chatbot.reports.parsing import SECTION_KEYS, SectionKey
from chatbot.retrieval.search import DEFAULT_TOP_K
from chatbot.telemetry.logs import serving_request
from chatbot.understanding.conversation import ARXIV_ID
from chatbot.understanding.inputs import make_filters, parse_date_range
from chatbot.understanding.models import Language, Message
from chatbot.understanding.wording import language_of
from chatbot.web.auth import Admit
from chatbot.web.gate import visit_of
from chatbot.web.locales import ACCESS

logger = logging.getLogger(__name__)
_MOST_WAITING, _BUSY_SECONDS = 64, 10


class RefusedError(gr.Error):
    """What a caller is told: one line. gradio's own error would come to MCP clients in quotes."""

    def __init__(self, line: str) -> None:
        super().__init__(line, print_exception=False)

    def __str__(self) -> str:
        return str(self.message)


def endpoint_of(
    function: Callable[..., Any], limiter: CapacityLimiter, admit: Admit | None = None
) -> Callable[..., Awaitable[Any]]:
    """The function as gradio is to call it, in a thread of those that `limiter` grants.

    It raises a `RefusedError` with the text of a `ChatbotError`; of other errors it tells nothing.
    A caller whom `admit` refuses, or who would wait in too long a line, is told when to come back.
    """
    fields: dict[str, Any] = {
        name: (argument.annotation, ... if argument.default is argument.empty else argument.default)
        for name, argument in inspect.signature(function).parameters.items()
    }
    arguments = create_model(function.__name__, **fields)

    def called(named: Mapping[str, Any], *, as_text: bool) -> Any:
        try:
            result = function(**_checked(arguments, named))
            return json.dumps(result, ensure_ascii=False) if as_text else result
        except ChatbotError as error:
            raise RefusedError(str(error)) from error
        except Exception as error:
            logger.exception("a call of %s failed", function.__name__)
            raise RefusedError("internal error; the server's log says more") from error

    @functools.wraps(function)
    async def endpoint(*given: Any) -> Any:
        _let_in(limiter, admit)
        named = dict(zip(arguments.model_fields, given, strict=False))
        request = LocalContext.request.get(None)
        # An MCP client is given text, which gradio would write as Python does.
        by_mcp = request is not None and request.url.path.startswith("/gradio_api/mcp")
        call = functools.partial(called, named, as_text=by_mcp)
        with serving_request(visit_of(request, "mcp" if by_mcp else "api")):
            return await to_thread.run_sync(call, limiter=limiter)

    return endpoint


def _let_in(limiter: CapacityLimiter, admit: Admit | None) -> None:
    if limiter.statistics().tasks_waiting >= _MOST_WAITING:
        raise RefusedError(ACCESS["en"].busy.format(seconds=_BUSY_SECONDS))
    if admit is None:
        return
    try:
        admit(LocalContext.request.get(None), "en")
    except ChatbotError as error:
        raise RefusedError(str(error)) from error


def _checked(arguments: type[BaseModel], named: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments, checked; null is as good as left out."""
    try:
        found = arguments.model_validate({k: v for k, v in named.items() if v is not None})
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise ChatbotError(f"{where}: {first['msg']}") from error
    return {name: getattr(found, name) for name in arguments.model_fields}


# Calls of programs worked on at once; the page's own visitors have threads left.
_AT_ONCE = 16
Json = dict[str, Any]


def _at_most(
    most: int, what: str = "given", size: Callable[[tuple[Any, ...]], int] = len
) -> AfterValidator:
    """A limit on a list's length, or on another `size` of it."""

    def check(given: tuple[Any, ...]) -> tuple[Any, ...]:
        if (found := size(given)) > most:
            counts = {"given": found, "most": most}
            raise PydanticCustomError("too_many", f"{{given}} {what}, {{most}} at most", counts)
        return given

    return AfterValidator(check)


@dataclass(frozen=True, slots=True)
class _Turn:
    """A turn as programs give it: what the page keeps of an answer beside its text is no input."""

    role: Literal["user", "assistant"]
    content: str


_Name = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=300)]
_Names = Annotated[tuple[_Name, ...], _at_most(100)]
_Question = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1, max_length=LONGEST_QUESTION)
]
_History = Annotated[
    tuple[_Turn, ...],
    _at_most(MOST_TURNS),
    _at_most(LONGEST_HISTORY, "characters", lambda turns: sum(len(turn.content) for turn in turns)),
]
_Sections = Annotated[tuple[SectionKey, ...], _at_most(100)]
_Aspects = Annotated[tuple[_Name, ...], _at_most(20)]
_TopK = Annotated[int, Field(ge=1, le=100)]


def add_endpoints(bot: Chatbot, admit: Admit) -> None:
    """Add the endpoints to the page being built, before anything else that may take their names."""
    programs = Programs(bot)
    limiter = CapacityLimiter(_AT_ONCE)
    for function, counted in (
        (programs.search_papers, admit),
        (programs.read_section, None),
        (programs.ask, admit),
        (programs.compare, admit),
        (programs.list_papers, None),
    ):
        # Off gradio's queue a call of an MCP client is handled where it arrives, else it would be
        # sent to the page anew, over HTTP.
        api(
            endpoint_of(function, limiter, counted),
            api_name=function.__name__,
            api_visibility="public",
            queue=False,
        )


@dataclass(frozen=True, slots=True)
class Programs:
    """What programs may ask of a chatbot, in the JSON of docs/interface.md."""

    bot: Chatbot

    def search_papers(
        self,
        question: _Question,
        dates: _Names = (),
        papers: _Names = (),
        sections: _Sections = (),
        top_k: _TopK = DEFAULT_TOP_K,
    ) -> Json:
        """Find the sections of the daily AI-paper digests that a question is answered from.

        The digests are in Chinese; questions may be in Chinese or English. Each hit has the
        section's name (ARXIV_ID/KEY), its whole text, the paper's title, link and date, and a
        score, best first.

        Args:
            question: what to look for, in Chinese or English, at most 8000 characters.
            dates: only reports of these days, each YYYY-MM-DD or YYYY-MM-DD..YYYY-MM-DD.
            papers: only these papers, by arXiv id.
            sections: only these sections of a paper.
            top_k: how many sections to return, 1 to 100.
        """
        filters = make_filters(dates, papers, sections)
        evidence, timings = self.bot.search(question, (), filters, top_k)
        return evidence_payload(evidence, timings)

    def read_section(self, section: _Name) -> list[Json]:
        """Read a section of a paper's digest word for word, or all five of a paper.

        The five are field, contribution, usage, innovations and results.

        Args:
            section: ARXIV_ID/KEY as in 2602.11144/results, or an arXiv id alone for all five.
        """
        name, slash, key = section.partition("/")
        if slash and key not in SECTION_KEYS:
            raise ChatbotError(
                f"no section {quoted(key)}; the sections are {', '.join(SECTION_KEYS)}"
            )
        index, found = self.bot.index, ARXIV_ID.fullmatch(name)
        paper = index.catalogue.by_id.get(found[1] if found else name)
        if paper is None:
            raise ChatbotError(f"no paper {quoted(name)} in the index; list_papers lists them")
        sections = index.sections_of(paper.id)
        read = [section for section in sections if not slash or section.key == key]
        if not read:
            raise ChatbotError(f"the digest of {paper.id} has no section {key!r}")
        return [
            {
                "section": section.name,
                "title": section.title,
                "date": section.date.isoformat(),
                "url": section.url,
                "report": section.report,
                "lines": [section.lines.first, section.lines.last],
                "text": section.text,
            }
            for section in read
        ]

    def ask(
        self,
        question: _Question,
        history: _History = (),
        dates: _Names = (),
        papers: _Names = (),
        sections: _Sections = (),
    ) -> Json:
        """Answer a question about the papers of the daily digests; every sentence is cited.

        In the answer's Markdown [1] stands for the entry of citations with n 1, which has the
        section's name, the sentences it is quoted with, word for word, and the paper's link. Where
        the digests do not hold the answer, abstained is true. Sentences that could not be verified
        have supported false.

        Args:
            question: the question, in Chinese or English, at most 8000 characters.
            history: the conversation so far, oldest turn first, at most 100 turns.
            dates: only reports of these days, each YYYY-MM-DD or YYYY-MM-DD..YYYY-MM-DD.
            papers: only these papers, by arXiv id.
            sections: only these sections of a paper.
        """
        filters = make_filters(dates, papers, sections)
        turns = [Message(turn.role, turn.content) for turn in history]
        answer = self.bot.answer(question, turns, filters)
        return record_of(answer).model_dump(mode="json")

    def compare(
        self, papers: _Names, aspects: _Aspects = (), language: Language | None = None
    ) -> Json:
        """Compare papers as a Markdown table of papers by aspects, each cell cited.

        Args:
            papers: 2 to 8 papers, each an arXiv id, a title, or a system's name.
            aspects: the table's columns in your own words; by default the digests' sections.
            language: zh or en; by default that of the aspects, else zh.
        """
        spoken: Language = language_of(" ".join(aspects)) if aspects else "zh"
        answer = answer_in([*self.bot.compare(papers, aspects, language or spoken)])
        return record_of(answer).model_dump(mode="json")

    def list_papers(self, date: Annotated[str, Field(max_length=100)] = "") -> list[Json]:
        """List the papers of the daily digests, newest report first.

        Args:
            date: only reports of this day or these days: YYYY-MM-DD or YYYY-MM-DD..YYYY-MM-DD.
        """
        papers = self.bot.papers()
        if date:
            span = parse_date_range(date)
            first, last = span.first.isoformat(), span.last.isoformat()
            papers = tuple(paper for paper in papers if first <= paper.date <= last)
        return [asdict(paper) for paper in papers]
