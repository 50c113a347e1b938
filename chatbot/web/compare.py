"""The compare tab: papers and aspects in, a table with a source for every cell out."""

import html
import logging
import re
from collections import defaultdict
from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import gradio as gr

from chatbot.answering.models import TEXTS as ANSWER_TEXTS
from chatbot.answering.models import Scope, tables_in, to_csv
from chatbot.answering.record import AnswerRecord
from chatbot.errors import ChatbotError
from chatbot.index.entity_linking import LATIN_NAME
from chatbot.index.reading import Index
from chatbot.telemetry.logs import in_one_context
from chatbot.understanding.models import Language
from chatbot.web.chat.asking import PartialAnswer
from chatbot.web.frame import (
    COPY,
    LINK,
    QUIET,
    Frame,
    Runs,
    download_button,
    script,
    visitor_language,
)
from chatbot.web.gate import visit_of
from chatbot.web.locales import ANSWERS, COMPARE
from chatbot.web.markdown import LATEX_DELIMITERS
from chatbot.web.rendering import answer_markdown, render_answer, render_source, section_name

logger = logging.getLogger(__name__)
_PLACE = "compare"
_NAMES_SHOWN = 3
_NO_CELL = "|".join(re.escape(texts["no_cell"]) for texts in ANSWER_TEXTS.values())
_NOT_REPORTED = re.compile(rf"(<td[^>]*>)({_NO_CELL})[。.]?(?=</td>)", re.IGNORECASE)
_FEWEST, _MOST, _MOST_ASPECTS = 2, 8, 8
_TO_PANEL, _FROM_PANEL = script("to_panel"), script("from_panel")
# New values or properties of components.
Changes = dict[Any, Any]
Streamed = AsyncIterator[Changes]


def paper_choices(index: Index) -> list[tuple[str, str]]:
    """What each paper is picked by, with its id.

    A label has all that a reader may type: title, day, id, and names that the title does not have.
    """
    names: defaultdict[str, list[str]] = defaultdict(list)
    for name, papers, sure in index.catalogue.names.all():
        if sure and len(papers) == 1 and LATIN_NAME.fullmatch(name):
            names[papers[0]].append(name)
    labels = []
    for paper in index.catalogue.papers:
        title = paper.title.lower()
        own = [name for name in names[paper.id] if name.lower() not in title][:_NAMES_SHOWN]
        parts = [paper.title, paper.date.isoformat(), paper.id, ", ".join(own)]
        labels.append((" · ".join(part for part in parts if part), paper.id))
    return labels


@dataclass(frozen=True, slots=True)
class Compare:
    """What the tab's events read and write.

    `answered` holds the `AnswerRecord` shown, as JSON, or an empty text; `source` is the section of
    a cell, in a box that is hidden where none is open.
    """

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
    source_box: gr.Column
    source: gr.Markdown

    @property
    def changed(self) -> list[Any]:
        """What a comparison writes to."""
        return [
            *(self.compare, self.stop, self.status),
            *(self.csv, self.markdown, self.to_chat, self.table, self.answered),
            *(self.source_box, self.source),
        ]


def build_compare(frame: Frame) -> Compare:
    """Lay the tab out and connect it; a link ``?compare=ID,ID`` to the page is followed here."""
    with gr.Column(elem_id="compare"):
        parts = _lay_out(frame)
    _connect(frame, parts)
    _connect_source(frame, parts)
    return parts


def _lay_out(frame: Frame) -> Compare:
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
        look: dict[str, Any] = {"size": "sm", "scale": 0, "min_width": 120, "visible": False}
        to_chat = gr.Button(text("compare_to_chat"), elem_id="compare-to-chat", **look)
    with gr.Row(elem_id="compare-shown"):
        with gr.Column(scale=3, min_width=0, elem_id="compare-answer"):
            table = gr.Markdown(elem_id="compare-table", latex_delimiters=LATEX_DELIMITERS)
        with gr.Column(scale=2, min_width=0, visible=False, elem_id="compare-source") as box:
            source = gr.Markdown(latex_delimiters=LATEX_DELIMITERS, elem_id="compare-source-text")
    saving = (csv, markdown, to_chat)
    return Compare(papers, aspects, compare, stop, status, *saving, table, answered, box, source)


def _dropdowns(frame: Frame) -> tuple[gr.Dropdown, gr.Dropdown]:
    both: dict[str, Any] = {"value": [], "multiselect": True, "min_width": 300}
    papers = gr.Dropdown(
        frame.paper_choices.current(),
        label=frame.text("compare_papers"),
        info=frame.text("compare_papers_info"),
        elem_id="compare-papers",
        scale=3,
        **both,
    )
    aspects = gr.Dropdown(
        COMPARE["zh"].common_aspects,
        allow_custom_value=True,
        label=frame.text("compare_aspects"),
        info=frame.text("compare_aspects_info"),
        elem_id="compare-aspects",
        scale=2,
        **both,
    )
    return papers, aspects


def _connect(frame: Frame, parts: Compare) -> None:
    """Connect what is chosen for the visitor, by address or link, and what compares."""
    asked, runs = gr.State(""), Runs(frame.answers_at_once)

    def loaded(request: gr.Request) -> list[Any]:
        language = visitor_language(request)
        ids, common = str(request.query_params.get("compare", "")), COMPARE[language].common_aspects
        aspects = gr.update(choices=[(aspect, aspect) for aspect in common])
        return [aspects, *_chosen(frame, _ids(ids), [], language)]

    def linked(picked: list[str], event: gr.EventData, request: gr.Request) -> list[Any]:
        return _chosen(frame, _ids(event.value), picked, visitor_language(request))

    async def stopped(request: gr.Request) -> None:
        runs.stop(request.session_hash)

    chosen = [parts.papers, parts.status, asked]
    opening = gr.on(None, loaded, None, [parts.aspects, *chosen], api_visibility="private")
    following = frame.actions.compare(linked, parts.papers, chosen, **LINK)
    _connect_comparing(frame, parts, runs, asked, (opening, following))
    parts.stop.click(stopped, None, None, queue=False, api_visibility="private")


def _connect_comparing(
    frame: Frame, parts: Compare, runs: Runs, asked: gr.State, choosing: Sequence[Any]
) -> None:
    """Connect what compares: the button, and after `choosing` the papers `asked` for, if any."""

    async def streamed(ids: list[str], aspects: list[str], request: gr.Request) -> Streamed:
        # All that has changed so far, at each change: what a second one leaves out, gradio's client
        # takes out of the first too, which a busy browser may not have shown yet (seen with 6.31).
        whole: Changes = {}
        comparing = _compared(frame, parts, ids, aspects, request)
        with runs.running(request.session_hash) as run:
            async for change in run.steps(in_one_context(comparing, visit_of(request, "compare"))):
                whole = {**whole, **change}
                yield whole
        if run.stopped:
            yield {**whole, **_ended(parts, COMPARE[visitor_language(request)].stopped)}

    async def opened(asked: str, aspects: list[str], request: gr.Request) -> Streamed:
        ids = _ids(asked)
        if not ids:
            # Of an event that yields nothing gradio makes every output empty.
            yield {parts.status: gr.skip()}
            return
        async for change in streamed(ids, aspects, request):
            yield change

    shown: dict[str, Any] = {
        "show_progress_on": parts.status,
        "show_progress": "minimal",
        "api_visibility": "private",
        "trigger_mode": "multiple",
        "concurrency_limit": frame.answers_at_once,
    }
    parts.compare.click(streamed, [parts.papers, parts.aspects], parts.changed, **shown)
    for event in choosing:
        event.then(opened, [asked, parts.aspects], parts.changed, **shown)


def _chosen(frame: Frame, asked: list[str], picked: list[str], language: Language) -> list[Any]:
    """What the papers and the status become, and the papers to compare, after a link.

    Several that it gives are to be compared, one is added to the picked.
    """
    indexed, choices = frame.bot.index.catalogue.by_id, frame.paper_choices.current()
    if not asked:
        return [gr.update(choices=choices), gr.skip(), ""]
    alone = len(asked) == 1
    wanted = list(dict.fromkeys([*picked, *asked] if alone else asked))
    known = [paper for paper in wanted if paper in indexed]
    papers = gr.update(choices=choices, value=known)
    if alone and known == wanted:
        return [papers, COMPARE[language].added.format(n=len(wanted)), ""]
    return [papers, gr.skip(), ",".join(wanted)]


def _compared(
    frame: Frame, parts: Compare, ids: list[str], aspects: list[str], request: gr.Request
) -> Iterator[Changes]:
    language, coming = visitor_language(request), PartialAnswer()
    texts = COMPARE[language]
    # Each once, in one line, with nothing that ends a cell.
    lines = (" ".join(aspect.split()).replace("|", "/") for aspect in aspects)
    columns = list(dict.fromkeys(line for line in lines if line))
    if problem := _problem(frame.bot.index, ids, columns, language):
        yield _ended(parts, problem)
        return
    try:
        frame.admit(request, language)
    except ChatbotError as error:
        yield _ended(parts, str(error))
        return
    yield _begun(parts)
    try:
        for event in frame.bot.compare(ids, columns, language):
            if coming.take(event):
                step = coming.steps[-1].name if coming.steps else "retrieve"
                status = texts.working.format(step=getattr(ANSWERS[language], step))
                shown = _boxed(coming.shown(), language)
                with coming.pace.doing():
                    yield {parts.status: status, parts.table: shown}
        if record := coming.answer:
            # The papers it is narrowed to are those in the table.
            whole = render_answer(record.model_copy(update={"scope": Scope()}), _PLACE)
            yield {parts.table: _boxed(whole, record.language)}
            yield _ended(parts, texts.done.format(n=len(ids)), record)
    except ChatbotError as error:
        yield _ended(parts, texts.failed.format(error=error))
    except Exception:
        logger.exception("papers were not compared")
        yield _ended(parts, texts.failed.format(error=texts.unexpected))


def _problem(index: Index, ids: list[str], aspects: Sequence[str], language: Language) -> str:
    """What a visitor has to change before a comparison, if anything."""
    texts = COMPARE[language]
    missing = [paper for paper in ids if paper not in index.catalogue.by_id]
    if missing:
        return texts.missing.format(papers=", ".join(missing))
    if not _FEWEST <= len(ids) <= _MOST:
        return texts.number.format(n=len(ids))
    if len(aspects) > _MOST_ASPECTS:
        return texts.many_aspects.format(most=_MOST_ASPECTS, n=len(aspects))
    return ""


def _begun(parts: Compare) -> Changes:
    """The tab as a comparison begins: nothing of an earlier one is left."""
    gone = (parts.compare, parts.csv, parts.markdown, parts.to_chat, parts.source_box)
    return {
        **dict.fromkeys(gone, gr.update(visible=False)),
        **dict.fromkeys((parts.table, parts.answered, parts.source), ""),
        parts.stop: gr.update(visible=True),
    }


def _ended(parts: Compare, status: str, record: AnswerRecord | None = None) -> Changes:
    """The tab after a comparison, or one that was not made; `status` is plain text."""
    changes: Changes = {
        parts.compare: gr.update(visible=True),
        parts.stop: gr.update(visible=False),
        parts.status: html.escape(status),
    }
    if record:
        changes |= {
            parts.answered: record.model_dump_json(),
            parts.markdown: gr.update(visible=True),
            parts.to_chat: gr.update(visible=True),
            parts.csv: gr.update(visible=bool(tables_in(record.blocks))),
        }
    return changes


def _ids(rest: str) -> list[str]:
    return [paper.strip() for paper in rest.split(",") if paper.strip()]


def _csv_file(answered: str) -> tuple[str, str]:
    """The file with the table and, in rows below it, what its markers stand for."""
    record = AnswerRecord.model_validate_json(answered)
    language = record.language
    sources = [
        [f"[{c.n}]", c.title, section_name(c.key, language), f"https://arxiv.org/abs/{c.paper_id}"]
        for c in record.citations
    ]
    head = [[ANSWERS[language].sources]] if sources else []
    csv = to_csv(record.blocks, [*head, *sources])
    # By its byte order mark (RFC 3629, section 6) spreadsheets read it as UTF-8.
    return f"{_file_name(record)}.csv", f"\ufeff{csv}"


def _markdown_file(answered: str) -> tuple[str, str]:
    record = AnswerRecord.model_validate_json(answered)
    return f"{_file_name(record)}.md", f"# {record.question}\n\n{answer_markdown(record)}\n"


def _boxed(shown: str, language: Language) -> str:
    """HTML with its tables in boxes that scroll and their empty cells marked."""
    label = COMPARE[language].table
    opening = f'<div class="table-box" role="region" title="{label}" tabindex="0"><table>'
    shown = _NOT_REPORTED.sub(r'\1<span class="not-reported">\2</span>', shown)
    return shown.replace("<table>", opening).replace("</table>", "</table></div>")


def _file_name(record: AnswerRecord) -> str:
    return "-".join(["comparison", *record.scope.papers])


def _connect_source(frame: Frame, parts: Compare) -> None:
    opened = gr.Textbox(visible="hidden", elem_id="compare-opened")
    copied = gr.Textbox(visible="hidden", elem_id="compare-copied")

    def opening(record: str, event: gr.EventData, request: gr.Request) -> tuple[object, ...]:
        place, _, n = event.value.partition("/")
        if place != _PLACE or not record or not n.isdigit():
            return gr.skip(), gr.skip(), ""
        kept = AnswerRecord.model_validate_json(record)
        shown = render_source(kept, int(n), frame.bot.index, visitor_language(request))
        return gr.update(visible=bool(shown)), shown, n if shown else ""

    def closing(event: gr.EventData) -> tuple[object, ...]:
        if event.value != "sources":
            return gr.skip(), gr.skip()
        return gr.update(visible=False), ""

    def copying(record: str, event: gr.EventData, request: gr.Request) -> str:
        if event.value != _PLACE or not record:
            return ""
        gr.Info(COMPARE[visitor_language(request)].copied, duration=3)
        return answer_markdown(AnswerRecord.model_validate_json(record))

    source = [parts.source_box, parts.source]
    showing = frame.actions.source(opening, parts.answered, [*source, opened], **LINK)
    showing.then(None, opened, None, js=_TO_PANEL, api_visibility="private")
    frame.actions.close(None, None, None, js=_FROM_PANEL, api_visibility="private")
    frame.actions.close(closing, None, source, **QUIET)
    copy = frame.actions.copy(copying, parts.answered, copied, **QUIET)
    copy.then(None, copied, None, js=COPY, api_visibility="private")
