"""What goes wrong with a model's server, in one line: what, where, what to do; never the key."""

import re
import socket
from collections.abc import Mapping
from http import HTTPStatus
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from chatbot.config import Settings
from chatbot.errors import ConfigurationError, ModelError, TooLongError

if TYPE_CHECKING:
    import openai


OPENAI_URL = "https://api.openai.com/v1"
_LOOKS_LIKE_A_KEY = re.compile(r"sk-[^\s\"',;)\]}]+|[^\s\"':=]{0,200}\*{3,}[^\s\"',;)\]}]*")
_TOO_LONG = re.compile(r"(?i)context.{0,20}(length|window|size)|(prompt|input) is too long")
BROKE_OFF = ("broke off in mid-answer", "ask again")
FILTERED = ("withheld the answer (content filter)", "ask in other words")
_OVER_LONG = ("was given more text than it can read", "lower CHATBOT_LLM_CONTEXT to its limit")
# What helps where the model is the embedding's, which has a server and a key of its own.
_OF_EMBEDDING = (
    (_OVER_LONG[1], "name a model in CHATBOT_EMBEDDING that reads more"),
    ("OPENAI_", "CHATBOT_EMBEDDING_"),
)
_NO_QUOTA = ("has no quota left on this account", "check its plan and billing")
_BY_CODE = {
    "content_filter": FILTERED,
    "content_policy_violation": FILTERED,
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
# Waits a server asks for that are longer are left to the reader.
_LONGEST_WAIT = 15.0
_SHORT_WAIT = 0.5


class BadAnswerError(Exception):
    """The server answered, but not with an answer; holds what is wrong and what to do."""


def sent_key(settings: Settings, variable: str) -> str:
    """The key as a client takes it, which wants one; `variable` is where it was read from.

    Raises:
        ConfigurationError: no header can hold it.
    """
    if not (settings.key.isascii() and settings.key.isprintable()):
        raise ConfigurationError(f"{variable}: holds characters no key has; paste it again")
    return settings.key or "none"


def seconds_to_wait(error: "openai.APIStatusError") -> float | None:
    """How long to wait before a busy or failing server is asked again; None to leave it."""
    if error.code == "insufficient_quota":
        return None
    try:
        wait = float(error.response.headers.get("retry-after", _SHORT_WAIT))
    except ValueError:  # a date
        return None
    return max(0.0, wait) if wait <= _LONGEST_WAIT else None


def model_error(error: Exception, settings: Settings, name: str, variable: str) -> ModelError:
    """One line: which model, where, what is wrong, what to do; the key is struck out.

    `variable` is the one that names the model.
    """
    host = urlsplit(settings.openai_base_url or OPENAI_URL).netloc.rpartition("@")[2]
    what, remedy = (_scrub(words, settings.key) for words in _explain(error))
    kind = TooLongError if remedy.startswith(_OVER_LONG[1]) else ModelError
    for of_chat, own in _OF_EMBEDDING if variable == "CHATBOT_EMBEDDING" else ():
        remedy = remedy.replace(of_chat, own)
    return kind(f"{name} at {host} {what[:300]}; {remedy[:100].replace('$MODEL', variable)}")


def _explain(error: Exception) -> tuple[str, str]:
    import httpx
    import openai

    match error:
        case BadAnswerError():
            return error.args[0], error.args[1]
        case TimeoutError() | httpx.TimeoutException() | openai.APITimeoutError():
            return "did not finish in time", "ask again, or raise CHATBOT_LLM_TIMEOUT"
        case openai.APIConnectionError():
            return _explain_connection(error)
        case openai.APIError():
            return _explain_reply(error)
        case httpx.TransportError():
            return BROKE_OFF
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
            return f"cannot be reached: {one_line(cause)}", remedy


def _explain_reply(error: "openai.APIError") -> tuple[str, str]:
    status, body = getattr(error, "status_code", None), error.body
    if isinstance(body, Mapping):
        said = one_line(body.get("message") or body.get("detail") or "")
    else:  # a page of HTML says nothing
        said = one_line("" if str(body).lstrip().startswith("<") else body or "")
    what, remedy = _verdict(error.code, status, said)
    headers: Mapping[str, str] = getattr(getattr(error, "response", None), "headers", {})
    if wait := headers.get("retry-after"):
        remedy += f" (Retry-After: {one_line(wait)})"
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


def one_line(words: object) -> str:
    """Whatever a server says, as one printable line."""
    printable = "".join(char if char.isprintable() else " " for char in str(words))
    return " ".join(printable.split()).rstrip(".")


def _scrub(text: str, key: str) -> str:
    return _LOOKS_LIKE_A_KEY.sub("[key]", text.replace(key, "[key]") if key else text)
