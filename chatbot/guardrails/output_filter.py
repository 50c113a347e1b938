"""What may not leave with an answer, whoever wrote it: taken out, also while it streams.

No image, no HTML but ``<br>``, no link but to arXiv, Hugging Face and the papers at hand, no key,
no path of ours, no line of our prompts, nothing that cannot be seen. The text is Markdown and stays
so; what was filtered is not changed by filtering it again. Lines of prompts are told by long runs
of the same words.
"""

import re
from collections import Counter
from collections.abc import Generator, Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from itertools import chain

from chatbot.guardrails.sanitizer import inert, unfinished
from chatbot.guardrails.spotlighting import visible

Known = frozenset[tuple[str, ...]]
_WORD = re.compile(r"[A-Za-z0-9_]+")
_TOGETHER = 3
# Of 671 true answers and claims none shares as many as 5 words in a row with a prompt.
_LINE = 8
_ROOM = "…"


@lru_cache(maxsize=2)  # each answer asks for those of the same prompts
def known_lines(texts: tuple[str, ...]) -> Known:
    """What lines of these texts are told by: three words in a row each, and how those begin."""
    return frozenset(
        words[at : at + size]
        for text in texts
        for piece in re.split(r"\$\w+", text)
        for words in [tuple(word[0].casefold() for word in _WORD.finditer(piece))]
        for at in range(len(words) - _TOGETHER + 1)
        for size in range(1, _TOGETHER + 1)
    )


def without_lines(text: str, known: Known) -> tuple[str, int]:
    """`text` less every run of eight known words or more, and how many runs there were."""
    runs = [(first, last) for first, last, words in _runs(text, known) if words >= _LINE]
    for first, last in reversed(runs):
        text = f"{text[:first]}{_CUT}{text[last:]}"
    return text, len(runs)


def run_at_end(text: str, known: Known) -> int:
    """Where a run of known words begins that may go on after the text; its length if none does."""
    words = list(_WORD.finditer(text)) if known else []
    for first, last, _ in _runs(text, known):
        if last == words[-1].end():
            return first
    for begun in (words[-2:], words[-1:]):
        if begun and tuple(word[0].casefold() for word in begun) in known:
            return begun[0].start()
    return len(text)


def _runs(text: str, known: Known) -> Iterator[tuple[int, int, int]]:
    """Runs of known words: where they begin and end (exclusive), and how many words they have."""
    if not known:
        return
    words = list(_WORD.finditer(text))
    said = [word[0].casefold() for word in words]
    at = 0
    while at <= len(words) - _TOGETHER:
        end = at
        while end <= len(said) - _TOGETHER and tuple(said[end : end + _TOGETHER]) in known:
            end += 1
        if end > at:
            last = end + _TOGETHER - 2
            yield words[at].start(), words[last].end(), last - at + 1
        at = end + 1


_CUT = "…"
_PASSES = 20
_KEY = re.compile(r"(?<![A-Za-z0-9])sk-[A-Za-z0-9_-]{16,}")


@dataclass(frozen=True, slots=True)
class OutputPolicy:
    """What one text is held to.

    `own` are addresses that may be links, `known` those that may be told of in words; `secrets` are
    struck out word for word, and so are lines of `prompts`.
    """

    own: frozenset[str] = frozenset()
    known: frozenset[str] = frozenset()
    secrets: tuple[str, ...] = ()
    prompts: Known = frozenset()


def scrubbed(text: str, limits: OutputPolicy) -> tuple[str, Counter[str]]:
    """`text` without what may not leave, and how much was taken out.

    It is counted by kind: image, html, link, key, path, prompt, invisible.
    """
    found = Counter[str]()
    for _ in range(_PASSES):
        before, (text, kinds) = text, _once(text, limits)
        found += kinds
        if text == before:
            break
    return text, found


def scrubbed_stream(
    deltas: Iterable[str], limits: OutputPolicy
) -> Generator[str, None, Counter[str]]:
    """`scrubbed` piece by piece; an end is held back while it may yet become such a thing.

    Returns:
        What was taken out, counted by kind.
    """
    pending, found = "", Counter[str]()
    for delta in chain(deltas, [None]):
        seen = visible(delta or "")  # what cannot be seen would part what belongs together
        found["invisible"] += len(delta or "") - len(seen)
        pending += seen
        at = len(pending) if delta is None else _settled(pending, limits)
        ready, kinds = scrubbed(pending[:at], limits)
        found += kinds
        pending = pending[at:]
        if ready:
            yield ready
    return found


def is_clean(text: str, limits: OutputPolicy) -> bool:
    """Whether scrubbing leaves a text as it is."""
    return scrubbed(text, limits)[0] == text


def _once(text: str, limits: OutputPolicy) -> tuple[str, Counter[str]]:
    seen = visible(text)
    inoffensive, found = inert(seen, limits.own, limits.known)
    bare, secrets = _without_secrets(inoffensive, limits)
    left, leaked = without_lines(bare, limits.prompts)
    return left, found + secrets + Counter(invisible=len(text) - len(seen), prompt=leaked)


def _without_secrets(text: str, limits: OutputPolicy) -> tuple[str, Counter[str]]:
    found = Counter[str]()
    for secret in limits.secrets:
        found["path" if "/" in secret or "\\" in secret else "key"] += text.count(secret)
        text = text.replace(secret, _CUT)
    text, times = _KEY.subn(_CUT, text)
    found["key"] += times
    return text, found


def _settled(text: str, limits: OutputPolicy) -> int:
    """How much of a text can be scrubbed and shown, whatever follows."""
    at = len(text)
    while True:
        shown = text[:at]
        begun = min(
            unfinished(shown),
            run_at_end(shown, limits.prompts),
            *(_begun(shown, secret) for secret in limits.secrets),
        )
        if begun == at:
            return at
        at = begun


def _begun(text: str, secret: str) -> int:
    """Where a secret begins at the end of a text, of which more is to come."""
    longest = min(len(text), len(secret) - 1)
    sizes = (size for size in range(longest, 0, -1) if text.endswith(secret[:size]))
    return len(text) - next(sizes, 0)
