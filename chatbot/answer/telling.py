"""The last door of an answer's text: what may not leave is taken out of it as it goes by."""

from collections import Counter
from collections.abc import Generator, Iterable

from chatbot.answer.models import TextDelta
from chatbot.index.records import IndexedSection
from chatbot.index.store import Index
from chatbot.scrubbing import Limits, limits_of, scrubbed_stream


def limits_for(index: Index, sources: Iterable[IndexedSection], *, written: bool) -> Limits:
    """What an answer from these sections is held to; `written` is whether by a model.

    Raises:
        PromptError: a prompt file cannot be used.
    """
    shown = list(sources)
    return limits_of(
        index.settings,
        (section.url for section in shown),
        (section.text for section in shown),
        written=written,
    )


def told(
    texts: Iterable[str], limits: Limits, found: Counter[str]
) -> Generator[TextDelta, None, str]:
    """Yield the text scrubbed, as it comes; return all of it."""
    parts: list[str] = []
    for text in scrubbed_stream(texts, limits, found):
        parts.append(text)
        yield TextDelta(text)
    return "".join(parts).strip()
