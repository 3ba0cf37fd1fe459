"""Lines in the periodogram of what a trend leaves: of many curves at once, and the epochs that they may belong to."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from ..curves import Curve, Run
from ._noise import Residuals
from ._rows import lag1_rows, medians

__all__ = ["CYCLES", "LEAST", "Line", "epoch_length", "epochs", "levels", "lines_of", "strongest_lines"]

Array = NDArray[np.float64]

LEAST = 40  # observations
CYCLES = 6  # periods that must have been seen
SHORTEST = 4  # observations per period
HARMONICS = (1, 2, 4)
CAUTION = 1.0  # standard errors by which the background is taken higher than it is fitted
_EPOCH = re.compile(r"(?i)(^|[^a-z])epoch$")
_MOST = 65_536  # of longer curves the last observations are looked at
_TOGETHER = 1 << 15  # observations that are looked at together
_KEPT = 4096  # observations up to which what depends on their number alone is kept for the next curve
_BESIDE = np.linspace(-0.3, 0.3, 13)  # numbers of cycles that are tried beside a line
_BESIDE.flags.writeable = False


@dataclass(frozen=True, slots=True)
class Line:
    """The strongest periodic part of residuals.

    Parameters
    ----------
    p_value : float
        Of there being none.
    cycles : float
        How many periods have been seen.
    power : float
        Its variance, in robust standard deviations squared.
    """

    p_value: float
    cycles: float
    power: float


def levels(single: Residuals) -> Array:
    """The settled residuals in robust standard deviations, clipped at four."""
    settled = np.flatnonzero(single.settled)
    first = int(settled[0]) if settled.size else 0
    part = single.level[max(first, single.level.size - _MOST) :]
    return np.minimum(np.maximum(part, -4.0), 4.0)


def epochs(run: Run, x: Array) -> Array | None:
    """Epoch at each x where it is logged along, with its fraction: whole numbers are taken to begin where they first stand."""
    logged = next((c for k, c in run.curves.items() if _EPOCH.search(k) and len(c) > 1), None)
    if logged is None or logged.x[0] > x[0] or logged.x[-1] < x[-1] or np.any(np.diff(logged.y) < 0):
        return None
    first = np.r_[True, np.diff(logged.y) > 0]
    at, epoch = logged.x[first], logged.y[first]
    if at.size < 2:
        return None
    beyond = (epoch[-1] - epoch[0]) / (at[-1] - at[0]) * np.maximum(x - at[-1], 0.0)
    return np.asarray(np.interp(x, at, epoch) + beyond)


def epoch_length(seen: Array | None) -> float | None:
    """Length of an epoch in observations, where the curve tells enough of them apart."""
    if seen is None or not seen[-1] > seen[0]:
        return None
    length = (seen.size - 1) / float(seen[-1] - seen[0])
    return length if length >= SHORTEST and seen.size / length >= CYCLES - 0.5 else None


def lines_of(asked: Sequence[tuple[Run, Curve, Residuals]]) -> list[Line | None]:
    """`strongest_lines` of curves of one length, each with its run, where epochs may be logged along, and its residuals."""
    z = [levels(single) for *_, single in asked]
    known = [epoch_length(epochs(run, curve.x[-v.size :])) for (run, curve, _), v in zip(asked, z, strict=True)]
    return strongest_lines(z, known)


def strongest_lines(z: Sequence[Array], known: Sequence[float | None]) -> list[Line | None]:
    r"""The strongest line and its harmonics above a smooth background, of curves of one length.

    .. math:: S = \max_{f, h} \sum_{j=1}^{h} \frac{I(jf)}{B(jf)}, \qquad
              p = \sum_h F\, P\big(\Gamma(h) > S_h\big)

    Parameters
    ----------
    z : sequence of ndarray, shape (n,)
        Residuals of each curve.
    known : sequence of float or None
        Length of an epoch in observations, where it is known: half of the level is spent on it, which needs no search.

    Returns
    -------
    list of Line or None
        None where nothing varies or the curve is too short.
    """
    most = max(_TOGETHER // max(z[0].size, 1), 1)
    out: list[Line | None] = []
    for begin in range(0, len(z), most):
        out += _lines(np.stack(z[begin : begin + most]), known[begin : begin + most])
    return out


def _lines(z: Array, known: Sequence[float | None]) -> list[Line | None]:
    n = z.shape[1]
    z = z - z.mean(axis=1, keepdims=True)
    out: list[Line | None] = [None] * len(z)
    # frequencies in half cycles: a line between two whole numbers of cycles is not lost
    # an even background is known better than a steep one
    raw = _powers(z - lag1_rows(z, 1)[:, None] * np.concatenate((z[:, -1:], z[:, :-1]), axis=1))
    if raw.shape[1] < 24:
        return out
    rows = np.flatnonzero(np.any(z != 0, axis=1) & (medians(raw) > 0))
    if not rows.size:
        return out
    z = z[rows]
    ratio = raw[rows] / _background(raw[rows])
    found = [_Search(own, n, known[row]) for own, row in zip(ratio, rows.tolist(), strict=True)]
    first, last = 2 * CYCLES, min(2 * n // SHORTEST, n - 1)
    for h in HARMONICS:
        last = min(last, (n - 1) // h)
        if last < first:
            continue
        total = ratio[:, first - 2 : last - 1]
        for j in range(2, h + 1):
            total = total + ratio[:, j * first - 2 : j * last - 1 : j]
        at = np.argmax(total, axis=1)
        for one, place, top in zip(found, at.tolist(), total[np.arange(at.size), at].tolist(), strict=True):
            one.heard(h, first + place, last - first + 1, top)
    spectra = _powers(z)
    cycles = _refined(z, found)
    for row, one, spectrum, own in zip(rows.tolist(), found, spectra, cycles, strict=True):
        power = float(np.sum(spectrum[one.lines])) * 2 / n if one.lines else 0.0
        out[row] = Line(one.p_value, own, power)
    return out


def _powers(z: Array) -> Array:
    """Periodogram of every row from the second half cycle on."""
    n = z.shape[1]
    return np.asarray(np.abs(np.fft.rfft(z, 2 * n, axis=1)[:, 2:n]) ** 2 / n)


class _Search:
    """The best line so far of one curve: the half cycles it comes to, its harmonics, and which values of the periodogram it has."""

    def __init__(self, ratio: Array, n: int, known: float | None) -> None:
        """Begin with the length of an epoch, where it is known."""
        self.ratio = ratio
        self.p_value, self.paid = 1.0, 1.0
        self.cycles, self.half, self.harmonics = 1.0, 0, 0
        self.lines: list[int] = []
        if known is None:
            return
        self.paid, line = 2.0, round(2 * n / known)
        for h in HARMONICS:
            inside = [j * line - 2 for j in range(1, h + 1) if 0 <= j * line - 2 < ratio.size]
            p_value = self._p_value(len(inside), 1, float(np.sum(ratio[inside]))) if inside else 1.0
            if p_value < self.p_value:
                self.p_value, self.cycles, self.lines = p_value, n / known, inside

    def heard(self, harmonics: int, half: int, places: int, height: float) -> None:
        """The highest line with so many harmonics, of so many places."""
        p_value = self._p_value(harmonics, places, height)
        if p_value < self.p_value and not _part_of_longer(self.ratio, half):
            self.p_value, self.cycles = p_value, half / 2
            self.half, self.harmonics = half, harmonics
            self.lines = [j * half - 2 for j in range(1, harmonics + 1)]

    def _p_value(self, harmonics: int, places: int, height: float) -> float:
        from scipy.special import gammaincc

        return min(1.0, self.paid * len(HARMONICS) * places * float(gammaincc(harmonics, height)))


def _part_of_longer(ratio: Array, line: int) -> bool:
    """Whether the line, in half cycles, is a harmonic of a period too long to have been seen often enough."""
    for q in (2, 3, 4):
        base = line / q
        if base >= 2 * CYCLES:
            continue
        beside = [round(j * base) for j in range(1, 2 * q) if j % q]
        if max(ratio[i - 2] for i in beside if 2 <= i < ratio.size + 2) > max(0.2 * ratio[line - 2], 5.0):
            return True
    return False


def _refined(z: Array, found: Sequence[_Search]) -> list[float]:
    """Number of cycles, not a whole one, at which each line and its harmonics are highest."""
    n = z.shape[1]
    out = [one.cycles for one in found]
    t, waves = np.arange(n), _waves(n) if n <= _KEPT else _waves.__wrapped__(n)
    for h in HARMONICS:
        rows = [i for i, one in enumerate(found) if one.harmonics == h]
        if not rows:
            continue
        half, power = np.array([found[i].half for i in rows]), np.zeros((len(rows), _BESIDE.size))
        for j in range(1, h + 1):
            power += _heights(waves[j * half[:, None] * t % (2 * n)] * z[rows], j)
        for i, at in zip(rows, np.argmax(power, axis=1).tolist(), strict=True):
            out[i] = float(found[i].cycles + _BESIDE[at])
    return out


def _heights(z: NDArray[np.complex128], harmonic: int) -> Array:
    """Power of one harmonic at each number of cycles beside a line, whose wave has been taken out of every row."""
    n = z.shape[1]
    if n <= _KEPT:
        return np.asarray(np.abs(z @ _shifts(n, harmonic)) ** 2)
    t = np.arange(n) * (-2j * np.pi * harmonic / n)  # of a long curve one after the other
    return np.stack([np.abs(z @ np.exp(beside * t)) ** 2 for beside in _BESIDE.tolist()], axis=1)


@lru_cache(maxsize=16)
def _shifts(n: int, harmonic: int) -> NDArray[np.complex128]:
    out: NDArray[np.complex128] = np.exp(np.outer(np.arange(n) * (-2j * np.pi * harmonic / n), _BESIDE))
    out.flags.writeable = False
    return out


@lru_cache(maxsize=64)
def _waves(n: int) -> NDArray[np.complex128]:
    """One wave in steps of half a cycle over n."""
    out: NDArray[np.complex128] = np.exp(np.arange(2 * n) * (-1j * np.pi / n))
    out.flags.writeable = False
    return out


def _background(raw: Array) -> Array:
    """Smooth spectrum of every row: a quadratic in log f through the log periodogram, with high values pulled in."""
    n = raw.shape[1] + 2
    design, used, solve, margin = _quadratic(n) if n <= _KEPT else _quadratic.__wrapped__(n)
    logs = np.log(np.maximum(raw, 1e-12 * raw.max(axis=1, keepdims=True)))
    inner, seen = design[used].T, logs[:, used]
    fitted: Array = np.broadcast_to(medians(logs)[:, None], seen.shape)
    least = np.zeros((raw.shape[0], 3))
    for _ in range(4):
        # of an exponential variable the logarithm has mean -0.577 and standard deviation 1.28
        least = (fitted + np.minimum(np.maximum(seen - fitted, -4.0), 1.7)) @ solve.T
        fitted = least @ inner
    out: Array = np.exp(least @ design.T + margin)
    slow = 2 * CYCLES - 2
    out[:, :slow] = out[:, slow : slow + 1]  # not beyond where it was fitted
    return out


@lru_cache(maxsize=64)
def _quadratic(n: int) -> tuple[Array, NDArray[np.intp], Array, Array]:
    """Columns at each half cycle from 2 to n, the ones that are fitted, what takes these to coefficients, and a margin."""
    half = np.arange(2, n)
    u = np.log(half / half[-1])
    design = np.column_stack([np.ones(u.size), u, u * u])
    weight = half**-0.25  # between equal weights and as much for every octave
    weight[half < 2 * CYCLES] = 0.0  # the trend has taken what is slower
    weight[half % 2 == 1] = 0.0  # between whole numbers of cycles nothing is independent
    q, r = np.linalg.qr(design * weight[:, None])
    cross = (q * weight[:, None] ** 2).T @ q
    back = design @ np.linalg.inv(r)
    error = 1.28 * np.sqrt(np.maximum(np.einsum("ij,jk,ik->i", back, cross, back), 0.0))
    used = np.flatnonzero(weight)
    solve = np.linalg.solve(r, (q * weight[:, None])[used].T)
    out = design, used, solve, 0.61 + CAUTION * error
    for part in out:
        part.flags.writeable = False
    return out
