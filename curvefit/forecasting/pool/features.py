"""Ninety-six numbers per curve and horizon that do not depend on units: what the gate looks at.

Every number divided by q is clipped at +-4. `NAMES` lists them in order; a golden test pins their values.
"""

from __future__ import annotations

import numpy as np

from ._rows import of_last, within
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
_WINDOWS = ((-0.7, 0.0), (-1.4, -0.7), (-3.0, -1.4))

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
    core_error = np.sqrt((errors[:, :, CORE] ** 2).mean(axis=2)) * unit[:, None] + 0.1 * noise
    tracked = errors[:, :, _TRACKED_COLUMNS].reshape(len(unit), -1) * unit[:, None]
    core = experts.trends[..., CORE]
    core_mean = core.mean(axis=2)
    core_sd = np.sqrt(((core - core_mean[..., None]) ** 2).mean(axis=2))
    expected = np.sqrt(np.einsum("nhe,nhe->nh", experts.weight, experts.square))
    said = np.concatenate([experts.trends, np.broadcast_to(view.last[:, None, None], (*q.shape, 1))], axis=2)
    apart = np.sqrt(np.einsum("nhe,nhe->nh", experts.weight, (said - experts.average[..., None]) ** 2))
    log_noise, log_range = np.log(noise) - log_q, np.log(unit)[:, None] - log_q
    log_core_error = np.log(core_error[:, None, :] / q[..., None])

    def over_q(values: Floats) -> Floats:
        ratio: Floats = within(values / q, -4, 4)
        return ratio

    def over_noise(values: Floats) -> Floats:
        ratio: Floats = 0.5 * np.arcsinh(values / noise)
        return ratio

    deviation = 0.5 * np.log(experts.variance[..., list(_DEVIATIONS.values())] / q[..., None] ** 2 + 1e-6)
    columns: list[Floats] = [
        log_noise,
        *np.moveaxis(deviation, 2, 0),
        *over_noise(tracked).T[:, :, None],
        *np.moveaxis(within(tracked[:, None] / q[..., None], -4, 4), 2, 0),
        log_h,
        np.sqrt(log_h),
        np.minimum(log_h**2, 20),
        np.log(view.size)[:, None] - 3,
        np.log(bins.size)[:, None] - 3,
        bins.log_u[:, :1],
        np.maximum(best_at, -6)[:, None],
        over_noise(best[:, None]),
        over_q(best[:, None]),
        over_q(view.last[:, None]),
        *(over_q(change[:, None]) for change in _window_changes(bins)),
        log_range,
        autocorrelation[:, None],
        repeats[:, None],
        is_log,
        is_logit,
        log_h * (np.log(view.size)[:, None] - 3),
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
        over_q(drawdown[:, None]),
        over_noise(drawdown[:, None]),
        np.log(drawdown / unit + 0.01)[:, None],
        over_noise(view.last[:, None]),
        np.log(core_sd / q + 1e-3),
        (np.log(view.noise) - np.log(unit))[:, None],
        within(core_mean / q, -4, 4),
        *np.moveaxis(log_core_error, 2, 0),
        log_h * log_noise,
        log_h * log_range,
        log_h * log_core_error[..., 1],
        log_h * is_log,
        log_h * is_logit,
        log_h * np.maximum(best_at, -6)[:, None],
        log_h * autocorrelation[:, None],
        np.log(expected / q + 1e-3),
        np.log(apart / q + 1e-3),
        over_noise(expected),
    ]
    table = np.empty((*q.shape, len(columns)))
    for j, column in enumerate(columns):
        table[..., j] = column
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
    change = np.diff(bins.z, axis=1)
    size = np.abs(change)
    at = np.argmax(size >= (1 - 1e-9) * size.max(axis=1, keepdims=True), axis=1)  # the first of equals
    rows = np.arange(len(at))
    return change[rows, at], bins.log_u[rows, at + 1]


def _window_changes(bins: Bins) -> list[Floats]:
    """Change of z over stretches of ln u, read off by interpolation; before the first bin the curve is level."""
    at = {log_u: _at(bins, log_u) for log_u in {edge for window in _WINDOWS for edge in window}}
    return [at[high] - at[low] for low, high in _WINDOWS]


def _at(bins: Bins, log_u: float) -> Floats:
    columns = bins.z.shape[1]
    rows = np.arange(len(bins.size))
    after = np.minimum((bins.log_u < log_u).sum(axis=1), columns - 1)
    before = np.maximum(after - 1, 0)
    left, right = bins.log_u[rows, before], bins.log_u[rows, after]
    gap = np.where(right > left, right - left, 1.0)
    share = within((log_u - left) / gap, 0, 1)
    value: Floats = bins.z[rows, before] + share * (bins.z[rows, after] - bins.z[rows, before])
    return value


def _steps(view: View) -> tuple[Floats, Floats, Floats, Floats, Floats, Floats]:
    """Of the late differences: share equal to the last, lag-1 autocorrelation, late noise, largest, skewness, ties."""
    d, count, centered = view.steps.raw, view.steps.count, view.steps.centered
    most = d.shape[1]
    mask = of_last(most, count)
    present = np.ones(d.shape) if mask is None else mask.astype(float)
    square = (centered**2).sum(axis=1)
    some = np.where(square > 0, square, 1.0)
    lagged = (centered[:, 1:] * centered[:, :-1]).sum(axis=1) / some
    alike = np.abs(d - d[:, -1:]) <= 1e-9 * np.abs(d).max(axis=1, keepdims=True)
    repeats = (alike * present).sum(axis=1) / count
    ties = ((d == 0) * present).sum(axis=1) / count
    equal = np.abs(centered).max(axis=1) <= 1e-9 * np.abs(d).max(axis=1)  # steps that differ by rounding have no shape
    third = np.maximum(count // 3, 1)
    recent = of_last(most, third)
    part = centered if recent is None else np.where(recent, centered, 0.0)
    late = np.sqrt((part**2).sum(axis=1) / third / 2)
    late_ratio = within(np.log(late / view.noise + 1e-3), -3, 3)
    largest = np.log(np.abs(centered).max(axis=1) / view.noise + 1e-3)
    variance = square / count
    safe = np.where(variance > 0, variance, 1.0)
    skewness = within((centered / np.sqrt(safe)[:, None]) ** 3, -1e9, 1e9).sum(axis=1) / count
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
