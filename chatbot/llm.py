"""The one place that makes a language model: OpenAI, any OpenAI-compatible server, or none."""

import logging
import re
import socket
import sys
import threading
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from http import HTTPStatus
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, Any, Literal, Protocol
from urllib.parse import urlsplit

from chatbot.config import Settings
from chatbot.errors import ConfigurationError, ModelError

if TYPE_CHECKING:
    import httpx
    import openai
    from llama_index.core.llms import ChatResponse
    from llama_index.llms.openai_like import OpenAILike

OPENAI_URL = "https://api.openai.com/v1"
TEMPERATURE = 0.1

logger = logging.getLogger(__name__)

_TAKES_NO_TEMPERATURE = re.compile(r"(.*/)?(o\d|gpt-[5-9])")
_LOOKS_LIKE_A_KEY = re.compile(r"sk-[^\s\"',;)\]}]+|[^\s\"':=]*\*{3,}[^\s\"',;)\]}]*")
_TOO_LONG = re.compile(r"(?i)context.{0,20}(length|window|size)|(prompt|input) is too long")
_BROKE_OFF = ("broke off in mid-answer", "ask again")
_FILTERED = ("withheld the answer (content filter)", "ask in other words")
_OVER_LONG = ("was given more text than it can read", "lower CHATBOT_LLM_CONTEXT to its limit")
_NO_QUOTA = ("has no quota left on this account", "check its plan and billing")
_BY_CODE = {
    "content_filter": _FILTERED,
    "content_policy_violation": _FILTERED,
    "context_length_exceeded": _OVER_LONG,
    "insufficient_quota": _NO_QUOTA,
}
_BY_STATUS = {
    401: ("refused the key", "check OPENAI_API_KEY"),
    402: _NO_QUOTA,
    403: ("does not allow this", "check what OPENAI_API_KEY may use, and from where"),
    404: ("was not found", "check $MODEL and OPENAI_BASE_URL"),
    413: _OVER_LONG,
    429: ("takes no more requests for now", "ask again later"),
}


@dataclass(frozen=True, slots=True)
class ChatTurn:
    """One message to the model."""

    role: Literal["system", "user", "assistant"]
    content: str


@dataclass(frozen=True, slots=True)
class TokenUsage:
    """What one call cost, as the server counts it."""

    prompt_tokens: int
    completion_tokens: int


@dataclass(frozen=True, slots=True)
class Chunk:
    """A piece of the answer; usage, of servers that count, comes in a last chunk without text."""

    text: str = ""
    usage: TokenUsage | None = None


class ChatModel(Protocol):
    """A language model that answers in pieces."""

    @property
    def name(self) -> str:
        """The model's name, for the reader."""
        ...

    @property
    def context_tokens(self) -> int:
        """How many tokens prompt and answer may take together."""
        ...

    def stream(self, turns: Sequence[ChatTurn]) -> Iterator[Chunk]:
        """The answer as it is written; closing the iterator ends the request.

        Raises:
            ModelError: the model refused, broke off, wrote nothing or took too long.
        """
        ...


def open_chat_model(settings: Settings) -> ChatModel | None:
    """The model the settings name, or None when they hold neither a key nor a server.

    Nothing is asked of the server yet.

    Raises:
        ConfigurationError: the key or the model's name can never work.
    """
    return _OpenAIChat(settings) if settings.has_llm else None


class _OpenAIChat:
    """A chat model behind OpenAI's protocol."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        key = _key(settings)
        if not (key.isascii() and key.isprintable()):
            raise ConfigurationError("OPENAI_API_KEY: holds characters no key has; paste it again")
        self._options: dict[str, object] = {"stream_options": {"include_usage": True}}
        if not _TAKES_NO_TEMPERATURE.match(settings.llm):
            self._options["temperature"] = TEMPERATURE
        try:
            self._client()
        except ValueError as error:  # a model that only another protocol serves
            raise ConfigurationError(f"CHATBOT_LLM: {error}") from error

    @property
    def name(self) -> str:
        return self._settings.llm

    @property
    def context_tokens(self) -> int:
        return self._settings.llm_context

    def stream(self, turns: Sequence[ChatTurn]) -> Iterator[Chunk]:
        call = _Call(self._settings.llm_timeout)
        reader = threading.Thread(
            target=self._read, args=(call, tuple(turns)), name="llm-reader", daemon=True
        )
        reader.start()
        try:
            while (item := call.take()) is not None:
                if isinstance(item, Exception):
                    # Out of any except block: no traceback leads to what the server said.
                    raise _model_error(item, self._settings, self.name, "CHATBOT_LLM")
                yield item
        finally:
            call.cut()

    def _read(self, call: "_Call", turns: Sequence[ChatTurn]) -> None:
        try:
            for chunk in self._answer(call, turns):
                call.give(chunk)
            call.end()
        except Exception as error:  # noqa: BLE001 - whatever it is, the one who waits must hear of it
            call.end(error)

    def _answer(self, call: "_Call", turns: Sequence[ChatTurn]) -> Iterator[Chunk]:
        """The answer; an option this server refuses is left out, now and from now on."""
        import openai

        options = dict(self._options)
        while True:
            try:
                yield from self._ask(call, turns, options)
            except (openai.BadRequestError, openai.UnprocessableEntityError) as error:
                refused = next((name for name in options if name in str(error.body)), None)
                if refused is None:
                    raise
                del options[refused]
                self._options.pop(refused, None)
            else:
                return

    def _ask(
        self, call: "_Call", turns: Sequence[ChatTurn], options: Mapping[str, object]
    ) -> Iterator[Chunk]:
        import openai
        from llama_index.core.llms import ChatMessage

        messages = [ChatMessage(role=turn.role, content=turn.content) for turn in turns]
        with openai.DefaultHttpxClient(event_hooks={"request": [call.watch]}) as http_client:
            model = self._client(http_client)
            sent = {"temperature": openai.omit, **options}
            yield from _chunks(model.stream_chat(messages, **sent))

    def _client(self, http_client: "httpx.Client | None" = None) -> "OpenAILike":
        from llama_index.core.callbacks import CallbackManager
        from llama_index.llms.openai_like import OpenAILike

        return OpenAILike(
            model=self.name,
            api_base=self._settings.openai_base_url or OPENAI_URL,
            api_key=_key(self._settings) or "none",
            context_window=self.context_tokens,
            is_chat_model=True,
            is_function_calling_model=False,
            max_retries=0,
            timeout=self._settings.llm_timeout,
            callback_manager=CallbackManager([]),
            http_client=http_client,
        )


class _Call:
    """One request under one deadline: what its reader thread hands over, and the socket to cut.

    The HTTP client's own timeouts are for one read each: a trickle would outlast them, and a
    look-up of the host's name has none at all.
    """

    def __init__(self, seconds: float) -> None:
        self._deadline = time.monotonic() + seconds
        self._items: SimpleQueue[Chunk | Exception | None] = SimpleQueue()
        self._socket: socket.socket | None = None
        self._ended = False

    def give(self, chunk: Chunk) -> None:
        if time.monotonic() > self._deadline:
            raise TimeoutError
        self._items.put(chunk)

    def end(self, error: Exception | None = None) -> None:
        self._items.put(error)

    def take(self) -> Chunk | Exception | None:
        try:
            return self._items.get(timeout=max(0.0, self._deadline - time.monotonic()))
        except Empty:
            return TimeoutError()

    def watch(self, request: "httpx.Request") -> None:
        request.extensions["trace"] = self._trace

    def _trace(self, _event: str, info: Mapping[str, Any]) -> None:
        stream = info.get("return_value")
        if get_extra_info := getattr(stream, "get_extra_info", None):  # connected, or TLS put on
            self._socket = get_extra_info("socket")
            if self._ended:
                self.cut()

    def cut(self) -> None:
        """End the request, wherever it is; unlike closing, this wakes a thread that reads."""
        self._ended = True
        if self._socket is not None:
            with suppress(OSError):
                socket.socket.shutdown(self._socket, socket.SHUT_RDWR)


class _BadAnswerError(Exception):
    """The server answered, but not with an answer; holds what is wrong and what to do."""


def _chunks(responses: "Iterable[ChatResponse]") -> Iterator[Chunk]:
    seen, usage, finish, refusal, text = False, None, None, "", ""
    for response in responses:
        seen = True
        usage = _usage(response) or usage
        for choice in getattr(response.raw, "choices", ())[:1]:
            finish = getattr(choice, "finish_reason", None) or finish
            refusal += getattr(choice.delta, "refusal", None) or ""
        if response.delta:
            text = text or response.delta.strip()
            yield Chunk(response.delta)
    if not seen:
        raise _BadAnswerError("answered with no text at all", "check OPENAI_BASE_URL")
    _check_ending(finish, text, refusal)
    if usage is not None:
        yield Chunk(usage=usage)


def _check_ending(finish: str | None, text: str, refusal: str) -> None:
    if finish is None:
        raise _BadAnswerError(*_BROKE_OFF)
    if finish == "content_filter":
        raise _BadAnswerError(*_FILTERED)
    if refusal:
        raise _BadAnswerError(f"declined: {_one_line(refusal)}", "ask in other words")
    if not text:
        ending = f"ended its answer without any text ({finish})"
        raise _BadAnswerError(ending, "ask again, or set another $MODEL")
    if finish == "length":
        logger.warning("the answer was cut at the model's limit of output or context")


def _usage(response: "ChatResponse") -> TokenUsage | None:
    prompt = response.additional_kwargs.get("prompt_tokens")
    completion = response.additional_kwargs.get("completion_tokens")
    if isinstance(prompt, int) and isinstance(completion, int):
        return TokenUsage(prompt, completion)
    return None


# Errors: what went wrong behind the OpenAI client, in one line for the user.


@contextmanager
def openai_errors(settings: Settings) -> Iterator[None]:
    """Turns the OpenAI client's errors into ours, for the embedding model of the settings.

    Raises:
        ModelError: the server did not answer as it should.
    """
    try:
        yield
    except Exception as error:
        openai = sys.modules.get("openai")  # if it was never imported, it raised nothing
        if openai is None or not isinstance(error, openai.OpenAIError):
            raise
        name = settings.embedding.partition(":")[2]
        raise _model_error(error, settings, name, "CHATBOT_EMBEDDING") from None


def _key(settings: Settings) -> str:
    return settings.openai_api_key.get_secret_value().strip() if settings.openai_api_key else ""


def _model_error(error: Exception, settings: Settings, name: str, variable: str) -> ModelError:
    """One line: which model, where, what is wrong, what to do; the key is struck out."""
    host = urlsplit(settings.openai_base_url or OPENAI_URL).netloc.rpartition("@")[2]
    what, remedy = (_scrub(words, _key(settings)) for words in _explain(error))
    return ModelError(f"{name} at {host} {what[:300]}; {remedy[:100].replace('$MODEL', variable)}")


def _explain(error: Exception) -> tuple[str, str]:
    """What is wrong and what to do about it."""
    import httpx
    import openai

    match error:
        case _BadAnswerError():
            return error.args[0], error.args[1]
        case TimeoutError() | httpx.TimeoutException() | openai.APITimeoutError():
            return "did not finish in time", "ask again, or raise CHATBOT_LLM_TIMEOUT"
        case openai.APIConnectionError():
            return _explain_connection(error)
        case openai.APIError():
            return _explain_reply(error)
        case httpx.TransportError():
            return _BROKE_OFF
        case _:  # not JSON, not UTF-8, not of the agreed shape
            what = f"sent what cannot be read ({type(error).__name__})"
            return what, "check that OPENAI_BASE_URL is OpenAI-compatible"


def _explain_connection(error: Exception) -> tuple[str, str]:
    cause: BaseException = error
    while (deeper := cause.__cause__ or cause.__context__) is not None:
        cause = deeper
    remedy = "check OPENAI_BASE_URL and the network"
    match cause:
        case ConnectionRefusedError():
            return "cannot be reached: connection refused", f"is the server running? {remedy}"
        case socket.gaierror():
            return "cannot be reached: no such host", remedy
        case _:
            return f"cannot be reached: {_one_line(cause)}", remedy


def _explain_reply(error: "openai.APIError") -> tuple[str, str]:
    status = getattr(error, "status_code", None)
    said = _one_line(_message(error.body))
    what, remedy = _verdict(error.code, status, said)
    headers: Mapping[str, str] = getattr(getattr(error, "response", None), "headers", {})
    if wait := headers.get("retry-after"):
        remedy += f" (Retry-After: {_one_line(wait)})"
    number = f" (HTTP {status})" if status else ""
    return f"{what}{number}: {said}" if said else f"{what}{number}", remedy


def _verdict(code: str | None, status: int | None, said: str) -> tuple[str, str]:
    if found := _BY_CODE.get(str(code)) or _BY_STATUS.get(status or 0):
        return found
    if _TOO_LONG.search(said):
        return _OVER_LONG
    if status is not None and status < HTTPStatus.INTERNAL_SERVER_ERROR:
        return "refused the request", "check $MODEL and OPENAI_BASE_URL"
    return "failed", "ask again later"


def _message(body: object) -> object:
    """What a server says in an error's body; a page of HTML says nothing."""
    if isinstance(body, Mapping):
        return body.get("message") or body.get("detail") or ""
    return "" if str(body).lstrip().startswith("<") else body or ""


def _one_line(words: object) -> str:
    printable = "".join(char if char.isprintable() else " " for char in str(words))
    return " ".join(printable.split()).rstrip(".")


def _scrub(text: str, key: str) -> str:
    """The text without the key, whole or as servers abridge it."""
    return _LOOKS_LIKE_A_KEY.sub("[key]", text.replace(key, "[key]") if key else text)
