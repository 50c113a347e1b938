"""The way in as LlamaIndex's users take it: reports to documents, those to nodes."""

from pathlib import Path

import pytest
from llama_index.core.ingestion import IngestionPipeline
from llama_index.core.node_parser import MarkdownNodeParser
from llama_index.core.schema import Document, MetadataMode

from chatbot.config import SEEDS
from chatbot.errors import ReportError
from chatbot.index.documents import ReportReader, SectionParser
from chatbot.index.reading import Index
from tests.report_text import paper, render_report


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two reports, one of which lacks a section; a paper is in both."""
    old = [paper("2603.00001", "Old"), paper("2603.00002", "Two", usage=None)]
    (tmp_path / "old.txt").write_bytes(render_report("2026-03-01", old))
    (tmp_path / "new.txt").write_bytes(
        render_report("2026-03-02", [paper("2603.00001", "New", results="量子纠错。")])
    )
    return tmp_path


def by_paper(documents: list[Document]) -> dict[str, Document]:
    return {document.metadata["paper_id"]: document for document in documents}


def test_the_shipped_reports_become_the_very_nodes_that_the_index_holds(seed_index: Index) -> None:
    nodes = IngestionPipeline(
        transformations=[SectionParser(), seed_index.embedding], disable_cache=True
    ).run(documents=ReportReader().load_data(SEEDS))
    stored = {node.node_id: node for node in seed_index.vectors.get_nodes()}
    assert sorted(node.node_id for node in nodes) == sorted(seed_index.row_ids)
    assert {n.node_id: (n.get_content(), n.metadata) for n in nodes} == {
        row: (node.get_content(), node.metadata) for row, node in stored.items()
    }
    found = seed_index.vectors.nearest(nodes[0].get_embedding(), 1)
    assert found[0][0] == nodes[0].node_id


def test_a_paper_in_two_reports_is_a_document_of_each(folder: Path) -> None:
    documents = ReportReader().load_data(folder)
    mine = [d.metadata for d in documents if d.metadata["paper_id"] == "2603.00001"]
    assert [(m["title"], m["report"], m["date"]) for m in mine] == [
        ("New", "new.txt", "2026-03-02"),
        ("Old", "old.txt", "2026-03-01"),
    ]
    assert len({document.doc_id for document in documents}) == len(documents)


def test_what_the_parser_found_amiss_is_told_with_its_line(folder: Path) -> None:
    document = by_paper(ReportReader().load_data(folder / "old.txt"))["2603.00002"]
    (problem,) = document.metadata["problems"]
    line, _, message = problem.partition(": ")
    assert (folder / "old.txt").read_text("utf-8").splitlines()[int(line) - 1] == "## 📄 Two"
    assert "has no section 使用指南" in message


def test_a_node_knows_where_in_its_document_it_stands(folder: Path) -> None:
    document = by_paper(ReportReader().load_data(folder / "new.txt"))["2603.00001"]
    for node in SectionParser().get_nodes_from_documents([document]):
        assert document.text[node.start_char_idx : node.end_char_idx] == node.get_content()
        assert node.ref_doc_id == document.doc_id


def test_what_is_embedded_for_a_section_tells_of_its_paper(folder: Path) -> None:
    documents = [by_paper(ReportReader().load_data(folder / "new.txt"))["2603.00001"]]
    node = SectionParser().get_nodes_from_documents(documents)[-1]
    assert node.get_content() == "量子纠错。"
    assert node.get_content(MetadataMode.EMBED).startswith("New\n")


def test_another_parser_can_cut_the_documents(folder: Path) -> None:
    nodes = MarkdownNodeParser().get_nodes_from_documents(ReportReader().load_data(folder))
    assert any("量子纠错。" in node.get_content() for node in nodes)


def test_a_file_that_is_no_report_is_named(tmp_path: Path) -> None:
    (tmp_path / "empty.txt").write_text("")
    with pytest.raises(ReportError, match=r"empty\.txt"):
        ReportReader().load_data(tmp_path)
