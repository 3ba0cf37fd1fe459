"""Hugging Face Transformers: a callback of the ``Trainer``."""

from __future__ import annotations

import json
from typing import Any

from ..curves import Metric
from ..curves._optional import optional
from ._base import Watch, agreed

__all__ = ["MonitorCallback"]

callbacks: Any = optional("transformers.trainer_callback", feature="the Hugging Face callback")
_NO_METRIC = ("epoch", "total_flos", "_runtime", "_per_second")


class MonitorCallback(callbacks.TrainerCallback, callbacks.ExportableState):
    """Asks at every log of the metric whether to go on; x is the step, or the epoch with ``x_unit="epoch"``.

    Parameters
    ----------
    metric : str or Metric
        As in the logs: ``"eval_loss"``, ``"loss"`` (of training), ``"eval_accuracy"``.
    **options
        Of `Watch` and of `Monitor`. The planned length is ``max_steps`` or ``num_train_epochs``. The state travels in
        ``trainer_state.json`` of each checkpoint and is taken up by itself. ``forecast_to="logger"`` adds the forecast
        to ``log_history``.
    """

    def __init__(self, metric: str | Metric = "eval_loss", **options: Any) -> None:
        self.watch = Watch(metric, **options)
        self._args = {k: v for k, v in {"metric": metric, **options}.items() if _plain(v)}
        self._epochs = options.get("x_unit") == "epoch"

    def on_train_begin(self, args: Any, state: Any, control: Any, **others: Any) -> None:
        """Take the planned length and the saved state."""
        self.watch.safely(self._begin, args, state, otherwise=None)

    def _begin(self, args: Any, state: Any) -> None:
        self.watch.begin(args.num_train_epochs if self._epochs else state.max_steps)
        kept = state.stateful_callbacks.setdefault(
            type(self).__name__, []
        )  # a trainer without the name fails on saving
        for one in (kept if isinstance(kept, list) else [kept]) if state.global_step else []:
            if one["attributes"]["saved"].get("metric") == self.watch.name:
                self.saved = one["attributes"]["saved"]

    def on_save(self, args: Any, state: Any, control: Any, **others: Any) -> None:
        """Drop what is saved now: the trainer appends to it, where there are several of a name, at every save."""
        self.watch.safely(self._forget, state, otherwise=None)

    def _forget(self, state: Any) -> None:
        kept = state.stateful_callbacks.get(type(self).__name__)
        if isinstance(kept, list):
            kept.clear()

    def on_log(self, args: Any, state: Any, control: Any, logs: dict[str, Any] | None = None, **others: Any) -> None:
        """Judge what was logged."""
        if agreed(self.watch.safely(self._look, args, state, logs or {}, otherwise=False)):
            control.should_training_stop = True

    def _look(self, args: Any, state: Any, logs: dict[str, Any]) -> bool:
        values = {k: v for k, v in logs.items() if not k.endswith(_NO_METRIC)}
        if "train_loss" in values or not state.is_world_process_zero:  # the closing summary of a training
            return False
        if str(getattr(args.lr_scheduler_type, "value", "")).startswith("constant"):
            values.pop("learning_rate", None)  # nothing is to come from it
        about, evaluated = {"epoch": state.epoch, "step": state.global_step}, any(k.startswith("eval_") for k in values)
        return self.watch.see(
            state.epoch if self._epochs else state.global_step,
            values,
            log=lambda ahead, x: state.log_history.append({**ahead, **about}),
            expected=evaluated == self.watch.name.startswith("eval_"),
        )

    def state(self) -> dict[str, Any]:
        """What the ``Trainer`` saves with each checkpoint."""
        return {"args": self._args, "attributes": {"saved": self.watch.state_dict()}}

    @property
    def saved(self) -> dict[str, Any]:
        """The monitor's state."""
        return self.watch.state_dict()

    @saved.setter
    def saved(self, state: dict[str, Any]) -> None:
        self.watch.load_state_dict(state)


def _plain(value: Any) -> bool:
    """Whether it can stand in a JSON file."""
    try:
        json.dumps(value)
    except (TypeError, ValueError):
        return False
    return True
