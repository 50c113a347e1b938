"""How the service is: whether it is well (`/healthz`), and what Prometheus counts (`/metrics`).

No label holds what a visitor wrote.
"""

import logging
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from functools import partial

from anyio import CapacityLimiter, create_task_group, move_on_after, to_thread
from prometheus_client import (
    CONTENT_TYPE_LATEST,
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    ProcessCollector,
    generate_latest,
)
from sqlalchemy import Engine, select
from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from chatbot.answering.instrumentation import Outcome
from chatbot.answering.models import EXTRACTIVE
from chatbot.bot import Chatbot
from chatbot.database.opening import reading
from chatbot.errors import MissingIndexError
from chatbot.index.storage import read_manifest
from chatbot.llm.budget import Price
from chatbot.verification.claims import failed_in

# From a stage that takes no time to the longest a model may take, in seconds.
_BUCKETS = (0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0, 30.0, 60.0, 120.0)


class Metrics:
    """Counts what comes of questions; a `Recorder`.

    With the model's `price` it counts dollars; without one there is no such metric.
    """

    def __init__(self, registry: CollectorRegistry, price: Price | None = None) -> None:
        self._registry, self._price = registry, price
        ProcessCollector(registry=registry)
        self._questions = self._counter(
            "questions", "Questions answered.", "intent", "language", "mode", "door"
        )
        self._stopped = self._counter("stopped", "Questions nobody waited for.", "door")
        self._refusals = self._counter("refusals", "Answers that say there is none.", "reason")
        self._failures = self._counter("failures", "Questions something failed for.", "kind")
        self._sentences = self._counter("sentences", "Sentences in answers.")
        self._unsupported = self._counter(
            "unsupported_sentences", "Sentences in answers that did not pass the check."
        )
        self._tokens = self._counter("tokens", "Tokens of answers, as servers count.", "kind")
        self._dollars = price and self._counter("cost_dollars", "What answers cost.")
        self._stages = self._histogram("stage_seconds", "Time of each stage.", "stage")
        self._first_text = self._histogram("first_text_seconds", "Time until the first text.")
        self._in_progress = Gauge(
            "chatbot_questions_in_progress", "Questions being worked on.", registry=registry
        )

    def gauge(self, name: str, what: str, value: Callable[[], float]) -> None:
        """Tell a value that is looked up when it is asked for."""
        Gauge(f"chatbot_{name}", what, registry=self._registry).set_function(value)

    def text(self) -> bytes:
        """All of it, in Prometheus' text format."""
        return generate_latest(self._registry)

    def began(self) -> None:
        """A question is being worked on."""
        self._in_progress.inc()

    def ended(self, outcome: Outcome) -> None:
        """Count what came of a question."""
        self._in_progress.dec()
        if outcome.failure:
            self._failures.labels(outcome.failure).inc()
        if outcome.first_text is not None:
            self._first_text.observe(outcome.first_text)
        if outcome.stopped:
            self._stopped.labels(outcome.door).inc()
        answer = outcome.answer
        if answer is None:
            return
        mode = EXTRACTIVE if answer.mode == EXTRACTIVE else "model"
        self._questions.labels(answer.intent, answer.language, mode, outcome.door).inc()
        if answer.abstain_reason:
            self._refusals.labels(answer.abstain_reason).inc()
        self._sentences.inc(len(answer.sentences))
        self._unsupported.inc(len(failed_in(answer.blocks)))
        for name, milliseconds in answer.timings_ms.items():
            self._stages.labels(name).observe(milliseconds / 1000)
        usage = answer.usage
        self._tokens.labels("prompt").inc(usage.prompt_tokens)
        self._tokens.labels("completion").inc(usage.completion_tokens)
        if self._dollars and self._price:
            self._dollars.inc(self._price.of(usage.prompt_tokens, usage.completion_tokens))

    def _counter(self, name: str, what: str, *labels: str) -> Counter:
        return Counter(f"chatbot_{name}", what, labels, registry=self._registry)

    def _histogram(self, name: str, what: str, *labels: str) -> Histogram:
        return Histogram(f"chatbot_{name}", what, labels, registry=self._registry, buckets=_BUCKETS)


logger = logging.getLogger(__name__)
# A look at a part takes milliseconds; Prometheus and supervisors give up after ten seconds.
_SECONDS = 3.0
_AT_ONCE = 6
_OK, _NOT_ALLOWED, _UNAVAILABLE = 200, 405, 503
Check = Callable[[], object]


@dataclass(frozen=True, slots=True)
class Health:
    """What is looked at, by the name that is told; a check that raises or takes too long fails.

    Checks that hang keep their threads, of which `limiter` grants few, and so fail from then on.
    """

    checks: Mapping[str, Check]
    metrics: Metrics
    limiter: CapacityLimiter = field(default_factory=lambda: CapacityLimiter(_AT_ONCE))
    seconds: float = _SECONDS

    @property
    def open_routes(self) -> Mapping[str, ASGIApp]:
        """What is told to everybody."""
        return {"/healthz": partial(_tell, self.health)}

    @property
    def routes(self) -> Mapping[str, ASGIApp]:
        """What is told to those who may ask questions."""
        return {"/metrics": partial(_tell, self.counted)}

    async def health(self) -> Response:
        """Whether all is well, and each part; what ails it is in the log alone."""
        found = dict.fromkeys(self.checks, False)
        async with create_task_group() as tasks:
            for name, check in self.checks.items():
                tasks.start_soon(self._check, name, check, found)
        well = all(found.values())
        told = {"ok": well, "checks": {name: "ok" if ok else "fail" for name, ok in found.items()}}
        return JSONResponse(told, _OK if well else _UNAVAILABLE)

    async def counted(self) -> Response:
        """What Prometheus counts."""
        text = await to_thread.run_sync(self.metrics.text, limiter=self.limiter)
        return Response(text, media_type=CONTENT_TYPE_LATEST)

    async def _check(self, name: str, check: Check, found: dict[str, bool]) -> None:
        with move_on_after(self.seconds) as deadline:
            try:
                await to_thread.run_sync(check, limiter=self.limiter, abandon_on_cancel=True)
            except Exception as error:  # noqa: BLE001 - whatever it is, the part is not well
                logger.warning("%s is not well: %s", name, error)
            else:
                found[name] = True
        if deadline.cancelled_caught:
            logger.warning("%s did not answer within %s s", name, self.seconds)


def health_of(bot: Chatbot, database: Engine, metrics: Metrics) -> Health:
    """What there is to know of a chatbot and its database."""
    metrics.gauge(
        "index_generation",
        "The index answered from, counted up by each ingest that changes it.",
        lambda: bot.index.manifest.generation,
    )
    metrics.gauge("index_papers", "Papers in the index.", lambda: bot.index.manifest.papers)

    def check_index() -> None:
        if read_manifest(bot.settings.data_dir) is None:
            raise MissingIndexError("its manifest is gone")
        _ = bot.index

    def check_database() -> None:
        with reading(database) as connection:
            connection.execute(select(1))

    def check_chroma() -> None:
        index, settings = bot.index, bot.settings
        folder = None if settings.chroma_url else settings.data_dir / index.manifest.chroma
        index.vectors.check_reachable(folder)

    checks = {"index": check_index, "database": check_database, "chroma": check_chroma}
    return Health(checks, metrics)


async def _tell(
    answer: Callable[[], Awaitable[Response]], scope: Scope, receive: Receive, send: Send
) -> None:
    reads = scope["method"] in {"GET", "HEAD"}
    response = await answer() if reads else Response(status_code=_NOT_ALLOWED)
    await response(scope, receive, send)
