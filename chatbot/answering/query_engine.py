"""`ReportQueryEngine`: the one way from a question to its answer, as LlamaIndex's query engine."""

import asyncio
import time
from collections.abc import Generator, Sequence
from dataclasses import replace

from llama_index.core.base.base_query_engine import BaseQueryEngine
from llama_index.core.base.base_retriever import BaseRetriever
from llama_index.core.base.response.schema import Response
from llama_index.core.postprocessor.types import BaseNodePostprocessor
from llama_index.core.prompts.mixin import PromptMixinType
from llama_index.core.schema import QueryBundle, QueryType
from opentelemetry import trace

from chatbot.answering.engine import events_from_evidence
from chatbot.answering.models import Answer, Event, Step
from chatbot.answering.record import record_of
from chatbot.index.reading import Index
from chatbot.llm.client import ChatModel
from chatbot.retrieval.models import Evidence
from chatbot.retrieval.retriever import (
    CANDIDATES,
    ModelReranker,
    ReportQuery,
    SectionNodes,
    SectionRetriever,
    node_of,
)
from chatbot.understanding.interpretation import interpret
from chatbot.understanding.models import Query

_tracer = trace.get_tracer("chatbot")


class ReportQueryEngine(BaseQueryEngine):
    """Answers questions from an index; a `ReportQuery` brings history and filters along.

    By default it retrieves with a `SectionRetriever`, and has the model reorder what that found
    where `CHATBOT_RERANK` asks for it; another retriever or other postprocessors may be given.
    What they do to a node's text is not looked at: answers quote sections as they stand. A
    response's source nodes are the cited sections, its metadata the answer as in ``ask --json``.
    """

    def __init__(
        self,
        index: Index,
        model: ChatModel | None = None,
        *,
        retriever: BaseRetriever | None = None,
        node_postprocessors: Sequence[BaseNodePostprocessor] | None = None,
    ) -> None:
        super().__init__(callback_manager=None)
        self.index, self.model = index, model
        reranks = model is not None and index.settings.rerank == "llm"
        self._retriever = retriever or SectionRetriever(
            index, widen=True, candidates=CANDIDATES if reranks else 0
        )
        if node_postprocessors is None and model is not None and reranks:
            node_postprocessors = [ModelReranker(model)]
        self._postprocessors = tuple(node_postprocessors or ())

    def understood(self, asked: QueryType) -> tuple[ReportQuery, Query]:
        """A question with what it is understood as, read only where it has not been.

        Raises:
            ChatbotError: the question or its history is too long.
        """
        if isinstance(asked, str):
            asked = QueryBundle(asked)
        bundle = asked if isinstance(asked, ReportQuery) else ReportQuery(asked.query_str)
        if bundle.query is not None:
            return bundle, bundle.query
        with _tracer.start_as_current_span("understand"):
            query = interpret(
                bundle.query_str, self.index.catalogue, bundle.history, bundle.filters, self.model
            )
        return replace(bundle, query=query), query

    def retrieve(self, query_bundle: QueryBundle) -> SectionNodes:
        """What is found for a question, after all postprocessors."""
        asked, query = self.understood(query_bundle)
        found = self._retriever.retrieve(asked)
        nodes = SectionNodes.of(found, Evidence(query, ()), self.index)
        for postprocessor in self._postprocessors:
            found = postprocessor.postprocess_nodes(nodes, asked)
            nodes = SectionNodes.of(found, nodes.evidence, self.index)
        return nodes

    def stream(self, asked: QueryType) -> Generator[Event, None, None]:
        """Answer a question: steps, text as it comes, perhaps a restart, and last the `Answer`.

        Closing the iterator early stops the model's call.

        Raises:
            ChatbotError: the question is too long, or the index or a prompt cannot be used. A
                failing model is no error: see `Answer.notice`.
        """
        begin = time.perf_counter()
        bundle, query = self.understood(asked)
        timings = {"understand": _since(begin)}
        yield Step("understand", timings["understand"], query.intent)
        evidence = Evidence(query, ())
        if query.intent != "chat":
            yield Step("retrieve")
            begin = time.perf_counter()
            with _tracer.start_as_current_span("retrieve"):
                evidence = self.retrieve(bundle).evidence
            timings["retrieve"] = _since(begin)
            yield Step("retrieve", timings["retrieve"], str(len(evidence.hits)))
        yield from events_from_evidence(self.index, evidence, self.model, timings)

    def _query(self, query_bundle: QueryBundle) -> Response:
        answer = answer_in([*self.stream(query_bundle)])
        return Response(
            answer.markdown,
            source_nodes=[node_of(citation.section) for citation in answer.citations],
            metadata=record_of(answer).model_dump(mode="json"),
        )

    async def _aquery(self, query_bundle: QueryBundle) -> Response:
        return await asyncio.to_thread(self._query, query_bundle)

    def _get_prompt_modules(self) -> PromptMixinType:
        return {}


def answer_in(events: Sequence[Event]) -> Answer:
    """The answer that all the events of a question end in."""
    last = events[-1]
    if not isinstance(last, Answer):
        raise TypeError(last)
    return last


def _since(begin: float) -> float:
    return (time.perf_counter() - begin) * 1000
