"""Should this run go on, and until when? The answer with its arithmetic."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from ..curves import Curve, DataError, Estimate, Interval, Run, Status
from ..curves._arguments import checked
from ..curves.numbers import format_number, format_probability, format_x
from ..diagnostics.api import diagnose
from ..diagnostics.diagnosis import Diagnoses, Diagnosis
from ..diagnostics.evidence import check_begins, future_grid
from ..estimands.api import estimate
from ..forecasting.forecast import Forecast
from ..forecasting.forecasters._rates import rate_ahead
from ..forecasting.learning.experience import Experience
from ..forecasting.planned.ending import decay_end, default_horizon
from ..forecasting.scheduled import forecast_run
from ._gain import Gains, smallest_gain
from ._numbers_given import check_prices, check_values
from .recommendation import Action, Recommendation

__all__ = ["recommend"]

STOP_BELOW = 0.1  # P(worthwhile gain) below which going on is not worth it
FEW = 20  # points below which an undecided curve is never stopped
HOPELESS_BELOW = 0.05  # P(target or best ever reached) below which it is called out of reach
WORTH_SAYING = 0.25  # P(worthwhile gain) below which "train on" would say too much: prices must decide
UNLIKELY = 0.4  # P(worthwhile gain) below which a run that cannot beat its own best is not worth going on
NO_TIME = "x is the size of a model, not training time: there is nothing to train on or to stop"


@checked
def recommend(
    run: Run | Curve,
    *,
    metric: str | None = None,
    horizon: float | None = None,
    cost_per_unit: float | None = None,
    worth_per_unit: float | None = None,
    min_gain: float | str | None = None,
    target: float | None = None,
    best: float | None = None,
    forecast: Forecast | None = None,
    diagnoses: Diagnoses | None = None,
    experience: Experience | None = None,
    best_point: Estimate | None = None,
) -> Recommendation:
    r"""Stop, train on, ask a person, or say that it cannot be told yet.

    .. math:: P(\mathrm{gain}(H) \ge g_{\min}), \qquad
              x^* = \arg\max_x\; w\,E[\max(0, \mathrm{gain}_{\mathrm{kept}}(x))] - c\,(x - x_T)

    Parameters
    ----------
    run : Run or Curve
        What has been seen.
    metric : str, optional
        Curve to decide on; default the run's main one.
    horizon : float, optional
        x up to which the question is asked; default the planned length, else the end of the decay that the learning
        rate is in, else twice the data.
    cost_per_unit, worth_per_unit : float, optional
        Cost of one unit of x and worth of one unit of the metric, in one currency; both or neither.
    min_gain : float or str, optional
        Smallest gain that matters: a number in the metric's unit, ``"1%"`` of the level now, or ``"2 sigma"`` of the
        noise. Default 2 % of the improvement so far, at least a tenth of the noise.
    target : float, optional
        Value to reach.
    best : float, optional
        Best value of earlier runs, to beat; taken to be as noisy as this run's observations.
    forecast : Forecast, optional
        One that is already there, its last x the horizon. By default the one that uses the run's learning rate and
        planned length when they are known.
    diagnoses : Diagnoses, optional
        Those that are already there.
    experience : Experience, optional
        What `curvefit.learn` learned from earlier runs, for the forecast when none is given.
    best_point : Estimate, optional
        The checkpoint to keep (``curvefit.estimate(curve, "best_point")``), one that is already there.

    Returns
    -------
    Recommendation
        Action, x*, probability, gain, and every number they rest on.

    Raises
    ------
    UsageError
        Only one of cost and worth, a negative price, a min_gain that makes no sense, a horizon inside the data, a target or
        best value outside of the bounds of the metric.
    DataError
        No finite point, or an unknown direction.

    Notes
    -----
    Gains are those of the mean curve against its local mean now, not of single noisy values; what prices are weighed
    by counts over the checkpoint that is kept, where that is better, and leaves out what is not known of the mean now.
    STOP needs
    P(gain >= min_gain) below 0.1, a best net worth of 0, a target that is reached (where no prices are given), a goal out of
    reach or a planned length that is reached, and is never said of a run that is too
    short to tell (fewer than 20 points with an undecided plateau, or an underdetermined run) or that levels off under a
    learning rate that has not been lowered yet: annealing would still bring something. A probability from 0.1 to 0.25
    with a median gain below min_gain is COLLECT_MORE where no prices are given. Along parameters, where no run
    goes on, the answer is COLLECT_MORE with the probability of the gain, unless prices ask how large a model pays.
    """
    if isinstance(run, Curve):
        run = Run(run.metric.name, {run.metric.name: run})
    metric = metric or run.main_metric()
    curve = run[metric]
    check_prices(cost_per_unit, worth_per_unit)
    if not len(curve):
        raise DataError("no finite values: there is nothing to decide on", where=f"{run.name}: {metric}")
    check_values(curve, horizon, target, best)
    alone = forecast is None  # else whoever made it says up to where and why
    if forecast is None:
        ahead = future_grid(curve, default_horizon(run, curve)[0] if horizon is None else horizon)
        forecast, _ = forecast_run(run, curve, ahead, experience=experience)
    else:
        check_begins(forecast, curve, horizon)
    if diagnoses is None:
        diagnoses = diagnose(run, metric=metric, horizon=horizon, forecast=forecast)
    gains = Gains.of(forecast)
    gain, why_gain = smallest_gain(min_gain, curve, forecast.level_now, forecast.noise)
    keep = estimate(curve, "best_point") if best_point is None else best_point
    case = _Case(run, curve, metric, forecast, gains, gain, why_gain, gains.probability(gain), diagnoses, keep)
    case.done = (
        horizon is None and target is None and run.horizon is not None and float(curve.x[-1]) >= 0.999 * run.horizon
    )
    case.note("level_now", forecast.level_now)
    case.note("min_gain", gain)
    case.note("probability", case.probability)
    case.note("probability_better", float(gains.ever(keep.details["value"] - gains.sign * gain)[-1]))
    case.note("expected_gain_at_horizon", float(gains.expected(-1)[0]))
    if cost_per_unit is not None and worth_per_unit is not None:
        case.note("cost_per_unit", cost_per_unit)
        case.note("worth_per_unit", worth_per_unit)
    if target is not None:
        case.note("probability_target", float(gains.ever(target)[-1]))
    if best is not None:
        case.note("probability_beats_best", float(gains.beats(best, forecast.noise)[-1]))
    if alone and horizon is None and run.horizon is not None and float(curve.x[-1]) >= run.horizon and not case.done:
        behind = f"the planned length, {curve.x_unit} {format_x(run.horizon)}, is reached"
        case.also.append(f"{behind}: asked is up to twice the data, {curve.x_unit} {format_x(case.horizon)}")
    if warning := rate_ahead(forecast.explanation, curve, case.horizon):
        case.also.append(warning)
    for rule in (_person_needed, _too_little):
        answer = rule(case)
        if answer is not None:
            return answer
    if target is not None and case.gains.sign * (forecast.level_now - target) <= 0:
        there = f"the target {format_number(target, digits=6)} has been reached: the local mean is {format_number(forecast.level_now)}"
        if cost_per_unit is None and curve.x_unit != "parameter":
            return case.answer(Action.STOP, there, f"if the run went on: {case.chance()}")
        case.also.append(there)
        target = None
    if best is not None and case.gains.sign * (forecast.level_now - best) <= 0:
        beaten = f"the best earlier value {format_number(best, digits=6)} is beaten: the local mean is {format_number(forecast.level_now)}"
        always = case.gains.sign * (float(curve.y[0]) - best) <= 0
        case.also.append(beaten + ("; even the first value was better: is it of this metric?" if always else ""))
        best = None
    hopeless = _hopeless(case, target, best)
    if curve.x_unit == "parameter" and cost_per_unit is None:
        return case.answer(Action.COLLECT_MORE, NO_TIME, case.chance() if hopeless is None else hopeless.reasons[0])
    if hopeless is not None:
        return hopeless
    if cost_per_unit is not None and worth_per_unit is not None:
        return _by_worth(case, cost_per_unit, worth_per_unit)
    return _by_gain(case, target)


@dataclass(slots=True)
class _Case:
    """What the rules look at, and the arithmetic they leave behind."""

    run: Run
    curve: Curve
    metric: str
    forecast: Forecast
    gains: Gains
    min_gain: float
    why_gain: str
    probability: float
    diagnoses: Diagnoses
    keep: Estimate
    arithmetic: dict[str, float] = field(default_factory=dict)
    also: list[str] = field(default_factory=list)
    done: bool = False  # the planned length is reached, and nobody asks about more

    @property
    def horizon(self) -> float:
        return float(self.forecast.x[-1])

    @property
    def kept(self) -> float:
        """What stopping now leaves: the level now, or the local mean at an earlier point where that is better."""
        best = self.gains.sign * float(self.keep.details["value"])
        return self.gains.sign * min(best, self.gains.sign * self.forecast.level_now)

    @property
    def unit(self) -> str:
        return self.curve.metric.unit

    def note(self, name: str, value: float) -> None:
        self.arithmetic[name] = value

    def found(self, *names: str) -> Diagnosis | None:
        return next((d for d in self.diagnoses.present if d.name in names), None)

    def undecided(self, name: str) -> bool:
        return any(d.name == name for d in self.diagnoses.undecided)

    def chance(self) -> str:
        meaning = "" if self.why_gain == "as given" else f", {self.why_gain},"
        said = (
            f"P(gain of at least {format_number(self.min_gain, digits=3)}{meaning} by {self.curve.x_unit} "
            f"{format_x(self.horizon)}) = {format_probability(self.probability)}"
        )
        behind = self.gains.sign * (self.forecast.level_now - float(self.keep.details["value"]))
        if behind > self.min_gain and "probability_better" in self.arithmetic:
            said += (
                f" over the level now, {format_probability(self.arithmetic['probability_better'])} over the best so far"
            )
        return said

    def answer(self, action: Action, *reasons: str, at: int | None = None) -> Recommendation:
        value: Estimate | None = None
        if at is not None:
            low, middle, high = self.forecast.at(at).mean([0.025, 0.5, 0.975])[0]
            value = Estimate(
                "expected_value",
                float(middle),
                Interval(float(low), float(high), 0.95, "confidence", self.forecast.method),
                self.unit,
            )
        reasons += tuple(self.also)
        if self.curve.metric.split == "test":
            reasons += ("this is the test split: deciding on it leaves no unseen data to judge the result by",)
        gain = self.arithmetic["expected_gain_at_horizon"]
        if at is not None and at < len(self.gains.x) - 1:
            gain = float(self.gains.expected(at)[0])
        until = None if at is None else _round_x(float(self.forecast.x[at]), self.curve, self.horizon)
        return Recommendation(
            action, self.metric, until, value, self.keep.value, self.probability, gain,
            self.min_gain, self.horizon, tuple(r for r in reasons if r), self.arithmetic,
        )  # fmt: skip


def _round_x(x: float, curve: Curve, horizon: float) -> float:
    """A fiftieth of the way still to go is all a recommendation means; never beyond the horizon."""
    last = float(curve.x[-1])
    step = 10.0 ** np.floor(np.log10(max(horizon - last, 1e-300) / 50))
    if curve.x_unit in ("step", "epoch", "token", "sample", "iteration"):
        step = max(step, 1.0)
    return float(min(np.ceil(x / step) * step, horizon))


def _person_needed(case: _Case) -> Recommendation | None:
    broken = next((d for d in case.diagnoses.present if d.severity == "error"), None)
    if broken is not None:
        return case.answer(Action.INTERVENE, f"{broken.name.replace('_', ' ')}: {broken.explanation}", broken.advice)
    return None


def _too_little(case: _Case) -> Recommendation | None:
    short = case.found("underdetermined")
    if short is not None:
        return case.answer(Action.COLLECT_MORE, short.explanation, short.advice)
    if case.forecast.status in (Status.TOO_FEW_POINTS, Status.CONSTANT, Status.NONFINITE):
        return case.answer(Action.COLLECT_MORE, *(case.forecast.reasons or (case.forecast.status.value,)))
    return None


def _hopeless(case: _Case, target: float | None, best: float | None) -> Recommendation | None:
    for name, value in (("the target", target), ("the best earlier value", best)):
        if value is None:
            continue
        reached = case.gains.ever(value) if name == "the target" else case.gains.beats(value, case.forecast.noise)
        chance = float(reached[-1])
        if chance < HOPELESS_BELOW:
            return _stop(
                case,
                f"{name} {format_number(value, digits=6)} is out of reach: P(reached by {case.curve.x_unit} {format_x(case.horizon)}) = {format_probability(chance)}",
            )
        case.also.append(
            f"{name} {format_number(value, digits=6)}: P(reached by {case.curve.x_unit} {format_x(case.horizon)}) = {format_probability(chance)}"
        )
    return None


def _stop(case: _Case, *reasons: str) -> Recommendation:
    """STOP, unless the level alone cannot carry it."""
    if len(case.curve) < FEW and case.undecided("plateaued"):
        more = f"{len(case.curve)} points do not tell a plateau from a slow gain; {FEW} would"
        return case.answer(Action.COLLECT_MORE, more, *reasons)
    held = _rate_held(case.run)
    if held:
        return case.answer(Action.INTERVENE, f"at this learning rate: {reasons[0]}", held, *reasons[1:])
    return case.answer(Action.STOP, *reasons)


def _by_worth(case: _Case, cost: float, worth: float) -> Recommendation:
    kept = case.kept
    case.note("level_kept", kept)
    net = case.gains.net_worth(float(case.curve.x[-1]), cost, worth, kept=kept)
    at = int(np.argmax(net))
    case.note("best_net_worth", float(net[at]))
    case.note("net_worth_at_horizon", float(net[-1]))
    if net[at] <= 0:
        return _stop(
            case, f"no x pays: the best expected net worth is {format_number(float(net[at]), digits=3)}", case.chance()
        )
    return case.answer(
        Action.CONTINUE,
        f"expected net worth is largest, {format_number(float(net[at]), digits=3)}, at about {case.curve.x_unit} {format_x(_round_x(float(case.forecast.x[at]), case.curve, case.horizon))}",
        case.chance(),
        at=at,
    )


def _by_gain(case: _Case, target: float | None) -> Recommendation:
    overfit = case.found("overfitting")
    if overfit is not None and not overfit.evidence.get("lasts_to_end", 1.0):
        overfit = None  # over since the learning rate changed
    if case.done and overfit is None:
        return case.answer(
            Action.STOP,
            f"the planned length, {case.curve.x_unit} {format_x(case.run.horizon or 0.0)}, is reached",
            f"a longer run would need a new plan: if this one went on, {case.chance()}; give a horizon to ask about it",
        )
    if case.probability < STOP_BELOW or (overfit is not None and case.probability < 0.5):
        if overfit is not None:
            return case.answer(Action.STOP, f"overfitting: {overfit.explanation}", case.chance(), overfit.advice)
        return _stop(case, f"little is left to gain: {case.chance()}")
    if no_way_back(case.arithmetic):
        better = case.arithmetic["probability_better"]
        ahead = f"P(better than its best so far by {format_number(case.min_gain, digits=3)}, at some {case.curve.x_unit} until {format_x(case.horizon)})"
        return _stop(case, f"the best is behind: {ahead} = {format_probability(better)}", case.chance())
    level = case.found("plateaued", "converged")
    if level is not None and case.probability < 0.5:
        return _stop(case, f"{level.name}: {level.explanation}", case.chance())
    if target is not None:
        ever = case.gains.ever(target)
        if ever[-1] >= 0.5:
            at = int(np.argmax(ever >= 0.5))
            return case.answer(
                Action.CONTINUE,
                f"the target {format_number(target, digits=6)} is reached by then with probability one half",
                case.chance(),
                at=at,
            )
    gained = case.gains.median
    left = gained[-1] - gained
    enough = np.flatnonzero(left < case.min_gain)
    at = int(enough[0]) if enough.size and gained[-1] >= case.min_gain else len(left) - 1
    end = decay_end(case.run.schedule, float(case.curve.x[-1])) if at < len(left) - 1 else None
    within = end is not None and case.forecast.x[at] < end  # what a decay brings comes with its end
    if end is not None and within:
        at = min(int(np.searchsorted(case.forecast.x, end * (1 - 1e-9))), len(left) - 1)
    if gained[-1] < case.min_gain and case.probability < WORTH_SAYING:
        return case.answer(
            Action.COLLECT_MORE,
            "a gain that matters is unlikely, but too likely to call it done: it is worth going on if steps are cheap; "
            "a price of a step and the worth of a gain, or some more points, would decide it",
            case.chance(),
        )
    if gained[-1] < case.min_gain:
        beyond = (
            "more likely than not it gains less than that, but too likely to call it done: worth it if steps are cheap"
        )
    elif within:
        beyond = (
            f"what the decay of the learning rate brings comes with its end, {case.curve.x_unit} {format_x(end or 0.0)}"
        )
    elif at == len(left) - 1:
        beyond = ""
    else:
        beyond = f"after it less than {format_number(case.min_gain, digits=3)} is expected to the horizon"
    return case.answer(Action.CONTINUE, case.chance(), beyond, at=at)


def no_way_back(known: Mapping[str, float]) -> bool:
    """From the arithmetic: the run is unlikely to gain from here, and to be better than its best is out of reach."""
    return known["probability"] < UNLIKELY and known["probability_better"] < HOPELESS_BELOW


def _rate_held(run: Run) -> str:
    """A sentence when the learning rate is still at its peak, empty otherwise or when it is not known."""
    schedule = run.schedule
    if schedule is None or len(schedule) < 2 or schedule.peak <= 0:
        return ""
    if float(schedule.rate[-1]) < 0.9 * schedule.peak:
        return ""
    return (
        "the learning rate is still at its peak: a plateau there says nothing about the loss after annealing; "
        "lower the rate (or start the planned decay) before stopping"
    )
