"""The sentences and rows that every text form of a report shares: what is said, before how it is laid out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..curves import Estimate, Interval, Status
from ..curves.numbers import counted, format_number, format_probability, format_share, format_x, is_wide, with_interval
from ..decisions.recommendation import Action
from ..diagnostics.diagnosis import Diagnosis
from ..diagnostics.rules._text import WITHOUT
from .document import BAND_LEVELS

if TYPE_CHECKING:
    from .report import Report

__all__ = [
    "Row",
    "advice",
    "band_rows",
    "data_lines",
    "doubts",
    "estimate_rows",
    "finding",
    "fit_rows",
    "folded",
    "forecast_notes",
    "headline",
    "law_status",
    "onset_known",
    "places",
    "support",
    "suspected",
    "title",
    "undecided",
    "what",
]

_LABELS = {
    "remaining_improvement": "remaining improvement",
    "target_reached": "target reached at",
    "best_point": "best point so far",
    "plateau_onset": "plateau onset",
    "convergence_rate": "improvement per decade",
}
_OF_LEVELS = frozenset(  # findings about slow changes, which few or correlated points do not carry
    {"diverged", "overfitting", "not_learning", "still_improving", "plateaued", "converged"}
)
_AGAINST = frozenset(
    {"overfitting", "overfitting_plateau", "not_learning", "erratic", "plateaued", "converged"}
)  # what speaks against training on
_SPLITS = {"train": "training", "val": "validation", "test": "test"}


@dataclass(frozen=True, slots=True)
class Row:
    """One number for people.

    Parameters
    ----------
    label : str
        What it is.
    value, interval, unit : str
        As text, with the digits of the interval; empty where there is none.
    remark : str
        What qualifies it, or why there is no number.
    """

    label: str
    value: str
    interval: str = ""
    unit: str = ""
    remark: str = ""


def title(report: Report) -> str:
    """Which curve of which run."""
    return f"{report.metric} of {report.run.name}"


def what(report: Report) -> str:
    """What kind of curve, how much of it there is, and how far ahead is asked."""
    curve, unit = report.curve, report.curve.x_unit
    parts = []
    if curve.direction is not None:
        split = f"{_SPLITS[curve.metric.split]} " if curve.metric.split else ""
        kind = "metric" if curve.kind == "other" else curve.kind
        parts.append(f"{split}{kind}, {'smaller' if curve.direction == 'min' else 'larger'} is better")
    parts.append(
        f"{counted(len(curve), 'point')}, {unit} {format_x(curve.x[0])} to {format_x(curve.x[-1])}"
        if len(curve)
        else "no finite points"
    )
    return "; ".join([*parts, f"horizon {format_x(report.horizon)}"])


def headline(report: Report) -> str:
    """The recommendation in one sentence."""
    advice, unit = report.recommendation, report.curve.x_unit
    text = advice.action.value[:1].upper() + advice.action.value[1:]
    if advice.action is Action.CONTINUE and advice.x_star is not None:
        text += f" until {unit} {_position(report, advice.x_star)}"
    elif advice.action in (Action.STOP, Action.INTERVENE) and advice.keep_x is not None:
        text += f"; keep the checkpoint of {unit} {format_x(advice.keep_x)}"
    return text + "."


def _position(report: Report, x: float) -> str:
    """A chosen x: a whole number where the run was logged at whole numbers."""
    some = report.curve.x[:: max(1, len(report.curve) // 100)]
    return format_x(float(round(x)) if all(v == round(v) for v in some.tolist()) else x)


def support(report: Report) -> list[str]:
    """The numbers behind the recommendation and its reasons, the deciding one first."""
    advice = report.recommendation
    lines = list(advice.reasons)
    expected = advice.expected_value
    if expected is not None and expected.value is not None and advice.x_star is not None:
        value, interval = with_interval(expected)
        kind = f" ({_kind(expected.interval)})" if expected.interval else ""
        lines.append(
            f"Expected {report.metric} at {report.curve.x_unit} {_position(report, advice.x_star)}: {value} {interval}{kind}."
        )
    return [*lines, *_reconciled(report)]


def _reconciled(report: Report) -> list[str]:
    """What the decision makes of findings that seem to say something else."""
    action = report.recommendation.action
    unsure = [d.name.replace("_", " ") for d in report.diagnoses.present if suspected(report, d)]
    if unsure and action is Action.INTERVENE:
        return [f"The points are too few or too alike to be sure of it ({', '.join(unsure)}): look before you act."]
    if unsure:
        return [f"What it looks like so far, not more: {', '.join(unsure)}."]
    said = " ".join(report.recommendation.reasons)
    if action is Action.CONTINUE:
        against = [d.name for d in report.diagnoses.present if d.name in _AGAINST and d.name not in said]
        if against:
            return [f"{', '.join(against).replace('_', ' ').capitalize()} is seen too; the forecast still gains."]
    return []


def advice(diagnosis: Diagnosis, suspicion: str) -> str:
    """What to do about a finding, or about one that has yet to be confirmed."""
    text = diagnosis.advice
    return f"If it is confirmed: {text[:1].lower()}{text[1:]}" if suspicion else text


def suspected(report: Report, diagnosis: Diagnosis) -> str:
    """Why a finding is no more than a suspicion: it is about the level of a run too short or too noisy to have one."""
    short = any(d.name == "underdetermined" for d in report.diagnoses.present)
    if not short or not diagnosis.present or diagnosis.name not in _OF_LEVELS or not diagnosis.p_value:
        return ""
    return "A suspicion: the run is underdetermined (below), and what wanders by chance can look the same."


def band_rows(report: Report) -> list[tuple[str, str, list[tuple[float, str]]]]:
    """The forecast at the horizon: what, its median, and its bands of 50, 80 and 95 % as text."""
    tails = [(1 - level) / 2 for level in BAND_LEVELS]
    levels = [*tails, 0.5, *(1 - t for t in reversed(tails))]
    rows = []
    for label, quantiles in (
        ("new observation", report.forecast.quantile(levels)[-1]),
        ("mean curve", report.forecast.mean(levels)[-1]),
    ):
        q = [float(v) for v in quantiles]
        k = len(tails)
        spread = None if is_wide(Interval(min(q), max(q)), q[k]) else (max(q) - min(q)) / 2
        bands = [(level, _band(q[i], q[2 * k - i], spread)) for i, level in enumerate(BAND_LEVELS)]
        rows.append((label, format_number(q[k], abs(q[k]) if spread is None else spread), bands))
    return rows


def _band(low: float, high: float, spread: float | None) -> str:
    """A band with the digits of the widest, or with its own where it would seem to have no width or ends differ in size."""
    if spread is None:
        return f"[{format_number(low, abs(low))}, {format_number(high, abs(high))}]"
    texts = [format_number(v, spread) for v in (low, high)]
    if texts[0] == texts[1] and high > low:
        texts = [format_number(v, (high - low) / 2) for v in (low, high)]
    return f"[{texts[0]}, {texts[1]}]"


def forecast_notes(report: Report) -> list[str]:
    """What qualifies the forecast's numbers, to be read right below them."""
    if report.forecast.status is Status.OK:
        return []
    return [f"{r[:1].upper()}{r[1:].rstrip('.')}." for r in report.forecast.reasons or (report.forecast.status.value,)]


def estimate_rows(report: Report) -> list[Row]:
    """Every estimate that applies, except the value at the horizon, which the forecast shows."""
    rows = []
    order = [n for n in _LABELS if n in report.estimates] + [n for n in report.estimates if n not in _LABELS]
    for name in order:
        estimate = report.estimates[name]
        if name == "value_at" or (estimate.value is None and estimate.status is Status.NOT_APPLICABLE):
            continue
        value, interval = with_interval(estimate)
        if name == "target_reached":
            interval = interval.replace(", inf]", ", never]")
        if estimate.value is None:
            interval = estimate.status.code.replace("_", " ")
        if name == "plateau_onset" and estimate.value is not None and not onset_known(report):
            anywhere = f"anywhere in {interval}; {_remark(estimate, report)}"
            rows.append(Row(_label(estimate), "", "not determined", "", anywhere))
            continue
        unit = "" if estimate.value is None or name == "convergence_rate" else estimate.unit
        rows.append(Row(_label(estimate), value, interval, unit, _remark(estimate, report)))
    return rows


def _undecided(report: Report, name: str) -> bool:
    return any(d.name == name for d in report.diagnoses.undecided)


def _label(estimate: Estimate) -> str:
    """What people call the quantity."""
    if estimate.name == "target_reached" and "target" in estimate.details:
        return f"{format_number(estimate.details['target'])} is reached at"
    return _LABELS.get(estimate.name, estimate.name.replace("_", " "))


def _remark(estimate: Estimate, report: Report) -> str:
    """The one further number that people ask for next, or the reason there is none."""
    detail = estimate.details
    name = estimate.name
    if name == "remaining_improvement" and detail.get("share", -1.0) >= 0:
        first, last = format_x(report.curve.x[0]), format_x(report.horizon)
        return f"{format_share(detail['share'])} of the gain from {report.curve.x_unit} {first} to {last}"
    if name == "target_reached" and "probability" in detail and detail.get("already_reached") != 1:
        return f"{format_probability(detail['probability'])} by {report.curve.x_unit} {format_x(report.horizon)}"
    if name == "best_point" and "value" in detail:
        value = format_number(detail["value"], 2 * detail.get("stderr", 0.0))
        points = detail.get("points", detail["window"])
        return f"value {value} ({'a single one' if points == 1 else f'mean of {points:.0f}'})"
    if name == "convergence_rate" and "x_from" in detail:
        return f"since {report.curve.x_unit} {format_x(detail['x_from'])}"
    if name == "plateau_onset" and estimate.value is not None and _undecided(report, "plateaued"):
        return f"{estimate.reasons[0]}; whether the level lasts is undecided"
    level = name == "plateau_onset" and any(d.name == "plateaued" for d in report.diagnoses.present)
    if level and estimate.value is None and estimate.reasons:
        return f"{estimate.reasons[0]}; by its present course alone the curve is level (plateaued)"
    if estimate.reasons == report.forecast.reasons:  # they stand below the forecast
        return ""
    return estimate.reasons[0].removeprefix(f"{estimate.status.code.replace('_', ' ')}: ") if estimate.reasons else ""


def fit_rows(report: Report) -> list[Row]:
    """Parameters of the fitted law with their profile-likelihood intervals."""
    fit = report.fit
    if fit is None or not fit.status.usable:
        return []
    rows = []
    intervals = fit.conf_int(report.level)
    for p in fit.model.parameters:
        found = intervals[p.name]
        value, interval = with_interval(Estimate(p.name, fit.params[p.name], found))
        if found is None or (found.low <= p.low and found.high >= p.high):
            interval = "not identified"
        rows.append(Row(p.name, value, interval, "", p.meaning))
    return rows


def undecided(report: Report) -> list[str]:
    """What cannot be told, each with what would decide it; in one line where the run is simply too short."""
    found = report.diagnoses
    if any(d.name == "underdetermined" for d in found.present) and found.undecided:
        return [f"undecided until then: {', '.join(d.name.replace('_', ' ') for d in found.undecided)}"]
    return [
        f"{name}: undecided. {why}" if name else why
        for name, why in folded((d.name.replace("_", " "), d.explanation) for d in found.undecided)
    ]


def folded(undecided: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
    """Names and explanations of undecided patterns; those that want the same curve or attribute in one line without a name.

    Parameters
    ----------
    undecided : iterable of (str, str)
        What is undecided and why.
    """
    lines: list[tuple[str, str]] = []
    wanted: dict[str, list[str]] = {}
    for name, why in undecided:
        if why.startswith(WITHOUT):
            wanted.setdefault(why, []).append(name)
        else:
            lines.append((name, why))
    lines.extend(
        ("", f"{why[:1].lower()}{why[1:].removesuffix('.')}: {', '.join(names)}") for why, names in wanted.items()
    )
    return lines


def finding(report: Report, diagnosis: Diagnosis) -> str:
    """What people call a finding about this metric: what is better lies below for a loss, above for an accuracy."""
    name = diagnosis.name.replace("_", " ")
    if diagnosis.name == "validation_below_training" and report.curve.direction == "max":
        return "validation above training"
    return name


def law_status(report: Report) -> Status:
    """Of the fitted law, the same on the page and in the figure: what the estimates doubt of it counts too."""
    assert report.fit is not None
    limit = report.estimates.get("asymptote")
    doubted = limit is not None and limit.status is Status.DEGRADED
    return Status.DEGRADED if doubted and report.fit.status is Status.OK else report.fit.status


def onset_known(report: Report) -> bool:
    """Whether there is a plateau onset that is known to better than the whole run."""
    onset = report.estimates.get("plateau_onset")
    if onset is None or onset.value is None:
        return False
    return onset.interval is None or onset.interval.width < float(report.curve.x[-1] - report.curve.x[0])


def places(diagnosis: Diagnosis) -> str:
    """Where a diagnosis is, at most three places, with their intervals."""
    parts = []
    for e in diagnosis.where[:3]:
        value, interval = with_interval(e)
        parts.append(" ".join(p for p in (e.unit, value, interval) if p))
    more = f" and {len(diagnosis.where) - 3} more" if len(diagnosis.where) > 3 else ""
    lead = "until" if diagnosis.name == "validation_below_training" else "at"  # a stretch, told by its end
    return f"{lead} {', '.join(parts)}{more}" if parts else ""


def doubts(report: Report) -> list[str]:
    """Why the numbers should be doubted: failed checks of the fit, and the notes; the forecast's stand below it."""
    lines: list[str] = []
    if report.fit is not None:
        if not report.fit.status.usable:
            lines.append(f"Fit: {report.fit.status.value}")
        # the asymptote has its own line among the estimates
        lines.extend(f"Fit: {d.message}" for d in report.fit.doubts if not d.ok and d.name != "asymptote")
    lines.extend(
        f"{_label(e).capitalize()}: {'; '.join(e.reasons)}"
        for e in report.estimates.values()
        if e.status is Status.DEGRADED and e.reasons and e.reasons != report.forecast.reasons
    )
    lines.extend(report.notes)
    return lines


def data_lines(report: Report) -> list[str]:
    """What went in and what was left out, with counts."""
    lines = []
    source = report.run.provenance
    if source is not None:
        if source.path or source.reader:
            lines.append(" ".join(p for p in (source.path, f"({source.reader})" if source.reader else "") if p))
        lines.append(_balance("row", source.rows_in, source.rows_kept, source.rows_dropped))
        lines.append(_balance("value", source.points_in, source.points_kept, source.points_dropped))
        if source.restarts:
            lines.append(f"resumed at {report.curve.x_unit} {', '.join(format_x(x) for x in source.restarts[:5])}")
        if source.sampling != "full":
            lines.append(f"sampling: {source.sampling}")
        lines.extend(source.notes)
    bad = report.curve.nonfinite_x
    if bad.size:
        lines.append(
            f"{counted(bad.size, 'value')} of {report.metric} NaN or infinite, first at "
            f"{report.curve.x_unit} {format_x(float(bad[0]))}"
        )
    lines.extend(f"{reason}: {count}" for reason, count in report.curve.defects.items() if count)
    return lines


def _balance(thing: str, came: int, kept: int, dropped: Mapping[str, int]) -> str:
    lost = ", ".join(f"{count} {reason}" for reason, count in dropped.items())
    return f"{counted(came, thing)} read, {kept} kept" + (f", dropped: {lost}" if lost else "")


def _kind(interval: Interval | None) -> str:
    if interval is None:
        return ""
    if interval.level is None:
        return "range"
    of = "the mean curve" if interval.kind == "confidence" else "a new observation"
    return f"{100 * interval.level:g} % for {of}"
