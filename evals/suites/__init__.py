"""The suites, each in a file of its own: its cases and its metrics."""

from collections.abc import Mapping

from evals.suites import (
    abstention,
    answers,
    citations,
    comparison,
    conversation,
    correctness,
    diagnosis,
    faithfulness,
    grounding,
    injection,
    retrieval,
    robustness,
)
from evals.suites.suite import Suite


def suites(texts: Mapping[str, str]) -> Mapping[str, Suite]:
    """All suites by name, in the order of the report; `texts` are the sections quotes are from."""
    found = (
        retrieval.SUITE,
        answers.SUITE,
        citations.suite(texts),
        grounding.SUITE,
        faithfulness.SUITE,
        correctness.SUITE,
        abstention.SUITE,
        comparison.SUITE,
        robustness.SUITE,
        diagnosis.SUITE,
        conversation.SUITE,
        injection.SUITE,
    )
    return {suite.name: suite for suite in found}
