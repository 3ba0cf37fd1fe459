"""Ninety-six numbers per curve and horizon that do not depend on units: what the gate looks at.

Every number divided by q is clipped at +-4. `NAMES` lists them in order; a golden test pins their values.
"""

from __future__ import annotations

import numpy as np

from ._rows import mean_of, of_last, with_column, within
from .batch import Floats, Ints
from .bins import Bins
from .experts import CORE, Experts
from .link import LOG, LOGIT
from .trends import CUTS, trend
from .view import View

__all__ = ["NAMES", "features"]

_TRACKED = {
    "(-1,4)": trend(-1, 4),
    "(-.5,2)": trend(-0.5, 2),
    "(-.5,4)": trend(-0.5, 4),
    "(-.5,8)": trend(-0.5, 8),
    "(0,4)": trend(0, 4),
    "(0,16)": trend(0, 16),
    "last": 30,
}
_TRACKED_CUTS = [int(np.flatnonzero(v == CUTS)[0]) for v in (0.8, 0.5, 0.2)]
_TRACKED_COLUMNS = np.array(list(_TRACKED.values()))
_DEVIATIONS = {"(-.5,4)": trend(-0.5, 4), "(-.5,2)": trend(-0.5, 2), "(-1,4)": trend(-1, 4)}
_DEVIATION_COLUMNS = np.array(list(_DEVIATIONS.values()))
_WINDOWS = ((-0.7, 0.0), (-1.4, -0.7), (-3.0, -1.4))
_EDGES = np.array(sorted({edge for window in _WINDOWS for edge in window}))
_LOWER, _UPPER = (np.searchsorted(_EDGES, side) for side in zip(*_WINDOWS, strict=True))

NAMES = (
    "ln(noise/q)",
    *(f"ln(sd{name}/q)" for name in _DEVIATIONS),
    *(f"asinh(err{name}@{v}/noise)" for v in (0.8, 0.5, 0.2) for name in _TRACKED),
    *(f"err{name}@{v}/q" for v in (0.8, 0.5, 0.2) for name in _TRACKED),
    "ln h",
    "sqrt ln h",
    "ln^2 h",
    "ln n",
    "ln bins",
    "ln u_0",
    "ln u best",
    "asinh(rise/noise)",
    "rise/q",
    "last/q",
    *(f"change[{low},{high}]/q" for low, high in _WINDOWS),
    "ln(range/q)",
    "autocorrelation",
    "share of repeats",
    "log link",
    "logit link",
    "ln h ln n",
    "log ln q",
    "logit ln q",
    "logit level",
    "ln(late noise/noise)",
    "ln(largest step/noise)",
    "skewness of steps",
    "share near best",
    "share of ties",
    "-worst/range",
    "largest change/range",
    "ln u of largest change",
    "drawdown/q",
    "asinh(drawdown/noise)",
    "ln(drawdown/range)",
    "asinh(last/noise)",
    "ln(disagreement of core/q)",
    "ln(noise/range)",
    "core/q",
    *(f"ln(core error@{v}/q)" for v in (0.8, 0.5, 0.2)),
    "ln h ln(noise/q)",
    "ln h ln(range/q)",
    "ln h ln(core error@.5/q)",
    "ln h log link",
    "ln h logit link",
    "ln h ln u best",
    "ln h autocorrelation",
    "ln(expected error/q)",
    "ln(disagreement of trends/q)",
    "asinh(expected error/noise)",
)


def features(view: View, experts: Experts) -> Floats:
    """All features, shape (N, H, 96)."""
    q = experts.scale
    noise = view.noise[:, None]
    log_q = np.log(q)
    log_h = np.log(view.h)
    bins, unit = view.bins, view.unit
    best, best_at = _best(bins)
    drawdown = _drawdown(bins)
    jump, jump_at = _largest_change(bins)
    repeats, autocorrelation, late, largest, skewness, ties = _steps(view)
    is_log = (view.link.kind == LOG)[:, None].astype(float)
    is_logit = (view.link.kind == LOGIT)[:, None].astype(float)
    errors = view.backtests.error[:, _TRACKED_CUTS]  # (N, 3, 31)
    core_error = np.sqrt(mean_of(errors[:, :, CORE] ** 2)) * unit[:, None] + 0.1 * noise
    tracked = errors[:, :, _TRACKED_COLUMNS].reshape(len(unit), -1) * unit[:, None]
    core = experts.trends[..., CORE]
    core_mean = mean_of(core)
    core_sd = np.sqrt(mean_of((core - core_mean[..., None]) ** 2))
    expected = np.sqrt(np.einsum("nhe,nhe->nh", experts.weight, experts.square))
    said = with_column(experts.trends, view.last[:, None])
    apart = np.sqrt(np.einsum("nhe,nhe->nh", experts.weight, (said - experts.average[..., None]) ** 2))
    log_sd, log_unit, log_n = np.log(noise), np.log(unit)[:, None], np.log(view.size)[:, None] - 3
    log_noise, log_range = log_sd - log_q, log_unit - log_q
    log_core_error = np.log(core_error[:, None, :] / q[..., None])
    late_best = np.maximum(best_at, -6)[:, None]
    sizes = np.array([best, view.last, drawdown])[:, :, None]
    rise, last, fall = within(sizes / q, -4, 4)
    rise_sd, last_sd, fall_sd = 0.5 * np.arcsinh(sizes / noise)
    columns: list[Floats] = [  # (N, H or 1), or several at once: (N, H or 1, k)
        log_noise,
        0.5 * np.log(experts.variance[..., _DEVIATION_COLUMNS] / q[..., None] ** 2 + 1e-6),
        0.5 * np.arcsinh(tracked / noise)[:, None],
        within(tracked[:, None] / q[..., None], -4, 4),
        log_h,
        np.sqrt(log_h),
        np.minimum(log_h**2, 20),
        log_n,
        np.log(bins.size)[:, None] - 3,
        bins.log_u[:, :1],
        late_best,
        rise_sd,
        rise,
        last,
        within(_window_changes(bins)[:, None] / q[..., None], -4, 4),
        log_range,
        autocorrelation[:, None],
        repeats[:, None],
        is_log,
        is_logit,
        log_h * log_n,
        is_log * within(log_q + 4, -4, 4),
        is_logit * within(log_q + 2, -4, 4),
        is_logit * within(view.level, -4, 4)[:, None],
        late[:, None],
        largest[:, None],
        skewness[:, None],
        _near_best(view)[:, None],
        ties[:, None],
        (-bins.z.min(axis=1) / unit)[:, None],
        (jump / unit)[:, None],
        np.maximum(jump_at, -6)[:, None],
        fall,
        fall_sd,
        np.log(drawdown / unit + 0.01)[:, None],
        last_sd,
        np.log(core_sd / q + 1e-3),
        log_sd - log_unit,
        within(core_mean / q, -4, 4),
        log_core_error,
        log_h * log_noise,
        log_h * log_range,
        log_h * log_core_error[..., 1],
        log_h * is_log,
        log_h * is_logit,
        log_h * late_best,
        log_h * autocorrelation[:, None],
        np.log(expected / q + 1e-3),
        np.log(apart / q + 1e-3),
        0.5 * np.arcsinh(expected / noise),
    ]
    table = np.empty((*q.shape, len(NAMES)))
    at = 0
    for column in columns:
        if column.ndim == 2:
            table[..., at] = column
            at += 1
        else:
            table[..., at : at + column.shape[2]] = column
            at += column.shape[2]
    return table


def _best(bins: Bins) -> tuple[Floats, Floats]:
    """Best binned value relative to the present level, and its ln u."""
    best = bins.z.max(axis=1) - 1e-9 * np.ptp(bins.z, axis=1)
    at = bins.z.shape[1] - 1 - np.argmax(bins.z[:, ::-1] >= best[:, None], axis=1)  # the latest of equals
    rows = np.arange(len(at))
    return bins.z[rows, at], bins.log_u[rows, at]


def _drawdown(bins: Bins) -> Floats:
    """Largest fall below an earlier best."""
    fall: Floats = (np.maximum.accumulate(bins.z, axis=1) - bins.z).max(axis=1)
    return fall


def _largest_change(bins: Bins) -> tuple[Floats, Floats]:
    """Largest change between neighboring bins, with its sign, and the ln u where it ends."""
    change = bins.z[:, 1:] - bins.z[:, :-1]
    size = np.abs(change)
    at = np.argmax(size >= (1 - 1e-9) * size.max(axis=1, keepdims=True), axis=1)  # the first of equals
    rows = np.arange(len(at))
    return change[rows, at], bins.log_u[rows, at + 1]


def _window_changes(bins: Bins) -> Floats:
    """Change of z over stretches of ln u, shape (N, 3), read off by interpolation; level before the first bin."""
    rows = np.arange(len(bins.size))[:, None]
    after = np.minimum((bins.log_u[:, None] < _EDGES[:, None]).sum(axis=2), bins.z.shape[1] - 1)
    before = np.maximum(after - 1, 0)
    left, right = bins.log_u[rows, before], bins.log_u[rows, after]
    gap = np.where(right > left, right - left, 1.0)
    share = within((_EDGES - left) / gap, 0, 1)
    start = bins.z[rows, before]
    value = start + share * (bins.z[rows, after] - start)
    change: Floats = value[:, _UPPER] - value[:, _LOWER]
    return change


def _steps(view: View) -> tuple[Floats, Floats, Floats, Floats, Floats, Floats]:
    """Of the late differences: share equal to the last, lag-1 autocorrelation, late noise, largest, skewness, ties."""
    d, count, centered = view.steps.raw, view.steps.count, view.steps.centered
    most = d.shape[1]
    mask = of_last(most, count)
    square = (centered**2).sum(axis=1)
    some = np.where(square > 0, square, 1.0)
    lagged = (centered[:, 1:] * centered[:, :-1]).sum(axis=1) / some
    top, far = np.abs(d).max(axis=1), np.abs(centered).max(axis=1)
    alike, none = np.abs(d - d[:, -1:]) <= 1e-9 * top[:, None], d == 0
    repeats, ties = ((v if mask is None else v & mask).sum(axis=1) / count for v in (alike, none))
    equal = far <= 1e-9 * top  # steps that differ by rounding have no shape
    third = np.maximum(count // 3, 1)
    recent = of_last(most, third)
    part = centered if recent is None else np.where(recent, centered, 0.0)
    late = np.sqrt((part**2).sum(axis=1) / third / 2)
    late_ratio = within(np.log(late / view.noise + 1e-3), -3, 3)
    largest = np.log(far / view.noise + 1e-3)
    variance = square / count
    safe = np.where(variance > 0, variance, 1.0)
    standard = centered / np.sqrt(safe)[:, None]
    skewness = within(standard * standard * standard, -1e9, 1e9).sum(axis=1) / count
    return (
        repeats,
        np.where(equal, 0.0, lagged),
        late_ratio,
        largest,
        np.where(equal, 0.0, within(skewness, -4, 4)),
        ties,
    )


def _near_best(view: View) -> Floats:
    """Share of the second half within two noise sd of the best."""
    count: Ints = np.maximum(view.size - view.size // 2, 1)
    part = view.z[:, view.z.shape[1] - int(count.max()) :]
    near = part >= (view.z.max(axis=1) - 2 * view.noise)[:, None]
    mask = of_last(part.shape[1], count)
    share: Floats = (near if mask is None else near & mask).sum(axis=1) / count
    return share
