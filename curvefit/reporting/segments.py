"""Figures of segmentation: segments with intervals on their breakpoints, the profile behind them, changes, and bumps."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..curves import Curve, Estimate, UsageError
from ..curves.numbers import format_number, format_x
from ..segmentation.bump import BumpTest
from ..segmentation.level_changes import ChangePoints
from ..segmentation.segmented_regression import SegmentedFit
from .figures import COLORS, literal, new_axes, style
from .plots.fan import short_text, tick_numbers
from .thinning import thin

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["plot_null", "plot_profile", "plot_segments"]

_Array = NDArray[np.float64]
_FEW = 80
_BAR = 0.05  # of the height of the picture: where the interval bars lie
_STEP = 0.045


def plot_segments(
    data: Curve | tuple[ArrayLike, ArrayLike],
    found: SegmentedFit | ChangePoints | BumpTest,
    *,
    ax: Axes | None = None,
    title: str | None = None,
    legend: bool = True,
    columns: int = 1000,
) -> Axes:
    """Draw data, what was found in them, and a bar for the interval of every place.

    Parameters
    ----------
    data : Curve or (x, y)
        What was segmented or tested.
    found : SegmentedFit, ChangePoints or BumpTest
        What came of it.
    ax : matplotlib Axes, optional
        Where to draw; by default on a new figure.
    title : str, optional
        Default: what was found; an empty text for none.
    legend : bool
        Whether to draw a legend.
    columns : int
        Resolution to which long curves are thinned; extremes are kept.

    Returns
    -------
    matplotlib Axes

    Examples
    --------
    >>> import numpy as np, curvefit as cf
    >>> x = np.arange(60.0)
    >>> y = np.maximum(30 - x, 0) + np.random.default_rng(0).standard_normal(60)
    >>> ax = cf.plot_segments((x, y), cf.segment((x, y), 1))
    """
    x, y, x_label, y_label = _values(data)
    with style():
        ax = new_axes() if ax is None else ax
        if isinstance(found, SegmentedFit):
            ax.set_xscale(found.x_axis)
            ax.set_yscale(found.y_axis)
        _observed(ax, x, y, columns)
        if isinstance(found, SegmentedFit):
            places, heading = _broken_line(ax, x, found), _count(len(found.breakpoints), "breakpoint", found)
        elif isinstance(found, ChangePoints):
            places, heading = _levels(ax, found), _count(len(found.locations), "change", found)
        elif isinstance(found, BumpTest):
            places, heading = _bump(ax, found), _verdict(found)
        else:
            raise UsageError(
                f"a {type(found).__name__} cannot be drawn as segments",
                code="CF-USE-007",
                hint="what cf.segment, cf.changepoints or cf.double_descent returned",
            )
        _bars(ax, places)
        _finish(ax, x_label, y_label, heading if title is None else title, legend)
    return ax


def plot_profile(found: SegmentedFit, which: int = 1, *, ax: Axes | None = None, title: str | None = None) -> Axes:
    """Draw the residual sum of squares with one breakpoint held at each place, and the limit that makes its interval.

    Parameters
    ----------
    found : SegmentedFit
        With at least one breakpoint.
    which : int
        Number of the breakpoint, from 1.
    ax : matplotlib Axes, optional
        Where to draw; by default on a new figure.
    title : str, optional
        Default: which breakpoint; an empty text for none.

    Returns
    -------
    matplotlib Axes
    """
    if not isinstance(which, int) or not 1 <= which <= len(found.profiles):
        raise UsageError(
            f"no profile of breakpoint {which!r}",
            code="CF-USE-007",
            hint=f"1 to {len(found.profiles)}" if found.profiles else "this fit has none",
        )
    profile, estimate = found.profiles[which - 1], found.breakpoints[which - 1]
    with style():
        ax = new_axes() if ax is None else ax
        ax.set_xscale(found.x_axis)
        ax.plot(profile.x, profile.rss, "-", lw=1.3, color=COLORS["fit"], label="best with the breakpoint held here")
        if np.isfinite(profile.limit):
            ax.axhline(
                profile.limit, color=COLORS["guide"], lw=1.0, ls=(0, (4, 2)), label=f"limit, {_share(found.level)}"
            )
            inside = np.where(profile.rss <= profile.limit, profile.rss, np.nan)
            ax.plot(profile.x, inside, "-", lw=2.6, color=COLORS["onset"], label="interval", zorder=3)
        if estimate.value is not None:
            ax.plot([estimate.value], [np.nanmin(profile.rss)], "o", ms=5, color=COLORS["onset"], mec="white", zorder=4)
        heading = f"Profile of {estimate.name.replace('_', ' ')}" if title is None else title
        _finish(ax, estimate.unit or "x", "residual sum of squares", heading, True)
    return ax


def plot_null(found: BumpTest, *, ax: Axes | None = None, title: str | None = None) -> Axes:
    """Draw the simulated null of a bump test and where the statistic of the data stands in it.

    Parameters
    ----------
    found : BumpTest
        One that went through the bootstrap.
    ax : matplotlib Axes, optional
        Where to draw; by default on a new figure.
    title : str, optional
        Default: the p-value; an empty text for none.

    Returns
    -------
    matplotlib Axes
    """
    null = np.asarray(found.null, dtype=np.float64)
    if not null.size:
        raise UsageError(
            "this test has no simulated null", code="CF-USE-007", hint=f"it was decided otherwise: {found.method}"
        )
    with style():
        ax = new_axes() if ax is None else ax
        top = 1.06 * max(float(null.max()), found.statistic)
        ax.hist(
            null,
            bins=np.linspace(0, top, 41).tolist(),
            color=COLORS["data"],
            lw=0,
            label=f"law without a bump, {null.size} simulations",
        )
        edge = float(np.quantile(null, 0.95))
        ax.axvline(edge, color=COLORS["guide"], lw=1.0, ls=(0, (4, 2)), label="95 % quantile")
        ax.axvline(
            found.statistic, color=COLORS["onset"], lw=1.8, label=f"data, {format_number(found.statistic, digits=3)}"
        )
        heading = f"Bump test: p = {format_number(found.p_value, digits=2)}" if title is None else title
        _finish(ax, "likelihood-ratio statistic", "simulations", heading, True)
    return ax


def _values(data: Curve | tuple[ArrayLike, ArrayLike]) -> tuple[_Array, _Array, str, str]:
    if isinstance(data, Curve):
        return data.x, data.y, data.x_unit, data.metric.name
    x, y = (np.asarray(v, dtype=np.float64) for v in data)
    keep = np.isfinite(x) & np.isfinite(y)
    order = np.argsort(x[keep], kind="stable")
    return x[keep][order], y[keep][order], "x", "y"


def _observed(ax: Axes, x: _Array, y: _Array, columns: int) -> None:
    if x.size <= _FEW:
        ax.plot(x, y, "o", ms=3.4, mfc="white", mec=COLORS["mean"], mew=0.9, label="observed", zorder=2.5)
        return
    at = thin(x, y, columns)
    few = x.size <= 1000
    ax.plot(x[at], y[at], "o" if few else "-", ms=2.0, lw=0.6, mew=0, color=COLORS["data"], label="observed", zorder=2)


def _broken_line(ax: Axes, x: _Array, found: SegmentedFit) -> tuple[Estimate, ...]:
    breaks = [b.value for b in found.breakpoints if b.value is not None]
    first, last = float(x[0]), float(x[-1])
    ends = [first, *breaks, last]
    even = np.geomspace if found.x_axis == "log" else np.linspace
    for i, (a, b) in enumerate(pairwise(ends)):
        at = even(a, b, 50)
        inner = at.copy()
        if not found.continuous:  # of the two values at a jump each segment has its own
            inner[0] = np.nextafter(a, b) if i else a
        ax.plot(
            at, found.predict(inner), "-", lw=1.8, color=COLORS["fit"], label="segments" if not i else None, zorder=3
        )
    level = found.predict(np.asarray(breaks)) if breaks else np.zeros(0)
    ax.plot(
        breaks,
        level,
        "o",
        ms=5.5,
        color=COLORS["onset"],
        mec="white",
        mew=0.9,
        label=_interval_label(found.breakpoints),
        zorder=4,
    )
    return found.breakpoints


def _levels(ax: Axes, found: ChangePoints) -> tuple[Estimate, ...]:
    for i, s in enumerate(found.segments):
        half = 0.5 * s.slope * (s.end - s.start)
        ax.plot(
            [s.start, s.end],
            [s.level - half, s.level + half],
            "-",
            lw=2.0,
            color=COLORS["fit"],
            solid_capstyle="butt",
            label="segments" if not i else None,
            zorder=3,
        )
    for i, e in enumerate(found.locations):
        if e.value is not None:
            middle = 0.5 * (e.value + e.details.get("first_after", e.value))
            ax.axvline(
                middle,
                color=COLORS["onset"],
                lw=1.0,
                ls=(0, (4, 2)),
                label=_interval_label(found.locations) if not i else None,
                zorder=2.6,
            )
    return found.locations


def _bump(ax: Axes, found: BumpTest) -> tuple[Estimate, ...]:
    if found.x.size:
        ax.plot(found.x, found.law, "--", lw=1.2, color=COLORS["mean"], label="law without a bump", zorder=2.8)
        if found.verdict == "present":
            ax.plot(found.x, found.curve, "-", lw=1.7, color=COLORS["fit"], label="law and bump", zorder=3)
    places = tuple(
        e for e in (found.first_minimum, found.peak, found.recovery) if e is not None and e.value is not None
    )
    for i, e in enumerate(places):
        at = float(e.value or 0.0)
        height = float(np.interp(at, found.x, found.curve)) if found.x.size else 0.0
        ax.plot(
            [at],
            [height],
            "o",
            ms=5.5,
            color=COLORS["onset"],
            mec="white",
            mew=0.9,
            label=_interval_label(places) if not i else None,
            zorder=4,
        )
        below = "minimum" in e.name
        literal(
            ax.annotate(
                e.name.replace("_", " "), (at, height), xytext=(0, -13 if below else 8), textcoords="offset points",
                ha="center" if below or e.name == "peak" else "left", fontsize=8, zorder=5,
            )
        )  # fmt: skip
    return places


def _bars(ax: Axes, places: tuple[Estimate, ...]) -> None:
    """Interval bars in a row above the x axis; a bar that would touch the one before it lies a little higher."""
    bottom, top = ax.get_ylim()
    if ax.get_yscale() == "log":
        ax.set_ylim(bottom * (bottom / top) ** (2 * _BAR), top)
    else:
        ax.set_ylim(bottom - 2 * _BAR * (top - bottom), top)
    reached: list[float] = []
    low, high = ax.get_xlim()
    gap = 0.01 * (high - low)
    trans = ax.get_xaxis_transform()
    for e in places:
        if e.value is None or e.interval is None:
            continue
        a, b = max(e.interval.low, low), min(e.interval.high, high)
        row = next((i for i, end in enumerate(reached) if a > end + gap), len(reached))
        reached[row : row + 1] = [b]
        y = _BAR + _STEP * row
        ax.plot([a, b], [y, y], "-", lw=2.4, color=COLORS["onset"], transform=trans, solid_capstyle="butt", zorder=4.5)
        ax.plot([a, b], [y, y], "|", ms=7, mew=1.4, color=COLORS["onset"], transform=trans, zorder=4.5)
        ax.plot([e.value], [y], "|", ms=9, mew=1.4, color=COLORS["fit"], transform=trans, zorder=4.6)


def _interval_label(places: tuple[Estimate, ...]) -> str:
    level = next((e.interval.level for e in places if e.interval is not None), None)
    return "place" if level is None else f"place and {_share(level)} interval"


def _share(level: float) -> str:
    return f"{100 * level:g} %"


def _count(k: int, what: str, found: SegmentedFit | ChangePoints) -> str:
    listed = found.breakpoints if isinstance(found, SegmentedFit) else found.locations
    at = ", ".join(format_x(float(f"{e.value:.4g}")) for e in listed[:4] if e.value is not None)
    more = ", ..." if k > 4 else ""
    return f"{k or 'No'} {what}{'' if k == 1 else 's'}" + (f" at {at}{more}" if at else "")


def _verdict(found: BumpTest) -> str:
    p = f" (p = {format_number(found.p_value, digits=2)})" if np.isfinite(found.p_value) else ""
    return f"Double descent: {found.verdict}{p}"


def _finish(ax: Axes, x_label: str, y_label: str, heading: str, legend: bool) -> None:
    literal(ax.set_xlabel(short_text(x_label)))
    literal(ax.set_ylabel(short_text(y_label)))
    if heading:
        literal(ax.set_title(short_text(heading, 70)))
    tick_numbers(ax.xaxis, ax.get_xscale(), counted=False)
    tick_numbers(ax.yaxis, ax.get_yscale(), counted=False)
    if legend:
        drawn = ax.legend(loc="best", framealpha=0.85, frameon=True, edgecolor="none", borderpad=0.3)
        for text in drawn.get_texts():
            literal(text)
