"""What a curve measures: kind, direction, split, unit; inferred from common names, refused on a tie."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, cast, get_args

from ._arguments import checked
from ._metric_names import is_auxiliary, readings, split_of, words_of
from .errors import DataError, UsageError

__all__ = ["Direction", "Kind", "Metric", "Split"]

Kind = Literal["loss", "error", "accuracy", "reward", "other"]
Direction = Literal["min", "max"]
Split = Literal["train", "val", "test"]
_BETTER: Mapping[str, Direction] = {"loss": "min", "error": "min", "accuracy": "max", "reward": "max"}


@dataclass(frozen=True, slots=True)
class Metric:
    """A metric: its name, what kind of quantity it is, which way is better, and on which data.

    Parameters
    ----------
    name : str
        Name as logged, for example ``"val/loss"``.
    kind : {"loss", "error", "accuracy", "reward", "other"}
        Losses and errors are better when smaller; accuracies live in [0, 1] (or in percent).
    direction : {"min", "max"} or None
        Which way is better; None when unknown, and then nothing that needs it will guess.
    split : {"train", "val", "test"} or None
        Data the metric was computed on; None when the name does not say.
    unit : str
        ``"nat"``, ``"bit"``, ``"fraction"``, ``"percent"`` or empty.

    Notes
    -----
    ``Metric.infer("val/loss")`` reads the name; every part can be overridden there. A name that reads two ways
    (``"loss_accuracy"``) gets no direction: say which one is meant.
    """

    name: str
    kind: Kind = "other"
    direction: Direction | None = None
    split: Split | None = None
    unit: str = ""

    def __post_init__(self) -> None:
        if not isinstance(self.name, str) or not self.name:
            raise UsageError(f"a metric needs a name, got {self.name!r}", code="CF-USE-004")
        for field_name in ("kind", "direction", "split", "unit"):
            said = getattr(self, field_name)
            if not isinstance(said, str) and (said is not None or field_name in ("kind", "unit")):
                raise UsageError(f"metric {field_name} {said!r:.60} is not a text", code="CF-USE-004", where=self.name)
        if self.kind not in get_args(Kind):
            raise UsageError(
                f"metric kind {self.kind!r}", code="CF-USE-004", hint=f"choices: {', '.join(get_args(Kind))}"
            )
        if self.direction is not None and self.direction not in get_args(Direction):
            raise UsageError(
                f"metric direction {self.direction!r}",
                code="CF-USE-004",
                hint='choices: "min" (smaller is better), "max"',
            )
        if self.split is not None and self.split not in get_args(Split):
            raise UsageError(
                f"metric split {self.split!r}", code="CF-USE-004", hint=f"choices: {', '.join(get_args(Split))}"
            )

    @classmethod
    @checked
    def infer(
        cls,
        name: str,
        *,
        kind: Kind | None = None,
        direction: Direction | None = None,
        split: Split | None = None,
        unit: str | None = None,
    ) -> Metric:
        """Read kind, direction, split and unit from a name; arguments override what the name says.

        Parameters
        ----------
        name : str
            Metric name, nested with ``/ . _ -`` or in camel case.
        kind, direction, split, unit : optional
            Overrides.

        Returns
        -------
        Metric
            With ``direction=None`` when the name is unknown, auxiliary (a learning rate, a gradient norm) or a tie.
        """
        words = words_of(str(name))
        found = readings(words)
        said = split_of(words)
        if direction is None and kind is not None:
            direction = _BETTER.get(kind)
        best: tuple[Kind, Direction | None, str] = ("other", None, "")
        if found and not is_auxiliary(words) and len({d for _, d, _ in found}) == 1:
            best = cast("tuple[Kind, Direction, str]", found[0])
            if not best[2] and "%" in str(name) and best[0] in ("accuracy", "error"):
                best = (best[0], best[1], "percent")
        return cls(
            name=str(name),
            kind=kind or best[0],
            direction=direction or best[1],
            split=split or cast("Split | None", said),
            unit=best[2] if unit is None else unit,
        )

    @property
    def auxiliary(self) -> bool:
        """Whether this is bookkeeping (learning rate, gradient norm, time), not a measure of quality."""
        return self.direction is None and is_auxiliary(words_of(self.name))

    def need_direction(self) -> Direction:
        """The direction, or an error that says how to state it."""
        if self.direction is None:
            raise DataError(
                f"cannot tell whether smaller or larger {self.name!r} is better",
                code="CF-DATA-004",
                where=self.name,
                hint=f"pass cf.Metric({self.name!r}, direction='min') or 'max' (command line: --direction min|max)",
            )
        return self.direction
