"""How much is taken in of anything, and how often; the lines that refuse more."""

import re
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from operator import itemgetter
from pathlib import Path
from threading import Lock

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
    """Refuse, by a `ChatbotError`, what cannot be asked."""
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
    """Refuse in the same way a history, oldest turn first, that is not read to its end."""
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
    """A report file's bytes, and no more than one beyond `LARGEST_REPORT`: its parse refuses it."""
    with path.open("rb") as file:
        return file.read(LARGEST_REPORT + 1)


@dataclass(frozen=True, slots=True)
class Allowance:
    """`burst` at once, and one more for every `seconds` that pass."""

    burst: int
    seconds: float


class RateLimiter:
    """Grants and refuses, by keys; safe to share between threads.

    It remembers at most `most_keys`; past that, those nearest to a whole allowance are forgotten.
    """

    def __init__(
        self, clock: Callable[[], float] = time.monotonic, most_keys: int = 10_000
    ) -> None:
        self._clock, self._most_keys = clock, most_keys
        self._whole_at: dict[str, float] = {}
        self._lock = Lock()

    def take(self, wanted: Mapping[str, Allowance]) -> float:
        """Take one of each key's allowance, or of none; the seconds until it would be granted."""
        with self._lock:
            now = self._clock()
            later = {
                key: max(self._whole_at.get(key, now), now) + allowance.seconds
                for key, allowance in wanted.items()
            }
            wait = max(
                later[key] - now - allowance.burst * allowance.seconds
                for key, allowance in wanted.items()
            )
            # What floating-point numbers leave over is no reason to refuse.
            if wait > 1e-6:  # noqa: PLR2004
                return wait
            self._whole_at |= later
            if len(self._whole_at) > self._most_keys:
                latest = sorted(self._whole_at.items(), key=itemgetter(1), reverse=True)
                kept = latest[: self._most_keys // 2]
                self._whole_at = {key: whole_at for key, whole_at in kept if whole_at > now}
            return 0.0

    def give_back(self, wanted: Mapping[str, Allowance]) -> None:
        """Undo a `take` that was granted."""
        with self._lock:
            for key, allowance in wanted.items():
                if key in self._whole_at:
                    self._whole_at[key] -= allowance.seconds

    def __len__(self) -> int:
        return len(self._whole_at)
