"""Smoothers for pictures, as other viewers draw them; never used for inference, and no forecast sees their output."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..curves import UsageError
from ..curves._arguments import checked, is_number
from ..curves._checks import as_float_array
from ..curves.errors import unknown_name

__all__ = ["SMOOTHERS", "local_regression", "moving_average", "smooth", "tensorboard_ema", "wandb_ema"]

_Array = NDArray[np.float64]


def tensorboard_ema(y: ArrayLike, weight: float = 0.6) -> _Array:
    r"""Debiased exponential moving average over the points, as TensorBoard's slider draws it.

    .. math:: s_i = w s_{i-1} + (1 - w) y_i,\quad s_0 = 0, \qquad \hat y_i = \frac{s_i}{1 - w^i}

    Parameters
    ----------
    y : array-like, shape (n,)
        Values in order of x; NaN and infinities are left as they are and passed over.
    weight : float
        The slider's value w, in [0, 1).

    Returns
    -------
    ndarray, shape (n,)

    Notes
    -----
    Counts points, not x: the picture changes when the same curve is logged more densely. A constant series is left
    as it is, and the average lags behind the curve by about w / (1 - w) points.

    References
    ----------
    TensorBoard, issue 610 and pull request 639 (2017).
    """
    values = as_float_array(y, "y")
    _in_unit(weight, "weight")
    finite = np.isfinite(values)
    seen = values[finite]
    if seen.size == 0 or np.all(seen == seen[0]):
        return values
    number = np.arange(1.0, seen.size + 1)
    out = values.copy()
    out[finite] = _recurrence((1 - weight) * seen, np.full(seen.size, weight)) / (1 - weight**number)
    return out


def wandb_ema(x: ArrayLike, y: ArrayLike, weight: float = 0.6, *, viewport: float = 1000.0) -> _Array:
    r"""Time-weighted exponential moving average, as Weights & Biases draws it by default.

    .. math:: w = \min(\sqrt{p}, .999), \quad
              \delta_i = \frac{x_i - x_{i-1}}{x_n - x_1} V, \quad
              s_i = w^{\delta_i} s_{i-1} + y_i, \quad d_i = w^{\delta_i} d_{i-1} + 1, \quad \hat y_i = s_i / d_i

    Parameters
    ----------
    x, y : array-like, shape (n,)
        Points in order of x; those with a non-finite y are left as they are and passed over.
    weight : float
        The slider's value p, in [0, 1].
    viewport : float
        Width V to which the range of x is scaled.

    Returns
    -------
    ndarray, shape (n,)

    Notes
    -----
    Depends on the range of x that is shown: the same curve looks smoother once more of it has been logged.

    References
    ----------
    Weights & Biases documentation, "Smoothing line plots".
    """
    xs, values = as_float_array(x, "x"), as_float_array(y, "y")
    if xs.shape != values.shape:
        raise UsageError(f"{xs.size} x values and {values.size} y values", code="CF-USE-005")
    _in_unit(weight, "weight", closed=True)
    finite = np.isfinite(values)
    xs, seen = xs[finite], values[finite]
    if seen.size == 0:
        return values
    base = min(float(np.sqrt(weight)), 0.999)
    extent = float(xs[-1] - xs[0])
    gap = np.diff(xs, prepend=xs[0]) / extent * viewport if extent > 0 else np.zeros(xs.size)
    with np.errstate(divide="ignore"):
        decay = np.power(base, gap)
    out = values.copy()
    out[finite] = _recurrence(seen, decay) / _recurrence(np.ones(seen.size), decay)
    return out


def moving_average(y: ArrayLike, window: int = 11) -> _Array:
    """Centered mean over a window, cut at the ends.

    Parameters
    ----------
    y : array-like, shape (n,)
        Values in order of x; non-finite ones are passed over.
    window : int
        Number of points, odd (an even number is raised by one).
    """
    values = as_float_array(y, "y")
    if not is_number(window) or window < 1 or int(window) != window:
        raise UsageError(f"window = {window} is not a number of points", code="CF-USE-003")
    half = int(window) // 2
    finite = np.isfinite(values)
    reference = float(values[finite][0]) if finite.any() else 0.0
    total = np.concatenate(([0.0], np.cumsum(np.where(finite, values - reference, 0.0))))
    count = np.concatenate(([0], np.cumsum(finite)))
    index = np.arange(values.size)
    low, high = np.maximum(index - half, 0), np.minimum(index + half + 1, values.size)
    size = count[high] - count[low]
    mean = np.where(size > 0, reference + (total[high] - total[low]) / np.maximum(size, 1), np.nan)
    out: _Array = np.where(finite, mean, values)
    return out


def local_regression(x: ArrayLike, y: ArrayLike, share: float = 0.1) -> _Array:
    """Locally weighted regression (lowess) of degree one with three robustness iterations.

    Parameters
    ----------
    x, y : array-like, shape (n,)
        Points in order of x; those with a non-finite y are passed over.
    share : float
        Share of the points in each local fit, in (0, 1].

    References
    ----------
    Cleveland (1979), Robust locally weighted regression and smoothing scatterplots. JASA 74, 829-836.
    """
    from statsmodels.nonparametric.smoothers_lowess import lowess

    xs, values = as_float_array(x, "x"), as_float_array(y, "y")
    if not 0 < share <= 1:
        raise UsageError(f"share = {share!r} is not in (0, 1]", code="CF-USE-003")
    finite = np.isfinite(values)
    if np.count_nonzero(finite) < 3:
        return values
    extent = float(np.ptp(xs[finite]))
    out = values.copy()
    enough = max(share, 3 / np.count_nonzero(finite))
    out[finite] = lowess(values[finite], xs[finite], frac=enough, it=3, delta=0.002 * extent, return_sorted=False)
    return out


SMOOTHERS: dict[str, Callable[..., Any]] = {
    "tensorboard": lambda x, y, amount=0.6: tensorboard_ema(y, amount),
    "wandb": lambda x, y, amount=0.6: wandb_ema(x, y, amount),
    "moving_average": lambda x, y, amount=11: moving_average(y, int(amount)),
    "local_regression": lambda x, y, amount=0.1: local_regression(x, y, amount),
}


@checked
def smooth(x: ArrayLike, y: ArrayLike, how: str, amount: float | None = None) -> _Array:
    """Smooth for display by name.

    Parameters
    ----------
    x, y : array-like, shape (n,)
        Points in order of x.
    how : {"tensorboard", "wandb", "moving_average", "local_regression"}
        Way.
    amount : float, optional
        Weight, weight, window or share of the points; each way has its own default.
    """
    if how not in SMOOTHERS:
        raise unknown_name("smoother", how, SMOOTHERS)
    smoothed: _Array = SMOOTHERS[how](x, y) if amount is None else SMOOTHERS[how](x, y, amount)
    return smoothed


def _recurrence(added: _Array, decay: _Array) -> _Array:
    """s_i = decay_i s_{i-1} + added_i from s = 0, as the definition says: closed forms underflow."""
    out = np.empty_like(added)
    state = 0.0
    for i, (a, d) in enumerate(zip(added.tolist(), decay.tolist(), strict=True)):
        state = d * state + a
        out[i] = state
    return out


def _in_unit(value: float, name: str, *, closed: bool = False) -> None:
    if not ((is_number(value) and 0 <= value < 1) or (closed and value == 1)):
        raise UsageError(f"{name} = {value!r} is not in [0, 1{']' if closed else ')'}", code="CF-USE-003")
