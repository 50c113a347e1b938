"""A visitor's report: what it would do to the index, and what it does."""

import shutil
from pathlib import Path

import pytest

from chatbot.bot import Chatbot
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
from tests.report_text import paper as made_paper
from tests.report_text import render_report
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


def counts(preview: Preview) -> tuple[int, int]:
    return len(preview.new), len(preview.known)


def results(index: Index, paper_id: str) -> str:
    return next(s.text for s in index.sections_of(paper_id) if s.key == "results")


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
    assert [p.id for p in found.new] == ["2603.00003"]
    assert [p.id for p in found.known] == ["2603.00001", "2603.00002"]


def test_a_visitor_s_report_replaces_no_text_and_stands_beside_it(
    own: Settings, tmp_path: Path
) -> None:
    known = next(p for p in open_index(own).catalogue.papers if p.id == "2602.10560")
    before = results(open_index(own), known.id)
    made = made_paper(known.id, known.title, results="提升 999%。")
    mine = upload(tmp_path, render_report("2026-12-31", [made]).decode())
    (found,) = preview_uploads(open_index(own), [mine])
    assert counts(found) == (0, 1)
    (name,) = add_uploads(own, [mine]).added
    index = open_index(own)
    assert results(index, known.id) == before
    assert [copy.report for copy in index.catalogue.copies_of(known.id)] == [known.report, name]
    answer = Chatbot(own, None).answer(f"{known.id} 的结果是什么？")
    assert answer.citations[0].section.report == known.report


def test_of_two_visitors_reports_the_newer_answers_first(own: Settings, tmp_path: Path) -> None:
    for gain, day in ((3, "2026-03-02"), (2, "2026-03-01")):
        add_uploads(own, [upload(tmp_path, report(paper(1, f"提升 {gain}%。"), day=day))])
    index = open_index(own)
    assert results(index, "2603.00001") == "提升 3%。"
    assert len(index.catalogue.copies_of("2603.00001")) == 2


def test_the_same_content_is_known_under_any_name_and_with_other_line_ends(
    own: Settings, tmp_path: Path
) -> None:
    text = SEED.read_text(encoding="utf-8").replace("\n", "\r\n")
    (found,) = preview_uploads(open_index(own), [upload(tmp_path, text, "other.md")])
    assert (found.same_as, counts(found)) == (SEED.name, (0, 0))


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
