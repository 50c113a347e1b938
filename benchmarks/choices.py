"""`make bench-choices`: the figures behind retrieval's choices in docs/architecture.md.

Recall@5: the share of needed sections among the first five, over the single-turn questions of
evals/datasets/dev.jsonl that need sections (one section is enough where the question says so).
"""

import json
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from typing import Any

import bm25s
import numpy as np
from numpy.typing import NDArray

from chatbot.config import PROJECT_ROOT, SEEDS
from chatbot.corpus import read_report
from chatbot.index.embedding import LocalEmbedding
from chatbot.index.records import IndexedSection, embedded_texts, live_sections
from chatbot.index.terms import bigrams, without_stop_words, words

Scores = NDArray[np.float64]
Scorer = Callable[[str], Scores]
DEV = PROJECT_ROOT / "evals" / "datasets" / "dev.jsonl"
CUT = """
import sys, time
from pathlib import Path
begin = time.perf_counter()
import {name}
cut = {cut}
list(cut("预热"))
loaded = time.perf_counter()
for path in Path(sys.argv[1]).glob("*.txt"):
    list(cut(path.read_text(encoding="utf-8")))
print(loaded - begin, time.perf_counter() - loaded)
"""


def main() -> None:
    """Print the tables."""
    segmenters = {"rjieba": "rjieba.cut", "jieba": "jieba.cut"}
    print("| segmenter | load (s) | cut the five reports (s) |\n|---|---|---|")
    for name, cut in segmenters.items():
        print(f"| {name} | {time_segmenter(name, cut)} |")
    reports = [(path.name, read_report(path)) for path in sorted(SEEDS.glob("*.txt"))]
    sections = live_sections(reports)
    rows = [json.loads(line) for line in DEV.read_text(encoding="utf-8").splitlines()]
    questions = [row for row in rows if row["sections"] and not row["history"]]
    print(f"\n| scores (n = {len(questions)}) | recall@5 |\n|---|---|")
    for name, scorer in scorers(sections).items():
        print(f"| {name} | {recall_at_5(scorer, sections, questions):.3f} |")


def time_segmenter(name: str, cut: str, runs: int = 5) -> str:
    """Median seconds to load a segmenter and to cut the reports, in fresh processes."""
    command = [sys.executable, "-c", CUT.format(name=name, cut=cut), str(SEEDS)]
    done = [
        subprocess.run(command, check=False, capture_output=True, text=True) for _ in range(runs)
    ]
    if any(run.returncode for run in done):
        return "not installed |"
    times = [[float(word) for word in run.stdout.split()] for run in done]
    return " | ".join(f"{statistics.median(column):.2f}" for column in zip(*times, strict=True))


def scorers(sections: Sequence[IndexedSection]) -> dict[str, Scorer]:
    """Every way of scoring that was weighed, by name."""
    both = combined(bm25_fields(sections, lambda text: words(text) + bigrams(text)))
    apart = [*bm25_fields(sections, words), *bm25_fields(sections, bigrams)]
    equal, doubled = combined(apart), combined(apart, (1, 2, 1, 2))
    dense = dense_scorer(embedded_texts(sections))
    titled = dense_scorer([f"{section.title}\n{section.text}" for section in sections])
    return {
        "BM25 of section and paper, words and bigrams as one field": both,
        "words and bigrams apart, each normalised": equal,
        "the paper counted double": doubled,
        "that + 0.1 local embedding": lambda text: doubled(text) + 0.1 * scaled(dense(text)),
        "that + 0.5 local embedding": lambda text: doubled(text) + 0.5 * scaled(dense(text)),
        "reciprocal rank fusion of the two": lambda text: (
            1 / (60 + ranks(doubled(text))) + 1 / (60 + ranks(dense(text)))
        ),
        "local embedding alone": dense,
        "local embedding alone, of title and section only": titled,
    }


def bm25_fields(
    sections: Sequence[IndexedSection], cut: Callable[[str], list[str]]
) -> tuple[Scorer, Scorer]:
    """BM25 of the section, and of its paper with the title counted twice."""
    papers = list(dict.fromkeys(section.paper_id for section in sections))
    whole = {s.paper_id: cut(s.title) * 2 for s in sections}
    for section in sections:
        whole[section.paper_id] += cut(section.text)
    own = bm25([cut(section.text) for section in sections], 1.2, 0.4)
    of_paper = bm25([whole[paper] for paper in papers], 1.5, 0.75)
    row = np.array([papers.index(section.paper_id) for section in sections])
    return (
        lambda text: own.get_scores(without_stop_words(cut(text))),
        lambda text: of_paper.get_scores(without_stop_words(cut(text)))[row],
    )


def bm25(documents: list[list[str]], k1: float, b: float) -> Any:
    """A bm25s model of cut documents."""
    model = bm25s.BM25(k1=k1, b=b)
    model.index(documents, show_progress=False)
    return model


def combined(fields: Sequence[Scorer], weights: Sequence[float] = (1, 1, 1, 1)) -> Scorer:
    """The weighted sum of scores, each divided by its best."""
    total = sum(weights[: len(fields)])
    pairs = list(zip(weights, fields, strict=False))
    return lambda text: sum(weight * scaled(field(text)) for weight, field in pairs) / total


def dense_scorer(texts: Sequence[str]) -> Scorer:
    """Cosine similarity by the local embedding fitted on `texts`."""
    embedding = LocalEmbedding.fit(texts)
    matrix = np.array([embedding.get_text_embedding(text) for text in texts])
    return lambda text: np.maximum(matrix @ np.array(embedding.get_query_embedding(text)), 0)


def scaled(scores: Scores) -> Scores:
    """Scores divided by the best of them."""
    return scores / (scores.max() or 1)


def ranks(scores: Scores) -> Scores:
    """The rank of each row, best first."""
    return np.argsort(np.argsort(-scores, kind="stable"), kind="stable")


def recall_at_5(
    scorer: Scorer, sections: Sequence[IndexedSection], questions: Sequence[dict[str, Any]]
) -> float:
    """Mean share of needed sections among the first five."""
    shares = []
    for row in questions:
        first = np.argsort(-scorer(row["question"]), kind="stable")[:5]
        found = [name in {sections[i].name for i in first} for name in row["sections"]]
        shares.append(any(found) if row.get("any_section") else statistics.mean(found))
    return statistics.mean(shares)


if __name__ == "__main__":
    begin = time.perf_counter()
    main()
    print(f"\n{time.perf_counter() - begin:.0f} s", file=sys.stderr)
