"""A fit as text for a terminal of 80 columns."""

from __future__ import annotations

import math
import re
import sys
import textwrap
from typing import TYPE_CHECKING

from ..curves._checks import safe_text
from ..models import Model, Sum

if TYPE_CHECKING:
    from .fit import Fit

__all__ = ["digits", "summarize"]

_WIDTH = 80


def digits(value: float, error: float) -> tuple[str, str]:
    """Value and error with two significant digits of the error; five of the value where there is no error."""
    if not math.isfinite(value):
        return "-", "-"
    if not (math.isfinite(error) and error > 0):
        return f"{value:.5g}", "-"
    if 0 < abs(value) < 0.05 * error:
        return f"{value:.1g}", f"{error:.2g}"
    places = 1 - math.floor(math.log10(error))
    size = max(abs(value), error)
    if size >= 1e6 or size < 1e-4:
        keep = max(math.floor(math.log10(size)) - math.floor(math.log10(error)) + 1, 1)
        return f"{value:.{keep}e}", f"{error:.1e}"
    if places <= 0:
        return f"{round(value, places):.0f}", f"{round(error, places):.0f}"
    return f"{value:.{places}f}", f"{error:.{places}f}"


def _end(value: float, error: float) -> str:
    if math.isinf(value):
        return "-inf" if value < 0 else "inf"
    return digits(value, error)[0]


def summarize(fit: Fit, level: float) -> str:
    """Estimates, noise and doubts of a fit.

    Parameters
    ----------
    fit : Fit
        The fit.
    level : float
        Level of the intervals.
    """
    curve = fit.curve
    lines = _wrapped(f"{_equation(fit.model)} fitted to {safe_text(curve.metric.name)}: {fit.status.value}", "", "  ")
    if fit.core is None:
        return "\n".join([*lines, *_wrapped(fit.checks[0].message, "  ")])
    x = fit.core.sample.x
    lines.append(f"{fit.n:,} points, {curve.x_unit} {x[0]:g} to {x[-1]:g}")
    lines += _table(fit, level)
    if fit.noise_seen:
        what = {"multiplicative": "relative noise", "student_t": "noise scale"}.get(fit.core.noise.name, "noise sd")
        sigma = digits(fit.sigma, fit.sigma / math.sqrt(2 * max(fit.n_effective, 1)))[0]
        how = f"{fit.noise}: {fit.core.noise.name}" if fit.noise == "auto" else fit.noise
        lines += _wrapped(
            f"{what} {sigma} ({how}); neighboring residuals correlate by {fit.rho:.2f}, which leaves "
            f"{fit.n_effective:,.0f} independent points; intervals by profile likelihood",
            "",
        )
    limit = fit.asymptote(level)
    if limit.reasons and fit.noise_seen:
        lines += _wrapped(f"asymptote: {limit.reasons[0]}", "")
    bad = [d for d in fit.doubts if not d.ok and d.name != "asymptote"]
    if bad:
        lines.append("doubts")
        for d in bad:
            lines += _wrapped(f"- {d.name}: {d.message}", "  ", "    ")
    return "\n".join(lines)


def _equation(model: Model) -> str:
    """Name and equation, as the first line of the law's file states them; the name alone for a sum."""
    doc = (sys.modules[type(model).__module__].__doc__ or "").strip().splitlines()
    _, _, equation = (doc[0] if doc else "").rstrip(".").partition(": ")
    return f"{model.name}, {equation}," if equation and not isinstance(model, Sum) else model.name


def _table(fit: Fit, level: float) -> list[str]:
    """One line per parameter, digits by its uncertainty."""
    intervals = fit.conf_int(level)
    rows = [("", "estimate", "std. error", f"{100 * level:g} % interval", "")]
    for p in fit.model.parameters:
        value, error = fit.params[p.name], fit.stderr[p.name]
        found = intervals[p.name]
        scale = error if math.isfinite(error) else 0.0
        if not scale and found is not None and found.closed:
            scale = found.width / 4
        span = "not estimable" if found is None else f"{_end(found.low, scale)} to {_end(found.high, scale)}"
        text, spread = digits(value, scale)
        rows.append((p.name, text, spread if math.isfinite(error) else "-", span, p.meaning))
    widths = [max(len(row[k]) for row in rows) for k in range(4)]
    lines = []
    for name, text, spread, span, meaning in rows:
        left = f"  {name:<{widths[0]}}  {text:>{widths[1]}}  {spread:>{widths[2]}}  {span:<{widths[3]}}"
        room = _WIDTH - len(left) - 2
        short = meaning if len(meaning) <= room else re.split(r"[:,;]", meaning)[0]
        lines.append(f"{left}  {short if len(short) <= room else ''}".rstrip())
    return lines


def _wrapped(text: str, indent: str, rest: str | None = None) -> list[str]:
    return textwrap.wrap(text, _WIDTH, initial_indent=indent, subsequent_indent=indent if rest is None else rest)
