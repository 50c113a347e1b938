"""The browse tab: every paper of the reports, searched, filtered, counted, charted and read."""

import html
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import quote

import gradio as gr
from gradio.components.base import Component

from chatbot.bot import Chatbot
from chatbot.index.reading import READ_ABSTRACT_ONLY, Index, PaperRecord
from chatbot.index.sections import OTHER, all_fields, field_name
from chatbot.text.terms import normalise
from chatbot.understanding.models import Language
from chatbot.web.frame import LINK, QUIET, Frame, script, visitor_language
from chatbot.web.locales import BROWSE, Wording
from chatbot.web.markdown import LATEX_DELIMITERS, line_html, plain_html, section_html
from chatbot.web.rendering import paper_links, section_name

PAGE_SIZE = 25
_LONGEST_ID = 40
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


def listing(index: Index, view: View) -> Listing:
    """What a view shows; a page beyond the last is the last."""
    period = period_of(index)
    matching = tuple(_matching(index, view.words))
    of_field = [paper for paper in matching if view.field in {"", paper.field}]
    of_date = [paper for paper in matching if view.date in {"", period(paper)}]
    found = [paper for paper in of_field if view.date in {"", period(paper)}]
    pages = max(1, -(-len(found) // PAGE_SIZE))
    page = min(max(view.page, 1), pages)
    first = (page - 1) * PAGE_SIZE
    return Listing(
        tuple(found[first : first + PAGE_SIZE]),
        first + 1,
        len(found),
        page,
        pages,
        Counter(paper.field for paper in of_date),
        Counter(map(period, of_field)),
    )


def period_of(index: Index) -> Callable[[PaperRecord], str]:
    """What papers are counted by: their day; where there are many of those, their month."""
    width = _DAY if len(index.catalogue.dates) <= _MOST_DAYS else _MONTH
    return lambda paper: paper.date.isoformat()[:width]


def _matching(index: Index, words: str) -> Iterator[PaperRecord]:
    """The papers that hold every word; those first that hold all of them in title or id."""
    wanted, others = normalise(words).split(), list[PaperRecord]()
    # Digits may be the id's.
    held = [index.lexical.holding(word, inside=True) for word in wanted if not word[0].isdigit()]
    likely = frozenset.intersection(*held) if held else None
    for paper in index.catalogue.papers:
        head = f"{paper.id} {paper.title}".lower()
        if all(word in head for word in wanted):
            yield paper
        elif likely is None or paper.number in likely:
            text = index.text_of(paper)
            if all(word in f"{paper.id} {text}" for word in wanted):
                others.append(paper)
    yield from others


def after_action(view: View, action: str) -> View:
    """The view after a button of the list or the chart: ``KIND/VALUE``.

    ``field`` and ``date`` set that filter, or remove it where it has that value; ``page`` turns.
    """
    kind, _, value = action.partition("/")
    if kind == "page" and value.isdigit():
        return replace(view, page=int(value))
    if kind in {"field", "date"}:
        return replace(view, page=1, **{kind: "" if value == getattr(view, kind) else value})
    return view


def render_list(found: Listing, view: View, language: Language) -> str:
    """A page of papers, each a link that opens it."""
    texts = BROWSE[language]
    rows = "".join(
        f'<li><a href="#paper/{html.escape(paper.id)}">{html.escape(paper.title)}</a>'
        f"<small>{paper.date.isoformat()} · {field_name(paper.field, language)} · "
        f"{html.escape(paper.id)}</small></li>"
        for paper in found.papers
    )
    last = found.first + len(found.papers) - 1
    shown = texts.shown.format(n=found.total, first=found.first, last=last)
    listed = f'<ol class="papers" start="{found.first}" aria-label="{texts.papers}">{rows}</ol>'
    said = f'<p class="shown" role="status" tabindex="-1">{shown if rows else texts.nothing}</p>'
    return f"{_filters(view, language)}{said}{listed if rows else ''}{_pages(found, texts)}"


def _filters(view: View, language: Language) -> str:
    texts = BROWSE[language]
    field = field_name(view.field, language)
    chips = [("field", view.field, field), ("date", view.date, view.date)]
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


def render_chart(index: Index, found: Listing, view: View, language: Language) -> str:
    """The two groups of bars, as HTML; a pressed one is the filter in force.

    Fields stand by how many papers of the whole corpus they have, whatever is filtered.
    """
    texts, sizes = BROWSE[language], Counter(paper.field for paper in index.catalogue.papers)
    fields = sorted(all_fields(), key=lambda field: (field.key == OTHER, -sizes[field.key]))
    names = {field.key: field.names[language] for field in fields}
    periods = sorted({*found.by_period, *filter(None, [view.date])}, reverse=True)
    groups = [
        _group("field", names, found.by_field, view.field, texts),
        _group("date", {period: period for period in periods}, found.by_period, view.date, texts),
    ]
    return f'<div class="chart">{"".join(groups)}</div>'


def _group(
    kind: str, labels: Mapping[str, str], counts: Counter[str], chosen: str, texts: Wording
) -> str:
    heading = texts.by_field if kind == "field" else texts.by_date
    most = max(counts.values(), default=1)
    rows = "".join(
        f'<li><button type="button" data-do="{html.escape(f"{kind}/{value}")}" '
        f'aria-pressed="{str(value == chosen).lower()}" '
        f'aria-label="{html.escape(texts.bar.format(label=label, n=counts[value]))}">'
        f'<span class="label">{html.escape(label)}</span>'
        f'<span class="track"><span class="fill" style="width: {100 * counts[value] / most:.1f}%">'
        f'</span></span><span class="count">{counts[value]}</span></button></li>'
        for value, label in labels.items()
        if counts[value] or value == chosen
    )
    return (
        f'<section class="bars" aria-labelledby="browse-by-{kind}">'
        f'<h3 id="browse-by-{kind}">{heading}</h3><ul>{rows}</ul></section>'
    )


def render_paper(index: Index, paper_id: str, language: Language) -> str:
    """A paper's title, where it is from, its links and its sections.

    A line that says so where the index does not hold it.
    """
    texts = BROWSE[language]
    paper = index.catalogue.by_id.get(paper_id)
    back = f'<a class="back" href="#close/paper">← {texts.back}</a>'
    if paper is None:
        shown = plain_html(" ".join(paper_id.split())[:_LONGEST_ID] or "–")
        unknown = html.escape(texts.unknown).format(paper=f"<code>{shown}</code>")
        return f'{back}\n\n<p class="unknown">{unknown}</p>'
    address = quote(paper.id)
    parts = [
        back,
        f"<h2>{line_html(paper.title)}</h2>",
        f'<p class="where">{_where(index.catalogue.copies_of(paper_id), language)}</p>',
        paper_links(paper.id, paper.url, language),
        *(
            f"<h3>{section_name(section.key, language)}</h3>\n\n{section_html(section.text)}"
            for section in index.sections_of(paper.id)
        ),
        f'<p class="more"><a href="#compare/{address}">{texts.compare}</a> '
        f'<a href="?paper={address}">{texts.address}</a></p>',
    ]
    return "\n\n".join(parts)


def _where(copies: Sequence[PaperRecord], language: Language) -> str:
    """Where a paper stands: in each report that holds it, the one shown first."""
    texts, paper = BROWSE[language], copies[0]
    read = texts.read_from.format(source=paper.read_from) if paper.read_from else ""
    if paper.read_from == READ_ABSTRACT_ONLY:
        read = texts.abstract_only
    separator = "、" if language == "zh" else ", "
    dates = texts.dates.format(dates=separator.join(copy.date.isoformat() for copy in copies))
    report = texts.report.format(report=separator.join(copy.report for copy in copies))
    parts = [f"arXiv {paper.id}", field_name(paper.field, language), dates, report, read]
    return plain_html(" · ".join(part for part in parts if part))


_BUTTONS = script("paper_list")


@dataclass(frozen=True, slots=True)
class BrowseTab:
    """What other parts of the page do with this one.

    `open_paper` takes an arXiv id and a language and gives values for `panel`.
    """

    open_paper: Callable[[str, Language], list[Any]]
    panel: list[Component]


def build_browse(frame: Frame, tab: gr.Tab) -> BrowseTab:
    """Lay the tab out and connect it; the list is drawn anew when the tab is opened."""
    bot = frame.bot
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

    def open_paper(paper_id: str, language: Language) -> list[Any]:
        return [gr.Column(visible=True), render_paper(bot.index, paper_id, language)]

    def show(event: gr.EventData, request: gr.Request) -> list[Any]:
        return open_paper(str(event.value), visitor_language(request))

    def close(event: gr.EventData) -> Any:
        return gr.Column(visible=False) if event.value == "paper" else gr.skip()

    _connect_list(bot, words, [chart, results], tab)
    opened = frame.actions.paper(show, None, [panel, paper], **LINK)
    opened.then(None, js=script("to_paper"), api_visibility="private")
    closed = frame.actions.close(close, None, panel, **LINK)
    closed.then(None, js=script("from_paper"), api_visibility="private")
    return BrowseTab(open_paper, [panel, paper])


def _connect_list(bot: Chatbot, words: gr.Textbox, parts: list[gr.HTML], tab: gr.Tab) -> None:
    view = gr.State(View())

    def drawn(view: View, request: gr.Request) -> list[Any]:
        index, language = bot.index, visitor_language(request)
        found = listing(index, view)
        charted = render_chart(index, found, view, language)
        return [charted, render_list(found, view, language)]

    def search(view: View, wanted: str, request: gr.Request) -> list[Any]:
        if wanted == view.words:
            return [gr.skip()] * 3
        changed = replace(view, words=wanted, page=1)
        return [changed, *drawn(changed, request)]

    def act(view: View, event: gr.EventData, request: gr.Request) -> list[Any]:
        changed = after_action(view, str(event.value))
        return [changed, *drawn(changed, request)]

    def start(request: gr.Request) -> list[Any]:
        return drawn(View(), request)

    # Not `input`, which gradio sends for keys alone: a pasted word is to be searched as well.
    words.change(search, [view, words], [view, *parts], trigger_mode="always_last", **QUIET)
    gr.on([part.select for part in parts], act, view, [view, *parts], **QUIET)
    # Without triggers, gradio runs it when the page is loaded.
    gr.on(None, start, None, parts, **QUIET)
    tab.select(drawn, view, parts, **QUIET)
