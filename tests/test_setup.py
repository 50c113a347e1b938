"""`make chat` and `make setup`: what is installed when, and told meanwhile; what running needs."""

import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

from chatbot.cli.terminal import progress_bar
from chatbot.config import PROJECT_ROOT, Settings
from scripts.install import for_uv, main, pip_settings, told

RUN, ALL = "requirements-run.lock", "requirements.lock"
NEW, PROJECT = "new environment", "project"
# Stands for every Python, and for uv: writes down what it is told to do, in words of the tests.
FAKE = """#!/bin/sh
case "$*" in
    *venv*--clear*) rm -rf .venv; mkdir -p .venv/bin; echo "new environment" >> log
        cp "$0" .venv/bin/python; cp "$0" .venv/bin/uv ;;
    scripts/install.py*) echo "$2" >> log ;;
    *--editable*) echo project >> log ;;
    app.py*) echo "$*" >> log ;;
esac
"""


class Folder:
    """A project's folder with the real Makefile and nothing real to run."""

    def __init__(self, path: Path) -> None:
        self.path = path
        shutil.copy(PROJECT_ROOT / "Makefile", path)
        self.python = path / "python"
        self.python.write_text(FAKE, encoding="utf-8")
        self.python.chmod(0o755)
        for name in (RUN, ALL, "pyproject.toml"):
            (path / name).touch()

    def make(self, *arguments: str) -> list[str]:
        """What `make` does."""
        log = self.path / "log"
        log.unlink(missing_ok=True)
        command = ["make", f"PYTHON={self.python}", "VENV=.venv", *arguments]
        clean = {k: v for k, v in os.environ.items() if not k.startswith("MAKE") and k != "PORT"}
        subprocess.run(command, cwd=self.path, env=clean, check=True, capture_output=True)
        return log.read_text(encoding="utf-8").splitlines() if log.exists() else []

    def renew(self, name: str) -> None:
        """Change a file after all that was made so far."""
        later = time.time() + 0.05
        time.sleep(0.1)
        os.utime(self.path / name, (later, later))


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    if shutil.which("make") is None:
        pytest.skip("there is no make")
    return Folder(tmp_path)


def test_the_page_is_opened_with_what_running_needs_alone(folder: Folder) -> None:
    assert folder.make("chat") == [NEW, RUN, PROJECT, "app.py"]
    assert folder.make("chat") == ["app.py"]


def test_the_page_is_opened_on_a_port_of_ones_own(folder: Folder) -> None:
    assert folder.make("chat", "PORT=8000")[-1] == "app.py --port 8000"


def test_what_developers_need_comes_on_top_in_either_order(folder: Folder) -> None:
    folder.make("chat")
    assert folder.make("setup") == [ALL]
    assert folder.make("setup") == []
    assert folder.make("chat") == ["app.py"]
    shutil.rmtree(folder.path / ".venv")
    assert folder.make("setup") == [NEW, RUN, PROJECT, ALL]
    assert folder.make("chat") == ["app.py"]


@pytest.mark.parametrize("renewed", [(RUN,), (ALL,), (RUN, ALL)])
def test_a_renewed_lock_gives_a_new_environment(folder: Folder, renewed: tuple[str, ...]) -> None:
    folder.make("setup")
    for name in renewed:
        folder.renew(name)
    assert folder.make("setup") == [NEW, RUN, PROJECT, ALL]
    assert folder.make("setup") == []


def test_the_page_after_a_renewed_lock_leaves_setup_to_do_its_part(folder: Folder) -> None:
    folder.make("setup")
    folder.renew(RUN)
    assert folder.make("chat") == [NEW, RUN, PROJECT, "app.py"]
    assert folder.make("setup") == [ALL]


def test_another_pyproject_installs_the_project_again_and_no_package(folder: Folder) -> None:
    folder.make("setup")
    folder.renew("pyproject.toml")
    assert folder.make("setup") == [PROJECT]


def test_asking_what_would_be_done_does_nothing(folder: Folder) -> None:
    folder.make("setup")
    folder.renew(ALL)
    before = sorted((folder.path / ".venv").iterdir())
    assert folder.make("--dry-run", "setup") == []
    assert sorted((folder.path / ".venv").iterdir()) == before


def test_the_readme_and_the_help_name_the_port(folder: Folder) -> None:
    shown = subprocess.run(["make", "help"], cwd=folder.path, check=True, capture_output=True)
    assert b"PORT=8000" in shown.stdout
    assert "make chat PORT=8000" in (PROJECT_ROOT / "README.md").read_text(encoding="utf-8")


def test_what_lasts_is_told_every_while_with_the_line_it_said_last(
    capsys: pytest.CaptureFixture[str],
) -> None:
    lasting = "import time; print('Downloaded scipy', flush=True); time.sleep(1)"
    assert told([sys.executable, "-c", lasting], every=0.2) == ""
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) >= 3
    assert re.fullmatch(r" +\d+ s  Downloaded scipy", lines[-1])


def test_what_fails_gives_all_it_said_or_why_it_never_began() -> None:
    failing = "print('one'); print('two'); raise SystemExit(3)"
    assert told([sys.executable, "-c", failing]) == "one\ntwo"
    assert told([sys.executable, "-c", "raise SystemExit(3)"]) == "exit status 3"
    assert "No such file" in told(["/no/such/uv"])


def test_variables_reach_what_is_run() -> None:
    asks = "import os, sys; sys.exit(os.environ['SSL_CERT_FILE'])"
    assert told([sys.executable, "-c", asks], {"SSL_CERT_FILE": "ca.pem"}) == "ca.pem"


def test_uv_is_given_the_index_pip_uses() -> None:
    listed = (
        ":env:.index-url='https://mirror.example/simple'\n"
        "global.cert='/etc/ca.pem'\nglobal.index-url='https://pypi.example/simple'\n"
        "install.trusted-host='mirror.example other.example'\nfreeze.timeout='10'\n"
    )
    options, variables = for_uv(pip_settings(listed))
    assert options == [
        *("--default-index", "https://mirror.example/simple"),
        *("--allow-insecure-host", "mirror.example"),
        *("--allow-insecure-host", "other.example"),
    ]
    assert variables == {"SSL_CERT_FILE": "/etc/ca.pem"}
    assert for_uv({}) == ([], {})


@pytest.fixture
def locks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A lock with no package, beside one that pins a uv; and pip may ask no index."""
    (tmp_path / ALL).write_text(f"uv==9 \\\n    --hash=sha256:{'0' * 64}\n", encoding="utf-8")
    (tmp_path / RUN).write_text("# nothing\n", encoding="utf-8")
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    return tmp_path


def test_where_uv_cannot_be_had_pip_installs(
    locks: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(locks / RUN, Path(sys.executable)) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == f"installing 0 packages ({RUN}) …"
    assert "without uv, by pip" in lines[1]
    assert lines[-1].startswith("installed after")


def test_what_pip_cannot_install_is_told_and_fails(
    locks: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(locks / ALL, Path(sys.executable)) == 1
    assert "No matching distribution found for uv==9" in capsys.readouterr().err


def test_a_start_that_indexes_says_how_many_reports(capsys: pytest.CaptureFixture[str]) -> None:
    with progress_bar() as progress:
        progress("index", 0, 5)
        progress("embed", 0, 690)
        progress("embed", 690, 690)
    assert capsys.readouterr().err == "indexing 5 reports …\n  embed …\n"


# Imports every module and answers, where nothing can be imported that only developers have.
RUNNING = """
import pkgutil, re, sys
from importlib import import_module
from importlib.abc import MetaPathFinder
from importlib.metadata import packages_distributions

def pins(name):
    return set(re.findall(r"^([a-z0-9._-]+)(?:\\[.*\\])?==", open(name).read(), re.M))

def plain(name):
    return re.sub(r"[-_.]+", "-", name).lower()

left_out = pins("requirements.lock") - pins("requirements-run.lock")
holders = packages_distributions().items()
refused = {top for top, names in holders if {plain(name) for name in names} <= left_out}

class Refusing(MetaPathFinder):
    def find_spec(self, name, path, target=None):
        if name.partition(".")[0] in refused:
            raise ModuleNotFoundError(f"{name} is not in requirements-run.lock", name=name)

sys.meta_path.insert(0, Refusing())
import chatbot, evals
for package in (chatbot, evals):
    for module in pkgutil.walk_packages(package.__path__, package.__name__ + "."):
        if not re.search("test_|migrations|__main__", module.name):
            import_module(module.name)
from chatbot.cli.commands import main
assert {"pytest", "mypy", "kubernetes"} <= refused
sys.argv = ["chatbot", "ask", "GRU-Mem 的推理速度提升了多少？"]
main()
"""


def test_what_runs_imports_nothing_that_its_lock_lacks(seed_settings: Settings) -> None:
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith("OPENAI")},
        "CHATBOT_DATA_DIR": str(seed_settings.data_dir),
    }
    done = subprocess.run(
        [sys.executable, "-c", RUNNING],
        cwd=PROJECT_ROOT,
        env=environment,
        check=False,
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert "400%" in done.stdout, done.stderr
