"""Bai and Perron's tests against R's mbreaks and published tables, on the ex-post real interest rate."""

from __future__ import annotations

import csv
import json

import numpy as np
import pytest

import curvefit as cf
from curvefit.curves import DataError, Status, UsageError
from curvefit.segmentation._kernel_variance import kernel_variance
from curvefit.segmentation._sup_f_law import critical_value, tail_probability

# Bai and Perron (2003), trimming .15, one regressor: 10, 5, 2.5 and 1 %
PUBLISHED = {
    "1": [7.04, 8.58, 10.18, 12.29],
    "2": [6.28, 7.22, 8.14, 9.36],
    "3": [5.21, 5.96, 6.72, 7.60],
    "4": [4.41, 4.99, 5.51, 6.19],
    "5": [3.47, 3.91, 4.34, 4.91],
    "udmax": [7.46, 8.88, 10.39, 12.37],
}


@pytest.fixture(scope="module")
def rate(shared):
    with (shared / "reference_cases" / "segmented" / "RealInt.csv").open(newline="", encoding="utf-8") as file:
        return np.array([float(row["y"]) for row in csv.DictReader(file)])


@pytest.mark.parametrize("which", list(PUBLISHED))
def test_simulated_critical_values_are_the_published_ones(which):
    found = [critical_value(a, which, 0.15) for a in (0.10, 0.05, 0.025, 0.01)]
    assert found == pytest.approx(PUBLISHED[which], rel=0.04)
    for value, alpha in zip(found, (0.10, 0.05, 0.025, 0.01), strict=True):
        assert tail_probability(value, which, 0.15) == pytest.approx(alpha, rel=1e-6)


def test_tail_probabilities_fall_from_one():
    values = [tail_probability(v, "1", 0.12) for v in np.linspace(0, 40, 60)]
    assert values[0] == 1.0
    assert values[-1] == pytest.approx(0.001)
    assert np.all(np.diff(values) <= 0)
    assert tail_probability(9.0, "1", 0.15, 3) == pytest.approx(1 - (1 - tail_probability(9.0, "1", 0.15)) ** 3)


@pytest.mark.shared
def test_the_table_of_the_real_interest_rate(rate, shared):
    reference = json.loads(
        (shared / "reference_cases" / "segmented" / "r_mbreaks_baiperron_reference.json").read_text(encoding="utf-8")
    )
    found = cf.structural_breaks((np.arange(1, rate.size + 1), rate))
    assert [t.statistic for t in found.sup_f] == pytest.approx(reference["supF"], abs=6e-4)
    assert found.ud_max.statistic == pytest.approx(reference["UDmax"], abs=6e-4)
    assert all(t.p_value == pytest.approx(0.001) for t in (*found.sup_f, found.ud_max))
    sequential = reference["sequential_5pct"]
    assert [p.value for p in found.locations] == sequential["breaks"]
    assert [s.level for s in found.segments] == pytest.approx(sequential["coef"], abs=6e-4)
    assert sum(s.n * s.sd**2 for s in found.segments) == pytest.approx(sequential["ssr"], abs=6e-4)
    # mbreaks rounds to the nearest, then raises the upper end by one for this break and for each later one
    ends = [
        [round(p.details["low_position"]), round(p.details["high_position"]) + 3 - i]
        for i, p in enumerate(found.locations)
    ]
    assert ends == sequential["ci95"]
    narrower = cf.structural_breaks((np.arange(1, rate.size + 1), rate), n_breaks=3, level=0.9).locations
    ends = [
        [round(p.details["low_position"]), round(p.details["high_position"]) + 3 - i] for i, p in enumerate(narrower)
    ]
    assert ends == sequential["ci90"]
    assert int(np.argmin(found.bic)) == 2
    path = [555.744520101701, 499.795234871787, 473.338131216169, 480.145820928756]
    assert np.diff(found.bic[:4]) == pytest.approx(np.diff(path), abs=1e-6)


# series, breaks -> intervals of confint.breakpointsfull by how the noise is taken
STRUCCHANGE = {"white": "ci_index", "homogeneous": "ci_index_homog", "kernhac": "ci_index_kernHAC"}


def nile(shared) -> np.ndarray:
    with (shared / "reference_cases" / "segmented" / "Nile.csv").open(newline="", encoding="utf-8") as file:
        return np.array([float(list(row.values())[-1]) for row in csv.DictReader(file)])


@pytest.mark.shared
@pytest.mark.parametrize("noise", list(STRUCCHANGE))
@pytest.mark.parametrize(("case", "k"), [("Nile", 1), ("RealInt", 2), ("RealInt_3", 3)])
def test_intervals_are_those_of_strucchange(rate, shared, case, k, noise):
    path = shared / "reference_cases" / "segmented" / "r_strucchange_reference.json"
    rows = json.loads(path.read_text(encoding="utf-8"))[case][STRUCCHANGE[noise]]
    y = nile(shared) if case == "Nile" else rate
    found = cf.structural_breaks((np.arange(1, y.size + 1), y), n_breaks=k, noise=noise)
    assert [p.value for p in found.locations] == [row["breakpoints"] for row in rows]
    ends = [(np.floor(p.details["low_position"]), np.ceil(p.details["high_position"])) for p in found.locations]
    assert ends == [(row["2.5 %"], row["97.5 %"]) for row in rows]
    inside = [(max(low, 1), min(high, y.size)) for low, high in ends]
    assert [(p.interval.low, p.interval.high) for p in found.locations] == inside


@pytest.mark.shared
def test_the_nile_breaks_once(shared):
    y = nile(shared)
    found = cf.structural_breaks((np.arange(1871, 1971), y), noise="white")
    assert found.sup_f[0].statistic == pytest.approx(75.929769427485, rel=1e-8)
    assert [p.value for p in found.locations] == [1898]
    assert [t.p_value <= 0.05 for t in found.sequential] == [True, False]


def test_white_noise_has_no_break_and_one_step_has_one():
    rng = np.random.default_rng(0)
    y = rng.standard_normal(120)
    none = cf.structural_breaks((np.arange(120.0), y))
    assert none.locations == ()
    assert none.ud_max.p_value > 0.05
    hits = 0
    for _ in range(20):
        y = rng.standard_normal(120) + 1.5 * (np.arange(120) >= 50)
        (place,) = cf.structural_breaks((np.arange(120.0), y), n_breaks=1).locations
        hits += place.interval.low <= 49 <= place.interval.high
    assert hits >= 15
    forced = cf.structural_breaks((np.arange(120.0), y), n_breaks=2)
    assert len(forced.locations) == 2
    assert len(forced.segments) == 3


@pytest.mark.parametrize("convention", ["bai_perron", "kernhac"])
def test_the_kernel_variance_is_the_long_run_variance(convention):
    rng = np.random.default_rng(1)
    found = []
    for _ in range(40):
        e = rng.standard_normal(500)
        for i in range(1, 500):
            e[i] += 0.6 * e[i - 1]
        found.append(kernel_variance(e - e.mean(), convention))
    assert np.mean(found) == pytest.approx(1 / 0.4**2, rel=0.15)


def test_poor_data_and_options():
    assert cf.structural_breaks((np.arange(30.0), np.ones(30))).status is Status.CONSTANT
    y = np.random.default_rng(2).standard_normal(30)
    for options in ({"trimming": 0.4}, {"max_breaks": 9}, {"noise": "pink"}, {"alpha": 0.0}, {"n_breaks": 7}):
        with pytest.raises(UsageError):
            cf.structural_breaks((np.arange(30.0), y), **options)
    with pytest.raises(DataError):
        cf.structural_breaks((np.arange(3.0), y[:3]))
