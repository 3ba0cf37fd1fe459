"""Learn from finished runs: what sharpens the forecasts of the next one."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ...curves import Curve, DataError, Run, Schedule, UsageError
from ..annealed.learn import learn_shape
from ..annealed.learned import default_prior
from ..annealed.shape import ShapePrior
from ..pool.batch import Floats, Ints
from ..pool.calibration import Stretch
from ..pool.gate import Gate, shipped_gate
from ..pool.opinion import describe
from ..scheduled import logged_schedule
from .experience import RANK, Experience, fingerprint
from .rows import LEAST_POINTS, Rows, rows_of
from .tune import Correction, crps, quantiles, tune

__all__ = ["LEAST_RUNS", "learn"]

LEAST_RUNS = 5
_MOST_ROWS = 6000
_FOLDS = 3
_RIDGE = 1e-4
_SHARES = (0.25, 0.5, 0.75, 1.0)
_GROUPS = 2.0  # the shipped values count as this many groups
_SCHEDULED = 8  # runs that the shape of the schedule's law is learned from
_KNOTS = 200
_KNOWN_SCHEDULES = 8


def learn(
    runs: Sequence[Run | Curve],
    metric: str | None = None,
    *,
    groups: Sequence[str] | None = None,
    base: Gate | None = None,
) -> Experience:
    r"""Learn from finished runs what sharpens the forecasts of the next one of their kind.

    .. math:: W' = W + s\,\frac{G}{G + 2}\,\Delta W

    with the gate's last layer W (and its offsets), the correction :math:`\Delta W` that minimizes the CRPS on these runs,
    the share s that served runs left out best, and the number of groups G.

    Parameters
    ----------
    runs : sequence of Run or Curve
        Finished runs, at least five with 8 points that vary.
    metric : str, optional
        Which curve of each Run; default its main metric.
    groups : sequence of str, optional
        Family of each run, when the next run may be of a new one: families are then left out as a whole, and counted.
        Default: every run is its own.
    base : Gate, optional
        Gate to correct; default the shipped one.

    Returns
    -------
    Experience
        For ``forecast(..., experience=)``; `Experience.save` keeps it, `Experience.summary` says what it holds.

    Raises
    ------
    DataError
        Fewer than five runs that can be learned from.
    UsageError
        As many groups as runs are needed.

    Notes
    -----
    Each curve is cut at 10, 20, ..., 90 % and its later observations are forecast. Whether and how much to learn is
    decided on a third of the groups at a time, left out; without a gain of more than its standard error there the gate
    stays as it is. The width of the intervals comes from the same left-out forecasts. Where at least two runs logged a
    learning rate that changes, the shape of the schedule's law is learned too (with scipy). Same runs, same result.

    Examples
    --------
    >>> import numpy as np
    >>> import curvefit as cf
    >>> x, rng = np.arange(1.0, 61.0), np.random.default_rng(0)
    >>> runs = [cf.Curve(x, 1 + rng.uniform(1, 3) * x**-0.5, metric="val_loss") for _ in range(6)]
    >>> experience = cf.learn(runs)
    >>> experience.runs
    6
    """
    if isinstance(runs, Run | Curve):
        raise UsageError(
            f"learn needs several runs, got one {type(runs).__name__}", hint=f"a list of {LEAST_RUNS} runs at least"
        )
    runs = list(runs)
    named = [_pair(run, metric, i) for i, run in enumerate(runs)]
    if groups is not None and len(groups) != len(runs):
        raise UsageError(f"{len(groups)} groups for {len(runs)} runs", hint="one family per run, such as its task")
    gate = base or shipped_gate()
    rows = rows_of([curve for _, curve in named], most=_MOST_ROWS)
    used = np.unique(rows.curve).tolist()
    if len(used) < LEAST_RUNS:
        raise DataError(
            f"{len(used)} of {len(runs)} runs can be learned from, at least {LEAST_RUNS} are needed",
            code="CF-DATA-007",
            where="learn",
            hint=f"finished runs with at least {LEAST_POINTS} points that vary",
        )
    family = np.array([str(i) if groups is None else str(groups[i]) for i in range(len(runs))])
    _, group = np.unique(family[rows.curve], return_inverse=True)
    count = int(group.max()) + 1
    share, parts = _left_out(gate, rows, group, count)
    correction = tune(gate, rows, _RIDGE).of_rank(RANK).times(share * count / (count + _GROUPS)) if share else None
    worse, better = _widths(gate, rows, parts, share, count)
    before, after = _scores(gate, rows, parts, share)
    after_gate = gate if correction is None else correction.applied(gate)
    scheduled = [(c, s) for i in used if (s := _schedule(*named[i])) is not None for c in [named[i][1]]]
    prior, schedules = _law(scheduled)
    curves = [named[i][1] for i in used]
    return Experience(
        kinds=tuple(sorted({(str(c.kind), str(c.direction)) for c in curves})),
        metrics=tuple(sorted({c.metric.name for c in curves}))[:1000],
        runs=len(used),
        groups=count,
        parts=len(rows),
        base=fingerprint(gate),
        share=share * count / (count + _GROUPS),
        correction=correction,
        worse=worse,
        better=better,
        crps_before=before,
        crps_after=after,
        lean=_lean(gate, after_gate, rows) if correction is not None else {},
        prior=prior,
        schedules=schedules,
    )


def _pair(run: Run | Curve, metric: str | None, place: int) -> tuple[Run | None, Curve]:
    if isinstance(run, Run):
        curve = run[metric or run.main_metric()]
    elif isinstance(run, Curve):
        curve = run
    else:
        raise UsageError(f"runs[{place}] is a {type(run).__name__}", hint="a Run or a Curve, as cf.read returns them")
    curve.metric.need_direction()
    return (run if isinstance(run, Run) else None), curve


def _left_out(gate: Gate, rows: Rows, group: Ints, count: int) -> tuple[float, list[tuple[Ints, Correction]]]:
    """The share of a correction that serves groups left out best (0 when none does), and the corrections of the folds."""
    order = np.random.default_rng(0).permutation(count)
    fold = np.empty(count, dtype=np.int64)
    fold[order] = np.arange(count) % min(_FOLDS, count)
    parts: list[tuple[Ints, Correction]] = []
    if count < 2:
        return 0.0, [(np.arange(len(rows)), Correction.none(gate))]
    for k in range(min(_FOLDS, count)):
        held = np.flatnonzero(fold[group] == k)
        parts.append((held, tune(gate, rows.take(np.flatnonzero(fold[group] != k)), _RIDGE).of_rank(RANK)))
    factor = count / (count + _GROUPS)
    base = _by_group(gate, rows, group, parts, 0.0)
    best, chosen = 0.0, 0.0
    for share in _SHARES:
        gain = base - _by_group(gate, rows, group, parts, share * factor)
        error = float(gain.std(ddof=1)) / gain.size**0.5
        if gain.mean() > max(best, error):
            best, chosen = float(gain.mean()), share
    return chosen, parts


def _by_group(gate: Gate, rows: Rows, group: Ints, parts: list[tuple[Ints, Correction]], share: float) -> Floats:
    """Mean CRPS of each group when it is left out, in units of the mean error of the last value."""
    score = _out_of_fold(gate, rows, parts, share)
    return np.bincount(group, weights=score) / np.bincount(group) / max(float(rows.last.mean()), 1e-300)


def _out_of_fold(gate: Gate, rows: Rows, parts: list[tuple[Ints, Correction]], share: float) -> Floats:
    score = np.empty(len(rows))
    for held, correction in parts:
        score[held] = crps(correction.times(share).applied(gate), rows.take(held)).mean(axis=1)
    return score


def _scores(gate: Gate, rows: Rows, parts: list[tuple[Ints, Correction]], share: float) -> tuple[float, float]:
    unit = max(float(rows.last.mean()), 1e-300)
    before = float(_out_of_fold(gate, rows, parts, 0.0).mean()) / unit
    after = float(_out_of_fold(gate, rows, parts, share).mean()) / unit if share else before
    return before, after


def _widths(
    gate: Gate, rows: Rows, parts: list[tuple[Ints, Correction]], share: float, count: int
) -> tuple[float, float]:
    """Factors on the stretch with which nine tenths of the left-out outcomes lie within each 90 % quantile."""
    stretch = gate.stretch or Stretch(np.ones(6), np.ones(6))
    factors = stretch.factors(np.exp(rows.log_h))
    ratios: list[list[Floats]] = [[], []]
    for held, correction in parts:
        part = rows.take(held)
        made = correction.times(share).applied(gate)
        low, middle, high = np.moveaxis(quantiles(made, part, np.array([0.1, 0.5, 0.9])), 2, 0)
        ratios[0].append(((middle - part.truth) / (middle - low) / factors[held][..., 0]).ravel())
        ratios[1].append(((part.truth - middle) / (high - middle) / factors[held][..., 1]).ravel())
    weight = count / (count + 5 * _GROUPS)
    found = [float(np.quantile(np.concatenate(side), 0.9)) for side in ratios]
    worse, better = (float(np.exp(weight * np.log(np.clip(f, 0.25, 4.0)))) for f in found)
    return round(worse, 4), round(better, 4)


def _lean(before: Gate, after: Gate, rows: Rows) -> dict[str, tuple[float, float]]:
    """Mean exponent, recency and share of "no change" with both gates."""
    values = []
    for gate in (before, after):
        _, believed = gate.mix(rows.features, rows.said, rows.error, rows.own, rows.noise)
        values.append(describe(believed[:, :30], believed[:, 32] + believed[:, 33]).mean(axis=0))
    pairs = np.round(np.array(values).T, 4).tolist()
    return {name: (pair[0], pair[1]) for name, pair in zip(("exponent", "recency", "no_change"), pairs, strict=True)}


def _schedule(run: Run | None, curve: Curve) -> Schedule | None:
    """The learning rate of a finished run, if it says something about the law: it must change after its warm-up."""
    if run is None or run.schedule is None or curve.kind == "reward":
        return None
    schedule, _ = logged_schedule(run, curve)
    if schedule is None or float(schedule.x[-1]) < float(curve.x[-1]) * (1 - 1e-9):
        return None
    keep = np.unique(np.linspace(0, len(schedule) - 1, min(len(schedule), _KNOTS)).round().astype(int))
    jumps = np.flatnonzero(np.abs(np.diff(schedule.rate)) > 0.02 * schedule.peak)[:_KNOTS]
    keep = np.unique(np.r_[keep, jumps, jumps + 1])
    return Schedule(schedule.x[keep], schedule.rate[keep])


def _law(pairs: list[tuple[Curve, Schedule]]) -> tuple[ShapePrior | None, tuple[Schedule, ...]]:
    """Shape of the schedule's law, with a prior that is the narrower the more runs there were, and the schedules."""
    pairs = pairs[:_SCHEDULED]
    if len(pairs) < 2:
        return None, ()
    start = default_prior()
    try:
        shape = learn_shape(pairs, start, of_amplitude=False)
    except DataError:
        return None, ()
    if abs(shape.shape.alpha - start.center.alpha) > 4 * start.alpha_sd or shape.rmse > 0.2:
        return None, ()  # the law does not describe these runs: what it would say of them is noise
    prior = shape.prior(source=f"{shape.runs} of your runs").widened((1 + 4 / shape.runs) ** 0.5)
    return prior, _distinct([s for _, s in pairs])


def _distinct(schedules: list[Schedule]) -> tuple[Schedule, ...]:
    """Schedules that differ by more than a hundredth of the peak somewhere, over their own length."""
    kept: list[tuple[Floats, Schedule]] = []
    for s in schedules:
        shape = s.at(np.linspace(0, float(s.x[-1]), 65)) / s.peak
        if all(np.max(np.abs(shape - other)) > 0.01 for other, _ in kept):
            kept.append((shape, s))
    return tuple(s for _, s in kept[:_KNOWN_SCHEDULES])
