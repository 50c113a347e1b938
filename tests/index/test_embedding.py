"""The local embedding: fitted on texts, deterministic, applied without scikit-learn."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import chatbot.index.embeddings
from chatbot.errors import MissingIndexError
from chatbot.index.embeddings import DIMENSIONS, LocalEmbedding, fit_fingerprint
from chatbot.index.reading import Index
from chatbot.index.sections import read_live

TEXTS = [
    "强化学习 训练 智能体",
    "扩散模型 生成 图像",
    "long context memory agent",
    "图像 生成 评测 基准",
]


def test_vectors_have_256_dimensions_and_unit_length() -> None:
    vector = LocalEmbedding.fit(TEXTS).get_text_embedding("图像 生成")
    assert len(vector) == DIMENSIONS
    assert np.linalg.norm(vector) == pytest.approx(1.0)


def test_a_text_is_nearer_to_its_own_topic_than_to_another() -> None:
    embedding = LocalEmbedding.fit(TEXTS)
    images, agents = (np.array(embedding.get_text_embedding(TEXTS[i])) for i in (1, 0))
    question = np.array(embedding.get_query_embedding("图像 怎么 生成"))
    assert question @ images > question @ agents


def test_fitting_the_same_texts_twice_gives_the_same_vectors() -> None:
    first, second = (LocalEmbedding.fit(TEXTS).get_text_embedding(TEXTS[0]) for _ in range(2))
    assert first == second


def test_an_embedding_read_back_gives_the_same_vectors(tmp_path: Path) -> None:
    embedding = LocalEmbedding.fit(TEXTS)
    embedding.save(tmp_path / "fitted")
    again = LocalEmbedding.load(tmp_path / "fitted")
    assert again.get_text_embedding(TEXTS[2]) == embedding.get_text_embedding(TEXTS[2])


def test_a_text_without_a_known_term_gets_the_zero_vector() -> None:
    assert not any(LocalEmbedding.fit(TEXTS).get_query_embedding("xyzzy"))


def test_an_embedding_of_no_text_at_all_still_answers(tmp_path: Path) -> None:
    LocalEmbedding.fit([]).save(tmp_path / "fitted")
    assert not any(LocalEmbedding.load(tmp_path / "fitted").get_text_embedding("图像"))


def test_damaged_files_are_reported_with_what_to_do(tmp_path: Path) -> None:
    LocalEmbedding.fit(TEXTS).save(tmp_path / "fitted")
    (tmp_path / "fitted" / "vocabulary.json").write_text("{", encoding="utf-8")
    with pytest.raises(MissingIndexError, match="--rebuild"):
        LocalEmbedding.load(tmp_path / "fitted")


def test_the_fingerprint_tells_texts_apart_and_not_their_order() -> None:
    assert fit_fingerprint(TEXTS) == fit_fingerprint(TEXTS[::-1])
    assert fit_fingerprint(TEXTS) != fit_fingerprint(TEXTS[1:])


def test_applying_a_fitted_embedding_does_not_import_scikit_learn(seed_index: Index) -> None:
    folder = seed_index.settings.data_dir / seed_index.manifest.fitted
    code = (
        "import sys; from pathlib import Path; from chatbot.index.embeddings import LocalEmbedding;"
        "LocalEmbedding.load(Path(sys.argv[1])).get_query_embedding('图像');"
        "sys.exit('sklearn' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code, str(folder)], check=False).returncode == 0


def test_the_neighbours_of_a_section_are_mostly_of_its_own_paper(seed_index: Index) -> None:
    texts = read_live(seed_index.settings.data_dir, seed_index.manifest.reports).texts
    own = 0
    for row in range(0, len(texts), 46):
        vector = seed_index.embedding.get_text_embedding(texts[row])
        near = [row_id for row_id, _ in seed_index.vectors.nearest(vector, 5)]
        own += sum(r.startswith(seed_index.sections[row].paper_id) for r in near)
    assert own >= 0.8 * 5 * len(range(0, len(texts), 46))


def test_a_large_corpus_is_fitted_on_a_sample_that_stays_the_same(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(chatbot.index.embeddings, "_MOST_TEXTS", 60)
    texts = [f"量子纠错 第{i}章 {'折叠' if i % 2 else '导航'}" for i in range(100)]
    one, two = LocalEmbedding.fit(texts), LocalEmbedding.fit(list(reversed(texts)))
    first, second = (e.get_text_embedding(texts[0]) for e in (one, two))
    assert np.abs(first) == pytest.approx(np.abs(second), abs=1e-3)
