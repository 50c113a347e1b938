"""An eval run as the page shows it: figures as tables with bars, and questions with answers."""

import html
from collections.abc import Iterable, Mapping, Sequence
from urllib.parse import quote

from chatbot.web.eval_runs import EvalReport, Figures, Gate, Item, Metric, Suite
from chatbot.web.locales.evals import EvalsWording
from chatbot.web.markdown import plain_html, text_html


def render_run(report: EvalReport, texts: EvalsWording) -> str:
    """What was measured, the gates, and each suite's figures."""
    suites = "".join(_suite(suite, texts) for suite in report.suites)
    head = f"{_facts(report, texts)}{_gates(report, texts)}"
    return f'{head}<div class="eval-suites">{suites}</div>'


def render_notice(message: str) -> str:
    """One line in place of a run, ``…`` in it as code."""
    first, *rest = html.escape(message).split("`")
    shown = "".join(
        f"<code>{piece}</code>" if place % 2 == 0 else piece for place, piece in enumerate(rest)
    )
    return f'<p class="eval-notice" role="status">{first}{shown}</p>'


def named(name: str, texts: EvalsWording) -> str:
    """What a suite, a type or a metric is called."""
    return texts.names.get(name, name)


def render_items(
    found: Sequence[tuple[Item, Mapping[str, float]]], shown: int, texts: EvalsWording
) -> str:
    """The first `shown` of some items, each with its answer and sources inside."""
    if not found:
        return texts.no_items
    items = [_item(item, short, texts) for item, short in found[:shown]]
    return "\n\n".join([texts.item_count.format(n=len(found)), *items])


def _facts(report: EvalReport, texts: EvalsWording) -> str:
    run = report.run
    mode = f" ({run.mode})" if run.mode and run.mode != "offline" else ""
    when = run.started[:16].replace("T", " ")
    facts = [
        (texts.when, f"{when} UTC" if when else "–"),
        (texts.model, f"{named(run.model, texts)}{mode}"),
        (texts.version, run.versions.chatbot),
        (texts.took, f"{run.seconds:.0f} s"),
    ]
    rows = "".join(
        f"<div><dt>{name}</dt><dd>{html.escape(fact)}</dd></div>" for name, fact in facts
    )
    limited = f"<p>{texts.limited.format(n=run.limit)}</p>" if run.limit else ""
    return f'<dl class="eval-facts">{rows}</dl>{limited}'


def _gates(report: EvalReport, texts: EvalsWording) -> str:
    if not report.gates.passed:
        rows = "".join(f"<li>{html.escape(why)}</li>" for why in report.gates.failed)
        head = texts.gates_failed.format(n=len(report.gates.failed))
        return f'<div class="eval-gates failed"><b>✗ {head}</b><ul>{rows}</ul></div>'
    if any(metric.gate for suite in report.suites for metric in suite.metrics):
        return f'<div class="eval-gates"><b>✓ {texts.gates_passed}</b></div>'
    return f'<div class="eval-gates unset"><b>{texts.no_gates}</b></div>'


def _suite(suite: Suite, texts: EvalsWording) -> str:
    name = html.escape(named(suite.name, texts))
    counts = texts.counts.format(n=suite.n, abstained=suite.abstained, errors=suite.errors)
    heads = "".join(
        f'<th scope="col">{head}</th>' for head in (texts.metric, texts.score, "n", texts.gate)
    )
    rows = "".join(_metric(metric, texts) for metric in suite.metrics)
    return (
        f'<section class="eval-suite"><h3>{name}</h3>'
        f"<p>{html.escape(texts.abouts.get(suite.name, suite.about))} {counts}</p>"
        f'<table class="eval-scores"><caption>{name}</caption>'
        f"<thead><tr>{heads}</tr></thead><tbody>{rows}</tbody></table>"
        f"{_by_type(suite, texts)}</section>"
    )


def _metric(metric: Metric, texts: EvalsWording) -> str:
    lower = f" <small>{texts.lower_is_better}</small>" if metric.better == "lower" else ""
    name = html.escape(named(metric.name, texts))
    return (
        f'<tr><th scope="row" title="{html.escape(metric.about, quote=True)}">{name}{lower}</th>'
        f'<td class="score">{_figures(metric)}{_bar(metric)}</td>'
        f'<td class="n">{metric.n}</td><td class="gate">{_gate(metric, texts)}</td></tr>'
    )


def _figures(figures: Figures) -> str:
    interval = f"[{_number(figures.low)}, {_number(figures.high)}]"
    return f"<b>{_number(figures.mean)}</b> <small>{interval}</small>"


def _bar(metric: Metric) -> str:
    """The mean as a dot on its interval, a gate as a stroke, from 0 (or -1) to 1."""
    if not metric.is_share:
        return ""
    least = -1 if min(metric.low, 0) < 0 else 0

    def place(value: float) -> str:
        return f"{100 * (min(max(value, least), 1) - least) / (1 - least):.1f}%"

    floor = metric.gate.floor if metric.gate else None
    gate = "" if floor is None else f'<i class="floor" style="left:{place(floor)}"></i>'
    width = f"calc({place(metric.high)} - {place(metric.low)})"
    return (
        '<span class="bar" aria-hidden="true">'
        f'<i class="range" style="left:{place(metric.low)};width:{width}"></i>{gate}'
        f'<i class="mean" style="left:{place(metric.mean)}"></i></span>'
    )


def _gate(metric: Metric, texts: EvalsWording) -> str:
    gate = metric.gate
    if gate is None:
        return "–"
    if gate.passed:
        verdict = f'<span class="good">✓ {texts.passed}</span>'
    else:
        verdict = f'<span class="bad">✗ {texts.short}</span>'
    why = f" <small>{html.escape(gate.why)}</small>" if gate.why else ""
    return f"{verdict} <small>{_bound(gate, metric.better, texts)}</small>{why}"


def _bound(gate: Gate, better: str, texts: EvalsWording) -> str:
    if gate.floor is None:
        return texts.no_worse
    bound = texts.at_most if better == "lower" else texts.at_least
    return bound.format(floor=_number(gate.floor))


def _by_type(suite: Suite, texts: EvalsWording) -> str:
    by = {metric.name: metric.by.get("type", {}) for metric in suite.metrics}
    types = sorted({kind for figures in by.values() for kind in figures})
    if not types:
        return ""
    title = f"{html.escape(named(suite.name, texts))}: {texts.by_type}"
    heads = "".join(f'<th scope="col">{html.escape(named(kind, texts))}</th>' for kind in types)
    rows = "".join(
        f'<tr><th scope="row">{html.escape(named(name, texts))}</th>'
        f"{_cells([figures.get(kind) for kind in types])}</tr>"
        for name, figures in by.items()
    )
    return (
        f'<details class="eval-types"><summary>{texts.by_type}</summary>'
        f'<div class="scroll" role="region" tabindex="0" aria-label="{title}">'
        f'<table><thead><tr><th scope="col">{texts.metric}</th>{heads}</tr></thead>'
        f"<tbody>{rows}</tbody></table></div></details>"
    )


def _cells(figures: Iterable[Figures | None]) -> str:
    return "".join(
        f"<td>{_figures(one)} <small>n {one.n}</small></td>" if one else "<td>–</td>"
        for one in figures
    )


def _item(item: Item, short: Mapping[str, float], texts: EvalsWording) -> str:
    values = "".join(
        f" · {plain_html(named(name, texts))} <b>{_number(value)}</b>"
        for name, value in short.items()
    )
    about = plain_html(f"{named(item.status, texts)} · {named(item.type, texts)} · {item.unit}")
    history = "\n\n".join(f"> {_line(f'{turn.role}: {turn.content}')}" for turn in item.history)
    facts = "\n".join(f"- {_line(fact)}" for fact in item.expected.key_facts)
    parts = [
        (texts.before, history),
        (texts.error, _line(item.error or "")),
        (texts.answer, text_html(item.answer) if item.answer else texts.none),
        (texts.sources, _sources(item, texts)),
        (texts.expected, text_html(item.expected.answer or "")),
        (texts.key_facts, facts),
        (texts.needed, _line(", ".join(item.expected.sections))),
    ]
    inside = "\n\n".join(f"<h3>{title}</h3>\n\n{text}" for title, text in parts if text)
    return (
        f'<details class="eval-item"><summary>{plain_html(item.question)}'
        f"<small>{about}{values}</small></summary>\n\n{inside}\n\n</details>"
    )


def _sources(item: Item, texts: EvalsWording) -> str:
    return "\n\n".join(
        f"[{cited.n}] {_line(cited.title)} · {plain_html(cited.section)} "
        f'<a href="#paper/{quote(cited.paper_id, safe="")}">{texts.open_paper}</a>\n\n'
        f"> {_line(cited.quote)}"
        for cited in item.citations
    )


def _line(text: str) -> str:
    return plain_html(text)


def _number(value: float) -> str:
    return f"{value:z.2f}".replace("-", "\N{MINUS SIGN}")
