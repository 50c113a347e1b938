"""The engine: evidence to a stream of events that ends in an `Answer`.

With a model the answer is written from numbered sources and streamed; without one, or when the
model fails, it is made of the sources' own sentences. Either way every marker is resolved to a
section with a verbatim quote, and every sentence is checked. The text's last door is the output
filter: what may not leave is taken out as it goes by.
"""

import time
from collections import Counter
from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace

from opentelemetry import trace

from chatbot.answering.comparison import outlined
from chatbot.answering.models import Answer, Event, Repair, Restart, Scope, Step, TextDelta, Usage
from chatbot.answering.quoting import extract, small_talk
from chatbot.answering.record import notice_of, taken_out
from chatbot.answering.rules import Rule, rules_for
from chatbot.answering.writing import (
    mend,
    number_sources,
    prompt_for,
    prompt_turns,
    without_abstention,
)
from chatbot.errors import BudgetError, ModelError, TooLongError
from chatbot.guardrails.output_filter import OutputPolicy, scrubbed, scrubbed_stream
from chatbot.guardrails.spotlighting import visible
from chatbot.index.reading import Index
from chatbot.index.sections import IndexedSection
from chatbot.llm.client import ChatModel, Chunk, TokenUsage
from chatbot.llm.prompts import Prompt, output_policy
from chatbot.retrieval.models import Evidence
from chatbot.understanding.models import Language
from chatbot.verification.attribution import clean_markers, resolve
from chatbot.verification.models import AbstainReason, Draft
from chatbot.verification.verification import verdicts_of

EXTRACTIVE = "extractive"
_tracer = trace.get_tracer("chatbot")
_FALLBACK: dict[Language, str] = {
    "zh": "大模型没有给出回答（{error}）。以下改为报告原句摘录。",
    "en": "The language model failed ({error}). Here are the reports' own sentences instead.",
}
_NO_TOKENS: dict[Language, str] = {
    "zh": "今天的大模型用量（{tokens} tokens）已用完，{when} UTC 恢复。以下改为报告原句摘录。",
    "en": "The day's {tokens} tokens of the language model are used up; there are more from {when} "
    "UTC. Here are the reports' own sentences instead.",
}
_MENDED: dict[Language, str] = {
    "zh": "部分句子未通过核对，已请大模型改写一次。",
    "en": "Some sentences did not pass the check and were rewritten once.",
}


@dataclass
class _Progress:
    """What is learnt while an answer is made."""

    timings: dict[str, float]
    started: float = field(default_factory=time.perf_counter)
    removed: list[int] = field(default_factory=list)
    usage: Usage = field(default_factory=Usage)
    notice: str | None = None
    repair: Repair | None = None
    rules: tuple[Rule, ...] = ()
    taken: Counter[str] = field(default_factory=Counter)

    @contextmanager
    def timing(self, name: str) -> Iterator[None]:
        begin = time.perf_counter()
        with _tracer.start_as_current_span(name):
            yield
        self.timings[name] = (time.perf_counter() - begin) * 1000


def events_from_evidence(
    index: Index,
    evidence: Evidence,
    model: ChatModel | None,
    timings: Mapping[str, float] | None = None,
) -> Generator[Event, None, None]:
    """Answer from evidence: steps, text as it comes, perhaps a restart, and last the `Answer`.

    `timings` are the milliseconds of what came before. Closing the iterator early stops the model's
    call.

    Raises:
        ChatbotError: the index or a prompt cannot be used. A failing model is no error:
            see `Answer.notice`.
    """
    before = dict(timings or {})
    progress = _Progress(
        before,
        started=time.perf_counter() - sum(before.values()) / 1000,
        usage=_usage([*evidence.query.spent, *evidence.spent]),
    )
    if evidence.query.intent == "chat":
        draft = small_talk(evidence.query.language)
        yield TextDelta(draft.markdown)
        yield from _ended(index, evidence, draft, (EXTRACTIVE, None), progress)
        return
    if model is not None and evidence.query.intent == "compare" and evidence.hits:
        yield Step("outline")
        with progress.timing("outline"):
            evidence, spent = outlined(index, evidence, model)
        progress.usage += _usage(spent)
        yield Step("outline", progress.timings["outline"], str(len(evidence.query.columns)))
    progress.notice = notice_of(evidence)
    yield Step("synthesize")
    with progress.timing("synthesize"):
        draft, mode, version = yield from _draft(index, evidence, model, progress)
        if model is not None and mode == model.name and index.settings.repair == "on":
            draft = yield from _repaired(index, evidence, model, draft, progress)
    yield Step("synthesize", progress.timings["synthesize"], mode)
    yield from _ended(index, evidence, draft, (mode, version), progress)


def _ended(
    index: Index,
    evidence: Evidence,
    draft: Draft,
    made_by: tuple[str, str | None],
    progress: _Progress,
) -> Iterator[Event]:
    answer = _finish(index, evidence, draft, made_by, progress)
    failed = sum(not sentence.supported for sentence in answer.sentences)
    yield Step("verify", progress.timings["verify"], str(failed))
    yield answer


def _usage(spent: Sequence[TokenUsage]) -> Usage:
    return Usage(
        len(spent),
        sum(call.prompt_tokens for call in spent),
        sum(call.completion_tokens for call in spent),
    )


def _draft(
    index: Index, evidence: Evidence, model: ChatModel | None, progress: _Progress
) -> Generator[Event, None, tuple[Draft, str, str | None]]:
    """Yield the text as it comes; return the draft, its mode and the prompt's version."""
    if model is not None and evidence.hits:
        prompt, query = prompt_for(evidence), evidence.query
        limits = policy_for(index, (hit.section for hit in evidence.hits), written=True)
        progress.rules = rules_for(index.settings.data_dir, query.intent, query.language)
        try:
            return (
                (yield from _synthesize(evidence, model, (prompt, limits), progress)),
                model.name,
                prompt.version,
            )
        except ModelError as error:
            notice = scrubbed(_fallback(error, query.language), limits)
            progress.notice = " ".join(filter(None, [progress.notice, notice]))
            progress.removed.clear()
            progress.taken.clear()
            progress.rules = ()
            yield Restart(notice, "budget" if isinstance(error, BudgetError) else "model")
    draft = extract(index, evidence)
    limits = policy_for(index, draft.sources.values(), written=False)
    text = yield from filtered([draft.markdown], limits, progress.taken)
    return replace(draft, markdown=text), EXTRACTIVE, None


def _fallback(error: ModelError, language: Language) -> str:
    """Why the answer is one of quotes."""
    if isinstance(error, BudgetError):
        when = f"{error.renews:%Y-%m-%d %H:%M}"
        return _NO_TOKENS[language].format(tokens=error.tokens, when=when)
    return _FALLBACK[language].format(error=error)


def _synthesize(
    evidence: Evidence, model: ChatModel, asked: tuple[Prompt, OutputPolicy], progress: _Progress
) -> Generator[Event, None, Draft]:
    """Yield the model's text, its markers cleaned, within its limits; return the draft.

    Raises:
        ModelError: the model failed, perhaps after some text.
    """
    sources = number_sources(evidence, model.context_tokens)
    try:
        return (yield from _written(evidence, model, asked, sources, progress))
    except TooLongError:
        if len(sources) == 1:
            raise
        # The weaker half is left out, once; what a server can read it says before it writes.
        sources = dict(list(sources.items())[: (len(sources) + 1) // 2])
        return (yield from _written(evidence, model, asked, sources, progress))


def _written(
    evidence: Evidence,
    model: ChatModel,
    asked: tuple[Prompt, OutputPolicy],
    sources: dict[int, IndexedSection],
    progress: _Progress,
) -> Generator[Event, None, Draft]:
    prompt, limits = asked
    turns = prompt_turns(prompt, evidence, sources, model.context_tokens, progress.rules)
    chunks = model.stream(turns)
    progress.usage += Usage(llm_calls=1)
    reasons: list[AbstainReason] = []
    texts = without_abstention(_texts(chunks, progress), reasons)
    cleaned = clean_markers(texts, sources.keys(), progress.removed)
    text = yield from filtered(cleaned, limits, progress.taken)
    return Draft(text, sources, abstain_reason=reasons[0] if reasons else None)


def _repaired(
    index: Index, evidence: Evidence, model: ChatModel, draft: Draft, progress: _Progress
) -> Generator[Event, None, Draft]:
    """The draft, or what the model made of it when its failing sentences were sent back once."""
    outcome = mend(index, evidence, model, draft)
    if outcome is None:
        return draft
    progress.usage += _usage((outcome.spent,))
    progress.repair = outcome.repair
    if not outcome.repair.kept:
        return draft
    progress.removed[:] = outcome.removed
    progress.taken.clear()
    yield Restart(_MENDED[evidence.query.language], "repair")
    limits = policy_for(index, draft.sources.values(), written=True)
    text = yield from filtered([outcome.draft.markdown], limits, progress.taken)
    return replace(outcome.draft, markdown=text)


def _texts(chunks: Iterator[Chunk], progress: _Progress) -> Iterator[str]:
    """The texts of a model's chunks; its usage is noted on the way."""
    for chunk in chunks:
        if chunk.usage:
            progress.usage += replace(_usage((chunk.usage,)), llm_calls=0)
        if text := visible(chunk.text):
            yield text


def _notice(progress: _Progress, language: Language) -> str | None:
    """What was said on the way, which may quote a server, and what was taken out."""
    said = scrubbed(progress.notice or "", OutputPolicy())
    return " ".join(filter(None, [said, taken_out(progress.taken, language)])) or None


def _finish(
    index: Index,
    evidence: Evidence,
    draft: Draft,
    made_by: tuple[str, str | None],
    progress: _Progress,
) -> Answer:
    mode, version = made_by
    query = evidence.query
    with progress.timing("verify"):
        citations = resolve(draft.markdown, draft.sources)
        sentences = verdicts_of(index, draft)
    progress.timings["total"] = (time.perf_counter() - progress.started) * 1000
    return Answer(
        question=query.question,
        markdown=draft.markdown,
        citations=citations,
        sentences=sentences,
        mode=mode,
        intent=query.intent,
        language=query.language,
        scope=Scope.of(query),
        retrieved=len(evidence.hits),
        abstain_reason=draft.abstain_reason,
        clarification=evidence.clarification,
        coverage=evidence.coverage,
        confidence=evidence.confidence,
        removed_markers=tuple(progress.removed),
        notice=_notice(progress, query.language),
        taken_out={kind: times for kind, times in progress.taken.items() if times},
        prompt_version=version,
        rules=tuple(rule.name for rule in progress.rules),
        repair=progress.repair,
        usage=progress.usage,
        timings_ms=dict(progress.timings),
    )


def policy_for(index: Index, sources: Iterable[IndexedSection], *, written: bool) -> OutputPolicy:
    """What an answer from these sections is held to; `written` is whether by a model.

    Raises:
        PromptError: a prompt file cannot be used.
    """
    shown = list(sources)
    return output_policy(
        index.settings,
        (section.url for section in shown),
        (section.text for section in shown),
        written=written,
    )


def filtered(
    texts: Iterable[str], limits: OutputPolicy, found: Counter[str]
) -> Generator[TextDelta, None, str]:
    """Yield the text scrubbed, as it comes; return all of it."""
    parts: list[str] = []
    for text in scrubbed_stream(texts, limits, found):
        parts.append(text)
        yield TextDelta(text)
    return "".join(parts).strip()
