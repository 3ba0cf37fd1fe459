"""Everything known about one curve of one run, ready to be shown."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from inspect import Parameter, signature
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, TypeVar

from ..curves import Curve, Estimate, Run
from ..curves._checks import check_level, rebuilt
from ..curves.errors import unknown_name
from ..decisions.recommendation import Recommendation
from ..diagnostics.diagnosis import Diagnoses
from ..forecasting.forecast import Forecast
from .document import document
from .renderers import registry as renderers

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from ..fitting.fit import Fit

__all__ = ["Report"]

R = TypeVar("R")


@dataclass(frozen=True, slots=True, eq=False)
class Report:
    """What `analyze` found: a record that renders itself as text, JSON, Markdown or a figure.

    Parameters
    ----------
    run : Run
        The run.
    metric : str
        Name of the curve in the run.
    curve : Curve
        That curve.
    horizon : float
        x up to which the questions were asked, in the unit of x.
    level : float
        Nominal coverage of the intervals.
    fit : Fit or None
        The law that describes the data.
    forecast : Forecast
        What will be observed; the last x of its grid is the horizon.
    estimates : mapping of str to Estimate
        Quantities of interest by name.
    diagnoses : Diagnoses
        What the run shows.
    recommendation : Recommendation
        What to do.
    notes : tuple of str
        Plain sentences that qualify the whole report, for example where the horizon came from.
    """

    run: Run
    metric: str
    curve: Curve
    horizon: float
    level: float
    fit: Fit | None
    forecast: Forecast
    estimates: Mapping[str, Estimate]
    diagnoses: Diagnoses
    recommendation: Recommendation
    notes: tuple[str, ...] = field(default=())

    def __post_init__(self) -> None:
        check_level(self.level)
        object.__setattr__(self, "estimates", MappingProxyType(dict(self.estimates)))
        object.__setattr__(self, "notes", tuple(self.notes))

    def __reduce__(self) -> tuple[Any, ...]:
        return rebuilt(self)

    def __repr__(self) -> str:
        return f"Report({self.run.name!r}, {self.metric!r}: {self.recommendation.action.value})"

    def __str__(self) -> str:
        return self.render("terminal")

    def _repr_markdown_(self) -> str:
        """What a notebook shows."""
        return self.render("markdown")

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready form after the schema ``curvefit/reporting/schema/report-1.json``; every number is finite or None."""
        return document(self)

    def to_json(self, *, indent: int | None = 2) -> str:
        """The same as JSON text: pure ASCII, never NaN or Infinity, stable from run to run."""
        return self.render("json", indent=indent)

    def render(self, format: str = "terminal", **options: Any) -> str:
        """Text for people or machines.

        Parameters
        ----------
        format : str
            One of ``curvefit list renderers``: terminal, json, markdown, csv, html.
        **options
            Of that renderer, for example ``width=100`` or ``color=True`` of the terminal.
        """
        return _known(renderers[format], format, options)(self, **options)

    def plot(self, ax: Axes | None = None, *, kind: str = "fan", **options: Any) -> Axes:
        """Draw the report; nothing is shown or saved here.

        Parameters
        ----------
        ax : matplotlib Axes, optional
            Where to draw; by default on a new figure, which is ``.figure`` of what is returned.
        kind : str
            One of ``curvefit list plots``: fan, residuals, decision.
        **options
            Of that plot, for example ``x_scale="log"``.

        Returns
        -------
        matplotlib Axes
        """
        from .plots import registry as plots

        return _known(plots[kind], kind, options)(self, ax=ax, **options)


def _known(way: Callable[..., R], name: str, options: Mapping[str, Any]) -> Callable[..., R]:
    """The way itself, once every option is one that it has."""
    had = [p.name for p in signature(way).parameters.values() if p.kind is Parameter.KEYWORD_ONLY]
    if any(p.kind is Parameter.VAR_KEYWORD for p in signature(way).parameters.values()):
        return way
    for option in options:
        if option not in had:
            raise unknown_name(f"option of {name}", option, had, where="Report")
    return way
