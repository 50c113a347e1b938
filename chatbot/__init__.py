"""Answers to questions about daily AI-paper reports, each sentence with the section it stands on.

>>> from chatbot import Chatbot
>>> answer = Chatbot.open().answer("GRU-Mem 的推理速度提升了多少？")
>>> print(answer.markdown)
>>> for citation in answer.citations:
...     print(citation.n, citation.section.name, citation.quotes[0].text)
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from chatbot.bot import Chatbot

__all__ = ["Chatbot", "__version__"]
__version__ = "0.1.0"


def __getattr__(name: str) -> Any:
    """Import `Chatbot` when it is asked for.

    The packages behind it take seconds, and `chatbot --help` needs none.
    """
    if name == "Chatbot":
        from chatbot.bot import Chatbot

        return Chatbot
    raise AttributeError(name)
