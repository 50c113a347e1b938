"""Does every sentence cite what bears it out, and nothing else?

After ALCE (arXiv:2305.14627), with the deterministic checks of
`chatbot/verification/verification.py` in place of an entailment model, and fixed denominators: an
answer without a sentence or citation counts 0, a marker that points nowhere counts as wrong.
"""

from collections.abc import Mapping, Sequence
from functools import partial

from evals.answers import CITING, Answered, Metric, cited_needed, needed_cited, of_types
from evals.cases import Case, Datasets, plain
from evals.suites.suite import Suite


def _cases(datasets: Datasets) -> Sequence[Case]:
    return [plain(item) for item in datasets.items if not item.history]


def _recall(answered: Answered) -> float:
    if not answered.sentences or not answered.citations:
        return 0.0
    return sum(s.supported for s in answered.sentences) / len(answered.sentences)


def _used(answered: Answered) -> float:
    """The share of citations that a sentence which holds makes; strays are made by none."""
    made = {n for n, _ in answered.numbered}
    used = {n for s in answered.sentences if s.supported for n in s.citations}
    total = len(made) + answered.strays
    return len(made & used) / total if total else 0.0


def suite(texts: Mapping[str, str]) -> Suite:
    """The suite; quotes are held against these texts of sections, by name."""
    answered = of_types(*CITING)
    return Suite(
        "citations",
        "Whether every sentence cites the section that bears it out.",
        _cases,
        (
            Metric(
                "citation recall",
                "share of sentences borne out by what they cite",
                answered,
                _recall,
            ),
            Metric(
                "citation precision",
                "share of citations made by a sentence that they bear out",
                answered,
                _used,
            ),
            Metric(
                "quotes verbatim",
                "share of quotes that stand in their section",
                answered,
                partial(_verbatim, texts),
            ),
            Metric("gold sections cited", "share of needed sections cited", answered, needed_cited),
            Metric(
                "citations needed", "share of citations that are needed", answered, cited_needed
            ),
        ),
    )


def _verbatim(texts: Mapping[str, str], answered: Answered) -> float:
    quotes = [(c.section, quote) for c in answered.citations for quote in c.quotes]
    held = [quote in texts.get(section, "") for section, quote in quotes]
    return sum(held) / len(held) if held else 0.0
