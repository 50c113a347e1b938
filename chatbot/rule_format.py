"""One rule for answers, learnt from readers' feedback, and the text of its file.

The file is meant to be read and mended by hand (`docs/feedback.md`).
"""

import datetime as dt
import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import count
from typing import Literal, get_args

from chatbot.errors import ChatbotError, quoted
from chatbot.retrieval.models import Intent, Language

Kind = Literal["lookup", "compare", "list", "overview"]
Status = Literal["proposed", "approved"]
KINDS: tuple[Kind, ...] = get_args(Kind)
LANGUAGES: tuple[Language, ...] = get_args(Language)
LONGEST_RULE = 300
_SLUG_LENGTH = 40
_FILE = re.compile(r"---\n(?P<head>.*?)^---(\n|$)(?P<text>.*)", re.DOTALL | re.MULTILINE)
_REQUIRED, _OPTIONAL = {"status", "created"}, {"applies", "from"}


@dataclass(frozen=True, slots=True)
class Reach:
    """The kinds of question and the languages of answer a rule is for; an empty field is all."""

    kinds: tuple[Kind, ...] = ()
    languages: tuple[Language, ...] = ()

    def holds(self, intent: Intent, language: Language) -> bool:
        """Whether such a question is meant."""
        return (not self.kinds or intent in self.kinds) and (
            not self.languages or language in self.languages
        )


@dataclass(frozen=True, slots=True)
class Rule:
    """One or two sentences for the model; `sources` are the ids of the feedback it is from."""

    name: str
    text: str
    created: dt.date
    status: Status = "proposed"
    reach: Reach = Reach()
    sources: tuple[str, ...] = ()

    @property
    def line(self) -> str:
        """The rule as a prompt shows it."""
        return f"- {self.name}: {self.text}"


def format_rule(rule: Rule) -> str:
    """The text of a rule's file."""
    return (
        f"---\nstatus: {rule.status}\n"
        f"applies: {', '.join([*rule.reach.kinds, *rule.reach.languages])}\n"
        f"from: {', '.join(rule.sources)}\n"
        f"created: {rule.created.isoformat()}\n---\n{rule.text}\n"
    )


def parse_rule(name: str, content: str) -> Rule:
    """A rule from the text of its file.

    Raises:
        ChatbotError: it is not as `format_rule` writes it.
    """
    parts = _FILE.fullmatch(content.removeprefix("\ufeff").replace("\r\n", "\n"))
    if parts is None:
        raise ChatbotError("needs '---', status, applies, from, created, '---', then the rule")
    fields = _fields(parts["head"])
    status = fields["status"]
    if status not in get_args(Status):
        raise ChatbotError(f"status is {quoted(status)}, not proposed or approved")
    try:
        created = dt.date.fromisoformat(fields["created"])
    except ValueError as error:
        raise ChatbotError(f"created is {quoted(fields['created'])}, no date") from error
    return Rule(
        name=name,
        text=rule_text(parts["text"]),
        created=created,
        status="approved" if status == "approved" else "proposed",
        reach=parse_reach(fields.get("applies", "")),
        sources=tuple(_words(fields.get("from", ""))),
    )


def parse_reach(text: str) -> Reach:
    """What a rule applies to, from words such as ``lookup, zh``.

    Raises:
        ChatbotError: a word is neither a kind of question nor a language.
    """
    words = _words(text)
    if unknown := [word for word in words if word not in {*KINDS, *LANGUAGES}]:
        known = ", ".join([*KINDS, *LANGUAGES])
        raise ChatbotError(f"applies names {quoted(unknown[0])}, which is none of {known}")
    return Reach(
        tuple(kind for kind in KINDS if kind in words),
        tuple(language for language in LANGUAGES if language in words),
    )


def rule_text(text: str) -> str:
    """A rule's text on one line, without characters that cannot be seen.

    Raises:
        ChatbotError: nothing is left, or more than `LONGEST_RULE` characters.
    """
    seen = "".join(c for c in " ".join(text.split()) if c.isprintable()).strip()
    line = " ".join(seen.split())
    if not line:
        raise ChatbotError("holds no rule")
    if len(line) > LONGEST_RULE:
        raise ChatbotError(f"the rule has {len(line)} characters, {LONGEST_RULE} are allowed")
    return line


def name_for(text: str, taken: Iterable[str]) -> str:
    """A name for a rule that says what it is about, and that none has yet."""
    plain = unicodedata.normalize("NFKC", text).casefold()
    slug = re.sub(r"[\W_]+", "-", plain)[:_SLUG_LENGTH].strip("-") or "rule"
    known = {name.casefold() for name in taken}
    return next(name for n in count(1) if (name := slug if n == 1 else f"{slug}-{n}") not in known)


def _fields(head: str) -> Mapping[str, str]:
    lines = [line.partition(":") for line in head.splitlines() if line.strip()]
    fields = {key.strip(): value.strip() for key, _, value in lines}
    if unknown := fields.keys() - _REQUIRED - _OPTIONAL:
        raise ChatbotError(f"has an unknown field {quoted(min(unknown))}")
    if missing := _REQUIRED - fields.keys():
        raise ChatbotError(f"has no {min(missing)!r}")
    return fields


def _words(text: str) -> list[str]:
    return [word for word in re.split(r"[,\s]+", text) if word]
