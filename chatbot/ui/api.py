"""The functions for programs: named endpoints of gradio's API, and tools of its MCP server.

gradio makes both out of one function: its name, its type hints and its docstring, of which each
argument's description is a single line.
"""

from dataclasses import asdict, dataclass
from typing import Annotated, Any

from anyio import CapacityLimiter
from gradio.events import api
from pydantic import AfterValidator, Field, StringConstraints
from pydantic_core import PydanticCustomError

from chatbot.answer.models import Answer
from chatbot.answer.payload import evidence_payload
from chatbot.answer.record import record_of
from chatbot.bot import Chatbot
from chatbot.errors import ChatbotError, quoted
from chatbot.headings import SECTION_KEYS, SectionKey
from chatbot.inputs import make_filters, parse_date_range
from chatbot.limits import LONGEST_HISTORY, LONGEST_QUESTION, MOST_TURNS
from chatbot.retrieval.conversation import ARXIV_ID
from chatbot.retrieval.models import Language, Message
from chatbot.retrieval.search import DEFAULT_TOP_K
from chatbot.retrieval.wording import language_of
from chatbot.ui.admission import Admit
from chatbot.ui.endpoint import endpoint_of

# Calls of programs worked on at once; the page's own visitors have threads left.
_AT_ONCE = 16

Json = dict[str, Any]


def _at_most(most: int) -> AfterValidator:
    """A limit on a list's length."""

    def check(given: tuple[Any, ...]) -> tuple[Any, ...]:
        if len(given) > most:
            raise PydanticCustomError(
                "too_many", "{given} given, {most} at most", {"given": len(given), "most": most}
            )
        return given

    return AfterValidator(check)


def _readable(history: tuple[Message, ...]) -> tuple[Message, ...]:
    if (length := sum(len(turn.content) for turn in history)) > LONGEST_HISTORY:
        counts = {"given": length, "most": LONGEST_HISTORY}
        raise PydanticCustomError("too_long", "{given} characters, {most} at most", counts)
    return history


_Name = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=300)]
_Names = Annotated[tuple[_Name, ...], _at_most(100)]
_Question = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1, max_length=LONGEST_QUESTION)
]
_History = Annotated[tuple[Message, ...], _at_most(MOST_TURNS), AfterValidator(_readable)]
_Sections = Annotated[tuple[SectionKey, ...], _at_most(100)]
_Aspects = Annotated[tuple[_Name, ...], _at_most(20)]
_TopK = Annotated[int, Field(ge=1, le=100)]


def add_endpoints(bot: Chatbot, admit: Admit) -> None:
    """Add the endpoints to the page being built, before anything else that may take their names."""
    programs = Programs(bot)
    limiter = CapacityLimiter(_AT_ONCE)
    asking = {programs.search_papers, programs.ask, programs.compare}
    for function in (
        programs.search_papers,
        programs.read_section,
        programs.ask,
        programs.compare,
        programs.list_papers,
    ):
        # Off gradio's queue a call of an MCP client is handled where it arrives, else it would be
        # sent to the page anew, over HTTP.
        api(
            endpoint_of(function, limiter, admit if function in asking else None),
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
        answer = self.bot.answer(question, history, filters)
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
        *_, answer = self.bot.compare(papers, aspects, language or spoken)
        if not isinstance(answer, Answer):
            raise TypeError(answer)
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
