"""A loop of one's own, in PyTorch, JAX or anything else: it ends when nothing more is to come."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from typing import Any

from ..curves import Metric
from ._base import Watch, agreed

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

    def __iter__(self) -> Iterator[int]:
        self._over = False
        self.watch.begin()
        while self.at < self.total and not self._over:
            self.at += 1
            yield self.at
        self.watch.end()

    def log(self, values: Mapping[str, Any] | None = None, /, **more: Any) -> bool:
        """Take in what was measured in this epoch; whether it is the last one."""
        torch = sys.modules.get("torch.distributed")
        first = torch is None or not torch.is_available() or not torch.is_initialized() or torch.get_rank() == 0
        self._over = agreed(self.watch.see(self.at, {**(values or {}), **more}) if first else False)
        return self._over

    def state_dict(self) -> dict[str, Any]:
        """What goes into a checkpoint: plain values only."""
        return {"at": self.at, "monitor": self.watch.state_dict()}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on after the epoch in which the state was saved."""
        self.at = int(state["at"])
        self.watch.load_state_dict(state["monitor"])
