"""`make bench-answers`: answers without a model, and what the verifier catches, with intervals.

The figures behind docs/answers.md. Weights are fitted on four folds and measured on the fifth,
folds sharing no paper; the rules for refusing are not, they were written while reading the
development questions. Key facts and lengths are those of the whole answer, title and note included.
"""

import statistics
import time

import numpy as np

from chatbot.answering.engine import ReportQueryEngine
from chatbot.answering.quoting import extract
from chatbot.index.reading import Index
from chatbot.retrieval.retriever import ReportQuery
from chatbot.retrieval.search import search
from chatbot.understanding.interpretation import understand
from chatbot.understanding.models import Language
from evals.answers import MEASURES, Answered, measure
from evals.fitting import built, fit, fit_sentences
from evals.items import DATASETS, Item, load_items
from evals.retrieval import by_fold
from evals.verifier import caught, true_claims

CHINESE = {"fact", "numeric"}


def main() -> None:
    """Print the tables."""
    items = load_items(DATASETS / "dev.jsonl")
    with built(enriched=False) as plain, built(enriched=True) as enriched:
        retrieval = by_fold(items, lambda train: fit([plain, enriched], train))
        of_sentences = by_fold(items, lambda train: fit_sentences(enriched, train))
        answers = []
        for item in items:
            query = understand(item.question, enriched.catalogue, item.history)
            evidence = search(enriched, query, weights=retrieval[item.id])
            draft = extract(enriched, evidence, of_sentences[item.id])
            answers.append(Answered.of_draft(item, draft))
        print("| without a model | figure | n |\n|---|---|---|")
        for wanted in MEASURES:
            found = measure(answers, wanted)
            print(f"| {wanted.name} | {found} | {found.n} |")
        lengths = [len(a.markdown) for a in answers if a.item.type in CHINESE]
        print(f"| characters, median (Chinese fact, number) | {statistics.median(lengths):.0f} | |")
        p50, p95 = latency(enriched, items)
        print(f"| whole answer, warm: p50, p95 ms | {p50:.0f}, {p95:.0f} | |")
        verifier_table(enriched, items)


def latency(index: Index, items: tuple[Item, ...]) -> tuple[float, float]:
    """Median and 95th percentile of whole answers, in milliseconds, after a round to warm up."""
    engine, taken = ReportQueryEngine(index), []
    for begin_timing in (False, True):
        for item in items:
            begin = time.perf_counter()
            for _ in engine.stream(ReportQuery(item.question, history=item.history)):
                pass
            if begin_timing:
                taken.append(1000 * (time.perf_counter() - begin))
    p50, p95 = np.percentile(taken, [50, 95])
    return float(p50), float(p95)


def verifier_table(index: Index, items: tuple[Item, ...]) -> None:
    """Print what is caught of each kind of planted error, by language."""
    languages: tuple[Language, ...] = ("zh", "en")
    tables = [caught(index, true_claims(index, items, language)) for language in languages]
    print("\n| error | Chinese: accused | n | English: accused | n |\n|---|---|---|---|---|")
    for chinese, english in zip(*tables, strict=True):
        cells = (chinese.share, chinese.share.n, english.share, english.share.n)
        print(f"| {chinese.kind} | " + " | ".join(map(str, cells)) + " |")


if __name__ == "__main__":
    main()
