"""What differs by no more than rounding does not differ."""

import numpy as np
import pytest

import curvefit as cf

VALUES = [1.0, 712300.0, 0.6931, 0.1, 1 / 3, 2.302585, 10.3, 99.7, 1e-8, -0.3]


def verdicts(y: np.ndarray) -> dict[str, str]:
    run = cf.Run("r", {"val_loss": cf.Curve(np.arange(1.0, y.size + 1), y, metric="val_loss")})
    return {d.name: d.verdict.value for d in cf.diagnose(run)}


@pytest.mark.parametrize("n", [10, 50, 300])
def test_every_constant_gets_the_same_verdicts(n: int) -> None:
    expected = verdicts(np.full(n, 1.0))
    assert expected["not_learning"] == "present"
    assert expected["diverged"] == "absent"
    for value in VALUES:
        assert verdicts(np.full(n, value)) == expected, value


@pytest.mark.parametrize("n", [10, 50, 300])
def test_the_last_digit_is_no_divergence(n: int) -> None:
    last_digit = np.random.default_rng(0).integers(-1, 2, n) * 2.2e-16
    for value in VALUES:
        assert verdicts(value * (1 + last_digit))["diverged"] == "absent", value


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_evidence_is_finite_at_the_largest_floats() -> None:
    top = 1.4850345e308
    y = np.array([top] * 12 + [0.0, top, 0.0])
    run = cf.Run("r", {"train_loss": cf.Curve(np.linspace(0, 2, 15), y, metric="train_loss")})
    for found in cf.diagnose(run):
        assert np.isfinite(list(found.evidence.values())).all(), (found.name, found.evidence)
