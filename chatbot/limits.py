"""How much is taken in of anything, and the lines that refuse more.

Every door asks here: commands, page, functions for programs, LlamaIndex's engine and retriever.
"""

import re
from collections.abc import Sequence
from pathlib import Path

from chatbot.errors import ChatbotError

# Characters of a question; its cost grows faster than its length.
LONGEST_QUESTION = 8_000
# Turns of a history, a question and its answer being two, and their characters together.
MOST_TURNS = 100
LONGEST_HISTORY = 100_000
# Bytes of a report file, files dropped on the page at once, report files in a folder.
LARGEST_REPORT = 10 * 2**20
MOST_UPLOADS = 20
MOST_REPORTS = 10_000
_HALF = re.compile(r"[\ud800-\udfff]")


def check_question(question: str) -> None:
    """Refuse what cannot be asked.

    Raises:
        ChatbotError: it is too long, or holds half a character.
    """
    if len(question) > LONGEST_QUESTION:
        raise ChatbotError(
            f"the question has {len(question)} characters; {LONGEST_QUESTION} are the most, "
            "shorten it"
        )
    if half := _HALF.search(question):
        raise ChatbotError(
            f"the question holds half a character (U+{ord(half[0]):04X}); send valid UTF-8"
        )


def check_history(turns: Sequence[str]) -> None:
    """Refuse a history, oldest turn first, that is not read to its end.

    Raises:
        ChatbotError: it has too many turns or characters, or holds half a character.
    """
    if len(turns) > MOST_TURNS:
        raise ChatbotError(
            f"the history has {len(turns)} turns; {MOST_TURNS} are the most, drop the oldest"
        )
    if (length := sum(map(len, turns))) > LONGEST_HISTORY:
        raise ChatbotError(
            f"the history has {length} characters; {LONGEST_HISTORY} are the most, drop the oldest"
        )
    if half := next(filter(None, map(_HALF.search, turns)), None):
        raise ChatbotError(
            f"the history holds half a character (U+{ord(half[0]):04X}); send valid UTF-8"
        )


def newest_turns(turns: Sequence[str]) -> int:
    """How many of the last turns of a history are within the limits."""
    length = count = 0
    for turn in reversed(turns[-MOST_TURNS:]):
        length += len(turn)
        if length > LONGEST_HISTORY:
            break
        count += 1
    return count


def read_report_bytes(path: Path) -> bytes:
    """A report file's bytes, and no more than one beyond `LARGEST_REPORT`: its parse refuses it.

    Raises:
        OSError: it cannot be read.
    """
    with path.open("rb") as file:
        return file.read(LARGEST_REPORT + 1)
