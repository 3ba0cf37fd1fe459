"""A loop of one's own, in PyTorch, JAX or anything else: it ends when nothing more is to come."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ..curves import Metric, UsageError
from ._base import Watch, agreed, is_first

__all__ = ["Loop"]


class Loop:
    """Counts epochs (or steps) from 1 and ends early when its monitor says so: ``for epoch in loop: ... loop.log(...)``.

    Parameters
    ----------
    metric : str or Metric
        The one of the logged values that is watched.
    total : int
        Planned length.
    **options
        Of `Watch` and of `Monitor`; ``x_unit`` is ``"epoch"`` unless stated. `state_dict` goes into the checkpoint, at the
        end of an epoch's work; after `load_state_dict` the loop goes on with the next one. Under ``torch.distributed``
        every rank logs, rank 0 decides.

    Examples
    --------
    >>> from curvefit.integrations.loop import Loop
    >>> loop = Loop("val_loss", total=500, patience="10 epochs")
    >>> for epoch in loop:
    ...     last = loop.log(val_loss=0.4 + 1 / epoch**2, train_loss=0.3)
    >>> loop.watch.stopped, epoch < 500
    (True, True)
    """

    def __init__(self, metric: str | Metric = "val_loss", total: int = 100, **options: Any) -> None:
        self.watch = Watch(metric, has_logger=False, **{"x_unit": "epoch", "horizon": total, **options})
        self.total, self.at = total, 0
        self._over = False
        self._logged: dict[str, Any] = {}  # of this epoch

    def __iter__(self) -> Iterator[int]:
        self._over = False
        self.watch.begin()
        try:
            while self.at < self.total and not self._over:
                self.at += 1
                yield self.at
                if self.watch.name not in self._logged and is_first():
                    self.watch.see(self.at, self._logged)  # says once that the metric is not there
                self._logged = {}
        finally:  # also after a `break` of the user's
            self.watch.end()

    def log(self, values: Mapping[str, Any] | None = None, /, **more: Any) -> bool:
        """Take in what was measured in this epoch, in one call or several; whether it is the last one."""
        given = {**(values or {}), **more}
        self._logged.update(given)
        stop = agreed(self.watch.see(self.at, given, expected=False) if is_first() else False)
        self._over = self._over or stop  # what is logged after the metric takes nothing back
        return self._over

    def state_dict(self) -> dict[str, Any]:
        """What goes into a checkpoint: plain values only."""
        return {"at": self.at, "monitor": self.watch.state_dict()}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on after the epoch in which the state was saved.

        Raises
        ------
        UsageError
            What is given is no state of a `Loop`; a monitor's state that does not fit is logged and left alone.
        """
        try:
            at, monitor = int(state["at"]), state["monitor"]
        except (TypeError, KeyError, ValueError) as error:
            raise UsageError(
                f"this is no saved state: {error!r}",
                code="CF-USE-012",
                where="Loop.load_state_dict",
                hint="pass what state_dict() returned, for example checkpoint['loop']",
            ) from error
        self.at = at
        self.watch.load_state_dict(monitor)
