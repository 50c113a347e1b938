"""A comparison as the page shows and saves it, and the panel with the section of a cell."""

import re
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import gradio as gr

from chatbot.answering.comparison import NOT_REPORTED
from chatbot.answering.models import Scope, tables_in, to_csv
from chatbot.answering.record import AnswerRecord
from chatbot.index.entity_linking import LATIN_NAME
from chatbot.index.reading import Index
from chatbot.understanding.models import Language
from chatbot.web.frame import COPY, LINK, QUIET, Frame, script, spreadsheet, visitor_language
from chatbot.web.locales import ANSWERS, COMPARE
from chatbot.web.markdown import LATEX_DELIMITERS
from chatbot.web.rendering import answer_markdown, render_answer, render_source, section_name

PLACE = "compare"
_NAMES_SHOWN = 3
_NOT_REPORTED = re.compile(
    rf"(<td[^>]*>)({'|'.join(map(re.escape, NOT_REPORTED.values()))})[。.]?(?=</td>)", re.IGNORECASE
)


def choices(index: Index) -> list[tuple[str, str]]:
    """What each paper is picked by, with its id.

    A label has all that a reader may type: title, day, id, and names that the title does not have.
    """
    names: defaultdict[str, list[str]] = defaultdict(list)
    for name, papers, sure in index.catalogue.names.names.values():
        if sure and len(papers) == 1 and LATIN_NAME.fullmatch(name):
            names[papers[0]].append(name)
    labels = []
    for paper in index.catalogue.papers:
        title = paper.title.lower()
        own = [name for name in names[paper.id] if name.lower() not in title][:_NAMES_SHOWN]
        parts = [paper.title, paper.date.isoformat(), paper.id, ", ".join(own)]
        labels.append((" · ".join(part for part in parts if part), paper.id))
    return labels


def cleaned_aspects(aspects: Sequence[str]) -> list[str]:
    """Aspects that can head columns: each once, in one line, with nothing that ends a cell."""
    lines = (" ".join(aspect.split()).replace("|", "/") for aspect in aspects)
    return list(dict.fromkeys(line for line in lines if line))


def render_comparison(record: AnswerRecord) -> str:
    """A comparison, its table in a box that scrolls, its empty cells marked."""
    # The papers it is narrowed to are those in the table.
    shown = record.model_copy(update={"scope": Scope()})
    return boxed(render_answer(shown, PLACE), record.language)


def has_table(record: AnswerRecord) -> bool:
    """Whether there is a table to save."""
    return bool(tables_in(record.blocks))


def comparison_csv(record: AnswerRecord) -> tuple[str, str]:
    """The file with the table and, in rows below it, what its markers stand for."""
    sources = [
        [
            f"[{c.n}]",
            c.title,
            section_name(c.key, record.language),
            f"https://arxiv.org/abs/{c.paper_id}",
        ]
        for c in record.citations
    ]
    head = [[ANSWERS[record.language].sources]] if sources else []
    return f"{_file_name(record)}.csv", spreadsheet(to_csv(record.blocks, [*head, *sources]))


def comparison_markdown(record: AnswerRecord) -> tuple[str, str]:
    """The file with the table, what could not be verified, and the sources: its name, its text."""
    return f"{_file_name(record)}.md", f"# {record.question}\n\n{answer_markdown(record)}\n"


def boxed(shown: str, language: Language) -> str:
    """HTML with its tables in boxes that scroll and their empty cells marked."""
    label = COMPARE[language].table
    opening = f'<div class="table-box" role="region" title="{label}" tabindex="0"><table>'
    shown = _NOT_REPORTED.sub(r'\1<span class="not-reported">\2</span>', shown)
    return shown.replace("<table>", opening).replace("</table>", "</table></div>")


def _file_name(record: AnswerRecord) -> str:
    return "-".join(["comparison", *record.scope.papers])


_TO_PANEL = script("to_panel")
_BACK = script("from_panel")


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
        gr.Info(COMPARE[visitor_language(request)].copied, duration=3)
        return answer_markdown(AnswerRecord.model_validate_json(record))

    frame.actions.source(opening, answered, [panel.box, panel.text, opened], **LINK).then(
        None, opened, None, js=_TO_PANEL, api_visibility="private"
    )
    frame.actions.close(None, None, None, js=_BACK, api_visibility="private")
    frame.actions.close(closing, None, [panel.box, panel.text], **QUIET)
    frame.actions.copy(copying, answered, copied, **QUIET).then(
        None, copied, None, js=COPY, api_visibility="private"
    )
