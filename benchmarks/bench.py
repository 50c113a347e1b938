"""`make bench`: a Markdown table of medians, measured on this machine in this run.

Cold figures are of fresh processes, taken in turns with what they are compared to, since machines
drift.
"""

import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from urllib.request import urlopen

from chatbot.bot import Chatbot
from chatbot.config import PROJECT_ROOT, SEEDS, Settings
from chatbot.index.ingestion import ingest

RUNS = 20
QUESTIONS = (
    "GRU-Mem 的推理速度提升了多少？",
    "GENIUS 数据集有多少个样本，分几个维度？",
    "哪些论文研究了扩散语言模型？",
    "AgenticPay 和 FeatureBench 各有多少个任务？",
    "How precise is the Polish safety classifier on real prompts?",
    "What does V-Retrver retrieve, and how?",
    "Dr. Kernel 用什么方法生成 Triton 内核",
    "NESSiE 测的是什么安全问题",
)
BASELINE = "import llama_index.core, chromadb"
INGEST = """
import sys, time
from pathlib import Path
from chatbot.config import Settings
from chatbot.index.ingestion import ingest
settings = Settings(CHATBOT_DATA_DIR=sys.argv[1])
begin = time.perf_counter()
ingest(settings, [Path(sys.argv[2])])
print(time.perf_counter() - begin)
"""


def main() -> None:
    """Measure and print the table."""
    with tempfile.TemporaryDirectory() as folder:
        rows = list(measure(Path(folder)))
    print(f"{RUNS} runs each, {os.cpu_count()} cores, Python {sys.version.split()[0]}\n")
    print("| what | median | p95 | target |")
    print("|---|---|---|---|")
    for row in rows:
        print("| " + " | ".join(row) + " |")


def measure(folder: Path) -> Iterator[tuple[str, str, str, str]]:
    """The rows of the table: what, median, 95th percentile, target."""
    first = [first_index(folder / f"index-{i}") for i in range(RUNS)]
    yield row("first index of the five reports, after imports (s)", first, "≤ 6")
    data_dir = folder / "index-0"
    settings = Settings(CHATBOT_DATA_DIR=data_dir)
    again = [seconds(lambda: ingest(settings, [SEEDS])) for _ in range(RUNS)]
    yield row("unchanged re-ingest, after imports (s)", again, "≤ 0.2")
    bot = Chatbot(settings, None)
    yield row("retrieve, warm (ms)", warm(bot.search), "p50 ≤ 5, p95 ≤ 15")
    yield row("whole extractive answer, warm (ms)", warm(bot.answer), "")
    environment = {**os.environ, "CHATBOT_DATA_DIR": str(data_dir)}
    command = [sys.executable, "-m", "chatbot", "ask", QUESTIONS[0], "--json"]
    asked, based, memory = [], [], []
    for _ in range(RUNS):
        based.append(seconds(lambda: run([sys.executable, "-c", BASELINE], environment)))
        asked.append(seconds(lambda: memory.append(run(command, environment))))
    yield row(f"python -c '{BASELINE}' (s)", based, "")
    yield row("chatbot ask, cold (s)", asked, "")
    ratio = statistics.median(asked) / statistics.median(based)
    yield "chatbot ask, cold, over those imports", f"{ratio:.2f}", "", "≤ 1.3"
    yield "peak memory of chatbot ask (MB)", f"{statistics.median(memory):.0f}", "", ""
    yield "peak memory of the page, opened once (MB)", f"{page_memory(environment):.0f}", "", ""


def row(what: str, values: list[float], target: str) -> tuple[str, str, str, str]:
    """One row of the table."""
    p95 = statistics.quantiles(values, n=20)[-1]
    return what, f"{statistics.median(values):.3g}", f"{p95:.3g}", target


def warm(ask: Callable[[str], object]) -> list[float]:
    """Milliseconds for each question, asked `RUNS` times in turns after one round to warm up."""
    for question in QUESTIONS:
        ask(question)
    return [1000 * seconds(partial(ask, question)) for _ in range(RUNS) for question in QUESTIONS]


def seconds(work: Callable[[], object]) -> float:
    """How long one call takes."""
    begin = time.perf_counter()
    work()
    return time.perf_counter() - begin


def first_index(data_dir: Path) -> float:
    """Seconds to index the shipped reports in a fresh process, its imports not counted."""
    command = [sys.executable, "-c", INGEST, str(data_dir), str(SEEDS)]
    return float(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def run(command: list[str], environment: dict[str, str]) -> float:
    """Run a command; its peak memory in MB."""
    with subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL) as process:
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, command)
    return usage.ru_maxrss / 1024


def page_memory(environment: dict[str, str]) -> float:
    """Peak memory of the page's process in MB, once it has answered a request for the page."""
    command = [sys.executable, str(PROJECT_ROOT / "app.py"), "--port", "7990"]
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as process:
        address = next(
            word
            for line in process.stdout or ()
            for word in line.split()
            if word.startswith("http")
        )
        with urlopen(address) as page:
            page.read()
        time.sleep(1)
        status = Path(f"/proc/{process.pid}/status").read_text(encoding="utf-8")
        process.terminate()
    peak = next(line for line in status.splitlines() if line.startswith("VmHWM"))
    return int(peak.split()[1]) / 1024


if __name__ == "__main__":
    main()
