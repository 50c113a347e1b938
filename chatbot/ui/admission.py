"""How many questions a visitor may ask in a minute, by user and by address."""

import math
from collections.abc import Callable

import gradio as gr
from starlette.requests import HTTPConnection

from chatbot.errors import ChatbotError
from chatbot.limiting import Allowance, Limiter
from chatbot.retrieval.models import Language
from chatbot.ui.language import language_of_visitor
from chatbot.ui.visitor import visitor_of
from chatbot.ui.wording.access import TEXTS

_MINUTE = 60.0

Admit = Callable[[gr.Request | HTTPConnection | None, Language | None], None]


def admission(rate: int) -> Admit:
    """A function that counts a visitor's question, or raises `ChatbotError` with when to come back.

    It takes the request, and the language to refuse in, by default the visitor's.
    """
    limiter, allowance = Limiter(), Allowance(rate, _MINUTE / rate)

    def admit(
        request: gr.Request | HTTPConnection | None, language: Language | None = None
    ) -> None:
        wait = limiter.take(dict.fromkeys(visitor_of(request).keys, allowance))
        if wait:
            spoken = language or language_of_visitor(dict(request.headers) if request else {})
            text = TEXTS[spoken].too_fast
            raise ChatbotError(text.format(rate=rate, seconds=math.ceil(wait)))

    return admit
