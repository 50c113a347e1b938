"""The page: its tabs, and what leads from one to another."""

import html
import os
import sys
from collections.abc import Sequence
from typing import Any

import gradio as gr
from sqlalchemy import Engine

from chatbot.answering.record import AnswerRecord
from chatbot.bot import Chatbot
from chatbot.store.conversations import keep_answer
from chatbot.understanding.models import Language
from chatbot.web.api import add_endpoints
from chatbot.web.auth import admission
from chatbot.web.browse import BrowseTab, build_browse
from chatbot.web.chat.asking import TO_QUESTION, build_chat, connect_asking
from chatbot.web.chat.panels import build_comment, build_filters, build_sources
from chatbot.web.chat.saved import (
    ConversationPlace,
    build_bar,
    build_saved,
    connect_saved,
    shown,
)
from chatbot.web.compare import Compare, build_compare, paper_choices
from chatbot.web.evals import build_evals
from chatbot.web.frame import (
    LINK,
    QUIET,
    Frame,
    PerGeneration,
    Showing,
    action_links,
    owner_of,
    script,
    told,
    visitor_language,
)
from chatbot.web.locales import ACCESS, PAGE, WORDING, translations
from chatbot.web.reports import build_reports

# A sidebar that covers most of a small screen begins closed.
_NARROW = 900


def build_chat_tab(frame: Frame, blocks: gr.Blocks) -> tuple[ConversationPlace, list[Any]]:
    """Lay the tab and its sidebar out, and connect them.

    Returns:
        What the rest of the page may lead to, and the events that it has to cancel.
    """
    conversation, text = gr.Textbox("", visible="hidden"), gr.Textbox(visible=False)
    in_force = gr.Markdown(elem_id="in-force", render=False)
    with gr.Sidebar(elem_id="side", width=290, label=frame.text("chat_saved")) as side:
        new, kept = build_saved(frame)
        filters = build_filters(frame, in_force)
    with gr.Row(elem_id="chat-row"):
        with gr.Column(scale=3, elem_id="chat-column"):
            title, export, delete = build_bar(frame, conversation)
            in_force.render()  # type: ignore[no-untyped-call] # gradio left it without types
            fields = build_chat(frame, conversation)
            build_comment(frame, fields)
        with gr.Column(scale=2, elem_id="sources-column", min_width=280):
            build_sources(frame, fields, text)
    answering = connect_asking(frame, fields, filters, blocks)
    place = ConversationPlace(fields, filters, new, kept, title, export, delete)
    running = connect_saved(frame, place, blocks, answering)

    def beside(width: float) -> Any:
        return gr.update(open=width >= _NARROW)

    width = gr.Number(visible=False)
    blocks.load(beside, width, side, js="() => window.innerWidth", **QUIET)
    return place, running


# Of each event so many at once. What computes would only hold itself up, were there more of it;
# an answer that a model writes waits for the model.
_CONCURRENCY, _WRITTEN = 16, 256
_MOST_WAITING = 256
# An answer that a model writes keeps one while it waits; what else is asked needs some beside.
_THREADS = 320
# gradio sums up its last 10 000 events after each one, for a page that nobody is let see; how many
# and how often it takes from the environment alone.
_NO_ANALYTICS = {
    "GRADIO_ANALYTICS_MAX_EVENTS": "1",
    "GRADIO_ANALYTICS_CACHE_FREQUENCY": str(sys.maxsize),
}
# Uploads that were not added: looked for so often, deleted when so old, in seconds.
_SWEPT = (600, 3_600)


def build_page(bot: Chatbot, database: Engine) -> tuple[gr.Blocks, gr.I18n]:
    """The page over a chatbot, not yet served, and its texts."""
    i18n = gr.I18n(**translations({language: _texts(language) for language in WORDING}))
    title = " · ".join(texts.title for texts in PAGE.values())
    with gr.Blocks(
        title=title, analytics_enabled=False, fill_height=True, delete_cache=_SWEPT
    ) as blocks:
        # First, for names are given out in order: a part's own event must not take one of these.
        admit = admission(bot.settings.rate)
        add_endpoints(bot, admit)
        choices = PerGeneration(bot, paper_choices)
        at_once = _WRITTEN if bot.model else _CONCURRENCY
        frame = Frame(bot, database, choices, i18n, action_links(), admit, at_once, Showing())
        with gr.Row(elem_id="masthead"):
            corpus = gr.Markdown(i18n("page_heading"), elem_id="corpus")
            signed_in = gr.HTML(visible=False, elem_id="signed-in")
            language = gr.Button(
                i18n("page_other_language"), size="sm", scale=0, elem_id="language"
            )
        with gr.Tabs(selected="chat", elem_id="tabs") as tabs:
            with gr.Tab(i18n("page_chat_tab"), id="chat"):
                place, running = build_chat_tab(frame, blocks)
            with gr.Tab(i18n("page_compare_tab"), id="compare"):
                compare_tab = build_compare(frame)
            with gr.Tab(i18n("page_browse_tab"), id="browse") as browse_place:
                browse_tab = build_browse(frame, browse_place)
            with gr.Tab(i18n("page_reports_tab"), id="reports"):
                added = build_reports(frame)
            with gr.Tab(i18n("page_evals_tab"), id="evals") as evals_place:
                build_evals(frame, evals_place)
        blocks.load(_signed_in, None, signed_in, **QUIET)
        _connect_masthead(frame, (blocks.load, tabs.change, added.then), corpus, language)
        _connect_links(frame, blocks, tabs, browse_tab)
        _connect_chat(frame, tabs, place, running, compare_tab)
    os.environ.update(_NO_ANALYTICS)  # noqa: TID251 - set, not read
    blocks.max_threads = _THREADS
    blocks.queue(default_concurrency_limit=_CONCURRENCY, max_size=_MOST_WAITING)
    return blocks, i18n


def _connect_masthead(
    frame: Frame, events: Sequence[Any], corpus: gr.Markdown, language: gr.Button
) -> None:
    bot = frame.bot

    def counted(request: gr.Request) -> str:
        """What there is to be asked, and who answers."""
        texts, dates = PAGE[visitor_language(request)], bot.index.catalogue.dates
        known = texts.corpus.format(
            papers=bot.index.manifest.papers,
            reports=len(bot.index.manifest.reports),
            dates=f"{dates[0]} – {dates[-1]}" if dates else "–",
        )
        mode = texts.model_mode.format(model=bot.model.name) if bot.model else texts.extractive_mode
        return f"{texts.heading}\n\n{known} {mode}"

    for event in events:
        event(counted, None, corpus, **QUIET)
    language.click(None, js=script("switch_language"), api_visibility="private")


def _signed_in(request: gr.Request) -> Any:
    """Who signed in, and a button that signs them out; nothing where nobody does."""
    if not request.username:
        return gr.skip()
    label = ACCESS[visitor_language(request)].sign_out
    button = f'<form method="post" action="/logout"><button>{label}</button></form>'
    return gr.update(value=f"<b>{html.escape(request.username)}</b>{button}", visible=True)


def _connect_links(frame: Frame, blocks: gr.Blocks, tabs: gr.Tabs, browse_tab: BrowseTab) -> None:
    """Connect the page's own addresses and links to the tab each is about."""

    def linked(request: gr.Request) -> list[Any]:
        asked = request.query_params
        if paper := asked.get("paper"):
            opened = browse_tab.open_paper(str(paper), visitor_language(request))
            return [gr.update(selected="browse"), *opened]
        tab = gr.update(selected="compare") if asked.get("compare") else gr.skip()
        return [tab, *[gr.skip()] * len(browse_tab.panel)]

    blocks.load(linked, None, [tabs, *browse_tab.panel], **QUIET)
    frame.actions.paper(lambda: gr.update(selected="browse"), None, tabs, **QUIET)
    frame.actions.compare(lambda: gr.update(selected="compare"), None, tabs, **QUIET)


def _connect_chat(
    frame: Frame, tabs: gr.Tabs, place: ConversationPlace, running: list[Any], compare_tab: Compare
) -> None:
    """Connect what leads to the chat: a paper to ask about, a comparison to go on with."""

    def ask_about(papers: list[str] | None, event: gr.EventData) -> list[Any]:
        chosen = list(dict.fromkeys([*(papers or []), str(event.value)]))
        choices = frame.paper_choices.current()
        return [gr.update(choices=choices, value=chosen), gr.update(selected="chat")]

    @told
    def go_on(answered: str, request: gr.Request) -> list[Any]:
        record = AnswerRecord.model_validate_json(answered)
        begun = keep_answer(frame.database, owner_of(request), record)
        opened = shown(frame, place, begun, request)
        return [gr.update(selected="chat"), *opened]

    papers = place.filters.papers
    asking = frame.actions.ask(ask_about, papers, [papers, tabs], **LINK)
    compare_tab.to_chat.click(None, cancels=running, queue=False, api_visibility="private")
    going_on = compare_tab.to_chat.click(
        go_on, compare_tab.answered, [tabs, *place.changed], **QUIET
    )
    frame.actions.chat(lambda: gr.update(selected="chat"), None, tabs, **QUIET)
    for event in (asking, going_on):
        event.then(None, js=TO_QUESTION, api_visibility="private")


def _texts(language: Language) -> dict[str, str]:
    """The texts that follow the visitor's language, by ``PART_NAME``."""
    return {
        f"{part}_{name}": text
        for part, wording in WORDING[language].items()
        for name, text in vars(wording).items()
        if isinstance(text, str)
    }
