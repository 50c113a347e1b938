"""The chart of the corpus: papers by field and by date, a button for each bar.

gradio's own bar plot selects by dragging a brush over a numeric axis: a bar cannot be clicked, nor
reached by keyboard. Buttons can, and are read out with their counts.
"""

import html
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from chatbot.index.fields import FIELDS, OTHER
from chatbot.retrieval.models import Language
from chatbot.ui.shelf import Listing, Shelf, View
from chatbot.ui.wording.browse import TEXTS, BrowseWording


@dataclass(frozen=True, slots=True)
class _Bar:
    action: str
    label: str
    count: int
    pressed: bool


def render_chart(shelf: Shelf, found: Listing, view: View, language: Language) -> str:
    """The two groups of bars, as HTML; a pressed one is the filter in force.

    Fields stand by how many papers of the whole corpus they have, whatever is filtered.
    """
    texts = TEXTS[language]
    sizes = Counter(shelf.fields)
    fields = [
        _Bar(f"field/{field.key}", field.names[language], found.by_field[field.key], pressed)
        for field in sorted(FIELDS, key=lambda field: (field.key == OTHER, -sizes[field.key]))
        for pressed in [field.key == view.field]
        if found.by_field[field.key] or pressed
    ]
    periods = [
        _Bar(f"date/{period}", period, found.by_period[period], period == view.date)
        for period in sorted({*found.by_period, *filter(None, [view.date])}, reverse=True)
    ]
    groups = _group("field", texts.by_field, fields, texts)
    return f'<div class="chart">{groups}{_group("date", texts.by_date, periods, texts)}</div>'


def _group(kind: str, heading: str, bars: Iterable[_Bar], texts: BrowseWording) -> str:
    bars = list(bars)
    most = max((bar.count for bar in bars), default=1) or 1
    rows = "".join(f"<li>{_bar(bar, most, texts)}</li>" for bar in bars)
    return (
        f'<section class="bars" aria-labelledby="browse-by-{kind}">'
        f'<h3 id="browse-by-{kind}">{heading}</h3><ul>{rows}</ul></section>'
    )


def _bar(bar: _Bar, most: int, texts: BrowseWording) -> str:
    said = texts.bar.format(label=bar.label, n=bar.count)
    return (
        f'<button type="button" data-do="{html.escape(bar.action)}" '
        f'aria-pressed="{str(bar.pressed).lower()}" aria-label="{html.escape(said)}">'
        f'<span class="label">{html.escape(bar.label)}</span>'
        f'<span class="track"><span class="fill" style="width: {100 * bar.count / most:.1f}%">'
        f'</span></span><span class="count">{bar.count}</span></button>'
    )
