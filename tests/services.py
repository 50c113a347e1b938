"""PostgreSQL and Chroma servers of the tests' own, on free ports of this machine."""

import contextlib
import getpass
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest
from sqlalchemy import create_engine, make_url, text
from sqlalchemy.exc import SQLAlchemyError

from chatbot.config import PROJECT_ROOT, Settings

_SECONDS = 60
_DEBIAN = Path("/usr/lib/postgresql")


@contextlib.contextmanager
def postgresql(folder: Path) -> Iterator[str]:
    """The URL of a new PostgreSQL server that keeps its data in `folder`; skips without one.

    PostgreSQL does not run as root: then it is the user ``postgres``, whom Debian's package makes.
    """
    programs = _postgresql_programs()
    port, data = _free_port(), folder / "data"
    as_user = ["runuser", "-u", "postgres", "--"] if os.geteuid() == 0 else []
    owner = "postgres" if as_user else getpass.getuser()
    folder.mkdir(parents=True, exist_ok=True)
    if as_user:
        for reached in (folder, *folder.parents):
            if reached.stat().st_uid == 0 and reached != Path("/"):
                reached.chmod(reached.stat().st_mode | 0o011)
        shutil.chown(folder, owner, owner)
    subprocess.run(
        [*as_user, str(programs / "initdb"), "-A", "trust", "-U", owner, "-N", "-D", str(data)],
        check=True,
        capture_output=True,
        cwd=folder,
    )
    options = ["-p", str(port), "-h", "127.0.0.1", "-k", "", "-F"]
    command = [*as_user, str(programs / "postgres"), "-D", str(data), *options]
    url = f"postgresql://{owner}@127.0.0.1:{port}/postgres"
    with _running(command, folder, lambda: _answers(url)):
        yield url


def environment_of(settings: Settings) -> dict[str, str]:
    """The variables with which another process has the same data folder, database and vectors."""
    given = {"CHATBOT_DATA_DIR": str(settings.data_dir), "PYTHONPATH": str(PROJECT_ROOT)}
    if settings.database_url:
        given["CHATBOT_DATABASE_URL"] = settings.database_url.get_secret_value()
    if settings.chroma_url:
        given["CHATBOT_CHROMA_URL"] = settings.chroma_url
    return given


def new_database(url: str, name: str) -> str:
    """The URL of a new, empty database on a PostgreSQL server."""
    parts = make_url(url).set(drivername="postgresql+psycopg")
    engine = create_engine(parts, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text(f'CREATE DATABASE "{name}"'))
    engine.dispose()
    return parts.set(drivername="postgresql", database=name).render_as_string(hide_password=False)


@contextlib.contextmanager
def chroma(folder: Path) -> Iterator[str]:
    """The URL of a new Chroma server that keeps its data in `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    port = _free_port()
    program = Path(sys.executable).with_name("chroma")
    command = [str(program), "run", "--path", str(folder), "--port", str(port)]
    with _running([*command, "--host", "127.0.0.1"], folder, lambda: _listens(port)):
        yield f"http://127.0.0.1:{port}"


@contextlib.contextmanager
def _running(command: Sequence[str], folder: Path, up: Callable[[], bool]) -> Iterator[None]:
    """A server until the end; with what it said where it does not come up."""
    with (folder / "server.log").open("w+b") as log:
        process = subprocess.Popen(command, cwd=folder, stdout=log, stderr=log)
        try:
            until = time.monotonic() + _SECONDS
            while not up():
                if process.poll() is not None or time.monotonic() > until:
                    log.seek(0)
                    pytest.fail(f"{command[0]} did not start: {log.read()[-2000:]!r}")
                time.sleep(0.1)
            yield
        finally:
            process.terminate()
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _postgresql_programs() -> Path:
    found = sorted(_DEBIAN.glob("*/bin/initdb"), key=lambda path: int(path.parts[-3]))
    path = shutil.which("initdb")
    if path or found:
        return Path(path).resolve().parent if path else found[-1].parent
    message = "no PostgreSQL: apt-get install postgresql"
    if os.environ.get("CHATBOT_TEST_REQUIRE_POSTGRESQL"):
        pytest.fail(message)
    pytest.skip(message)


def _answers(url: str) -> bool:
    engine = create_engine(make_url(url).set(drivername="postgresql+psycopg"))
    try:
        with engine.connect():
            return True
    except SQLAlchemyError:
        return False
    finally:
        engine.dispose()


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
