"""One generation of the index: what is new is written, the manifest replaced, the rest swept up."""

import hashlib
import logging
import secrets
import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from chatbot.config import Settings
from chatbot.errors import ChatbotError
from chatbot.index.documents import embedded_nodes
from chatbot.index.embeddings import (
    LocalEmbedding,
    embedding_errors,
    fit_fingerprint,
    model_fingerprint,
    open_embedding,
)
from chatbot.index.entity_linking import NAMES_FILE, NameTable
from chatbot.index.lexical import GLOSSARY_FILE, Glossary, LexicalIndex, SectionTerms
from chatbot.index.sections import LiveCorpus, read_live
from chatbot.index.sharing import SharedIndex
from chatbot.index.storage import (
    FORMAT,
    Manifest,
    ReportEntry,
    drop_shards,
    read_parsed,
    read_terms,
    seal,
    shard_files,
    write_manifest,
)
from chatbot.index.vectors import SectionVectorStore, drop_collection, drop_collections, open_client
from chatbot.reports.search_text import keywords_of, section_text_of
from chatbot.text.terms import bigrams, words

# A quarter more (or fewer) sections than the embedding was fitted on, and it is fitted anew.
_REFIT_GROWTH = 0.25
Progress = Callable[[str, int, int], None]


@dataclass(frozen=True, slots=True)
class Commit:
    """How a generation becomes the index: under which number, and for which machines.

    From the manifest `before`, embedding and vectors are taken over as far as they serve; without
    one nothing of an earlier index is touched, so that a damaged one can be rebuilt.
    """

    number: int
    before: Manifest | None = None
    shared: SharedIndex | None = None

    def take(self, data_dir: Path, manifest: Manifest) -> Manifest:
        """Commit it.

        Raises:
            ChatbotError: as for `SharedIndex.publish`.
        """
        manifest = replace(manifest, generation=self.number)
        if self.shared:
            self.shared.publish(data_dir, manifest, _files_of(data_dir, manifest))
        write_manifest(data_dir, manifest)
        return manifest


logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _EmbeddingChoice:
    """An embedding: its fingerprint, on how many sections it is fitted, and where it is kept."""

    fingerprint: str
    fitted_on: int
    folder: str


def commit_generation(
    settings: Settings, entries: Sequence[ReportEntry], commit: Commit, progress: Progress
) -> tuple[Manifest, int]:
    """Build and commit the index of these reports, whose shards are there.

    Returns:
        The committed manifest, and how many sections were embedded.

    Raises:
        ChatbotError: a shard, model or Chroma cannot be used.
    """
    with _nothing_left_of_a_failure(settings.data_dir):
        corpus = read_live(settings.data_dir, entries)
        manifest, store, embedded = _write(settings, corpus, entries, commit.before, progress)
        manifest = commit.take(settings.data_dir, manifest)
    try:
        sweep_vectors(settings, manifest, store, corpus)
        sweep_folder(settings.data_dir, manifest)
        if commit.shared:
            drop_superseded(settings, manifest, commit.shared)
    except (ChatbotError, OSError) as error:
        logger.warning("what is no longer needed is left to the next ingest: %s", error)
    return manifest, embedded


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


def _write(
    settings: Settings,
    corpus: LiveCorpus,
    entries: Sequence[ReportEntry],
    before: Manifest | None,
    progress: Progress,
) -> tuple[Manifest, SectionVectorStore, int]:
    """Write all that a generation is made of, and its manifest, not yet committed."""
    data_dir = settings.data_dir
    embedding = _choose_embedding(settings, before, corpus)
    if embedding.folder and not (data_dir / embedding.folder).exists():
        progress("fit", 0, 1)
        LocalEmbedding.fit(corpus.texts).save(data_dir / embedding.folder)
        seal(data_dir / embedding.folder)
        progress("fit", 1, 1)
    same = before is not None and before.fingerprint == embedding.fingerprint
    chroma = before.chroma if before else _fresh("chroma")
    client = open_client(data_dir / chroma, settings.chroma_url)
    collection = before.collection if before and same else _fresh(COLLECTIONS)
    store = SectionVectorStore(client, collection)
    embedded = _embed_missing(settings, store, corpus, data_dir / embedding.folder, progress)
    lexical = _fresh("lexical")
    _build_lexical(data_dir, entries, corpus).save(data_dir / lexical)
    aliases = {paper: text.aliases for paper, text in corpus.search_texts.items()}
    texts = (section.text for section in corpus.sections)
    Glossary.mine(texts).save(data_dir / lexical / GLOSSARY_FILE)
    NameTable.mine(corpus.sections, aliases).save(data_dir / lexical / NAMES_FILE)
    seal(data_dir / lexical)
    manifest = Manifest(
        format=FORMAT,
        generation=0,
        embedding=settings.embedding,
        fingerprint=embedding.fingerprint,
        fitted_on=embedding.fitted_on,
        fitted=embedding.folder,
        lexical=lexical,
        chroma=chroma,
        collection=collection,
        corpus=hashlib.sha256("\n".join(corpus.rows).encode()).hexdigest(),
        papers=len({section.paper_id for section in corpus.sections}),
        sections=len(corpus.sections),
        reports=tuple(entries),
    )
    return manifest, store, embedded


def _fresh(kind: str) -> str:
    """A name nothing has yet."""
    return f"{kind}-{secrets.token_hex(6)}"


def _choose_embedding(
    settings: Settings, before: Manifest | None, corpus: LiveCorpus
) -> _EmbeddingChoice:
    """The embedding so far, or another where it no longer fits the corpus or the settings."""
    if settings.embedding != "local":
        return _EmbeddingChoice(model_fingerprint(settings), 0, "")
    count = len(corpus.sections)
    if before and abs(count - before.fitted_on) < _REFIT_GROWTH * max(before.fitted_on, 1):
        return _EmbeddingChoice(before.fingerprint, before.fitted_on, before.fitted)
    return _EmbeddingChoice(fit_fingerprint(corpus.texts), count, _fresh("embedding"))


def _embed_missing(
    settings: Settings,
    store: SectionVectorStore,
    corpus: LiveCorpus,
    fitted: Path,
    progress: Progress,
) -> int:
    """Embed and add the rows the collection does not hold yet; returns how many."""
    missing = frozenset(corpus.rows) - store.ids()
    if not missing:
        return 0
    done, embedding = 0, open_embedding(settings, fitted)
    progress("embed", done, len(missing))
    with embedding_errors(settings):
        for nodes in embedded_nodes(corpus.reports, missing, embedding):
            done += len(store.add(nodes))
            progress("embed", done, len(missing))
    return done


def _build_lexical(
    data_dir: Path, entries: Sequence[ReportEntry], corpus: LiveCorpus
) -> LexicalIndex:
    terms = {}
    for entry in entries:
        papers = read_parsed(data_dir, entry).papers
        names = [f"{paper.id}/{section.key}" for paper in papers for section in paper.sections]
        for name, cut in zip(names, read_terms(data_dir, entry), strict=True):
            terms[entry.name, name] = cut
    cuts = [terms[section.report, section.name] for section in corpus.sections]
    sections = []
    for section, cut in zip(corpus.sections, cuts, strict=True):
        text = corpus.search_texts.get(section.paper_id)
        written = section_text_of(text, section.key) if text else ""
        sections.append(
            SectionTerms(
                section.paper_id,
                cut,
                {"words": words(written), "bigrams": bigrams(written)},
            )
        )
    titles = {section.paper_id: section.title for section in corpus.sections}
    keywords = {paper: keywords_of(text) for paper, text in corpus.search_texts.items()}
    return LexicalIndex.build(sections, titles, keywords)


def _files_of(data_dir: Path, manifest: Manifest) -> Iterator[Path]:
    """The files that a generation is made of, but for the vectors."""
    for folder in filter(None, (manifest.lexical, manifest.fitted)):
        yield from (path for path in (data_dir / folder).rglob("*") if path.is_file())
    for entry in manifest.reports:
        yield from shard_files(data_dir, entry)


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


def drop_superseded(settings: Settings, manifest: Manifest, shared: SharedIndex) -> None:
    """Delete the collections of generations before the last two, which nobody reads any more.

    Raises:
        ChatbotError: Chroma or the database cannot be used.
    """
    client = open_client(settings.data_dir / manifest.chroma, settings.chroma_url)
    for collection in shared.superseded():
        drop_collection(client, collection)
    shared.forget_superseded()
