"""The way from a question to its answer: `ReportQueryEngine`, and the stream of events it makes.

With a model the answer is written from numbered sources and streamed; without one, or when the
model fails, it is made of the sources' own sentences. Either way every marker is resolved to a
section with a verbatim quote, and every sentence is checked.
"""

import asyncio
import time
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace

from llama_index.core.base.base_query_engine import BaseQueryEngine
from llama_index.core.base.base_retriever import BaseRetriever
from llama_index.core.base.response.schema import Response
from llama_index.core.postprocessor.types import BaseNodePostprocessor
from llama_index.core.prompts.mixin import PromptMixinType
from llama_index.core.schema import QueryBundle, QueryType

from chatbot.answering.comparison import outlined
from chatbot.answering.models import (
    EXTRACTIVE,
    TEXTS,
    Answer,
    Event,
    Restart,
    Scope,
    Step,
    TextDelta,
    Usage,
    Written,
    line_of,
    notice_of,
)
from chatbot.answering.quoting import extract
from chatbot.answering.record import record_of
from chatbot.answering.rules import rules_for
from chatbot.answering.writing import (
    filtered,
    mend,
    number_sources,
    prompt_for,
    prompt_turns,
    write,
)
from chatbot.config import secrets_of
from chatbot.errors import BudgetError, ModelError, TooLongError
from chatbot.guardrails.output_filter import OutputPolicy, addresses, scrubbed
from chatbot.index.reading import Index
from chatbot.index.sections import IndexedSection
from chatbot.llm.client import ChatModel
from chatbot.llm.prompts import prompt_lines
from chatbot.retrieval.models import Evidence
from chatbot.retrieval.retriever import (
    CANDIDATES,
    ModelReranker,
    ReportQuery,
    SectionNodes,
    SectionRetriever,
    node_of,
)
from chatbot.telemetry.logs import traced
from chatbot.understanding.interpretation import interpret
from chatbot.understanding.models import Query
from chatbot.verification.claims import Citation, Draft, claims_of, failed_in
from chatbot.verification.verification import citations_of, verified

# Kinds of what may not leave that a reader is told of; what cannot be seen goes without a word.
_TOLD = ("image", "html", "link", "key", "path", "prompt")
_NOTHING = Written(Draft((), {}))


@contextmanager
def _timing(name: str) -> Iterator[Callable[[], float]]:
    """A stage, and the milliseconds since it began."""
    begin = time.perf_counter()
    with traced(name):
        yield lambda: (time.perf_counter() - begin) * 1000


def events_from_evidence(
    index: Index,
    evidence: Evidence,
    model: ChatModel | None,
    timings: Mapping[str, float] | None = None,
) -> Generator[Event, None, None]:
    """Answer from evidence: steps, text as it comes, perhaps a restart, and last the `Answer`.

    `timings` are the milliseconds of what came before. Closing and errors are as those of
    `ReportQueryEngine.stream`.
    """
    timings = dict(timings or {})
    begun = time.perf_counter() - sum(timings.values()) / 1000
    spent = [*evidence.query.spent, *evidence.spent]
    if evidence.query.intent == "chat":
        # The reply to a greeting says what this is for: without a claim, and so without a source.
        said = TEXTS[evidence.query.language]["chat"]
        made = Written(Draft((line_of(said),), {}))
        yield TextDelta(made.draft.markdown)
    else:
        if model is not None and evidence.query.intent == "compare" and evidence.hits:
            yield Step("outline")
            with _timing("outline") as took:
                evidence, outlining = outlined(index, evidence, model)
            spent += outlining
            timings["outline"] = took()
            yield Step("outline", timings["outline"], str(len(evidence.query.columns)))
        yield Step("synthesize")
        with _timing("synthesize") as took:
            made = _NOTHING
            if model is not None and evidence.hits:
                made = yield from _by_model(index, evidence, model)
            if made.mode == EXTRACTIVE:
                # What a model that failed before left stays.
                draft = extract(index, evidence)
                limits = policy_for(index, draft.sources.values(), written=False)
                text, taken = scrubbed(draft.markdown, limits)
                yield TextDelta(text)
                made = replace(made, draft=draft.read_as(text), taken=taken)
        timings["synthesize"] = took()
        yield Step("synthesize", timings["synthesize"], made.mode)
    with _timing("verify") as took:
        draft = verified(index, made.draft)
        citations = citations_of(draft)
    timings["verify"] = took()
    timings["total"] = (time.perf_counter() - begun) * 1000
    answer = _answer(evidence, made, draft, citations)
    yield Step("verify", timings["verify"], str(len(failed_in(answer.blocks))))
    yield replace(answer, usage=answer.usage + Usage.of(spent), timings_ms=timings)


def _by_model(
    index: Index, evidence: Evidence, model: ChatModel
) -> Generator[Event, None, Written]:
    """What the model writes, mended once where that is wished; a notice alone where it fails."""
    prompt, query = prompt_for(evidence), evidence.query
    limits = policy_for(index, (hit.section for hit in evidence.hits), written=True)
    rules = rules_for(index.settings.data_dir, query.intent, query.language)
    sources = number_sources(evidence, model.context_tokens)
    # The weaker half is left out, once; what a server can read it says before it writes.
    half = dict(list(sources.items())[: (len(sources) + 1) // 2])
    for failures, shown in enumerate([sources, half] if len(half) < len(sources) else [sources]):
        turns = prompt_turns(prompt, evidence, shown, model.context_tokens, rules)
        try:
            written = yield from write(model, turns, shown, limits)
        except ModelError as error:
            restart, usage = _failed(error, query, limits), Usage(llm_calls=failures + 1)
            if not isinstance(error, TooLongError):
                break
            continue
        usage = written.usage + Usage(llm_calls=failures)
        if lacking := _lacking(written.draft):
            restart = Restart(TEXTS[query.language][lacking])
            break
        by = tuple(rule.name for rule in rules)
        made = replace(written, mode=model.name, version=prompt.version, rules=by, usage=usage)
        if index.settings.repair == "on":
            made = yield from _mended(index, evidence, model, made)
        return made
    yield restart
    return replace(_NOTHING, usage=usage, notice=restart.notice)


def _failed(error: ModelError, query: Query, limits: OutputPolicy) -> Restart:
    """Why quotes come instead of what a model wrote."""
    texts = TEXTS[query.language]
    if isinstance(error, BudgetError):
        when = f"{error.renews:%Y-%m-%d %H:%M}"
        said = texts["no_tokens"].format(tokens=error.tokens, when=when)
        return Restart(scrubbed(said, limits)[0], "budget")
    return Restart(scrubbed(texts["model_failed"].format(error=error), limits)[0])


def _lacking(draft: Draft) -> str | None:
    """What a model's draft lacks to be shown: any text, or any source; None where it has both.

    Small models often answer with a bare word of refusal, or without a marker.
    """
    if not draft.blocks:
        return "model_said_nothing"
    cited = any(n in draft.sources for c in claims_of(draft.blocks) for n in c.citations)
    return None if cited or draft.abstain_reason else "model_cited_nothing"


def _mended(
    index: Index, evidence: Evidence, model: ChatModel, first: Written
) -> Generator[Event, None, Written]:
    """What was written, or what the model made of it when its failing sentences were sent back."""
    second = mend(index, evidence, model, first)
    if second is None or second.repair is None:
        return first
    if not second.repair.kept:
        return replace(first, usage=second.usage, repair=second.repair)
    yield Restart(TEXTS[evidence.query.language]["mended"], "repair")
    limits = policy_for(index, second.draft.sources.values(), written=True)
    text, taken = yield from filtered([second.draft.markdown], limits)
    return replace(second, draft=second.draft.read_as(text), taken=taken)


def _answer(
    evidence: Evidence, made: Written, draft: Draft, citations: tuple[Citation, ...]
) -> Answer:
    query, texts = evidence.query, TEXTS[evidence.query.language]
    # What was said on the way may quote a server.
    said = (notice_of(evidence), made.notice)
    notice = scrubbed(" ".join(filter(None, said)), OutputPolicy())[0]
    if gone := [texts[kind] for kind in _TOLD if made.taken.get(kind)]:
        kinds = ("、" if query.language == "zh" else ", ").join(gone)
        notice = f"{notice} {texts['taken_out'].format(kinds=kinds)}".strip()
    return Answer(
        question=query.question,
        blocks=draft.blocks,
        citations=citations,
        mode=made.mode,
        intent=query.intent,
        language=query.language,
        scope=Scope.of(query),
        retrieved=len(evidence.hits),
        abstain_reason=draft.abstain_reason,
        clarification=evidence.clarification,
        coverage=evidence.coverage,
        confidence=evidence.confidence,
        removed_markers=made.removed,
        notice=notice or None,
        taken_out={kind: times for kind, times in made.taken.items() if times},
        prompt_version=made.version,
        rules=made.rules,
        repair=made.repair,
        usage=made.usage,
    )


def policy_for(index: Index, sources: Iterable[IndexedSection], *, written: bool) -> OutputPolicy:
    """What an answer from these sections is held to; one `written` by no model knows no prompt."""
    shown = list(sources)
    return OutputPolicy(
        frozenset(section.url for section in shown),
        frozenset().union(*(addresses(section.text) for section in shown)),
        secrets_of(index.settings),
        prompt_lines() if written else frozenset(),
    )


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
        """A question with what it is understood as, read only where it has not been."""
        if isinstance(asked, str):
            asked = QueryBundle(asked)
        bundle = asked if isinstance(asked, ReportQuery) else ReportQuery(asked.query_str)
        if bundle.query is not None:
            return bundle, bundle.query
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
        with _timing("understand") as took:
            bundle, query = self.understood(asked)
        timings = {"understand": took()}
        yield Step("understand", timings["understand"], query.intent)
        evidence = Evidence(query, ())
        if query.intent != "chat":
            yield Step("retrieve")
            with _timing("retrieve") as took:
                evidence = self.retrieve(bundle).evidence
            timings["retrieve"] = took()
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
