"""XGBoost: a callback of ``xgboost.train`` and of the scikit-learn estimators."""

from __future__ import annotations

import json
import math
import time
from typing import Any

from ..curves import Metric
from ..curves._optional import optional
from ._base import SAVING, Watch

__all__ = ["MonitorCallback"]

callbacks: Any = optional("xgboost.callback", feature="the XGBoost callback")
_STATE = "curvefit_monitor"


class MonitorCallback(callbacks.TrainingCallback):
    """Asks after every round whether to go on; x is the number of rounds in the model.

    Parameters
    ----------
    metric : str or Metric
        As XGBoost prints it, ``"<data>-<metric>"``: ``"validation-rmse"``.
    **options
        Of `Watch` and of `Monitor`. XGBoost does not tell its callbacks the planned length: state ``horizon``. The
        state is an attribute of the booster, saved with it and taken up by ``xgb_model=``; a stop sets its
        ``best_iteration``.
    """

    def __init__(self, metric: str | Metric = "validation-rmse", **options: Any) -> None:
        super().__init__()
        options.setdefault("x_unit", "iteration")
        self.watch = Watch(metric, has_logger=False, **options)
        self._kept = (0.0, 0.0)
        self._top: tuple[float, float, int] | None = None

    def before_training(self, model: Any) -> Any:
        """Take the saved state."""
        self._top = None
        self.watch.begin()
        self.watch.safely(self._restore, model, otherwise=None)
        return model

    def after_iteration(self, model: Any, epoch: int, evals_log: Any) -> bool:
        """Judge one round."""
        return self.watch.safely(self._look, model, epoch, evals_log, otherwise=False)

    def after_training(self, model: Any) -> Any:
        """Keep the state in the model."""
        self.watch.safely(self._keep, model, otherwise=None)
        return model

    def _restore(self, model: Any) -> None:
        if saved := model.attr(_STATE):
            self.watch.load_state_dict(json.loads(saved))
            model.set_attr(best_score=None, best_iteration=None)  # of the rounds so far

    def _look(self, model: Any, epoch: int, evals_log: Any) -> bool:
        rows = {f"{d}-{m}": v[-1] for d, each in evals_log.items() for m, v in each.items()}
        values = {k: v[0] if isinstance(v, tuple) else v for k, v in rows.items()}  # a pair in cross-validation
        value = values.get(self.watch.name, float("nan"))
        rank = -value if self.watch.larger_is_better else value
        rounds = model.num_boosted_rounds()
        if math.isfinite(rank) and (self._top is None or rank < self._top[0]):
            self._top = (rank, value, rounds - 1)
        stop = self.watch.see(rounds, values)
        if (
            stop and self._top is not None
        ):  # as XGBoost's own early stopping does; cross-validation cannot end without it
            model.set_attr(best_score=str(self._top[1]), best_iteration=str(self._top[2]))
        if time.monotonic() - self._kept[0] > SAVING * self._kept[1]:
            self._keep(model)
        return stop

    def _keep(self, model: Any) -> None:
        began = time.monotonic()
        model.set_attr(**{_STATE: json.dumps(self.watch.state_dict())})
        self._kept = (time.monotonic(), time.monotonic() - began)
