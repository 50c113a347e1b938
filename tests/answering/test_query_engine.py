"""The query engine and the retriever, as LlamaIndex calls them and with parts of others."""

import asyncio

import llama_index.core
import pytest
from llama_index.core.base.base_retriever import BaseRetriever
from llama_index.core.callbacks import CallbackManager
from llama_index.core.llms import MockLLM
from llama_index.core.postprocessor import SimilarityPostprocessor
from llama_index.core.postprocessor.types import BaseNodePostprocessor
from llama_index.core.query_engine import RetrieverQueryEngine
from llama_index.core.response_synthesizers.no_text import NoText
from llama_index.core.schema import NodeWithScore, QueryBundle, TextNode

from chatbot.answering.engine import ReportQueryEngine, answer_in
from chatbot.index.reading import Index
from chatbot.retrieval.retriever import ReportQuery, SectionRetriever
from chatbot.understanding.models import Filters, Message

QUESTION = "GRU-Mem 的推理速度提升了多少？"


class Rows(BaseRetriever):
    """Another's retriever: it knows rows by their ids, some of which are not in the index."""

    def __init__(self, *ids: str) -> None:
        super().__init__()
        self._ids = ids

    def _retrieve(self, query_bundle: QueryBundle) -> list[NodeWithScore]:
        return [NodeWithScore(node=TextNode(id_=row, text="?"), score=0.5) for row in self._ids]


class Backwards(BaseNodePostprocessor):
    """Another's reranker."""

    def _postprocess_nodes(
        self, nodes: list[NodeWithScore], query_bundle: QueryBundle | None = None
    ) -> list[NodeWithScore]:
        return nodes[::-1]


def test_a_query_gives_the_answer_with_its_cited_sections_as_source_nodes(
    seed_index: Index,
) -> None:
    response = ReportQueryEngine(seed_index).query(QUESTION)
    assert "400%" in str(response)
    assert "2602.10560/results" in {node.node_id for node in response.source_nodes}
    assert response.metadata["mode"] == "extractive"


def test_it_can_be_awaited(seed_index: Index) -> None:
    async def asked() -> str:
        return str(await ReportQueryEngine(seed_index).aquery(QUESTION))

    assert "400%" in asyncio.run(asked())


def test_a_report_query_brings_its_history_and_filters(seed_index: Index) -> None:
    engine = ReportQueryEngine(seed_index)
    talk = [Message("user", "GRU-Mem 是什么"), Message("assistant", "一种记忆机制。")]
    assert "400%" in str(engine.query(ReportQuery("它的推理速度提升了多少？", history=talk)))
    narrowed = ReportQuery(QUESTION, filters=Filters(papers=("2602.05327",)))
    assert {node.metadata["paper_id"] for node in engine.retrieve(narrowed)} == {"2602.05327"}


def test_the_retriever_gives_nodes_with_flat_metadata(seed_index: Index) -> None:
    node = SectionRetriever(seed_index, top_k=3).retrieve(QUESTION)[0]
    assert node.node_id.startswith("2602.10560/")
    assert node.metadata["date"] == "2026-02-12"
    assert all(isinstance(value, str | int) for value in node.metadata.values())


def test_the_retriever_can_be_awaited(seed_index: Index) -> None:
    found = asyncio.run(SectionRetriever(seed_index).aretrieve(QUESTION))
    assert found[0].node_id.startswith("2602.10560/")


@pytest.mark.parametrize("top_k", [1, 4])
def test_the_retriever_returns_no_more_than_asked(seed_index: Index, top_k: int) -> None:
    assert len(SectionRetriever(seed_index, top_k=top_k).retrieve("强化学习")) == top_k


def test_what_is_known_of_a_search_that_finds_nothing_is_not_lost(seed_index: Index) -> None:
    nodes = ReportQueryEngine(seed_index).retrieve(QueryBundle("2026-02-13 的日报有哪些论文？"))
    assert nodes == []
    assert [str(day) for day in nodes.evidence.missing_dates] == ["2026-02-13"]
    assert nodes.evidence.coverage is not None


def test_another_retriever_is_answered_from_and_what_no_reader_could_open_is_passed_over(
    seed_index: Index,
) -> None:
    row = next(row for row in seed_index.row_ids if row.startswith("2602.10560/results@"))
    engine = ReportQueryEngine(seed_index, retriever=Rows("9999.99999/results@0", "x", row))
    assert [node.node_id for node in engine.retrieve(QueryBundle(QUESTION))] == [
        "2602.10560/results"
    ]
    assert "400%" in str(engine.query(QUESTION))


def test_anothers_postprocessors_are_heeded_in_their_order(seed_index: Index) -> None:
    plain = ReportQueryEngine(seed_index).retrieve(QueryBundle(QUESTION))
    engine = ReportQueryEngine(
        seed_index, node_postprocessors=[SimilarityPostprocessor(similarity_cutoff=0), Backwards()]
    )
    turned = engine.retrieve(QueryBundle(QUESTION))
    assert [node.node_id for node in turned] == [node.node_id for node in plain][::-1]
    assert turned.evidence.hits == plain.evidence.hits[::-1]
    assert turned.evidence.confidence == plain.evidence.confidence
    assert answer_in([*engine.stream(QUESTION)]).retrieved == len(plain)


def test_the_retriever_serves_llama_indexs_own_engine(seed_index: Index) -> None:
    synthesizer = NoText(llm=MockLLM(), callback_manager=CallbackManager())
    engine = RetrieverQueryEngine(SectionRetriever(seed_index), synthesizer)
    assert engine.query(QUESTION).source_nodes[0].node_id == "2602.10560/results"


def test_llama_indexs_global_settings_stay_untouched(seed_index: Index) -> None:
    ReportQueryEngine(seed_index).query("GENIUS 是什么？")
    settings = llama_index.core.Settings
    untouched = ("_llm", "_embed_model", "_callback_manager", "_node_parser", "_transformations")
    assert [getattr(settings, name) for name in untouched] == [None] * len(untouched)
