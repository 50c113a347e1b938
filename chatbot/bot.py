"""`Chatbot`: settings, index and model put together, for the commands, the page and programs.

Also the one way they get a model: under the settings' daily budget of tokens.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from threading import Lock
from time import perf_counter
from typing import TYPE_CHECKING

from chatbot.answering.comparison import outline_turns
from chatbot.answering.engine import ReportQueryEngine, answer_in
from chatbot.answering.instrumentation import Recorder, instrumented
from chatbot.answering.models import Answer, Event
from chatbot.answering.rules import rules_for
from chatbot.answering.writing import number_sources, prompt_for, prompt_turns
from chatbot.config import SEEDS, Settings, load_settings
from chatbot.index.generation import Progress, no_progress
from chatbot.index.ingestion import (
    IngestResult,
    bring_up_to_date,
    index_is_stale,
    index_words,
    ingest,
    known_reports,
)
from chatbot.index.reading import Index, open_index, reopen_index
from chatbot.index.sharing import shared_index
from chatbot.llm.client import ChatModel, ChatTurn, open_chat_model
from chatbot.reports.parsing import report_files
from chatbot.retrieval.comparisons import comparison_query
from chatbot.retrieval.models import Evidence
from chatbot.retrieval.retriever import ReportQuery
from chatbot.retrieval.search import DEFAULT_TOP_K
from chatbot.understanding.models import Filters, Language, Message

if TYPE_CHECKING:
    from sqlalchemy import Engine


@dataclass(frozen=True, slots=True)
class PaperEntry:
    """A paper as a report has it: its field, its place there from 1, and all reports it is in."""

    id: str
    title: str
    url: str
    date: str
    report: str
    field: str
    order: int
    reports: tuple[str, ...]


class Chatbot:
    """Questions in, evidence and answers out; safe to share between threads.

    It follows the index: after another process has committed a new generation, the next question is
    answered from that. `recorders` are told of each question and what came of it.
    """

    def __init__(
        self, settings: Settings, model: ChatModel | None, recorders: Sequence[Recorder] = ()
    ) -> None:
        self.settings, self.model = settings, model
        self._recorders = tuple(recorders)
        self._engine = ReportQueryEngine(open_index(settings), model)
        self._reopening = Lock()

    @classmethod
    def open(
        cls, settings: Settings | None = None, recorders: Sequence[Recorder] = ()
    ) -> "Chatbot":
        """Open the index and the model the settings name (the environment's, by default).

        Raises:
            ChatbotError: a setting, the index or the model cannot be used.
        """
        settings = settings or load_settings()
        ensure_index(settings)
        return cls(settings, open_model(settings), recorders)

    @property
    def engine(self) -> ReportQueryEngine:
        """The engine over the committed index, made again when another has been committed."""
        with self._reopening:
            index = reopen_index(self._engine.index)
            if index is not self._engine.index:
                self._engine = ReportQueryEngine(index, self.model)
            return self._engine

    @property
    def index(self) -> Index:
        """The committed index, loaded again, once, when a new generation has been committed."""
        return self.engine.index

    def papers(self) -> tuple[PaperEntry, ...]:
        """The papers indexed, newest report first, in the order of their reports."""
        papers, reports = self.index.catalogue.papers, dict[str, tuple[str, ...]]()
        for p in papers:
            reports[p.id] = (*reports.get(p.id, ()), p.report)
        return tuple(
            PaperEntry(
                *(p.id, p.title, p.url, p.date.isoformat(), p.report, p.field, p.order),
                reports[p.id],
            )
            for p in papers
        )

    def search(
        self,
        question: str,
        history: Sequence[Message] = (),
        filters: Filters | None = None,
        top_k: int = DEFAULT_TOP_K,
    ) -> tuple[Evidence, dict[str, float]]:
        """The sections found for a question, and the milliseconds each stage took."""
        engine, begin = self.engine, perf_counter()
        asked = ReportQuery(question, history=history, filters=filters, top_k=top_k)
        query, _ = engine.understood(asked)
        understood = perf_counter()
        evidence = engine.retrieve(query).evidence
        return evidence, {
            "understand": (understood - begin) * 1000,
            "retrieve": (perf_counter() - understood) * 1000,
        }

    def ask(
        self, question: str, history: Sequence[Message] = (), filters: Filters | None = None
    ) -> Iterator[Event]:
        """Answer a question as a stream of events, the last of which is the `Answer`.

        Nothing is done before the first is read, so that all that fails is counted.

        Raises:
            ChatbotError: the question or its history is too long, or the index cannot be used.
        """
        return self._stream(ReportQuery(question, history=history, filters=filters))

    def compare(
        self, papers: Sequence[str], columns: Sequence[str] = (), language: Language = "zh"
    ) -> Iterator[Event]:
        """Compare papers, given by arXiv id, title or a system's name, as a table with citations.

        Raises:
            ChatbotError: a paper is not found or ambiguous, or they are too few or too many.
        """
        query = comparison_query(self.index.catalogue, papers, columns, language)
        return self._stream(ReportQuery.of(query))

    def prompt(
        self, question: str, history: Sequence[Message] = (), filters: Filters | None = None
    ) -> list[ChatTurn]:
        """What a model would be sent for a question, whether or not there is one.

        For a comparison, the turns that ask for its columns, then those that ask for the table.
        """
        asked = ReportQuery(question, history=history, filters=filters, top_k=DEFAULT_TOP_K)
        evidence = ReportQueryEngine(self.index).retrieve(asked).evidence
        query, context = evidence.query, self.settings.llm_context
        sources = number_sources(evidence, context)
        outline = outline_turns(evidence) if query.intent == "compare" else []
        rules = rules_for(self.settings.data_dir, query.intent, query.language)
        return [*outline, *prompt_turns(prompt_for(evidence), evidence, sources, context, rules)]

    def answer(
        self, question: str, history: Sequence[Message] = (), filters: Filters | None = None
    ) -> Answer:
        """Answer a question, all at once."""
        return answer_in([*self.ask(question, history, filters)])

    def _stream(self, asked: ReportQuery) -> Iterator[Event]:
        told = asked.query_str if self.settings.log_questions == "on" else None
        return instrumented(self.engine.stream(asked), self._recorders, told)


def ensure_index(
    settings: Settings, progress: Progress = no_progress, *, vectors: bool = True
) -> IngestResult | None:
    """Index the shipped reports where there is no index, rebuild one these settings cannot use.

    Without `vectors` those are left to `complete_vectors`. What was done, or None where the index
    was fine; errors are those of `ingest`.
    """
    with shared_index(settings) as shared:
        if shared:
            bring_up_to_date(settings, shared)
    stale = index_is_stale(settings)
    if stale is None:
        return None
    known = known_reports(settings)
    progress("index", 0, len(report_files(SEEDS) if known is None else known))
    paths = [SEEDS] if known is None else []
    if vectors:
        return ingest(settings, paths, progress=progress)
    return index_words(settings, paths, progress=progress)[0]


def open_model(settings: Settings, database: "Engine | None" = None) -> ChatModel | None:
    """The model the settings name, under their daily budget if they set one; None without a model.

    The budget is kept in `database`, by default in one opened here. What cannot be used or opened
    is a `ChatbotError`.
    """
    model = open_chat_model(settings)
    if model is None or not settings.daily_tokens:
        return model
    from chatbot.database.opening import TokenAccount, open_database
    from chatbot.llm.budget import BudgetedModel

    account = TokenAccount(database or open_database(settings))
    return BudgetedModel(model, account, settings.daily_tokens)
