"""The list of papers found, with the filters in force and the pages, as HTML."""

import html

from chatbot.index.fields import field_name
from chatbot.retrieval.models import Language
from chatbot.ui.shelf import Listing, Shelf, View
from chatbot.ui.wording.browse import TEXTS, BrowseWording


def render_list(shelf: Shelf, found: Listing, view: View, language: Language) -> str:
    """A page of papers, each a link that opens it."""
    texts = TEXTS[language]
    rows = "".join(
        f'<li><a href="#paper/{html.escape(paper.id)}">{html.escape(paper.title)}</a>'
        f"<small>{paper.date.isoformat()} · {field_name(shelf.fields[paper.place], language)} · "
        f"{html.escape(paper.id)}</small></li>"
        for paper in found.papers
    )
    listed = f'<ol class="papers" start="{found.first}" aria-label="{texts.papers}">{rows}</ol>'
    return "".join(
        [
            _filters(view, language),
            f'<p class="shown" role="status" tabindex="-1">{_shown(found, texts)}</p>',
            listed if rows else "",
            _pages(found, texts),
        ]
    )


def _shown(found: Listing, texts: BrowseWording) -> str:
    if not found.total:
        return texts.nothing
    last = found.first + len(found.papers) - 1
    return texts.shown.format(n=found.total, first=found.first, last=last)


def _filters(view: View, language: Language) -> str:
    texts = TEXTS[language]
    chips = [
        ("field", view.field, field_name(view.field, language)),
        ("date", view.date, view.date),
    ]
    buttons = "".join(
        f'<button type="button" data-do="{html.escape(f"{kind}/{value}")}" '
        f'aria-label="{html.escape(texts.remove.format(label=label))}">'
        f'{html.escape(label)} <span aria-hidden="true">✕</span></button>'
        for kind, value, label in chips
        if value
    )
    if not buttons:
        return ""
    return f'<div class="in-force" role="group" aria-label="{texts.filters}">{buttons}</div>'


def _pages(found: Listing, texts: BrowseWording) -> str:
    if found.pages == 1:
        return ""
    here = texts.page.format(page=found.page, pages=found.pages)
    before = _turn(found.page - 1, texts.previous, possible=found.page > 1)
    after = _turn(found.page + 1, texts.following, possible=found.page < found.pages)
    return f'<nav class="pages" aria-label="{texts.pages}">{before}<span>{here}</span>{after}</nav>'


def _turn(page: int, label: str, *, possible: bool) -> str:
    disabled = "" if possible else " disabled"
    return f'<button type="button" data-do="page/{page}"{disabled}>{label}</button>'
