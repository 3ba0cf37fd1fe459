"""scikit-learn: ``partial_fit`` until nothing more is to come."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..curves._optional import optional
from .loop import Loop

__all__ = ["partial_fit_loop"]


def partial_fit_loop(
    estimator: Any,
    X: Any,
    y: Any,
    *,
    validation: tuple[Any, Any],
    loop: Loop | None = None,
    batch_size: int = 200,
    scoring: Any = None,
    rng: np.random.Generator | None = None,
) -> Loop:
    """Train in epochs of shuffled batches, score after each, and stop when the monitor says so.

    Parameters
    ----------
    estimator : estimator with ``partial_fit``
        Trained in place.
    X, y : array-like
        Training data.
    validation : (array-like, array-like)
        Data to score on.
    loop : Loop, optional
        ``Loop("val_score", total=100, direction="max")`` unless given; one with a loaded state goes on.
    batch_size : int
        Rows per ``partial_fit``.
    scoring : str or callable, optional
        As in scikit-learn; default the estimator's own score. Larger is better.
    rng : Generator, optional
        Shuffles the rows; without it they are taken in their order.

    Returns
    -------
    Loop
        ``.watch.answer`` says why it ended; save ``.state_dict()`` beside the estimator.
    """
    sklearn = optional("sklearn", feature="training by partial_fit", package="scikit-learn")
    score = optional("sklearn.metrics", feature="training by partial_fit").check_scoring(estimator, scoring)
    rows = np.arange(len(y))
    known = {"classes": np.unique(y)} if sklearn.base.is_classifier(estimator) else {}
    X, y = np.asarray(X) if isinstance(X, list) else X, np.asarray(y)
    loop = Loop("val_score", total=100, direction="max") if loop is None else loop
    for _ in loop:
        order = rows if rng is None else rng.permutation(rows)
        for start in range(0, rows.size, batch_size):
            batch = order[start : start + batch_size]
            estimator.partial_fit(X[batch], y[batch], **known)
        loop.log({loop.watch.name: score(estimator, *validation)})
    return loop
