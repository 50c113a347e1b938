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
from chatbot.index.entity_linking import possible_names
from chatbot.index.generation import complete_vectors
from chatbot.index.ingestion import index_words, ingest
from chatbot.index.reading import open_index
from chatbot.index.sections import NamedReport
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
    """Print a row for each size; each step is measured in a process of its own."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("sizes", type=int, nargs="*", default=SIZES)
    parser.add_argument("--step", choices=["index", "more", "nothing", "ask"])
    parser.add_argument("--folder", type=Path)
    arguments = parser.parse_args()
    if arguments.step:
        print(json.dumps(STEPS[arguments.step](arguments.folder)))
        return
    print(f"| {' | '.join(COLUMNS)} |\n{'|---' * len(COLUMNS)}|", flush=True)
    for size in arguments.sizes:
        with TemporaryDirectory() as folder:
            row = measure(size, Path(folder))
        print("| " + " | ".join(str(row[column]) for column in COLUMNS) + " |", flush=True)


COLUMNS = (
    *("sections", "words s", "vectors s", "peak MB", "index MB", "one more s", "beyond nothing s"),
    *("share", "open s", "asking MB", "p50 ms", "p95 ms", "recall@5"),
)
Figures = dict[str, float]


def measure(size: int, folder: Path) -> Figures:
    """Index a corpus of `size` sections, then one report more, then ask.

    Seconds are the processor's, but for opening.
    """
    reports = folder / "reports"
    reports.mkdir()
    for file in SEEDS.iterdir():
        (reports / file.name).write_bytes(file.read_bytes())
    texts = noise(size + len(SECTION_LABELS) * PAPERS_A_REPORT)
    latest = next(texts)
    for number, text in enumerate(texts):
        (reports / f"noise-{number:06}.txt").write_text(text, encoding="utf-8")
    first = _apart("index", folder)
    nothing = _apart("nothing", folder)["s"]
    (reports / "latest.txt").write_text(latest, encoding="utf-8")
    more = _apart("more", folder)["s"]
    whole = first["words s"] + first["vectors s"]
    about = {"one more s": more, "beyond nothing s": round(more - nothing, 2)}
    return {**first, **about, "share": round(more / whole, 4), **_apart("ask", folder)}


def _apart(step: str, folder: Path) -> Figures:
    command = [sys.executable, __file__, "--step", step, "--folder", str(folder)]
    environment = {**os.environ, "PYTHONPATH": str(PROJECT_ROOT)}
    done = subprocess.run(command, check=True, capture_output=True, text=True, env=environment)
    found: Figures = json.loads(done.stdout.splitlines()[-1])
    return found


def _settings(folder: Path) -> Settings:
    return Settings(CHATBOT_DATA_DIR=folder / "data", CHATBOT_EMBEDDING="local")


def _index(folder: Path) -> Figures:
    settings, begin = _settings(folder), time.process_time()
    done, step = index_words(settings, [folder / "reports"])
    words = time.process_time()
    complete_vectors(settings, step)
    files = (file for file in settings.data_dir.rglob("*") if file.is_file())
    return {
        "sections": done.sections,
        "words s": round(words - begin, 1),
        "vectors s": round(time.process_time() - words, 1),
        "peak MB": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024),
        "index MB": round(sum(file.stat().st_size for file in files) / 1e6),
    }


def _more(folder: Path) -> Figures:
    begin = time.process_time()
    ingest(_settings(folder), [folder / "reports"])
    return {"s": round(time.process_time() - begin, 2)}


def _ask(folder: Path) -> Figures:
    begin = time.perf_counter()
    index = open_index(_settings(folder))
    opened = time.perf_counter() - begin
    items = [item for item in load_items(DATASETS / "dev.jsonl") if item.sections]
    shares, milliseconds = [], []
    for item in [*items[:10], *items]:
        asked = time.perf_counter()
        query = understand(item.question, index.catalogue, item.history)
        hits = search(index, query).hits
        milliseconds.append((time.perf_counter() - asked) * 1000)
        shares.append(recall_at(5, item, [hit.section.name for hit in hits]))
    p50, p95 = np.percentile(milliseconds[10:], [50, 95])
    return {
        "open s": round(opened, 2),
        "asking MB": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024),
        "p50 ms": round(float(p50), 1),
        "p95 ms": round(float(p95), 1),
        "recall@5": round(float(np.mean(shares[10:])), 3),
    }


STEPS = {"index": _index, "more": _more, "nothing": _more, "ask": _ask}


def noise(size: int, seed: int = 0) -> Iterator[str]:
    """Reports of made-up papers, until there are `size` sections with the true ones."""
    papers = [paper for file in sorted(SEEDS.glob("*.txt")) for paper in read_report(file).papers]
    named = [NamedReport(file.name, read_report(file)) for file in sorted(SEEDS.glob("*.txt"))]
    own = [[s for s, _ in of.sections_of(paper)] for of in named for paper in of.report.papers]
    names = (found for mine in own for found in possible_names(mine, ()))
    known = {found.name for found in names if found.alone and " " not in found.name}
    quotes = [e.quote for item in load_items(DATASETS / "dev.jsonl") for e in item.evidence]
    choose = random.Random(seed)  # noqa: S311 - noise, not a secret
    wanted = max(0, size - sum(map(len, own))) // len(SECTION_LABELS)
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
