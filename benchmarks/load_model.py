"""A fake language model for `make bench-load`: many streams at once, each at a steady pace.

It speaks OpenAI's protocol over plain sockets, so that it costs next to nothing beside the page:
what it measures of itself, how late its tokens leave, is told at ``/late``.
"""

import asyncio
import contextlib
import json
import re
import time
from multiprocessing.connection import Connection

TOKENS, A_SECOND = 140, 30
_CHARACTERS_A_TOKEN = 1.6  # of Chinese, as tokenizers of 100,000 words cut it
_SOURCE = re.compile(r'<source n="(\d+)"[^>]*>(.*?)</source', re.DOTALL)
_QUESTION = re.compile(r"<question[^>]*>\s*(.*?)\s*</question", re.DOTALL)
_SENTENCE = re.compile(r"[^。\n]{8,120}。")
_START = (
    b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n"
    b"Transfer-Encoding: chunked\r\nConnection: close\r\n\r\n"
)


class FakeModel:
    """Answers every chat request with sentences of its prompt's sources, cited.

    `late` are the seconds by which tokens left later than they were due.
    """

    def __init__(self) -> None:
        self.late: list[float] = []

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer one request."""
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
            if head.startswith("GET"):
                writer.write(self._told())
            else:
                length = int(re.findall(r"(?i)content-length: *(\d+)", head)[0])
                await self._stream(json.loads(await reader.readexactly(length)), writer)
            await writer.drain()
        writer.close()

    async def _stream(self, body: dict[str, object], writer: asyncio.StreamWriter) -> None:
        writer.write(_START)
        begun = time.perf_counter()
        for number, piece in enumerate(pieces(answer_to(body)), 1):
            due = begun + number / A_SECOND
            await asyncio.sleep(due - time.perf_counter())
            self.late.append(time.perf_counter() - due)
            _send(writer, {"delta": {"role": "assistant", "content": piece}, "finish_reason": None})
            await writer.drain()
        _send(writer, {"delta": {}, "finish_reason": "stop"})
        writer.write(_chunk(b"data: [DONE]\n\n") + b"0\r\n\r\n")

    def _told(self) -> bytes:
        late = sorted(self.late) or [0.0]
        self.late.clear()
        told = {"tokens": len(late), "p99": late[int(len(late) * 0.99)], "most": late[-1]}
        data = json.dumps(told).encode()
        return b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(data), data)


def answer_to(body: dict[str, object]) -> str:
    """Sentences of the prompt's sources in turn, cited; without sources the question itself."""
    messages = body["messages"]
    assert isinstance(messages, list)
    prompt = messages[-1]["content"]
    sources = _SOURCE.findall(prompt)
    if not sources:  # a follow-up to be put in other words
        return "".join(_QUESTION.findall(prompt)[-1:]) or "?"
    cited = [[f"{s[:-1]} [{n}]。" for s in _SENTENCE.findall(text)] for n, text in sources]
    longest = max(map(len, cited), default=0)
    sentences = [held[turn] for turn in range(longest) for held in cited if turn < len(held)]
    text = "".join(sentences)
    return text[: text.find("。", int(TOKENS * _CHARACTERS_A_TOKEN)) + 1] or text


def pieces(text: str) -> list[str]:
    """A text as about so many tokens."""
    size = max(1, -(-len(text) // TOKENS))
    return [text[at : at + size] for at in range(0, len(text), size)]


def run(pipe: Connection) -> None:
    """Serve until ended, in a process of its own; the address goes through the pipe."""

    async def serving() -> None:
        server = await asyncio.start_server(FakeModel().serve, "127.0.0.1", 0, limit=2**22)
        pipe.send(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}")
        await server.serve_forever()

    asyncio.run(serving())


def _send(writer: asyncio.StreamWriter, choice: dict[str, object]) -> None:
    event = {
        "id": "fake",
        "object": "chat.completion.chunk",
        "created": 0,
        "model": "fake-model",
        "choices": [{"index": 0, **choice}],
    }
    writer.write(_chunk(f"data: {json.dumps(event, ensure_ascii=False)}\n\n".encode()))


def _chunk(data: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(data), data)
