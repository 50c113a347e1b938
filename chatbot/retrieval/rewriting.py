"""A follow-up rewritten by a language model, so that it can be read without its history."""

from collections.abc import Sequence
from dataclasses import replace

from chatbot.errors import ModelError
from chatbot.index.catalogue import Catalogue
from chatbot.llm import ChatModel, TokenUsage, complete
from chatbot.prompts import load_prompt
from chatbot.retrieval.models import Filters, Message, Query
from chatbot.retrieval.understanding import understand

_TURNS = 6
_CHARACTERS = 800
_LONGEST = 600


def interpret(
    question: str,
    catalogue: Catalogue,
    history: Sequence[Message] = (),
    filters: Filters | None = None,
    model: ChatModel | None = None,
) -> Query:
    """The query of a question; a follow-up is rewritten where there is a model.

    A model that fails costs nothing: the rules' reading stands.
    """
    query = understand(question, catalogue, history, filters)
    if model is None or not query.follows_up:
        return query
    rewritten, spent = _rewrite(question, history, model)
    if not rewritten:
        return replace(query, spent=spent)
    alone = understand(rewritten, catalogue, (), filters)
    return replace(
        alone,
        question=question,
        standalone=rewritten,
        language=query.language,
        history=tuple(history),
        links=alone.links or query.links,
        aspects=alone.aspects or query.aspects,
        follows_up=True,
        spent=spent,
    )


def _rewrite(
    question: str, history: Sequence[Message], model: ChatModel
) -> tuple[str, tuple[TokenUsage, ...]]:
    """The question as the model puts it; empty where it failed or wrote something else."""
    spoken = "\n".join(f"{turn.role}: {turn.content[:_CHARACTERS]}" for turn in history[-_TURNS:])
    turns = load_prompt("rewrite").turns(history=spoken, question=question)
    try:
        text, spent = complete(model, turns)
    except ModelError:
        return "", (TokenUsage(0, 0),)
    lines = [line.strip() for line in text.strip().splitlines() if line.strip()]
    usable = len(lines) == 1 and len(lines[0]) <= _LONGEST
    return (lines[0].removeprefix("Question:").strip() if usable else ""), (spent,)
