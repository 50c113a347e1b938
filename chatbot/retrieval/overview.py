"""Overviews: "今天有什么值得看", "what changed since the last issue", from the records."""

import numpy as np
from numpy.typing import NDArray

from chatbot.index.store import Index
from chatbot.retrieval.models import Coverage, Hit


def overview(index: Index, allowed: NDArray[np.bool_]) -> tuple[tuple[Hit, ...], Coverage]:
    """The contribution of every paper the filters let through, those of one field together.

    Fields stand in the order of their first paper; papers, within, in that of their report.
    """
    scope = index.catalogue.papers_of(allowed)
    groups: dict[str, list[int]] = {}
    for paper in scope:
        keys = {index.sections[row].key: row for row in paper.rows if allowed[row]}
        row = keys.get("contribution", next(iter(keys.values())))
        field = index.sections[keys["field"]].text if "field" in keys else ""
        groups.setdefault(_area(field), []).append(row)
    rows = [row for group in groups.values() for row in group]
    hits = tuple(
        Hit(index.sections[row], 1.0, {"records": place}) for place, row in enumerate(rows, 1)
    )
    return hits, Coverage("records", len(scope), len(scope))


def _area(field: str) -> str:
    """The first few characters of a field's text, which name the broad area."""
    return field.strip(" *-·\n")[:4]
