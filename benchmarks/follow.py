"""`make bench-follow`: how soon another machine answers from what was ingested on one.

PostgreSQL and Chroma's server are started here; the follower is a chatbot with a folder of its own
that follows as a page does. A report is changed and ingested again and again; a run lasts from the
ingest's return to the follower's first answer from the new text.
"""

import os
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from chatbot.bot import Chatbot, ensure_index
from chatbot.config import SEEDS, Settings
from chatbot.database.opening import open_database
from chatbot.index.ingestion import ingest
from chatbot.web.app import follow
from tests.report_text import paper, render_report
from tests.services import chroma, postgresql

RUNS = 15
TARGET = 2.0


def main() -> None:
    """Measure and print."""
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        folder.chmod(0o755)
        with postgresql(folder / "postgresql") as database, chroma(folder / "chroma") as vectors:
            given = {"CHATBOT_DATABASE_URL": database, "CHATBOT_CHROMA_URL": vectors}
            seconds = measured(folder, given)
    print(f"{RUNS} ingests, {os.cpu_count()} cores, {sys.version.split()[0]}")
    print(f"median {statistics.median(seconds):.2f} s, most {max(seconds):.2f} s")
    sys.exit(f"more than {TARGET:g} s" if max(seconds) > TARGET else 0)


def measured(folder: Path, given: dict[str, Any]) -> list[float]:
    """The seconds of each run."""
    one, two = (Settings(CHATBOT_DATA_DIR=folder / name, **given) for name in ("one", "two"))
    ingest(one, [SEEDS])
    ensure_index(two)
    bot = Chatbot(two, None)
    engine = open_database(two)
    stopped = follow(two, engine, lambda: bot.index)
    report = folder / "report.txt"
    seconds = []
    for run in range(RUNS):
        figure = f"{run + 10}.5%"
        made = paper("2603.00001", "AlphaNet: 一种网络", results=f"AlphaNet 的准确率为 {figure}。")
        report.write_bytes(render_report("2026-03-01", [made]))
        ingest(one, [report])
        committed = time.monotonic()
        while figure not in bot.answer("AlphaNet 的准确率是多少？").markdown:
            if time.monotonic() > committed + 60:
                sys.exit("the other machine never had it")
            time.sleep(0.02)
        seconds.append(time.monotonic() - committed)
    stopped.set()
    engine.dispose()
    return seconds


if __name__ == "__main__":
    main()
