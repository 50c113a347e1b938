"""A function made ready for programs to call: arguments checked, errors in one line.

Its type hints carry the limits of its arguments (pydantic's), which gradio does not look at.
"""

import functools
import inspect
import json
import logging
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import gradio as gr
from anyio import CapacityLimiter, to_thread
from gradio.context import LocalContext
from pydantic import BaseModel, ValidationError, create_model

from chatbot.errors import ChatbotError
from chatbot.ui.admission import Admit
from chatbot.ui.requests import visit_of
from chatbot.ui.wording.access import TEXTS
from chatbot.visits import visiting

logger = logging.getLogger(__name__)

_MOST_WAITING, _BUSY_SECONDS = 64, 10


class RefusedError(gr.Error):
    """What a caller is told: one line. gradio's own error would come to MCP clients in quotes."""

    def __init__(self, line: str) -> None:
        super().__init__(line, print_exception=False)

    def __str__(self) -> str:
        return str(self.message)


def endpoint_of(
    function: Callable[..., Any], limiter: CapacityLimiter, admit: Admit | None = None
) -> Callable[..., Awaitable[Any]]:
    """The function as gradio is to call it, in a thread of those that `limiter` grants.

    It raises a `RefusedError` with the text of a `ChatbotError`; of other errors it tells nothing.
    A caller whom `admit` refuses, or who would wait in too long a line, is told when to come back.
    """
    arguments = _arguments_of(function)

    @functools.wraps(function)
    async def endpoint(*given: Any) -> Any:
        _let_in(limiter, admit)
        named = dict(zip(arguments.model_fields, given, strict=False))
        call = functools.partial(_called, function, arguments, named, as_text=_by_mcp())
        request = LocalContext.request.get(None)
        with visiting(visit_of(request, "mcp" if _by_mcp() else "api")):
            return await to_thread.run_sync(call, limiter=limiter)

    return endpoint


def _let_in(limiter: CapacityLimiter, admit: Admit | None) -> None:
    if limiter.statistics().tasks_waiting >= _MOST_WAITING:
        raise RefusedError(TEXTS["en"].busy.format(seconds=_BUSY_SECONDS))
    if admit is None:
        return
    try:
        admit(LocalContext.request.get(None), "en")
    except ChatbotError as error:
        raise RefusedError(str(error)) from error


def _called(
    function: Callable[..., Any],
    arguments: type[BaseModel],
    named: Mapping[str, Any],
    *,
    as_text: bool,
) -> Any:
    try:
        result = function(**_checked(arguments, named))
        return json.dumps(result, ensure_ascii=False) if as_text else result
    except ChatbotError as error:
        raise RefusedError(str(error)) from error
    except Exception as error:
        logger.exception("a call of %s failed", function.__name__)
        raise RefusedError("internal error; the server's log says more") from error


def _arguments_of(function: Callable[..., Any]) -> type[BaseModel]:
    """A model of a function's arguments."""
    fields: dict[str, Any] = {
        name: (argument.annotation, ... if argument.default is argument.empty else argument.default)
        for name, argument in inspect.signature(function).parameters.items()
    }
    return create_model(function.__name__, **fields)


def _checked(arguments: type[BaseModel], named: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments, checked; null is as good as left out.

    Raises:
        ChatbotError: one of them cannot be used.
    """
    try:
        found = arguments.model_validate({k: v for k, v in named.items() if v is not None})
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise ChatbotError(f"{where}: {first['msg']}") from error
    return {name: getattr(found, name) for name in arguments.model_fields}


def _by_mcp() -> bool:
    """Whether an MCP client called: it is given text, which gradio would write as Python does."""
    request = LocalContext.request.get(None)
    return request is not None and request.url.path.startswith("/gradio_api/mcp")
