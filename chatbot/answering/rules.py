"""The rules learnt from readers' feedback: one small file each in `DATA_DIR/rules`.

What cannot be read, found, written or used as a rule is a `ChatbotError` that says so.
"""

import datetime as dt
import logging
import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count, product
from pathlib import Path
from typing import Literal, get_args

from chatbot.errors import ChatbotError, quoted
from chatbot.files import write_atomically
from chatbot.understanding.models import Intent, Language

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
        kinds, languages = self.kinds or (intent,), self.languages or (language,)
        return intent in kinds and language in languages


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
    """A rule from the text of its file, which is as `format_rule` writes it."""
    parts = _FILE.fullmatch(content.removeprefix("\ufeff").replace("\r\n", "\n"))
    if parts is None:
        raise ChatbotError("needs '---', status, applies, from, created, '---', then the rule")
    lines = (line.partition(":") for line in parts["head"].splitlines() if line.strip())
    fields = {key.strip(): value.strip() for key, _, value in lines}
    if unknown := fields.keys() - _REQUIRED - _OPTIONAL:
        raise ChatbotError(f"has an unknown field {quoted(min(unknown))}")
    if missing := _REQUIRED - fields.keys():
        raise ChatbotError(f"has no {min(missing)!r}")
    if (status := fields["status"]) not in get_args(Status):
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
    """What a rule applies to, from kinds of question and languages such as ``lookup, zh``."""
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
    line = " ".join("".join(c for c in text if c.isprintable() or c.isspace()).split())
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


def _words(text: str) -> list[str]:
    return [word for word in re.split(r"[,\s]+", text) if word]


MOST_RULES = 8
MOST_CHARACTERS = 2_000
_LONGEST_NAME = 60
_NAME = re.compile(rf"[\w][\w-]{{0,{_LONGEST_NAME - 1}}}")
logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Rulebook:
    """The rules that can be read, by name; `problems` says, by name, what ails the other files."""

    rules: tuple[Rule, ...]
    problems: Mapping[str, str] = field(default_factory=dict)

    def named(self, name: str) -> Rule:
        """The rule of a name."""
        if named := next((rule for rule in self.rules if rule.name == name), None):
            return named
        if name in self.problems:
            raise ChatbotError(self.problems[name])
        raise _unknown(name)


def rule_path(data_dir: Path, name: str) -> Path:
    """The file of a rule, whose name is made of letters, digits, ``-`` and ``_``."""
    if not _NAME.fullmatch(name):
        raise ChatbotError(
            f"{quoted(name)} is no name of a rule; use up to {_LONGEST_NAME} letters, digits, "
            "- and _"
        )
    return data_dir / "rules" / f"{name}.md"


def read_rules(data_dir: Path) -> Rulebook:
    """All rules of a data folder; a file that cannot be used is told of and passed over."""
    rules: list[Rule] = []
    problems: dict[str, str] = {}
    for path in sorted((data_dir / "rules").glob("*.md")):
        try:
            content = path.read_text(encoding="utf-8")
            rules.append(parse_rule(rule_path(data_dir, path.stem).stem, content))
        except (OSError, UnicodeDecodeError, ChatbotError) as error:
            cause = "cannot be read as text" if not isinstance(error, ChatbotError) else error
            problems[path.stem] = f"{path}: {cause}; mend the file or delete it"
    return Rulebook(tuple(rules), problems)


def rules_for(data_dir: Path, intent: Intent, language: Language) -> tuple[Rule, ...]:
    """The approved rules for such a question; a damaged file is logged, never an error."""
    book = read_rules(data_dir)
    for problem in book.problems.values():
        logger.warning("%s", problem)
    return applying(book.rules, intent, language)


def applying(rules: Iterable[Rule], intent: Intent, language: Language) -> tuple[Rule, ...]:
    """The approved rules that hold for such a question, the oldest first, as far as they fit."""
    chosen: list[Rule] = []
    room = MOST_CHARACTERS
    for rule in sorted(rules, key=lambda rule: (rule.created, rule.name)):
        if rule.status != "approved" or not rule.reach.holds(intent, language):
            continue
        room -= len(rule.line) + 1
        if room < 0 or len(chosen) == MOST_RULES:
            break
        chosen.append(rule)
    return tuple(chosen)


def crowded_out(rules: Sequence[Rule]) -> tuple[str, ...]:
    """The approved rules that older ones leave no room for, in some questions they are for."""
    left_out = {
        rule.name
        for intent, language in product(KINDS, LANGUAGES)
        for rule in set(rules) - set(applying(rules, intent, language))
        if rule.status == "approved" and rule.reach.holds(intent, language)
    }
    return tuple(sorted(left_out))


def write_rule(data_dir: Path, rule: Rule) -> Path:
    """Keep a rule; the file of its name is replaced in one step."""
    with _file_of(data_dir, rule.name, "written") as path:
        write_atomically(path, format_rule(rule).encode())
    return path


def read_rule_file(data_dir: Path, name: str) -> str:
    """The text of a rule's file, whatever it holds."""
    with _file_of(data_dir, name, "read") as path:
        return path.read_text(encoding="utf-8", errors="replace")


def delete_rule(data_dir: Path, name: str) -> None:
    """Forget a rule, also one whose file is damaged."""
    with _file_of(data_dir, name, "deleted") as path:
        path.unlink()


@contextmanager
def _file_of(data_dir: Path, name: str, done: str) -> Iterator[Path]:
    """A rule's file; what fails meanwhile says that it cannot be `done`."""
    path = rule_path(data_dir, name)
    try:
        yield path
    except FileNotFoundError as error:
        raise _unknown(name) from error
    except OSError as error:
        raise ChatbotError(f"{path} cannot be {done}: {error.strerror}") from error


def _unknown(name: str) -> ChatbotError:
    return ChatbotError(f"no rule is called {quoted(name)}; `chatbot rules` lists them")
