"""Measuring and fitting retrieval on the shipped questions."""

import json
from pathlib import Path

import numpy as np
import pytest

import evals.fitting
from chatbot.index.reading import Index
from chatbot.retrieval.ranking import shipped_weights
from chatbot.retrieval.search import search
from chatbot.understanding.interpretation import understand
from evals.fitting import Judged, fit, fit_logistic, fit_ranking
from evals.items import DATASETS, Item, load_items
from evals.retrieval import MEASURES, by_fold, latency, measure, run

ITEMS = load_items(DATASETS / "dev.jsonl")


def test_the_shipped_search_reaches_what_it_promises(seed_index: Index) -> None:
    """A floor well under the figures of docs/retrieval.md: a change that breaks a part shows."""

    def retrieve(item: Item) -> list[str]:
        query = understand(item.question, seed_index.catalogue, item.history)
        return [hit.section.name for hit in search(seed_index, query, 10).hits]

    done = run(ITEMS, retrieve)
    found = {wanted.name: measure(done, wanted).mean for wanted in MEASURES}
    floors = dict(zip(found, (0.93, 0.98, 0.70, 0.75, 0.80, 0.92, 0.80, 0.90), strict=True))
    assert {name: value for name, value in found.items() if value < floors[name]} == {}
    assert min(latency(done)) > 0


def test_a_retriever_that_finds_nothing_scores_nothing() -> None:
    done = run(ITEMS, lambda _: [])
    assert [measure(done, wanted).mean for wanted in MEASURES] == [0.0] * len(MEASURES)


def test_what_is_fitted_for_an_item_never_saw_its_papers() -> None:
    seen = by_fold(ITEMS, lambda train: {paper for item in train for paper in item.papers})
    assert all(not seen[item.id] & {*item.papers} for item in ITEMS)


def test_the_ranking_learns_what_tells_the_right_candidate() -> None:
    random = np.random.default_rng(0)
    questions = []
    for _ in range(40):
        features = random.normal(size=(6, 2)).astype(np.float32)
        questions.append(Judged(features, np.array([int(np.argmax(features[:, 0]))])))
    useful, useless = fit_ranking(questions)
    assert useful > 3 * abs(useless)


def test_a_question_without_a_right_candidate_is_left_out_of_the_fit() -> None:
    features = np.eye(2, dtype=np.float32)
    one = Judged(features, np.array([0]))
    none = Judged(features, np.array([], dtype=np.int64))
    assert fit_ranking([one, none]) == pytest.approx(fit_ranking([one]))


def test_the_logistic_fit_gives_back_the_odds() -> None:
    outcomes = np.array([1.0] * 30 + [0.0] * 10 + [1.0] * 10 + [0.0] * 30)
    inputs = np.array([[1.0]] * 40 + [[0.0]] * 40)
    weight, constant = fit_logistic(inputs, outcomes, ridge=0.0)
    assert 1 / (1 + np.exp(-weight - constant)) == pytest.approx(0.75, abs=0.01)


def test_fitting_on_the_questions_gives_usable_weights(seed_index: Index) -> None:
    weights = fit([seed_index], ITEMS[:40])
    assert weights.features == shipped_weights().features
    assert np.isfinite([*weights.ranking, *weights.confidence]).all()


def test_the_fit_writes_the_file_that_the_search_reads(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(evals.fitting, "WEIGHTS_FILE", tmp_path / "weights.json")
    monkeypatch.setattr(evals.fitting, "SENTENCE_WEIGHTS_FILE", tmp_path / "sentences.json")
    evals.fitting.main()
    written = json.loads((tmp_path / "weights.json").read_text())
    assert tuple(written["ranking"]) == shipped_weights().features
    assert set(written["confidence"]) == {"margin", "named", "constant"}
    assert "wrote" in capsys.readouterr().out
