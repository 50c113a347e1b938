"""The compare tab: papers and aspects in, a table with a source for every cell out."""

import html
import logging
from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import gradio as gr

from chatbot.answering.models import Event
from chatbot.answering.record import AnswerRecord
from chatbot.errors import ChatbotError
from chatbot.index.reading import Index
from chatbot.telemetry.logs import in_one_context
from chatbot.understanding.models import Language
from chatbot.web import comparison
from chatbot.web.chat.conversation import PartialAnswer
from chatbot.web.comparison import SourcePanel, lay_source_out, wire_source
from chatbot.web.frame import LINK, Frame, Runs, download_button, visitor_language
from chatbot.web.gate import visit_of
from chatbot.web.locales import ANSWERS, COMPARE
from chatbot.web.markdown import LATEX_DELIMITERS


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
        COMPARE["zh"].common_aspects,
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


logger = logging.getLogger(__name__)
_FEWEST, _MOST, _MOST_ASPECTS = 2, 8, 8
# New values or properties of components.
Changes = dict[Any, Any]
Streamed = AsyncIterator[Changes]


@dataclass(frozen=True, slots=True)
class Compare:
    """What leads from a comparison to elsewhere.

    `answered` holds the `AnswerRecord` shown, as JSON, or an empty text.
    """

    papers: gr.Dropdown
    answered: gr.State
    to_chat: gr.Button


def build_compare(frame: Frame) -> Compare:
    """Lay the tab out and connect it; a link ``?compare=ID,ID`` to the page is followed here."""
    with gr.Column(elem_id="compare"):
        parts = lay_out(frame)
    _connect(frame, parts)
    wire_source(frame, parts.source, parts.answered)
    return Compare(parts.papers, parts.answered, parts.to_chat)


def _connect(frame: Frame, parts: Parts) -> None:
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
    frame: Frame, parts: Parts, runs: Runs, asked: gr.State, choosing: Sequence[Any]
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
    """The papers that a link gives chosen: several are to be compared, one is added to the picked.

    Returns:
        What the papers and the status become, and the papers to compare.
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
    frame: Frame, parts: Parts, ids: list[str], aspects: list[str], request: gr.Request
) -> Iterator[Changes]:
    """Compare, from the choice's check to the table."""
    language = visitor_language(request)
    texts = COMPARE[language]
    columns = comparison.cleaned_aspects(aspects)
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
        for change, record in _shown(frame.bot.compare(ids, columns, language), parts, language):
            yield change
            if record:
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


def _shown(
    events: Iterator[Event], parts: Parts, language: Language
) -> Iterator[tuple[Changes, AnswerRecord | None]]:
    """What changes after each event worth showing; the record with the last."""
    coming = PartialAnswer()
    for event in events:
        if coming.take(event):
            step = coming.steps[-1].name if coming.steps else "retrieve"
            name = getattr(ANSWERS[language], step)
            status = COMPARE[language].working.format(step=name)
            table = comparison.boxed(coming.shown(), language)
            with coming.pace.doing():
                yield {parts.status: status, parts.table: table}, None
    if record := coming.answer:
        yield {parts.table: comparison.render_comparison(record)}, record


def _begun(parts: Parts) -> Changes:
    """The tab as a comparison begins: nothing of an earlier one is left."""
    hidden, emptied = gr.update(visible=False), ""
    return {
        parts.compare: hidden,
        parts.stop: gr.update(visible=True),
        parts.csv: hidden,
        parts.markdown: hidden,
        parts.to_chat: hidden,
        parts.table: emptied,
        parts.answered: emptied,
        parts.source.box: hidden,
        parts.source.text: emptied,
    }


def _ended(parts: Parts, status: str, record: AnswerRecord | None = None) -> Changes:
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
            parts.csv: gr.update(visible=comparison.has_table(record)),
        }
    return changes


def _ids(rest: str) -> list[str]:
    return [paper.strip() for paper in rest.split(",") if paper.strip()]
