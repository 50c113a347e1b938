"""Calls to a language model, recorded as readable files and replayed without any network.

A recording is found by a hash of all that decides an answer: model, messages, parameters, prompt
and repeat. A changed prompt or section is thus a call that was never recorded, and replay says so
instead of answering with what was said to another text.
"""

import datetime as dt
import hashlib
import json
import re
import socket
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from string import Template
from typing import Any, Literal

from pydantic import BaseModel, ValidationError

from chatbot.config import PROMPTS
from chatbot.errors import ChatbotError
from chatbot.files import write_atomically
from chatbot.llm.client import TEMPERATURE, ChatModel, ChatTurn, Chunk, TokenUsage
from chatbot.llm.prompts import Prompt, load_prompt

Mode = Literal["replay", "record", "live"]
_LOOKS_LIKE_A_KEY = re.compile(r"(?<![A-Za-z0-9])sk-[A-Za-z0-9_-]{16,}")
_INTERNET = frozenset({socket.AF_INET, socket.AF_INET6})


@dataclass(frozen=True, slots=True)
class NoModel:
    """Stands for a model that only its recordings are left of."""

    name: str
    context_tokens: int

    def stream(
        self,
        turns: Sequence[ChatTurn],  # noqa: ARG002 - as `ChatModel` has it
        shape: type[BaseModel] | None = None,  # noqa: ARG002 - as `ChatModel` has it
    ) -> Iterator[Chunk]:
        """Nothing: it cannot be asked.

        Raises:
            ChatbotError: always.
        """
        raise ChatbotError(f"{self.name} cannot be asked; set OPENAI_API_KEY or OPENAI_BASE_URL")


def recorded(model: ChatModel, folder: Path, mode: Mode, repeat: int = 0) -> ChatModel:
    """`model` as its recordings in `folder` have it.

    In ``replay`` it is never asked (a `NoModel` will do), in ``record`` only for what has no
    recording yet, in ``live`` always, and nothing is kept. Asked to record, it answers once the
    whole answer is saved, and with that: the first run sees what each later one will. `repeat`
    tells apart the runs of one question that is asked several times.

    Raises:
        ChatbotError: from `stream`: there is no such recording, it cannot be read or written, or
            it would hold what looks like a key. A call that ends in a `ModelError` is not recorded.
        PromptError: a prompt file cannot be used.
    """
    return model if mode == "live" else _Recorded(model, folder, mode, repeat)


class _Stored(BaseModel):
    """What a recording gives back."""

    answer: str
    usage: TokenUsage | None


class _Recorded:
    """A model behind its recordings."""

    def __init__(self, model: ChatModel, folder: Path, mode: Mode, repeat: int) -> None:
        self._model, self._folder, self._mode, self._repeat = model, folder, mode, repeat
        self._prompts = tuple(load_prompt(path.stem) for path in sorted(PROMPTS.glob("*.md")))
        self._under_way: dict[str, threading.Lock] = {}

    @property
    def name(self) -> str:
        return self._model.name

    @property
    def context_tokens(self) -> int:
        return self._model.context_tokens

    def stream(
        self, turns: Sequence[ChatTurn], shape: type[BaseModel] | None = None
    ) -> Iterator[Chunk]:
        request = self._request(turns, shape)
        path = self._folder / f"{_key_of(request)}.json"
        with self._under_way.setdefault(path.name, threading.Lock()):  # two that ask the same
            if not path.exists():
                if self._mode == "replay":
                    raise ChatbotError(self._miss(request))
                _write(path, request, self._model.stream(turns, shape))
            stored = _read(path)
        yield Chunk(stored.answer)
        if stored.usage is not None:
            yield Chunk(usage=stored.usage)

    def _request(
        self, turns: Sequence[ChatTurn], shape: type[BaseModel] | None
    ) -> dict[str, object]:
        prompt = _prompt_of(turns, self._prompts)
        return {
            "model": self.name,
            "prompt": prompt and {"name": prompt.name, "version": prompt.version},
            "parameters": {
                "temperature": TEMPERATURE,
                "shape": shape and shape.model_json_schema(),
            },
            "repeat": self._repeat,
            "messages": [asdict(turn) for turn in turns],
        }

    def _miss(self, request: Mapping[str, Any]) -> str:
        prompt = request["prompt"]
        named = f"prompt {prompt['name']} ({prompt['version']})" if prompt else "an unknown prompt"
        return (
            f"no recording in {self._folder} of what {self.name} says to {named}, repeat "
            f"{self._repeat}; record it: chatbot eval --mode record"
        )


def _key_of(request: Mapping[str, object]) -> str:
    canonical = json.dumps(request, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).hexdigest()


def _prompt_of(turns: Sequence[ChatTurn], prompts: Sequence[Prompt]) -> Prompt | None:
    """The prompt that these turns were made with, told by how their system turn begins."""
    said = next((turn.content for turn in turns if turn.role == "system"), "")
    able = [prompt for prompt in prompts if (o := _opening(prompt)) and said.startswith(o)]
    return max(able, key=lambda prompt: len(_opening(prompt)), default=None)


def _opening(prompt: Prompt) -> str:
    """The text of its system turn before the first variable."""
    text = prompt.system.template
    marks = Template.pattern.finditer(text)
    end = next((mark.start() for mark in marks if mark["escaped"] is None), len(text))
    return text[:end].replace("$$", "$")


def _write(path: Path, request: Mapping[str, object], answer: Iterator[Chunk]) -> None:
    chunks = list(answer)
    text = "".join(chunk.text for chunk in chunks)
    usage = next((chunk.usage for chunk in reversed(chunks) if chunk.usage), None)
    recording = {
        "recorded": dt.datetime.now(dt.UTC).isoformat(timespec="seconds"),
        "request": request,
        "answer": text,
        "usage": usage and asdict(usage),
    }
    if any(_LOOKS_LIKE_A_KEY.search(said) for said in _texts(recording)):
        raise ChatbotError(
            "not recorded: question, sources or answer hold what looks like an API key (sk-…); "
            "take it out and ask again"
        )
    # Half a character, of a server that cut one in two, has no UTF-8.
    data = json.dumps(recording, ensure_ascii=False, indent=1).encode(errors="replace")
    try:
        write_atomically(path, data + b"\n")
    except OSError as error:
        raise ChatbotError(f"{path} cannot be written: {error.strerror}") from error


def _texts(value: object) -> Iterator[str]:
    """All strings within a JSON value, names of fields too."""
    if isinstance(value, Mapping):
        for name, held in value.items():
            yield from (str(name), *_texts(held))
    elif isinstance(value, list):
        for held in value:
            yield from _texts(held)
    elif isinstance(value, str):
        yield value


def _read(path: Path) -> _Stored:
    try:
        return _Stored.model_validate_json(path.read_bytes())
    except (OSError, ValidationError) as error:
        raise ChatbotError(f"{path} is no recording; delete it and record again") from error


@contextmanager
def no_network() -> Iterator[None]:
    """While active, no new connection leaves this process but to Unix sockets.

    Raises:
        ChatbotError: where a connection is attempted; and at the end once more, since whoever
            attempted it may have taken the error for a server that is down.
    """
    attempts: list[str] = []
    with ExitStack() as guards:
        for method in ("connect", "connect_ex"):
            guards.callback(_guard(method, attempts))
        yield
    if attempts:
        raise ChatbotError(attempts[0])


def _guard(method: str, attempts: list[str]) -> Callable[[], None]:
    """Put a guard before a method of sockets; what is returned takes it away."""
    guarded_class, is_own = socket.socket, method in vars(socket.socket)
    real = getattr(guarded_class, method)
    active = True

    def guarded(self: socket.socket, address: Any) -> Any:
        if active and self.family in _INTERNET:
            attempts.append(
                f"{address} was not connected to: in replay nothing may connect; choose --mode "
                "record or live, or settings that need no server"
            )
            self.close()  # whoever opened it looks out for other errors only
            raise ChatbotError(attempts[-1])
        return real(self, address)

    def remove() -> None:
        nonlocal active
        active = False
        if vars(guarded_class).get(method) is not guarded:
            return  # a guard that came later stands on this one
        if is_own:
            setattr(guarded_class, method, real)
        else:
            delattr(guarded_class, method)

    setattr(guarded_class, method, guarded)
    return remove
