"""`make bench-retrieval`: every way of retrieving, by kind of question, with intervals.

The figures behind docs/retrieval.md. Whatever is fitted is fitted on four folds and measured on the
fifth, folds sharing no paper. The first rows are LlamaIndex's own parts as they come, over the same
sections.
"""

import argparse
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from llama_index.core import VectorStoreIndex
from llama_index.core.callbacks import CallbackManager
from llama_index.core.node_parser import SentenceSplitter
from llama_index.core.schema import BaseNode, Document
from llama_index.retrievers.bm25 import BM25Retriever

from chatbot.index.lexical import Glossary
from chatbot.index.reading import Index
from chatbot.retrieval.ranking import FEATURES, Signals, Weights, signals_of
from chatbot.retrieval.search import search
from chatbot.understanding.interpretation import understand
from chatbot.understanding.wording import sought_of
from evals.fitting import built, confidence_cases, fit
from evals.items import DATASETS, Item, load_items
from evals.retrieval import MEASURES, Retrieve, Run, by_fold, latency, measure, run
from evals.statistics import calibration_error

DEPTH = 10
_LINKS, _ASPECTS = ("link",), ("asks_usage", "asks_innovations", "asks_results", "number")
_WORDS = tuple(name for name in FEATURES if name not in {*_LINKS, *_ASPECTS})


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--dataset", type=Path, default=DATASETS / "dev.jsonl")
    items = load_items(parser.parse_args().dataset)
    runs: dict[str, Run] = {}
    with built(enriched=False) as plain, built(enriched=True) as enriched:
        for name, retrieve in (baselines(plain) | steps(plain, items)).items():
            runs[name] = run(items, warmed(retrieve, items))
        cross_lingual = alone(enriched, lambda signals: signals.dense)
        runs["embedding alone, fitted on enriched text"] = run(items, cross_lingual)
        shipped = by_fold(items, lambda train: fit([plain, enriched], train))
        for index, name in ((plain, "no enrichment"), (enriched, "with the shipped enrichment")):
            whole = searching(index, shipped)
            runs[f"+ days, comparisons, lists: all of it, {name}"] = run(
                items, warmed(whole, items)
            )
            calibration(index, items, shipped, name)
        sizes = [folder_size(index.settings.data_dir) for index in (plain, enriched)]
    print_table(runs)
    print(f"\nindex: {sizes[0]:.1f} MB, with enrichment {sizes[1]:.1f} MB")


def baselines(index: Index) -> dict[str, Retrieve]:
    """LlamaIndex as it comes, and each of our retrievers alone."""
    documents = [
        Document(text=section.text, id_=section.name, metadata={"title": section.title})
        for section in index.sections
    ]
    nodes = SentenceSplitter(
        callback_manager=CallbackManager([]), include_prev_next_rel=False
    ).get_nodes_from_documents(documents)
    bm25 = BM25Retriever.from_defaults(nodes=nodes, similarity_top_k=DEPTH)
    vectors = VectorStoreIndex(
        nodes,
        embed_model=index.embedding,
        transformations=[],
        callback_manager=CallbackManager([]),
    ).as_retriever(similarity_top_k=DEPTH)
    return {
        "LlamaIndex: SentenceSplitter, BM25Retriever": lambda item: sections_of(
            [found.node for found in bm25.retrieve(item.question)]
        ),
        "LlamaIndex: SentenceSplitter, VectorStoreIndex (local embedding)": lambda item: (
            sections_of([found.node for found in vectors.retrieve(item.question)])
        ),
        "BM25 of the section, words": alone(index, lambda s: s.columns["words_section"]),
        "BM25 of section and paper, words and bigrams": alone(index, lambda s: s.lexical),
        "local embedding alone": alone(index, lambda s: s.dense),
        "reciprocal rank fusion of the last two": alone(index, reciprocal_ranks),
    }


def sections_of(nodes: Sequence[BaseNode]) -> list[str]:
    """The sections that chunks come from, each once."""
    return list(dict.fromkeys(str(node.ref_doc_id) for node in nodes))


def alone(index: Index, column: Callable[[Signals], np.ndarray]) -> Retrieve:
    """Ranking by one column of the signals, the question as it was asked."""

    def retrieve(item: Item) -> list[str]:
        text = "\n".join([*(t.content for t in item.history if t.role == "user"), item.question])
        signals = signals_of(replace(index, glossary=Glossary()), sought_of(text))
        order = np.argsort(-column(signals), kind="stable")[:DEPTH]
        return [index.section(signals.rows[place]).name for place in order]

    return retrieve


def reciprocal_ranks(signals: Signals) -> np.ndarray:
    """The sum of 1 / (60 + rank) (Cormack et al. 2009)."""
    total = np.zeros(len(signals.rows))
    for scores in (signals.lexical, signals.dense):
        total += 1 / (61 + np.argsort(np.argsort(-scores, kind="stable"), kind="stable"))
    return total


def steps(index: Index, items: Sequence[Item]) -> dict[str, Retrieve]:
    """What each part adds, one after another."""
    unglossed = replace(index, glossary=Glossary())
    return {
        "fitted weights over these": full(unglossed, items, _WORDS),
        "+ glossary": full(index, items, _WORDS),
        "+ names": full(index, items, _WORDS + _LINKS),
        "+ the section asked for": full(index, items),
    }


def full(index: Index, items: Sequence[Item], features: tuple[str, ...] = FEATURES) -> Retrieve:
    """A look-up, whatever is asked, with weights that these folds give these features."""
    weights = by_fold(items, lambda train: fit([index], train, features))
    return searching(index, weights, narrow=True)


def searching(index: Index, weights: Mapping[str, Weights], *, narrow: bool = False) -> Retrieve:
    """`search` with each item's weights; `narrow`: as a look-up, whatever is asked."""

    def retrieve(item: Item) -> list[str]:
        query = understand(item.question, index.catalogue, item.history)
        if narrow:
            query = replace(query, intent="lookup", filters=replace(query.filters, dates=()))
        return [h.section.name for h in search(index, query, DEPTH, weights[item.id]).hits]

    return retrieve


def warmed(retrieve: Retrieve, items: Sequence[Item]) -> Retrieve:
    """The same, after a few questions that are not timed."""
    for item in items[:5]:
        retrieve(item)
    return retrieve


def calibration(
    index: Index, items: Sequence[Item], weights_of: Mapping[str, Weights], name: str
) -> None:
    """Print how far the confidence can be trusted, each item judged by the other folds' weights."""
    said: list[float] = []
    was: list[float] = []
    for item in items:
        weights = weights_of[item.id]
        inputs, outcomes = confidence_cases(index, [item], weights)
        if not len(inputs):
            continue
        odds = np.column_stack([inputs, np.ones(len(inputs))]) @ weights.confidence
        said += (1 / (1 + np.exp(-odds))).tolist()
        was += outcomes.tolist()
    pairs = [
        (a, b)
        for a, x in zip(said, was, strict=True)
        if x
        for b, y in zip(said, was, strict=True)
        if not y
    ]
    ordered = sum((a > b) + 0.5 * (a == b) for a, b in pairs) / len(pairs)
    brier = float(np.mean((np.array(said) - np.array(was)) ** 2))
    print(
        f"confidence, {name}: n = {len(said)}, calibration error "
        f"{calibration_error(said, was):.3f}, Brier {brier:.3f}, AUC {ordered:.3f}"
    )


def print_table(runs: dict[str, Run]) -> None:
    """A row for each method, a column for each measure; mean and 95 % interval."""
    counts = [measure(next(iter(runs.values())), wanted).n for wanted in MEASURES]
    heads = [f"{wanted.name} (n = {n})" for wanted, n in zip(MEASURES, counts, strict=True)]
    print("\n| method | " + " | ".join(heads) + " | p50, p95 ms |")
    print("|---" * (len(heads) + 2) + "|")
    for name, done in runs.items():
        p50, p95 = latency(done)
        cells = [str(measure(done, wanted)) for wanted in MEASURES]
        print(f"| {name} | {' | '.join(cells)} | {p50:.1f}, {p95:.1f} |")


def folder_size(folder: Path) -> float:
    """Megabytes of the files below."""
    return sum(file.stat().st_size for file in folder.rglob("*") if file.is_file()) / 1e6


if __name__ == "__main__":
    begin = time.perf_counter()
    main()
    print(f"\n{time.perf_counter() - begin:.0f} s", file=sys.stderr)
