"""Scaling laws: the optimum against another optimizer, known truth, allocations by brute force, honest refusals."""

from __future__ import annotations

import json
import re
from dataclasses import replace

import numpy as np
import pytest
from scipy.optimize import minimize
from scipy.special import huber, logsumexp

import curvefit as cf
from curvefit.curves import CurvefitError, DataError, ReadError, Status, UsageError
from curvefit.studies._point_files import read_points

TRUTH = {"E": 1.8, "A": 480.0, "B": 2100.0, "alpha": 0.35, "beta": 0.37}


def chinchilla(noise=0.004, seed=0, n=10, d=8, heavy=False):
    rng = np.random.default_rng(seed)
    sizes, data = (v.ravel() for v in np.meshgrid(np.geomspace(4e7, 1.6e10, n), np.geomspace(3e8, 3e11, d)))
    scatter = rng.standard_t(2, sizes.size) if heavy else rng.standard_normal(sizes.size)
    loss = TRUTH["E"] + TRUTH["A"] / sizes ** TRUTH["alpha"] + TRUTH["B"] / data ** TRUTH["beta"]
    return {"N": sizes, "D": data, "L": loss * np.exp(noise * scatter)}


def published_objective(p, points, delta=1e-3):
    """The objective of Hoffmann et al.: a, b, e are logs, the loss is summed."""
    a, b, e, alpha, beta = p
    n, d = np.log(points["N"]), np.log(points["D"])
    told = logsumexp(np.stack([a - alpha * n, b - beta * d, np.full_like(n, e)]), axis=0)
    return huber(delta, np.log(points["L"]) - told).sum()


@pytest.mark.parametrize("heavy", [False, True])
def test_it_reaches_the_optimum_of_the_published_objective(heavy):
    points = chinchilla(heavy=heavy)
    fit = cf.scaling_law(points, replicates=0, check=False)
    ours = [np.log(fit.parameters[k].value) for k in ("A", "B", "E")] + [
        fit.parameters[k].value for k in ("alpha", "beta")
    ]
    assert fit.objective == pytest.approx(published_objective(ours, points), rel=1e-9)
    best = min(
        (
            minimize(
                published_objective,
                start,
                (points,),
                method="Nelder-Mead",
                options={"maxiter": 4000, "maxfev": 4000, "xatol": 1e-9, "fatol": 1e-13},
            )
            for start in (ours, [6.0, 7.0, 0.5, 0.33, 0.33])
        ),
        key=lambda r: r.fun,
    )
    assert fit.objective <= best.fun * (1 + 1e-7)


def test_without_noise_the_truth_comes_back():
    fit = cf.scaling_law(chinchilla(noise=0.0), replicates=0, check=False)
    for name, value in TRUTH.items():
        assert fit.parameters[name].value == pytest.approx(value, rel=1e-4)


def test_outliers_that_ruin_least_squares_do_not_ruin_it():
    points = chinchilla(noise=0.002)
    points["L"][np.argsort(points["N"] * points["D"])[-16::2]] *= 1.15  # half of the largest runs went wrong
    robust = cf.scaling_law(points, replicates=0, check=False)
    squares = cf.scaling_law(points, replicates=0, check=False, delta=np.inf)
    assert abs(robust.parameters["E"].value - TRUTH["E"]) < 0.05
    assert abs(squares.parameters["E"].value - TRUTH["E"]) > 0.1, "negative control: least squares follows the outliers"


def test_intervals_hold_the_truth_and_predictions_hold_new_runs():
    inside = 0
    for seed in range(10):
        points = chinchilla(seed=seed)
        fit = cf.scaling_law(points, replicates=150, check=False, rng=np.random.default_rng(seed))
        inside += all(TRUTH[k] in e.interval for k, e in fit.parameters.items())
    assert inside >= 6  # five intervals of 95 % each, correlated
    told = fit.predict(*np.array([[1e10, 1e12], [1e11, 3e12]]).T)
    assert np.all(told.high > told.low)
    wide, narrow = (fit.predict(1e9, 1e10, interval=k) for k in ("prediction", "confidence"))
    assert wide.high - wide.low > narrow.high - narrow.low


def wavy(seed=0, wave=0.02):
    """A law that the loss follows with a wave around it, as no law holds exactly."""
    rng = np.random.default_rng(seed)
    n = np.geomspace(1e6, 1e10, 60)
    noise = wave * np.sin(1.5 * np.log(n) + seed) + 0.003 * rng.standard_normal(n.size)
    return {"n": n, "L": (1.5 + 40 * n**-0.2) * np.exp(noise)}


def test_beyond_the_data_predictions_are_as_wide_as_the_rolling_checks_needed():
    covered = {False: [], True: []}
    for seed in range(6):
        points = wavy(seed)
        below = {k: v[:40] for k, v in points.items()}
        for check in (False, True):
            fit = cf.scaling_law(below, "n", replicates=100, check=check, rng=np.random.default_rng(seed))
            assert check or fit.widening == 1.0
            told = fit.predict(points["n"][40:])
            covered[check].append(np.mean((told.low <= points["L"][40:]) & (points["L"][40:] <= told.high)))
    assert np.mean(covered[False]) < 0.7 and np.mean(covered[True]) > 0.9


def test_a_prediction_is_widened_from_the_largest_run_to_twice_its_size_and_nowhere_else():
    points = wavy()
    fit = cf.scaling_law({k: v[:40] for k, v in points.items()}, "n", replicates=100)
    assert fit.widening == max(c.needed for c in fit.checks) > 1
    plain = replace(fit, checks=())
    assert plain.widening == 1.0
    last = points["n"][39]
    wide, narrow = (one.predict(np.array([0.5, 1.0, 2.0, 8.0]) * last) for one in (fit, plain))
    ratio = np.log(wide.high / wide.mean) / np.log(narrow.high / narrow.mean)
    assert ratio == pytest.approx([1, 1, fit.widening, fit.widening])
    assert 1 < np.log(fit.predict(1.5 * last).high / fit.predict(1.5 * last).mean)[0] / np.log(
        plain.predict(1.5 * last).high / plain.predict(1.5 * last).mean
    )[0] < fit.widening  # fmt: skip
    same = (one.predict(8 * last, interval="confidence") for one in (fit, plain))
    assert len({(float(t.low[0]), float(t.high[0])) for t in same}) == 1
    assert f"widened {fit.widening:.3g} times" in str(fit)


def test_a_law_that_goes_on_is_hardly_widened():
    """Four checks of some tens of points each: the most of their 95 % quantiles lies a little above 1."""
    fits = [cf.scaling_law(chinchilla(seed=s), replicates=100, rng=np.random.default_rng(s)) for s in range(5)]
    assert np.median([f.widening for f in fits]) < 1.5


def test_rows_of_one_run_are_resampled_together():
    points = chinchilla()
    alone = cf.scaling_law(points, check=False, replicates=200)
    rng = np.random.default_rng(1)
    shared = {k: np.repeat(v, 4) for k, v in points.items()}
    shared["L"] = shared["L"] * np.exp(1e-5 * rng.standard_normal(shared["L"].size))
    owner = np.repeat(np.arange(points["L"].size), 4).astype(str)
    together = cf.scaling_law({**shared, "run_id": owner}, check=False, replicates=200)
    apart = cf.scaling_law(shared, check=False, replicates=200)
    assert together.stderr["E"] == pytest.approx(alone.stderr["E"], rel=0.35)
    assert apart.stderr["E"] < 0.7 * together.stderr["E"], "negative control: copies taken for independent rows"


def test_the_allocation_is_the_best_one_on_the_line_of_equal_compute():
    fit = cf.scaling_law(chinchilla(), replicates=50, check=False)
    best = fit.optimal(1e22)
    n = np.geomspace(1e8, 1e12, 20001)
    losses = fit.predict(n, 1e22 / 6 / n, interval=None).mean
    assert best.sizes["N"].value == pytest.approx(n[np.argmin(losses)], rel=1e-3)
    assert best.loss.value == pytest.approx(losses.min(), rel=1e-8)
    assert 6 * best.sizes["N"].value * best.sizes["D"].value == pytest.approx(1e22)
    assert best.ratio.value == pytest.approx(best.sizes["D"].value / best.sizes["N"].value)
    with pytest.raises(UsageError, match="two variables"):
        cf.scaling_law({"n": points_1d()[0], "loss": points_1d()[1]}, replicates=0).optimal(1e20)


def points_1d(noise=0.005):
    x = np.geomspace(1e3, 1e6, 25)
    return x, (0.08 + 12 / x**0.55) * np.exp(noise * np.random.default_rng(2).standard_normal(25))


@pytest.mark.parametrize("name", ["n", "N", "D", "C"])
def test_one_variable_of_any_kind(name):
    x, y = points_1d()
    fit = cf.scaling_law({name: x, "loss": y}, replicates=100)
    assert fit.variables == (name,)
    assert 0.55 in fit.parameters["alpha"].interval
    assert fit.checks
    assert fit.checks[0].fitted + fit.checks[0].predicted == 25
    assert all(c.error < 0.2 for c in fit.checks)


def test_a_floor_that_is_not_there_is_said():
    x = np.geomspace(1e3, 1e6, 25)
    y = 12 / x**0.4 * np.exp(0.01 * np.random.default_rng(3).standard_normal(25))
    fit = cf.scaling_law({"n": x, "loss": y}, replicates=200, check=False)
    assert any("not told from zero" in r for r in fit.reasons)
    assert fit.status is cf.Status.DEGRADED, "the search comes to rest on the bound"
    assert cf.scaling_law({"n": x, "loss": y}, replicates=50, floor=False, check=False).parameters["E"].value == 0.0


def test_model_wise_double_descent_is_not_taken_for_a_power_law():
    width = np.arange(1.0, 65.0)
    bump = 0.25 * np.exp(-0.5 * ((np.log(width) - np.log(12)) / 0.25) ** 2)
    error = 0.1 + 0.5 / width**0.6 + bump + 0.004 * np.random.default_rng(0).standard_normal(64)
    fit = cf.scaling_law({"n": width, "loss": error}, replicates=20, check=False)
    assert any("double descent" in r for r in fit.reasons)
    plain = cf.scaling_law({"n": width, "loss": error - bump}, replicates=20, check=False)
    assert not any("double descent" in r for r in plain.reasons), "negative control"
    assert cf.double_descent((width, error), direction="min").verdict == "present"


def test_rows_that_are_no_numbers_are_counted():
    points = chinchilla()
    points["L"][3], points["N"][5] = np.nan, -1.0
    fit = cf.scaling_law(points, replicates=0, check=False)
    assert fit.losses.size == 78
    assert fit.reasons[0].startswith("2 of 80 rows left out")


def renamed(**names):
    points = chinchilla()
    return {names.get(k, k): v for k, v in points.items()}


@pytest.mark.parametrize(
    ("size", "data"),
    [
        ("params", "tokens"),
        ("n_params", "n_tokens"),
        ("Parameters", "dataset_size"),
        ("model size", "data"),
        ("N", "Tokens"),
    ],
)
def test_size_and_data_are_known_by_their_usual_names(size, data):
    by_letters = cf.scaling_law(chinchilla(), replicates=0, check=False)
    assert by_letters.variables == ("N", "D") and by_letters.reasons == ()
    fit = cf.scaling_law(renamed(N=size, D=data, L="eval_loss"), replicates=0, check=False)
    assert fit.variables == (size, data)
    assert fit.reasons == (f"{size} was taken for the size of the model and {data} for the amount of data.",)
    assert fit.best == pytest.approx(by_letters.best)
    one = cf.scaling_law(renamed(N=size, D=data), size, replicates=0, check=False)  # what is named decides
    assert one.variables == (size,) and one.reasons == ()


def test_what_is_there_and_not_used_is_said():
    points = chinchilla()
    flops = 6 * points["N"] * points["D"]
    fit = cf.scaling_law({**renamed(N="params", D="tokens"), "flops": flops}, replicates=0, check=False)
    assert fit.reasons == (
        "params was taken for the size of the model and tokens for the amount of data (also there: flops).",
    )
    fit = cf.scaling_law({"params": points["N"], "compute": flops, "L": points["L"]}, replicates=0, check=False)
    assert fit.variables == ("params",)
    assert "Only params was used, since no variables were named; also there: compute." in fit.reasons
    still = cf.scaling_law({**points, "D": np.full(points["N"].size, 1e9)}, replicates=0, check=False)
    assert "Only N was used, since D takes fewer than three values; also there: D." in still.reasons
    line = cf.scaling_law({**points, "D": 20 * points["N"]}, replicates=0, check=False)
    assert (
        "Only N was used, since D is a power of it in these runs and cannot be told from it; also there: D."
        in line.reasons
    )
    named = {**renamed(N="n_params"), "params": ["small"] * points["N"].size}  # a word is no size
    assert cf.scaling_law(named, replicates=0, check=False).variables == ("n_params", "D")


def test_an_interval_over_many_powers_of_ten_is_called_not_determined():
    rng = np.random.default_rng(3)
    n = np.repeat(np.geomspace(1e6, 1e9, 6), 3)
    loss = (1.8 + 480 / n**0.35) * np.exp(0.25 * rng.standard_normal(18))
    fit = cf.scaling_law({"N": n, "L": loss}, replicates=200, check=False)
    a = fit.parameters["A"]
    assert a.status is Status.NOT_IDENTIFIED
    assert a.interval.high / a.interval.low > 1e6
    text = fit.render("plain")
    assert "Not determined by these runs, by the width of the interval: A (" in text
    (row,) = [line for line in text.splitlines() if line.startswith("A ")]
    assert re.search(r"\[\S+, \d\.\de\d+\] +-$", row), row  # two digits, and no standard error beside it
    sure = cf.scaling_law(chinchilla(), replicates=50, check=False)
    assert all(e.status is Status.OK for e in sure.parameters.values())
    assert "Not determined" not in sure.render("plain")


def test_a_fit_without_replicates_says_why_it_has_no_intervals():
    text = cf.scaling_law(chinchilla(), replicates=0, check=False).render("markdown")
    assert "No interval of value: no bootstrap replicates." in text
    assert "No standard error: no bootstrap replicates." in text


@pytest.mark.parametrize(
    ("points", "options", "error", "words"),
    [
        ({"N": [1e8, 1e9], "D": [1e9, 1e10], "L": [3.0, 2.5]}, {}, DataError, "2 usable points for 5"),
        ({"width": [1.0, 2.0], "L": [1.0, 1.0]}, {}, UsageError, "no column of a size"),
        ({"N": [1.0, 2.0]}, {}, UsageError, "no column of losses"),
        ({"N": np.repeat([1e8, 1e9], 5), "L": np.ones(10)}, {}, DataError, "fewer than three values"),
        ({"N": np.geomspace(1, 9, 9), "L": np.geomspace(1, 9, 9)}, {}, CurvefitError, "falls with no variable"),
        ({"N": [1.0, 2.0], "L": [1.0]}, {}, DataError, "one length"),
        ("not-there.csv", {}, ReadError, "No such file"),
        (chinchilla(), {"delta": 0.0}, UsageError, "delta"),
        (chinchilla(), {"replicates": -1}, UsageError, "replicates"),
        (chinchilla(), {"loss": "Loss"}, UsageError, "no column named 'Loss'"),
    ],
)
def test_mistakes_are_named(points, options, error, words):
    with pytest.raises(error, match=words):
        cf.scaling_law(points, **options)


@pytest.mark.parametrize("suffix", [".csv", ".tsv", ".json", ".jsonl"])
def test_tables_of_points_are_read(tmp_path, suffix):
    points = {k: v[:20].tolist() for k, v in chinchilla().items()}
    rows = [dict(zip(points, r, strict=True)) for r in zip(*points.values(), strict=True)]
    file = tmp_path / f"points{suffix}"
    mark = "\t" if suffix == ".tsv" else ","
    texts = {
        ".json": json.dumps(rows),
        ".jsonl": "\n".join(json.dumps(r) for r in rows),
    }
    table = "\n".join([mark.join(points), *(mark.join(map(repr, r.values())) for r in rows)])
    file.write_text(texts.get(suffix, table), encoding="utf-8")
    assert read_points(file) == points


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "is empty"),
        (b"\xff\xfe\x00\x01junk", "neither text"),
        (b"[1, 2", "no valid JSON"),
        (b"N,L\n1,2,3\n", "line 2 has 3 fields"),
        (b"N,N\n1,2\n", "one name"),
    ],
)
def test_files_that_are_no_tables_are_named(tmp_path, content, words):
    file = tmp_path / "points.csv"
    file.write_bytes(content)
    with pytest.raises(ReadError, match=words):
        read_points(file)


@pytest.mark.parametrize("wobble", [0.0, 1e-15, 1e-8])
def test_a_loss_that_varies_by_nothing_but_rounding_has_no_law(wobble):
    points = chinchilla()
    loss = 5.0 * (1 + wobble * np.random.default_rng(0).standard_normal(points["L"].size))
    with pytest.raises(DataError, match="does not vary by more than rounding") as error:
        cf.scaling_law({**points, "L": loss})
    assert "5 in every row" in str(error.value.hint)


@pytest.mark.parametrize("noise", [0.0, 1e-9, 1e-4, 0.02, 0.2])
@pytest.mark.parametrize("two", [True, False])
def test_every_estimate_lies_in_its_own_interval(noise, two):
    for seed in range(2):
        rng = np.random.default_rng(seed)
        points = chinchilla(noise, seed, n=5, d=4)
        if not two:
            x = np.geomspace(1e3, 1e6, 14)
            points = {"n": x, "L": (seed + 12 / x**0.4) * np.exp(noise * rng.standard_normal(14))}
        fit = cf.scaling_law(points, replicates=60, rng=rng)
        found = list(fit.parameters.values())
        found += [e for b in ([fit.optimal(1e21)] if two else []) for e in (*b.sizes.values(), b.ratio, b.loss)]
        assert all(e.value in e.interval for e in found if e.value is not None and e.interval is not None)
        assert all(e.interval.width > 0 for e in found if e.interval is not None)
        told = fit.predict(*fit.points.T)
        known = np.isfinite(told.low) & np.isfinite(told.high)
        assert np.isfinite(fit.widening) and np.all((told.low <= told.mean) & (told.mean <= told.high) | ~known)
        if noise >= 1e-4:  # below, rounding may be all there is
            assert all(e.interval is not None for e in found if e.value) and known.all()


def test_points_on_the_law_are_written_with_few_digits_and_no_standard_error():
    text = cf.scaling_law(chinchilla(noise=0.0), replicates=50).render("plain")
    assert "the points lie on the law to rounding" in text and "far off" not in text
    assert not re.search(r"\d\.\d{6,}", text.replace("error", "")), text
    assert re.search(r"A +480 +-", text) and "[" not in text, "no interval of width 0"
    exact = cf.scaling_law(chinchilla(noise=0.0), replicates=50, check=False)
    best = exact.optimal(1e21)
    for one in (*exact.parameters.values(), *best.sizes.values(), best.ratio, best.loss):
        assert one.value is not None and one.interval is None and "to rounding" in one.reasons[0]
    told = exact.predict(7e10, 1.4e12)
    assert np.isnan(told.low[0]) and np.isnan(told.high[0]) and np.isfinite(told.mean[0])
    noisy = cf.scaling_law(chinchilla(), replicates=50).render("plain")
    assert "to rounding" not in noisy, "negative control"


def test_noise_is_no_law():
    n, fitted = np.repeat(np.geomspace(4e8, 2e10, 6), 4), 0
    for seed in range(6):
        noise = 0.05 * np.random.default_rng(seed).standard_normal(24)
        try:
            fit = cf.scaling_law({"N": n, "L": 5 + noise}, replicates=100, check=False)
        except DataError as error:
            assert "falls with no variable" in str(error)
            continue
        fitted += 1
        assert not fit.status.usable and any("whether the loss falls with N at all" in r for r in fit.reasons)
        assert "whether the loss falls" in str(fit)
        real = cf.scaling_law({"N": n, "L": 1.8 + 480 / n**0.35 + 0.05 * noise}, replicates=100, check=False)
        assert real.status.usable and not any("at all" in r for r in real.reasons), "negative control"
    assert fitted >= 2


def test_a_floor_that_is_held_at_zero_has_no_interval_for_that_reason():
    fit = cf.scaling_law(chinchilla(), floor=False, replicates=40, check=False)
    floor = fit.parameters["E"]
    assert floor.value == 0.0 and floor.interval is None and floor.reasons == ("it is zero in every resampled run",)
    assert fit.parameters["A"].interval is not None, "negative control"
    assert "to rounding" not in fit.render("plain")
