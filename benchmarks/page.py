"""`make bench-page`: ten conversations at once through the served page, without a model.

Each is five turns with the history of those before, over gradio's own HTTP interface; a turn is
timed from sending the question to having the answer. The page runs in a process of its own.
"""

import contextlib
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from gradio_client import Client

from chatbot.config import PROJECT_ROOT

AT_ONCE, ROUNDS = 10, 5
TARGET = 1.0
CONVERSATIONS = (
    (
        "GRU-Mem 的推理速度提升了多少？",
        "它用了什么方法？",
        "基线是什么？",
        "它的应用领域是什么？",
        "和 V-Retrver 相比呢？",
    ),
    (
        "哪些论文研究了扩散语言模型？",
        "第二个的主要创新是什么？",
        "它的实验效果如何？",
        "和第一个对比一下",
        "2026-02-12 的日报有哪些论文？",
    ),
    (
        "How precise is the Polish safety classifier on real prompts?",
        "How large is it?",
        "What is it compared with?",
        "Which papers are about safety?",
        "What is the contribution of the first one?",
    ),
    (
        "AgenticPay 和 FeatureBench 各有多少个任务？",
        "前者的主要贡献是什么？",
        "后者呢？",
        "它们的实验效果有什么不同？",
        "明天天气怎么样？",
    ),
    (
        "GENIUS 数据集有多少个样本，分几个维度？",
        "它测了哪些模型？",
        "结果如何？",
        "NESSiE 测的是什么安全问题",
        "它的实验效果呢？",
    ),
)


@dataclass(frozen=True, slots=True)
class Conversation:
    """What came of one conversation: seconds for each turn that was answered, and the errors."""

    seconds: tuple[float, ...]
    errors: tuple[str, ...]


def main() -> None:
    """Measure and print the table."""
    with served_page() as url, ThreadPoolExecutor(AT_ONCE) as pool:
        clients = [client_of(url) for _ in range(AT_ONCE)]
        rounds = [list(pool.map(converse, clients, range(AT_ONCE))) for _ in range(ROUNDS)]
        for client in clients:
            client.close()
    first, *later = rounds
    print(f"{AT_ONCE} conversations at once, {os.cpu_count()} cores, {sys.version.split()[0]}\n")
    print("| from sending to the answer (s) | p50 | p95 | most | turns | errors | target |")
    print("|---|---|---|---|---|---|---|")
    print(row("the page's first questions", first))
    print(row("later ones", [one for held in later for one in held]))
    for error in sorted({error for held in rounds for one in held for error in one.errors}):
        print(error, file=sys.stderr)


def client_of(url: str) -> Client:
    """A client that waits, and reads no certificates: by default it does for every request."""
    kwargs = {"timeout": 60}
    return Client(
        url, verbose=False, analytics_enabled=False, ssl_verify=False, httpx_kwargs=kwargs
    )


def converse(client: Client, number: int) -> Conversation:
    """Hold one of the conversations."""
    history: list[dict[str, str]] = []
    seconds, errors = [], []
    for question in CONVERSATIONS[number % len(CONVERSATIONS)]:
        begin = time.perf_counter()
        try:
            answer = client.predict(question=question, history=history, api_name="/ask")
        except Exception as error:  # noqa: BLE001 - errors are counted, whatever they are
            errors.append(f"{type(error).__name__}: {error}")
            continue
        seconds.append(time.perf_counter() - begin)
        history = [
            *history,
            {"role": "user", "content": question},
            {"role": "assistant", "content": answer["answer"]},
        ]
    return Conversation(tuple(seconds), tuple(errors))


@contextlib.contextmanager
def served_page() -> Iterator[str]:
    """The address of the page, served by `app.py` over a new index of the shipped reports."""
    with tempfile.TemporaryDirectory() as folder:
        hidden = {"OPENAI_API_KEY", "OPENAI_BASE_URL", "OPENAI_API_BASE"}
        kept = {name: value for name, value in os.environ.items() if name not in hidden}
        command = [sys.executable, str(PROJECT_ROOT / "app.py"), "--port", "7990"]
        with subprocess.Popen(
            command,
            env={**kept, "CHATBOT_DATA_DIR": folder, "CHATBOT_RATE": "100000"},
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        ) as process:
            ready = (line.split("ready: ")[1] for line in process.stdout or () if "ready: " in line)
            yield next(ready).strip()
            process.terminate()


def row(what: str, held: list[Conversation]) -> str:
    """A row of the table."""
    seconds = [took for one in held for took in one.seconds]
    errors = sum(len(one.errors) for one in held)
    p95 = statistics.quantiles(seconds, n=20)[-1]
    figures = f"{statistics.median(seconds):.2f} | {p95:.2f} | {max(seconds):.2f}"
    return f"| {what} | {figures} | {len(seconds) + errors} | {errors} | p95 ≤ {TARGET:g} |"


if __name__ == "__main__":
    main()
