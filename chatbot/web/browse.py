"""The browse tab: every paper of the reports, searched, filtered and read."""

import html
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import quote

import gradio as gr
from gradio.components.base import Component

from chatbot.index.catalogue import READ_ABSTRACT_ONLY, PaperRecord, field_name
from chatbot.understanding.models import Language
from chatbot.web.frame import (
    LINK,
    QUIET,
    Frame,
    PerGeneration,
    script,
    visitor_language,
)
from chatbot.web.locales import BROWSE as TEXTS
from chatbot.web.locales import BrowseWording
from chatbot.web.markdown import LATEX_DELIMITERS, line_html, plain_html, section_html
from chatbot.web.paper_list import (
    PaperList,
    View,
    after_action,
    listing,
    paper_list_of,
    render_chart,
    render_list,
)
from chatbot.web.rendering import paper_links, section_name

_LONGEST_ID = 40


def render_paper(shelf: PaperList, paper_id: str, language: Language) -> str:
    """A paper's title, where it is from, its links and its sections.

    A line that says so where the index does not hold it.
    """
    texts = TEXTS[language]
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
    texts = TEXTS[language]
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


def _more(paper: PaperRecord, texts: BrowseWording) -> str:
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
