"""The report of a run as one page that needs no network: tables, plots, and the items."""

import base64
import hashlib
import io
import math
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import jinja2
import matplotlib as mpl
from markupsafe import Markup, escape
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from chatbot.errors import ChatbotError
from chatbot.understanding.wording import language_of

Metric = Mapping[str, Any]

_TEMPLATE = Path(__file__).with_name("report.html.j2")
_ITEMS_SHOWN = 60
_NOT_TEXT = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")

# Sizes of the plot in CSS pixels at a phone's width.
_WIDTH, _ROW, _AXIS = 350, 42, 26
_LEFT, _RIGHT = 18, 300
_NAME_LENGTH = 58
# Stand-ins for the page's colours, which change from light to dark.
_INK, _ACCENT, _MUTED, _LINE = "#010101", "#020202", "#030303", "#040404"
_COLOURS = {
    _INK: "var(--ink)",
    _ACCENT: "var(--accent)",
    _MUTED: "var(--muted)",
    _LINE: "var(--line)",
}


def to_html(report: Mapping[str, Any]) -> str:
    """The page of a `report.json`. The same report gives the same bytes.

    Raises:
        ChatbotError: the report lacks something.
    """
    environment = jinja2.Environment(
        autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters |= {
        "number": number,
        "signed": signed,
        "duration": duration,
        "change": change,
        "shortfalls": shortfalls,
        "plot": plot,
        "lang": language_of,
        "csp_hash": _csp_hash,
    }
    template = environment.from_string(_TEMPLATE.read_text(encoding="utf-8"))
    try:
        page = template.render(**report, items_shown=_ITEMS_SHOWN)
    except (jinja2.UndefinedError, KeyError) as error:
        raise ChatbotError(
            f"the eval report is incomplete ({error}); run the evals again"
        ) from error
    return _NOT_TEXT.sub("\N{REPLACEMENT CHARACTER}", page)


def number(value: float) -> str:
    """Two decimals; none from 100 on, where thousands are parted."""
    value = float(value)  # what the report lacks fails here, by name
    text = f"{value:,.0f}" if abs(value) >= 100 else f"{value:z.2f}"  # noqa: PLR2004
    return text.replace("-", "\N{MINUS SIGN}")


def signed(value: float) -> str:
    """A difference, with its sign."""
    return f"{value:+z.2f}".replace("-", "\N{MINUS SIGN}")


def duration(seconds: float) -> str:
    """Seconds, with minutes from one minute on."""
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"


def change(metric: Metric) -> str:
    """Whether it is "better" or "worse"; empty where the interval of the difference holds zero."""
    baseline = metric["baseline"]
    if baseline["low"] <= 0 <= baseline["high"]:
        return ""
    return "better" if (baseline["low"] > 0) == (metric["better"] == "higher") else "worse"


def shortfalls(values: Mapping[str, float], metrics: Sequence[Metric]) -> dict[str, float]:
    """The values of an item that are shares and not as good as can be."""
    lower = {m["name"]: m["better"] == "lower" for m in metrics if _is_share(m)}
    return {
        name: value
        for name, value in values.items()
        if name in lower and (value > 0 if lower[name] else value < 1)
    }


def plot(metrics: Sequence[Metric], suite: str, place: str) -> Markup:
    """Each metric as a dot with its interval, the baseline as a ring, the gate as a stroke.

    Shares, and differences of shares, have one axis together, any other metric its own. `place`
    keeps the ids of one drawing apart from those of the page's others.
    """
    shares = [metric for metric in metrics if _is_share(metric)]
    panels = [shares] * bool(shares) + [[m] for m in metrics if not _is_share(m)]
    height = sum(_ROW * len(panel) + _AXIS for panel in panels)
    figure = Figure(figsize=(_WIDTH / 72, height / 72), dpi=72)
    # The names are put in afterwards: the fonts at hand may not hold their characters.
    names: list[str] = []
    top = 0
    with mpl.rc_context(
        {"svg.hashsalt": place, "svg.fonttype": "none", "font.sans-serif": ["DejaVu Sans"]}
    ):
        for panel in panels:
            size = _ROW * len(panel)
            box = (_LEFT / _WIDTH, 1 - (top + size) / height, (_RIGHT - _LEFT) / _WIDTH)
            axes = figure.add_axes((*box, size / height))
            _set_axis(axes, panel)
            for row, metric in enumerate(panel):
                _draw(axes, row, metric, f"@{len(names)}@")
                names.append(_shortened(metric["name"]))
            top += size + _AXIS
        file = io.StringIO()
        nothing = dict.fromkeys(("Date", "Creator", "Format", "Type"))
        figure.savefig(file, format="svg", transparent=True, metadata=nothing)
    return _inline(file.getvalue(), f"The metrics of the suite {suite}, as in the table", names)


def _is_share(metric: Metric) -> bool:
    """Whether it is a share, or a difference of shares: all that is drawn is from -1 to 1."""
    return all(abs(value) <= 1 for value in _values(metric))


def _values(metric: Metric) -> list[float]:
    """All that is drawn of a metric."""
    values = [metric["mean"], metric["low"], metric["high"]]
    if metric["baseline"]:
        values.append(metric["baseline"]["mean"])
    if _has_bound(metric):
        values.append(metric["gate"]["floor"])
    return values


def _has_bound(metric: Metric) -> bool:
    """Whether its gate is a number; a gate may also be the baseline alone."""
    return metric["gate"] is not None and metric["gate"]["floor"] is not None


def _set_axis(axes: Axes, panel: Sequence[Metric]) -> None:
    values = [value for metric in panel for value in _values(metric)]
    if _is_share(panel[0]):
        quarters = math.floor(min(0, *values) * 4)
        axes.set_xlim(quarters / 4, 1)
        axes.set_xticks([tick / 4 for tick in range(quarters, 5)])
    else:
        axes.set_xlim(min(0, *values) * 1.05, max(0, *values) * 1.05)
        axes.locator_params(axis="x", nbins=4)
    axes.set_ylim(_ROW * len(panel), 0)
    axes.set_yticks([])
    axes.spines[:].set_visible(False)
    axes.tick_params(axis="x", length=0, labelcolor=_MUTED, labelsize=11)


def _draw(axes: Axes, row: int, metric: Metric, name: str) -> None:
    """One row: the name above, the marks and the mean below."""
    y = row * _ROW + 28
    left, right = axes.get_xlim()
    axes.hlines(y, left, right, color=_LINE, linewidth=1, zorder=1)
    axes.vlines(axes.get_xticks(), y - 6, y + 6, color=_LINE, linewidth=1, zorder=1)
    marks: dict[str, Any] = {"linewidth": 3, "clip_on": False}
    axes.hlines(y, metric["low"], metric["high"], color=_ACCENT, zorder=2, **marks)
    if _has_bound(metric):
        axes.vlines(metric["gate"]["floor"], y - 9, y + 9, color=_INK, zorder=3, **marks)
    dots: dict[str, Any] = {"marker": "o", "linestyle": "none", "clip_on": False}
    if metric["baseline"]:
        dots |= {"markerfacecolor": "none", "markeredgewidth": 1.5}
        was = metric["baseline"]["mean"]
        axes.plot([was], [y], markeredgecolor=_INK, markersize=12, zorder=4, **dots)
    axes.plot([metric["mean"]], [y], "o", color=_ACCENT, markersize=8, zorder=5, clip_on=False)
    axes.text(left, y - 16, name, color=_INK, fontsize=11)
    text: dict[str, Any] = {"color": _INK, "fontsize": 12, "weight": "bold"}
    beside = axes.get_yaxis_transform()
    mean = number(metric["mean"])
    axes.text(1.15, y, mean, ha="right", va="center", transform=beside, **text)


def _shortened(name: str) -> str:
    return name if len(name) <= _NAME_LENGTH else name[: _NAME_LENGTH - 1].rstrip() + "…"


def _inline(svg: str, label: str, names: Sequence[str]) -> Markup:
    """The drawing as a part of the page: no prologue, style sheet or ids that repeat."""
    body = svg[svg.index("<g id=") :]
    box = re.search(r'viewBox="[^"]*"', svg)
    body = re.sub(r'<g id="[^"]*"', "<g", body)
    for stand_in, colour in _COLOURS.items():
        body = body.replace(stand_in, colour)
    body = re.sub(r"@(\d+)@", lambda found: str(escape(names[int(found[1])])), body)
    opening = (
        f'<svg role="img" aria-label="{escape(label)}" {box[0] if box else ""} '
        'xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink">'
    )
    return Markup(opening + body)  # noqa: S704 - the names are escaped, the rest is matplotlib's


def _csp_hash(script: str) -> str:
    """The source expression by which the page's own script, and no other, may run."""
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    return f"'sha256-{digest}'"
