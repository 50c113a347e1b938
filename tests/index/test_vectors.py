"""The vector store over Chroma, embedded and on a server."""

import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from llama_index.core.schema import TextNode
from llama_index.core.vector_stores.types import VectorStoreQuery

from chatbot.bot import Chatbot
from chatbot.config import Settings
from chatbot.errors import MissingIndexError
from chatbot.index.ingestion import ingest
from chatbot.index.vectors import SectionVectorStore, open_client
from tests.report_text import paper, render_report


@pytest.fixture
def store(tmp_path: Path) -> SectionVectorStore:
    found = SectionVectorStore(open_client(tmp_path / "chroma", None), "sections-test")
    found.add([node("a@1", "甲", [1, 0]), node("b@1", "乙", [0, 1]), node("c@1", "丙", [3, 3])])
    return found


def node(name: str, text: str, vector: list[float]) -> TextNode:
    return TextNode(id_=name, text=text, metadata={"report": f"{name[0]}.txt"}, embedding=vector)


def test_similarity_is_the_cosine(store: SectionVectorStore) -> None:
    near = store.nearest([2.0, 0.0], 3)
    assert [name for name, _ in near] == ["a@1", "c@1", "b@1"]
    assert [score for _, score in near] == pytest.approx([1, 0.5**0.5, 0], abs=1e-6)


def test_the_search_can_be_kept_to_some_ids(store: SectionVectorStore) -> None:
    assert [name for name, _ in store.nearest([1.0, 0.0], 5, among=["b@1", "c@1"])] == [
        "c@1",
        "b@1",
    ]
    assert store.nearest([1.0, 0.0], 5, among=[]) == []


def test_adding_an_id_again_replaces_its_text(store: SectionVectorStore) -> None:
    store.add([node("a@1", "新", [1, 0])])
    assert store.get_nodes(["a@1"])[0].get_content() == "新"


def test_llama_indexs_query_gives_nodes_with_text_and_metadata(store: SectionVectorStore) -> None:
    result = store.query(VectorStoreQuery(query_embedding=[1.0, 0.0], similarity_top_k=1))
    assert result.ids == ["a@1"]
    assert result.nodes
    assert result.nodes[0].get_content() == "甲"
    assert result.nodes[0].metadata == {"report": "a.txt"}


def test_rows_are_deleted_by_id_or_by_report(store: SectionVectorStore) -> None:
    store.delete_nodes(["a@1"])
    store.delete("b.txt")
    assert store.ids() == {"c@1"}
    assert store.client.count() == 1


def test_nothing_can_be_found_in_an_empty_collection(tmp_path: Path) -> None:
    store = SectionVectorStore(open_client(tmp_path / "chroma", None), "sections-none")
    query = VectorStoreQuery(query_embedding=[1.0, 0.0], similarity_top_k=2)
    assert store.query(query).ids == []


def test_a_vector_of_another_size_is_our_error(store: SectionVectorStore) -> None:
    with pytest.raises(MissingIndexError, match="--rebuild"):
        store.nearest([1.0, 0.0, 0.0], 1)


@pytest.fixture
def chroma_url(tmp_path: Path) -> Iterator[str]:
    """A Chroma server of the test's own."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    chroma = Path(sys.executable).with_name("chroma")
    words = ["run", "--path", str(tmp_path / "server"), "--host", "127.0.0.1", "--port", str(port)]
    with subprocess.Popen([chroma, *words], stdout=subprocess.DEVNULL) as process:
        deadline = time.monotonic() + 30
        while not _listens(port) and time.monotonic() < deadline:
            time.sleep(0.1)
        yield f"http://127.0.0.1:{port}"
        process.kill()


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def test_an_index_on_a_chroma_server_answers_like_an_embedded_one(
    settings: Settings, tmp_path: Path, chroma_url: str
) -> None:
    remote = settings.model_copy(update={"chroma_url": chroma_url})
    file = tmp_path / "report.txt"
    papers = [paper("2603.00001", "On Codes", results="量子纠错的准确率是 97%。")]
    file.write_bytes(render_report("2026-03-01", papers))
    assert ingest(remote, [file]).embedded == 5
    assert "97%" in Chatbot(remote, None).answer("量子纠错的准确率").markdown
    assert not list(settings.data_dir.glob("chroma*"))


def test_a_chroma_server_that_is_not_there_is_our_error(settings: Settings) -> None:
    with pytest.raises(MissingIndexError, match=r"127\.0\.0\.1:9"):
        open_client(settings.data_dir, "http://127.0.0.1:9")
