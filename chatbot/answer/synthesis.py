"""Evidence to the turns a model is asked with: numbered sources, earlier turns, the question."""

from collections.abc import Mapping, Sequence

from chatbot.answer.models import Draft, SentenceVerdict
from chatbot.index.records import IndexedSection
from chatbot.llm import ChatTurn
from chatbot.material import Material, Value
from chatbot.prompts import Prompt, load_prompt
from chatbot.retrieval.models import Evidence, Message
from chatbot.rule_format import Rule

LANGUAGE_NAMES = {"zh": "Chinese", "en": "English"}
ASKED_FOR = "those that the question asks about"
_SPEAKERS = {"user": "reader", "assistant": "chatbot"}
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
    """The turns of one call: what to do, then the sources, the latest history and the question."""
    query = evidence.query
    values: dict[str, Value] = {
        "language": LANGUAGE_NAMES[query.language],
        "columns": [Material("aspects", "; ".join(query.columns) or ASKED_FOR)],
        "sources": [*_sources(sources), *_coverage(evidence)],
        "question": [
            *_history(query.history, context_tokens),
            Material("question", query.question),
        ],
        "rules": "\n".join(rule.line for rule in rules),
    }
    system, user = prompt.turns(**{name: values[name] for name in prompt.variables})
    return [ChatTurn(system.role, system.content.rstrip()), user]


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
    objections = "\n".join(f"- {verdict.reason}: {verdict.text}" for verdict in failed)
    return list(
        prompt.turns(
            language=LANGUAGE_NAMES[evidence.query.language],
            sources=_sources(draft.sources),
            question=[Material("question", evidence.query.question)],
            answer=[Material("answer", draft.markdown)],
            objections=[Material("objections", objections)],
        )
    )


def _sources(sources: Mapping[int, IndexedSection]) -> list[Material]:
    return [
        Material(
            "source",
            section.text,
            {
                "n": str(n),
                "title": section.title,
                "id": section.paper_id,
                "date": section.date.isoformat(),
                "section": f"{section.label} ({section.key})",
            },
        )
        for n, section in sources.items()
    ]


def _history(history: Sequence[Message], context_tokens: int) -> list[Material]:
    """The latest turns that fit; of the earliest of them what fits of its end.

    They are material and no turns of the call: whoever asks may have made up what was answered, and
    an earlier answer may quote a source that gives orders.
    """
    room = int(context_tokens * _HISTORY_SHARE)
    turns: list[Material] = []
    for turn in reversed(history):
        if room <= 0:
            break
        content = turn.content[-room:]  # at most a token a character
        turns.append(Material("turn", content, {"by": _SPEAKERS[turn.role]}))
        room -= len(content)
    return turns[::-1]
