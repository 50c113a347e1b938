"""Reports as the page shows them: those in the index, a checked upload, what was added."""

import html
from collections.abc import Sequence

from chatbot.corpus import Paper, Problem
from chatbot.errors import ReportError
from chatbot.index.build import IngestResult
from chatbot.index.catalogue import PaperRecord
from chatbot.index.uploads import KnownReport, Preview
from chatbot.ui.markdown import plain_html
from chatbot.ui.wording.reports import ReportsWording

_PAPERS_SHOWN = 50
_PROBLEMS_SHOWN = 50


def report_table(reports: Sequence[KnownReport], texts: ReportsWording) -> str:
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


def render_errors(errors: Sequence[ReportError], texts: ReportsWording) -> str:
    """Why files cannot be read, by line."""
    lines = "".join(
        f"<li>{_place(e.path, e.line, texts)}<br>{plain_html(e.cause)}</li>" for e in errors
    )
    return (
        f'<div class="report-error" role="alert"><b>✗ {texts.nothing_added}</b>'
        f"<ul>{lines}</ul><p>{texts.mend}</p></div>"
    )


def render_error(message: str) -> str:
    """One line that something failed."""
    return f'<div class="report-error" role="alert">✗ {plain_html(message)}</div>'


def render_previews(previews: Sequence[Preview], texts: ReportsWording) -> str:
    """What indexing these reports would do."""
    nothing = all(preview.same_as for preview in previews)
    parts = [_preview(preview, texts) for preview in previews]
    return "\n\n".join([*parts, *([f"<p>{texts.nothing_new}</p>"] if nothing else [])])


def render_added(result: IngestResult, papers: Sequence[PaperRecord], texts: ReportsWording) -> str:
    """What was added, with the new papers as links."""
    names = "、".join((*result.added, *result.updated, *result.unchanged))
    notices = "".join(f"<p>{plain_html(notice)}</p>" for notice in result.notices)
    lines = "".join(
        f'<li><a href="#paper/{paper.id}">{title}</a> '
        f'<a class="ask" href="#ask/{paper.id}" aria-label="{texts.ask}: {title}">'
        f"{texts.ask}</a></li>"
        for paper in papers[:_PAPERS_SHOWN]
        for title in [plain_html(paper.title)]
    )
    listed = (
        f"<b>{texts.new} ({len(papers)})</b><ul>{lines}{_more(len(papers), texts)}</ul>"
        if papers
        else f"<p>{texts.no_new_papers}</p>"
    )
    added = plain_html(texts.added.format(names=names, papers=result.papers))
    return f'<div class="report-added" role="status"><p>✓ {added}</p>{notices}{listed}</div>'


def _preview(preview: Preview, texts: ReportsWording) -> str:
    report = preview.upload.report
    name = plain_html(preview.upload.name)
    found = texts.found.format(date=report.date, n=len(report.papers))
    head = f"<h3>{name}</h3><p>{found}</p>"
    if preview.same_as:
        same = plain_html(texts.same.format(name=preview.same_as))
        return f'<div class="report-preview same">{head}<p>{same}</p></div>'
    kinds = (
        (texts.new, preview.new),
        (texts.updated, preview.updated),
        (texts.unchanged, preview.unchanged),
    )
    papers = "".join(_papers(kind, those, texts) for kind, those in kinds if those)
    return f'<div class="report-preview">{head}{papers}{_problems(report.problems, texts)}</div>'


def _papers(kind: str, papers: Sequence[Paper], texts: ReportsWording) -> str:
    lines = "".join(f"<li>{plain_html(paper.title)}</li>" for paper in papers[:_PAPERS_SHOWN])
    return (
        f"<details><summary>{kind} <b>{len(papers)}</b></summary>"
        f"<ul>{lines}{_more(len(papers), texts)}</ul></details>"
    )


def _problems(problems: Sequence[Problem], texts: ReportsWording) -> str:
    if not problems:
        return ""
    lines = "".join(
        f"<li><b>{texts.line.format(line=problem.line)}</b> {plain_html(problem.message)}</li>"
        for problem in problems[:_PROBLEMS_SHOWN]
    )
    head = texts.problems.format(n=len(problems))
    return f'<details class="problems" open><summary>⚠ {head}</summary><ul>{lines}</ul></details>'


def _more(count: int, texts: ReportsWording) -> str:
    left = count - _PAPERS_SHOWN
    return f"<li>{texts.and_more.format(n=left)}</li>" if left > 0 else ""


def _place(name: str, line: int, texts: ReportsWording) -> str:
    return f"<b>{plain_html(name)} · {texts.line.format(line=line)}</b>"
