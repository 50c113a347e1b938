"""`SectionRetriever`: a question to the sections it is answered from, as LlamaIndex hands them on.

Also the `ReportQuery` that asks, and the postprocessor by which a model reorders what was found,
after RankGPT (arXiv:2304.09542), in one call over all candidates.
"""

import asyncio
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from llama_index.core.base.base_retriever import BaseRetriever
from llama_index.core.postprocessor.types import BaseNodePostprocessor
from llama_index.core.schema import NodeWithScore, QueryBundle, TextNode
from pydantic import PrivateAttr

from chatbot.errors import ModelError
from chatbot.guardrails.spotlighting import Material
from chatbot.index.reading import Index
from chatbot.index.sections import IndexedSection
from chatbot.llm.client import ChatModel, TokenUsage, complete
from chatbot.llm.prompts import load_prompt
from chatbot.retrieval.models import Evidence, Hit
from chatbot.retrieval.ranking import decide
from chatbot.retrieval.search import DEFAULT_TOP_K, search
from chatbot.understanding.interpretation import understand
from chatbot.understanding.models import Filters, Message, Query

# What a model is given to choose from, and how much of each it reads.
CANDIDATES = 20
_CHARACTERS = 900
_WIDER = 2
# A list is complete in any order, and a comparison needs every paper's turn.
_RERANKED = frozenset({"lookup"})


@dataclass(kw_only=True)
class ReportQuery(QueryBundle):
    """A question with what it stands in: the turns before it, and what the reader narrowed it to.

    `query` is what it was understood as, where it has been: then it is not read again. `top_k` is
    how many sections to find, no fewer and no more, where the reader says.
    """

    history: Sequence[Message] = ()
    filters: Filters | None = None
    query: Query | None = None
    top_k: int | None = None

    @classmethod
    def of(cls, query: Query, top_k: int | None = None) -> "ReportQuery":
        """A question that has been understood."""
        return cls(query.question, history=query.history, query=query, top_k=top_k)


class SectionNodes(list[NodeWithScore]):
    """What was found, as LlamaIndex's nodes, and the evidence that it is.

    LlamaIndex's parts hand on lists. What else is known of a search (days without a report, names
    that stand nowhere, how sure it is) goes along with this one.
    """

    def __init__(self, evidence: Evidence) -> None:
        super().__init__(node_of(hit.section, hit.score) for hit in evidence.hits)
        self.evidence = evidence

    @classmethod
    def of(cls, nodes: Sequence[NodeWithScore], before: Evidence, index: Index) -> "SectionNodes":
        """What a part of any make gave, after what was found `before` it.

        A section is known by the node's id, with or without the ``@VERSION`` of a row. Nodes that
        are of no section of the index are passed over: a reader could not open those.
        """
        if isinstance(nodes, SectionNodes):
            return nodes
        found = {hit.section.name: hit for hit in reversed(before.hits)}
        own = {(hit.section.name, hit.section.report): hit for hit in before.hits}
        hits = []
        for node in nodes:
            name, report = node.node_id.partition("@")[0], str(node.node.metadata.get("report"))
            hit = own.get((name, report)) or found.get(name) or _hit_of(name, index)
            if hit is not None:
                hits.append(replace(hit, score=node.score or 0.0))
        return cls(replace(before, hits=tuple(hits)))


def node_of(section: IndexedSection, score: float | None = None) -> NodeWithScore:
    """A section as LlamaIndex's node, with id ``ARXIV_ID/KEY`` and flat metadata."""
    node = TextNode(id_=section.name, text=section.text, metadata=section.metadata())
    return NodeWithScore(node=node, score=score)


def _hit_of(name: str, index: Index) -> Hit | None:
    sections = index.sections_of(name.partition("/")[0])
    return next((Hit(section, 0.0) for section in sections if section.name == name), None)


class SectionRetriever(BaseRetriever):
    """Finds the sections for a `ReportQuery`, or for a question alone, as `SectionNodes`.

    With `widen`, twice `top_k` are read where the first hits may not hold the answer. `candidates`
    is how many of a look-up are found, so that a reranker can choose from them.
    """

    def __init__(
        self, index: Index, top_k: int = DEFAULT_TOP_K, *, widen: bool = False, candidates: int = 0
    ) -> None:
        super().__init__()
        self._index, self._top_k = index, top_k
        self._widen, self._candidates = widen, candidates

    def _retrieve(self, query_bundle: QueryBundle) -> list[NodeWithScore]:
        index, asked = self._index, query_bundle
        if not isinstance(asked, ReportQuery):
            asked = ReportQuery(asked.query_str)
        query = asked.query or understand(
            asked.query_str, index.catalogue, asked.history, asked.filters
        )
        top_k = asked.top_k or self._top_k
        if self._candidates and query.intent in _RERANKED:
            return SectionNodes(search(index, query, max(top_k, self._candidates)))
        evidence = search(index, query, top_k)
        if self._widen and asked.top_k is None and decide(evidence.confidence) != "answer":
            evidence = search(index, query, _WIDER * top_k)
        return SectionNodes(evidence)

    async def _aretrieve(self, query_bundle: QueryBundle) -> list[NodeWithScore]:
        return await asyncio.to_thread(self._retrieve, query_bundle)

    def _handle_recursive_retrieval(
        self,
        query_bundle: QueryBundle,  # noqa: ARG002 - LlamaIndex's own signature
        nodes: list[NodeWithScore],
    ) -> list[NodeWithScore]:
        """Hand on the very list: no node of ours stands for another retriever."""
        return nodes


class ModelReranker(BaseNodePostprocessor):
    """Puts the nodes of a look-up in the order a model gives them, and keeps the first `top_n`.

    A model that fails leaves the order as it was. What asking it cost is in the evidence.
    """

    top_n: int = DEFAULT_TOP_K
    _model: ChatModel = PrivateAttr()

    def __init__(self, model: ChatModel, top_n: int = DEFAULT_TOP_K) -> None:
        super().__init__(top_n=top_n)
        self._model = model

    def _postprocess_nodes(
        self, nodes: list[NodeWithScore], query_bundle: QueryBundle | None = None
    ) -> list[NodeWithScore]:
        if not isinstance(nodes, SectionNodes):
            raise TypeError("a ModelReranker takes what a SectionRetriever found")
        evidence = nodes.evidence
        if evidence.query.intent not in _RERANKED:
            return nodes
        order, spent = _order(evidence, self._model)
        asked = query_bundle.top_k if isinstance(query_bundle, ReportQuery) else None
        hits, floor = [], float("inf")
        for rank, place in enumerate(order[: asked or self.top_n], 1):
            hit = evidence.hits[place]
            floor = min(floor, hit.score)  # no score is above the one before
            hits.append(replace(hit, score=floor, ranks={**hit.ranks, "reranker": rank}))
        return SectionNodes(replace(evidence, hits=tuple(hits), spent=(*evidence.spent, spent)))


def _order(evidence: Evidence, model: ChatModel) -> tuple[list[int], TokenUsage]:
    """The places of the hits in the order a model gives them, and what asking it cost."""
    places = list(range(len(evidence.hits)))
    passages = [
        Material(
            "passage",
            hit.section.text[:_CHARACTERS],
            {"n": str(n), "title": hit.section.title, "section": hit.section.key},
        )
        for n, hit in enumerate(evidence.hits, 1)
    ]
    asked = [Material("question", evidence.query.standalone)]
    try:
        text, spent = complete(
            model, load_prompt("rerank").turns(question=asked, passages=passages)
        )
    except ModelError:
        return places, TokenUsage(0, 0)
    named = (int(number) - 1 for number in re.findall(r"\d+", text))
    return list(dict.fromkeys([*(place for place in named if place in places), *places])), spent
