"""What Prometheus is told, in a registry of its own. No label holds what a visitor wrote."""

from collections.abc import Callable

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    ProcessCollector,
    generate_latest,
)

from chatbot.observing import Outcome, is_extractive, unsupported_in
from chatbot.prices import Price

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
        self._count_answer(outcome)

    def _count_answer(self, outcome: Outcome) -> None:
        answer = outcome.answer
        if answer is None:
            return
        mode = "extractive" if is_extractive(answer) else "model"
        self._questions.labels(answer.intent, answer.language, mode, outcome.door).inc()
        if answer.abstain_reason:
            self._refusals.labels(answer.abstain_reason).inc()
        self._sentences.inc(len(answer.sentences))
        self._unsupported.inc(unsupported_in(answer))
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
