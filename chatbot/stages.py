"""The stages of an answer as spans of LlamaIndex's instrumentation, beside LlamaIndex's own.

Whoever listens to LlamaIndex's dispatcher sees them (`chatbot/traces.py` does); without a listener
a stage costs microseconds.
"""

import inspect
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Any
from uuid import uuid4

# How a listener knows our spans from LlamaIndex's: by this tag, with the stage's name.
STAGE = "chatbot.stage"
_NO_ARGUMENTS = inspect.Signature().bind()


@contextmanager
def stage(name: str, tags: Mapping[str, Any] | None = None) -> Iterator[dict[str, Any]]:
    """Have what is done within be a span, below the one it is done in.

    `tags` are known from the beginning; what is learnt on the way goes into the dictionary given.
    """
    # Late, for llm.py is imported by commands that need nothing of LlamaIndex.
    from llama_index_instrumentation import get_dispatcher
    from llama_index_instrumentation.span import active_span_id

    dispatcher, span = get_dispatcher(), f"{name}-{uuid4()}"
    learnt: dict[str, Any] = {}
    given: dict[str, Any] = {"id_": span, "bound_args": _NO_ARGUMENTS}
    above = active_span_id.get()
    token = active_span_id.set(span)
    dispatcher.span_enter(**given, parent_id=above, tags={**(tags or {}), STAGE: name})
    try:
        yield learnt
    except BaseException as error:
        dispatcher.span_drop(**given, result=learnt, err=error)
        raise
    else:
        dispatcher.span_exit(**given, result=learnt)
    finally:
        # A generator that nobody ends may be closed from anywhere; there is nothing to set back.
        with suppress(ValueError):
            active_span_id.reset(token)
