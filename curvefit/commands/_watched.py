"""One run that is watched: what is known of it, when it is judged again, and what is shown of it."""

from __future__ import annotations

from argparse import Namespace
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from .. import analysis
from ..curves import Curve, Run
from ..curves._checks import safe_text
from ..curves.numbers import counted, format_number, format_x
from ..decisions.recommendation import Action
from ..diagnostics.diagnosis import Diagnosis
from ..reporting import wording
from ..reporting.document import diagnosis_fields, recommendation_fields
from ..reporting.report import Report
from ._attempt import Failures
from ._runs import metric_of
from ._sparkline import clipped, sparkline, width_of

__all__ = ["CODES", "Watched"]

Line = tuple[str, str]
CODES = {Action.CONTINUE: 0, Action.STOP: 10, Action.INTERVENE: 11, Action.COLLECT_MORE: 12}
SPARSER = 1.02  # judged again after so many times the points
FEW = 5000  # points up to which every new one is a reason to judge again
CONFIRM = 2  # judgments in a row that must say so before it counts
ROW = 70  # columns of a run's one line beside its curve
STYLES = {"info": "muted", "warning": "warning", "critical": "critical"}


@dataclass(slots=True)
class Watched:
    """State of one run between polls."""

    name: str
    args: Namespace
    run: Run | None = None
    metric: str = ""
    report: Report | None = None
    problem: str = ""
    streak: int = 0
    failures: Failures = field(default_factory=Failures)
    _judged: int = -1
    _mark: tuple[int, float] = (-1, np.nan)

    def update(self, run: Run) -> None:
        """Take in the run as it is now; judge it when there is enough that is new."""
        self.run = run
        self.failures = Failures()
        with self.failures.on(self.name):
            run, self.metric = metric_of(run, self.args)
            self.run = run
            curve = run[self.metric]
            count = len(curve) + int(curve.nonfinite_x.size)
            mark = (count, float(curve.x[-1]) if len(curve) else np.nan)
            began_anew = count < self._judged
            if self._judged >= 0 and not began_anew and (mark == self._mark or count < self._due):
                return
            self._judge(run, count)
            self._mark = mark
        if self.failures.items:
            self.problem = self.failures.items[0].what
            self.report, self.streak = None, 0

    @property
    def _due(self) -> int:
        """Points from which the run is judged again."""
        return max(self._judged + 1, int(self._judged * SPARSER)) if self._judged > FEW else self._judged + 1

    def _judge(self, run: Run, count: int) -> None:
        args = self.args
        self._judged = count
        horizon = args.horizon
        curve = run[self.metric]
        if horizon is not None and len(curve) and horizon <= curve.x[-1]:
            horizon = None  # the run went past it
        report = analysis.analyze(
            run,
            self.metric,
            horizon=horizon,
            target=args.target,
            level=args.level,
            min_gain=args.min_gain,
            cost_per_unit=args.cost_per_unit,
            worth_per_unit=args.worth_per_unit,
            best=args.best,
            experience=args.experience,
            model=None,
        )
        before = self.report.recommendation.action if self.report is not None else None
        action = report.recommendation.action
        self.streak = self.streak + 1 if action is before else 1
        self.report, self.problem = report, ""

    @property
    def code(self) -> int:
        """The recommendation as exit code."""
        return CODES[self.report.recommendation.action] if self.report is not None else CODES[Action.COLLECT_MORE]

    @property
    def called(self) -> bool:
        """Whether to stop, or to call a person, was said at two judgments in a row."""
        return self.report is not None and self.streak >= CONFIRM and self.code in (10, 11)

    @property
    def curve(self) -> Curve | None:
        """The curve that is watched."""
        return self.run[self.metric] if self.run is not None and self.metric in self.run else None

    @property
    def next_check(self) -> float | None:
        """About the x at which the run is judged again."""
        curve = self.curve
        if curve is None or len(curve) < 2 or self._judged < 0:
            return None
        recent = np.diff(curve.x[-16:])
        need = max(1, self._due - len(curve) - int(curve.nonfinite_x.size))
        return float(curve.x[-1] + need * np.median(recent))

    # ------------------------------------------------------------------ for people

    def lines(self, width: int, *, unicode: bool) -> list[Line]:
        """Everything, in a few lines."""
        dot = " · " if unicode else " | "
        curve = self.curve
        if curve is None or not len(curve):
            what = self.problem or "no values yet"
            return [(safe_text(self.name), "title"), (f"  {safe_text(what)}", "warning" if self.problem else "muted")]
        unit = curve.x_unit
        planned = self.report.horizon if self.report is not None else None
        of = f" of {format_x(planned)}" if planned is not None else ""
        head = [self.name, self.metric, f"{unit} {format_x(curve.x[-1])}{of}", counted(len(curve), "point")]
        out: list[Line] = [(dot.join(map(safe_text, head)), "title"), ("  " + self._spark(width - 2, unicode), "")]
        out.append((f"  {self._now(curve)}", ""))
        report = self.report
        if report is None:
            out.append((f"  {safe_text(self.problem)}", "warning"))
            return out
        out.append((f"  {self._ahead(report)}", ""))
        arrow = "▶" if unicode else ">"
        out.append((f"  {arrow} {safe_text(wording.headline(report))}", "value"))
        out += [(f"    {safe_text(reason)}", "muted") for reason in report.recommendation.reasons[:2]]
        for d in report.diagnoses.present:
            out.append((f"  {'!' if d.severity != 'info' else '-'} {_found(report, d)}", STYLES.get(d.severity, "")))
        following = self.next_check
        if following is not None:
            out.append((f"  next check at about {unit} {format_x(round(following, 6))}", "muted"))
        return out

    @staticmethod
    def headings(width: int) -> str:
        """What stands in the columns of `row`."""
        return f"{'run':22}  {'curve and forecast':{max(18, width - ROW)}}  {'now':>9}    {'horizon':9}  advice"

    def row(self, width: int, *, unicode: bool) -> Line:
        """The same in one line, for many runs."""
        curve = self.curve
        called = clipped(safe_text(self.name), 22)
        name = called + " " * (22 - width_of(called))
        if curve is None or not len(curve):
            return f"{name}  {safe_text(self.problem or 'no values yet')}", "muted"
        spark = self._spark(max(10, width - ROW), unicode)
        spark += " " * (max(10, width - ROW) - len(spark))
        now = format_number(float(curve.y[-1]))
        if self.report is None:
            return f"{name}  {spark}  {now:>9}  {safe_text(self.problem)}", "warning"
        median = format_number(float(self.report.forecast.median[-1]))
        style = {10: "value", 11: "critical"}.get(self.code, "")
        arrow = "→" if unicode else "->"
        return f"{name}  {spark}  {now:>9} {arrow} {median:<9}  {self.report.recommendation.action.value}", style

    def _spark(self, width: int, unicode: bool) -> str:
        curve = self.curve
        assert curve is not None
        ahead = self.report.forecast if self.report is not None else None
        beyond = ahead.x > curve.x[-1] if ahead is not None else np.zeros(0, bool)
        return sparkline(
            curve.x,
            curve.y,
            ahead.x[beyond] if ahead is not None else (),
            ahead.median[beyond] if ahead is not None else (),
            width=width,
            direction=curve.direction,
            unicode=unicode,
        )

    def _now(self, curve: Curve) -> str:
        parts = [f"now {format_number(float(curve.y[-1]))}"]
        if curve.direction is not None:
            best = int(np.argmin(curve.y) if curve.direction == "min" else np.argmax(curve.y))
            parts.append(f"best {format_number(float(curve.y[best]))} at {curve.x_unit} {format_x(curve.x[best])}")
        if curve.nonfinite_x.size:
            parts.append(f"{counted(int(curve.nonfinite_x.size), 'value')} not finite")
        return ", ".join(parts)

    def _ahead(self, report: Report) -> str:
        interval = report.forecast.interval(report.level)
        low, high = float(interval.low[-1]), float(interval.high[-1])
        middle = float(report.forecast.median[-1])
        spread = (high - low) / 2
        return (
            f"forecast at {report.curve.x_unit} {format_x(report.horizon)}: {format_number(middle, spread)} "
            f"[{format_number(low, spread)}, {format_number(high, spread)}], {100 * report.level:g} % for a new value"
        )

    # ------------------------------------------------------------------ for programs

    def fields(self) -> dict[str, Any]:
        """The same for a program."""
        curve, report = self.curve, self.report
        some = curve is not None and len(curve) > 0
        out: dict[str, Any] = {
            "run": self.name,
            "metric": self.metric or None,
            "points": len(curve) if curve is not None else 0,
            "x": float(curve.x[-1]) if curve is not None and some else None,
            "value": float(curve.y[-1]) if curve is not None and some else None,
            "problem": self.problem or None,
            "next_check": self.next_check,
            "forecast": None,
            "diagnoses": [],
            "recommendation": None,
            "code": self.code,
        }
        if report is None:
            return out
        interval = report.forecast.interval(report.level)
        out["forecast"] = {
            "x": report.horizon,
            "kind": "prediction",
            "level": report.level,
            "median": float(report.forecast.median[-1]),
            "low": float(interval.low[-1]),
            "high": float(interval.high[-1]),
        }
        out["diagnoses"] = [diagnosis_fields(d) for d in report.diagnoses.present]
        out["recommendation"] = recommendation_fields(report.recommendation)
        return out


def _found(report: Report, diagnosis: Diagnosis) -> str:
    at = wording.places(diagnosis)
    said = f"{wording.finding(report, diagnosis)}{' ' + at if at else ''}"
    return safe_text(f"{said}: {diagnosis.explanation}" if diagnosis.explanation else said)
