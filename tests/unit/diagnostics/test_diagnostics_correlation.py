"""The correlation of noise: its likelihood, curves taken together, and what rests on it."""

import numpy as np
import pytest

from curvefit.curves import Curve, Run
from curvefit.diagnostics._correlation import GRID, likelihood, pooled, settled
from curvefit.diagnostics._phases import phases
from curvefit.diagnostics._traces import trace
from curvefit.diagnostics._turns import turns_of
from curvefit.diagnostics.api import diagnose
from curvefit.diagnostics.evidence import Evidence
from curvefit.diagnostics.rules import registry
from curvefit.simulate import NOISES

X = np.arange(1.0, 97.0)


def drawn(kind, seed, n=96):
    return NOISES[kind].apply(np.zeros(n), 1.0, np.random.default_rng(seed))


def of_one(e):
    return likelihood([e], [np.ones((e.size, 1))])


def test_the_likelihood_is_that_of_dense_matrices():
    e, x = drawn("ar.5", 1, 40), np.column_stack([np.ones(40), np.linspace(-1, 1, 40)])
    ours = likelihood([e[:25], e[25:]], [x[:25], x[25:]])
    for j in (0, 7, 23):
        total, power = 0.0, 0.0
        for a, b in ((0, 25), (25, 40)):
            n = b - a
            cov = GRID[j] ** np.abs(np.subtract.outer(np.arange(n), np.arange(n))) / (1 - GRID[j] ** 2)
            inv, z = np.linalg.inv(cov), x[a:b]
            gram = z.T @ inv @ z
            mean = np.linalg.solve(gram, z.T @ inv @ e[a:b])
            rest = e[a:b] - z @ mean
            power += rest @ inv @ rest
            total -= 0.5 * np.linalg.slogdet(cov)[1] + 0.5 * np.linalg.slogdet(gram)[1]
        assert ours.power[j] == pytest.approx(power, rel=1e-8)
        assert ours.log[j] == pytest.approx(total - 0.5 * 36 * np.log(power), abs=1e-7)


@pytest.mark.parametrize(("kind", "rho"), [("white", 0.0), ("ar.5", 0.5), ("ar.9", 0.9)])
def test_curves_that_agree_tell_the_correlation_better(kind, rho):
    alone, together = [], []
    for seed in range(60):
        likes = [of_one(drawn(kind, [seed, k])) for k in range(3)]
        alone.append(settled(likes[0].log, likes[0])[0] - rho)
        together.append(settled(pooled(likes[0], likes[1:]), likes[0])[0] - rho)
    assert np.mean(np.square(together)) < 0.8 * np.mean(np.square(alone))


def test_a_curve_more_correlated_than_the_others_keeps_its_own():
    slow, fast = of_one(drawn("ar.9", 4, 400)), [of_one(drawn("white", k, 400)) for k in (5, 6)]
    assert pooled(slow, fast) is slow.log


def test_the_same_residuals_twice_count_once():
    one = of_one(drawn("ar.5", 3))
    assert pooled(one, [one]) == pytest.approx(one.log)
    other = of_one(drawn("ar.5", 8))
    assert np.ptp(pooled(one, [other])) > 1.5 * np.ptp(one.log)  # negative control: others count


def test_few_residuals_are_met_with_more_caution():
    one = of_one(drawn("ar.5", 2, 16))
    assert settled(one.log, one, few=True)[1] > settled(one.log, one)[1]


def test_a_climb_that_is_over_soon_after_the_start_is_seen():
    early = 1 + np.minimum(X / 4, 1) + 0.02 * drawn("white", 0)
    fall = 2 - np.minimum(X / 4, 1) + 0.02 * drawn("white", 0)
    p = [turns_of(trace(Curve(X, y, "val_loss"), phases(None)))[0].p_value for y in (early, fall)]
    assert p[0] < 1e-6 and p[1] > 0.05


def test_a_climb_within_a_few_bins_is_no_jump_when_observations_show_its_course():
    x = np.arange(1.0, 1921.0)
    smooth = 2.5 - np.minimum(x / 300, 1) + np.clip((x - 1000) / 45, 0, 1)
    jump = 2.5 - np.minimum(x / 300, 1) + (x >= 1000)
    train = 2 - x / 1000
    e = 0.01 * drawn("white", 2, x.size)
    found = [
        diagnose(Run("r", {"val_loss": Curve(x, y + e, "val_loss"), "train_loss": Curve(x, train - e, "train_loss")}))
        for y in (smooth, jump)
    ]
    assert found[0]["overfitting"].present
    assert not found[1]["overfitting"].present


def test_noise_on_the_way_to_zero_is_no_proof_that_nothing_is_learned():
    y = np.abs(2.0 + 2.6 * drawn("white", 1))
    said = registry["not_learning"](Evidence(Run("r", {"train_loss": Curve(X, y, "train_loss")})))
    assert said.verdict.value == "undecided"
    quiet = registry["not_learning"](
        Evidence(Run("r", {"train_loss": Curve(X, 2 + 0.1 * drawn("white", 1), "train_loss")}))
    )
    assert quiet.present


def test_a_slow_sure_gain_is_no_plateau_however_much_came_first():
    slow = np.r_[30.0, 2.0 + 2.0 * X[1:] ** -0.3] + 0.002 * drawn("white", 3)
    level = np.r_[30.0, 2.0 + 0.0 * X[1:]] + 0.002 * drawn("white", 3)
    said = [registry["plateaued"](Evidence(Run("r", {"val_loss": Curve(X, y, "val_loss")}))) for y in (slow, level)]
    assert said[0].verdict.value == "absent" and "slowly" in said[0].explanation
    assert said[1].present


def test_both_curves_level_have_converged_and_one_alone_has_plateaued():
    fall = 0.5 + 2.0 * np.maximum(1 - X / 15, 0)
    curves = {
        k: Curve(X, fall + c + 0.002 * drawn("white", s), k)
        for k, c, s in (("train_loss", 0.0, 1), ("val_loss", 0.1, 2))
    }
    both, one = diagnose(Run("r", curves)), diagnose(Run("r", {"val_loss": curves["val_loss"]}))
    assert both["converged"].present and not both["plateaued"].present
    assert both["converged"].where[0].value == pytest.approx(15, abs=6)  # the onset of the plateau it explains
    assert one["plateaued"].present and one["converged"].verdict.value == "undecided"


@pytest.mark.parametrize(("share", "text"), [(0.87, "87 % of"), (2.04, "2 times"), (83.81, "84 times")])
def test_more_than_all_is_told_in_multiples(share, text):
    from curvefit.diagnostics.rules.diverged import _times

    assert _times(share) == text
