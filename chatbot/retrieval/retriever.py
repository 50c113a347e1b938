"""`retrieve`: a query to its evidence, reordered by a model where one is to; LlamaIndex's door.

Reordering after RankGPT (arXiv:2304.09542), in one call over all candidates.
"""

import re
from dataclasses import replace

from llama_index.core.base.base_retriever import BaseRetriever
from llama_index.core.schema import NodeWithScore, QueryBundle, TextNode

from chatbot.errors import ModelError
from chatbot.guardrails.spotlighting import Material
from chatbot.index.reading import Index
from chatbot.llm.client import ChatModel, TokenUsage, complete
from chatbot.llm.prompts import load_prompt
from chatbot.retrieval.models import Evidence, Hit
from chatbot.retrieval.ranking import decide
from chatbot.retrieval.search import DEFAULT_TOP_K, search
from chatbot.understanding.interpretation import understand
from chatbot.understanding.models import Filters, Query

_DEPTH = 20
_CHARACTERS = 900
_WIDER = 2
_RANKED_INTENTS = frozenset({"lookup"})


def retrieve(
    index: Index,
    query: Query,
    model: ChatModel | None = None,
    top_k: int = DEFAULT_TOP_K,
    *,
    widen: bool = False,
) -> Evidence:
    """The evidence of a query, reordered by the model where `CHATBOT_RERANK` asks for it.

    Only look-ups are: a list is complete in any order, and a comparison needs every paper's turn.
    A model that fails leaves the order as it was. With `widen`, twice as much is read where the
    first hits may not hold the answer.
    """
    if model is not None and index.settings.rerank == "llm" and query.intent in _RANKED_INTENTS:
        evidence = search(index, query, max(top_k, _DEPTH))
        hits, spent = _reranked(query, evidence.hits, model)
        return replace(evidence, hits=hits[:top_k], spent=spent)
    evidence = search(index, query, top_k)
    if widen and decide(evidence.confidence) != "answer":
        return search(index, query, _WIDER * top_k)
    return evidence


def _reranked(
    query: Query, hits: tuple[Hit, ...], model: ChatModel
) -> tuple[tuple[Hit, ...], tuple[TokenUsage, ...]]:
    passages = [
        Material(
            "passage",
            hit.section.text[:_CHARACTERS],
            {"n": str(n), "title": hit.section.title, "section": hit.section.key},
        )
        for n, hit in enumerate(hits, 1)
    ]
    asked = [Material("question", query.standalone)]
    turns = load_prompt("rerank").turns(question=asked, passages=passages)
    try:
        text, spent = complete(model, turns)
    except ModelError:
        return hits, (TokenUsage(0, 0),)
    named = (int(number) for number in re.findall(r"\d+", text))
    order = list(dict.fromkeys(n - 1 for n in named if 1 <= n <= len(hits)))
    order += [place for place in range(len(hits)) if place not in order]
    ranked = (
        replace(hits[place], ranks={**hits[place].ranks, "reranker": rank})
        for rank, place in enumerate(order, 1)
    )
    floor, settled = float("inf"), []
    for hit in ranked:
        floor = min(floor, hit.score)
        settled.append(replace(hit, score=floor))
    return tuple(settled), (spent,)


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
