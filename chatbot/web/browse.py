"""The browse tab: every paper of the reports, searched, filtered, counted, charted and read."""

import html
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import quote

import gradio as gr
from gradio.components.base import Component

from chatbot.index.reading import (
    OTHER,
    READ_ABSTRACT_ONLY,
    Index,
    PaperRecord,
    all_fields,
    field_name,
    fields_of_papers,
)
from chatbot.text.terms import normalise
from chatbot.understanding.models import Language
from chatbot.web.frame import LINK, QUIET, Frame, PerGeneration, script, visitor_language
from chatbot.web.locales import BROWSE, Wording
from chatbot.web.markdown import LATEX_DELIMITERS, line_html, plain_html, section_html
from chatbot.web.rendering import paper_links, section_name

PAGE_SIZE = 25
# With more days than this, papers are counted by month.
_MOST_DAYS = 31
_DAY, _MONTH = len("2026-02-12"), len("2026-02")


@dataclass(frozen=True, slots=True)
class View:
    """What a visitor looks at; `date` is a day or a month, ``YYYY-MM-DD`` or ``YYYY-MM``."""

    words: str = ""
    field: str = ""
    date: str = ""
    page: int = 1


@dataclass(frozen=True, slots=True)
class PaperList:
    """All papers of an index; `fields` and `periods` are those of each paper of the catalogue."""

    index: Index
    fields: tuple[str, ...]
    periods: tuple[tuple[str, ...], ...]


@dataclass(frozen=True, slots=True)
class Listing:
    """A page of the papers found, how many there are, and how many in each field and period.

    A count by field leaves the filter by field aside, and one by period that by date.
    """

    papers: tuple[PaperRecord, ...]
    first: int
    total: int
    page: int
    pages: int
    by_field: Counter[str]
    by_period: Counter[str]


def paper_list_of(index: Index) -> PaperList:
    """The shelf of an index."""
    width = _DAY if len(index.catalogue.dates) <= _MOST_DAYS else _MONTH
    periods = (
        tuple(dict.fromkeys(day.isoformat()[:width] for day in paper.dates))
        for paper in index.catalogue.papers
    )
    return PaperList(
        index, fields_of_papers(index.catalogue.papers, index.sections), tuple(periods)
    )


def listing(shelf: PaperList, view: View) -> Listing:
    """What a view shows; a page beyond the last is the last."""
    matching = tuple(_matching(shelf.index, view.words))
    of_field = [p for p in matching if view.field in {"", shelf.fields[p.place]}]
    of_date = [p for p in matching if not view.date or view.date in shelf.periods[p.place]]
    found = [p for p in of_field if not view.date or view.date in shelf.periods[p.place]]
    pages = max(1, -(-len(found) // PAGE_SIZE))
    page = min(max(view.page, 1), pages)
    first = (page - 1) * PAGE_SIZE
    return Listing(
        tuple(found[first : first + PAGE_SIZE]),
        first + 1,
        len(found),
        page,
        pages,
        Counter(shelf.fields[paper.place] for paper in of_date),
        Counter(period for paper in of_field for period in shelf.periods[paper.place]),
    )


def _matching(index: Index, words: str) -> Iterator[PaperRecord]:
    """The papers that hold every word; those first that hold all of them in title or id."""
    wanted = normalise(words).split()
    papers = index.catalogue.papers
    heads = [paper for paper in papers if _holds(f"{paper.id} {paper.title}".lower(), wanted)]
    yield from heads
    named = {paper.id for paper in heads}
    for paper in papers:
        if paper.id not in named and _holds(f"{paper.id} {index.paper_texts[paper.place]}", wanted):
            yield paper


def _holds(text: str, wanted: Sequence[str]) -> bool:
    return all(word in text for word in wanted)


def after_action(view: View, action: str) -> View:
    """The view after a button of the list or the chart: ``KIND/VALUE``.

    ``field`` and ``date`` set that filter, or remove it where it has that value; ``page`` turns.
    """
    kind, _, value = action.partition("/")
    if kind == "page" and value.isdigit():
        return replace(view, page=int(value))
    if kind == "field":
        return replace(view, field="" if value == view.field else value, page=1)
    if kind == "date":
        return replace(view, date="" if value == view.date else value, page=1)
    return view


def render_list(shelf: PaperList, found: Listing, view: View, language: Language) -> str:
    """A page of papers, each a link that opens it."""
    texts = BROWSE[language]
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


def _shown(found: Listing, texts: Wording) -> str:
    if not found.total:
        return texts.nothing
    last = found.first + len(found.papers) - 1
    return texts.shown.format(n=found.total, first=found.first, last=last)


def _filters(view: View, language: Language) -> str:
    texts = BROWSE[language]
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


def _pages(found: Listing, texts: Wording) -> str:
    if found.pages == 1:
        return ""
    here = texts.page.format(page=found.page, pages=found.pages)
    before = _turn(found.page - 1, texts.previous, possible=found.page > 1)
    after = _turn(found.page + 1, texts.following, possible=found.page < found.pages)
    return f'<nav class="pages" aria-label="{texts.pages}">{before}<span>{here}</span>{after}</nav>'


def _turn(page: int, label: str, *, possible: bool) -> str:
    disabled = "" if possible else " disabled"
    return f'<button type="button" data-do="page/{page}"{disabled}>{label}</button>'


@dataclass(frozen=True, slots=True)
class _Bar:
    action: str
    label: str
    count: int
    pressed: bool


def render_chart(shelf: PaperList, found: Listing, view: View, language: Language) -> str:
    """The two groups of bars, as HTML; a pressed one is the filter in force.

    Fields stand by how many papers of the whole corpus they have, whatever is filtered.
    """
    texts = BROWSE[language]
    sizes = Counter(shelf.fields)
    fields = [
        _Bar(f"field/{field.key}", field.names[language], found.by_field[field.key], pressed)
        for field in sorted(all_fields(), key=lambda field: (field.key == OTHER, -sizes[field.key]))
        for pressed in [field.key == view.field]
        if found.by_field[field.key] or pressed
    ]
    periods = [
        _Bar(f"date/{period}", period, found.by_period[period], period == view.date)
        for period in sorted({*found.by_period, *filter(None, [view.date])}, reverse=True)
    ]
    groups = _group("field", texts.by_field, fields, texts)
    return f'<div class="chart">{groups}{_group("date", texts.by_date, periods, texts)}</div>'


def _group(kind: str, heading: str, bars: Iterable[_Bar], texts: Wording) -> str:
    bars = list(bars)
    most = max((bar.count for bar in bars), default=1) or 1
    rows = "".join(f"<li>{_bar(bar, most, texts)}</li>" for bar in bars)
    return (
        f'<section class="bars" aria-labelledby="browse-by-{kind}">'
        f'<h3 id="browse-by-{kind}">{heading}</h3><ul>{rows}</ul></section>'
    )


def _bar(bar: _Bar, most: int, texts: Wording) -> str:
    said = texts.bar.format(label=bar.label, n=bar.count)
    return (
        f'<button type="button" data-do="{html.escape(bar.action)}" '
        f'aria-pressed="{str(bar.pressed).lower()}" aria-label="{html.escape(said)}">'
        f'<span class="label">{html.escape(bar.label)}</span>'
        f'<span class="track"><span class="fill" style="width: {100 * bar.count / most:.1f}%">'
        f'</span></span><span class="count">{bar.count}</span></button>'
    )


_LONGEST_ID = 40


def render_paper(shelf: PaperList, paper_id: str, language: Language) -> str:
    """A paper's title, where it is from, its links and its sections.

    A line that says so where the index does not hold it.
    """
    texts = BROWSE[language]
    paper = shelf.index.catalogue.by_id.get(paper_id)
    back = f'<a class="back" href="#close/paper">← {texts.back}</a>'
    if paper is None:
        shown = plain_html(" ".join(paper_id.split())[:_LONGEST_ID] or "–")
        unknown = html.escape(texts.unknown).format(paper=f"<code>{shown}</code>")
        return f'{back}\n\n<p class="unknown">{unknown}</p>'
    parts = [
        back,
        f"<h2>{line_html(paper.title)}</h2>",
        f'<p class="where">{_where(shelf, paper, language)}</p>',
        paper_links(paper.id, paper.url, language),
        *(
            f"<h3>{section_name(section.key, language)}</h3>\n\n{section_html(section.text)}"
            for section in shelf.index.sections_of(paper.id)
        ),
        _more(paper, texts),
    ]
    return "\n\n".join(parts)


def _where(shelf: PaperList, paper: PaperRecord, language: Language) -> str:
    texts = BROWSE[language]
    separator = "、" if language == "zh" else ", "
    read = texts.read_from.format(source=paper.read_from) if paper.read_from else ""
    if paper.read_from == READ_ABSTRACT_ONLY:
        read = texts.abstract_only
    parts = [
        f"arXiv {paper.id}",
        field_name(shelf.fields[paper.place], language),
        texts.dates.format(dates=separator.join(day.isoformat() for day in paper.dates)),
        texts.report.format(report=paper.report),
        read,
    ]
    return plain_html(" · ".join(part for part in parts if part))


def _more(paper: PaperRecord, texts: Wording) -> str:
    address = quote(paper.id)
    return (
        f'<p class="more"><a href="#compare/{address}">{texts.compare}</a> '
        f'<a href="?paper={address}">{texts.address}</a></p>'
    )


_BUTTONS = script("paper_list")
_TO_PAPER = script("to_paper")
_FROM_PAPER = script("from_paper")


@dataclass(frozen=True, slots=True)
class BrowseTab:
    """What other parts of the page do with this one.

    `open_paper` takes an arXiv id and a language and gives values for `panel`. `refresh` takes
    `view` and the request and gives values for `list_parts`, after the index has changed.
    """

    open_paper: Callable[[str, Language], list[Any]]
    panel: list[Component]
    refresh: Callable[..., list[Any]]
    view: gr.State
    list_parts: list[gr.HTML]


def build_browse(frame: Frame) -> BrowseTab:
    """Lay the tab out and connect it."""
    shelves = PerGeneration(frame.bot, paper_list_of)
    view = gr.State(View())
    words = gr.Textbox(
        label=frame.text("browse_search"),
        placeholder=frame.text("browse_placeholder"),
        max_lines=1,
        elem_id="browse-search",
    )
    with gr.Row(elem_id="browse"):
        with gr.Column(elem_id="browse-list", min_width=0):
            chart = gr.HTML(js_on_load=_BUTTONS, elem_id="browse-chart")
            results = gr.HTML(js_on_load=_BUTTONS, elem_id="browse-results")
        with gr.Column(visible=False, elem_id="browse-paper", min_width=0) as panel:
            paper = gr.Markdown(latex_delimiters=LATEX_DELIMITERS, elem_id="browse-text")
    tab = BrowseTab(_opener(shelves), [panel, paper], _refresher(shelves), view, [chart, results])
    _connect_list(tab, shelves, words)
    _connect_paper(tab, frame)
    return tab


def _opener(shelves: PerGeneration[PaperList]) -> Callable[[str, Language], list[Any]]:
    def open_paper(paper_id: str, language: Language) -> list[Any]:
        shown = render_paper(shelves.current(), paper_id, language)
        return [gr.Column(visible=True), shown]

    return open_paper


def _refresher(shelves: PerGeneration[PaperList]) -> Callable[..., list[Any]]:
    def refresh(view: View, request: gr.Request) -> list[Any]:
        return _drawn(shelves, view, visitor_language(request))

    return refresh


def _drawn(shelves: PerGeneration[PaperList], view: View, language: Language) -> list[Any]:
    """The chart and the list of a view."""
    shelf = shelves.current()
    found = listing(shelf, view)
    return [render_chart(shelf, found, view, language), render_list(shelf, found, view, language)]


def _connect_list(tab: BrowseTab, shelves: PerGeneration[PaperList], words: gr.Textbox) -> None:
    chart, results = tab.list_parts

    def search(view: View, wanted: str, request: gr.Request) -> list[Any]:
        if wanted == view.words:
            return [gr.skip()] * 3
        changed = replace(view, words=wanted, page=1)
        return [changed, *_drawn(shelves, changed, visitor_language(request))]

    def act(view: View, event: gr.EventData, request: gr.Request) -> list[Any]:
        changed = after_action(view, str(event.value))
        return [changed, *_drawn(shelves, changed, visitor_language(request))]

    def start(request: gr.Request) -> list[Any]:
        return _drawn(shelves, View(), visitor_language(request))

    everything = [tab.view, *tab.list_parts]
    # Not `input`, which gradio sends for keys alone: a pasted word is to be searched as well.
    words.change(search, [tab.view, words], everything, trigger_mode="always_last", **QUIET)
    gr.on([chart.select, results.select], act, tab.view, everything, **QUIET)
    # Without triggers, gradio runs it when the page is loaded.
    gr.on(None, start, None, tab.list_parts, **QUIET)


def _connect_paper(tab: BrowseTab, frame: Frame) -> None:
    panel = tab.panel[0]

    def show(event: gr.EventData, request: gr.Request) -> list[Any]:
        return tab.open_paper(str(event.value), visitor_language(request))

    def close(event: gr.EventData) -> Any:
        return gr.Column(visible=False) if event.value == "paper" else gr.skip()

    opened = frame.actions.paper(show, None, tab.panel, **LINK)
    opened.then(None, js=_TO_PAPER, api_visibility="private")
    closed = frame.actions.close(close, None, panel, **LINK)
    closed.then(None, js=_FROM_PAPER, api_visibility="private")
