"""Ingesting reports: incremental, atomic, and honest about what it did."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from filelock import FileLock

from chatbot.bot import Chatbot
from chatbot.config import SEEDS, Settings
from chatbot.errors import ChatbotError, MissingIndexError
from chatbot.index.generation import complete_vectors
from chatbot.index.ingestion import index_is_stale, index_words, ingest, remove_report
from chatbot.index.reading import Index, open_index
from chatbot.index.storage import read_manifest
from chatbot.reports.parsing import SECTION_KEYS, read_report
from tests.fakes.openai_server import FakeOpenAI, Reply
from tests.report_text import paper, render_report

FIRST, SECOND = "2026-03-01", "2026-03-02"


@pytest.fixture
def reports(tmp_path: Path) -> Path:
    """A folder with two small reports."""
    folder = tmp_path / "reports"
    folder.mkdir()
    write(folder / "a.txt", FIRST, {"2603.00001": "量子纠错", "2603.00002": "蛋白质折叠"})
    write(folder / "b.txt", SECOND, {"2603.00003": "天气预报"})
    return folder


def write(path: Path, date: str, topics: dict[str, str]) -> None:
    papers = [
        paper(name, f"On {topic}", results=f"{topic}准确率提升。") for name, topic in topics.items()
    ]
    path.write_bytes(render_report(date, papers))


def text_of(index: Index, name: str) -> str:
    return next(section.text for section in index.sections if section.name == name)


def stored_text(index: Index, name: str) -> str:
    (row,) = (row for row in index.row_ids if row.startswith(f"{name}@"))
    return index.vectors.get_nodes([row])[0].get_content()


def test_every_section_of_the_shipped_reports_comes_back_verbatim(seed_index: Index) -> None:
    parsed = {
        f"{entry.id}/{section.key}": section.text
        for path in SEEDS.glob("*.txt")
        for entry in read_report(path).papers
        for section in entry.sections
    }
    nodes = seed_index.vectors.get_nodes(list(seed_index.row_ids))
    stored = {node.node_id.partition("@")[0]: node.get_content() for node in nodes}
    assert len(parsed) == 690
    assert stored == parsed
    assert {section.name: section.text for section in seed_index.sections} == parsed


def test_a_node_carries_flat_metadata(seed_index: Index) -> None:
    (row,) = (row for row in seed_index.row_ids if row.startswith("2602.10560/results@"))
    metadata = seed_index.vectors.get_nodes([row])[0].metadata
    assert metadata["paper_id"] == "2602.10560"
    assert metadata["section"] == "results"
    assert metadata["date"] == "2026-02-12"
    assert metadata["report"] == "000_a123f1b62403a6c8.txt"
    assert metadata["first_line"] < metadata["last_line"]


def test_the_first_ingest_adds_every_report(settings: Settings, reports: Path) -> None:
    result = ingest(settings, [reports])
    assert (result.added, result.papers, result.sections) == (("a.txt", "b.txt"), 3, 15)


def test_an_unchanged_report_costs_nothing(settings: Settings, reports: Path) -> None:
    ingest(settings, [reports])
    before = read_manifest(settings.data_dir)
    result = ingest(settings, [reports])
    assert (result.unchanged, result.embedded) == (("a.txt", "b.txt"), 0)
    assert read_manifest(settings.data_dir) == before


def test_only_the_sections_of_a_changed_report_are_embedded_again(
    settings: Settings, reports: Path
) -> None:
    ingest(settings, [reports])
    write(reports / "b.txt", SECOND, {"2603.00003": "地震预报"})
    result = ingest(settings, [reports])
    assert (result.updated, result.unchanged) == (("b.txt",), ("a.txt",))
    assert result.embedded == 5


def test_a_changed_section_changes_what_is_found_everywhere(
    settings: Settings, reports: Path
) -> None:
    ingest(settings, [reports])
    write(reports / "b.txt", SECOND, {"2603.00003": "地震预报"})
    ingest(settings, [reports])
    index = open_index(settings)
    assert "地震" in text_of(index, "2603.00003/results")
    assert "地震" in stored_text(index, "2603.00003/results")
    assert "地震" in Chatbot(settings, None).answer("地震预报的准确率").markdown


def test_the_collection_holds_the_live_sections_and_no_others(
    settings: Settings, reports: Path
) -> None:
    ingest(settings, [reports])
    write(reports / "b.txt", SECOND, {"2603.00003": "地震预报"})
    ingest(settings, [reports])
    remove_report(settings, "a.txt")
    index = open_index(settings)
    assert index.vectors.ids() == set(index.row_ids)
    assert len(index.row_ids) == 5


def test_a_removed_report_is_gone_and_the_others_stay(settings: Settings, reports: Path) -> None:
    ingest(settings, [reports])
    result = remove_report(settings, "a.txt")
    assert (result.removed, result.papers, result.embedded) == (("a.txt",), 1, 0)
    assert {s.paper_id for s in open_index(settings).sections} == {"2603.00003"}


def test_removing_needs_a_report_that_is_there(settings: Settings, reports: Path) -> None:
    ingest(settings, [reports])
    with pytest.raises(ChatbotError, match=r"a\.txt, b\.txt"):
        remove_report(settings, "c.txt")


def test_all_reports_can_be_removed_and_added_again(settings: Settings, reports: Path) -> None:
    ingest(settings, [reports])
    remove_report(settings, "a")
    remove_report(settings, str((reports / "b.txt").resolve()))
    assert open_index(settings).sections == ()
    assert Chatbot(settings, None).answer("量子纠错").abstained
    assert ingest(settings, [reports]).sections == 15


def test_a_report_gone_from_its_folder_is_taken_out(settings: Settings, reports: Path) -> None:
    ingest(settings, [reports])
    (reports / "a.txt").unlink()
    assert ingest(settings, [reports]).removed == ("a.txt",)


def test_reports_from_elsewhere_survive(settings: Settings, reports: Path, tmp_path: Path) -> None:
    write(tmp_path / "extra.txt", FIRST, {"2603.00009": "海洋"})
    ingest(settings, [tmp_path / "extra.txt"])
    (tmp_path / "extra.txt").unlink()
    ingest(settings, [reports])
    ingest(settings, [reports], rebuild=True)
    assert "2603.00009" in {s.paper_id for s in open_index(settings).sections}


def test_a_moved_report_is_the_same_report(
    settings: Settings, reports: Path, tmp_path: Path
) -> None:
    ingest(settings, [reports])
    moved = tmp_path / "moved"
    reports.rename(moved)
    result = ingest(settings, [moved])
    assert (result.added, result.unchanged) == ((), ("a.txt", "b.txt"))


def test_two_reports_of_one_name_are_told_apart(
    settings: Settings, reports: Path, tmp_path: Path
) -> None:
    other = tmp_path / "other"
    other.mkdir()
    write(other / "a.txt", FIRST, {"2603.00009": "海洋"})
    assert ingest(settings, [reports, other]).added == ("a.txt", "b.txt", "other/a.txt")


def test_a_paper_in_two_reports_is_kept_and_found_as_both_have_it(
    settings: Settings, reports: Path
) -> None:
    ingest(settings, [reports / "a.txt"])
    write(reports / "b.txt", SECOND, {"2603.00001": "量子计算"})
    (told,) = ingest(settings, [reports]).notices
    assert told.startswith("b.txt: papers that stand in other reports too")
    assert told.endswith("2603.00001 in a.txt")
    index = open_index(settings)
    copies = index.catalogue.copies_of("2603.00001")
    assert [(copy.report, copy.date.isoformat()) for copy in copies] == [
        ("b.txt", SECOND),
        ("a.txt", FIRST),
    ]
    assert "量子计算" in text_of(index, "2603.00001/results")
    bot = Chatbot(settings, None)
    for topic, report in (("量子纠错", "a.txt"), ("量子计算", "b.txt")):
        evidence, _ = bot.search(f"{topic}的准确率")
        assert any(topic in hit.section.text for hit in evidence.hits)
        assert report in {hit.section.report for hit in evidence.hits}
    remove_report(settings, "b.txt")
    assert "量子纠错" in text_of(open_index(settings), "2603.00001/results")


def test_a_report_that_cannot_be_parsed_is_named_and_the_others_are_indexed(
    settings: Settings, reports: Path
) -> None:
    (reports / "c.txt").write_text("no report", encoding="utf-8")
    result = ingest(settings, [reports])
    assert result.added == ("a.txt", "b.txt")
    assert [error.path for error in result.failed] == [str(reports / "c.txt")]


def test_a_report_spoilt_later_keeps_its_last_good_text(settings: Settings, reports: Path) -> None:
    ingest(settings, [reports])
    (reports / "a.txt").write_text("spoilt", encoding="utf-8")
    result = ingest(settings, [reports])
    assert len(result.failed) == 1
    assert "量子纠错" in text_of(open_index(settings), "2603.00001/results")


@pytest.mark.parametrize("name", ["nothing.txt", "empty"])
def test_a_path_without_a_report_is_named(settings: Settings, tmp_path: Path, name: str) -> None:
    (tmp_path / "empty").mkdir()
    (failed,) = ingest(settings, [tmp_path / name]).failed
    assert name in str(failed)


def test_a_missing_section_is_told(settings: Settings, tmp_path: Path) -> None:
    sections = {key: None for key in SECTION_KEYS if key == "usage"}
    (tmp_path / "r.txt").write_bytes(render_report(FIRST, [paper("2603.00001", "T", **sections)]))
    result = ingest(settings, [tmp_path / "r.txt"])
    assert ["usage" in problem.message for _, problem in result.problems] == [True]
    assert result.sections == 4


def test_a_paper_that_is_all_field_is_an_error_and_the_others_are_indexed(
    settings: Settings, tmp_path: Path
) -> None:
    papers = [paper("2603.00001", "T"), paper("2603.00002", "U")]
    data = render_report(FIRST, papers).decode().partition("## 📄 U")
    body = data[2].replace("### ", "小节 ").replace("小节 1. ", "### 1. ")
    file = tmp_path / "r.txt"
    file.write_text("".join([*data[:2], body]), encoding="utf-8")
    result = ingest(settings, [file])
    (failed,) = result.failed
    line = data[0].count("\n") + 1
    assert str(failed).startswith(f"{file}:{line}: paper 2603.00002 has no section but 应用领域")
    assert (result.added, result.papers, result.sections, result.problems) == (("r.txt",), 1, 5, ())
    again = ingest(settings, [file], rebuild=True)
    assert [error.cause for error in again.failed] == [failed.cause]


@pytest.mark.parametrize("name", ["c.TXT", "c.MD", "c.markdown", "deep/c.Markdown"])
def test_endings_of_reports_are_known_in_any_case(
    settings: Settings, reports: Path, name: str
) -> None:
    (reports / "deep").mkdir()
    write(reports / name, SECOND, {"2603.00005": "潮汐"})
    result = ingest(settings, [reports])
    assert (result.added, result.notices) == (("a.txt", "b.txt", Path(name).name), ())


def test_what_a_folder_holds_beside_reports_is_told_in_one_line(
    settings: Settings, reports: Path
) -> None:
    for name in ["notes.pdf", "a.enrichment.jsonl", ".hidden", ".git/HEAD", "in/x.docx"]:
        (reports / name).parent.mkdir(exist_ok=True)
        (reports / name).touch()
    (notice,) = ingest(settings, [reports]).notices
    named = "2 not read: 'in/x.docx', 'notes.pdf'; reports end in .txt, .md, .markdown"
    assert notice == f"{reports}: {named}"
    for name in ["1.csv", "2.csv", "3\n.csv"]:
        (reports / name).touch()
    (notice,) = ingest(settings, [reports]).notices
    assert "5 not read: '1.csv', '2.csv', '3\\n.csv', …; reports" in notice
    assert ingest(settings, [reports / "a.txt"]).notices == ()


def test_building_twice_from_nothing_gives_the_same_index(
    settings: Settings, reports: Path
) -> None:
    ingest(settings, [reports])
    first = open_index(settings)
    other = settings.model_copy(update={"data_dir": settings.data_dir.with_name("again")})
    ingest(other, [reports])
    second = open_index(other)
    assert first.manifest.fingerprint == second.manifest.fingerprint
    assert sorted(first.row_ids) == sorted(second.row_ids)


def test_an_index_of_another_format_is_rebuilt_and_says_so(
    settings: Settings, reports: Path
) -> None:
    ingest(settings, [reports])
    file = settings.data_dir / "manifest.json"
    manifest = json.loads(file.read_text(encoding="utf-8"))
    file.write_text(json.dumps({**manifest, "format": 0}), encoding="utf-8")
    assert index_is_stale(settings)
    result = ingest(settings, [])
    assert "format 0" in result.notices[0]
    assert (result.papers, index_is_stale(settings)) == (3, None)


def test_an_unreadable_manifest_is_rebuilt_from_the_reports_at_hand(
    settings: Settings, reports: Path
) -> None:
    ingest(settings, [reports])
    (settings.data_dir / "manifest.json").write_text("{", encoding="utf-8")
    result = ingest(settings, [reports])
    assert (result.papers, len(result.notices)) == (3, 1)


def test_an_index_of_another_embedding_is_rebuilt_and_says_so(
    settings: Settings, reports: Path
) -> None:
    ingest(settings, [reports])
    with FakeOpenAI() as server:
        remote = settings.model_copy(
            update={"openai_base_url": server.url, "embedding": "openai:tiny"}
        )
        result = ingest(remote, [])
        assert "local" in result.notices[0]
        assert "openai:tiny" in result.notices[0]
        assert result.embedded == 15
        assert "量子" in Chatbot(remote, None).answer("量子纠错").markdown


def test_while_an_embedding_fails_words_answer_and_a_later_ingest_makes_the_vectors(
    settings: Settings, reports: Path
) -> None:
    with FakeOpenAI(embeddings=Reply.error(401, "no")) as server:
        remote = settings.model_copy(
            update={"openai_base_url": server.url, "embedding": "openai:tiny"}
        )
        with pytest.raises(ChatbotError, match="tiny"):
            ingest(remote, [reports])
        bot = Chatbot(remote, None)
        assert "量子" in bot.answer("量子纠错").markdown
        assert bot.index.vectors.ids() == set()
        server.embeddings = None
        assert ingest(remote, [reports]).embedded == 15
        assert bot.index.vectors.ids() == {*bot.index.row_ids}
        evidence, _ = bot.search("量子纠错")
        assert "dense" in evidence.hits[0].ranks


def test_vectors_left_undone_are_made_good_whatever_happened_since(
    settings: Settings, reports: Path
) -> None:
    ingest(settings, [reports / "a.txt"])
    index_words(settings, [reports / "b.txt"])
    write(reports / "a.txt", FIRST, {"2603.00001": "海洋"})
    index_words(settings, [reports])
    assert complete_vectors(settings) == 10
    assert complete_vectors(settings) == 0
    index = open_index(settings)
    assert index.vectors.ids() == {*index.row_ids}


@pytest.mark.parametrize("victim", ["lexical", "chroma", "reports"])
def test_a_rebuild_mends_whatever_was_damaged(
    settings: Settings, reports: Path, victim: str
) -> None:
    ingest(settings, [reports])
    for path in settings.data_dir.glob(f"{victim}*/**/*"):
        if path.is_file() and path.suffix != ".txt":
            path.write_bytes(b"damaged")
    ingest(settings, [reports], rebuild=True)
    assert "量子纠错" in Chatbot(settings, None).answer("量子纠错的准确率").markdown


def test_a_damaged_index_is_reported_with_what_to_do(settings: Settings, reports: Path) -> None:
    ingest(settings, [reports])
    for path in settings.data_dir.glob("lexical-*/records.sqlite3"):
        path.write_bytes(b"damaged")
    with pytest.raises(MissingIndexError, match="--rebuild"):
        open_index(settings)


def test_without_an_index_the_way_to_make_one_is_named(settings: Settings) -> None:
    with pytest.raises(MissingIndexError, match="chatbot ingest"):
        open_index(settings)


def test_a_rebuild_whose_kept_copies_are_gone_names_the_reports(
    settings: Settings, reports: Path
) -> None:
    ingest(settings, [reports])
    shutil.rmtree(settings.data_dir / "reports")
    (reports / "a.txt").unlink()
    result = ingest(settings, [reports / "b.txt"], rebuild=True)
    assert [Path(error.path).name for error in result.failed] == ["a.txt"]
    assert result.papers == 1


def test_one_ingest_at_a_time(settings: Settings, reports: Path) -> None:
    settings.data_dir.mkdir()
    with FileLock(settings.data_dir / "ingest.lock"), pytest.raises(ChatbotError, match="another"):
        ingest(settings, [reports], lock_seconds=0.1)


def test_a_data_folder_that_cannot_be_used_is_our_error(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(ChatbotError, match="CHATBOT_DATA_DIR"):
        ingest(Settings(CHATBOT_DATA_DIR=tmp_path / "file" / "data"), [SEEDS])


def test_a_server_follows_an_index_that_another_process_changes(
    settings: Settings, reports: Path
) -> None:
    ingest(settings, [reports / "a.txt"])
    bot = Chatbot(settings, None)
    bot.answer("天气预报")
    environment = {**os.environ, "CHATBOT_DATA_DIR": str(settings.data_dir)}
    command = [sys.executable, "-m", "chatbot", "ingest", str(reports)]
    subprocess.run(command, env=environment, check=True, capture_output=True)
    assert "天气预报" in bot.answer("天气预报的准确率").markdown
    evidence, _ = bot.search("天气预报的准确率")
    assert "dense" in evidence.hits[0].ranks
