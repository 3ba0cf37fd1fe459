"""Lightning: a callback of the ``Trainer``."""

from __future__ import annotations

from typing import Any

from ..curves import Metric
from ..curves._optional import available, optional
from ._base import Watch

__all__ = ["MonitorCallback"]

callbacks: Any = optional("lightning.pytorch.callbacks" if available("lightning") else "pytorch_lightning.callbacks", feature="the Lightning callback", package="lightning")  # fmt: skip


class MonitorCallback(callbacks.Callback):
    """Asks after every validation whether to go on; x is ``global_step``, or the epoch with ``x_unit="epoch"``.

    Parameters
    ----------
    metric : str or Metric
        As in ``trainer.callback_metrics``. A metric of training, or a training without validation, is judged after every
        epoch of training.
    **options
        Of `Watch` and of `Monitor`. The planned length is ``max_steps`` or ``max_epochs``. The state travels in each
        checkpoint. ``forecast_to="logger"`` hands the forecast to every logger of the trainer. Rank 0 decides.
    """

    def __init__(self, metric: str | Metric = "val_loss", **options: Any) -> None:
        self.watch = Watch(metric, **options)
        self._epochs = options.get("x_unit") == "epoch"
        self._train = Metric.infer(self.watch.name).split == "train"

    @property
    def state_key(self) -> str:
        """Tells apart the callbacks of one trainer."""
        return f"{type(self).__qualname__}[{self.watch.name}]"

    def on_train_start(self, trainer: Any, pl_module: Any) -> None:
        """Take the planned length."""
        self.watch.safely(self._begin, trainer, otherwise=None)

    def _begin(self, trainer: Any) -> None:
        self.watch.begin(trainer.max_epochs if self._epochs else trainer.estimated_stepping_batches)

    def on_validation_end(self, trainer: Any, pl_module: Any) -> None:
        """Judge one validation."""
        self.watch.always(self._judge, trainer, False, otherwise=None)

    def on_train_epoch_end(self, trainer: Any, pl_module: Any) -> None:
        """Judge one epoch of training."""
        self.watch.always(self._judge, trainer, True, otherwise=None)

    def _judge(self, trainer: Any, trained: bool) -> None:
        wanted = trained == (self._train or not trainer.enable_validation)
        if not wanted or trainer.state.fn != "fit" or trainer.sanity_checking:
            return
        stop = trainer.is_global_zero and self.watch.safely(self._look, trainer, otherwise=False)
        if trainer.strategy.broadcast(stop):  # on every rank, whatever went wrong on this one
            trainer.should_stop = True

    def _look(self, trainer: Any) -> bool:
        values = dict(trainer.callback_metrics)
        if trainer.lr_scheduler_configs:  # of a constant rate nothing is to come
            values["learning_rate"] = trainer.optimizers[0].param_groups[0]["lr"]
        x = trainer.global_step
        if self._epochs:
            x = (trainer.fit_loop.total_batch_idx + 1) / trainer.num_training_batches
        # the step that Lightning itself gives to what is logged now, so that rows stay in order
        step = getattr(trainer.fit_loop.epoch_loop, "_batches_that_stepped", trainer.global_step)
        return self.watch.see(
            x, values, log=lambda ahead, _: [each.log_metrics(ahead, step) for each in trainer.loggers]
        )

    def state_dict(self) -> dict[str, Any]:
        """What goes into a checkpoint."""
        return self.watch.state_dict()

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Go on from a checkpoint."""
        self.watch.load_state_dict(state_dict)
