"""Prompts: Markdown files in `prompts/`, variables named at the top, a system and a user part.

A file that cannot be read, uses a variable it does not declare, or declares one it does not use is
a `PromptError` when it is loaded, and a call that leaves one out when it is filled; nothing is ever
left blank. A ``$`` of the prompt's own is written ``$$``. ``$mark`` need not be declared: it stands
for what the tags around the texts of others carry (`guardrails/spotlighting.py`).
"""

import hashlib
import re
from dataclasses import dataclass
from pathlib import Path
from string import Template

from chatbot.config import PROMPTS
from chatbot.errors import PromptError
from chatbot.guardrails.output_filter import Known, OutputPolicy, known_lines, scrubbed
from chatbot.guardrails.spotlighting import Value, rendered
from chatbot.llm.client import ChatTurn

_MARK = "mark"
_FILE = re.compile(
    r"---\nvariables: *(?P<variables>[^\n]*)\n---\n.*?"
    r"^## System\n(?P<system>.*?)^## User\n(?P<user>.*)",
    re.DOTALL | re.MULTILINE,
)


@dataclass(frozen=True, slots=True)
class Prompt:
    """A prompt; `version` is a short hash of its file."""

    name: str
    version: str
    variables: frozenset[str]
    system: Template
    user: Template

    def turns(self, **values: Value) -> list[ChatTurn]:
        """The system and user turns, filled in; `Material` in tags that no text can close."""
        if values.keys() != self.variables:
            wrong = ", ".join(sorted(values.keys() ^ self.variables))
            raise PromptError(f"prompt {self.name!r}: missing or unknown variables: {wrong}")
        shown, mark = rendered(values, self.version)
        filled = {**shown, _MARK: mark}
        system, user = self.system.substitute(filled), self.user.substitute(filled)
        return [ChatTurn("system", system), ChatTurn("user", user)]


def load_prompt(name: str, folder: Path = PROMPTS) -> Prompt:
    """Load ``NAME.md``."""
    path = folder / f"{name}.md"
    try:
        text = path.read_text(encoding="utf-8").replace("\r\n", "\n")
    except (OSError, UnicodeDecodeError) as error:
        raise PromptError(f"{path} cannot be read: {error}") from error
    parts = _FILE.fullmatch(text)
    if parts is None:
        raise PromptError(
            f"{path} needs '---', 'variables: …', '---', then '## System' and '## User'"
        )
    declared = frozenset(re.findall(r"\w+", parts["variables"]))
    system, user = Template(parts["system"].strip()), Template(parts["user"].strip())
    if not (system.is_valid() and user.is_valid()):
        raise PromptError(
            f"{path} holds a '$' that starts no variable; write '$$' for the sign itself"
        )
    used = {*system.get_identifiers(), *user.get_identifiers()} - {_MARK}
    if used != declared:
        wrong = ", ".join(sorted(used ^ declared))
        raise PromptError(f"{path} declares other variables than it uses: {wrong}")
    return Prompt(name, hashlib.sha256(text.encode()).hexdigest()[:12], declared, system, user)


def prompt_lines() -> Known:
    """What lines of our prompts are told by."""
    names = sorted(path.stem for path in PROMPTS.glob("*.md"))
    return known_lines(tuple(load_prompt(name).system.template for name in names))


def may_leave(text: str) -> bool:
    """Whether a line that a model made up holds nothing that may not leave, nor one of a prompt."""
    return scrubbed(text, OutputPolicy(prompts=prompt_lines()))[0] == text
