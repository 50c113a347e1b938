"""The index, opened for reading: everything a question needs, loaded once and never changed."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

from llama_index.core.base.embeddings.base import BaseEmbedding

from chatbot.config import Settings
from chatbot.errors import MissingIndexError
from chatbot.index.catalogue import Catalogue
from chatbot.index.embeddings import open_embedding
from chatbot.index.entity_linking import NAMES_FILE, NameTable
from chatbot.index.lexical import GLOSSARY_FILE, Glossary, LexicalIndex
from chatbot.index.sections import IndexedSection, read_live
from chatbot.index.storage.manifest import Manifest, read_manifest, require_all
from chatbot.index.vectors import SectionVectorStore, open_client
from chatbot.reports.search_text import SearchText, keywords_of

_ATTEMPTS = 3


@dataclass(frozen=True)
class Index:
    """One committed generation. `sections` are in row order of `lexical`.

    `row_ids` are Chroma's ids of the rows, `row_of` maps them back.
    """

    settings: Settings
    manifest: Manifest
    sections: tuple[IndexedSection, ...]
    catalogue: Catalogue
    search_texts: Mapping[str, SearchText] = field(repr=False)
    row_ids: tuple[str, ...]
    row_of: Mapping[str, int]
    lexical: LexicalIndex
    glossary: Glossary
    embedding: BaseEmbedding
    vectors: SectionVectorStore

    def sections_of(self, paper_id: str) -> tuple[IndexedSection, ...]:
        """The sections of a paper, in their order; none where the index does not hold it."""
        paper = self.catalogue.by_id.get(paper_id)
        return tuple(self.sections[row] for row in paper.rows) if paper else ()

    @cached_property
    def paper_heads(self) -> tuple[str, ...]:
        """Title of each paper of the catalogue, and the keywords written for it, for scanning."""
        return tuple(
            f"{paper.title}\n{keywords_of(text)}" if text else paper.title
            for paper in self.catalogue.papers
            for text in [self.search_texts.get(paper.id)]
        )

    @cached_property
    def paper_texts(self) -> tuple[str, ...]:
        """Title and sections of each paper of the catalogue in lower case, for scanning."""
        return tuple(
            "\n".join([paper.title, *(s.text for s in self.sections_of(paper.id))]).lower()
            for paper in self.catalogue.papers
        )


def open_index(settings: Settings) -> Index:
    """Load the committed index; an ingest may commit another meanwhile, then that one is loaded.

    Raises:
        MissingIndexError: there is none, or its files cannot be read.
    """
    for attempt in range(1, _ATTEMPTS + 1):
        manifest = read_manifest(settings.data_dir)
        if manifest is None:
            raise MissingIndexError(f"no index in {settings.data_dir}; run 'chatbot ingest'")
        try:
            return _load(settings, manifest)
        except MissingIndexError:
            if attempt == _ATTEMPTS or read_manifest(settings.data_dir) == manifest:
                raise
    raise AssertionError


def reopen_index(index: Index) -> Index:
    """The index of what is committed now: the same object while that is the same generation.

    While the manifest cannot be read, the index at hand goes on serving.
    """
    try:
        committed = read_manifest(index.settings.data_dir)
        return index if committed in {None, index.manifest} else open_index(index.settings)
    except MissingIndexError:
        return index


def _load(settings: Settings, manifest: Manifest) -> Index:
    data_dir = settings.data_dir
    require_all(data_dir / manifest.lexical)
    corpus = read_live(data_dir, manifest.reports)
    glossary = Glossary.load(data_dir / manifest.lexical / GLOSSARY_FILE)
    lexical = LexicalIndex.load(data_dir / manifest.lexical)
    names = NameTable.load(data_dir / manifest.lexical / NAMES_FILE, lexical.knows)
    return Index(
        settings,
        manifest,
        corpus.sections,
        Catalogue.of(corpus.sections, names),
        corpus.search_texts,
        tuple(corpus.rows),
        {row: i for i, row in enumerate(corpus.rows)},
        lexical,
        glossary,
        open_embedding(settings, data_dir / manifest.fitted),
        SectionVectorStore(
            open_client(data_dir / manifest.chroma, settings.chroma_url),
            manifest.collection,
            make=False,
        ),
    )
