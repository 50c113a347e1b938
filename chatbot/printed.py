"""What other packages print on standard error, as records of the log.

gradio prints the traceback of whatever it did not expect, and of a call with too few arguments
what it was called with. Of a traceback the frames and the error's class are logged; what an error
says, and text beside tracebacks, only where questions may be.
"""

import contextlib
import io
import logging
import re
import threading
from collections.abc import Iterator

from chatbot.config import Settings
from chatbot.visits import SAID

logger = logging.getLogger(__name__)

_BEGINS = "Traceback (most recent call last):"
_FRAME = re.compile(r'  File "[^"]+", line \d+, in \S+')
_ERROR = re.compile(r"[A-Za-z_][\w.]*")


@contextlib.contextmanager
def printed_to_log(settings: Settings) -> Iterator[None]:
    """Write into the log what is printed on standard error meanwhile."""
    with contextlib.redirect_stderr(_Printed(questions=settings.log_questions == "on")):
        yield


class _Printed(io.TextIOBase):
    """A text stream that logs; each thread has lines and tracebacks of its own."""

    def __init__(self, *, questions: bool) -> None:
        self._questions = questions
        self._threads = threading.local()

    def writable(self) -> bool:
        return True

    def write(self, text: str) -> int:
        *lines, rest = (getattr(self._threads, "rest", "") + text).split("\n")
        self._threads.rest = rest
        for line in lines:
            if self._questions and line.strip():
                logger.warning("%s", line)
            elif not self._questions:
                self._take(line)
        return len(text)

    def _take(self, line: str) -> None:
        frames: list[str] | None = getattr(self._threads, "frames", None)
        if line.strip() == _BEGINS:
            self._threads.frames = []
        elif frames is None or not line:
            return
        elif frame := _FRAME.match(line):
            frames.append(frame[0].strip())
        elif not line.startswith(" ") and (error := _ERROR.match(line)):
            self._threads.frames = None
            said = {"frames": "\n".join(frames)}
            logger.warning("another package met an error: %s", error[0], extra={SAID: said})
