"""A small index to damage, and the commands run on it."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from chatbot.cli.commands import main
from chatbot.config import Settings
from chatbot.index.ingestion import ingest
from tests.faults.processes import Outcome
from tests.faults.reports import steady

Run = Callable[..., Outcome]


@pytest.fixture(scope="session")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder with a small index; not to be changed."""
    folder = tmp_path_factory.mktemp("sound")
    ingest(Settings(CHATBOT_DATA_DIR=folder / "data"), [steady(folder / "reports")])
    return folder / "data"


@pytest.fixture
def data_dir(sound: Path, tmp_path: Path) -> Path:
    """A copy of the small index, of the test's own."""
    return Path(shutil.copytree(sound, tmp_path / "data"))


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], data_dir: Path) -> Run:
    """Runs a command in this process on that copy."""

    def run_command(*words: str) -> Outcome:
        monkeypatch.setenv("CHATBOT_DATA_DIR", str(data_dir))
        monkeypatch.setattr(sys, "argv", ["chatbot", *words])
        with pytest.raises(SystemExit) as ending:
            main()
        printed = capsys.readouterr()
        return Outcome(int(ending.value.code or 0), printed.out, printed.err)

    return run_command


@pytest.fixture
def mounted(tmp_path: Path) -> Iterator[Callable[..., Path]]:
    """Mounts something at a folder of the test's own, until its end."""
    at = tmp_path / "mounted"
    at.mkdir()
    done: list[Path] = []

    def mount(*words: str) -> Path:
        call = subprocess.run(["mount", *words, str(at)], capture_output=True, check=False)
        if call.returncode:
            pytest.skip("nothing can be mounted here: it takes root with CAP_SYS_ADMIN")
        done.append(at)
        return at

    yield mount
    if done:
        subprocess.run(["umount", "--lazy", str(at)], check=True)


def is_root() -> bool:
    """Whether no permission of a file binds this process."""
    return os.geteuid() == 0
