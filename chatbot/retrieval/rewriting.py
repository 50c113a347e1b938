"""A follow-up rewritten by a language model, so that it can be read without its history."""

from collections.abc import Sequence
from dataclasses import replace

from chatbot.errors import ModelError
from chatbot.index.catalogue import Catalogue
from chatbot.llm import ChatModel, TokenUsage, complete
from chatbot.material import Material
from chatbot.prompts import load_prompt
from chatbot.retrieval.models import Filters, Message, Query
from chatbot.retrieval.understanding import understand
from chatbot.scrubbing import Limits, is_clean, prompt_lines

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
    """The question as the model puts it.

    Empty where it failed, wrote something else, or what may not leave.
    """
    spoken = [
        Material("turn", turn.content[:_CHARACTERS], {"by": turn.role})
        for turn in history[-_TURNS:]
    ]
    asked = [Material("question", question)]
    turns = load_prompt("rewrite").turns(history=spoken, question=asked)
    try:
        text, spent = complete(model, turns)
    except ModelError:
        return "", (TokenUsage(0, 0),)
    lines = [line.strip() for line in text.strip().splitlines() if line.strip()]
    usable = len(lines) == 1 and len(lines[0]) <= _LONGEST
    usable = usable and is_clean(lines[0], Limits(prompts=prompt_lines()))
    return (lines[0].removeprefix("Question:").strip() if usable else ""), (spent,)
