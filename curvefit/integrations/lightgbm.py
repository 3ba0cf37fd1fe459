"""LightGBM: a callback of ``lightgbm.train`` and of the scikit-learn estimators."""

from __future__ import annotations

from typing import Any

from ..curves import Metric
from ..curves._optional import optional
from ._base import Watch

__all__ = ["MonitorCallback"]

lgb = optional("lightgbm", feature="the LightGBM callback")


class MonitorCallback:
    """Asks after every round whether to go on; x is the number of rounds in the model.

    Parameters
    ----------
    metric : str or Metric
        ``"<data>-<metric>"``: ``"valid_0-binary_logloss"``. ``Metric("valid_0-l2", direction="min")`` for a name that
        does not say which way is better.
    **options
        Of `Watch` and of `Monitor`. The planned length is ``num_boost_round``. LightGBM's models carry no state of
        callbacks: ``state_file`` keeps it beside the model, for ``init_model=``.
    """

    order = 40  # after record_evaluation, as early_stopping is
    before_iteration = False

    def __init__(self, metric: str | Metric = "valid_0-binary_logloss", **options: Any) -> None:
        options.setdefault("x_unit", "iteration")
        self.watch = Watch(metric, has_logger=False, **options)
        self._top: tuple[float, int, Any] | None = None

    def __call__(self, env: Any) -> None:
        """Judge one round."""
        stop = self.watch.safely(self._look, env, otherwise=False)
        if stop:
            _, best, results = self._top or (0.0, env.iteration, env.evaluation_result_list)
            raise lgb.callback.EarlyStopException(best, results)

    def _look(self, env: Any) -> bool:
        if env.iteration == env.begin_iteration:
            self.watch.begin(env.end_iteration)
            self._top = None
        values = {}
        for data, metric, value, larger_is_better, *_ in env.evaluation_result_list or []:
            values[f"{data}-{metric}"] = value
            rank = -value if larger_is_better else value
            if f"{data}-{metric}" == self.watch.name and (self._top is None or rank < self._top[0]):
                self._top = (rank, env.iteration, env.evaluation_result_list)
        stop = self.watch.see(env.iteration + 1, values)
        if stop or env.iteration + 1 >= env.end_iteration:
            self.watch.end()
        return stop
