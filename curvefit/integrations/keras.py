"""Keras: a callback of ``model.fit``, for any backend."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..curves import Metric
from ..curves._optional import optional
from ._base import Watch

__all__ = ["MonitorCallback"]

callbacks: Any = optional("keras.callbacks", feature="the Keras callback")


class MonitorCallback(callbacks.Callback):
    """Asks after every epoch whether to go on; x is the epoch, counted from 1 as Keras prints it.

    Parameters
    ----------
    metric : str or Metric
        As in ``logs``: ``"val_loss"``, ``"val_accuracy"``.
    **options
        Of `Watch` and of `Monitor`. The planned length is ``epochs`` of ``fit``. Keras saves no state of callbacks:
        ``state_file`` keeps it beside the checkpoint. ``forecast_to="logger"`` adds the forecast to ``logs``, hence to
        ``History`` and to the callbacks after this one.
    """

    def __init__(self, metric: str | Metric = "val_loss", **options: Any) -> None:
        super().__init__()
        self.watch = Watch(metric, x_unit="epoch", **options)
        self._ahead = dict.fromkeys(
            (f"forecast/{self.watch.name}/{k}" for k in ("median", "low", "high")), float("nan")
        )

    def on_train_begin(self, logs: Mapping[str, Any] | None = None) -> None:
        """Take the planned length and the saved state."""
        self.watch.safely(lambda: self.watch.begin(self.params.get("epochs")), otherwise=None)

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Judge one epoch."""
        logs = {} if logs is None else logs
        if self.watch.safely(self._look, epoch, logs, otherwise=False):
            self.model.stop_training = True
        if self.watch.to_logger:  # in every epoch, so that all columns of History are equally long
            logs.update(self._ahead)

    def _look(self, epoch: int, logs: dict[str, Any]) -> bool:
        return self.watch.see(epoch + 1, logs, log=lambda values, x: self._ahead.update(values))

    def on_train_end(self, logs: Mapping[str, Any] | None = None) -> None:
        """Save the state."""
        self.watch.end()
