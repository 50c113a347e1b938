"""`make bench-load`: many conversations at once through the page, without a model and with one.

The page, a fake language model and a probe that asks the page's cheapest question every 50 ms each
run in a process of their own; the visitors in this one. All first questions are sent at once. A
conversation is lost if a turn was not answered whole or is not in the page's database afterwards.
"""

import argparse
import asyncio
import os
import random
import statistics
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import httpx
from load_page import (
    PATIENCE,
    Page,
    peak_memory,
    probing,
    processor_seconds,
    served_model,
    served_page,
)
from load_visitor import Answered, LostTurnError, Visitor
from page import CONVERSATIONS

from chatbot.answering.models import EXTRACTIVE
from chatbot.config import SEEDS, Settings
from chatbot.database.opening import open_database
from chatbot.errors import ChatbotError
from chatbot.index.ingestion import ingest
from chatbot.store.accounts import NOBODY
from chatbot.store.conversations import read_turns

SIZES, TURNS = (1, 10, 50, 200), 3
# What a reader does between an answer and the next question, in seconds.
PAUSE = (0.5, 2.5)


@dataclass(slots=True)
class Run:
    """What came of so many conversations at once."""

    turns: list[Answered] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    lost: int = 0
    stalls: list[float] = field(default_factory=list)
    processor: float = 0.0


def main() -> None:
    """Measure and print the table."""
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("sizes", nargs="*", type=int, default=SIZES)
    asked.add_argument("--mode", choices=("key", "no-key"))
    chosen = asked.parse_args()
    if os.name == "posix":
        raise_file_limit()
    print(f"{TURNS} turns each, {os.cpu_count()} cores, Python {sys.version.split()[0]}\n")
    print(
        "| conversations at once | answers | first text p50, p95 (s) | whole answer p50, p95 (s) "
        "| turns | errors | lost | page's memory, most (MB) | its processor time a turn (ms) "
        "| probe p99, most (ms) |"
    )
    print("|---|---|---|---|---|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as folder, served_model() as model:
        ingest(Settings(CHATBOT_DATA_DIR=Path(folder)), [SEEDS])
        for key in (False, True):
            if chosen.mode in {None, "key" if key else "no-key"}:
                for size in chosen.sizes:
                    measured(size, model if key else None, Path(folder))


def measured(size: int, model: str | None, index: Path) -> None:
    """Hold so many conversations with a page of their own, and print their row."""
    with served_page(model, index) as page:
        before = processor_seconds(page.process)
        with probing(page.url) as stalls:
            run = asyncio.run(held(page, size))
        run.stalls, run.processor = stalls, processor_seconds(page.process) - before
        print(row(size, run, page), flush=True)
    for error in sorted(set(run.errors)):
        print(f"  {run.errors.count(error)} x {error}", file=sys.stderr)
    if model:
        print(f"  the fake model's tokens: {httpx.get(f'{model}/late').text}", file=sys.stderr)


async def held(page: Page, size: int) -> Run:
    """So many conversations at once."""
    run = Run()
    ready = asyncio.Barrier(size)
    # The page closes what is idle for 5 s; a browser would ask again, where that crosses a request.
    limits = httpx.Limits(max_connections=None, keepalive_expiry=1.0)
    async with httpx.AsyncClient(timeout=PATIENCE, limits=limits, verify=False) as client:  # noqa: S501 - plain HTTP
        talks = [converse(Visitor(client, page.url), n, ready, run) for n in range(size)]
        conversations = await asyncio.gather(*talks)
    run.lost = sum(not kept_whole(page, conversation) for conversation in conversations)
    return run


async def converse(visitor: Visitor, number: int, ready: asyncio.Barrier, run: Run) -> str:
    """One conversation; its id, empty where it did not begin."""
    pauses = random.Random(number)  # noqa: S311 - to be the same each time is what is wanted
    try:
        await visitor.open()
    except (httpx.HTTPError, LostTurnError) as error:
        run.errors.append(f"the page did not open: {type(error).__name__} {error}")
        await ready.wait()
        return ""
    await ready.wait()
    for question in CONVERSATIONS[number % len(CONVERSATIONS)][:TURNS]:
        try:
            async with asyncio.timeout(PATIENCE):
                run.turns.append(await visitor.ask(question))
        except (httpx.HTTPError, LostTurnError, TimeoutError) as error:
            run.errors.append(f"{type(error).__name__}: {error}")
        await asyncio.sleep(pauses.uniform(*PAUSE))
    return visitor.conversation


def kept_whole(page: Page, conversation: str) -> bool:
    """Whether all turns of a conversation are kept with their answers, by whom they should be."""
    database = open_database(page.settings)
    try:
        turns = read_turns(database, NOBODY, conversation)
    except ChatbotError:
        return False
    finally:
        database.dispose()
    answers = [turn.answer for turn in turns if turn.answer]
    written = [a for a in answers if a.mode in {page.mode, EXTRACTIVE} and not _failed(a.notice)]
    return len(written) == TURNS


def _failed(notice: str | None) -> bool:
    return "大模型没有给出回答" in (notice or "") or "model failed" in (notice or "")


def raise_file_limit() -> None:
    """Let this process and the page open as many files as they may: a visitor takes several."""
    import resource

    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


def row(size: int, run: Run, page: Page) -> str:
    """A row of the table."""
    who = "quotes, no key" if page.mode == EXTRACTIVE else "a model"
    first, whole = ([getattr(t, name) for t in run.turns] for name in ("first", "whole"))
    stalls = f"{1000 * quantile(run.stalls, 99):.0f}, {1000 * max(run.stalls):.0f}"
    return (
        f"| {size} | {who} | {halves(first)} | {halves(whole)} | {len(run.turns)} "
        f"| {len(run.errors)} | {run.lost} | {peak_memory(page.process):.0f} "
        f"| {1000 * run.processor / (size * TURNS):.0f} | {stalls} |"
    )


def halves(seconds: Sequence[float]) -> str:
    """Median and 95th percentile."""
    if not seconds:
        return "–"
    return f"{statistics.median(seconds):.2f}, {quantile(seconds, 95):.2f}"


def quantile(seconds: Sequence[float], percent: int) -> float:
    """A percentile of what was measured."""
    return sorted(seconds)[min(len(seconds) - 1, int(len(seconds) * percent / 100))]


if __name__ == "__main__":
    main()
