"""The deterministic checks of each sentence, layer by layer. Words and values, not faithfulness."""

from collections.abc import Sequence

from evals.answers import Answered, Metric
from evals.cases import Case, Datasets, plain
from evals.suites.suite import Suite

_LAYERS = (
    ("cited", "a sentence that states something has a marker", ("missing_marker",)),
    ("numbers present", "its numbers stand in what it cites", ("number_not_in_source",)),
    ("numbers bound", "and are said of the same thing there", ("number_of_something_else",)),
    ("names", "its names stand in what it cites", ("name_not_in_source",)),
    ("polarity", "it says nothing the other way round", ("opposite_of_source",)),
    (
        "wording",
        "its wording is grounded, and not better in another section",
        ("better_in_section", "wording_not_in_source"),
    ),
)


def _cases(datasets: Datasets) -> Sequence[Case]:
    return [plain(item) for item in datasets.items]


def _layer(name: str, about: str, reasons: tuple[str, ...]) -> Metric:
    def value(answered: Answered) -> float:
        if not answered.sentences:
            return 1.0 if answered.abstained else 0.0
        failed = [s for s in answered.sentences if (s.reason or "").startswith(reasons)]
        return 1 - len(failed) / len(answered.sentences)

    return Metric(name, f"share of sentences for which {about}", lambda _: True, value)


SUITE = Suite(
    "grounding",
    "The deterministic checks, reported apart; never called faithfulness.",
    _cases,
    tuple(_layer(*layer) for layer in _LAYERS),
)
