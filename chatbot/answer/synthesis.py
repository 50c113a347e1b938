"""Evidence to the turns a model is asked with: numbered sources, earlier turns, the question."""

from collections.abc import Sequence

from chatbot.answer.models import Draft, SentenceVerdict
from chatbot.index.records import IndexedSection
from chatbot.llm import ChatTurn
from chatbot.prompts import Prompt, load_prompt
from chatbot.retrieval.models import Evidence, Message
from chatbot.rule_format import Rule

LANGUAGE_NAMES = {"zh": "Chinese", "en": "English"}
# Shares of the context: a conversation may take so much of it, the sources so much.
_HISTORY_SHARE = 0.15
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


def prompt_for(evidence: Evidence) -> Prompt:
    """The prompt that asks for this kind of answer.

    Raises:
        PromptError: its file cannot be used.
    """
    return load_prompt("compare" if evidence.query.intent == "compare" else "answer")


def prompt_turns(
    prompt: Prompt,
    evidence: Evidence,
    sources: dict[int, IndexedSection],
    context_tokens: int,
    rules: Sequence[Rule] = (),
) -> list[ChatTurn]:
    """All turns of one call: system prompt, latest history, the question with its sources."""
    query = evidence.query
    values = {
        "language": LANGUAGE_NAMES[query.language],
        "columns": "; ".join(query.columns) or "those that the question asks about",
        "sources": "\n\n".join(
            [*(_source(n, section) for n, section in sources.items()), *_coverage(evidence)]
        ),
        "question": query.question,
        "rules": "\n".join(rule.line for rule in rules),
    }
    system, user = prompt.turns(**{name: values[name] for name in prompt.variables})
    system = ChatTurn(system.role, system.content.rstrip())
    return [system, *_history(query.history, context_tokens), user]


def _coverage(evidence: Evidence) -> list[str]:
    """For a list, how far the search went, so that the model can say whether it is complete."""
    if evidence.coverage is None:
        return []
    checked, matched = evidence.coverage.checked, evidence.coverage.matched
    how = "may be incomplete" if evidence.coverage.by == "topic" else "is complete"
    return [f"The search went through {checked} papers and found {matched}; the list {how}."]


def repair_turns(
    prompt: Prompt, evidence: Evidence, draft: Draft, failed: Sequence[SentenceVerdict]
) -> list[ChatTurn]:
    """The turns that ask for an answer to be mended where its sentences failed the check."""
    return list(
        prompt.turns(
            language=LANGUAGE_NAMES[evidence.query.language],
            sources="\n\n".join(_source(n, section) for n, section in draft.sources.items()),
            question=evidence.query.question,
            answer=draft.markdown,
            objections="\n".join(f"- {verdict.reason}: {verdict.text}" for verdict in failed),
        )
    )


def _source(n: int, section: IndexedSection) -> str:
    """One delimited source; a closing tag inside its text cannot close it."""
    text = section.text.replace("<source", "< source").replace("</source", "< /source")
    title = section.title.replace('"', "'")
    place = f"{section.label} ({section.key})"
    paper = f'title="{title}" id="{section.paper_id}" date="{section.date.isoformat()}"'
    about = f'{paper} section="{place}"'
    return f'<source n="{n}" {about}>\n{text}\n</source>'


def _history(history: Sequence[Message], context_tokens: int) -> list[ChatTurn]:
    """The latest turns that fit; of the earliest of them what fits of its end."""
    room = int(context_tokens * _HISTORY_SHARE)
    turns: list[ChatTurn] = []
    for turn in reversed(history):
        if room <= 0:
            break
        content = turn.content[-room:]  # at most a token a character
        turns.append(ChatTurn(turn.role, content))
        room -= len(content)
    return turns[::-1]
