"""The example runs load, are what they say, and hold back what came later."""

import numpy as np
import pytest

from curvefit.curves import UsageError
from curvefit.datasets import examples


@pytest.mark.parametrize("name", examples.names())
def test_an_example_has_every_curve_and_its_plan(name):
    run = examples.load_example(name)
    assert set(run.curves) == {"train_loss", "train_accuracy", "val_loss", "val_accuracy", "learning_rate"}
    assert run.horizon == examples.EXAMPLES[name].planned
    assert run.schedule is not None and len(run.schedule) == len(run["val_loss"])
    assert run["val_loss"].x_unit == "epoch" and run["val_loss"].metric.split == "val"
    assert examples.path(name).stat().st_size < 60_000


@pytest.mark.parametrize("name", examples.names())
def test_shown_part_and_rest_make_the_planned_run(name):
    run, later = examples.load_example(name), examples.rest(name)
    last = run["val_loss"].x[-1]
    if later is None:
        assert last == run.horizon
    else:
        assert later["val_loss"].x[0] == last + 1
        assert later["val_loss"].x[-1] == run.horizon


def test_they_show_what_they_were_made_for():
    overfit = examples.load_example("overfitting")
    assert overfit["val_loss"].y[-1] > 1.3 * overfit["val_loss"].y.min()
    assert overfit["train_loss"].y[-1] < 0.2 * overfit["train_loss"].y[0]
    dropped = examples.load_example("lr_drops")
    assert [c.x for c in dropped.schedule.changes()] == [51.0, 81.0]
    steps = np.diff(np.unique(examples.load_example("noisy_accuracy")["val_accuracy"].y))
    assert np.allclose(steps / 0.0125, np.round(steps / 0.0125), atol=1e-3)
    apart = examples.load_example("diverging")["train_loss"].y
    assert apart[-1] > 10 * apart.min()


def test_an_unknown_name_lists_the_choices():
    with pytest.raises(UsageError, match="Did you mean 'healthy'"):
        examples.load_example("helthy")
