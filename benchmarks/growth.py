"""`make bench-growth`: what the cost of a hostile text grows with, for everything that reads one.

Each reader is given each piece over and over, up to sizes that double; the exponent of the cost is
the slope of its logarithm over that of the size: 1 is linear, 2 square. Processor time, the best of
some runs, without Python's collector of garbage, whose turns fall where they like. The command
fails where an exponent is too high.
"""

import contextlib
import datetime as dt
import gc
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from chatbot.answering.rules import parse_rule
from chatbot.bot import Chatbot
from chatbot.config import SEEDS, Settings
from chatbot.errors import ChatbotError
from chatbot.guardrails.limits import LONGEST_QUESTION
from chatbot.index.ingestion import ingest
from chatbot.index.sections import IndexedSection
from chatbot.reports.parsing import LineSpan, parse_report
from chatbot.retrieval.search import search
from chatbot.text.terms import content_terms
from chatbot.understanding.interpretation import understand
from chatbot.understanding.models import Message
from chatbot.verification.claims import Draft, clean_markers, read_blocks
from chatbot.verification.verification import verified
from chatbot.web.markdown import ComingText, plain_html, section_html, text_html

SIZES = (1_000, 2_000, 4_000, 8_000, 16_000, 32_000, 64_000)
LINEAR, STEEP = 1.0, 1.5
# Below this many seconds a run says nothing, above it no larger one is tried.
LEAST, MOST, RUNS = 0.008, 0.5, 2
# fmt: off
PIECES = (
    "a", "A", " ", "\t", "\n", "\n\n", " \n", "a\n", "。", "，", "；", "; ", "?", "?x", ". ",
    "e.g. ", "甲", "甲乙丙丁", "甲。", "甲[1]。", "甲；", "五", "不甲乙", "提升", "没有", "的",
    "哪些", "论文", "[1]", "[9]", "[", "]", "[[", "[1,", "[1, 9] ", "【1】", "[9", "9]", "(",
    "（", "(a)", "《a", "“a", "`", "``", "`a", "`a`", "` `` ", "```\n", "~~~\n", "> ```\n",
    "    a\n\n", "\\", "\\`", "<", "*", "**", "**a", "**a**", "*a ", "_", "$", "$a", "$a$ ", "$$",
    "\\(", "\\[a", "|", "|a", "|a|\n", "- ", "- a\n", "1. ", "1. a\n", "> ", "# ", "---\n",
    "=====\n", "&lt;", "![", "](", "https://a/", "5", "5 ", "5%", "5,000", "5.", "5万", "5月 ",
    "12日", "2602.11144 ", "A1 ", "A-", "a.", "GPT-4 ", "和那篇", "both ", "which ", "compare ",
    "and paper ", "what is ", "today ", "overview ", "、甲乙", "\u200b", "\u202e", "\u0301",
    "\u0323\u0301", "\uff9e\u0301", "\u2028", "\x00", "\ufdfa", "İ", "## 📄 A\n",
    "- **链接**: x\n", "**1. 应用领域**\n", "1. **使用指南**：a\n", "### 3. 用法\n",
    "- **Results**: a\n", "### a\n", "# （a", "**Date**: 2026-01-01\n",
)
# fmt: on
HEAD = (
    "# Hugging Face Daily Papers Report\n**Date**: 2026-02-12\n\n## 📄 A: B\n\n"
    "- **链接**: https://huggingface.co/papers/2602.11111\n\n### 5. 实验效果\n"
)
DAY = dt.date(2026, 2, 12)


@dataclass(frozen=True, slots=True)
class Reader:
    """Something that reads a text, and the longest it is ever given."""

    name: str
    read: Callable[[str], object]
    longest: int = SIZES[-1]


@dataclass(frozen=True, slots=True)
class Growth:
    """The cost of a piece repeated: seconds at the largest size tried, and the exponent."""

    piece: str
    size: int
    seconds: float
    exponent: float


def main() -> None:
    """Print each reader's steepest growth; fail where one is too steep."""
    wanted = set(sys.argv[1:])
    steep = False
    with TemporaryDirectory() as folder:
        settings = Settings(CHATBOT_DATA_DIR=Path(folder), CHATBOT_EMBEDDING="local")
        ingest(settings, [SEEDS])
        gc.disable()
        print("| reader | steepest piece | characters | ms | exponent |\n|---|---|---|---|---|")
        for reader in readers(Chatbot(settings, None)):
            if wanted and reader.name not in wanted:
                continue
            gc.collect()
            found = [growth for piece in PIECES if (growth := settled(reader, piece))]
            worst = max(found, key=lambda growth: growth.exponent, default=None)
            if worst is None:
                print(f"| {reader.name} | none took {LEAST * 1000:.0f} ms | | | |", flush=True)
                continue
            steep = steep or worst.exponent > STEEP
            print(
                f"| {reader.name} | `{worst.piece!r}` | {worst.size} | "
                f"{worst.seconds * 1000:.1f} | {worst.exponent:.2f} |",
                flush=True,
            )
    sys.exit(f"an exponent above {STEEP}" if steep else 0)


def readers(bot: Chatbot) -> Iterator[Reader]:
    """All that reads what visitors, models or reports' writers wrote."""
    index = bot.index
    sources = dict(enumerate(index.sections[:8], 1))
    past = (Message("user", "GENIUS 的方法？"), Message("assistant", "它用了 GRPO[1]。"))

    def of(text: str) -> dict[int, IndexedSection]:
        return {1: replace(sources[1], text=text, lines=LineSpan(1, 1), date=DAY)}

    def streamed(text: str, size: int) -> str:
        deltas = (text[at : at + size] for at in range(0, len(text), size))
        return "".join(clean_markers(deltas, sources))

    def checked(text: str, of: Mapping[int, IndexedSection]) -> Draft:
        return verified(index, Draft(read_blocks(text), of))

    claim = "在 MATH-500 上达到 61.4%，不需要微调 BaseNet[1]。"
    yield Reader("a report", lambda text: parse_report((HEAD + text).encode(), "report"))
    yield Reader("a report's head", lambda text: parse_report((text + HEAD).encode(), "report"))
    yield Reader("markers, at once", lambda text: streamed(text, len(text)))
    yield Reader("markers, streamed", lambda text: streamed(text, 7))
    yield Reader("blocks of a draft", read_blocks)
    yield Reader("verdicts on a draft", lambda text: checked(text, sources))
    yield Reader("verdicts by a section", lambda text: checked(claim, of(text)))
    yield Reader("an answer's HTML", text_html)
    yield Reader("an answer's HTML as it comes", lambda text: ComingText().after(text))
    yield Reader("a section's HTML", lambda text: section_html(text, [(0, len(text) // 2)]))
    yield Reader("a line's HTML", plain_html)
    yield Reader("terms", content_terms)
    yield Reader("names", index.catalogue.names.find)
    yield Reader("a rule", lambda text: parse_rule("rule", f"---\n{text}"))
    yield Reader(
        "a question", lambda text: understand(text, index.catalogue, past), LONGEST_QUESTION
    )
    yield Reader(
        "a search", lambda text: search(index, understand(text, index.catalogue)), LONGEST_QUESTION
    )
    yield Reader("an answer", bot.answer, LONGEST_QUESTION)


def settled(reader: Reader, piece: str) -> Growth | None:
    """How the cost grows, measured again and further where it seems steep.

    Something else may have run; and where memory is got in another way from some size on, the two
    sizes around that are steep, and those after it are not.
    """
    growth = growth_of(reader, piece)
    if growth is None or growth.exponent <= STEEP:
        return growth
    if reader.longest < SIZES[-1]:
        again = growth_of(reader, piece) or growth
    else:
        further = (*SIZES, 2 * SIZES[-1], 4 * SIZES[-1])
        again = growth_of(replace(reader, longest=further[-1]), piece, further) or growth
    return min(growth, again, key=lambda one: one.exponent)


def growth_of(reader: Reader, piece: str, tried: tuple[int, ...] = SIZES) -> Growth | None:
    """How the cost grows; None where it is never worth a clock's while."""
    sizes, seconds = list[int](), list[float]()
    for size in (size for size in tried if size <= reader.longest):
        text = (piece * (size // len(piece) + 1))[: size - 1]
        # Another end each time: what is remembered of a text costs nothing.
        taken = min(_seconds(reader, f"{text}{'xyz'[run]}") for run in range(RUNS))
        if taken >= LEAST:
            sizes.append(size)
            seconds.append(taken)
        if taken > MOST:
            break
    if len(sizes) < 2:
        return Growth(piece, sizes[0], seconds[0], LINEAR) if sizes else None
    slope, _ = np.polyfit(np.log(sizes), np.log(seconds), 1)
    return Growth(piece, sizes[-1], seconds[-1], float(slope))


def _seconds(reader: Reader, text: str) -> float:
    begin = time.process_time()
    with contextlib.suppress(ChatbotError):
        reader.read(text)
    return time.process_time() - begin


if __name__ == "__main__":
    main()
