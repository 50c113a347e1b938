"""The evals tab: the runs there are, their figures, and the questions that fell short."""

from pathlib import Path
from typing import Any

import gradio as gr

from chatbot.errors import ChatbotError
from chatbot.web.eval_rendering import named, render_items, render_notice, render_run
from chatbot.web.eval_runs import (
    EvalReport,
    Run,
    Suite,
    Wanted,
    failing_items,
    known_runs,
    read_run,
)
from chatbot.web.frame import Frame, visitor_language
from chatbot.web.locales.evals import TEXTS, EvalsWording
from chatbot.web.markdown import LATEX_DELIMITERS

_STEP = 10
_ANY = "any"


def build_evals(frame: Frame) -> None:
    """Lay the tab out and connect it."""
    data_dir = frame.bot.settings.data_dir
    with gr.Column(elem_id="evals"):
        gr.Markdown(frame.text("evals_about"))
        with gr.Row(elem_id="eval-choice"):
            run = _dropdown(frame, "run", min_width=280)
            refresh = gr.Button(frame.text("evals_refresh"), elem_id="eval-refresh", scale=0)
        figures = gr.HTML(elem_id="eval-figures")
        with gr.Column(visible=False, elem_id="eval-items") as below:
            gr.Markdown(frame.text("evals_items"))
            with gr.Row(elem_id="eval-filters"):
                suite, kind, metric = (_dropdown(frame, n) for n in ("suite", "type", "short_of"))
            items = gr.Markdown(elem_id="eval-list", latex_delimiters=LATEX_DELIMITERS)
            more = gr.Button(visible=False, size="sm", elem_id="eval-more")
        shown = gr.State(_STEP)
    listed = [items, more, shown]
    whole = [figures, below, suite, kind, metric, *listed]

    def refreshed(request: gr.Request) -> list[Any]:
        texts = TEXTS[visitor_language(request)]
        runs = known_runs(data_dir)
        newest = runs[0].id if runs else None
        choices = [(_label(known), known.id) for known in runs]
        picker = gr.update(choices=choices, value=newest, visible=bool(runs))
        return [picker, *_run_shown(data_dir, newest, texts)]

    def run_chosen(name: str | None, request: gr.Request) -> list[Any]:
        return _run_shown(data_dir, name, TEXTS[visitor_language(request)])

    def suite_chosen(name: str | None, of: str | None, request: gr.Request) -> list[Any]:
        texts = TEXTS[visitor_language(request)]
        chosen = _suite_of(data_dir, name, of)
        return [*_filters(chosen, texts), *_items_shown(chosen, Wanted(), _STEP, texts)]

    def items_chosen(  # noqa: PLR0913, PLR0917 - one for each input gradio hands over
        name: str | None,
        of: str | None,
        kind: str | None,
        metric: str | None,
        count: int,
        request: gr.Request,
    ) -> list[Any]:
        wanted = Wanted(_chosen(kind), _chosen(metric))
        texts = TEXTS[visitor_language(request)]
        return _items_shown(_suite_of(data_dir, name, of), wanted, count, texts)

    gr.on(fn=refreshed, outputs=[run, *whole], api_visibility="private")
    refresh.click(refreshed, None, [run, *whole], api_visibility="private")
    run.input(run_chosen, run, whole, api_visibility="private")
    suite.input(suite_chosen, [run, suite], [kind, metric, *listed], api_visibility="private")
    choice = [run, suite, kind, metric]
    first, next_ = gr.State(_STEP), [*choice, shown]
    gr.on(
        [kind.input, metric.input],
        items_chosen,
        [*choice, first],
        listed,
        api_visibility="private",
    )
    more.click(items_chosen, next_, listed, api_visibility="private")


def _dropdown(frame: Frame, name: str, min_width: int = 120) -> gr.Dropdown:
    label = frame.text(f"evals_{name}")
    return gr.Dropdown(
        [], value=None, label=label, interactive=True, min_width=min_width, elem_id=f"eval-{name}"
    )


def _label(run: Run) -> str:
    when = run.started[:16].replace("T", " ")
    return " · ".join(filter(None, [when, run.model if when else "", run.id]))


def _chosen(value: str | None) -> str | None:
    return None if value == _ANY else value


def _run_shown(data_dir: Path, name: str | None, texts: EvalsWording) -> list[Any]:
    """A run's figures, whether there are items, the filters and the first of the items."""
    if name is None:
        return [render_notice(texts.no_run), gr.update(visible=False), *[gr.skip()] * 6]
    try:
        report = read_run(data_dir, name)
    except ChatbotError as error:
        notice = render_notice(texts.failed.format(error=error))
        return [notice, gr.update(visible=False), *[gr.skip()] * 6]
    suite = report.suite(None)
    return [
        render_run(report, texts),
        gr.update(visible=suite is not None),
        _suites(report, texts),
        *_filters(suite, texts),
        *_items_shown(suite, Wanted(), _STEP, texts),
    ]


def _suite_of(data_dir: Path, run: str | None, name: str | None) -> Suite | None:
    """The suite that was chosen; None where its run can no longer be read."""
    try:
        return read_run(data_dir, run or "").suite(name)
    except ChatbotError:
        return None


def _suites(report: EvalReport, texts: EvalsWording) -> Any:
    choices = [(named(suite.name, texts), suite.name) for suite in report.suites]
    return gr.update(choices=choices, value=choices[0][1] if choices else None)


def _filters(suite: Suite | None, texts: EvalsWording) -> list[Any]:
    """The types and metrics to choose from."""
    types = sorted({item.type for item in suite.items}) if suite else []
    metrics = [metric.name for metric in suite.metrics if metric.is_share] if suite else []
    return [
        gr.update(choices=[(texts.any, _ANY), *((named(n, texts), n) for n in names)], value=_ANY)
        for names in (types, metrics)
    ]


def _items_shown(suite: Suite | None, wanted: Wanted, count: int, texts: EvalsWording) -> list[Any]:
    """The first `count` items, the button for more of them, and how many that would show."""
    found = failing_items(suite, wanted) if suite else []
    left = min(len(found) - count, _STEP)
    button = gr.update(visible=left > 0, value=texts.more.format(n=left))
    return [render_items(found, count, texts), button, count + _STEP]
