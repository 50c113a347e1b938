"""Text of others on its way to a model: delimited, labelled, without what could pass for more.

Delimiting after "spotlighting" (Hines et al. 2024, arXiv:2403.14720); that what a chat template is
made of does not reach the model within data, after StruQ (Chen et al. 2024, arXiv:2402.06363). What
a reader is shown stays as it was written.
"""

import hashlib
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import count

from chatbot.guardrails.output_filter import visible

_MARK_LENGTH = 8
# Tokens by which models of today are told who speaks, and where a text begins and ends.
_TEMPLATE_TOKEN = re.compile(
    r"<[|｜][^|｜<>\n]{1,40}[|｜]>|<<\/?SYS>>|\[\/?(?:INST|SYSTEM_PROMPT|AVAILABLE_TOOLS"
    r"|TOOL_CALLS|TOOL_RESULTS)\]|<\/?s>|<(?:start|end)_of_turn>|<(?:bos|eos|pad|unk)>",
    re.IGNORECASE,
)
_SPEAKER = re.compile(
    r"^(?P<lead>[ \t>#*_-]*)(?P<who>system|developer|human|user|assistant|tool|系统|用户|助手)"
    r"(?P<what>[ \t]*(?:message|prompt|消息|提示词?|指令)?)[ \t]*[*_]*[ \t]*[:：]",
    re.IGNORECASE | re.MULTILINE,
)


@dataclass(frozen=True, slots=True)
class Material:
    """A text of others, the tag it stands in, and what is told about it there."""

    tag: str
    text: str
    about: Mapping[str, str] = field(default_factory=dict)


Value = str | Sequence[str | Material]


def neutral(text: str, tags: Iterable[str] = ()) -> str:
    """`text` in which nothing is a token of a chat template, a speaker's line or one of `tags`."""
    # A token whose first and last sign are set apart can still be read, and is none any more.
    text = _TEMPLATE_TOKEN.sub(lambda t: f"{t[0][0]} {t[0][1:-1]} {t[0][-1]}", visible(text))
    text = _SPEAKER.sub(lambda line: f"{line['lead']}({line['who']}{line['what']})", text)
    names = "|".join(sorted(tags))
    return re.sub(rf"<(?=\s*/?\s*(?:{names})\b)", "< ", text) if names else text


def rendered(values: Mapping[str, Value], salt: str) -> tuple[Mapping[str, str], str]:
    """The values as a prompt holds them, and the mark that their tags carry.

    The mark is drawn from all that is said, so that the same call reads the same, and drawn again
    while any text holds it: no text can close the tag it stands in.
    """
    pieces = {
        name: [value] if isinstance(value, str) else value for name, value in sorted(values.items())
    }
    every = [piece for held in pieces.values() for piece in held]
    texts = [
        text
        for piece in every
        for text in ([piece] if isinstance(piece, str) else [piece.text, *piece.about.values()])
    ]
    mark = _mark(texts, salt)
    tags = {piece.tag for piece in every if isinstance(piece, Material)}
    shown = {
        name: "\n\n".join(_shown(piece, mark, tags) for piece in held)
        for name, held in pieces.items()
    }
    return shown, mark


def _mark(texts: Sequence[str], salt: str) -> str:
    drawn, tried = hashlib.sha256("\0".join([salt, *texts]).encode(errors="replace")), count()
    while True:
        drawn.update(str(next(tried)).encode())
        mark = drawn.hexdigest()[:_MARK_LENGTH]
        if not any(mark in text.casefold() for text in texts):
            return mark


def _shown(piece: str | Material, mark: str, tags: Iterable[str]) -> str:
    if isinstance(piece, str):
        return neutral(piece, tags)
    quoted = {name: neutral(value, tags).replace('"', "'") for name, value in piece.about.items()}
    about = "".join(f' {name}="{" ".join(value.split())}"' for name, value in quoted.items())
    text = neutral(piece.text, tags)
    return f'<{piece.tag}{about} mark="{mark}">\n{text}\n</{piece.tag} mark="{mark}">'
