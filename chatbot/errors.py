"""Every error the chatbot raises on purpose.

ChatbotError
├── ConfigurationError   a setting that cannot be used
├── ReportError          a report file that cannot be read (path, line, cause)
├── PromptError          a prompt file whose variables are not the declared ones
├── MissingIndexError    there is no index, or it cannot be used
└── ModelError           a language or embedding model that did not answer
    └── BudgetError      the day's tokens are used up

Foreign exceptions are turned into one of these where they enter; a message is one line: what is
wrong, where, what to do next.
"""

import datetime as dt

_LONGEST_QUOTE = 80


def quoted(text: str) -> str:
    """A text of others for an error's line: escaped, in quotes, cut where that is long."""
    shown = repr(text[:_LONGEST_QUOTE])
    if len(shown) <= _LONGEST_QUOTE and len(text) <= _LONGEST_QUOTE:
        return shown
    return f"{shown[: _LONGEST_QUOTE - 1].rstrip(shown[0])}…{shown[0]}"


class ChatbotError(Exception):
    """Base of all our errors; its text is one line for the user, `kind` what is counted."""

    kind = "request"


class ConfigurationError(ChatbotError):
    """A setting that cannot be used."""

    kind = "configuration"


class ReportError(ChatbotError):
    """A report that cannot be read: its path as the user named it, the line from 1, the cause.

    The cause is what is wrong and what to do, without the place.
    """

    def __init__(self, path: str, line: int, cause: str) -> None:
        super().__init__(f"{path}:{line}: {cause}")
        self.path, self.line, self.cause = path, line, cause


class PromptError(ChatbotError):
    """A prompt file whose variables differ from those it declares or is given."""

    kind = "prompt"


class MissingIndexError(ChatbotError):
    """There is no index yet, or the one on disk cannot be used."""

    kind = "index"


class ModelError(ChatbotError):
    """A language or embedding model refused, timed out or could not be reached."""

    kind = "model"


class TooLongError(ModelError):
    """A model was given more than its context holds; less may do."""


class BudgetError(ModelError):
    """The day's tokens are used up, so many a day; there are more when it `renews`, in UTC."""

    kind = "budget"

    def __init__(self, tokens: int, renews: dt.datetime) -> None:
        super().__init__(
            f"the day's {tokens} tokens are used up; there are more from {renews:%Y-%m-%d %H:%M} "
            "UTC, or raise CHATBOT_DAILY_TOKENS"
        )
        self.tokens, self.renews = tokens, renews
