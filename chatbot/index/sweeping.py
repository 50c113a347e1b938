"""Deleting what no generation of the index that anyone reads refers to any more."""

import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from chatbot.config import Settings
from chatbot.index.live import LiveCorpus
from chatbot.index.manifest import Manifest
from chatbot.index.shards import drop_shards
from chatbot.index.vectors import (
    SectionVectorStore,
    drop_collection,
    drop_collections,
    open_client,
)

if TYPE_CHECKING:
    from chatbot.index.sharing import SharedIndex

# How a collection's name begins, and the kinds of folders.
COLLECTIONS = "sections"
_KINDS = ("lexical", "embedding", "chroma")


def generation_folders(data_dir: Path) -> set[Path]:
    """The folders of all generations in a data folder."""
    return {folder for kind in _KINDS for folder in data_dir.glob(f"{kind}-*")}


def sweep_folder(data_dir: Path, manifest: Manifest) -> None:
    """Delete what in a data folder no longer belongs to its index, and what was left unfinished."""
    keep = {manifest.lexical, manifest.fitted, manifest.chroma}
    for folder in generation_folders(data_dir):
        if folder.name not in keep:
            shutil.rmtree(folder, ignore_errors=True)
    for unfinished in data_dir.glob("*.tmp"):
        unfinished.unlink(missing_ok=True)
    drop_shards(data_dir, manifest.reports)


def sweep_vectors(
    settings: Settings, manifest: Manifest, store: SectionVectorStore, corpus: LiveCorpus
) -> None:
    """Delete the rows that are not live; in an embedded Chroma, other collections too.

    Raises:
        MissingIndexError: Chroma cannot be used.
    """
    store.delete_nodes(sorted(store.ids() - set(corpus.rows)))
    if settings.chroma_url is None:
        client = open_client(settings.data_dir / manifest.chroma, None)
        drop_collections(client, f"{COLLECTIONS}-", keep=manifest.collection)


def drop_superseded(settings: Settings, manifest: Manifest, shared: "SharedIndex") -> None:
    """Delete the collections of generations before the last two, which nobody reads any more.

    Raises:
        ChatbotError: Chroma or the database cannot be used.
    """
    client = open_client(settings.data_dir / manifest.chroma, settings.chroma_url)
    for collection in shared.superseded():
        drop_collection(client, collection)
    shared.forget_superseded()
