"""The rules learnt from readers' feedback: one small file each in `DATA_DIR/rules`.

Only an approved rule enters a prompt, and only for the kinds of question and the languages it is
for.
"""

import logging
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import product
from pathlib import Path

from chatbot.errors import ChatbotError, quoted
from chatbot.files import write_atomically
from chatbot.retrieval.models import Intent, Language
from chatbot.rule_format import KINDS, LANGUAGES, Rule, format_rule, parse_rule

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
        """The rule of a name.

        Raises:
            ChatbotError: there is none, or its file is damaged.
        """
        for rule in self.rules:
            if rule.name == name:
                return rule
        if name in self.problems:
            raise ChatbotError(self.problems[name])
        raise _unknown(name)


def rule_path(data_dir: Path, name: str) -> Path:
    """The file of a rule.

    Raises:
        ChatbotError: the name is not made of letters, digits, ``-`` and ``_``.
    """
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
    """Keep a rule; the file of its name is replaced in one step.

    Raises:
        ChatbotError: it cannot be written.
    """
    path = rule_path(data_dir, rule.name)
    try:
        write_atomically(path, format_rule(rule).encode())
    except OSError as error:
        raise ChatbotError(f"{path} cannot be written: {error.strerror}") from error
    return path


def read_rule_file(data_dir: Path, name: str) -> str:
    """The text of a rule's file, whatever it holds.

    Raises:
        ChatbotError: there is none, or it cannot be read.
    """
    path = rule_path(data_dir, name)
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except FileNotFoundError as error:
        raise _unknown(name) from error
    except OSError as error:
        raise ChatbotError(f"{path} cannot be read: {error.strerror}") from error


def delete_rule(data_dir: Path, name: str) -> None:
    """Forget a rule, also one whose file is damaged.

    Raises:
        ChatbotError: there is none, or it cannot be deleted.
    """
    path = rule_path(data_dir, name)
    try:
        path.unlink()
    except FileNotFoundError as error:
        raise _unknown(name) from error
    except OSError as error:
        raise ChatbotError(f"{path} cannot be deleted: {error.strerror}") from error


def _unknown(name: str) -> ChatbotError:
    return ChatbotError(f"no rule is called {quoted(name)}; `chatbot rules` lists them")
