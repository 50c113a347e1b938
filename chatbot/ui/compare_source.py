"""The panel beside a comparison that shows the section a cell stands on."""

from dataclasses import dataclass

import gradio as gr

from chatbot.answer.record import AnswerRecord
from chatbot.ui.comparison import PLACE
from chatbot.ui.export import answer_markdown
from chatbot.ui.frame import COPY, LINK, QUIET, Frame, visitor_language
from chatbot.ui.markdown import LATEX_DELIMITERS
from chatbot.ui.rendering import render_source
from chatbot.ui.wording.compare import TEXTS

# Where the panel is below the table, it would open out of sight. The focus goes with the reader,
# and back to the marker when the panel is closed.
_TO_PANEL = """
opened => {
  const panel = document.getElementById('compare-source');
  if (!opened || !panel) return;
  panel.returnTo = document.activeElement;
  panel.tabIndex = -1;
  panel.focus({preventScroll: true});
  panel.scrollTop = 0;
  if (innerWidth < 1100) panel.scrollIntoView({block: 'start'});
}
"""
_BACK = """
() => {
  const marker = document.querySelector('#compare-source')?.returnTo;
  if (marker?.checkVisibility()) marker.focus();
}
"""


@dataclass(frozen=True, slots=True)
class SourcePanel:
    """The panel: its box, which is hidden where no source is open, and the source."""

    box: gr.Column
    text: gr.Markdown


def lay_source_out() -> SourcePanel:
    """The panel, closed."""
    with gr.Column(scale=2, min_width=0, visible=False, elem_id="compare-source") as box:
        text = gr.Markdown(latex_delimiters=LATEX_DELIMITERS, elem_id="compare-source-text")
    return SourcePanel(box, text)


def wire_source(frame: Frame, panel: SourcePanel, answered: gr.State) -> None:
    """Open a source on ``source/compare/N``, close it, copy the table on ``copy/compare``."""
    opened = gr.Textbox(visible="hidden", elem_id="compare-opened")
    copied = gr.Textbox(visible="hidden", elem_id="compare-copied")

    def opening(record: str, event: gr.EventData, request: gr.Request) -> tuple[object, ...]:
        place, _, n = event.value.partition("/")
        if place != PLACE or not record or not n.isdigit():
            return gr.skip(), gr.skip(), ""
        kept = AnswerRecord.model_validate_json(record)
        shown = render_source(kept, int(n), frame.bot.index, visitor_language(request))
        return gr.update(visible=bool(shown)), shown, n if shown else ""

    def closing(event: gr.EventData) -> tuple[object, ...]:
        if event.value != "sources":
            return gr.skip(), gr.skip()
        return gr.update(visible=False), ""

    def copying(record: str, event: gr.EventData, request: gr.Request) -> str:
        if event.value != PLACE or not record:
            return ""
        gr.Info(TEXTS[visitor_language(request)].copied, duration=3)
        return answer_markdown(AnswerRecord.model_validate_json(record))

    frame.actions.source(opening, answered, [panel.box, panel.text, opened], **LINK).then(
        None, opened, None, js=_TO_PANEL, api_visibility="private"
    )
    frame.actions.close(None, None, None, js=_BACK, api_visibility="private")
    frame.actions.close(closing, None, [panel.box, panel.text], **QUIET)
    frame.actions.copy(copying, answered, copied, **QUIET).then(
        None, copied, None, js=COPY, api_visibility="private"
    )
