"""How the compare tab is laid out: its components, not yet connected."""

from dataclasses import dataclass
from typing import Any

import gradio as gr

from chatbot.answer.record import AnswerRecord
from chatbot.ui import comparison
from chatbot.ui.compare_source import SourcePanel, lay_source_out
from chatbot.ui.download import download_button
from chatbot.ui.frame import Frame
from chatbot.ui.markdown import LATEX_DELIMITERS
from chatbot.ui.wording.compare import TEXTS


@dataclass(frozen=True, slots=True)
class Parts:
    """What the tab's events read and write."""

    papers: gr.Dropdown
    aspects: gr.Dropdown
    compare: gr.Button
    stop: gr.Button
    status: gr.HTML
    csv: gr.Button
    markdown: gr.Button
    to_chat: gr.Button
    table: gr.Markdown
    answered: gr.State
    source: SourcePanel

    @property
    def changed(self) -> list[Any]:
        """What a comparison writes to."""
        return [
            *(self.compare, self.stop, self.status),
            *(self.csv, self.markdown, self.to_chat, self.table, self.answered),
            *(self.source.box, self.source.text),
        ]


def lay_out(frame: Frame) -> Parts:
    """The components of the tab."""
    text = frame.text
    answered = gr.State("")
    gr.Markdown(text("compare_about"), elem_id="compare-about")
    with gr.Row(elem_id="compare-choice"):
        papers, aspects = _dropdowns(frame)
    with gr.Row(elem_id="compare-buttons"):
        compare = gr.Button(
            text("compare_compare"), variant="primary", elem_id="compare-start", scale=0
        )
        stop = gr.Button(text("compare_stop"), visible=False, elem_id="compare-stop", scale=0)
        status = gr.HTML(html_template="<p role='status'>${value}</p>", elem_id="compare-status")
    with gr.Row(elem_id="compare-saving"):
        csv = download_button(
            text("compare_csv"), _csv_file, answered, "compare-csv", visible=False
        )
        markdown = download_button(
            text("compare_markdown"), _markdown_file, answered, "compare-markdown", visible=False
        )
        to_chat = gr.Button(
            text("compare_to_chat"),
            elem_id="compare-to-chat",
            size="sm",
            scale=0,
            min_width=120,
            visible=False,
        )
    with gr.Row(elem_id="compare-shown"):
        with gr.Column(scale=3, min_width=0, elem_id="compare-answer"):
            table = gr.Markdown(elem_id="compare-table", latex_delimiters=LATEX_DELIMITERS)
        source = lay_source_out()
    return Parts(
        *(papers, aspects, compare, stop, status, csv, markdown, to_chat, table, answered, source)
    )


def _dropdowns(frame: Frame) -> tuple[gr.Dropdown, gr.Dropdown]:
    papers = gr.Dropdown(
        frame.paper_choices.current(),
        value=[],
        multiselect=True,
        label=frame.text("compare_papers"),
        info=frame.text("compare_papers_info"),
        elem_id="compare-papers",
        min_width=300,
        scale=3,
    )
    aspects = gr.Dropdown(
        TEXTS["zh"].common_aspects,
        value=[],
        multiselect=True,
        allow_custom_value=True,
        label=frame.text("compare_aspects"),
        info=frame.text("compare_aspects_info"),
        elem_id="compare-aspects",
        min_width=300,
        scale=2,
    )
    return papers, aspects


def _csv_file(answered: str) -> tuple[str, str]:
    return comparison.comparison_csv(AnswerRecord.model_validate_json(answered))


def _markdown_file(answered: str) -> tuple[str, str]:
    return comparison.comparison_markdown(AnswerRecord.model_validate_json(answered))
