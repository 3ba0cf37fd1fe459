"""XGBoost: a callback of ``xgboost.train`` and of the scikit-learn estimators."""

from __future__ import annotations

import json
import time
from typing import Any

from ..curves import Metric
from ..curves._optional import optional
from ._base import Watch

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
        state is an attribute of the booster, saved with it and taken up by ``xgb_model=``.
    """

    def __init__(self, metric: str | Metric = "validation-rmse", **options: Any) -> None:
        super().__init__()
        options.setdefault("x_unit", "iteration")
        self.watch = Watch(metric, has_logger=False, **options)
        self._kept = (0.0, 0.0)

    def before_training(self, model: Any) -> Any:
        """Take the saved state."""
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
        saved = model.attr(_STATE) if hasattr(model, "attr") else None
        if saved:
            self.watch.load_state_dict(json.loads(saved))

    def _look(self, model: Any, epoch: int, evals_log: Any) -> bool:
        rows = {f"{d}-{m}": v[-1] for d, each in evals_log.items() for m, v in each.items()}
        values = {k: v[0] if isinstance(v, tuple) else v for k, v in rows.items()}  # a pair in cross-validation
        single = hasattr(model, "num_boosted_rounds")
        stop = self.watch.see(model.num_boosted_rounds() if single else epoch + 1, values)
        if time.monotonic() - self._kept[0] > 50 * self._kept[1]:  # at most 2 % of the time
            self._keep(model)
        return stop

    def _keep(self, model: Any) -> None:
        began = time.monotonic()
        if hasattr(model, "set_attr"):
            model.set_attr(**{_STATE: json.dumps(self.watch.state_dict())})
        self._kept = (time.monotonic(), time.monotonic() - began)
