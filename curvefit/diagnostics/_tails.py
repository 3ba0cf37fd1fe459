"""How heavy the tails of the noise of a run are, and what they allow."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ._noise import thinned
from ._trace import HIGHEST

__all__ = ["tail_probability"]

Array = NDArray[np.float64]

# Student-t tails, from heavy to Gaussian, with the weight each has before the data speak
_TAILS = np.array([2.0, 3.0, 4.0, 6.0, 10.0, 30.0, 1e6])
_PRIOR = np.array([0.005, 0.25, 0.10, 0.05, 0.05, 0.10, 0.445])
_KEPT = 4.5  # what lies higher on the bad side is what is being tested and does not shape the tail
_SCALES = 11  # sizes of the noise that are weighed, about that of its quartile
_BELIEVED = 600  # values, beyond which more of them do not say that the noise is of one of these kinds exactly
_ENOUGH = 4_000  # of more values about that many tell as much


def tail_probability(shocks: Array, heights: Array, others: Sequence[Array] = ()) -> Array:
    r"""P(one healthy shock exceeds each height), averaged over how heavy the tails and how large the noise may be.

    .. math:: \bar P(h) = \sum_{\nu, s} w_{\nu s} P(s\,t_\nu > h), \qquad
              w_{\nu s} \propto \pi_\nu \Big[L_{\nu s}(u) \prod_k \bar L_\nu(u^{(k)})\Big]^{\min(1,\, 600/N)}, \qquad
              L_{\nu s}(u) = \prod_{u_i \le 4.5} \frac{f_\nu(u_i / s)}{s\,F_\nu(4.5 / s)}

    Parameters
    ----------
    shocks : ndarray, shape (n,)
        In robust standard deviations; large is bad.
    heights : ndarray, shape (k,)
        Where to evaluate.
    others : sequence of ndarray
        Shocks of the other curves of the run: they tell of the tails, not of the size.

    Returns
    -------
    ndarray, shape (k,)

    Notes
    -----
    The noise is taken as symmetric: its heaviness is learned from the middle and the good side, never from the large
    bad values under test. With few observations the heavy tails keep their weight and only a very high value is rare.
    The curves of a run see the same batches and the same weights: of 30 observations each, three curves together tell
    Gaussian noise from heavy tails, where one alone does not. What more than 600 values say counts as if they were 600:
    no noise is of one of these kinds exactly.
    """
    from scipy.special import stdtr

    scales, logs = _likelihood(shocks)
    for other in others:
        each = _likelihood(other)[1]
        top = each.max(axis=1)
        logs = logs + (top + np.log(np.mean(np.exp(each - top[:, None]), axis=1)))[:, None]
    believed = min(1.0, _BELIEVED / max(shocks.size + sum(other.size for other in others), 1))
    logs = believed * logs + np.log(_PRIOR)[:, None]
    share = np.exp(logs - logs.max())
    share /= share.sum()
    beyond = stdtr(_TAILS[:, None, None], -heights / scales[:, :, None])
    return np.asarray(np.einsum("ij,ijk->k", share, beyond), dtype=np.float64)


def _likelihood(shocks: Array) -> tuple[Array, Array]:
    """Sizes for each tail, shape (tails, sizes), and the logarithm of their likelihoods; the quartile ties both together."""
    from scipy.special import gammaln, stdtr, stdtrit

    kept = np.maximum(thinned(shocks[shocks <= _KEPT], _ENOUGH), -HIGHEST)
    nu = _TAILS[:, None]
    reach = float(np.clip(3.5 / np.sqrt(max(kept.size, 1)), 0.1, 0.7))
    scales = np.exp(np.linspace(-reach, reach, _SCALES))[None, :] * (0.6744897501960817 / stdtrit(nu, 0.75))
    squares = (kept / scales[:, :, None]) ** 2
    logs = -(nu + 1) / 2 * np.log1p(squares / nu[:, :, None]).sum(axis=2)
    constant = gammaln((nu + 1) / 2) - gammaln(nu / 2) - 0.5 * np.log(np.pi * nu)
    return scales, logs + kept.size * (constant - np.log(scales * stdtr(nu, _KEPT / scales)))
