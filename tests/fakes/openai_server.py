"""The one fake OpenAI server: real HTTP on loopback, its chat answers a scripted queue.

    with FakeOpenAI("第一个答案 [1]。", Reply.error(429, "slow", {"Retry-After": "7"})) as server:
        settings = Settings(OPENAI_API_KEY="k", OPENAI_BASE_URL=server.url, CHATBOT_LLM="fake")

A chat request that finds the queue empty gets a 500, is kept in `server.unexpected`, and fails the
`with`. Embeddings and the list of models need no script. By hand, for the page:
`python -m tests.fakes.openai_server --port 8001`, then `OPENAI_BASE_URL=http://127.0.0.1:8001/v1`.
"""

import argparse
import base64
import json
import random
import re
import selectors
import socket
import struct
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self

Body = dict[str, Any]
Text = str | Callable[[Body], str]
CHAT, EMBEDDINGS, MODELS = "/v1/chat/completions", "/v1/embeddings", "/v1/models"


@dataclass(frozen=True, slots=True)
class Request:
    """What a client sent; header names are in lower case."""

    path: str
    headers: Mapping[str, str]
    body: Body


@dataclass(frozen=True, slots=True)
class Reply:
    """How one request is answered: `play` writes to the connection."""

    play: Callable[["_Connection", Body], None]

    @classmethod
    def text(cls, text: Text, chunk: int = 8, finish: str = "stop", delay: float = 0.0) -> Self:
        """An answer, streamed `chunk` characters at a time, or whole if no stream was asked for."""

        def play(line: "_Connection", body: Body) -> None:
            answer = text(body) if callable(text) else text
            usage = _usage(body, answer) if line.fake.usage else None
            if not body.get("stream"):
                return line.send_json(200, _completion(body, answer, finish, usage))
            line.start_stream()
            for event in text_events(answer, chunk):
                line.send(event)
                line.wait(delay)
            line.send(finish_event(finish))
            if usage and (body.get("stream_options") or {}).get("include_usage"):
                line.send(sse({"choices": [], "usage": usage}))
            line.send(DONE)
            return line.end_stream()

        return cls(play)

    @classmethod
    def late(cls, text: Text, seconds: float) -> Self:
        """An answer of which nothing comes for so long."""
        answer = cls.text(text)

        def play(line: "_Connection", body: Body) -> None:
            line.wait(seconds)
            answer.play(line, body)

        return cls(play)

    @classmethod
    def trickle(cls, text: Text, delay: float) -> Self:
        """An answer that comes one character each `delay` seconds."""
        return cls.text(text, chunk=1, delay=delay)

    @classmethod
    def error(
        cls,
        status: int,
        message: str,
        headers: Mapping[str, str] | None = None,
        code: str | None = None,
    ) -> Self:
        """A refusal in OpenAI's shape."""
        body = {"error": {"message": message, "type": "error", "param": None, "code": code}}
        return cls(lambda line, _: line.send_json(status, body, headers or {}))

    @classmethod
    def vectors(cls, *, texts: int = 2048, characters: int = 8192, dimensions: int = 64) -> Self:
        """Vectors made from each text's hash, for so many texts, none of them longer."""

        def play(line: "_Connection", body: Body) -> None:
            given = [body["input"]] if isinstance(body["input"], str) else body["input"]
            if len(given) > texts:
                what = f"batch size is invalid, it should not be larger than {texts}"
                return cls.error(400, what).play(line, body)
            if max(map(len, given)) > characters:
                what = f"This model's maximum context length is {characters} tokens"
                return cls.error(400, what).play(line, body)
            return _play_vectors(line, {"dimensions": dimensions, **body, "input": given})

        return cls(play)

    @classmethod
    def stall(cls, seconds: float, after: str = "") -> Self:
        """Nothing for so long, or nothing more once `after` was streamed; then the line drops."""

        def play(line: "_Connection", _: Body) -> None:
            if after:
                line.start_stream()
                line.send(*text_events(after))
            line.wait(seconds)
            line.drop()

        return cls(play)

    @classmethod
    def cut_after(cls, text: str) -> Self:
        """The line drops in mid-stream, once `text` was sent."""
        return cls.stall(0, after=text)

    @classmethod
    def raw(
        cls, *pieces: bytes, status: int = 200, content_type: str = "text/event-stream"
    ) -> Self:
        """These bytes and no others, each piece in a packet of its own; then a proper end."""

        def play(line: "_Connection", _: Body) -> None:
            line.start_stream(status, content_type)
            for piece in pieces:
                line.send(piece)
                line.wait(0.002)
            line.end_stream()

        return cls(play)


class FakeOpenAI:
    """A fake server; a context manager.

    Args:
        script: a reply for each chat request, in order; text, or a function of the request's body
            to text, stands for `Reply.text`.
        default: answers every chat request beyond the script, which is then never too short.
        embeddings: answers requests for embeddings, instead of vectors made from each text's hash.
        usage: whether this server counts tokens.
        port: 0 for any that is free.
    """

    def __init__(
        self,
        *script: Reply | Text,
        default: Reply | Text | None = None,
        embeddings: Reply | None = None,
        usage: bool = True,
        port: int = 0,
    ) -> None:
        self.script = deque(script)
        self.default, self.embeddings, self.usage = default, embeddings, usage
        self.requests: list[Request] = []
        self.unexpected: list[Request] = []
        self.stopping, self._client_left = threading.Event(), threading.Event()
        self._http = _Server(("127.0.0.1", port), _Connection)
        self._http.fake = self
        self.url = f"http://127.0.0.1:{self._http.server_port}/v1"

    def __enter__(self) -> Self:
        serve = {"poll_interval": 0.02}
        threading.Thread(target=self._http.serve_forever, kwargs=serve, daemon=True).start()
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        self.stopping.set()
        self._http.shutdown()
        self._http.server_close()
        if self.unexpected and kind is None:
            raise AssertionError(f"{len(self.unexpected)} chat requests found no scripted reply")

    @property
    def chats(self) -> list[Body]:
        """The bodies of the chat requests."""
        return [request.body for request in self.requests if request.path == CHAT]

    def client_left(self, timeout: float) -> bool:
        """Whether a client has left, or leaves within the timeout, before its answer was whole."""
        return self._client_left.wait(timeout)

    def note_client_left(self) -> None:
        """A connection tells that its client is gone."""
        self._client_left.set()

    def reply_to(self, request: Request) -> Reply:
        """The next reply of the script."""
        self.requests.append(request)
        if request.path == EMBEDDINGS:
            return self.embeddings or Reply.vectors()
        if request.path == MODELS:
            return Reply(lambda line, _: line.send_json(200, {"data": [{"id": "fake"}]}))
        if request.path != CHAT:
            return Reply.error(404, f"no such path: {request.path}")
        reply = self.script.popleft() if self.script else self.default
        if reply is None:
            self.unexpected.append(request)
            return Reply.error(500, "the fake server's script has no reply left")
        return reply if isinstance(reply, Reply) else Reply.text(reply)


def sse(data: Body) -> bytes:
    """One event of a stream, its text as UTF-8 and not escaped."""
    return f"data: {json.dumps(data, ensure_ascii=False)}\n\n".encode()


def text_events(text: str, chunk: int = 8) -> Iterator[bytes]:
    """The events that carry a text, without an ending."""
    for start in range(0, len(text), chunk):
        delta = {"role": "assistant", "content": text[start : start + chunk]}
        yield sse({"choices": [{"index": 0, "delta": delta, "finish_reason": None}]})


def finish_event(reason: str = "stop") -> bytes:
    """The event that says why the answer ends."""
    return sse({"choices": [{"index": 0, "delta": {}, "finish_reason": reason}]})


DONE = b"data: [DONE]\n\n"


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 256  # of many that connect at once none is reset
    fake: FakeOpenAI

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that hangs up is no news; any other error is a mistake in a test's reply."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)


class _ClientLeftError(Exception):
    """The client closed the connection."""


class _Connection(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: _Server

    @property
    def fake(self) -> FakeOpenAI:
        return self.server.fake

    def do_GET(self) -> None:
        self._serve({})

    def do_POST(self) -> None:
        self._serve(json.loads(self.rfile.read(int(self.headers["content-length"]))))

    def _serve(self, body: Body) -> None:
        headers = {name.lower(): value for name, value in self.headers.items()}
        try:
            self.fake.reply_to(Request(self.path, headers, body)).play(self, body)
        except (_ClientLeftError, BrokenPipeError, ConnectionResetError):
            self.close_connection = True
            self.fake.note_client_left()

    def start_stream(self, status: int = 200, content_type: str = "text/event-stream") -> None:
        self.send_response(status)
        self.send_header("Content-Type", content_type)
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()

    def send(self, *pieces: bytes) -> None:
        for piece in pieces:
            self.wfile.write(b"%x\r\n%b\r\n" % (len(piece), piece))

    def end_stream(self) -> None:
        self.wfile.write(b"0\r\n\r\n")

    def send_json(self, status: int, body: Body, headers: Mapping[str, str] | None = None) -> None:
        data = json.dumps(body, ensure_ascii=False).encode()
        self.send_response(status)
        for name, value in {"Content-Type": "application/json", **(headers or {})}.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def wait(self, seconds: float) -> None:
        """Wait, but notice at once when the client leaves or the server stops."""
        until = time.monotonic() + seconds
        with selectors.DefaultSelector() as selector:
            selector.register(self.connection, selectors.EVENT_READ)
            while (left := until - time.monotonic()) > 0 and not self.fake.stopping.is_set():
                readable = selector.select(min(left, 0.05))
                if readable and not self.connection.recv(1, socket.MSG_PEEK):
                    raise _ClientLeftError

    def drop(self) -> None:
        self.close_connection = True
        self.connection.shutdown(socket.SHUT_RDWR)

    def log_message(self, *_: object) -> None:
        pass


def _usage(body: Body, answer: str) -> dict[str, int]:
    """One token a character, so that a test can foretell it."""
    prompt = sum(len(message["content"]) for message in body["messages"])
    total = prompt + len(answer)
    return {"prompt_tokens": prompt, "completion_tokens": len(answer), "total_tokens": total}


def _completion(body: Body, answer: str, finish: str, usage: dict[str, int] | None) -> Body:
    message = {"role": "assistant", "content": answer}
    choice = {"index": 0, "message": message, "finish_reason": finish}
    completion = {"id": "fake", "object": "chat.completion", "created": 0, "model": body["model"]}
    return {**completion, "choices": [choice], **({"usage": usage} if usage else {})}


def vector(text: str, dimensions: int = 64) -> list[float]:
    """A unit vector that depends on the text alone."""
    seeded = random.Random(text)  # noqa: S311 - to be the same each time is what is wanted
    values = [seeded.gauss() for _ in range(dimensions)]
    length = sum(value * value for value in values) ** 0.5
    return [value / length for value in values]


def _play_vectors(line: _Connection, body: Body) -> None:
    texts = body["input"]
    vectors = [_encoded(vector(text, body["dimensions"]), body) for text in texts]
    data = [
        {"object": "embedding", "index": index, "embedding": values}
        for index, values in enumerate(vectors)
    ]
    tokens = sum(map(len, texts))
    usage = {"prompt_tokens": tokens, "total_tokens": tokens}
    line.send_json(200, {"object": "list", "model": body["model"], "data": data, "usage": usage})


def _encoded(values: list[float], body: Body) -> list[float] | str:
    if body.get("encoding_format") != "base64":
        return values
    return base64.b64encode(struct.pack(f"<{len(values)}f", *values)).decode()


def cite_first_source(body: Body) -> str:
    """The first sentence of the prompt's first source, cited."""
    prompt = body["messages"][-1]["content"]
    source = re.search(r'<source n="(\d+)"[^>]*>\s*(.+?)[。\n]', prompt)
    return f"{source[2]} [{source[1]}]。" if source else "没有可引用的来源。"


def main() -> None:
    """Serve until interrupted."""
    parser = argparse.ArgumentParser(description="A fake OpenAI server for trying the page.")
    parser.add_argument("--port", type=int, default=8001)
    answer = Reply.text(cite_first_source, delay=0.05)
    with FakeOpenAI(default=answer, port=parser.parse_args().port) as server:
        print(f"OPENAI_BASE_URL={server.url}", flush=True)  # noqa: T201 - what this command is for
        try:
            threading.Event().wait()
        except KeyboardInterrupt:
            return


if __name__ == "__main__":
    main()
