"""Fan chart: data, fitted law, and the forecast's 50, 80 and 95 % bands to the horizon."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from ...curves import Curve, Status
from ...curves._arguments import checked
from ...curves._checks import safe_text
from ...curves.numbers import counted, format_x
from ...estimands._local_mean import local_mean
from ..document import BAND_LEVELS
from ..figures import COLORS, literal, new_axes, style
from ..smoothing import smooth as smoothed
from ..thinning import thin
from ..view import Scale, View, choose_view
from ..wording import law_status, onset_known

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from ..report import Report

__all__ = ["fan", "short_text", "tick_numbers"]

_SHADES = {0.5: 0.42, 0.8: 0.24, 0.95: 0.13}  # opacity, so that bands differ in gray as well
_FEW = 80  # points up to which each one gets a marker
_MOST_MARKS = 40


@checked
def fan(
    report: Report,
    *,
    ax: Axes | None = None,
    x_scale: Scale | Literal["auto"] = "auto",
    y_scale: Scale | Literal["auto"] = "auto",
    smooth: str | None = None,
    smooth_amount: float | None = None,
    legend: bool = True,
    title: str | None = None,
    columns: int = 1000,
) -> Axes:
    """Draw the curve, what was fitted, what is forecast, and what was found where.

    Parameters
    ----------
    report : Report
        With at least one finite point.
    ax : matplotlib Axes, optional
        Where to draw; by default on a new figure.
    x_scale, y_scale : {"auto", "linear", "log"}
        Axes; chosen by `choose_view` unless forced.
    smooth : str, optional
        Draw a smoothed line as well, for the eye only: tensorboard, wandb, moving_average or local_regression.
    smooth_amount : float, optional
        Weight, window or share of that smoother.
    legend : bool
        Whether to draw a legend.
    title : str, optional
        Default: metric and run; an empty text for none.
    columns : int
        Resolution to which long curves are thinned; extremes are kept.

    Returns
    -------
    matplotlib Axes

    Notes
    -----
    A law with doubts is dashed. Values beyond the picture are marked by small triangles at its edge, non-finite ones by crosses at the top. Names
    from a log are shown character by character, never read as mathematics or TeX.
    """
    view = choose_view(report, x_scale, y_scale)
    with style():
        ax = new_axes() if ax is None else ax
        ax.set_xscale(view.x_scale)
        ax.set_yscale(view.y_scale)
        _data(ax, report, view, columns)
        if smooth is not None:
            _smoothed(ax, report, smooth, smooth_amount, columns)
        _fit(ax, report, view)
        _bands(ax, report)
        _events(ax, report, view)
        ax.set_xlim(*_padded(view))
        ax.set_ylim(*view.y_limits)
        _labels(ax, report, title)
        if legend:
            _legend(ax)
    return ax


def _data(ax: Axes, report: Report, view: View, columns: int) -> None:
    curve = report.curve
    x, y = curve.x, curve.y
    if view.x_scale == "log":
        x, y = x[x > 0], y[x > 0]
    if view.y_scale == "log":
        x, y = x[y > 0], y[y > 0]
    at = thin(x, y, columns, log=view.x_scale == "log")
    label = f"observed ({counted(len(curve), 'point')}{'' if at.size == x.size else ', thinned'})"
    if x.size <= _FEW:
        ax.plot(x, y, "o", ms=3.2, mfc="white", mec=COLORS["mean"], mew=0.9, label=label, zorder=2.5)
    else:
        ax.plot(x[at], y[at], "-", lw=0.8 if x.size <= 1000 else 0.5, color=COLORS["data"], label=label, zorder=2)
        local = local_mean(curve)
        shown = local.x >= view.x_limits[0]
        ax.plot(
            local.x[shown],
            local.mean[shown],
            "-",
            lw=1.0,
            color=COLORS["mean"],
            label=f"local mean of {local.window}",
            zorder=2.6,
        )
    low, high = view.y_limits
    for beyond, edge, marker in ((y > high, 0.985, "^"), (y < low, 0.015, "v")):
        where = _spread_out(x[beyond], view)
        if where.size:
            ax.plot(
                where,
                np.full(where.size, edge),
                marker,
                ms=3.5,
                color=COLORS["mean"],
                mew=0,
                transform=ax.get_xaxis_transform(),
                label=f"beyond the picture {'above' if marker == '^' else 'below'} ({int(beyond.sum())})",
                zorder=4,
            )
    bad = curve.nonfinite_x[curve.nonfinite_x > 0] if view.x_scale == "log" else curve.nonfinite_x
    bad = _spread_out(bad, view)
    if bad.size:
        ax.plot(
            bad,
            np.full(bad.size, 0.96),
            "x",
            ms=5,
            mew=1.3,
            color=COLORS["event"],
            transform=ax.get_xaxis_transform(),
            label="NaN or infinite",
            zorder=4,
        )


def _spread_out(x: NDArray[np.float64], view: View) -> NDArray[np.float64]:
    """At most one mark per fortieth of the axis, so that marks never merge into a bar."""
    if x.size < 2:
        return x
    to = np.log if view.x_scale == "log" else np.asarray
    low, high = to(view.x_limits[0]), to(view.x_limits[1])
    _, first = np.unique(np.floor((to(x) - low) / (high - low) * _MOST_MARKS), return_index=True)
    return x[first]


def _smoothed(ax: Axes, report: Report, how: str, amount: float | None, columns: int) -> None:
    curve = report.curve
    y = smoothed(curve.x, curve.y, how, amount)
    at = thin(curve.x, y, columns)
    ax.plot(
        curve.x[at], y[at], "-", lw=1.2, color=COLORS["restart"], label=f"smoothed ({how}, display only)", zorder=2.6
    )


def _fit(ax: Axes, report: Report, view: View) -> None:
    fit = report.fit
    if fit is None or not fit.status.usable:
        return
    if fit.model.name == "constant" and fit.rho > 0.9 and _crossings(report.curve, float(fit.params["a"])) > 1:
        return  # a level that the curve crosses down and up again describes nothing of it
    first, last = max(view.x_limits[0], 0.0) if view.x_scale == "log" else view.x_limits[0], float(report.curve.x[-1])
    even = np.geomspace if first > 0 else np.linspace
    x = np.union1d(even(first, last, 200), np.linspace(first, last, 200))
    x = {"all": x, "nonnegative": x[x >= 0], "positive": x[x > 0]}[fit.model.domain]
    y = fit.predict(x).mean
    ok = np.isfinite(y)
    sure = law_status(report) is Status.OK
    label = f"fit ({fit.model.name.replace('_', ' ')}{'' if sure else ', with doubts'})"
    ax.plot(
        x[ok],
        y[ok],
        ls="-" if sure else (0, (4, 2)),
        lw=1.4 if sure else 1.0,
        color=COLORS["fit"],
        label=label,
        zorder=3,
    )


def _crossings(curve: Curve, level: float) -> int:
    """How often the local mean passes a level."""
    return int(np.count_nonzero(np.diff(np.sign(local_mean(curve).mean - level))))


def _bands(ax: Axes, report: Report) -> None:
    """Bands of a new observation, joined to the last observation by the level the forecast starts from."""
    forecast = report.forecast
    start = np.r_[0, np.arange(forecast.x.size)]  # the first x stands for all between it and the last observation
    x = np.concatenate(([forecast.x_last], forecast.x))
    for level in BAND_LEVELS:
        low, high = forecast.quantile([(1 - level) / 2, (1 + level) / 2])[start].T
        ax.fill_between(
            x,
            low,
            high,
            color=COLORS["forecast"],
            alpha=_SHADES[level],
            lw=0,
            label=_band_label(level),
            zorder=1.6 - level / 10,
        )
    ax.plot(x, forecast.median[start], "--", lw=1.5, color=COLORS["forecast"], label="forecast median", zorder=3.2)


def _events(ax: Axes, report: Report, view: View) -> None:
    """Best point, plateau onset, spikes, learning-rate drops and restarts, each with its own sign."""
    best = report.estimates.get("best_point")
    if best is not None and best.value is not None and "value" in best.details:
        ax.plot(
            [best.value],
            [best.details["value"]],
            "D",
            ms=5.5,
            mfc="white",
            mec=COLORS["best"],
            mew=1.6,
            label="best point (local mean)",
            zorder=5,
        )
    onset = report.estimates.get("plateau_onset")
    if onset is not None and onset.value is not None and onset_known(report):
        if onset.interval is not None and onset.interval.closed:
            ax.axvspan(
                onset.interval.low,
                min(onset.interval.high, view.x_limits[1]),
                color=COLORS["onset"],
                alpha=0.10,
                lw=0,
                zorder=0.5,
            )
        ax.axvline(onset.value, color=COLORS["onset"], lw=1.2, ls=(0, (5, 2)), label="plateau onset", zorder=2.4)
    spikes = [e.value for d in report.diagnoses.present if d.name == "spikes" for e in d.where if e.value is not None]
    if spikes:
        x = _spread_out(np.sort(np.asarray(spikes)), view)
        height = np.interp(x, report.curve.x, report.curve.y)
        low, high = view.y_limits
        edge = (high / low) ** 0.03 if view.y_scale == "log" else 0.03 * (high - low)
        inner = (low * edge, high / edge) if view.y_scale == "log" else (low + edge, high - edge)
        ax.plot(
            x, np.clip(height, *inner), "o", ms=7, mfc="none", mec=COLORS["event"], mew=1.3, label="spike", zorder=5
        )
    _places(ax, report, view)
    _lines(ax, _drops(report), "learning-rate drop", COLORS["event"], (0, (1, 1.5)))
    source = report.run.provenance
    _lines(ax, list(source.restarts) if source is not None else [], "resumed", COLORS["restart"], (0, (3, 1, 1, 1)))


def _places(ax: Axes, report: Report, view: View) -> None:
    """Sudden changes without a known cause, and the peak of a bump, each with a bar for its interval."""
    for rule, label, color, wanted in (
        ("regime_change", "sudden change", COLORS["event"], "regime_change"),
        ("double_descent", "double-descent peak", COLORS["best"], "peak"),
    ):
        found = [e for d in report.diagnoses.present if d.name == rule for e in d.where if e.name == wanted]
        for i, e in enumerate(found[:_MOST_MARKS]):
            if e.value is None:
                continue
            ax.axvline(e.value, color=color, lw=1.0, ls=(0, (6, 2, 1, 2)), label=None if i else label, zorder=1.2)
            if e.interval is not None and e.interval.closed:
                ends = [max(e.interval.low, view.x_limits[0]), min(e.interval.high, view.x_limits[1])]
                ax.plot(
                    ends, [0.03, 0.03], "|-", ms=6, lw=2.0, color=color, transform=ax.get_xaxis_transform(), zorder=4.5
                )


def _drops(report: Report) -> list[float]:
    """X of sudden drops of the learning rate: the diagnosis's places, else those in the logged schedule."""
    found = [e.value for d in report.diagnoses.present if d.name == "lr_drop" for e in d.where if e.value is not None]
    if found or report.run.schedule is None:
        return found
    return [change.x for change in report.run.schedule.changes()]


def _lines(ax: Axes, x: list[float], label: str, color: str, dash: Any) -> None:
    for i, value in enumerate(x[:_MOST_MARKS]):
        ax.axvline(value, color=color, lw=1.0, ls=dash, label=label if i == 0 else None, zorder=1.1)


def _padded(view: View) -> tuple[float, float]:
    low, high = view.x_limits
    if view.x_scale == "log":
        pad = (high / low) ** 0.02
        return low / pad, high * pad
    pad = 0.02 * (high - low)
    return low - pad, high + pad


def _labels(ax: Axes, report: Report, title: str | None) -> None:
    curve = report.curve
    unit = curve.metric.unit or ("percent" if curve.percent else "")
    literal(ax.set_xlabel(curve.x_unit))
    literal(ax.set_ylabel(short_text(report.metric) + (f" ({unit})" if unit else "")))
    heading = f"{report.metric}, {report.run.name}" if title is None else title
    if heading:
        literal(ax.set_title(short_text(heading, 70)))
    ax.axvline(float(curve.x[-1]), color=COLORS["guide"], lw=0.8, zorder=0.8)
    tick_numbers(ax.xaxis, ax.get_xscale(), counted=True)
    tick_numbers(ax.yaxis, ax.get_yscale(), counted=False)


def tick_numbers(axis: Any, scale: str, *, counted: bool, most: int | None = None) -> None:
    """Plain numbers at the ticks, large counts as 10k and 2M; enough ticks on less than a decade, ``most`` in small panels."""
    from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullFormatter

    low, high = axis.get_view_interval()
    if scale == "log":
        decades = np.log10(high / low) if low > 0 else 1.0
        subs = (1.0,) if decades > 3 else (1.0, 2.0, 5.0) if decades > 0.9 else tuple(np.arange(1.0, 10.0, 1.0))
        if most is not None and low > 0 and decades * len(subs) > most:
            subs = (1.0, 3.0) if len(subs) > 1 and 2 * decades <= most else (1.0,)
        axis.set_major_locator(LogLocator(base=10, subs=subs, numticks=most or 12))
        axis.set_minor_formatter(NullFormatter())
    else:
        axis.set_major_locator(
            MaxNLocator(nbins=most or 7, steps=[1, 2, 2.5, 5, 10], integer=counted and high - low >= 5)
        )
    if counted or scale == "log":
        axis.set_major_formatter(FuncFormatter(lambda v, _: _tick(v, counted)))


def _tick(value: float, counted: bool) -> str:
    exact = float(f"{value:.10g}")
    if counted and 1e4 <= abs(exact) < 1e15:
        for size, letter in ((1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k")):
            if abs(exact) >= size:
                return f"{exact / size:g}{letter}"
    return format_x(exact)


def short_text(text: str, most: int = 40) -> str:
    """Text made safe, cut to a number of characters."""
    clean = safe_text(text)
    return clean if len(clean) <= most else clean[: most - 1] + "…"


def _legend(ax: Axes) -> None:
    """A legend in reading order; the bands share one line."""
    from matplotlib.legend_handler import HandlerTuple

    found = dict(zip(*reversed(ax.get_legend_handles_labels()), strict=True))
    names = [_band_label(level) for level in BAND_LEVELS]
    bands = tuple(found.pop(name) for name in names)
    first = ("observed", "local mean", "smoothed", "fit", "forecast", "bands", "beyond")
    entries = {**found, "bands": bands}
    rank = {label: next((r for r, w in enumerate(first) if label.startswith(w)), len(first)) for label in entries}
    order = sorted(entries, key=lambda label: rank[label])
    drawn = ax.legend(
        [entries[label] for label in order],
        ["50, 80, 95 % of new observations" if label == "bands" else label for label in order],
        handler_map={tuple: HandlerTuple(ndivide=None, pad=0.0)},
        loc="best",
        frameon=True,
        framealpha=0.85,
        edgecolor="none",
        borderpad=0.3,
        labelspacing=0.35,
    )
    for text in drawn.get_texts():
        literal(text)


def _band_label(level: float) -> str:
    return f"{100 * level:g} % of new observations"
