"""The figure of a decision shows the numbers it was made from."""

import numpy as np
import pytest

import curvefit as cf


@pytest.fixture(scope="module")
def curve():
    x = np.arange(1.0, 201.0)
    y = 0.5 + 2 * x**-0.5 + 0.02 * np.random.default_rng(1).standard_normal(200)
    return cf.Curve(x, y, "val_loss")


def drawn(curve, **options):
    report = cf.analyze(cf.Run("r", {"val_loss": curve}), "val_loss", horizon=600, model=None, **options)
    ax = report.plot(kind="decision")
    lines = {line.get_label(): line for line in ax.get_lines()}
    return report, ax, lines


def test_with_prices_the_net_worth_is_drawn_and_its_maximum_marked(curve):
    cost, worth = 0.02, 100.0
    report, ax, lines = drawn(curve, cost_per_unit=cost, worth_per_unit=worth)
    x, y = lines["expected net worth"].get_data()
    levels = (np.arange(200) + 0.5) / 200
    kept = report.recommendation.arithmetic["level_kept"]
    assert kept <= report.forecast.level_now
    mean = report.forecast.mean(levels)
    middle = report.forecast.mean([0.4975, 0.5025]).mean(axis=1)[:, None]
    spread = np.ptp(report.forecast.mean([0.1575, 0.8425]), axis=1)
    left = np.sqrt(np.maximum(1 - (spread[0] / spread) ** 2, 0))[:, None]  # without what is not known of the mean now
    expected = worth * np.maximum(kept - middle - (mean - middle) * left, 0).mean(axis=1) - cost * (x - 200)
    np.testing.assert_allclose(y, expected, rtol=1e-6, atol=1e-9)
    star = report.recommendation.x_star
    assert abs(star - x[np.argmax(y)]) <= 10
    assert any(np.allclose(line.get_xdata(), star) for line in ax.get_lines())
    assert f"step {star:.0f}" in " ".join(t.get_text() for t in ax.texts)


def test_when_nothing_pays_the_mark_is_at_the_last_observation(curve):
    report, ax, _ = drawn(curve, cost_per_unit=2.0, worth_per_unit=10.0)
    assert report.recommendation.action is cf.decisions.recommendation.Action.STOP
    assert any(list(line.get_xdata()) == [200.0] and list(line.get_ydata()) == [0.0] for line in ax.get_lines())


def test_without_prices_the_gain_and_the_smallest_that_matters(curve):
    report, _, lines = drawn(curve, min_gain=0.05)
    assert lines["smallest gain that matters"].get_ydata()[0] == 0.05
    y = lines["median gain of the mean curve"].get_ydata()
    np.testing.assert_allclose(y, report.forecast.level_now - report.forecast.mean(), rtol=1e-9)
    mirrored = cf.Curve(curve.x, -curve.y, cf.Metric("score", direction="max"))
    up = cf.analyze(cf.Run("r", {"score": mirrored}), "score", horizon=600, model=None, min_gain=0.05)
    other = next(
        line for line in up.plot(kind="decision").get_lines() if line.get_label() == "median gain of the mean curve"
    )
    assert np.corrcoef(other.get_ydata(), y)[0, 1] > 0.99
