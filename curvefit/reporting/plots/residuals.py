"""Residuals of the fitted law: against x, their autocorrelation, and their quantiles against a normal."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ...curves._arguments import checked
from ...curves._checks import safe_text
from ...fitting.autocorrelation import robust_sd
from ..figures import COLORS, literal, new_axes, style
from ..thinning import thin
from .fan import short_text, tick_numbers

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from ...fitting.fit import Fit
    from ..report import Report

__all__ = ["autocorrelations", "residuals"]

_Array = NDArray[np.float64]
_MOST_LAGS = 40
_QUANTILES = 400


@checked
def residuals(report: Report, *, ax: Axes | None = None, title: str | None = None, columns: int = 1000) -> Axes:
    r"""Draw what the fitted law leaves over.

    .. math:: \mathrm{bounds} = \pm z_{.975} / \sqrt{n_\mathrm{eff}}

    Parameters
    ----------
    report : Report
        One with a fit; without one the axes say so.
    ax : matplotlib Axes, optional
        Its area is divided among the three panels; by default a new figure.
    title : str, optional
        Default: metric, law and run.
    columns : int
        Resolution to which long series are thinned; extremes are kept.

    Returns
    -------
    matplotlib Axes
        The one given; the panels are its ``child_axes``.

    Notes
    -----
    The bounds of the autocorrelation use the number of independent points, not the number of points: with correlated
    noise the usual bounds are too narrow. The line is what a first-order autoregression with the fit's own
    correlation implies; where the bars leave it, the intervals of the fit deserve less trust.
    """
    with style():
        ax = new_axes(6.8, 4.0) if ax is None else ax
        ax.set_axis_off()
        fit = report.fit
        if fit is None or not fit.status.usable or np.asarray(fit.residuals).size < 3:
            why = "no law was fitted" if fit is None else f"no residuals: {fit.status.value}"
            literal(ax.text(0.5, 0.5, why, ha="center", va="center", transform=ax.transAxes))
            return ax
        heading = f"Residuals of {report.metric}, {fit.model.name.replace('_', ' ')}, {report.run.name}"
        literal(ax.set_title(short_text(heading if title is None else title, 80)))
        e = np.asarray(fit.residuals, dtype=np.float64)
        over = ax.inset_axes((0.0, 0.0, 0.54, 1.0))
        lags = ax.inset_axes((0.68, 0.60, 0.32, 0.40))
        normal = ax.inset_axes((0.68, 0.0, 0.32, 0.40))
        _over_x(over, report, fit, e, columns)
        _lags(lags, fit, e)
        _normal(normal, e)
    return ax


def autocorrelations(e: _Array, most: int = _MOST_LAGS) -> _Array:
    """Sample autocorrelations at lags 0, 1, ..., with the usual divisor n, shape (lags + 1,).

    Parameters
    ----------
    e : ndarray, shape (n,)
        Residuals in order of x.
    most : int
        Largest lag; at most a quarter of the points.
    """
    top = float(np.max(np.abs(e))) or 1.0  # squares neither overflow nor vanish
    d: _Array = e / top - np.mean(e / top)
    power = float(d @ d)
    count = min(most, max(1, e.size // 4))
    if power == 0:
        return np.concatenate(([1.0], np.zeros(count)))
    return np.array([1.0, *(float(d[k:] @ d[:-k]) / power for k in range(1, count + 1))])


def _over_x(ax: Axes, report: Report, fit: Fit, e: _Array, columns: int) -> None:
    x = fit.curve.x[-e.size :]
    log = bool(x[0] > 0 and x[-1] / x[0] >= 100 and np.log(np.median(x) / x[0]) < 0.7 * np.log(x[-1] / x[0]))
    at = thin(x, e, columns, log=log)
    ax.axhline(0.0, color=COLORS["fit"], lw=0.8, zorder=1)
    spread = robust_sd(e, order=0)
    if spread > 0:
        ax.axhspan(-2 * spread, 2 * spread, color=COLORS["forecast"], alpha=0.12, lw=0, zorder=0)
    marker, wide = ("o", 0.0) if x.size <= 300 else ("", 0.5)
    ax.plot(
        x[at],
        e[at],
        marker=marker,
        ls="-" if wide else "none",
        lw=wide,
        ms=2.6,
        mfc="white",
        mec=COLORS["mean"],
        mew=0.8,
        color=COLORS["data"],
        zorder=2,
    )
    if log:
        ax.set_xscale("log")
    low, high = np.quantile(e, [0.002, 0.998])
    room = max(high - low, 4.4 * spread) * 0.1
    ax.set_ylim(min(low, -2.2 * spread) - room, max(high, 2.2 * spread) + room)
    literal(ax.set_xlabel(safe_text(fit.curve.x_unit)))
    literal(ax.set_ylabel("observed - fitted"))
    _note(ax, "band: two robust standard deviations", va="top", y=0.985)
    tick_numbers(ax.xaxis, ax.get_xscale(), counted=True)


def _lags(ax: Axes, fit: Fit, e: _Array) -> None:
    values = autocorrelations(e)
    lag = np.arange(values.size)
    bound = 1.959963984540054 / np.sqrt(max(float(fit.n_effective), 1.0))
    ax.axhspan(-bound, bound, color=COLORS["forecast"], alpha=0.15, lw=0, zorder=0)
    ax.vlines(lag[1:], 0, values[1:], color=COLORS["mean"], lw=1.6, zorder=2)
    ax.axhline(0.0, color=COLORS["fit"], lw=0.8, zorder=1)
    rho = float(fit.rho)
    if rho > 0:
        ax.plot(lag, rho**lag, "--", color=COLORS["event"], lw=1.1, zorder=3)
    ax.set_xlim(0.2, values.size - 0.2)
    low, high = float(values[1:].min()), max(float(values[1:].max()), rho)
    ax.set_ylim(max(min(-bound, low) * 1.15, -1.05), min(max(bound, high) * 1.35, 1.35))
    literal(ax.set_xlabel("lag (points)"))
    literal(ax.set_ylabel("autocorrelation"))
    implied = f"\nline: AR(1), {rho:.2f}" if rho > 0 else ""
    _note(ax, f"{float(fit.n_effective):.0f} of {e.size} independent{implied}", va="top", y=0.99)


def _normal(ax: Axes, e: _Array) -> None:
    from scipy.special import ndtri

    n = e.size
    order = np.sort(e)
    p = (np.arange(1, n + 1) - 0.375) / (n + 0.25)  # Blom's positions
    if n > _QUANTILES:  # all of both tails, and even steps between
        take = np.unique(
            np.concatenate((np.arange(50), np.linspace(0, n - 1, _QUANTILES - 100).astype(int), np.arange(n - 50, n)))
        )
        order, p = order[take], p[take]
    spread = robust_sd(e, order=0) or float(e.std()) or 1.0
    z = ndtri(p)
    ax.axline((0, 0), slope=1, color=COLORS["fit"], lw=0.8, zorder=1)
    ax.plot(z, (order - np.median(e)) / spread, "o", ms=2.2, mfc="none", mec=COLORS["mean"], mew=0.7, zorder=2)
    literal(ax.set_xlabel("normal quantile"))
    literal(ax.set_ylabel("residual (robust sd)"))


def _note(ax: Axes, text: str, *, va: str, y: float) -> Any:
    note = ax.text(
        0.985, y, text, ha="right", va=va, transform=ax.transAxes, fontsize=7, color="#444444", linespacing=1.3
    )
    return literal(note)
