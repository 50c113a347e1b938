"""`enrich`: ask a model, once for each paper, for the text it should be found by.

The answers go into a JSONL file beside the report (`reports/search_text.py`), each as soon as it is
there, so a run that was stopped goes on where it was; the file can be shipped, and serves later
without a key. Numbers and names that a paper's own text does not hold are taken out.
"""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path
from threading import Event
from typing import Any

from chatbot.errors import ChatbotError, ModelError
from chatbot.files import write_atomically
from chatbot.guardrails.output_filter import OutputPolicy, scrubbed
from chatbot.guardrails.spotlighting import Material
from chatbot.index.generation import Progress, no_progress
from chatbot.llm.client import ChatModel, ChatTurn, complete
from chatbot.llm.prompts import Prompt, load_prompt, prompt_lines
from chatbot.reports.parsing import Paper, read_report, report_files
from chatbot.reports.search_text import (
    content_hash,
    digest_of,
    enrichment_file,
    parse_search_text,
    read_beside,
    with_texts,
    without_unsupported,
)

_ATTEMPTS = 2
_AGAIN = "That is not the JSON object asked for. Answer with the object alone."


@dataclass(frozen=True, slots=True)
class EnrichResult:
    """What a run did: papers written and kept, and by paper what failed and what was taken out."""

    files: tuple[Path, ...]
    written: int
    kept: int
    failed: tuple[tuple[str, str], ...] = ()
    removed: tuple[tuple[str, tuple[str, ...]], ...] = ()


@dataclass(frozen=True, slots=True)
class _Outcome:
    """What became of one paper: its line for the file, or why there is none."""

    paper: str
    row: dict[str, Any] | None = None
    removed: tuple[str, ...] = ()
    failure: str = ""


def enrich(
    paths: Sequence[Path],
    model: ChatModel,
    *,
    note: str = "",
    concurrency: int = 4,
    progress: Progress = no_progress,
) -> EnrichResult:
    """Write the search text that the papers of these reports lack.

    `note` is put into the file, for those who wonder how it was made.

    Raises:
        ChatbotError: a report or a file of search text cannot be read, or a file not be written.
    """
    prompt = load_prompt("enrich")
    reports = [(file, read_report(file)) for path in paths for file in report_files(path)]
    if not reports:
        raise ChatbotError("no report there; give report files, or folders that hold some")
    total, kept = sum(len(report.papers) for _, report in reports), 0
    about = {
        "about": "search text, written by a language model from the report beside this file; it is "
        "searched, never quoted and never shown as a paper's own words",
        "written_by": model.name,
        "prompt": f"prompts/{prompt.name}.md, version {prompt.version}",
        "checked": "numbers and names that the paper's text does not hold were taken out by script",
        **({"note": note} if note else {}),
    }
    outcomes: list[_Outcome] = []
    for file, report in reports:
        target = enrichment_file(file)
        rows = {row["content"]: row for row, _ in read_beside(file)[1]}
        papers = {content_hash(paper): paper for paper in report.papers}
        missing = {key: paper for key, paper in papers.items() if key not in rows}
        kept += len(papers) - len(missing)
        for outcome in _ask_all(missing.values(), model, prompt, concurrency):
            outcomes.append(outcome)
            progress("enrich", kept + len(outcomes), total)
            if outcome.row is not None:
                rows[outcome.row["content"]] = outcome.row
                lines = [rows[key] for key in papers if key in rows]
                _write(target, [about, *lines])
    return EnrichResult(
        files=tuple(enrichment_file(file) for file, _ in reports),
        written=sum(outcome.row is not None for outcome in outcomes),
        kept=kept,
        failed=tuple((o.paper, o.failure) for o in outcomes if o.failure),
        removed=tuple((o.paper, o.removed) for o in outcomes if o.removed),
    )


def _ask_all(
    papers: Iterable[Paper], model: ChatModel, prompt: Prompt, concurrency: int
) -> Iterator[_Outcome]:
    """What becomes of each paper, as it comes; after the model has failed none is asked for."""
    gone = Event()
    with ThreadPoolExecutor(concurrency) as pool:
        asked = [pool.submit(_ask, paper, model, prompt, gone) for paper in papers]
        for future in as_completed(asked):
            yield future.result()


def _ask(paper: Paper, model: ChatModel, prompt: Prompt, gone: Event) -> _Outcome:
    """One paper's search text, checked; an answer of another shape is asked for once more."""
    digest = Material("digest", digest_of(paper), {"title": paper.title})
    turns, problem = list(prompt.turns(digest=[digest])), ""
    limits = OutputPolicy(prompts=prompt_lines())
    for _ in range(_ATTEMPTS):
        if gone.is_set():
            return _Outcome(paper.id, failure="not asked: the model failed for another paper")
        try:
            answer, _ = complete(model, turns)
            # Readers of English are shown it: it may hold no more than an answer may.
            found = with_texts(parse_search_text(answer), lambda text: scrubbed(text, limits)[0])
            text, removed = without_unsupported(found, paper)
        except ModelError as error:
            gone.set()
            return _Outcome(paper.id, failure=str(error))
        except ValueError as error:
            problem = str(error).splitlines()[0]
            turns += [ChatTurn("assistant", answer), ChatTurn("user", _AGAIN)]
            continue
        about = {"paper": paper.id, "content": content_hash(paper)}
        row = about | {"model": model.name, "prompt": prompt.version}
        return _Outcome(paper.id, row | text.model_dump(mode="json"), removed)
    return _Outcome(paper.id, failure=f"no usable answer: {problem}")


def _write(path: Path, rows: Sequence[Mapping[str, object]]) -> None:
    text = "".join(f"{json.dumps(row, ensure_ascii=False)}\n" for row in rows)
    try:
        write_atomically(path, text.encode())
    except OSError as error:
        raise ChatbotError(f"{path} cannot be written: {error.strerror}") from error
