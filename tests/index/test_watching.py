"""A folder that is watched: by `chatbot watch`, and by the page that is served."""

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from threading import Thread
from typing import IO

import httpx
import pytest

from chatbot.config import PROJECT_ROOT, Settings
from chatbot.index.ingestion import ingest
from chatbot.index.sharing import locked_folder
from tests.report_text import paper, render_report
from tests.services import environment_of

PATIENCE = 60


def write(path: Path, *topics: str, day: int = 1) -> Path:
    """A report of a day in March, with a paper for each topic."""
    papers = [
        paper(f"2603.{day:02}{number:03}", f"On {topic}", results=f"{topic}的准确率是 97%。")
        for number, topic in enumerate(topics)
    ]
    path.write_bytes(render_report(f"2026-03-{day:02}", papers))
    return path


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with a report."""
    (tmp_path / "reports").mkdir()
    return write(tmp_path / "reports" / "a.txt", "量子纠错").parent


def eventually(holds: Callable[[], bool]) -> bool:
    """Whether something comes to hold within a minute."""
    until = time.monotonic() + PATIENCE
    while not holds() and time.monotonic() < until:
        time.sleep(0.05)
    return holds()


@dataclass
class Watcher:
    """A command that watches, and what it has said so far on standard error."""

    process: subprocess.Popen[str]
    lines: list[str] = field(default_factory=list)

    def read(self, stream: IO[str]) -> None:
        """Take in what it says, to the end."""
        self.lines.extend(iter(stream.readline, ""))

    def says(self, *told: str) -> bool:
        """Whether it comes to say lines that hold these texts, in this order."""

        def said() -> bool:
            lines = iter(list(self.lines))
            return all(any(text in line for line in lines) for text in told)

        return eventually(said)


@contextlib.contextmanager
def started(settings: Settings, *words: str, **given: str) -> Iterator[Watcher]:
    """A command that runs until it has ended, at the latest by an interrupt."""
    environment = {**os.environ, **environment_of(settings), **given}
    with subprocess.Popen(
        [sys.executable, "-m", "chatbot", *words],
        env=environment,
        cwd=PROJECT_ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stderr
        watcher = Watcher(process)
        reader = Thread(target=watcher.read, args=(process.stderr,))
        reader.start()
        try:
            yield watcher
        finally:
            process.send_signal(signal.SIGINT)
            process.wait(PATIENCE)
            reader.join()


def test_a_report_that_comes_changes_and_goes_is_told_as_ingest_tells_it(
    settings: Settings, folder: Path
) -> None:
    with started(settings, "watch", str(folder)) as watcher:
        assert watcher.says("added a.txt\n", "1 papers, 5 sections indexed\n")
        write(folder / "b.txt", "天气预报", day=2)
        assert watcher.says("added b.txt", "2 papers, 10 sections indexed, 1 reports unchanged")
        write(folder / "b.txt", "地震预报", "海洋", day=2)
        assert watcher.says("updated b.txt", "3 papers, 15 sections indexed")
        (folder / "a.txt").unlink()
        assert watcher.says("removed a.txt", "2 papers, 10 sections indexed")
    assert watcher.process.returncode == 0  # of an interrupt
    assert len(watcher.lines) == 8


def test_a_folder_of_reports_that_is_moved_in_or_away_is_noticed(
    settings: Settings, folder: Path, tmp_path: Path
) -> None:
    (tmp_path / "2026.03").mkdir()
    write(tmp_path / "2026.03" / "b.txt", "天气预报", day=2)
    with started(settings, "watch", str(folder)) as watcher:
        assert watcher.says("1 papers")
        (tmp_path / "2026.03").rename(folder / "2026.03")
        assert watcher.says("added b.txt", "2 papers")
        (folder / "2026.03").rename(tmp_path / "2026.03")
        assert watcher.says("removed b.txt", "1 papers")


@pytest.mark.parametrize("polling", ["", "1"])
def test_a_half_written_report_waits_and_keeps_no_other_waiting(
    settings: Settings, folder: Path, polling: str
) -> None:
    whole = write(folder.with_name("whole.txt"), "天气预报", "海洋", day=2).read_bytes()
    middle = len(whole) // 2
    with started(settings, "watch", str(folder), WATCHFILES_FORCE_POLLING=polling) as watcher:
        assert watcher.says("1 papers")
        with (folder / "b.txt").open("wb", buffering=0) as growing:
            growing.write(whole[:middle])
            write(folder / "c.txt", "地震预报", day=3)
            for byte in whole[middle:]:
                growing.write(bytes([byte]))
                if not any("added c.txt" in line for line in watcher.lines):
                    time.sleep(0.1)
        assert watcher.says("added c.txt", "2 papers", "added b.txt", "4 papers")
    assert not any("error" in line or "updated" in line for line in watcher.lines)


def test_a_broken_report_is_told_once_and_tried_again_when_it_changes(
    settings: Settings, folder: Path
) -> None:
    with started(settings, "watch", str(folder)) as watcher:
        assert watcher.says("1 papers")
        (folder / "b.txt").write_text("no report", encoding="utf-8")
        assert watcher.says(f"error: {folder}/b.txt:1: no usable date")
        write(folder / "c.txt", "地震预报", day=3)
        assert watcher.says("added c.txt", "2 papers")
        write(folder / "b.txt", "天气预报", day=2)
        assert watcher.says("added b.txt", "3 papers")
    assert len([line for line in watcher.lines if "error" in line]) == 1


def test_an_ingest_that_fails_is_told_and_tried_again(settings: Settings, folder: Path) -> None:
    with started(settings, "watch", str(folder)) as watcher:
        assert watcher.says("1 papers")
        with locked_folder(settings.data_dir, PATIENCE):
            write(folder / "b.txt", "天气预报", day=2)
            assert watcher.says("error: another ingest holds")
        assert watcher.says("error: another ingest holds", "added b.txt", "2 papers")


def test_a_folder_that_is_gone_is_told_and_waited_for_until_the_command_is_terminated(
    settings: Settings, folder: Path
) -> None:
    away = folder.with_name("away")
    with started(settings, "watch", str(folder)) as watcher:
        assert watcher.says("1 papers")
        folder.rename(away)
        assert watcher.says(f"error: {folder}:1: no such file or folder")
        write(away / "b.txt", "天气预报", day=2)
        away.rename(folder)
        assert watcher.says("added b.txt", "2 papers")
        write(folder / "c.txt", "地震预报", day=3)
        assert watcher.says("added c.txt", "3 papers")
        watcher.process.send_signal(signal.SIGTERM)
        assert watcher.process.wait(PATIENCE) == 0
    assert not any("removed" in line for line in watcher.lines)


@pytest.mark.parametrize(
    ("words", "given"),
    [(["watch", "{}"], {}), (["serve", "--port", "18970"], {"CHATBOT_WATCH": "{}"})],
)
def test_a_folder_that_is_missing_at_the_start_is_one_line(
    seed_settings: Settings, tmp_path: Path, words: list[str], given: dict[str, str]
) -> None:
    missing = str(tmp_path / "missing")
    filled = {name: value.format(missing) for name, value in given.items()}
    with started(seed_settings, *(word.format(missing) for word in words), **filled) as watcher:
        assert watcher.process.wait(PATIENCE) == 1
    assert len(watcher.lines) == 1
    assert f"{missing} is no folder; make it" in watcher.lines[0]


def test_a_page_answers_of_what_came_into_its_folder_and_stays_when_all_is_gone(
    settings: Settings, folder: Path
) -> None:
    ingest(settings, [folder])
    given = {"CHATBOT_WATCH": str(folder), "CHATBOT_LOG": "json"}
    with started(settings, "serve", "--port", "18970", **given) as page:
        assert page.process.stdout
        url = page.process.stdout.readline().split()[-1]

        def call(name: str, *arguments: object) -> str:
            asked = f"{url}/gradio_api/run/{name}"
            return httpx.post(asked, json={"data": arguments}, timeout=PATIENCE).text

        def ask(question: str) -> str:
            return call("ask", question, [], [], [], [])

        assert "On 天气预报" not in ask("天气预报的准确率是多少？")
        write(folder / "b.txt", "天气预报", day=2)
        assert eventually(lambda: "On 天气预报" in ask("天气预报的准确率是多少？"))
        (folder / "c.txt").write_text("no report", encoding="utf-8")
        assert page.says("added b.txt", "c.txt:1: no usable date")
        for file in folder.iterdir():
            file.unlink()
        assert eventually(lambda: call("list_papers", "").startswith('{"data":[[]]'))
        assert page.says("no report in this folder", "0 papers")
        assert httpx.get(f"{url}/healthz").status_code == 200
    assert page.process.returncode == 0
