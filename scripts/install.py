"""`make chat` and `make setup`: the packages of a lock into an environment, told as it goes.

    python scripts/install.py LOCK PYTHON_OF_THE_ENVIRONMENT

uv takes a tenth of pip's time. pip fetches it, as requirements.lock pins it, into a folder that is
deleted; where uv cannot be had or fails, pip does it all. Neither compiles, unless Python is told
to write no bytecode: else it does that itself for the third of the modules that are ever imported.
"""

import os
import re
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Thread
from time import monotonic

_EVERY = 3.0  # seconds between two lines
_PINNED = re.compile(r"^[A-Za-z0-9._-]+(?:\[.*\])?==", re.MULTILINE)
_UV = re.compile(r"^uv==.*(?:\n +.*)*", re.MULTILINE)
_SET = re.compile(r"^(global|install|:env:)\.([a-z-]+)='(.*)'$", re.MULTILINE)
_LOCKED = ("--no-deps", "--require-hashes", "--only-binary", ":all:", "--requirement")
_PIP = (sys.executable, "-m", "pip", "--disable-pip-version-check")


def main(lock: Path, python: Path) -> int:
    """Install what is locked; the exit status."""
    count, begin = len(_PINNED.findall(lock.read_text(encoding="utf-8"))), monotonic()
    print(f"installing {count} packages ({lock.name}) …", flush=True)
    if failure := _by_uv(lock, python):
        why = one_line(failure.splitlines())
        print(f"without uv, by pip, which takes some minutes ({why}) …", flush=True)
        if failure := _by_pip(lock, python):
            print(failure, file=sys.stderr)
            return 1
    print(f"installed after {monotonic() - begin:.0f} s", flush=True)
    return 0


def _by_uv(lock: Path, python: Path) -> str:
    pinned = _UV.search(lock.with_name("requirements.lock").read_text(encoding="utf-8"))
    listed = subprocess.run([*_PIP, "config", "list"], capture_output=True, text=True, check=False)
    settings = pip_settings(listed.stdout)
    if pinned is None or "no-index" in settings:
        return "pip is told to use no index" if pinned else "uv is not locked"
    options, variables = for_uv(settings)
    with TemporaryDirectory() as name:
        wanted = Path(name, "uv.txt")
        wanted.write_text(pinned[0] + "\n", encoding="utf-8")
        fetch = [*_PIP, "install", "--target", f"{name}/uv", "--no-compile", *_LOCKED, str(wanted)]
        install = [f"{name}/uv/bin/uv", "pip", "install", "--no-progress", *options]
        install += ["--python", str(python), *_LOCKED, str(lock)]
        install += ["--compile-bytecode"] if _writes_none() else []
        return told(fetch) or told(install, variables)


def _by_pip(lock: Path, python: Path) -> str:
    compiled = [] if _writes_none() else ["--no-compile"]
    return told([*_PIP, "--python", str(python), "install", *compiled, *_LOCKED, str(lock)])


def _writes_none() -> bool:
    """Whether Python is told to keep no bytecode of what it imports."""
    return bool(os.environ.get("PYTHONDONTWRITEBYTECODE"))


def pip_settings(printed: str) -> dict[str, str]:
    """What `pip config list` says holds for `pip install`."""
    found = _SET.findall(printed)
    parts = ("global", "install", ":env:")  # each overrides those before
    return {name: value for part in parts for where, name, value in found if where == part}


def for_uv(settings: Mapping[str, str]) -> tuple[list[str], dict[str, str]]:
    """Settings of pip as options and environment variables of uv, which reads none of them."""
    options = ["--default-index", settings["index-url"]] if "index-url" in settings else []
    for host in settings.get("trusted-host", "").split():
        options += ["--allow-insecure-host", host]
    variables = {"cert": "SSL_CERT_FILE", "proxy": "ALL_PROXY"}
    return options, {variables[name]: settings[name] for name in variables if name in settings}


def told(
    command: Sequence[str], variables: Mapping[str, str] | None = None, every: float = _EVERY
) -> str:
    """Run a command and say every few seconds what it said last.

    Returns:
        All it said, or its exit status, where it failed; nothing where it did not.
    """
    lines: list[str] = []
    begin = monotonic()
    environment = {**os.environ, **(variables or {})}
    try:
        process = subprocess.Popen(
            command,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env=environment,
            encoding="utf-8",
            errors="replace",
        )
    except OSError as error:
        return f"{command[0]}: {error.strerror}"
    with process:
        reader = Thread(target=lambda: lines.extend(process.stdout or ()), daemon=True)
        reader.start()
        while reader.is_alive():
            reader.join(every)
            if reader.is_alive():
                print(f"  {monotonic() - begin:3.0f} s  {one_line(lines)}".rstrip(), flush=True)
    status = process.returncode
    return ("".join(lines).strip() or f"exit status {status}") if status else ""


def one_line(lines: Sequence[str]) -> str:
    """The last line that says something, as far as it fits."""
    return next((line.strip()[:70] for line in reversed(lines) if line.strip()), "")


if __name__ == "__main__":
    try:
        sys.exit(main(*map(Path, sys.argv[1:])))
    except KeyboardInterrupt:
        sys.exit(130)
