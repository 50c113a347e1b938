"""How often something may be done: so many at once, then one in every so many seconds.

The generic cell rate algorithm (ITU-T I.371): one time for each key, when its allowance is whole
again. The clock is monotonic, so setting the machine's own neither frees nor locks anything.
"""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from threading import Lock

_MOST_KEYS = 10_000


@dataclass(frozen=True, slots=True)
class Allowance:
    """`burst` at once, and one more for every `seconds` that pass."""

    burst: int
    seconds: float


class Limiter:
    """Grants and refuses, by keys; safe to share between threads.

    It remembers at most `most_keys`; past that, those nearest to a whole allowance are forgotten.
    """

    def __init__(
        self, clock: Callable[[], float] = time.monotonic, most_keys: int = _MOST_KEYS
    ) -> None:
        self._clock, self._most_keys = clock, most_keys
        self._whole_at: dict[str, float] = {}
        self._lock = Lock()

    def take(self, wanted: Mapping[str, Allowance]) -> float:
        """Take one of each key's allowance, or of none.

        Returns:
            0.0 where it was granted, else the seconds until it would be.
        """
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
                self._forget(now)
            return 0.0

    def give_back(self, wanted: Mapping[str, Allowance]) -> None:
        """Undo a `take` that was granted."""
        with self._lock:
            for key, allowance in wanted.items():
                if key in self._whole_at:
                    self._whole_at[key] -= allowance.seconds

    def __len__(self) -> int:
        return len(self._whole_at)

    def _forget(self, now: float) -> None:
        latest = sorted(self._whole_at.items(), key=lambda entry: entry[1], reverse=True)
        kept = latest[: self._most_keys // 2]
        self._whole_at = {key: whole_at for key, whole_at in kept if whole_at > now}
