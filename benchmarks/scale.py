"""`make bench-scale`: indexing and retrieval as the corpus grows, on synthetic corpora.

The five shipped reports, and around them made-up papers recombined from their sentences: each made
paper takes every section from another paper, sentences shuffled, names replaced by invented ones,
and no sentence that holds a gold quote. They are dated before the true reports. So true sections
have to be found among noise that is worded like them; a real corpus is more varied, so easier
to search and has more words to index.
"""

import argparse
import datetime as dt
import json
import os
import random
import re
import resource
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from chatbot.config import PROJECT_ROOT, SEEDS, Settings
from chatbot.index.entity_linking import NameTable
from chatbot.index.ingestion import ingest
from chatbot.index.reading import open_index
from chatbot.index.sections import live_sections
from chatbot.reports.parsing import SECTION_LABELS, Paper, read_report
from chatbot.retrieval.search import search
from chatbot.understanding.interpretation import understand
from evals.items import DATASETS, load_items
from evals.metrics import recall_at

SIZES = (1_000, 10_000, 100_000, 1_000_000)
PAPERS_A_REPORT = 30
_SENTENCE = re.compile(r"[^。；\n]+[。；\n]*")
_LATIN_NAME = re.compile(r"(?<![\w\\])[A-Za-z][A-Za-z0-9]*(?:[-.+*][A-Za-z0-9]+)*")
_SYLLABLES = ("ba", "ce", "do", "fu", "gi", "ka", "lo", "mi", "nu", "pe", "ra", "so", "ti", "vu")


def main() -> None:
    """Print a row for each size; each is measured in a process of its own."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("sizes", type=int, nargs="*", default=SIZES)
    parser.add_argument("--one", type=int, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.one:
        print(json.dumps(measure(arguments.one)))
        return
    print(
        "| sections | indexing s | peak MB | index MB | open s | p50 ms | p95 ms | "
        "recall@5 of the true sections |\n|---|---|---|---|---|---|---|---|",
        flush=True,
    )
    for size in arguments.sizes:
        command = [sys.executable, __file__, "--one", str(size)]
        environment = {**os.environ, "PYTHONPATH": str(PROJECT_ROOT)}
        done = subprocess.run(command, check=True, capture_output=True, text=True, env=environment)
        row = json.loads(done.stdout.splitlines()[-1])
        print("| " + " | ".join(str(value) for value in row.values()) + " |", flush=True)


def measure(size: int) -> dict[str, float]:
    """Index a corpus of `size` sections, then ask the development questions."""
    with TemporaryDirectory() as folder:
        reports = Path(folder) / "reports"
        reports.mkdir()
        for file in SEEDS.iterdir():
            (reports / file.name).write_bytes(file.read_bytes())
        for number, text in enumerate(noise(size)):
            (reports / f"noise-{number:06}.txt").write_text(text, encoding="utf-8")
        settings = Settings(CHATBOT_DATA_DIR=Path(folder) / "data", CHATBOT_EMBEDDING="local")
        begin = time.perf_counter()
        done = ingest(settings, [reports])
        indexed = time.perf_counter()
        index = open_index(settings)
        opened = time.perf_counter()
        items = [item for item in load_items(DATASETS / "dev.jsonl") if item.sections]
        shares, milliseconds = [], []
        for item in [*items[:10], *items]:
            asked = time.perf_counter()
            query = understand(item.question, index.catalogue, item.history)
            hits = search(index, query).hits
            milliseconds.append((time.perf_counter() - asked) * 1000)
            shares.append(recall_at(5, item, [hit.section.name for hit in hits]))
        p50, p95 = np.percentile(milliseconds[10:], [50, 95])
        files = (file for file in settings.data_dir.rglob("*") if file.is_file())
        return {
            "sections": done.sections,
            "indexing": round(indexed - begin, 1),
            "peak": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024),
            "size": round(sum(file.stat().st_size for file in files) / 1e6),
            "open": round(opened - indexed, 1),
            "p50": round(float(p50), 1),
            "p95": round(float(p95), 1),
            "recall": round(float(np.mean(shares[10:])), 3),
        }


def noise(size: int, seed: int = 0) -> Iterator[str]:
    """Reports of made-up papers, until there are `size` sections with the true ones."""
    papers = [paper for file in sorted(SEEDS.glob("*.txt")) for paper in read_report(file).papers]
    sections = live_sections((f.name, read_report(f)) for f in sorted(SEEDS.glob("*.txt")))
    known = {name for name, *_ in NameTable.mine(sections).names.values() if " " not in name}
    quotes = [e.quote for item in load_items(DATASETS / "dev.jsonl") for e in item.evidence]
    choose = random.Random(seed)  # noqa: S311 - noise, not a secret
    wanted = max(0, size - len(sections)) // len(SECTION_LABELS)
    day, number = dt.date(2025, 12, 31), 0
    while number < wanted:
        count = min(PAPERS_A_REPORT, wanted - number)
        made = [_paper(papers, known, quotes, number + i, choose) for i in range(count)]
        header = f"# Hugging Face Daily Papers Report\n**Date**: {day}\n**Source URL**: -\n"
        yield "\n\n".join([header, *made])
        number += count
        day -= dt.timedelta(days=1)


def _paper(
    papers: Sequence[Paper],
    known: set[str],
    quotes: Sequence[str],
    number: int,
    choose: random.Random,
) -> str:
    """One made-up paper, each section from another true one."""
    name = "".join(choose.choices(_SYLLABLES, k=4)).title()
    parts = []
    for place, (key, label) in enumerate(SECTION_LABELS.items(), 1):
        source = choose.choice([p for p in papers if any(s.key == key for s in p.sections)])
        text = next(section.text for section in source.sections if section.key == key)
        sentences = _SENTENCE.findall(text)
        choose.shuffle(sentences)
        kept = "".join(s for s in sentences if not any(quote in s for quote in quotes))
        renamed = _LATIN_NAME.sub(lambda m: name if m[0] in known else m[0], kept)
        if any(quote in renamed for quote in quotes):
            renamed = "无。"
        parts.append(f"### {place}. {label}\n{renamed.strip() or '无。'}")
    words = choose.choice(papers).title.partition(":")[2].split() or ["Study"]
    choose.shuffle(words)
    link = f"https://huggingface.co/papers/{2001 + number // 90_000}.{number % 90_000 + 10_000}"
    head = f"## 📄 {name}: {' '.join(words)}\n\n- **链接**: {link}\n- **阅读来源**: HTML"
    return "\n\n".join([head, *parts])


if __name__ == "__main__":
    main()
