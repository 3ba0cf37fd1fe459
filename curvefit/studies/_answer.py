"""Every question to every run of a unit of work, curves side by side where the mathematics allows."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from functools import partial

import numpy as np
from numpy.typing import NDArray

from ..analysis import LAWS, sampled, within_reach
from ..curves import Curve, CurvefitError, DataError, Estimate, Run, Status
from ..curves.numbers import format_x
from ..decisions._gain import smallest_gain
from ..decisions.recommend import recommend
from ..diagnostics._together import in_turn
from ..diagnostics.api import judge
from ..diagnostics.evidence import Evidence, future_grid
from ..estimands import Question, coarse_grid
from ..estimands import registry as estimands
from ..estimands.api import answer_many
from ..fitting.fit import fit
from ..fitting.selection import Candidate, Selection, select
from ..forecasting.api import forecast, forecast_many
from ..forecasting.forecast import Forecast
from ..forecasting.planned.ending import default_horizon
from ..forecasting.scheduled import forecast_run, logged_schedule
from ..segmentation.segmented_regression import segment
from ._case import Case
from ._rows import Rows, forecasts_told
from .config import ALL, BatchConfig, horizon_of

__all__ = ["answer"]

_Array = NDArray[np.float64]


def answer(runs: Sequence[Run], config: BatchConfig, rows: Rows, number: int) -> None:
    """Ask every question of the configuration to every run and add the rows.

    Parameters
    ----------
    runs : sequence of Run
        Runs of one unit of work.
    config : BatchConfig
        The questions.
    rows : Rows
        Where the answers go.
    number : int
        Of the unit.
    """
    listed: list[Case | Callable[[], None]] = []
    for run in runs:
        listed += _cases(run, config, rows, number)
    cases = [case for case in listed if isinstance(case, Case)]
    _forecast_all(cases, config)
    for case in cases:
        with case.attempt("laws"):
            _laws(case, config, rows)
    _estimate_all(cases, config)
    if config.wants("diagnoses", "recommendations"):
        _diagnose_all(cases, config)
    if config.wants("forecasts"):
        _tell_forecasts(cases, config)
    for entry in listed:
        if isinstance(entry, Case):
            _write(entry, config, rows, number)
        else:
            entry()  # the row of a refusal, in its turn


def _cases(run: Run, config: BatchConfig, rows: Rows, number: int) -> list[Case | Callable[[], None]]:
    out: list[Case | Callable[[], None]] = []
    run = config.directed(run)
    for metric in _metrics(run, config):
        curve: Curve | None = None
        name = metric or None
        try:
            name = metric or run.main_metric()
            curve = run[name]
            curve.metric.need_direction()
            if not len(curve):
                raise DataError("no finite values", where=f"{run.name}: {name}")
        except CurvefitError as error:
            if name is None:  # what was logged, if nothing of it is finite
                lost = ((k, c) for k, c in run.curves.items() if c.direction is not None and c.nonfinite_x.size)
                name, curve = next(lost, (None, None))
            told = {"metric": name, "status": "refused", "code": error.code, "reason": error.what, "part": number}
            out.append(partial(rows.run, run.name, run, curve, **told))
            continue
        case = Case(run, name, curve)
        _horizons(case, config)
        out.append(case)
    return out


def _metrics(run: Run, config: BatchConfig) -> list[str]:
    """Names to work on; "" where the run's main one is looked for."""
    names = [n for n, c in run.curves.items() if c.direction is not None and not c.metric.auxiliary]
    asked = [name for one in config.metrics for name in (names if one == ALL else [one])]
    return list(dict.fromkeys(asked)) or [""]


def _horizons(case: Case, config: BatchConfig) -> None:
    curve, last = case.curve, float(case.curve.x[-1])
    horizons: list[tuple[float, str]] = []
    for text in config.horizons:
        kind, number = horizon_of(text)
        if kind == "planned":
            own, source = default_horizon(case.run, curve)
            case.asked.append((text, own))
            horizons.append((own, source))
            continue
        x = number if kind == "x" else number * last
        if np.isfinite(x) and x > last:
            case.asked.append((text, x))
            horizons.append((x, "asked"))
        else:
            case.beyond.append((text, x, f"not beyond the last {curve.x_unit}, {format_x(last)}"))
    if horizons:  # of equals, what was asked for
        case.horizon, case.horizon_from = max(horizons, key=lambda h: (h[0], h[1] == "asked"))
    else:
        case.status, case.code = "degraded", "CF-USE-007"
        case.reasons.append(f"no horizon is beyond the last {curve.x_unit}, {format_x(last)}")


# ------------------------------------------------------------------ forecasts


def _forecast_all(cases: list[Case], config: BatchConfig) -> None:
    """Forecasts to every horizon, of all curves without a logged learning rate at once."""
    whole = config.wants("estimates", "recommendations")
    if not (whole or config.wants("forecasts")):
        return
    # a recommendation and a target look at every x of the grid, the rest at fewer where the course is smooth
    smooth = config.method == "pooled" and config.target is None and not config.wants("recommendations")
    blind: list[tuple[Case, str, _Array]] = []
    for case in cases:
        for text, x in dict(case.asked).items():
            scheduled = config.method in ("pooled", "annealed") and logged_schedule(case.run, case.curve)[0] is not None
            grid = np.array([x])
            if whole and x == case.horizon:
                grid = (coarse_grid if smooth and not scheduled else future_grid)(case.curve, x)
            if scheduled:
                with case.attempt("forecast"):
                    _keep(
                        case,
                        text,
                        forecast_run(case.run, case.curve, grid, method=config.method, level=config.level)[0],
                    )
            else:
                blind.append((case, text, grid))
    method = "pooled" if config.method == "annealed" else config.method
    for (case, text, _), made in zip(blind, _together([(c, c.curve, g) for c, _, g in blind], method), strict=True):
        if made is not None:
            _keep(case, text, made)


def _keep(case: Case, asked: str, made: Forecast) -> None:
    case.others[asked] = made
    if float(made.x[-1]) == case.horizon:
        case.ahead = made


def _together(asked: Sequence[tuple[Case, Curve, _Array]], method: str = "pooled") -> list[Forecast | None]:
    """Forecasts of many curves at once; one by one when some curve cannot be forecast."""
    if not asked:
        return []
    try:
        return list(forecast_many([c for _, c, _ in asked], [x for _, _, x in asked], method=method))
    except (CurvefitError, ArithmeticError, ValueError):
        out: list[Forecast | None] = []
        for case, curve, x in asked:
            made: Forecast | None = None
            with case.attempt("forecast"):
                made = forecast(curve, x, method=method)
            out.append(made)
        return out


# ------------------------------------------------------------------ laws and estimates


def _laws(case: Case, config: BatchConfig, rows: Rows) -> None:
    if not (config.models and config.wants("parameters", "comparison", "estimates")):
        return
    curve, run, metric = case.curve, case.run.name, case.metric
    auto = config.models == ("auto",)
    seen = sampled(curve)
    names = LAWS["falling" if curve.direction == "min" else "saturating"] if auto else config.models
    near = within_reach(seen, names) if auto and len(names) > 1 else names
    if len(near) == 1:
        selection = Selection(config.criterion, (Candidate(fit(curve, near[0]), float("nan"), 0.0, 1.0),))
    else:
        selection = select(seen, near, config.criterion)
    best = selection.best
    case.law = best if len(best.curve) == len(curve) else fit(curve, best.model)
    if config.wants("comparison"):
        rows.comparison(run, metric, selection, [n for n in names if n not in near])
    if config.wants("parameters"):
        rows.parameters(run, metric, case.law, config.level)
        for candidate in selection.candidates[1:] if not auto else ():
            law = candidate.fit
            rows.parameters(run, metric, law if len(law.curve) == len(curve) else fit(curve, law.model), config.level)


def _estimate_all(cases: list[Case], config: BatchConfig) -> None:
    """Quantities of interest: one after the other for all curves, since quantiles are solved for many at once."""
    if not config.wants("estimates"):
        return
    names = [n for n in (config.estimands or tuple(estimands)) if n != "target_reached" or config.target is not None]
    questions: list[tuple[Case, Question]] = []
    for case in cases:
        with case.attempt("estimates"):
            ahead = case.ahead
            gain = smallest_gain(config.min_gain, case.curve, ahead.level_now, ahead.noise)[0] if ahead else 0.0
            questions.append(
                (
                    case,
                    Question(
                        case.curve, ahead, case.law, case.horizon, config.target, level=config.level, min_gain=gain
                    ),
                )
            )
    for name in names:
        for (case, _), found in zip(questions, _answers(questions, name), strict=True):
            if found is not None:
                case.estimates.append(found)


def _answers(questions: list[tuple[Case, Question]], name: str) -> Sequence[Estimate | None]:
    """One quantity of all curves at once; one by one when that fails for some curve."""
    try:
        return answer_many([q for _, q in questions], name)
    except (CurvefitError, ArithmeticError, ValueError, LookupError, TypeError, MemoryError):
        out: list[Estimate | None] = []
        for case, question in questions:
            one: Estimate | None = None
            with case.attempt(name):
                one = estimands[name](question)
            out.append(one)
        return out


# ------------------------------------------------------------------ diagnoses


def _diagnose_all(cases: list[Case], config: BatchConfig) -> None:
    asked: list[tuple[Case, Curve, _Array]] = []
    for case in cases:
        with case.attempt("diagnoses"):
            if case.ahead is not None and case.ahead.x.size > 1:  # what the rest is judged by
                case.evidence = Evidence(case.run, metric=case.metric, horizon=case.horizon, ahead=case.ahead)
                continue
            case.evidence = Evidence(case.run, metric=case.metric, horizon=case.horizon, forecasting=_prepared(case))
            future = case.evidence.future(case.metric)
            if future is not None and logged_schedule(case.run, case.curve)[0] is None:
                asked.append((case, case.curve, coarse_grid(case.curve, float(future[-1]))))
    for (case, _, _), made in zip(asked, _together(asked), strict=True):
        if made is not None:
            case.soon = made
    ready = [case for case in cases if case.evidence is not None]
    for case, evidence in zip(ready, in_turn(case.evidence for case in ready if case.evidence), strict=True):
        with case.attempt("diagnoses"):
            case.diagnoses = judge(evidence, config.rules or None)
        case.evidence = None  # the facts about a few runs are enough to hold


def _prepared(case: Case) -> Callable[[Curve, _Array], Forecast]:
    def look_up(curve: Curve, x: _Array) -> Forecast:
        made = case.soon
        if made is None or curve is not case.curve:
            made = forecast_run(case.run, curve, future_grid(curve, float(x[-1])))[0]
        return made.at(np.searchsorted(made.x, x))

    return look_up


# ------------------------------------------------------------------ rows


def _tell_forecasts(cases: list[Case], config: BatchConfig) -> None:
    """What every forecast says at its horizon, of all curves at once; what fails is told with its run."""
    every = [(case, text, made) for case in cases for text, made in case.others.items()]
    with suppress(CurvefitError, ArithmeticError, ValueError, LookupError, TypeError, MemoryError):
        found = forecasts_told([made for *_, made in every], config.level)
        for (case, text, _), told in zip(every, found, strict=True):
            case.told[text] = told


def _write(case: Case, config: BatchConfig, rows: Rows, number: int) -> None:
    run, metric, level = case.run.name, case.metric, config.level
    if config.wants("forecasts"):
        for text, x in case.asked:
            made = case.others.get(text)
            if made is None:
                rows.no_forecast(run, metric, text, x, level, "; ".join(case.reasons) or "no forecast")
            else:
                with case.attempt("forecasts"):
                    rows.forecast(run, metric, text, level, made, case.told.get(text))
        for text, x, why in case.beyond:
            rows.no_forecast(run, metric, text, x, level, why)
    for found in case.estimates:
        rows.estimate(run, metric, found, level)
    if config.wants("breakpoints"):
        with case.attempt("breakpoints"):
            rows.breakpoints(run, metric, segment(case.curve, level=level))
    if config.wants("diagnoses") and case.diagnoses is not None:
        rows.diagnoses(run, metric, case.diagnoses)
    if config.wants("recommendations") and case.ahead is not None and case.diagnoses is not None:
        with case.attempt("recommendation"):
            found_best = recommend(
                case.run,
                metric=metric,
                # a run whose plan is reached is not told to go on unless more is asked about
                horizon=case.horizon if case.horizon_from == "asked" else None,
                cost_per_unit=config.cost_per_unit,
                worth_per_unit=config.worth_per_unit,
                min_gain=config.min_gain,
                target=config.target,
                best=config.best,
                forecast=case.ahead,
                diagnoses=case.diagnoses,
            )
            rows.recommendation(run, metric, found_best)
    usable = case.ahead is None or case.ahead.status in (Status.OK, Status.DEGRADED)
    if not usable and case.ahead is not None and case.status == "ok":
        case.status, case.code = "degraded", case.ahead.status.code
        case.reasons += case.ahead.reasons
    rows.run(
        run,
        case.run,
        case.curve,
        metric=metric,
        status=case.status,
        code=case.code,
        reason="; ".join(dict.fromkeys(_plain(case.reasons))) or None,
        level_now=case.ahead.level_now if case.ahead is not None else None,
        noise=case.ahead.noise if case.ahead is not None else None,
        horizon=case.horizon,
        horizon_from=case.horizon_from,
        part=number,
    )


def _plain(reasons: Iterable[str]) -> list[str]:
    return [r.encode("utf-8", "backslashreplace").decode("utf-8") for r in reasons]
