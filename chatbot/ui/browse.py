"""The browse tab: every paper of the reports, searched, filtered and read."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import gradio as gr
from gradio.components.base import Component

from chatbot.retrieval.models import Language
from chatbot.ui.corpus_chart import render_chart
from chatbot.ui.frame import LINK, QUIET, Frame, visitor_language
from chatbot.ui.generation import PerGeneration
from chatbot.ui.markdown import LATEX_DELIMITERS
from chatbot.ui.paper_list import render_list
from chatbot.ui.paper_view import render_paper
from chatbot.ui.shelf import Shelf, View, after_action, listing, shelf_of

# A button says what it does in `data-do`. Drawing the HTML anew takes the focus from the button
# that was pressed: it is given back, or to the line that says what is shown.
_BUTTONS = """
let pressed = '';
element.addEventListener('click', event => {
  const paper = event.target.closest('a[href^="#paper/"]');
  const list = document.querySelector('#browse-results');
  if (paper) list.dataset.paper = paper.hash.slice('#paper/'.length);
  const button = event.target.closest('button[data-do]');
  if (!button) return;
  pressed = button.dataset.do;
  trigger('select', {value: pressed});
});
watch('value', () => {
  if (!pressed) return;
  const turned = pressed.startsWith('page/');
  const buttons = [...element.querySelectorAll('button[data-do]')];
  const again = buttons.find(button => button.dataset.do === pressed);
  const to = turned || !again ? document.querySelector('#browse-results .shown') : again;
  pressed = '';
  to?.focus({preventScroll: true});
  if (turned) to?.scrollIntoView({block: 'start'});
});
"""
# The panel may still be on its way into the page: another tab is open, or it was closed before.
_TO_PAPER = """
() => {
  const go = tries => {
    const panel = document.querySelector('#browse-paper');
    const top = panel?.querySelector('h2, .unknown');
    if (!top || !panel.offsetParent) return tries && setTimeout(() => go(tries - 1), 50);
    top.tabIndex = -1;
    panel.scrollTop = 0;
    top.focus({preventScroll: true});
    const list = document.querySelector('#browse-results');
    const row = list.querySelector(`a[href="#paper/${list.dataset.paper}"]`);
    if (row?.offsetParent) row.scrollIntoView({block: 'nearest'});
    else panel.scrollIntoView({block: 'start'});
  };
  setTimeout(() => go(40), 50);
}
"""
_FROM_PAPER = """
() => {
  const back = tries => {
    const list = document.querySelector('#browse-results');
    if (!list?.offsetParent || document.querySelector('#browse-paper')?.offsetParent)
      return tries && setTimeout(() => back(tries - 1), 50);
    const active = document.activeElement;
    if (active.offsetParent && !active.closest('#browse-paper') && active !== document.body) return;
    const link = list.querySelector(`a[href="#paper/${list.dataset.paper}"]`);
    const to = link ?? list.querySelector('.shown');
    to.focus({preventScroll: true});
    to.scrollIntoView({block: 'nearest'});
  };
  back(40);
}
"""


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
    shelves = PerGeneration(frame.bot, shelf_of)
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
            paper = gr.Markdown(
                latex_delimiters=LATEX_DELIMITERS, line_breaks=True, elem_id="browse-text"
            )
    tab = BrowseTab(_opener(shelves), [panel, paper], _refresher(shelves), view, [chart, results])
    _connect_list(tab, shelves, words)
    _connect_paper(tab, frame)
    return tab


def _opener(shelves: PerGeneration[Shelf]) -> Callable[[str, Language], list[Any]]:
    def open_paper(paper_id: str, language: Language) -> list[Any]:
        shown = render_paper(shelves.current(), paper_id, language)
        return [gr.Column(visible=True), shown]

    return open_paper


def _refresher(shelves: PerGeneration[Shelf]) -> Callable[..., list[Any]]:
    def refresh(view: View, request: gr.Request) -> list[Any]:
        return _drawn(shelves, view, visitor_language(request))

    return refresh


def _drawn(shelves: PerGeneration[Shelf], view: View, language: Language) -> list[Any]:
    """The chart and the list of a view."""
    shelf = shelves.current()
    found = listing(shelf, view)
    return [render_chart(shelf, found, view, language), render_list(shelf, found, view, language)]


def _connect_list(tab: BrowseTab, shelves: PerGeneration[Shelf], words: gr.Textbox) -> None:
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
