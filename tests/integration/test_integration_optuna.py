"""The pruners in real studies: hopeless trials end early, the best one never does, errors end nothing."""

from __future__ import annotations

import numpy as np
import pytest

pytestmark = [
    pytest.mark.integration,
    pytest.mark.filterwarnings("ignore"),  # of the framework
    pytest.mark.filterwarnings("error:::curvefit"),
]

LENGTH = 60


def objective(trial, sign=1.0):
    """A curve that falls to a floor of the trial's own."""
    floor = trial.suggest_float("floor", 0.2, 1.0)
    rng = np.random.default_rng(trial.number)
    for step in range(1, LENGTH + 1):
        value = sign * (floor + 2 * step**-0.8 + 0.01 * rng.standard_normal())
        trial.report(value, step)
        if trial.should_prune():
            import optuna

            raise optuna.TrialPruned
    return value


def studied(pruner, n=10, direction="minimize", storage=None):
    import optuna

    optuna.logging.set_verbosity(optuna.logging.ERROR)
    sampler = optuna.samplers.RandomSampler(seed=1)
    study = optuna.create_study(
        pruner=pruner, sampler=sampler, direction=direction, storage=storage, study_name="s", load_if_exists=True
    )
    study.optimize(lambda t: objective(t, 1.0 if direction == "minimize" else -1.0), n_trials=n)
    return study


@pytest.mark.parametrize("direction", ["minimize", "maximize"])
def test_trials_that_cannot_beat_the_best_are_pruned(direction):
    from curvefit.integrations.optuna import ForecastPruner

    study = studied(ForecastPruner(LENGTH), direction=direction)
    floors = {t.number: t.params["floor"] for t in study.trials}
    pruned = [t for t in study.trials if t.state.name == "PRUNED"]
    assert len(pruned) >= 6 and all(9 <= t.last_step < 45 for t in pruned)
    assert study.best_trial.number == min(floors, key=floors.get)  # the best was let finish
    assert sum(t.last_step for t in study.trials) < 0.6 * LENGTH * len(study.trials)


def test_a_study_goes_on_from_its_storage(tmp_path):
    from curvefit.integrations.optuna import ForecastPruner

    storage = f"sqlite:///{tmp_path / 'study.db'}"
    studied(ForecastPruner(LENGTH), n=3, storage=storage)
    study = studied(ForecastPruner(LENGTH), n=1, storage=storage)  # a new process would do the same
    last = study.trials[-1]
    best = min(t.params["floor"] for t in study.trials[:-1])
    assert len(study.trials) == 4 and (last.state.name == "PRUNED") == (last.params["floor"] > best)


@pytest.mark.parametrize("error", [RuntimeError("no"), SystemExit(3)], ids=lambda e: type(e).__name__)
def test_a_forecaster_that_raises_prunes_nothing(error, caplog):
    from curvefit.integrations.optuna import ForecastPruner

    asked = []

    def failing(curve, x):
        asked.append(x)
        raise error

    study = studied(ForecastPruner(LENGTH, forecasting=failing), n=3)
    assert [t.state.name for t in study.trials] == ["COMPLETE"] * 3 and len(asked) == 3
    assert sum(r.name == "curvefit.integrations" for r in caplog.records) == 1


def test_a_trial_behind_the_others_for_long_is_pruned():
    from curvefit.integrations.optuna import TrialPatiencePruner

    study = studied(TrialPatiencePruner(12, fewest=3))
    ends = {t.number: (t.state.name, t.last_step) for t in study.trials}
    assert all(ends[i] == ("COMPLETE", LENGTH) for i in range(3))  # nobody to compare with
    pruned = [t for t in study.trials if t.state.name == "PRUNED"]
    assert len(pruned) >= 2 and all(t.last_step >= 12 for t in pruned)
    for trial in pruned:
        before = [t for t in study.trials[: trial.number] if t.state.name == "COMPLETE"]
        middle = [np.median([t.intermediate_values[s] for t in before]) for s in range(1, trial.last_step + 1)]
        worse = [trial.intermediate_values[s] > middle[s - 1] for s in range(1, trial.last_step + 1)]
        assert all(worse[-12:]) and not any(all(worse[i : i + 12]) for i in range(trial.last_step - 12))


def test_one_bad_report_prunes_nothing():
    """Negative control: patience is about reports in a row."""
    import optuna

    from curvefit.integrations.optuna import TrialPatiencePruner

    def flat(trial):
        for step in range(1, 21):
            bad = trial.number == 5 and step % 2
            trial.report(2.0 if bad else 1.0 - 0.01 * trial.number, step)
            if trial.should_prune():
                raise optuna.TrialPruned
        return 1.0

    study = optuna.create_study(pruner=TrialPatiencePruner(3))
    study.optimize(flat, n_trials=6)
    assert study.trials[5].state.name == "COMPLETE"
