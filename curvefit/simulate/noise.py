"""Noise of training curves: independent or serially correlated, heavy-tailed, uneven, smoothed, quantized."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from ..curves import UsageError
from ..curves.errors import unknown_name

__all__ = ["NOISES", "Noise", "NoiseKind", "as_noise", "ema"]

NoiseKind = Literal["white", "ar", "t3", "heteroscedastic", "multiplicative", "ema", "quantized", "ar_white", "none"]
_T3_SD = np.sqrt(3.0)


@dataclass(frozen=True, slots=True)
class Noise:
    r"""One kind of noise, of unit size; the size is given when it is applied.

    Parameters
    ----------
    kind : str
        ``white``: independent Gaussian. ``ar``: stationary Gaussian AR(1). ``t3``: independent Student-t with 3
        degrees of freedom, scaled to the sd. ``heteroscedastic``: white, sd falling from 2 to 1/2 of its value.
        ``multiplicative``: the mean times a log-normal factor. ``ema``: the noisy curve as an exponential moving average
        displays it (the mean lags too). ``quantized``: white, then rounded to multiples of 1/size of an evaluation set.
        ``ar_white``: half of the variance AR(1), half white. ``none``: no noise.
    rho : float
        Lag-1 correlation of ``ar`` and ``ar_white``; smoothing factor of ``ema``.
    size : int
        Evaluation-set size of ``quantized``, for an accuracy in [0, 1]; other curves get white noise.
    """

    kind: NoiseKind = "white"
    rho: float = 0.0
    size: int = 0

    def __post_init__(self) -> None:
        if self.kind not in get_args(NoiseKind):
            raise unknown_name("kind of noise", self.kind, get_args(NoiseKind))
        if not 0 <= self.rho < 1:
            raise UsageError(f"rho = {self.rho!r} is not in [0, 1)")

    def draw(self, n: int, rng: np.random.Generator) -> NDArray[np.float64]:
        """Additive noise with standard deviation 1 (before smoothing, for ``ema``), shape (n,)."""
        e = rng.standard_normal(n)
        if self.kind == "none":
            return np.zeros(n)
        if self.kind == "t3":
            out: NDArray[np.float64] = rng.standard_t(3, n) / _T3_SD
            return out
        if self.kind == "heteroscedastic":
            return np.asarray(e * np.geomspace(2.0, 0.5, n), dtype=np.float64)
        if self.kind in ("ar", "ar_white"):
            slow = _ar1(e, self.rho)
            return slow if self.kind == "ar" else np.sqrt(0.5) * (slow + rng.standard_normal(n))
        return e

    def apply(
        self, mean: NDArray[np.float64], sd: float, rng: np.random.Generator, *, accuracy: bool = False
    ) -> NDArray[np.float64]:
        """A noisy curve about the mean.

        Parameters
        ----------
        mean : ndarray, shape (n,)
            Mean of the metric; non-finite values stay.
        sd : float
            Standard deviation, in the unit of the metric (relative to a typical level for ``multiplicative``).
        rng : numpy.random.Generator
            Source of chance.
        accuracy : bool
            Keep the result in [0, 1], and quantize it when the kind is ``quantized``.
        """
        e = self.draw(mean.size, rng)
        if self.kind == "multiplicative":
            level = float(np.nanmedian(np.abs(mean))) or 1.0
            spread = np.sqrt(np.log1p((sd / level) ** 2))
            y = mean * np.exp(spread * e - spread**2 / 2)
        else:
            y = mean + sd * e
        if self.kind == "ema":
            y = ema(y, self.rho)
        if accuracy:
            y = np.clip(y, 0.0, 1.0)
            if self.kind == "quantized" and self.size > 0:
                y = np.round(y * self.size) / self.size
        return np.asarray(y, dtype=np.float64)

    def covariance(self, n: int) -> NDArray[np.float64]:
        """Covariance of unit noise, shape (n, n): what an oracle knows.

        Notes
        -----
        Of ``ema``: of the smoothed noise. ``multiplicative`` and ``quantized`` are taken as white.
        """
        lag = np.abs(np.subtract.outer(np.arange(n), np.arange(n)))
        if self.kind == "heteroscedastic":
            return np.diag(np.geomspace(2.0, 0.5, n) ** 2)
        if self.kind == "ar":
            return np.asarray(self.rho**lag, dtype=np.float64)
        if self.kind == "ar_white":
            return 0.5 * self.rho**lag + 0.5 * np.eye(n)
        if self.kind == "ema":
            return np.asarray((1 - self.rho) / (1 + self.rho) * self.rho**lag, dtype=np.float64)
        return np.eye(n)


def _ar1(e: NDArray[np.float64], rho: float) -> NDArray[np.float64]:
    from scipy.signal import lfilter

    if not e.size:
        return e
    shocks = e * np.sqrt(1.0 - rho**2)
    shocks[0] = e[0]
    out: NDArray[np.float64] = lfilter([1.0], [1.0, -rho], shocks)
    return out


def ema(y: NDArray[np.float64], factor: float) -> NDArray[np.float64]:
    """Debiased exponential moving average, as viewers draw it."""
    from scipy.signal import lfilter

    weight = 1.0 - factor ** np.arange(1, y.size + 1)
    out: NDArray[np.float64] = lfilter([1.0 - factor], [1.0, -factor], y) / weight
    return out


NOISES: dict[str, Noise] = {
    "white": Noise("white"),
    "ar.5": Noise("ar", 0.5),
    "ar.9": Noise("ar", 0.9),
    "t3": Noise("t3"),
    "heteroscedastic": Noise("heteroscedastic"),
    "multiplicative": Noise("multiplicative"),
    "ema.9": Noise("ema", 0.9),
    "ema.99": Noise("ema", 0.99),
    "quantized": Noise("quantized", size=1000),
    "ar_white": Noise("ar_white", 0.9),
    "none": Noise("none"),
}
"""The kinds of noise by the names that tests and benchmarks use."""


def as_noise(noise: str | Noise) -> Noise:
    """A kind of noise from its name."""
    if isinstance(noise, Noise):
        return noise
    if noise not in NOISES:
        raise unknown_name("kind of noise", noise, NOISES)
    return NOISES[noise]
