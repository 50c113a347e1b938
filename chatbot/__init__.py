"""Answers to questions about daily AI-paper reports, each sentence with the section it stands on.

>>> from chatbot import Chatbot
>>> answer = Chatbot.open().answer("GRU-Mem 的推理速度提升了多少？")
>>> print(answer.markdown)
>>> for citation in answer.citations:
...     print(citation.n, citation.section.name, citation.quotes[0].text)

The parts it is made of are LlamaIndex's, and each can be taken alone or given another for:
`ReportReader` → `SectionParser` on the way in; `SectionRetriever` → `ModelReranker` →
`ReportQueryEngine`, asked with a `ReportQuery`, on the way out.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from chatbot.answering.engine import ReportQueryEngine
    from chatbot.bot import Chatbot
    from chatbot.index.documents import ReportReader, SectionParser
    from chatbot.retrieval.retriever import ModelReranker, ReportQuery, SectionRetriever

__all__ = [
    "Chatbot",
    "ModelReranker",
    "ReportQuery",
    "ReportQueryEngine",
    "ReportReader",
    "SectionParser",
    "SectionRetriever",
    "__version__",
]
__version__ = "0.1.0"
_MODULES = {
    "Chatbot": "chatbot.bot",
    "ModelReranker": "chatbot.retrieval.retriever",
    "ReportQuery": "chatbot.retrieval.retriever",
    "ReportQueryEngine": "chatbot.answering.engine",
    "ReportReader": "chatbot.index.documents",
    "SectionParser": "chatbot.index.documents",
    "SectionRetriever": "chatbot.retrieval.retriever",
}


def __getattr__(name: str) -> Any:
    """Import what is asked for, then.

    The packages behind it take seconds, and `chatbot --help` needs none.
    """
    if name not in _MODULES:
        raise AttributeError(name)
    return getattr(import_module(_MODULES[name]), name)
