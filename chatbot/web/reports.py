"""The reports tab: the reports in the index, and adding one."""

import html
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import gradio as gr

from chatbot.bot import Chatbot
from chatbot.errors import ChatbotError, ReportError
from chatbot.guardrails.limits import LARGEST_REPORT, MOST_UPLOADS
from chatbot.index.ingestion import IngestResult
from chatbot.index.reading import PaperRecord
from chatbot.reports.parsing import SUFFIXES, Paper, Problem
from chatbot.web.frame import Frame, visitor_language
from chatbot.web.locales import REPORTS, Wording
from chatbot.web.markdown import LATEX_DELIMITERS, plain_html
from chatbot.web.uploads import (
    KnownReport,
    Preview,
    Upload,
    add_uploads,
    known_reports,
    preview_uploads,
    read_upload,
)

_MOST_SHOWN = 50
_MEGABYTES = LARGEST_REPORT // 2**20


def report_table(reports: Sequence[KnownReport], texts: Wording) -> str:
    """The reports in the index as a table."""
    heads = "".join(f'<th scope="col">{h}</th>' for h in (texts.date, texts.name, texts.papers))
    rows = "".join(
        f'<tr><td>{report.date}</td><th scope="row">{html.escape(report.name)}</th>'
        f"<td>{report.papers}</td></tr>"
        for report in reports
    )
    return (
        f'<table class="reports"><caption>{texts.listed}</caption>'
        f"<thead><tr>{heads}</tr></thead><tbody>{rows}</tbody></table>"
    )


def render_errors(errors: Sequence[ReportError], texts: Wording) -> str:
    """Why files cannot be read, by line."""
    lines = "".join(
        f"<li><b>{plain_html(e.path)} · {texts.line.format(line=e.line)}</b><br>"
        f"{plain_html(e.cause)}</li>"
        for e in errors
    )
    return (
        f'<div class="report-error" role="alert"><b>✗ {texts.nothing_added}</b>'
        f"<ul>{lines}</ul><p>{texts.mend}</p></div>"
    )


def render_error(message: str) -> str:
    """One line that something failed."""
    return f'<div class="report-error" role="alert">✗ {plain_html(message)}</div>'


def render_previews(previews: Sequence[Preview], texts: Wording) -> str:
    """What indexing these reports would do."""
    nothing = all(preview.same_as for preview in previews)
    parts = [_preview(preview, texts) for preview in previews]
    return "\n\n".join([*parts, *([f"<p>{texts.nothing_new}</p>"] if nothing else [])])


def render_added(result: IngestResult, papers: Sequence[PaperRecord], texts: Wording) -> str:
    """What was added, with the new papers as links."""
    names = "、".join((*result.added, *result.updated, *result.unchanged))
    notices = "".join(f"<p>{plain_html(notice)}</p>" for notice in result.notices)
    lines = "".join(
        f'<li><a href="#paper/{paper.id}">{title}</a> '
        f'<a class="ask" href="#ask/{paper.id}" aria-label="{texts.ask}: {title}">'
        f"{texts.ask}</a></li>"
        for paper in papers[:_MOST_SHOWN]
        for title in [plain_html(paper.title)]
    )
    listed = (
        f"<b>{texts.new} ({len(papers)})</b><ul>{lines}{_more(len(papers), texts)}</ul>"
        if papers
        else f"<p>{texts.no_new_papers}</p>"
    )
    added = plain_html(texts.added.format(names=names, papers=result.papers))
    return f'<div class="report-added" role="status"><p>✓ {added}</p>{notices}{listed}</div>'


def _preview(preview: Preview, texts: Wording) -> str:
    report = preview.upload.report
    name = plain_html(preview.upload.name)
    found = texts.found.format(date=report.date, n=len(report.papers))
    head = f"<h3>{name}</h3><p>{found}</p>"
    if preview.same_as:
        same = plain_html(texts.same.format(name=preview.same_as))
        return f'<div class="report-preview same">{head}<p>{same}</p></div>'
    kinds = ((texts.new, preview.new), (texts.known, preview.known))
    papers = "".join(_papers(kind, those, texts) for kind, those in kinds if those)
    return f'<div class="report-preview">{head}{papers}{_problems(report.problems, texts)}</div>'


def _papers(kind: str, papers: Sequence[Paper], texts: Wording) -> str:
    lines = "".join(f"<li>{plain_html(paper.title)}</li>" for paper in papers[:_MOST_SHOWN])
    return (
        f"<details><summary>{kind} <b>{len(papers)}</b></summary>"
        f"<ul>{lines}{_more(len(papers), texts)}</ul></details>"
    )


def _problems(problems: Sequence[Problem], texts: Wording) -> str:
    if not problems:
        return ""
    lines = "".join(
        f"<li><b>{texts.line.format(line=problem.line)}</b> {plain_html(problem.message)}</li>"
        for problem in problems[:_MOST_SHOWN]
    )
    head = texts.problems.format(n=len(problems))
    return f'<details class="problems" open><summary>⚠ {head}</summary><ul>{lines}</ul></details>'


def _more(count: int, texts: Wording) -> str:
    left = count - _MOST_SHOWN
    return f"<li>{texts.and_more.format(n=left)}</li>" if left > 0 else ""


def build_reports(frame: Frame) -> Any:
    """Lay the tab out and connect it; the event that adds reports."""
    bot = frame.bot
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
        texts = REPORTS[visitor_language(request)]
        listed = report_table(known_reports(bot.index), texts)
        return texts.limits.format(size=_MEGABYTES, files=MOST_UPLOADS), listed

    def check(chosen: list[str] | None, request: gr.Request) -> tuple[str, Any, Any]:
        shown, previews = _checked(bot, chosen, REPORTS[visitor_language(request)])
        ready = any(preview.same_as is None for preview in previews)
        return shown, gr.update(visible=ready), "" if chosen else gr.skip()

    def add_checked(
        chosen: list[str] | None,
        request: gr.Request,
        progress: gr.Progress = gr.Progress(),  # noqa: B008 - gradio finds it as a default
    ) -> tuple[Any, str, str]:
        texts = REPORTS[visitor_language(request)]

        def step(stage: str, done: int, total: int) -> None:
            progress((done, total), desc=getattr(texts, stage, stage), unit="")

        shown, added = _added(bot, chosen, texts, step)
        return None if added else gr.skip(), shown, report_table(known_reports(bot.index), texts)

    gr.on(fn=show_reports, outputs=[limits, table], api_visibility="private")
    event: dict[str, Any] = {"api_visibility": "private", "show_progress_on": preview}
    files.change(check, files, [preview, add, result], **event)
    return add.click(add_checked, files, [files, result, table], concurrency_limit=1, **event)


def _shown(name: str) -> gr.Markdown:
    return gr.Markdown(elem_id=name, latex_delimiters=LATEX_DELIMITERS)


def _checked(
    bot: Chatbot, chosen: Sequence[str] | None, texts: Wording
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
    texts: Wording,
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
    reports = {*result.added, *result.updated}
    new = [p for p in after.papers if p.report in reports and p.id not in before]
    return render_added(result, new, texts), True


def _read(chosen: Sequence[str], texts: Wording) -> tuple[list[Upload], str]:
    """The chosen files, read; or, where any cannot be, why."""
    if len(chosen) > MOST_UPLOADS:
        return [], render_error(texts.too_many.format(files=MOST_UPLOADS, n=len(chosen)))
    uploads: list[Upload] = []
    errors: list[ReportError] = []
    for path in map(Path, chosen):
        if path.suffix.lower() not in SUFFIXES:
            errors.append(ReportError(path.name, 1, texts.not_text))
        elif path.exists() and path.stat().st_size > LARGEST_REPORT:
            errors.append(ReportError(path.name, 1, texts.too_large.format(size=_MEGABYTES)))
        else:
            try:
                uploads.append(read_upload(path))
            except ReportError as error:
                errors.append(error)
    return ([], render_errors(errors, texts)) if errors else (uploads, "")
