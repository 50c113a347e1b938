"""The service as it runs: its log, traces, metrics and connections, seen from outside."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from threading import Thread
from typing import Any

import httpx
import pytest
from gradio_client import Client

from chatbot.config import PROJECT_ROOT, Settings
from tests.fakes.openai_server import FakeOpenAI
from tests.fakes.otlp_collector import FakeCollector
from tests.web.conftest import FIRST_PORT
from tests.web.test_api import with_mcp

QUESTION = "GRU-Mem 的推理速度提升了多少？"
WRITTEN = "推理速度最高提升 400% [1]。"
TELLTALES = ("GRU-Mem", "推理速度", "400%", "secret-key")
LOOPBACK = {"127.0.0.1", "localhost", "::1"}


@dataclass
class Service:
    """A service in a process of its own, and all that can be seen of it."""

    url: str
    process: subprocess.Popen[str]
    collector: FakeCollector
    model: FakeOpenAI
    connections: Path
    log: list[str] = field(default_factory=list)

    def lines(self, event: str, number: int = 1) -> list[dict[str, Any]]:
        """The log's lines about an event, once there are so many."""
        deadline = time.monotonic() + 15
        while True:
            found = [line for line in map(json.loads, list(self.log)) if line["event"] == event]
            if len(found) >= number or time.monotonic() > deadline:
                return found
            time.sleep(0.05)

    def call(self, *arguments: Any) -> httpx.Response:
        """Ask as a program does."""
        url = f"{self.url}/gradio_api/run/ask"
        return httpx.post(url, json={"data": arguments}, timeout=60)

    def ask_on_the_page(self) -> None:
        """Ask over the queue that the page's own events pass."""
        client = Client(self.url, verbose=False, analytics_enabled=False, download_files=False)
        client.predict(QUESTION, api_name="/ask")
        client.close()


@pytest.fixture(scope="module")
def service(seed_settings: Settings, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    connections = tmp_path_factory.mktemp("service") / "connections"
    port = FIRST_PORT + 70
    with FakeCollector() as collector, FakeOpenAI(*[WRITTEN] * 3) as model:
        environment = {
            **os.environ,
            "CHATBOT_DATA_DIR": str(seed_settings.data_dir),
            "CHATBOT_LOG": "json",
            "OPENAI_BASE_URL": model.url,
            "OPENAI_API_KEY": "secret-key",
            "OTEL_EXPORTER_OTLP_ENDPOINT": collector.url,
            "OTEL_BSP_SCHEDULE_DELAY": "100",
            "PYTHONPATH": str(PROJECT_ROOT),
        }
        command = [sys.executable, "-m", "tests.fakes.watched_service", str(connections)]
        with subprocess.Popen(
            [*command, "serve", "--port", str(port)],
            env=environment,
            cwd=PROJECT_ROOT,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        ) as process:
            assert process.stdout is not None
            assert process.stderr is not None
            lines: list[str] = []
            reader = Thread(target=_read, args=(process.stderr, lines.append))
            reader.start()
            address = process.stdout.readline().split()[-1]
            yield Service(address, process, collector, model, connections, lines)
            process.send_signal(signal.SIGINT)
            process.wait(timeout=30)
            reader.join()


def _read(stream: Any, take: Callable[[str], None]) -> None:
    for line in stream:
        take(line)


def test_a_question_over_the_api_leaves_one_line_with_the_id_the_response_had(
    service: Service,
) -> None:
    answer = service.call(QUESTION, [], [], [], [])
    assert "400%" in answer.json()["data"][0]["answer"]
    (line,) = service.lines("answered")
    assert line["request_id"] == answer.headers["x-request-id"]
    assert (line["door"], line["mode"], line["llm_calls"]) == ("api", "gpt-5.4-mini", 1)
    assert line["prompt_tokens"] > 0
    (trace,) = service.collector.traces()
    assert trace["question"][0].attributes["chatbot.request_id"] == line["request_id"]


def test_all_of_the_log_is_json_with_a_time_and_a_level(service: Service) -> None:
    service.lines("answered")
    for line in map(json.loads, service.log):
        assert {"timestamp", "level", "logger", "event"} <= line.keys()


def test_neither_a_question_in_the_pages_address_nor_the_argument_of_a_call_is_logged(
    service: Service,
) -> None:
    assert httpx.get(service.url, params={"q": QUESTION}).status_code == 200
    # What comes after it is logged after it: a call that is off, of which gradio prints arguments.
    assert service.call(QUESTION).status_code == 500
    (line,) = service.lines("another package met an error: ValueError")
    assert "in validate_inputs" in line["frames"]
    assert not any(telltale in line for line in service.log for telltale in TELLTALES)


def test_an_mcp_clients_question_has_an_id_and_its_door(service: Service) -> None:
    with_mcp(service.url, lambda session: session.call_tool("ask", {"question": QUESTION}))
    (line,) = [line for line in service.lines("answered", 2) if line["door"] == "mcp"]
    assert re.fullmatch("[0-9a-f]{32}", line["request_id"])


def test_metrics_say_what_was_asked(service: Service) -> None:
    text = httpx.get(f"{service.url}/metrics").text
    labels = 'door="api",intent="lookup",language="zh",mode="model"'
    assert f"chatbot_questions_total{{{labels}}} 1.0" in text
    assert not any(telltale in text for telltale in TELLTALES)
    assert httpx.get(f"{service.url}/healthz").json()["ok"]


def test_no_trace_holds_text_of_question_answer_or_key(service: Service) -> None:
    service.collector.traces()
    sent = service.collector.sent.decode("utf-8", "replace")
    assert "synthesize" in sent
    assert not any(telltale in sent for telltale in TELLTALES)


def test_the_service_asks_no_other_machine_for_anything(service: Service) -> None:
    service.ask_on_the_page()
    asked = set(service.connections.read_text(encoding="utf-8").split())
    assert asked & LOOPBACK
    assert asked <= LOOPBACK
