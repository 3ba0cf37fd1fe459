"""Ignite: a handler for the end of each evaluation."""

from __future__ import annotations

from typing import Any

from ..curves import Metric, UsageError
from ..curves._optional import optional
from ._base import Watch, agreed

__all__ = ["MonitorHandler"]

engines = optional("ignite.engine", feature="the Ignite handler", package="pytorch-ignite")


class MonitorHandler:
    """Asks after every evaluation whether to go on: ``evaluator.add_event_handler(Events.COMPLETED, handler)``.

    Parameters
    ----------
    metric : str or Metric
        As in ``engine.state.metrics`` of the evaluator.
    trainer : Engine
        The engine that is stopped; its epoch is x, or its iteration with ``x_unit="iteration"``.
    **options
        Of `Watch` and of `Monitor`. The planned length is ``max_epochs``. The handler goes into ``to_save`` of a
        ``Checkpoint`` like a model. ``forecast_to="logger"`` adds the forecast to ``trainer.state.metrics``, which the
        loggers of Ignite read.
    """

    def __init__(self, metric: str | Metric, trainer: Any, **options: Any) -> None:
        if not isinstance(trainer, engines.Engine):
            raise UsageError(f"trainer is a {type(trainer).__name__}", code="CF-USE-011", hint="an ignite Engine")
        options.setdefault("x_unit", "epoch")
        self.watch = Watch(metric, **options)
        self._trainer, self._epochs = trainer, options["x_unit"] == "epoch"
        trainer.add_event_handler(engines.Events.STARTED, self._begin)

    def _begin(self) -> None:
        self.watch.safely(self._plan, otherwise=None)

    def _plan(self) -> None:
        state = self._trainer.state
        length = state.epoch_length or 0
        self.watch.begin(state.max_epochs if self._epochs else (state.max_epochs or 0) * length)

    def __call__(self, engine: Any) -> None:
        """Judge one evaluation."""
        if agreed(self.watch.safely(self._look, engine, otherwise=False)):
            self._trainer.terminate()

    def _look(self, engine: Any) -> bool:
        state = self._trainer.state
        if optional("ignite.distributed", feature="the Ignite handler").get_rank() != 0:
            return False
        values = {**state.metrics, **engine.state.metrics}
        x = state.epoch if self._epochs else state.iteration
        return self.watch.see(x, values, log=lambda ahead, _: state.metrics.update(ahead))

    def state_dict(self) -> dict[str, Any]:
        """What goes into a checkpoint."""
        return self.watch.state_dict()

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Go on from a checkpoint."""
        self.watch.load_state_dict(state_dict)
