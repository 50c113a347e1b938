"""LlamaIndex's door to the search, for use in its pipelines."""

from llama_index.core.base.base_retriever import BaseRetriever
from llama_index.core.schema import NodeWithScore, QueryBundle, TextNode

from chatbot.index.store import Index
from chatbot.retrieval.models import Filters, Hit
from chatbot.retrieval.search import DEFAULT_TOP_K, search
from chatbot.retrieval.understanding import understand


class SectionRetriever(BaseRetriever):
    """Retrieves sections as nodes with id ``ARXIV_ID/KEY`` and flat metadata."""

    def __init__(
        self, index: Index, top_k: int = DEFAULT_TOP_K, filters: Filters | None = None
    ) -> None:
        super().__init__()
        self._index, self._top_k, self._filters = index, top_k, filters

    def _retrieve(self, query_bundle: QueryBundle) -> list[NodeWithScore]:
        query = understand(query_bundle.query_str, self._index.catalogue, filters=self._filters)
        return [node_of(hit) for hit in search(self._index, query, self._top_k).hits]


def node_of(hit: Hit) -> NodeWithScore:
    """A hit as LlamaIndex's scored node."""
    section = hit.section
    node = TextNode(id_=section.name, text=section.text, metadata=section.metadata())
    return NodeWithScore(node=node, score=hit.score)
