"""Fitting what retrieval weighs: the ranking's weights, and the confidence that follows from them.

Both are small and convex. The shipped figures (`chatbot/retrieval/weights.json`) are fitted on all
questions; what is reported of them is cross-validated, in folds that share no paper.
"""

import json
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from numpy.typing import NDArray

from chatbot.answering.sentence_ranking import FEATURES as SENTENCE_FEATURES
from chatbot.answering.sentence_ranking import WEIGHTS_FILE as SENTENCE_WEIGHTS_FILE
from chatbot.answering.sentence_ranking import Asked, quotable, sentence_features
from chatbot.config import SEEDS, Settings
from chatbot.index.ingestion import ingest
from chatbot.index.lexical import EVERYTHING, Scope
from chatbot.index.reading import Index, open_index
from chatbot.retrieval.ranking import CONFIDENCE_FEATURES as CONFIDENCE
from chatbot.retrieval.ranking import FEATURES as RANKING
from chatbot.retrieval.ranking import WEIGHTS_FILE, Weights, features_of, score, signals_of
from chatbot.retrieval.search import search
from chatbot.understanding.interpretation import understand
from chatbot.understanding.wording import language_of
from evals.items import DATASETS, Item, load_items

Floats = NDArray[np.float64]
RIDGE, SENTENCE_RIDGE = 0.001, 0.01
_FIRST = 5
_PLAIN_PAPERS = 12
_PLAIN = (
    ("{name} 是做什么的？", "contribution"),
    ("{name} 这篇讲了什么", "contribution"),
    ("What is {name} about?", "contribution"),
    ("{name} 属于什么领域？", "field"),
)


@dataclass(frozen=True, slots=True)
class Judged:
    """One question's candidates: features (candidates by features), and the right ones' places."""

    features: NDArray[np.float32]
    right: NDArray[np.int64]


def fit_ranking(questions: Sequence[Judged], ridge: float = RIDGE) -> Floats:
    """Weights that make the right candidates likely (softmax over the candidates of a question).

    Several right candidates share the credit; a question without one is left out.
    """
    from scipy.optimize import minimize

    usable = [q for q in questions if len(q.right)]

    def loss(weights: Floats) -> tuple[float, Floats]:
        total, gradient = 0.0, np.zeros_like(weights)
        for question in usable:
            scores = question.features @ weights
            likely = np.exp(scores - scores.max())
            likely /= likely.sum()
            right = likely[question.right].sum() + 1e-12
            total -= np.log(right)
            credit = np.zeros_like(likely)
            credit[question.right] = likely[question.right] / right
            gradient -= question.features.T @ (credit - likely)
        count = len(usable)
        value = float(total / count + ridge * weights @ weights)
        return value, gradient / count + 2 * ridge * weights

    start = np.ones(usable[0].features.shape[1])
    result = minimize(loss, start, jac=True, method="L-BFGS-B", options={"maxiter": 500})
    return np.asarray(result.x)


def fit_logistic(features: Floats, outcomes: Floats, ridge: float = RIDGE) -> Floats:
    """Weights of a logistic regression; the last one is the constant."""
    from scipy.optimize import minimize

    inputs = np.column_stack([features, np.ones(len(features))])

    def loss(weights: Floats) -> tuple[float, Floats]:
        odds = inputs @ weights
        likely = 1 / (1 + np.exp(-odds))
        error = -np.mean(outcomes * odds - np.logaddexp(0, odds))
        penalty = ridge * weights[:-1] @ weights[:-1]
        gradient = inputs.T @ (likely - outcomes) / len(outcomes)
        gradient[:-1] += 2 * ridge * weights[:-1]
        return float(error + penalty), gradient

    result = minimize(loss, np.zeros(inputs.shape[1]), jac=True, method="L-BFGS-B")
    return np.asarray(result.x)


def judge(index: Index, items: Sequence[Item], features: Sequence[str]) -> list[Judged]:
    """The candidates of each question, with the places of the sections it needs."""
    judged = []
    for item in items:
        query = understand(item.question, index.catalogue, item.history)
        signals = signals_of(index, query.sought, links=query.links, aspects=query.aspects)
        names = [index.section(row).name for row in signals.rows]
        right = np.flatnonzero([name in item.sections for name in names])
        judged.append(Judged(signals.matrix(features), right))
    return judged


def fit(
    indexes: Sequence[Index], items: Sequence[Item], features: Sequence[str] = RANKING
) -> Weights:
    """The weights that serve these questions best, over all of these indexes.

    The ranking learns from those that one section answers, and from a few plain ones; a comparison
    or list is not ranked as a whole. The confidence learns from the questions, and from the same
    without the papers that answer.
    """
    single = [item for item in items if item.type in {"fact", "numeric", "english"}]
    ranking = fit_ranking(
        [
            judged
            for index in indexes
            for judged in judge(index, [*single, *plain_questions(index)], features)
        ]
    )
    draft = Weights(tuple(features), ranking, np.zeros(len(CONFIDENCE) + 1))
    cases = [confidence_cases(index, items, draft) for index in indexes]
    inputs, outcomes = (np.concatenate(part) for part in zip(*cases, strict=True))
    return Weights(tuple(features), ranking, fit_logistic(inputs, outcomes))


def plain_questions(index: Index) -> list[Item]:
    """Questions on what X is about and what field it is in, for every twelfth paper.

    Readers ask them often, the development questions do not, and a ranking fitted on those alone
    would never put a contribution or field first.
    """
    made: list[Item] = []
    papers = index.catalogue.papers
    for paper in papers[:: len(papers) // _PLAIN_PAPERS]:
        name = paper.title.partition(":")[0]
        for question, key in _PLAIN:
            made.append(
                Item(
                    id=f"{paper.id}-{len(made)}",
                    type="fact",
                    lang=language_of(question),
                    question=question.format(name=name),
                    papers=(paper.id,),
                    sections=(f"{paper.id}/{key}",),
                )
            )
    return made


def confidence_cases(
    index: Index, items: Sequence[Item], weights: Weights
) -> tuple[Floats, Floats]:
    """The confidence's features, and whether a needed section was among the first five.

    Each question is asked twice: of all papers, and of all but those that answer it, when nothing
    found can be right. Unanswerable questions are asked once, with the same outcome.
    """
    inputs, outcomes = [], []
    for item in items:
        if item.type in {"list", "comparison"}:
            continue
        query = understand(item.question, index.catalogue, item.history)
        own = (index.catalogue.by_id.get(paper) for paper in item.papers)
        without = Scope(without=frozenset(paper.number for paper in own if paper))
        for scope in (EVERYTHING, *([without] if item.sections else [])):
            links = [
                k for k in query.links if scope is EVERYTHING or not {*k.papers} & {*item.papers}
            ]
            signals = signals_of(
                index, query.sought, links=links, aspects=query.aspects, scope=scope
            )
            scores = score(signals, weights)
            first = np.argsort(-scores, kind="stable")[:_FIRST]
            found = {index.section(signals.rows[place]).name for place in first}
            asked = replace(query, links=tuple(links))
            inputs.append(features_of(index, asked, signals, scores))
            outcomes.append(float(bool(item.sections) and item.found(found) > 0))
    return np.array(inputs), np.array(outcomes)


@contextmanager
def built(*, enriched: bool, more: Sequence[Path] = ()) -> Iterator[Index]:
    """The shipped reports and `more` indexed, with or without the search text beside them."""
    with TemporaryDirectory() as folder:
        reports = Path(folder) / "reports"
        shutil.copytree(SEEDS, reports)
        if not enriched:
            for file in reports.glob("*.jsonl"):
                file.unlink()
        settings = Settings(CHATBOT_DATA_DIR=Path(folder) / "data", CHATBOT_EMBEDDING="local")
        ingest(settings, [reports, *more])
        yield open_index(settings)


def judge_sentences(
    index: Index, items: Sequence[Item], weights: Weights | None = None
) -> list[Judged]:
    """The sentences of the best paper's sections for each question, and those with the evidence."""
    judged = []
    for item in items:
        query = understand(item.question, index.catalogue, item.history)
        hits = search(index, query, weights=weights).hits
        best = [hit for hit in hits if hit.section.paper_id == hits[0].section.paper_id]
        candidates = quotable(best)
        asked = Asked.of(index, query.focus)
        right = [
            place
            for place, candidate in enumerate(candidates)
            if any(q.within(candidate.hit.section, candidate.span) for q in item.evidence)
        ]
        if right:
            features = sentence_features(asked, candidates).astype(np.float32)
            judged.append(Judged(features, np.array(right)))
    return judged


def fit_sentences(index: Index, items: Sequence[Item], weights: Weights | None = None) -> Floats:
    """The weights of `sentence_ranking.FEATURES`, learnt from the questions on one paper.

    Sections are found with these `weights`, the shipped ones by default.
    """
    single = [item for item in items if item.type in {"fact", "numeric", "english", "followup"}]
    return fit_ranking(judge_sentences(index, single, weights), SENTENCE_RIDGE)


def main() -> None:
    """Fit on all development questions, over the shipped reports with search text and without.

    Both, so that one set of weights serves reports that have search text and reports that do not.
    """
    with built(enriched=False) as plain, built(enriched=True) as enriched:
        items = load_items(DATASETS / "dev.jsonl")
        weights = fit([plain, enriched], items)
        of_sentences = fit_sentences(enriched, items, weights).round(3)
    rounded = {
        "ranking": dict(zip(weights.features, weights.ranking.round(3).tolist(), strict=True)),
        "confidence": dict(
            zip((*CONFIDENCE, "constant"), weights.confidence.round(3).tolist(), strict=True)
        ),
    }
    WEIGHTS_FILE.write_text(json.dumps(rounded, indent=1) + "\n", encoding="utf-8")
    named = dict(zip(SENTENCE_FEATURES, of_sentences.tolist(), strict=True))
    SENTENCE_WEIGHTS_FILE.write_text(json.dumps(named, indent=1) + "\n", encoding="utf-8")
    print(f"wrote {WEIGHTS_FILE} and {SENTENCE_WEIGHTS_FILE}")


if __name__ == "__main__":
    main()
