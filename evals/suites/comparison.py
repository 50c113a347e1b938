"""Are the cells of a comparison right and cited: papers by what is asked of each?"""

from collections.abc import Sequence

from chatbot.verification.claims import read_blocks
from evals.answers import Answered, Metric, every_fact, of_types, whole
from evals.cases import Case, Datasets, plain
from evals.facts import holds
from evals.items import Evidence
from evals.suites.suite import Suite


def _cases(datasets: Datasets) -> Sequence[Case]:
    return [plain(item) for item in datasets.items if item.type == "comparison"]


def _rows(answered: Answered) -> list[tuple[str, frozenset[str]]]:
    """Each row's text with the sections it cites; of an answer without a table each block's."""
    named, blocks = dict(answered.numbered), read_blocks(answered.markdown)
    tables = [row for block in blocks if block.kind == "table" for row in block.rows[1:]]
    rows = tables or [row for block in blocks for row in block.rows]
    return [
        (
            " | ".join(cell.text for cell in row),
            frozenset(
                named[n]
                for cell in row
                for claim in cell.claims
                for n in claim.citations
                if n in named
            ),
        )
        for row in rows
    ]


def _cell(answered: Answered, wanted: Evidence) -> bool:
    """Whether a row cites the section and holds the key facts that its quote does."""
    of_quote = [fact for fact in answered.item.key_facts if holds(wanted.quote, fact)]
    return any(
        wanted.section in cited and all(holds(row, fact) for fact in of_quote)
        for row, cited in _rows(answered)
    )


def _strict(answered: Answered) -> float:
    cells = answered.item.evidence
    return sum(_cell(answered, cell) for cell in cells) / len(cells) if cells else 0.0


def _lenient(answered: Answered) -> float:
    cells = answered.item.evidence
    held = [cell.section in answered.cited for cell in cells]
    return sum(held) / len(cells) if cells else 0.0


_ALL = of_types("comparison")
SUITE = Suite(
    "comparison",
    "Whether each paper's cell says what is asked and cites it.",
    _cases,
    (
        Metric("cells, strict", "its row cites the section and holds the facts", _ALL, _strict),
        Metric("cells, lenient", "the section is cited somewhere", _ALL, _lenient),
        Metric("whole", "every paper there, every needed section cited", _ALL, whole),
        Metric("every key fact", "the answer holds all key facts", _ALL, every_fact),
    ),
)
