"""LlamaIndex's door to the engine.

LlamaIndex's ``query()`` passes a string only: for history and filters use `answer_events`.
"""

from llama_index.core.base.response.schema import Response
from llama_index.core.query_engine import CustomQueryEngine
from llama_index.core.schema import NodeWithScore, TextNode
from pydantic import PrivateAttr

from chatbot.answering.engine import answer_events
from chatbot.answering.models import Answer
from chatbot.answering.record import record_of
from chatbot.index.reading import Index
from chatbot.llm.client import ChatModel
from chatbot.understanding.interpretation import understand


class ReportQueryEngine(CustomQueryEngine):
    """Answers a question; ``source_nodes`` are the cited sections.

    The response's ``metadata`` is the answer as `ask --json` prints it.
    """

    _index: Index = PrivateAttr()
    _model: ChatModel | None = PrivateAttr()

    def __init__(self, index: Index, model: ChatModel | None = None) -> None:
        super().__init__()
        self._index, self._model = index, model

    def custom_query(self, query_str: str) -> Response:
        """Answer one question that stands alone."""
        query = understand(query_str, self._index.catalogue)
        *_, answer = answer_events(self._index, query, self._model)
        if not isinstance(answer, Answer):
            raise TypeError(answer)
        nodes = [
            NodeWithScore(
                node=TextNode(
                    id_=c.section.name, text=c.section.text, metadata=c.section.metadata()
                )
            )
            for c in answer.citations
        ]
        return Response(
            answer.markdown, source_nodes=nodes, metadata=record_of(answer).model_dump(mode="json")
        )
