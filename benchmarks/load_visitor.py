"""A visitor for `make bench-load`: what the page's own front end sends and reads, over HTTP.

The page's events are found in its ``/config``, as the front end does; each is put into gradio's
queue and followed until the queue has nothing more for this visitor.
"""

import asyncio
import json
import time
import uuid
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import httpx
from gradio_client.utils import apply_diff

_UNTIL_TEXT = {"", "…"}
# What a browser fills the one number in with that the page leaves open.
_WIDTH = 1440


@dataclass(frozen=True, slots=True)
class Events:
    """The numbers of the page's events that a conversation goes through."""

    loading: tuple[int, ...]
    typed: int
    answering: int
    ended: int
    refreshed: int
    inputs: dict[int, tuple[int, ...]]
    outputs: dict[int, tuple[int, ...]]
    start: dict[int, Any]

    @classmethod
    def of(cls, config: dict[str, Any]) -> "Events":
        """Find them: what the question box's Enter leads to, one after the other."""
        parts = {part["id"]: part for part in config["components"]}
        named = {part["props"].get("elem_id"): part["id"] for part in config["components"]}
        known = [event for event in config["dependencies"] if event["backend_fn"]]

        def after(event: dict[str, Any]) -> dict[str, Any]:
            return next(one for one in known if one["trigger_after"] == event["id"])

        def on(part: int, trigger: str) -> dict[str, Any]:
            return next(one for one in known if [part, trigger] in map(list, one["targets"]))

        typed = on(named["question"], "submit")
        answering = after(typed)
        ended = after(answering)
        return cls(
            tuple(e["id"] for e in known if any(t[1] == "load" for t in e["targets"])),
            typed["id"],
            answering["id"],
            ended["id"],
            on(ended["outputs"][0], "change")["id"],
            {event["id"]: tuple(event["inputs"]) for event in known},
            {event["id"]: tuple(event["outputs"]) for event in known},
            {part: _start(held) for part, held in parts.items()},
        )


def _start(part: dict[str, Any]) -> Any:
    value = part["props"].get("value")
    return _WIDTH if value is None and part["type"] == "number" else value


@dataclass(frozen=True, slots=True)
class Answered:
    """A turn: seconds from sending to the first text and to the whole answer."""

    first: float
    whole: float


class LostTurnError(Exception):
    """A turn that was not answered whole."""


class Visitor:
    """A browser on the page: what its components hold, and one stream of gradio's queue."""

    def __init__(self, client: httpx.AsyncClient, url: str) -> None:
        self._client, self._url = client, url
        self._session = uuid.uuid4().hex[:12]
        self._values: dict[int, Any] = {}
        self._events: Events | None = None

    @property
    def conversation(self) -> str:
        """The id of the open conversation."""
        assert self._events
        return str(self._values[self._events.inputs[self._events.answering][0]])

    async def open(self) -> None:
        """Open the page: its HTML, its configuration, and what is asked when it has come."""
        (await self._client.get(self._url)).raise_for_status()
        config = await self._client.get(f"{self._url}/config")
        self._events = await asyncio.to_thread(Events.of, config.json())
        self._values = dict(self._events.start)
        async for _ in self._asked(*self._events.loading):
            pass

    def go_on(self, conversation: str) -> None:
        """Go on with a saved conversation, as opened from the list."""
        assert self._events
        self._values[self._events.inputs[self._events.answering][0]] = conversation

    async def ask(self, question: str) -> Answered:
        """Ask a question and wait for the whole answer, and until the page is at rest.

        Raises:
            LostTurnError: it was not begun, or not answered whole.
        """
        events = self._events
        assert events
        begun = time.perf_counter()
        self._values[events.inputs[events.typed][0]] = question
        async for _ in self._asked(events.typed):
            pass
        first = 0.0
        async for _ in self._asked(events.answering):
            if not first and self._shown(events) not in _UNTIL_TEXT:
                first = time.perf_counter() - begun
        whole = time.perf_counter() - begun
        if 'class="by"' not in self._shown(events):
            raise LostTurnError(f"the answer ends in {self._shown(events)[-60:]!r}")
        for event in (events.ended, events.refreshed):
            async for _ in self._asked(event):
                pass
        return Answered(first, whole)

    def _shown(self, events: Events) -> str:
        """The text of the last message, where it is the answer."""
        messages = self._values[events.outputs[events.answering][0]]
        last: Any = messages[-1] if messages else {"role": "user"}
        if last["role"] == "user" or (last.get("metadata") or {}).get("title"):
            return ""
        content = last["content"]
        return content if isinstance(content, str) else "".join(p.get("text", "") for p in content)

    async def _asked(self, *numbers: int) -> AsyncIterator[None]:
        """Ask events; once for each change of what the components hold."""
        running: dict[str, int] = {}
        for number in numbers:
            running[await self._join(number)] = number
        seen: dict[str, list[Any]] = {}
        where = {"session_hash": self._session}
        async with self._client.stream(
            "GET", f"{self._url}/gradio_api/queue/data", params=where
        ) as stream:
            async for line in stream.aiter_lines():
                if not line.startswith("data:"):
                    continue
                message = json.loads(line[5:])
                if message["msg"] == "close_stream":
                    return
                if self._taken(message, running, seen):
                    yield
        raise LostTurnError("the stream ended early")

    async def _join(self, number: int) -> str:
        assert self._events
        body = {
            "data": [self._values.get(part) for part in self._events.inputs[number]],
            "fn_index": number,
            "session_hash": self._session,
            "event_data": None,
        }
        joined = await self._client.post(f"{self._url}/gradio_api/queue/join", json=body)
        if joined.status_code != 200:
            raise LostTurnError(f"{joined.status_code}: {joined.text[:200]}")
        return str(joined.json()["event_id"])

    def _taken(
        self, message: dict[str, Any], running: dict[str, int], seen: dict[str, list[Any]]
    ) -> bool:
        """Take a message of the queue in; whether it changed anything."""
        if message["msg"] not in {"process_generating", "process_completed"}:
            return False
        event, output = message["event_id"], message["output"]
        if not message["success"]:
            raise LostTurnError(str(output)[:200])
        if message["msg"] == "process_generating" and event in seen:
            data = [
                apply_diff(old, new) for old, new in zip(seen[event], output["data"], strict=True)
            ]
        else:
            data = output["data"]
        if message["msg"] == "process_generating":
            seen[event] = data
        assert self._events
        for part, value in zip(self._events.outputs[running[event]], data, strict=True):
            self._put(part, value)
        return True

    def _put(self, part: int, value: Any) -> None:
        """A component's new value, unless only its looks change or nothing does."""
        if isinstance(value, dict) and value.get("__type__") == "update":
            if "value" in value:
                self._values[part] = value["value"]
        elif value is not None:
            self._values[part] = value
