"""`make fuzz`, second part: the same doors, with inputs that atheris bends to reach new code.

What it is to watch must not be imported before it, hence the late imports.

atheris (libFuzzer) has wheels for Linux on x86 alone, so it is not among the locked packages; where
it is missing this says so. Each door is fuzzed in a process of its own: libFuzzer ends the process.
"""

import importlib.util
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory


def main(words: Sequence[str]) -> int:
    """Fuzz every door for so many seconds each, or one door in this process."""
    if importlib.util.find_spec("atheris") is None:
        sys.stdout.write("atheris is not installed (pip install atheris): no fuzzing by coverage\n")
        return 0
    if len(words) > 1:
        return _fuzz(words[0], words[1], Path(words[2]))
    from chatbot.config import SEEDS, Settings
    from chatbot.index.ingestion import ingest
    from tests.fuzz.doors import DOORS

    failed = []
    with TemporaryDirectory() as folder:
        ingest(Settings(CHATBOT_DATA_DIR=Path(folder)), [SEEDS])
        for door in DOORS:
            sys.stdout.write(f"--- {door}\n")
            sys.stdout.flush()
            command = [sys.executable, "-m", "tests.fuzz.by_coverage", words[0], door, folder]
            if subprocess.run(command, check=False).returncode:
                failed.append(door)
    sys.stdout.write(f"failed: {', '.join(failed) or 'none'}\n")
    return 1 if failed else 0


def _fuzz(seconds: str, door: str, folder: Path) -> int:
    import atheris

    with atheris.instrument_imports(include=["chatbot", "evals"]):
        from chatbot.bot import Chatbot
        from chatbot.config import Settings
        from tests.fuzz.doors import DOORS
    bot = Chatbot(Settings(CHATBOT_DATA_DIR=folder), None)
    enters = DOORS[door].fuzzed(bot)
    limits = [f"-max_total_time={seconds}", "-timeout=60", "-max_len=8192", "-len_control=0"]
    place = f"-artifact_prefix={folder}/"
    atheris.Setup([sys.argv[0], *limits, place], enters.hypothesis.fuzz_one_input)  # type: ignore[attr-defined]
    atheris.Fuzz()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
