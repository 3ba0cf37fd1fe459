"""Diagnose a run: ``diagnose``."""

from __future__ import annotations

from collections.abc import Iterable

from ..curves import Run
from ..curves._arguments import checked
from ..forecasting.forecast import Forecast
from ._seeds import EACH, Seeds, seeds_of, stem_of, vote
from .diagnosis import Diagnoses
from .evidence import Evidence
from .rules import registry
from .rules._base import ALPHA
from .story import tell

__all__ = ["diagnose", "judge"]


@checked
def diagnose(
    run: Run,
    *,
    metric: str | None = None,
    horizon: float | None = None,
    rules: Iterable[str] | None = None,
    forecast: Forecast | None = None,
) -> Diagnoses:
    """Look for every known pattern in a run.

    Parameters
    ----------
    run : Run
        Curves of one run; a learning-rate schedule explains drops where it is logged. Curves of several seeds, told by
        names such as ``seed_1/val_loss``, are taken together: the course is judged on their mean, what happens to single
        ones (a divergence, spikes) on each.
    metric : str, optional
        The curve that matters; default the run's main metric. Its training or validation partner is found by name.
    horizon : float, optional
        x up to which remaining gains are judged; default the planned length if beyond the data, else twice the data.
    rules : iterable of str, optional
        Names of the rules to apply; default all.
    forecast : Forecast, optional
        Of the curve that matters, one that is already there, its last x the horizon. By default the one that uses the
        run's learning rate and planned length when they are known, as `recommend` and `analyze` do.

    Returns
    -------
    Diagnoses
        One verdict per rule, those present first; `Diagnoses.present` and `Diagnoses.warnings` filter.

    Raises
    ------
    UsageError
        For an unknown metric or rule, or a horizon that is not beyond the data.

    Notes
    -----
    Over all rules together at most one healthy run in twenty gets a false warning or error; measured in
    ``benchmarks/diagnosis``. What one finding explains is not reported a second time.

    Examples
    --------
    >>> import curvefit as cf
    >>> x = list(range(1, 61))
    >>> run = cf.Run("r", {"val_loss": cf.Curve(x, [1.0 + 2.0 * i**-0.7 for i in x], metric="val_loss")})
    >>> [d.name for d in cf.diagnose(run).warnings]
    []
    """
    seeds = seeds_of(run)
    if seeds is None:
        return judge(Evidence(run, metric=metric, horizon=horizon, ahead=forecast), rules)
    if metric is not None and metric not in seeds.mean:
        run[metric]  # an unknown name is an error that lists the choices
        metric = stem_of(metric)
    return _together(seeds, metric, horizon, rules)


def _together(seeds: Seeds, metric: str | None, horizon: float | None, rules: Iterable[str] | None) -> Diagnoses:
    """The course of the mean over seeds, and what happens to single ones."""
    names = list(registry) if rules is None else list(rules)
    pooled = Evidence(seeds.mean, metric=metric, horizon=horizon)
    single = [
        Evidence(one, metric=metric if metric in one else None, horizon=horizon if _ahead(one, horizon) else None)
        for one in seeds.each
    ]
    return Diagnoses(
        seeds.mean.name,
        tell(
            vote(seeds.labels, [registry[name](e) for e in single], ALPHA) if name in EACH else registry[name](pooled)
            for name in names
        ),
    )


def _ahead(run: Run, horizon: float | None) -> bool:
    return horizon is not None and all(horizon > c.x[-1] for c in run.curves.values() if len(c))


def judge(evidence: Evidence, rules: Iterable[str] | None = None) -> Diagnoses:
    """Apply the rules, default all, to evidence that is there already."""
    names = list(registry) if rules is None else list(rules)
    if rules is None and evidence.main is not None:
        evidence.forecast(evidence.main)  # before the residuals of every observation are kept: it needs the most room
    return Diagnoses(evidence.run.name, tell(registry[name](evidence) for name in names))
