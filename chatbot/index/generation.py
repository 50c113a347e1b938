"""One generation of the index: words are written, the manifest replaced, vectors follow."""

import logging
import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from llama_index.core.schema import BaseNode

from chatbot.config import Settings
from chatbot.errors import ChatbotError, MissingIndexError
from chatbot.index.documents import embedded_nodes
from chatbot.index.embeddings import model_fingerprint, open_embedding
from chatbot.index.records import Records
from chatbot.index.sharing import SharedIndex, locked_folder
from chatbot.index.storage import (
    FORMAT,
    Manifest,
    ReportEntry,
    drop_shards,
    read_manifest,
    shard_files,
    usable_manifest,
    write_manifest,
)
from chatbot.index.update import Update, fresh, named_report, updated
from chatbot.index.vectors import SectionVectorStore, drop_collection, drop_collections, open_client

Progress = Callable[[str, int, int], None]
_LOCK_SECONDS = 60
# A thousand rows at a time cost Chroma a third of what a hundred do.
_STORED = 1_000
logger = logging.getLogger(__name__)


def no_progress(_stage: str, _done: int, _total: int) -> None:
    """Report to nobody."""


def commit_generation(
    settings: Settings,
    entries: Sequence[ReportEntry],
    before: Manifest | None,
    shared: SharedIndex | None,
    progress: Progress,
) -> Update:
    """Build and commit the index of these reports, whose shards are there, but for their vectors.

    From the manifest `before`, all that serves is taken over; without one nothing of an earlier
    index is touched, so that a damaged one can be rebuilt.

    Raises:
        ChatbotError: a shard or Chroma cannot be used, or another process has committed since.
    """
    data_dir = settings.data_dir
    open_embedding(settings)  # one that cannot be used is told before anything is changed
    fingerprint = model_fingerprint(settings)
    here = usable_manifest(data_dir)
    newest = shared.newest() if shared else here and here.generation
    with _nothing_left_of_a_failure(data_dir):
        progress("words", 0, 1)
        update = updated(data_dir, before.lexical if before else None, entries)
        same = before if before and before.fingerprint == fingerprint else None
        manifest = Manifest(
            format=FORMAT,
            generation=(newest or 0) + 1,
            embedding=settings.embedding,
            fingerprint=fingerprint,
            lexical=update.folder,
            chroma=before.chroma if before else fresh("chroma"),
            collection=same.collection if same else fresh(COLLECTIONS),
            papers=update.papers,
            sections=update.sections,
            reports=tuple(entries),
            embedded=same.embedded if same else 0,
        )
        client = _client_of(settings, manifest)
        SectionVectorStore(client, manifest.collection)
        if shared:
            files = (f for entry in entries for f in shard_files(data_dir, entry, parsed=False))
            shared.publish(data_dir, manifest, files)
        write_manifest(data_dir, manifest)
        progress("words", 1, 1)
    try:
        sweep_folder(data_dir, manifest)
        if shared:
            with shared.superseded() as collections:
                for collection in collections:
                    drop_collection(client, collection)
        elif settings.chroma_url is None:
            drop_collections(client, f"{COLLECTIONS}-", keep=manifest.collection)
    except (ChatbotError, OSError) as error:
        logger.warning("what is no longer needed is left to the next ingest: %s", error)
    return update


@contextmanager
def _nothing_left_of_a_failure(data_dir: Path) -> Iterator[None]:
    """Delete the folders that a build made which did not end: a full disk is to have room again."""
    before = generation_folders(data_dir)
    try:
        yield
    except BaseException:
        for folder in generation_folders(data_dir) - before:
            shutil.rmtree(folder, ignore_errors=True)
        raise


def complete_vectors(
    settings: Settings, update: Update | None = None, progress: Progress = no_progress
) -> int:
    """Give every section of the committed index its vector, and drop those of no section.

    The `update` that led to it from a generation whose vectors were whole tells what is to be done;
    else all are looked through. What was done is kept when this ends early.

    Returns:
        How many sections were embedded.

    Raises:
        ChatbotError: the index, the embedding or Chroma cannot be used.
    """
    manifest = read_manifest(settings.data_dir)
    if manifest is None or manifest.embedded == manifest.generation:
        return 0
    store = SectionVectorStore(_client_of(settings, manifest), manifest.collection)
    records = Records.open(settings.data_dir / manifest.lexical)
    led_here = update is not None and update.folder == manifest.lexical
    # The vectors were whole for the generation before, or there was none.
    if update and led_here and manifest.embedded == manifest.generation - 1:
        missing, gone = update.came, update.went
    else:
        live = frozenset(row for (row,) in records.all("SELECT row FROM sections"))
        there = store.ids()
        missing, gone = live - there, frozenset(there - live)
    done, waiting = 0, list[BaseNode]()
    try:
        for nodes in _embedded(settings, manifest, records, missing) if missing else ():
            done, waiting = done + len(nodes), waiting + nodes
            progress("embed", done, len(missing))
            if len(waiting) >= _STORED:
                store.add(waiting)
                waiting = []
    finally:  # an embedding may fail midway, and what it made was paid for
        store.add(waiting)
    store.delete_nodes(sorted(gone))
    with locked_folder(settings.data_dir, _LOCK_SECONDS):
        if read_manifest(settings.data_dir) == manifest:  # else there is another step to make
            # A manifest that changes has every reader open the vectors anew.
            write_manifest(settings.data_dir, replace(manifest, embedded=manifest.generation))
    return done


def _embedded(
    settings: Settings, manifest: Manifest, records: Records, rows: frozenset[str]
) -> Iterator[list[BaseNode]]:
    """The nodes of these rows, embedded, some at a time."""
    embedding = open_embedding(settings)
    for entry in manifest.reports:
        own = frozenset(row for (row,) in records.all(_ROWS_OF, entry.name)) & rows
        if own:
            yield from embedded_nodes(named_report(settings.data_dir, entry), own, embedding)


_ROWS_OF = """
SELECT row FROM sections JOIN papers ON papers.number = sections.paper WHERE papers.report = ?
"""


def _client_of(settings: Settings, manifest: Manifest) -> Any:
    return open_client(settings.data_dir / manifest.chroma, settings.chroma_url)


# How a collection's name begins, and the kinds of folders, the last being an earlier version's.
COLLECTIONS = "sections"
_KINDS = ("lexical", "chroma", "embedding")


def generation_folders(data_dir: Path) -> set[Path]:
    """The folders of all generations in a data folder."""
    return {folder for kind in _KINDS for folder in data_dir.glob(f"{kind}-*")}


def sweep_folder(data_dir: Path, manifest: Manifest) -> None:
    """Delete what in a data folder no longer belongs to its index, and what was left unfinished."""
    for folder in generation_folders(data_dir):
        if folder.name not in {manifest.lexical, manifest.chroma}:
            shutil.rmtree(folder, ignore_errors=True)
    for unfinished in data_dir.glob("*.tmp"):
        unfinished.unlink(missing_ok=True)
    drop_shards(data_dir, manifest.reports)


def follow_generation(settings: Settings, shared: SharedIndex) -> bool:
    """Bring a data folder to the shared index's newest generation; its lock has to be held.

    Returns:
        Whether it was another before.

    Raises:
        ChatbotError: as for `SharedIndex.fetch`, or a shard is damaged.
    """
    data_dir = settings.data_dir
    here, committed = usable_manifest(data_dir), shared.fetch(data_dir)
    if committed is None:
        return False
    if here and replace(here, lexical="", embedded=0) == replace(committed, lexical="", embedded=0):
        return False
    with _nothing_left_of_a_failure(data_dir):
        try:
            update = updated(data_dir, here.lexical if here else None, committed.reports)
        except MissingIndexError:  # what is here is damaged
            update = updated(data_dir, None, committed.reports)
        manifest = replace(committed, lexical=update.folder)
        write_manifest(data_dir, manifest)
    sweep_folder(data_dir, manifest)
    return True
