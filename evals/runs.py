"""A run's folder: what was asked for, answers and scores a row a line, appended as they come.

A killed run goes on where it stopped: a line cut short by the end of the process is dropped, and
what is there is not asked again.
"""

import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from chatbot.errors import ChatbotError
from chatbot.files import json_lines, write_atomically

MANIFEST, ANSWERS, SCORES = "run.json", "answers.jsonl", "scores.jsonl"
Row = TypeVar("Row", bound=BaseModel)


@dataclass(frozen=True)
class RunFolder:
    """Where one run keeps its rows; `append` may be called from several threads."""

    path: Path
    lock: threading.Lock

    @property
    def id(self) -> str:
        """The run's name."""
        return self.path.name

    def write_manifest(self, manifest: dict[str, Any]) -> None:
        """Write what was asked for and of what."""
        self._write(MANIFEST, json.dumps(manifest, ensure_ascii=False, indent=1) + "\n")

    def manifest(self) -> dict[str, Any]:
        """What was asked for.

        Raises:
            ChatbotError: there is no such run.
        """
        try:
            read: dict[str, Any] = json.loads((self.path / MANIFEST).read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            known = "'chatbot eval --runs' lists them"
            raise ChatbotError(f"no run {self.id} in {self.path.parent}; {known}") from error
        return read

    def append(self, name: str, row: BaseModel) -> None:
        """Add a row and see it written."""
        line = row.model_dump_json() + "\n"
        with self.lock, (self.path / name).open("a", encoding="utf-8") as file:
            file.write(line)

    def replace(self, name: str, rows: list[BaseModel]) -> None:
        """Write all rows anew."""
        self._write(name, "".join(f"{row.model_dump_json()}\n" for row in rows))

    def rows(self, name: str, model: type[Row]) -> list[Row]:
        """The rows there are; a last line that was cut short is dropped from the file too.

        Raises:
            ChatbotError: a row before the last is damaged.
        """
        file = self.path / name
        if not file.exists():
            return []
        text = file.read_text(encoding="utf-8")
        whole, _, cut = text.rpartition("\n")
        if cut:
            self._write(name, f"{whole}\n" if whole else "")
        return list(self._parsed(name, whole, model))

    def _parsed(self, name: str, text: str, model: type[Row]) -> Iterator[Row]:
        for number, line in json_lines(text):
            try:
                yield model.model_validate_json(line)
            except ValidationError as error:
                where = f"{self.path / name}:{number}"
                raise ChatbotError(f"{where}: not a row of a run; start another run") from error

    def _write(self, name: str, text: str) -> None:
        write_atomically(self.path / name, text.encode())


def open_run(folder: Path, name: str) -> RunFolder:
    """The folder of a run, made where there is none.

    Raises:
        ChatbotError: it cannot be made.
    """
    path = folder / name
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ChatbotError(f"{path} cannot be made: {error.strerror}") from error
    return RunFolder(path, threading.Lock())


def run_names(folder: Path) -> list[str]:
    """The runs there are, oldest first."""
    return sorted(path.parent.name for path in folder.glob(f"*/{MANIFEST}"))
