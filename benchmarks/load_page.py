"""The processes of `make bench-load`: the page, the fake model, and a probe of the page's loop."""

import contextlib
import multiprocessing
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path

import httpx
import load_model

from chatbot.answering.models import EXTRACTIVE
from chatbot.config import PROJECT_ROOT, Settings

# The longest that anything asked of the page may take, in seconds: so the whole ends by itself.
PATIENCE = 300
PROBED_EVERY = 0.05
MODEL = "fake-model"
_APART = multiprocessing.get_context("spawn")


@dataclass(frozen=True, slots=True)
class Page:
    """The page as it is served, by which process, over which data folder, by which model."""

    url: str
    process: int
    settings: Settings
    mode: str


def probe(pipe: Connection, url: str) -> None:
    """Ask the page its id over and over until told to stop; tell how long each answer took."""
    taken = []
    pipe.send("")
    with httpx.Client(timeout=PATIENCE) as client:
        while not pipe.poll(PROBED_EVERY):
            begun = time.perf_counter()
            client.get(f"{url}/gradio_api/app_id")
            taken.append(time.perf_counter() - begun)
    pipe.send(taken)


@contextlib.contextmanager
def probing(url: str) -> Iterator[list[float]]:
    """A probe beside this process; how long its answers took is in the list after the block."""
    ours, theirs = _APART.Pipe()
    process = _APART.Process(target=probe, args=(theirs, url), daemon=True)
    process.start()
    ours.recv()
    taken: list[float] = []
    yield taken
    ours.send("end")
    taken.extend(ours.recv())
    process.join()


@contextlib.contextmanager
def served_model() -> Iterator[str]:
    """The fake model in a process of its own; its address."""
    ours, theirs = _APART.Pipe()
    process = _APART.Process(target=load_model.run, args=(theirs,), daemon=True)
    process.start()
    yield ours.recv()
    process.terminate()
    process.join()


@contextlib.contextmanager
def served_page(model: str | None, index: Path) -> Iterator[Page]:
    """The page, served by `app.py` over a copy of the index, with a database of its own."""
    with tempfile.TemporaryDirectory() as folder:
        shutil.copytree(index, folder, dirs_exist_ok=True)
        given = {"CHATBOT_DATA_DIR": folder, "CHATBOT_RATE": "1000000", "CHATBOT_LLM": MODEL}
        if model:
            given |= {"OPENAI_BASE_URL": f"{model}/v1"}
        hidden = ("OPENAI_", "CHATBOT_", "GRADIO_")
        kept = {name: value for name, value in os.environ.items() if not name.startswith(hidden)}
        command = [sys.executable, str(PROJECT_ROOT / "app.py"), "--port", "7980"]
        with (
            (Path(folder) / "errors").open("wb") as errors,
            subprocess.Popen(
                command, env={**kept, **given}, stdout=subprocess.PIPE, stderr=errors, text=True
            ) as process,
        ):
            ready = (line.split("ready: ")[1] for line in process.stdout or () if "ready: " in line)
            settings = Settings(CHATBOT_DATA_DIR=Path(folder))
            yield Page(next(ready).strip(), process.pid, settings, MODEL if model else EXTRACTIVE)
            process.terminate()
        if log := os.environ.get("BENCH_LOG"):
            Path(log).write_bytes((Path(folder) / "errors").read_bytes())


def processor_seconds(process: int) -> float:
    """How long a process had a processor so far."""
    fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def peak_memory(process: int) -> float:
    """The most that a process had in memory at any time, in MB."""
    for line in Path(f"/proc/{process}/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) / 1024
    return 0.0
