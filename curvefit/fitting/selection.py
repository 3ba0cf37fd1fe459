"""Choose among laws, by information criteria or by forecasting from earlier origins, and average over what is left open."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal, get_args

import numpy as np
from numpy.typing import ArrayLike

from ..curves import Curve, Prediction, Status, UsageError
from ..curves._arguments import checked
from ..curves._checks import check_level
from ..models import Array, Model
from ..models.noise import Noise
from ._information import information
from .fit import find_model, fit
from .record import Fit

__all__ = ["CANDIDATES", "Candidate", "Criterion", "Selection", "select"]

Criterion = Literal["aicc", "bic", "rolling"]
CANDIDATES = ("constant", "log_linear", "power_law", "exponential", "mmf", "stretched_exponential", "log_law")
_ORIGINS = (0.3, 0.4, 0.5, 0.6, 0.7, 0.8)  # share of the points seen; each forecasts the next tenth to doubling of x
_TIE = 2.0


@dataclass(frozen=True, slots=True)
class Candidate:
    """One law in a comparison.

    Attributes
    ----------
    fit : Fit
        Fitted to the whole curve.
    score : float
        The criterion, smaller is better; infinite where the law could not be fitted.
    delta : float
        Score minus the best score.
    weight : float
        Share of belief, proportional to ``exp(-delta / 2)``.
    """

    fit: Fit
    score: float
    delta: float
    weight: float

    @property
    def name(self) -> str:
        """Name of the law."""
        return self.fit.model.name


@dataclass(frozen=True, eq=False)
class Selection:
    """Laws ranked on one curve.

    Attributes
    ----------
    criterion : {"aicc", "bic", "rolling"}
        What they are ranked by.
    candidates : tuple of Candidate
        Best first.
    refused : mapping of str to str
        Laws that could not be fitted, and why.
    """

    criterion: Criterion
    candidates: tuple[Candidate, ...]
    refused: dict[str, str] = field(default_factory=dict)

    @property
    def best(self) -> Fit:
        """Fit of the law ranked first; its intervals are conditional on the selected model."""
        return self.candidates[0].fit

    @property
    def tied(self) -> tuple[Candidate, ...]:
        """Laws within two units of the best: the data do not tell them apart."""
        return tuple(c for c in self.candidates if c.delta <= _TIE)

    @property
    def status(self) -> Status:
        """DEGRADED when the best law's fit is, or several laws tie."""
        return Status.DEGRADED if len(self.tied) > 1 or self.best.status is not Status.OK else Status.OK

    @property
    def caveat(self) -> str:
        """What has to be said beside every interval of the best law."""
        others = [c.name for c in self.tied[1:]]
        rest = f"; {', '.join(others)} fit{'s' * (len(others) == 1)} as well" if others else ""
        return f"conditional on the selected model ({self.best.model.name}){rest}"

    @checked
    def predict(
        self,
        x: ArrayLike,
        interval: Literal["confidence", "prediction"] | None = "confidence",
        level: float = 0.95,
        *,
        method: str = "profile_likelihood",
    ) -> Prediction:
        r"""Average of the laws by weight, with the interval of the mixture.

        .. math:: \bar f(x) = \sum_m w_m \hat f_m(x)

        Parameters
        ----------
        x : array-like, shape (m,), or float
            Where.
        interval : {"confidence", "prediction"}, optional
            Of the mean curve or of a new observation.
        level : float
            Nominal coverage.
        method : str
            Interval method within each law.

        Returns
        -------
        Prediction
            Ends are the quantiles of the mixture of the laws' own distributions, each a pair of half-normals through
            its interval. Left out are laws with less than 1 % of the weight, and laws that see no trend where one
            without shape parameters scores better: their shapes mean nothing.

        References
        ----------
        Buckland, Burnham and Augustin (1997), Model selection: an integral part of inference. Biometrics 53, 603-618.
        """
        check_level(level)
        simple = min((c.score for c in self.candidates if not c.fit.model.shape), default=math.inf)
        idle = [c for c in self.candidates if c.fit.model.shape and c.score >= simple and _no_trend(c.fit)]
        kept = [c for c in self.candidates if c.weight >= 0.01 and c not in idle]
        kept = kept or [self.candidates[0]]
        weights = np.array([c.weight for c in kept])
        weights = weights / weights.sum()
        parts = [c.fit.predict(x, interval, level, method=method) for c in kept]
        means = np.array([p.mean for p in parts])
        mean = weights @ means
        if interval is None:
            return Prediction(parts[0].x, mean, np.full_like(mean, np.nan), np.full_like(mean, np.nan), None, level)
        low, high = _mixture(means, np.array([p.low for p in parts]), np.array([p.high for p in parts]), weights, level)
        return Prediction(parts[0].x, mean, np.minimum(low, mean), np.maximum(high, mean), interval, level)

    def summary(self) -> str:
        """Table of the laws, best first, at most 80 columns."""
        lines = [f"laws ranked by {_LABELS[self.criterion]}", f"  {'law':<32}{'difference':>12}{'weight':>9}  status"]
        for c in self.candidates:
            lines.append(f"  {c.name[:31]:<32}{c.delta:>12.2f}{c.weight:>9.3f}  {c.fit.status.code}")
        lines += [f"  {name[:31]:<32}{'':>12}{'':>9}  {why}"[:80] for name, why in self.refused.items()]
        return "\n".join([*lines, f"intervals of the first are {self.caveat}"])

    def __str__(self) -> str:
        return self.summary()


_LABELS = {
    "aicc": "AICc (AR(1) likelihood)",
    "bic": "BIC (AR(1) likelihood, effective n)",
    "rolling": "forecasts from earlier origins (-2 log score)",
}


@checked
def select(
    curve: Curve,
    models: Sequence[str | Model] | None = None,
    criterion: Criterion = "aicc",
    *,
    noise: str | Noise = "auto",
) -> Selection:
    r"""Fit several laws and rank them.

    .. math:: \mathrm{AICc} = -2 \ln L + 2k + \frac{2k(k+1)}{n-k-1}, \qquad
              \mathrm{BIC} = -2 \ln L + k \ln n_\mathrm{eff}

    Parameters
    ----------
    curve : Curve
        The data.
    models : sequence of str or Model, optional
        Candidates; default seven laws with up to four parameters.
    criterion : {"aicc", "bic", "rolling"}
        L is the likelihood of AR(1) noise about each law's curve, so that correlated points count once; k counts the
        parameters, the noise level and its correlation. ``"rolling"`` forecasts later points from the first 30 to 80 %
        and sums the squared errors.
    noise : str or Noise
        As for `fit`.

    Returns
    -------
    Selection

    Raises
    ------
    UsageError
        Unknown criterion or model, or no model.

    Notes
    -----
    The best description of the past is often not the best forecast: prefer ``"rolling"`` when the value at a later x is
    what matters. Information criteria that take residuals for independent prefer too many parameters when neighbors are
    correlated.

    References
    ----------
    Burnham and Anderson (2002), Model Selection and Multimodel Inference. Springer.
    """
    if criterion not in get_args(Criterion):
        raise UsageError(
            f"criterion {criterion!r}", code="CF-USE-008", hint=f"choices: {', '.join(get_args(Criterion))}"
        )
    laws = [find_model(m) for m in (CANDIDATES if models is None else models)]
    if not laws:
        raise UsageError("no models to choose from", code="CF-USE-008")
    fits, refused = [], {}
    for law in laws:
        found = fit(curve, law, noise=noise)
        if found.core is None or found.model != law:
            why = found.failure[1] if found.failure else found.status.value
            refused[law.name] = why
        else:
            fits.append(found)
    if not fits:
        only = fit(curve, laws[0], noise=noise)
        return Selection(criterion, (Candidate(only, math.inf, 0.0, 1.0),), refused)
    scores = _rolling(curve, fits, noise) if criterion == "rolling" else information(fits, criterion)
    order = np.argsort(scores, kind="stable")
    best = float(scores[order[0]])
    deltas = np.where(np.isfinite(scores), scores - best, np.inf) if math.isfinite(best) else np.zeros(len(fits))
    weights = np.exp(-0.5 * deltas)
    weights = weights / weights.sum()
    ranked = tuple(Candidate(fits[i], float(scores[i]), float(deltas[i]), float(weights[i])) for i in order)
    return Selection(criterion, ranked, refused)


def _no_trend(found: Fit) -> bool:
    return any(d.name == "trend" and not d.ok for d in found.checks)


def _rolling(curve: Curve, fits: Sequence[Fit], noise: str | Noise) -> Array:
    """Squared errors of forecasts from earlier origins, as -2 log likelihood with one error scale for all laws."""
    x, y = curve.x, curve.y
    errors = np.full((len(fits), len(_ORIGINS)), np.nan)
    for j, share in enumerate(_ORIGINS):
        seen = int(share * x.size)
        if seen < 6 or seen >= x.size:
            continue
        past = Curve(x[:seen], y[:seen], curve.metric, x_unit=curve.x_unit, bounds=curve.bounds)
        ahead = (x > x[seen - 1]) & (x <= 2 * x[seen - 1])
        if not ahead.any():
            continue
        for i, whole in enumerate(fits):
            found = fit(past, whole.model, noise=noise)
            if found.core is not None:
                error = y[ahead] - found.predict(x[ahead]).mean
                errors[i, j] = float(np.mean(error * error))
    valid = np.all(np.isfinite(errors), axis=0)
    if not valid.any():
        raise UsageError(
            "the curve is too short to forecast from earlier origins", code="CF-USE-008", hint="criterion='aicc'"
        )
    total = errors[:, valid].mean(axis=1)
    # errors of overlapping forecasts are dependent: each origin counts as one independent comparison
    return np.asarray(valid.sum() * np.log(np.maximum(total, 1e-300)))


def _mixture(means: Array, low: Array, high: Array, weights: Array, level: float) -> tuple[Array, Array]:
    """Quantiles of a mixture of two-piece normals, one per law, by bisection; laws without an interval have no width."""
    from scipy.special import ndtr, ndtri

    z = float(ndtri(0.5 + level / 2))
    tail = (1 - level) / 2
    left = np.where(np.isfinite(low), (means - low) / z, np.where(np.isnan(low), 0.0, np.inf))
    right = np.where(np.isfinite(high), (high - means) / z, np.where(np.isnan(high), 0.0, np.inf))

    def cdf(v: Array) -> Array:
        width = np.where(v < means, left, right)
        with np.errstate(divide="ignore", invalid="ignore"):
            t = np.where(width > 0, (v - means) / width, np.where(v >= means, np.inf, -np.inf))
        return np.asarray(weights @ ndtr(np.where(np.isnan(t), 0.0, t)))

    ends = []
    for goal, finite in ((tail, low), (1 - tail, high)):
        known = np.where(np.isfinite(finite), finite, means)
        a, b = known.min(axis=0), known.max(axis=0)
        span = np.maximum(b - a, 1e-12 * np.maximum(np.abs(a), np.abs(b)))
        a, b = a - span, b + span
        for _ in range(80):
            middle = 0.5 * (a + b)
            under = cdf(middle) < goal
            a, b = np.where(under, middle, a), np.where(under, b, middle)
        found = 0.5 * (a + b)
        open_share = weights @ (np.isinf(left) if goal < 0.5 else np.isinf(right))
        sign = -1.0 if goal < 0.5 else 1.0
        ends.append(np.where(0.5 * open_share > tail, sign * np.inf, found))
    return ends[0], ends[1]
