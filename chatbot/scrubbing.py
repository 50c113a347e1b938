"""What may not leave with an answer, whoever wrote it: taken out, also while it streams.

No image, no HTML but ``<br>``, no link but to arXiv, Hugging Face and the papers at hand, no key,
no path of ours, no line of our prompts, nothing that cannot be seen. The text is Markdown and stays
so; what was scrubbed is not changed by scrubbing it again.
"""

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from chatbot.config import PROJECT_ROOT, PROMPTS, Settings
from chatbot.inert import addresses, inert, unfinished
from chatbot.leaks import Known, known_lines, run_at_end, without_lines
from chatbot.llm_errors import key_of
from chatbot.material import visible
from chatbot.prompts import load_prompt

_CUT = "…"
_LEAST_SECRET = 4
_PASSES = 20
_KEY = re.compile(r"(?<![A-Za-z0-9])sk-[A-Za-z0-9_-]{16,}")


@dataclass(frozen=True, slots=True)
class Limits:
    """What one text is held to.

    `own` are addresses that may be links, `known` those that may be told of in words; `secrets` are
    struck out word for word, and so are lines of `prompts`.
    """

    own: frozenset[str] = frozenset()
    known: frozenset[str] = frozenset()
    secrets: tuple[str, ...] = ()
    prompts: Known = frozenset()


def limits_of(
    settings: Settings, own: Iterable[str] = (), texts: Iterable[str] = (), *, written: bool = True
) -> Limits:
    """The limits of an answer from papers at these addresses and sections of these texts.

    One that no model has `written` is not searched for prompts.

    Raises:
        PromptError: a prompt file cannot be used.
    """
    paths = (settings.data_dir, settings.data_dir.resolve(), PROJECT_ROOT)
    secrets = {key_of(settings), *(str(path) for path in paths if path.is_absolute())}
    return Limits(
        frozenset(own),
        frozenset().union(*map(addresses, texts)),
        tuple(sorted((s for s in secrets if len(s) >= _LEAST_SECRET), key=len, reverse=True)),
        prompt_lines() if written else frozenset(),
    )


def prompt_lines() -> Known:
    """What lines of our prompts are told by.

    Raises:
        PromptError: a prompt file cannot be used.
    """
    names = sorted(path.stem for path in PROMPTS.glob("*.md"))
    return known_lines(tuple(load_prompt(name).system.template for name in names))


def scrubbed(text: str, limits: Limits, found: Counter[str] | None = None) -> str:
    """`text` without what may not leave.

    `found` counts what was taken out, by kind: image, html, link, key, path, prompt, invisible.
    """
    counted = Counter[str]() if found is None else found
    for _ in range(_PASSES):
        before, text = text, _once(text, limits, counted)
        if text == before:
            break
    return text


def scrubbed_stream(deltas: Iterable[str], limits: Limits, found: Counter[str]) -> Iterator[str]:
    """`scrubbed` piece by piece; an end is held back while it may yet become such a thing."""
    pending = ""
    for delta in deltas:
        seen = visible(delta)  # what cannot be seen would part what belongs together
        found["invisible"] += len(delta) - len(seen)
        pending += seen
        at = _settled(pending, limits)
        if ready := scrubbed(pending[:at], limits, found):
            yield ready
        pending = pending[at:]
    if rest := scrubbed(pending, limits, found):
        yield rest


def is_clean(text: str, limits: Limits) -> bool:
    """Whether scrubbing leaves a text as it is."""
    return scrubbed(text, limits) == text


def _once(text: str, limits: Limits, found: Counter[str]) -> str:
    seen = visible(text)
    found["invisible"] += len(text) - len(seen)
    text = _without_secrets(inert(seen, limits.own, limits.known, found), limits, found)
    text, leaked = without_lines(text, limits.prompts)
    found["prompt"] += leaked
    return text


def _without_secrets(text: str, limits: Limits, found: Counter[str]) -> str:
    for secret in limits.secrets:
        if times := text.count(secret):
            found["path" if "/" in secret or "\\" in secret else "key"] += times
            text = text.replace(secret, _CUT)
    text, times = _KEY.subn(_CUT, text)
    found["key"] += times
    return text


def _settled(text: str, limits: Limits) -> int:
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
