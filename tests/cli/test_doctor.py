"""The check-up: each thing that can be wrong is named, with what to do."""

from pathlib import Path

from chatbot.cli.doctor import Check, examine
from chatbot.config import Settings
from chatbot.index.ingestion import ingest
from chatbot.index.reading import open_index
from tests.index.test_onnx import make_model
from tests.report_text import paper, render_report


def checks(settings: Settings) -> dict[str, Check]:
    return {check.name: check for check in examine(settings)}


def indexed(settings: Settings, folder: Path) -> Settings:
    file = folder / "report.txt"
    file.write_bytes(render_report("2026-03-01", [paper("2603.00001", "量子纠错")]))
    ingest(settings, [file])
    return settings


def test_a_data_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    found = checks(Settings(CHATBOT_DATA_DIR=tmp_path / "file" / "data"))["data folder"]
    assert not found.ok
    assert "CHATBOT_DATA_DIR" in found.advice


def test_missing_vectors_are_noticed(settings: Settings, tmp_path: Path) -> None:
    index = open_index(indexed(settings, tmp_path))
    index.vectors.delete_nodes([next(iter(index.row_ids))])
    found = checks(settings)["index"]
    assert "1 vectors are missing" in found.found
    assert "--rebuild" in found.advice


def test_a_damaged_index_is_noticed(settings: Settings, tmp_path: Path) -> None:
    indexed(settings, tmp_path)
    for path in settings.data_dir.glob("lexical-*/records.sqlite3"):
        path.write_bytes(b"damaged")
    assert not checks(settings)["index"].ok


def test_a_model_folder_that_works_shows_its_dimensions(settings: Settings, tmp_path: Path) -> None:
    folder = make_model(tmp_path / "model")
    onnx = settings.model_copy(update={"embedding": f"onnx:{folder}"})
    assert "4 dimensions" in checks(onnx)["embedding"].found


def test_the_larger_model_is_proposed_and_is_no_fault(settings: Settings) -> None:
    found = checks(settings)["embedding"]
    assert (found.ok, found.found) == (True, "local, 256 dimensions")
    assert "CHATBOT_EMBEDDING=multilingual" in found.advice


def test_an_index_of_another_model_export_is_stale(settings: Settings, tmp_path: Path) -> None:
    folder = make_model(tmp_path / "model")
    onnx = settings.model_copy(update={"embedding": f"onnx:{folder}"})
    indexed(onnx, tmp_path)
    assert checks(onnx)["index"].ok
    (folder / "extra.bin").write_bytes(b"another export")
    assert "has changed" in checks(onnx)["index"].found
