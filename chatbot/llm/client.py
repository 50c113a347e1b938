"""The one place that makes a language model: OpenAI, any OpenAI-compatible server, or none."""

import logging
import re
import socket
import threading
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from contextvars import copy_context
from dataclasses import asdict, dataclass
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, Any, Literal, Protocol

from pydantic import BaseModel

from chatbot.config import Settings
from chatbot.errors import ConfigurationError
from chatbot.llm.provider_errors import (
    BROKE_OFF,
    FILTERED,
    OPENAI_URL,
    BadAnswerError,
    model_error,
    one_line,
    seconds_to_wait,
    sent_key,
)
from chatbot.telemetry.logs import traced

if TYPE_CHECKING:
    import httpx
    from llama_index.core.llms import ChatResponse
    from llama_index.llms.openai_like import OpenAILike


TEMPERATURE = 0.1
_SHAPE = "response_format"
logger = logging.getLogger(__name__)
_TAKES_NO_TEMPERATURE = re.compile(r"(.*/)?(o\d|gpt-[5-9])")


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

    @property
    def context_tokens(self) -> int:
        """How many tokens prompt and answer may take together."""

    def stream(
        self, turns: Sequence[ChatTurn], shape: type[BaseModel] | None = None
    ) -> Iterator[Chunk]:
        """The answer as it is written; closing the iterator ends the request.

        With `shape` the server is asked for JSON of that shape. Some servers cannot, and some only
        say they can: what comes has to be checked.

        Raises:
            ModelError: the model refused, broke off, wrote nothing or took too long.
        """


def complete(
    model: ChatModel, turns: Sequence[ChatTurn], shape: type[BaseModel] | None = None
) -> tuple[str, TokenUsage]:
    """The whole answer at once, and what it cost (nothing, of a server that does not count)."""
    text, usage = "", TokenUsage(0, 0)
    for chunk in model.stream(turns, shape):
        text += chunk.text
        usage = chunk.usage or usage
    return text, usage


def open_chat_model(settings: Settings) -> ChatModel | None:
    """The model the settings name, or None when they hold neither a key nor a server.

    Nothing is asked of the server yet.

    Raises:
        ConfigurationError: the key or the model's name can never work.
    """
    return _OpenAIChat(settings) if settings.has_llm else None


class _OpenAIChat:
    def __init__(self, settings: Settings) -> None:
        import httpx

        self._settings = settings
        self.name, self.context_tokens = settings.llm, settings.llm_context
        self._key = sent_key(settings, "OPENAI_API_KEY")
        self._options: dict[str, object] = {"stream_options": {"include_usage": True}}
        self._takes_shapes = True
        self._trusted = httpx.create_ssl_context()  # read once: 30 ms for each call, else
        if not _TAKES_NO_TEMPERATURE.match(settings.llm):
            self._options["temperature"] = TEMPERATURE
        try:
            self._client()
        except ValueError as error:  # a model that only another protocol serves
            raise ConfigurationError(f"CHATBOT_LLM: {error}") from error

    def stream(
        self, turns: Sequence[ChatTurn], shape: type[BaseModel] | None = None
    ) -> Iterator[Chunk]:
        call = _Call(self._settings.llm_timeout)
        with traced("model") as span:
            reading = copy_context().run  # so that LlamaIndex's own spans are below this one
            told = (self._read, call, tuple(turns), shape)
            threading.Thread(target=reading, args=told, name="llm-reader", daemon=True).start()
            try:
                while (item := call.take()) is not None:
                    if isinstance(item, Exception):
                        # Out of any except block: no traceback leads to what the server said.
                        raise model_error(item, self._settings, self.name, "CHATBOT_LLM")
                    if item.usage:
                        counted = asdict(item.usage).items()
                        span.set_attributes({f"chatbot.{name}": n for name, n in counted})
                    yield item
            finally:
                call.cut()

    def _read(
        self, call: "_Call", turns: Sequence[ChatTurn], shape: type[BaseModel] | None
    ) -> None:
        try:
            for chunk in self._answer(call, turns, shape):
                call.give(chunk)
            call.end()
        except Exception as error:  # noqa: BLE001 - whatever it is, the one who waits must hear of it
            call.end(error)

    def _answer(
        self, call: "_Call", turns: Sequence[ChatTurn], shape: type[BaseModel] | None
    ) -> Iterator[Chunk]:
        """The answer; an option this server refuses is left out, now and from now on.

        A server that fails or is too busy before it wrote anything is asked once more, after as
        long as it says, if there is the time.
        """
        import openai

        options = dict(self._options)
        if shape is not None and self._takes_shapes:
            schema = {"name": shape.__name__.strip("_"), "schema": shape.model_json_schema()}
            options[_SHAPE] = {"type": "json_schema", "json_schema": schema}
        given = asked_again = False
        while True:
            try:
                for chunk in self._ask(call, turns, options):
                    given = True
                    yield chunk
            except (openai.BadRequestError, openai.UnprocessableEntityError) as error:
                refused = next((name for name in options if name in str(error.body)), None)
                if refused is None and _SHAPE in options:
                    refused = _SHAPE  # some servers do not say what they choke on
                if refused is None:
                    raise
                del options[refused]
                self._options.pop(refused, None)
                self._takes_shapes = self._takes_shapes and refused != _SHAPE
            except (openai.RateLimitError, openai.InternalServerError) as error:
                wait = seconds_to_wait(error)
                if given or asked_again or wait is None or not call.wait(wait):
                    raise
                asked_again = True
            else:
                return

    def _ask(
        self, call: "_Call", turns: Sequence[ChatTurn], options: Mapping[str, object]
    ) -> Iterator[Chunk]:
        import openai
        from llama_index.core.llms import ChatMessage

        messages = [ChatMessage(role=turn.role, content=turn.content) for turn in turns]
        hooks = {"request": [call.watch]}
        sent = {"temperature": openai.omit, **options}
        with openai.DefaultHttpxClient(verify=self._trusted, event_hooks=hooks) as http_client:
            yield from _chunks(self._client(http_client).stream_chat(messages, **sent))

    def _client(self, http_client: "httpx.Client | None" = None) -> "OpenAILike":
        from llama_index.core.callbacks import CallbackManager
        from llama_index.llms.openai_like import OpenAILike

        return OpenAILike(
            model=self.name,
            api_base=self._settings.openai_base_url or OPENAI_URL,
            api_key=self._key,
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

    def wait(self, seconds: float) -> bool:
        """Wait so long; False, at once, where the call would be over by then."""
        if time.monotonic() + seconds >= self._deadline:
            return False
        time.sleep(seconds)
        return True

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


def _chunks(responses: "Iterable[ChatResponse]") -> Iterator[Chunk]:
    seen, finish, refusal, text = False, None, "", ""
    usage: TokenUsage | None = None
    for response in responses:
        seen = True
        match response.additional_kwargs:
            case {"prompt_tokens": int(prompt), "completion_tokens": int(completion)}:
                usage = TokenUsage(prompt, completion)
        for choice in getattr(response.raw, "choices", ())[:1]:
            finish = getattr(choice, "finish_reason", None) or finish
            refusal += getattr(choice.delta, "refusal", None) or ""
        if response.delta:
            text = text or response.delta.strip()
            yield Chunk(response.delta)
    if not seen:
        raise BadAnswerError("answered with no text at all", "check OPENAI_BASE_URL")
    _check_ending(finish, text, refusal)
    if usage is not None:
        yield Chunk(usage=usage)


def _check_ending(finish: str | None, text: str, refusal: str) -> None:
    if finish is None:
        raise BadAnswerError(*BROKE_OFF)
    if finish == "content_filter":
        raise BadAnswerError(*FILTERED)
    if refusal:
        raise BadAnswerError(f"declined: {one_line(refusal)}", "ask in other words")
    if not text:
        ending = f"ended its answer without any text ({finish})"
        raise BadAnswerError(ending, "ask again, or set another $MODEL")
    if finish == "length":
        logger.warning("the answer was cut at the model's limit of output or context")
