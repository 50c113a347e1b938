"""The panel beside the chat: the section behind a marker, with what was quoted highlighted."""

from typing import Any

import gradio as gr

from chatbot.database.conversations import Turn, read_turns
from chatbot.errors import ChatbotError
from chatbot.retrieval.models import Language
from chatbot.ui.chat import ChatFields
from chatbot.ui.export import answer_markdown
from chatbot.ui.frame import COPY, LINK, QUIET, Frame, owner_of, visitor_language
from chatbot.ui.markdown import LATEX_DELIMITERS
from chatbot.ui.rendering import render_source
from chatbot.ui.wording.chat import TEXTS

# By keyboard one reads the source at once, leaves it with Escape, and is back at its marker.
_FOCUS = """() => {
  const panel = document.querySelector('#sources');
  const marker = document.activeElement?.getAttribute('href');
  if (!panel || !marker?.startsWith('#source/') || marker.startsWith('#source/compare')) return;
  panel.dataset.marker = marker;
  panel.tabIndex = -1;
  panel.onkeydown = event => {
    if (event.key === 'Escape') panel.querySelector('a.close')?.click();
  };
  panel.focus({preventScroll: true});
}"""
_FOCUS_BACK = """() => {
  const marker = document.querySelector('#sources')?.dataset.marker;
  if (marker) document.querySelector(`#chat a[href="${marker}"]`)?.focus();
}"""


def build_sources(frame: Frame) -> gr.Markdown:
    """Lay the panel out."""
    return gr.Markdown(
        frame.text("chat_no_source"),
        elem_id="sources",
        latex_delimiters=LATEX_DELIMITERS,
        line_breaks=False,
    )


def connect_sources(frame: Frame, fields: ChatFields, panel: gr.Markdown) -> None:
    """Connect markers, the panel's own links, and copying an answer."""

    def opened(conversation: str, request: gr.Request, event: gr.EventData) -> Any:
        place, _, n = str(event.value).rpartition("/")
        turn = _turn(frame, conversation, place, owner_of(request))
        if turn is None or turn.answer is None or not n.isdecimal():
            return gr.skip()
        source = render_source(turn.answer, int(n), frame.bot.index, visitor_language(request))
        return f'<div class="sheet">\n\n{source}\n\n</div>'

    def first(conversation: str, request: gr.Request) -> str:
        """The first source of the latest answer, for those who have room beside the chat."""
        language = visitor_language(request)
        turns = _turns(frame, conversation, owner_of(request))
        return _first(frame, turns, language)

    def closed(request: gr.Request, event: gr.EventData) -> Any:
        if event.value != "sources":
            return gr.skip()
        return TEXTS[visitor_language(request)].no_source

    def copied(conversation: str, request: gr.Request, event: gr.EventData) -> str:
        turn = _turn(frame, conversation, str(event.value), owner_of(request))
        if turn is None or turn.answer is None:
            return ""
        gr.Info(TEXTS[visitor_language(request)].copied)
        return answer_markdown(turn.answer)

    text = gr.Textbox(visible=False)
    frame.actions.source(opened, fields.conversation, panel, **LINK)
    frame.actions.close(closed, None, panel, **QUIET)
    fields.conversation.change(first, fields.conversation, panel, **QUIET)
    fields.done.change(first, fields.conversation, panel, **QUIET)
    frame.actions.copy(copied, fields.conversation, text, **QUIET).then(
        None, text, None, js=COPY, api_visibility="private"
    )


def _turn(frame: Frame, conversation: str, place: str, owner: str) -> Turn | None:
    """The turn at a place of the open conversation, where the place is one."""
    turns = _turns(frame, conversation, owner) if place.isdecimal() else ()
    return next((turn for turn in turns if turn.position == int(place)), None)


def _turns(frame: Frame, conversation: str, owner: str) -> tuple[Turn, ...]:
    """The turns of the open conversation; none where it was deleted meanwhile."""
    try:
        return read_turns(frame.database, owner, conversation) if conversation else ()
    except ChatbotError:
        return ()


def _first(frame: Frame, turns: tuple[Turn, ...], language: Language) -> str:
    answer = turns[-1].answer if turns else None
    if answer is None or not answer.citations:
        return TEXTS[language].no_source
    return render_source(answer, answer.citations[0].n, frame.bot.index, language)
