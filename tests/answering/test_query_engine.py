"""LlamaIndex's doors: the query engine and the retriever."""

import llama_index.core
import pytest

from chatbot.answering.query_engine import ReportQueryEngine
from chatbot.index.reading import Index
from chatbot.retrieval.retriever import SectionRetriever


def test_a_query_gives_the_answer_with_its_cited_sections_as_source_nodes(
    seed_index: Index,
) -> None:
    response = ReportQueryEngine(seed_index).query("GRU-Mem 的推理速度提升了多少？")
    assert "400%" in str(response)
    assert "2602.10560/results" in {node.node_id for node in response.source_nodes}
    assert response.metadata["mode"] == "extractive"


async def _aquery(engine: ReportQueryEngine) -> str:
    return str(await engine.aquery("GRU-Mem 的推理速度提升了多少？"))


def test_it_can_be_awaited(seed_index: Index) -> None:
    import asyncio

    assert "400%" in asyncio.run(_aquery(ReportQueryEngine(seed_index)))


def test_the_retriever_gives_nodes_with_flat_metadata(seed_index: Index) -> None:
    node = SectionRetriever(seed_index, top_k=3).retrieve("GRU-Mem 的推理速度提升了多少？")[0]
    assert node.node_id.startswith("2602.10560/")
    assert node.metadata["date"] == "2026-02-12"
    assert all(isinstance(value, str | int) for value in node.metadata.values())


def test_llama_indexs_global_settings_stay_untouched(seed_index: Index) -> None:
    ReportQueryEngine(seed_index).query("GENIUS 是什么？")
    settings = llama_index.core.Settings
    untouched = ("_llm", "_embed_model", "_callback_manager", "_node_parser", "_transformations")
    assert [getattr(settings, name) for name in untouched] == [None] * len(untouched)


@pytest.mark.parametrize("top_k", [1, 4])
def test_the_retriever_returns_no_more_than_asked(seed_index: Index, top_k: int) -> None:
    assert len(SectionRetriever(seed_index, top_k=top_k).retrieve("强化学习")) == top_k
