"""A report's way into the index by LlamaIndex's types: documents, and a node for each row.

`ReportReader` makes documents of papers, `SectionParser` cuts these into sections, and
`embedded_nodes` runs it and the embedding as LlamaIndex's ingestion pipeline. The pipeline's vector
store, document store and cache are not used: they delete old rows before the new ones are there.
"""

from collections.abc import Collection, Iterator, Sequence
from pathlib import Path
from typing import Any

from llama_index.core.base.embeddings.base import BaseEmbedding
from llama_index.core.ingestion import IngestionPipeline
from llama_index.core.node_parser import NodeParser
from llama_index.core.readers.base import BaseReader
from llama_index.core.schema import (
    BaseNode,
    Document,
    MetadataMode,
    NodeRelationship,
    TextNode,
    TransformComponent,
)

from chatbot.index.sections import NamedReport
from chatbot.reports.parsing import Paper, read_report, report_files
from chatbot.reports.search_text import read_beside

# Papers that go through the pipeline, and into the collection, at a time.
_BATCH = 25
# What of a document's metadata is for `SectionParser`, or for people; no model reads it.
_APART = ["parts", "problems"]
_OF_A_SECTION = {"section", "first_line", "last_line"}


class ReportReader(BaseReader):
    """Makes documents of daily reports, one for each paper of a report.

    A document's text is the paper's title and sections as Markdown. Its metadata tell where it
    stands (paper_id, title, url, read_from, report, date), which `parts` of the text are which
    section, and what `problems` its report has there, as ``LINE: MESSAGE``.
    """

    def lazy_load_data(
        self, *sources: Path | str | NamedReport, papers: Collection[str] | None = None, **_: Any
    ) -> Iterator[Document]:
        """The documents of report files, of folders, and of reports that have been read.

        With `papers`, those of papers with these ids alone. The search text beside a file is read
        too.

        Raises:
            ReportError: a file cannot be read or is not a report.
        """
        for source in sources:
            for named in _read(source):
                for paper in named.report.papers:
                    if papers is None or paper.id in papers:
                        yield _document(named, paper)


def _read(source: Path | str | NamedReport) -> Iterator[NamedReport]:
    if isinstance(source, NamedReport):
        yield source
        return
    for file in report_files(Path(source)):
        written = {row["content"]: text for row, text in read_beside(file)[1]}
        yield NamedReport(file.name, read_report(file), written)


def _document(named: NamedReport, paper: Paper) -> Document:
    """A paper as a document; a section's text in it is verbatim."""
    text, shared, parts = f"# {paper.title}", {}, []
    for section, embedded in named.sections_of(paper):
        text += f"\n\n## {section.label}\n\n"
        metadata = section.metadata()
        shared = {key: value for key, value in metadata.items() if key not in _OF_A_SECTION}
        place = {"start": len(text), "end": len(text) + len(section.text)}
        node = {"row": section.row_id(embedded), "embedded": embedded, "metadata": metadata}
        parts.append(place | node)
        text += section.text
    told = [problem for problem in named.report.problems if paper.lines.holds(problem.line)]
    problems = [f"{problem.line}: {problem.message}" for problem in told]
    return Document(
        doc_id=f"{named.name}#{paper.id}",
        text=text,
        metadata=shared | {"parts": parts, "problems": problems},
        excluded_embed_metadata_keys=_APART,
        excluded_llm_metadata_keys=_APART,
    )


class SectionNode(TextNode):
    """A section, and the text that is embedded for it, which tells of its paper as well."""

    embedded: str

    def get_content(self, metadata_mode: MetadataMode = MetadataMode.NONE) -> str:
        """Its text; for embedding, that with its paper's."""
        if metadata_mode == MetadataMode.EMBED:
            return self.embedded
        return super().get_content(metadata_mode)


class SectionParser(NodeParser):
    """Cuts the documents of a `ReportReader` into one node a section.

    A node's id is that of its row, ``ARXIV_ID/KEY@VERSION``, its metadata are flat.
    """

    include_metadata: bool = False
    include_prev_next_rel: bool = False

    def _parse_nodes(self, nodes: Sequence[BaseNode], *_: Any, **__: Any) -> list[BaseNode]:
        parsed: list[BaseNode] = []
        for document in nodes:
            # LlamaIndex hashes the whole document for what others know it by.
            text, source = document.get_content(), document.as_related_node_info()
            parsed += [
                SectionNode(
                    id_=part["row"],
                    text=text[part["start"] : part["end"]],
                    metadata=part["metadata"],
                    embedded=part["embedded"],
                    relationships={NodeRelationship.SOURCE: source},
                )
                for part in document.metadata["parts"]
            ]
        return parsed


class _Only(TransformComponent):
    """Lets the nodes of these rows through."""

    rows: frozenset[str]

    def __call__(self, nodes: Sequence[BaseNode], **_: Any) -> list[BaseNode]:
        return [node for node in nodes if node.node_id in self.rows]


def embedded_nodes(
    report: NamedReport, rows: frozenset[str], embedding: BaseEmbedding
) -> Iterator[list[BaseNode]]:
    """The nodes of these rows of a report, embedded, some at a time."""
    documents = ReportReader().load_data(report, papers={row.partition("/")[0] for row in rows})
    steps = [SectionParser(), _Only(rows=rows), embedding]
    pipeline = IngestionPipeline(transformations=steps, disable_cache=True)
    for start in range(0, len(documents), _BATCH):
        yield list(pipeline.run(documents=documents[start : start + _BATCH]))
