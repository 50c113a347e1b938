"""Evidence to the turns a model is asked with: numbered sources, earlier turns, the question."""

from collections.abc import Sequence

from chatbot.index.records import IndexedSection
from chatbot.llm import ChatTurn
from chatbot.prompts import Prompt
from chatbot.retrieval.models import Evidence, Message

_LANGUAGE_NAMES = {"zh": "Chinese", "en": "English"}
_HISTORY_TURNS = 6
_HISTORY_CHARACTERS = 1_000
# A Chinese character costs about one token; what is left is for the answer.
_SOURCES_SHARE = 0.6


def number_sources(evidence: Evidence, context_tokens: int) -> dict[int, IndexedSection]:
    """The sections to show, numbered from 1, best first.

    The weakest are left out where the context is too small.
    """
    numbered: dict[int, IndexedSection] = {}
    room = int(context_tokens * _SOURCES_SHARE)
    for hit in evidence.hits:
        room -= len(hit.section.text)
        if numbered and room < 0:
            break
        numbered[len(numbered) + 1] = hit.section
    return numbered


def prompt_turns(
    prompt: Prompt, evidence: Evidence, sources: dict[int, IndexedSection]
) -> list[ChatTurn]:
    """All turns of one call: system prompt, latest history, the question with its sources."""
    query = evidence.query
    system, user = prompt.turns(
        language=_LANGUAGE_NAMES[query.language],
        sources="\n\n".join(_source(n, section) for n, section in sources.items()),
        question=query.question,
    )
    return [system, *_history(query.history), user]


def _source(n: int, section: IndexedSection) -> str:
    """One delimited source; a closing tag inside its text cannot close it."""
    text = section.text.replace("<source", "< source").replace("</source", "< /source")
    title = section.title.replace('"', "'")
    place = f"{section.label} ({section.key})"
    about = f'title="{title}" date="{section.date.isoformat()}" section="{place}"'
    return f'<source n="{n}" {about}>\n{text}\n</source>'


def _history(history: Sequence[Message]) -> list[ChatTurn]:
    return [
        ChatTurn(turn.role, turn.content[:_HISTORY_CHARACTERS])
        for turn in history[-_HISTORY_TURNS:]
    ]
