"""A visitor's report: what it would do to the index, and what it does."""

import shutil
from pathlib import Path

import pytest

from chatbot.config import SEEDS, Settings
from chatbot.errors import ChatbotError, ReportError
from chatbot.index.reading import Index, open_index
from chatbot.web.uploads import (
    Preview,
    Upload,
    add_uploads,
    known_reports,
    preview_uploads,
    read_upload,
)
from tests.web.uploaded import paper, report

SEED = SEEDS / "000_a123f1b62403a6c8.txt"


@pytest.fixture
def own(tmp_path: Path, seed_settings: Settings) -> Settings:
    """Settings over a copy of the shipped reports' index, which a test may change."""
    shutil.copytree(seed_settings.data_dir, tmp_path / "data")
    return Settings(CHATBOT_DATA_DIR=tmp_path / "data")


def upload(folder: Path, text: str, name: str = "mine.txt") -> Upload:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return read_upload(path)


def counts(preview: Preview) -> tuple[int, int, int]:
    return len(preview.new), len(preview.updated), len(preview.unchanged)


def results(index: Index, paper_id: str) -> str:
    rows = index.catalogue.by_id[paper_id].rows
    return next(index.sections[row].text for row in rows if index.sections[row].key == "results")


def test_an_error_names_the_file_and_the_line_but_no_folder(tmp_path: Path) -> None:
    with pytest.raises(ReportError) as raised:
        upload(tmp_path, "# x\n**Date**: 2026-99-01\n", "bad.txt")
    assert (raised.value.path, raised.value.line) == ("bad.txt", 2)
    with pytest.raises(ReportError, match=r"^gone.txt:1: cannot be read"):
        read_upload(tmp_path / "gone.txt")


def test_a_report_is_held_against_the_index_paper_by_paper(own: Settings, tmp_path: Path) -> None:
    add_uploads(own, [upload(tmp_path, report(paper(1, "提升 3%。"), paper(2, "提升 4%。")))])
    text = report(paper(1, "提升 3%。"), paper(2, "提升 5%。"), paper(3, "提升 6%。"))
    (found,) = preview_uploads(open_index(own), [upload(tmp_path, text)])
    assert counts(found) == (1, 1, 1)
    assert [p.id for p in found.updated] == ["2603.00002"]


def test_an_older_report_changes_no_text_that_a_newer_one_gave(
    own: Settings, tmp_path: Path
) -> None:
    add_uploads(own, [upload(tmp_path, report(paper(1, "提升 3%。")))])
    older = upload(tmp_path, report(paper(1, "提升 2%。"), day="2026-02-28"))
    (found,) = preview_uploads(open_index(own), [older])
    assert counts(found) == (0, 0, 1)
    add_uploads(own, [older])
    assert results(open_index(own), "2603.00001") == "提升 3%。"


def test_of_two_reports_of_a_day_the_one_that_came_later_is_shown(
    own: Settings, tmp_path: Path
) -> None:
    for gain in range(1, 5):
        again = upload(tmp_path, report(paper(1, f"提升 {gain}%。")))
        (found,) = preview_uploads(open_index(own), [again])
        assert counts(found) == ((1, 0, 0) if gain == 1 else (0, 1, 0))
        add_uploads(own, [again])
        assert results(open_index(own), "2603.00001") == f"提升 {gain}%。"


def test_the_same_content_is_known_under_any_name_and_with_other_line_ends(
    own: Settings, tmp_path: Path
) -> None:
    text = SEED.read_text(encoding="utf-8").replace("\n", "\r\n")
    (found,) = preview_uploads(open_index(own), [upload(tmp_path, text, "other.md")])
    assert (found.same_as, counts(found)) == (SEED.name, (0, 0, 0))


def test_a_file_chosen_twice_counts_once(own: Settings, tmp_path: Path) -> None:
    text = report(paper(1, "提升 3%。"))
    twice = [upload(tmp_path, text, "one.txt"), upload(tmp_path, text, "two.txt")]
    first, second = preview_uploads(open_index(own), twice)
    assert (first.same_as, second.same_as) == (None, "one.txt")


def test_what_is_added_stands_beside_the_reports_from_elsewhere(
    own: Settings, tmp_path: Path
) -> None:
    before = known_reports(open_index(own))
    name = "..%2f..%2fetc passwd.txt"
    done = add_uploads(own, [upload(tmp_path, report(paper(1, "提升 3%。")), name)])
    first, *rest = known_reports(open_index(own))
    assert (first.name, first.papers) == (done.added[0], 1)
    assert tuple(rest) == before
    (kept,) = (own.data_dir / "uploads").iterdir()
    assert kept.name == first.name
    assert kept.name.startswith("upload-2026-03-01-001-")


def test_a_folder_that_cannot_be_written_leaves_the_index_as_it_was(
    own: Settings, tmp_path: Path
) -> None:
    (own.data_dir / "uploads").write_text("a file")
    before = known_reports(open_index(own))
    with pytest.raises(ChatbotError, match="uploads cannot be written"):
        add_uploads(own, [upload(tmp_path, report(paper(1, "提升 3%。")))])
    assert known_reports(open_index(own)) == before


def test_what_could_not_be_indexed_is_not_kept(own: Settings, tmp_path: Path) -> None:
    broken = own.model_copy(update={"embedding": f"onnx:{tmp_path / 'nowhere'}"})
    with pytest.raises(ChatbotError):
        add_uploads(broken, [upload(tmp_path, report(paper(1, "提升 3%。")))])
    assert list((own.data_dir / "uploads").iterdir()) == []
