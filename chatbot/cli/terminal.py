"""What the commands print: results on standard output, progress and tidings on standard error."""

import json
import sys
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any

from chatbot.guardrails.output_filter import visible

if TYPE_CHECKING:
    from chatbot.answering.models import Answer, Event
    from chatbot.index.enrichment import EnrichResult
    from chatbot.index.generation import Progress
    from chatbot.index.ingestion import IngestResult


_OWN_WORDS = {
    "zh": "（报告原句摘录，未使用大模型）",
    "en": "(The reports' own sentences, in Chinese; no language model was used)",
}


def print_answer(events: "Iterable[Event]") -> None:
    """Print an answer as it comes, then its sources, then what could not be verified."""
    from chatbot.answering.models import Answer, Restart, TextDelta

    for event in events:
        if isinstance(event, TextDelta):
            print(event.text, end="", flush=True)
        elif isinstance(event, Restart):
            print("\n\n---\n")
        elif isinstance(event, Answer):
            _print_sources(event)


def _print_sources(answer: "Answer") -> None:
    print("\n")
    if answer.mode == "extractive" and answer.citations:
        print(f"{_OWN_WORDS[answer.language]}\n")
    if answer.notice:
        print(f"{answer.notice}\n")
    if answer.rules:
        print(f"rules used: {', '.join(answer.rules)}")
    for citation in answer.citations:
        section = citation.section
        title = one_line(section.title)
        print(f"[{citation.n}] {title} · {section.date} · {section.name} · {section.url}")
        for quote in citation.quotes:
            print(f"    “{visible(quote.text)}”")
    for sentence in answer.sentences:
        if not sentence.supported:
            print(f"not verified ({sentence.reason}): {sentence.text}")


def one_line(text: str) -> str:
    """A text from elsewhere on one line, without characters that cannot be seen.

    Some of those steer a terminal or turn the direction of writing.
    """
    return " ".join("".join(c for c in text if c.isprintable() or c.isspace()).split())


def print_json(value: Any, indent: int | None = None) -> None:
    """Print JSON, by default on one line; half a character, which has no UTF-8, as an escape."""
    text = json.dumps(value, ensure_ascii=False, indent=indent)
    try:
        text.encode()
    except UnicodeEncodeError:
        text = json.dumps(value, indent=indent)
    print(text, flush=True)


def tell_ingest(result: "IngestResult") -> None:
    """Say on standard error what an ingest did."""
    print("\n".join(result.lines()), file=sys.stderr)


def tell_enrichment(result: "EnrichResult") -> None:
    """Say on standard error what `enrich` did."""
    lines = [f"{paper}: taken out, not in its text: {', '.join(w)}" for paper, w in result.removed]
    lines += [f"error: {paper}: {cause}" for paper, cause in result.failed]
    lines += [f"wrote {file}" for file in result.files]
    lines.append(f"{result.written} papers written, {result.kept} had search text already")
    print("\n".join(lines), file=sys.stderr)


@contextmanager
def progress_bar() -> "Iterator[Progress]":
    """Progress on standard error, once there is any: a bar; lines at a start without a terminal."""
    with ExitStack() as stack:
        bars: list[Any] = []
        tasks: dict[str, Any] = {}

        def advance(stage: str, done: int, total: int) -> None:
            if stage == "index":
                print(f"indexing {total} reports …", file=sys.stderr)
                tasks[stage] = None
                return
            if not bars:
                from rich.console import Console
                from rich.progress import Progress as Bar

                console = Console(stderr=True)
                bar = Bar(console=console, transient=True, disable=not console.is_terminal)
                bars.append(stack.enter_context(bar))
            if stage not in tasks:
                if "index" in tasks and not bars[0].console.is_terminal:
                    print(f"  {stage} …", file=sys.stderr)
                tasks[stage] = bars[0].add_task(stage, total=total)
            bars[0].update(tasks[stage], completed=done, total=total)

        yield advance
