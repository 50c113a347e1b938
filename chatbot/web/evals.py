"""The evals tab: the runs there are, and the report that each of them wrote.

``chatbot eval`` makes them (`docs/evals.md`); here folders are found and files are read.
"""

import datetime as dt
import html
import re
from contextlib import suppress
from pathlib import Path
from typing import Any

import gradio as gr

from chatbot.web.frame import QUIET, Frame, download_button, visitor_language
from chatbot.web.locales import EVALS, Wording

_FOLDER, _RUN, _REPORT = "evals", "report.json", "report.html"
# In the frame nothing runs; browsers log an error of each script that tries.
_SCRIPT = re.compile(r"<script>.*?</script>", re.DOTALL)
# The report holds texts of others: no scripts, no forms, no site of its own. Links open elsewhere.
_SANDBOX = "allow-popups allow-popups-to-escape-sandbox"


def build_evals(frame: Frame, tab: gr.Tab) -> None:
    """Lay the tab out and connect it; a report is sent when the tab is opened, and not before."""
    data_dir = frame.bot.settings.data_dir

    def saved(name: str | None) -> tuple[str, str]:
        report = read_report(data_dir, name)
        return ("", "") if report is None else (f"{name}.html", report)

    with gr.Column(elem_id="evals"):
        gr.Markdown(frame.text("evals_about"))
        with gr.Row(elem_id="eval-choice"):
            run = gr.Dropdown(
                [], value=None, label=frame.text("evals_run"), min_width=280, elem_id="eval-run"
            )
            refresh = gr.Button(
                frame.text("evals_refresh"), elem_id="eval-refresh", size="sm", scale=0
            )
            download = download_button(
                frame.text("evals_download"), saved, run, "eval-download", visible=False
            )
        report = gr.HTML(elem_id="eval-report")
    whole = [run, report, download]

    def opened(chosen: str | None, request: gr.Request) -> list[Any]:
        runs = known_runs(data_dir)
        name = chosen if chosen in runs else next(iter(runs), None)
        choices = [(f"{at:%Y-%m-%d %H:%M} UTC · {known}", known) for known, at in runs.items()]
        picker = gr.update(choices=choices, value=name, visible=bool(runs))
        return [picker, *picked(name, request)]

    def picked(name: str | None, request: gr.Request) -> list[Any]:
        shown, found = _shown(data_dir, name, EVALS[visitor_language(request)])
        return [shown, gr.update(visible=found)]

    tab.select(opened, run, whole, **QUIET)
    refresh.click(opened, gr.State(None), whole, **QUIET)
    run.input(picked, run, [report, download], **QUIET)


def known_runs(data_dir: Path) -> dict[str, dt.datetime]:
    """The names of the runs that came to their end, with when they did, the last one first."""
    made: list[tuple[float, str]] = []
    for path in (data_dir / _FOLDER).glob(f"*/{_RUN}"):
        with suppress(FileNotFoundError):
            made.append((path.stat().st_mtime, path.parent.name))
    return {name: dt.datetime.fromtimestamp(at, dt.UTC) for at, name in sorted(made, reverse=True)}


def read_report(data_dir: Path, name: str | None) -> str | None:
    """The page that one of the known runs wrote; None where there is none that can be read."""
    if name not in known_runs(data_dir):
        return None
    try:
        return (data_dir / _FOLDER / str(name) / _REPORT).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return None


def _shown(data_dir: Path, name: str | None, texts: Wording) -> tuple[str, bool]:
    """A run's report in a frame, or one line in its place; and whether it is the report."""
    report = read_report(data_dir, name)
    run = html.escape(name or "")
    if report is None:
        line = texts.no_report.format(run=run) if name else texts.no_run
        return f'<p class="eval-notice" role="status">{line}</p>', False
    # Without its script, and with links to its own parts that lead to no page of ours.
    framed = html.escape(_SCRIPT.sub("", report).replace('href="#', 'href="about:srcdoc#'))
    title = texts.report.format(run=run)
    return f'<iframe title="{title}" sandbox="{_SANDBOX}" srcdoc="{framed}"></iframe>', True
