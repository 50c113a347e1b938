"""The vector store over a Chroma collection; the only module that knows chromadb.

Row ids are ``ARXIV_ID/KEY@VERSION``: a changed section is a new row, so writing one never touches
what readers of the committed index see. `nearest` takes versioned ids and returns them; which rows
are live is the manifest's to say.
"""

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import chromadb
import numpy as np
from chromadb.api.shared_system_client import SharedSystemClient
from chromadb.config import Settings as ChromaSettings
from chromadb.errors import ChromaError, NotFoundError
from llama_index.core.schema import BaseNode, MetadataMode, TextNode
from llama_index.core.vector_stores.types import (
    BasePydanticVectorStore,
    VectorStoreQuery,
    VectorStoreQueryResult,
)
from pydantic import PrivateAttr

from chatbot.errors import MissingIndexError

_BATCH = 1000
_FILE = "chroma.sqlite3"
_NO_DAMAGE = ("SQLITE_BUSY", "SQLITE_LOCKED", "SQLITE_READONLY", "SQLITE_CANTOPEN")
# What SQLite says in Chroma's errors, and what to do then.
_ADVICE = {
    "readonly": "Chroma writes even to read: make the folder writable, or set CHATBOT_DATA_DIR to "
    "a copy that is",
    "disk is full": "make room",
    "dimension": "another model makes the vectors than when the index was made, so run "
    "'chatbot ingest --rebuild', or set CHATBOT_EMBEDDING and CHATBOT_EMBEDDING_BASE_URL as then",
}
# Below so many rows to choose from, fetching them is faster than a filtered query.
_FEW = 200


def open_client(folder: Path, url: str | None) -> Any:
    """A Chroma client: embedded in `folder`, or of the server at `url`.

    Raises:
        MissingIndexError: the folder or the server cannot be used.
    """
    settings = ChromaSettings(anonymized_telemetry=False)
    with _chroma_errors(url or str(folder)):
        if url is None:
            folder.mkdir(parents=True, exist_ok=True)
            # One that was opened before does not see what another process has written since
            # (1.5.9), and chromadb would give it again.
            SharedSystemClient._identifier_to_system.pop(str(folder), None)
            return chromadb.PersistentClient(path=str(folder), settings=settings)
        address = urlsplit(url)
        secure = address.scheme == "https"
        port = address.port or (443 if secure else 80)
        return chromadb.HttpClient(
            host=address.hostname or "", port=port, ssl=secure, settings=settings
        )


def what_ails_the_files(folder: Path) -> str | None:
    """Why Chroma could not open its folder, or None: at some damage it ends the whole process.

    To be asked while nothing in this process writes there: closing a database file gives up the
    locks that Chroma's own SQLite holds on it (sqlite.org/howtocorrupt.html, 2.2).
    """
    if not (folder / _FILE).exists():
        return f"{folder / _FILE} is gone"
    return _damage(folder, "SELECT count(*) > -1 FROM sqlite_master")


def damage_of(folder: Path) -> str | None:
    """What SQLite's own check finds in Chroma's database, all of which it reads, or None."""
    return _damage(folder, "PRAGMA quick_check(1)")


def _damage(folder: Path, check: str) -> str | None:
    file = folder / _FILE
    address = f"{file.absolute().as_uri()}?mode=ro"
    try:
        with closing(sqlite3.connect(address, uri=True, timeout=0)) as database:
            (found,) = database.execute(check).fetchone()
    except (sqlite3.Error, UnicodeDecodeError) as error:
        # Such as one that another process is writing, or was when it was killed: Chroma's to mend.
        if getattr(error, "sqlite_errorname", "").startswith(_NO_DAMAGE):
            return None
        found = str(error)
    return None if found in {"ok", 1} else f"{file} is damaged ({' '.join(str(found).split())})"


def drop_collections(client: Any, prefix: str, keep: str) -> None:
    """Delete the collections named `prefix`… except `keep`."""
    with _chroma_errors(keep):
        for collection in client.list_collections():
            if collection.name.startswith(prefix) and collection.name != keep:
                client.delete_collection(collection.name)


def drop_collection(client: Any, name: str) -> None:
    """Delete a collection, unless it is gone."""
    with _chroma_errors(name), suppress(NotFoundError):
        client.delete_collection(name)


class SectionVectorStore(BasePydanticVectorStore):
    """Sections as LlamaIndex nodes in one Chroma collection, by cosine similarity.

    Unlike llama-index-vector-stores-chroma 0.6.0 it upserts: adding an id again replaces its text.
    """

    flat_metadata: bool = True
    _collection: Any = PrivateAttr()

    def __init__(self, client: Any, name: str, *, make: bool = True) -> None:
        super().__init__(stores_text=True)
        with _chroma_errors(name):
            if not make:
                self._collection = client.get_collection(name, embedding_function=None)
                return
            self._collection = client.get_or_create_collection(
                name, embedding_function=None, configuration={"hnsw": {"space": "cosine"}}
            )

    @property
    def client(self) -> Any:
        """The Chroma collection."""
        return self._collection

    def add(self, nodes: Sequence[BaseNode], **_: Any) -> list[str]:
        """Upsert nodes that carry their embedding; returns their ids."""
        for start in range(0, len(nodes), _BATCH):
            batch = nodes[start : start + _BATCH]
            with _chroma_errors(self._collection.name):
                self._collection.upsert(
                    ids=[node.node_id for node in batch],
                    embeddings=[node.get_embedding() for node in batch],
                    documents=[node.get_content(MetadataMode.NONE) for node in batch],
                    metadatas=[node.metadata for node in batch],
                )
        return [node.node_id for node in nodes]

    def ids(self) -> set[str]:
        """The ids of all rows, live or not."""
        with _chroma_errors(self._collection.name):
            return set(self._collection.get(include=[])["ids"])

    def check(self) -> None:
        """Read every vector, and look one up: what a damaged HNSW file does not survive.

        Raises:
            MissingIndexError: a vector cannot be read.
        """
        rows = sorted(self.ids())
        with _chroma_errors(self._collection.name):
            for start in range(0, len(rows), _BATCH):
                batch = rows[start : start + _BATCH]
                found = self._collection.get(ids=batch, include=["embeddings"])
                self.nearest(found["embeddings"][0], 1)

    def check_reachable(self, folder: Path | None) -> None:
        """Ask Chroma for the number of rows; embedded, its file in `folder` has to be there.

        Raises:
            MissingIndexError: it does not answer, or goes on from a file that was deleted.
        """
        if folder is not None and not (folder / _FILE).exists():
            raise MissingIndexError(f"{folder / _FILE} is gone")
        with _chroma_errors(self._collection.name):
            self._collection.count()

    def delete_nodes(self, node_ids: list[str] | None = None, *_: Any, **__: Any) -> None:
        """Delete rows by id."""
        for start in range(0, len(node_ids or ()), _BATCH):
            with _chroma_errors(self._collection.name):
                self._collection.delete(ids=(node_ids or [])[start : start + _BATCH])

    def delete(self, ref_doc_id: str, **_: Any) -> None:
        """Delete the rows of one report, by its name."""
        with _chroma_errors(self._collection.name):
            self._collection.delete(where={"report": ref_doc_id})

    def get_nodes(self, node_ids: list[str] | None = None, *_: Any, **__: Any) -> list[BaseNode]:
        """The nodes with these ids, in this order; ids without a row are left out."""
        with _chroma_errors(self._collection.name):
            found = self._collection.get(ids=node_ids, include=["documents", "metadatas"])
        rows = zip(found["ids"], found["documents"], found["metadatas"], strict=True)
        nodes = {row: TextNode(id_=row, text=text, metadata=dict(meta)) for row, text, meta in rows}
        return [nodes[row] for row in node_ids or nodes if row in nodes]

    def nearest(
        self, embedding: Sequence[float], top_k: int, among: list[str] | None = None
    ) -> list[tuple[str, float]]:
        """The `top_k` nearest rows with their cosine similarity, best first.

        Where `among` is given, only these ids are looked at; of a few the similarity is computed
        here, since Chroma's filter by id looks at every row.
        """
        if top_k < 1 or among == []:
            return []
        with _chroma_errors(self._collection.name):
            if among is None or len(among) > _FEW:
                limit = {} if among is None else {"ids": among}
                asked = {"query_embeddings": [embedding], "n_results": top_k, **limit}
                found = self._collection.query(include=["distances"], **asked)
                near = zip(found["ids"][0], found["distances"][0], strict=True)
                return [(row, 1.0 - distance) for row, distance in near]
            found = self._collection.get(ids=among, include=["embeddings"])
            rows = np.asarray(found["embeddings"], dtype=np.float32).reshape(len(found["ids"]), -1)
            wanted = np.asarray(embedding, dtype=np.float32)
            if len(rows) and rows.shape[1] != len(wanted):
                raise ValueError(f"vectors of dimension {rows.shape[1]}, asked for {len(wanted)}")
        lengths = np.linalg.norm(rows, axis=1) * np.linalg.norm(wanted)
        similarity = rows @ wanted / np.maximum(lengths, 1e-12) if len(rows) else np.zeros(0)
        order = np.argsort(-similarity, kind="stable")[:top_k]
        return [(found["ids"][place], float(similarity[place])) for place in order]

    def query(self, query: VectorStoreQuery, **_: Any) -> VectorStoreQueryResult:
        """LlamaIndex's door to `nearest`: ids, similarities and nodes."""
        near = self.nearest(query.query_embedding or [], query.similarity_top_k, query.node_ids)
        nodes = self.get_nodes([row for row, _ in near]) if near else []
        return VectorStoreQueryResult(nodes, [score for _, score in near], [row for row, _ in near])


@contextmanager
def _chroma_errors(where: str) -> Iterator[None]:
    """Turn what chromadb raises into our error, naming where."""
    try:
        yield
    except (ChromaError, ValueError, OSError) as error:
        first_line = str(error).partition("\n")[0]
        advice = next(
            (advice for sign, advice in _ADVICE.items() if sign in first_line),
            "see that it is up and has room, or run 'chatbot ingest --rebuild'",
        )
        raise MissingIndexError(f"Chroma ({where}): {first_line}; {advice}") from error
