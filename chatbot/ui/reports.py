"""The reports tab: the reports in the index, and adding one."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import gradio as gr

from chatbot.bot import Chatbot
from chatbot.errors import ChatbotError, ReportError
from chatbot.index.uploads import (
    KnownReport,
    Preview,
    Upload,
    add_uploads,
    known_reports,
    preview_uploads,
    read_upload,
)
from chatbot.limits import LARGEST_REPORT, MOST_UPLOADS
from chatbot.ui.frame import Frame, visitor_language
from chatbot.ui.generation import PerGeneration
from chatbot.ui.markdown import LATEX_DELIMITERS
from chatbot.ui.report_rendering import (
    render_added,
    render_error,
    render_errors,
    render_previews,
    report_table,
)
from chatbot.ui.uploading import SUFFIXES
from chatbot.ui.wording.reports import TEXTS, ReportsWording

_MEGABYTES = LARGEST_REPORT // 2**20


def build_reports(frame: Frame) -> Any:
    """Lay the tab out and connect it.

    Returns:
        The event that adds reports.
    """
    bot, indexed = frame.bot, PerGeneration(frame.bot, known_reports)
    with gr.Column(elem_id="reports"):
        gr.Markdown(frame.text("reports_about"))
        files = gr.File(
            file_count="multiple",
            file_types=[*SUFFIXES],
            label=frame.text("reports_drop"),
            elem_id="report-files",
        )
        limits = gr.Markdown(elem_id="report-limits")
        preview = _shown("report-preview")
        add = gr.Button(
            frame.text("reports_add"), variant="primary", visible=False, elem_id="report-add"
        )
        result = _shown("report-result")
        table = gr.HTML(elem_id="report-list")

    def show_reports(request: gr.Request) -> tuple[str, str]:
        texts = TEXTS[visitor_language(request)]
        return texts.limits.format(size=_MEGABYTES, files=MOST_UPLOADS), _table(indexed, texts)

    def check(chosen: list[str] | None, request: gr.Request) -> tuple[str, Any, Any]:
        shown, previews = _checked(bot, chosen, TEXTS[visitor_language(request)])
        ready = any(preview.same_as is None for preview in previews)
        return shown, gr.update(visible=ready), "" if chosen else gr.skip()

    def add_checked(
        chosen: list[str] | None,
        request: gr.Request,
        progress: gr.Progress = gr.Progress(),  # noqa: B008 - gradio finds it as a default
    ) -> tuple[Any, str, str]:
        texts = TEXTS[visitor_language(request)]

        def step(stage: str, done: int, total: int) -> None:
            progress((done, total), desc=getattr(texts, stage, stage), unit="")

        shown, added = _added(bot, chosen, texts, step)
        return None if added else gr.skip(), shown, _table(indexed, texts)

    gr.on(fn=show_reports, outputs=[limits, table], api_visibility="private")
    files.change(
        check, files, [preview, add, result], api_visibility="private", show_progress_on=preview
    )
    return add.click(
        add_checked,
        files,
        [files, result, table],
        api_visibility="private",
        concurrency_limit=1,
        show_progress_on=preview,
    )


def _shown(name: str) -> gr.Markdown:
    return gr.Markdown(elem_id=name, latex_delimiters=LATEX_DELIMITERS)


def _table(indexed: PerGeneration[tuple[KnownReport, ...]], texts: ReportsWording) -> str:
    try:
        return report_table(indexed.current(), texts)
    except ChatbotError as error:
        return render_error(str(error))


def _checked(
    bot: Chatbot, chosen: Sequence[str] | None, texts: ReportsWording
) -> tuple[str, Sequence[Preview]]:
    """The chosen files held against the index as text, and what they would do, were all read."""
    uploads, refusal = _read(chosen or (), texts)
    if refusal:
        return refusal, ()
    try:
        previews = preview_uploads(bot.index, uploads)
    except ChatbotError as error:
        return render_error(str(error)), ()
    return render_previews(previews, texts) if previews else "", previews


def _added(
    bot: Chatbot,
    chosen: Sequence[str] | None,
    texts: ReportsWording,
    progress: Callable[[str, int, int], None],
) -> tuple[str, bool]:
    """What came of indexing the chosen files, read and checked again, and whether it was done."""
    uploads, refusal = _read(chosen or (), texts)
    if refusal or not uploads:
        return refusal, False
    before = bot.index.catalogue.by_id
    try:
        wanted = [p.upload for p in preview_uploads(bot.index, uploads) if p.same_as is None]
        result = add_uploads(bot.settings, wanted, progress)
        after = bot.index.catalogue
    except ChatbotError as error:
        return render_error(texts.failed.format(error=error)), False
    new = [paper for paper in after.papers if paper.id not in before]
    return render_added(result, new, texts), True


def _read(chosen: Sequence[str], texts: ReportsWording) -> tuple[list[Upload], str]:
    """The chosen files, read; or, where any cannot be, why."""
    if len(chosen) > MOST_UPLOADS:
        return [], render_error(texts.too_many.format(files=MOST_UPLOADS, n=len(chosen)))
    uploads: list[Upload] = []
    errors: list[ReportError] = []
    for path in map(Path, chosen):
        try:
            _refuse(path, texts)
            uploads.append(read_upload(path))
        except ReportError as error:
            errors.append(error)
    return ([], render_errors(errors, texts)) if errors else (uploads, "")


def _refuse(path: Path, texts: ReportsWording) -> None:
    """Raise `ReportError` where a file is none of those that are read."""
    if path.suffix.lower() not in SUFFIXES:
        raise ReportError(path.name, 1, texts.not_text)
    if path.exists() and path.stat().st_size > LARGEST_REPORT:
        raise ReportError(path.name, 1, texts.too_large.format(size=_MEGABYTES))
