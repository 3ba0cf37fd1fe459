"""NIST StRD by others, on the same machine: ``python -m benchmarks.accuracy.nist_peers``.

scipy's ``curve_fit`` and lmfit's ``minimize`` with their default settings, as most people call them: derivatives by
forward differences, one local solver, from NIST's starting values. They have no way to start without. "Wrong" counts
results that come with standard errors, and without an exception or a failure flag, but with fewer than four correct
digits.
"""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable

import numpy as np

from curvefit.fitting.formula import Formula, parse_formula, split_response

from .nist_data import Reference, equivalents, load, log_relative_error, names

__all__ = ["PEERS", "main"]

Peer = Callable[[Formula, Reference, np.ndarray, dict[str, float]], tuple[dict[str, float], dict[str, float], bool]]


def curve_fit(formula: Formula, reference: Reference, y: np.ndarray, start: dict[str, float]):
    """scipy.optimize.curve_fit with its defaults."""
    from scipy.optimize import curve_fit as scipy_curve_fit

    bound = formula.expression.bind({c: reference.data[c] for c in formula.columns}, len(y))
    p0 = [start[b] for b in formula.parameters]
    values, covariance = scipy_curve_fit(lambda _, *theta: bound.value(np.array(theta)), np.arange(len(y)), y, p0)
    errors = np.sqrt(np.diag(covariance))
    done = bool(np.all(np.isfinite(errors)))
    return _named(formula, values), _named(formula, errors), done


def lmfit(formula: Formula, reference: Reference, y: np.ndarray, start: dict[str, float]):
    """lmfit.minimize with its defaults (leastsq)."""
    import lmfit as package

    bound = formula.expression.bind({c: reference.data[c] for c in formula.columns}, len(y))
    parameters = package.Parameters()
    for b in formula.parameters:
        parameters.add(b, value=start[b])
    result = package.minimize(lambda p: y - bound.value(np.array([p[b].value for b in formula.parameters])), parameters)
    errors = [p.stderr if p.stderr is not None else np.nan for p in result.params.values()]
    done = bool(result.success and np.all(np.isfinite(errors)))
    return {b: result.params[b].value for b in formula.parameters}, _named(formula, errors), done


def _named(formula: Formula, values) -> dict[str, float]:
    return dict(zip(formula.parameters, map(float, values), strict=True))


PEERS: dict[str, Peer] = {"scipy curve_fit": curve_fit, "lmfit minimize": lmfit}


def digits(peer: Peer, name: str, start: int) -> tuple[float, float, bool]:
    """Correct digits of parameters and standard errors, and whether the peer calls it done."""
    reference = load(name)
    response, text = split_response(reference.model, "y")
    formula = parse_formula(text, [c for c in reference.data if c != "y"])
    y = parse_formula(response, reference.data, parameters=False)({}, reference.data)
    try:
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore")
            found, errors, done = peer(formula, reference, y, reference.starts[start])
    except (RuntimeError, ValueError, TypeError, np.linalg.LinAlgError):
        return 0.0, 0.0, False
    best = (0.0, 0.0)
    for values, origin in equivalents(name, found):
        params = min(log_relative_error(values[b], c) for b, c in reference.certified.items())
        sd = min(log_relative_error(errors[origin[b]], c) for b, c in reference.certified_sd.items())
        best = max(best, (params, sd))
    return (*best, done)


def main() -> int:
    """Print one line per peer and start."""
    print(f"{'':<18}{'start':>6}{'>= 4 digits':>13}{'>= 6 digits':>13}{'errors >= 4':>13}{'wrong':>7}{'seconds':>9}")
    for label, peer in PEERS.items():
        for start in (0, 1):
            clock = time.perf_counter()
            rows = [digits(peer, name, start) for name in names()]
            seconds = time.perf_counter() - clock
            four = sum(done and p >= 4 for p, _, done in rows)
            six = sum(done and p >= 6 for p, _, done in rows)
            sd = sum(done and e >= 4 for _, e, done in rows)
            wrong = sum(done and p < 4 for p, _, done in rows)
            print(f"{label:<18}{start + 1:>6}{four:>13}{six:>13}{sd:>13}{wrong:>7}{seconds:>9.1f}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
