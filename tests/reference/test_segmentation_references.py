"""Breakpoints and changes of well-known series against R and an exact search.

The numbers are outputs of R 4.2.2 with segmented 2.2-0, strucchange 1.5.3, mbreaks 1.0.1 and lm.br 2.9.8, and of an
exhaustive search with an exact profile F interval.
"""

from __future__ import annotations

import csv

import numpy as np
import pytest

import curvefit as cf
from curvefit.segmentation._existence import davies_p

# log flow rate and log height of stagnant band; Carlin, Gelfand and Smith (1992), Applied Statistics 41, 389-405
STAGNANT_X = [
    -0.8, 0.01, -0.25, -0.25, -0.12, -0.12, -0.94, 0.11, 0.11, -0.63, -0.63, -1.39, -1.39, 0.7,
    0.7, 0.34, 1.19, 0.59, 0.85, 0.85, 0.99, 0.99, 0.25, -1.08, -1.08, 0.44, 0.34, 0.25,
]  # fmt: skip
STAGNANT_Y = [
    0.9, 0.51, 0.65, 0.67, 0.6, 0.59, 0.92, 0.43, 0.43, 0.81, 0.83, 1.12, 1.12, -0.13,
    -0.14, 0.25, -0.65, -0.01, -0.3, -0.33, -0.46, -0.43, 0.33, 0.99, 1.03, 0.13, 0.24, 0.3,
]  # fmt: skip
# annual flow of the Nile at Aswan 1871-1970, 10^8 m^3; Cobb (1978), Biometrika 65, 243-251
NILE = [
    1120, 1160, 963, 1210, 1160, 1160, 813, 1230, 1370, 1140, 995, 935, 1110, 994, 1020, 960, 1180, 799, 958, 1140,
    1100, 1210, 1150, 1250, 1260, 1220, 1030, 1100, 774, 840, 874, 694, 940, 833, 701, 916, 692, 1020, 1050, 969,
    831, 726, 456, 824, 702, 1120, 1100, 832, 764, 821, 768, 845, 864, 862, 698, 845, 744, 796, 1040, 759,
    781, 865, 845, 944, 984, 897, 822, 1010, 771, 676, 649, 846, 812, 742, 801, 1040, 860, 874, 848, 890,
    744, 749, 838, 1050, 918, 986, 797, 923, 975, 815, 1020, 906, 901, 1170, 912, 746, 919, 718, 714, 740,
]  # fmt: skip


def test_stagnant_band_agrees_with_r_and_the_exact_search():
    fit = cf.segment((STAGNANT_X, STAGNANT_Y), 1, noise="white", min_size=2)
    (place,) = fit.breakpoints
    assert place.value == pytest.approx(0.04110578400395, rel=1e-6)
    assert fit.rss == pytest.approx(0.009140197232088, rel=1e-9)
    assert place.details["stderr"] == pytest.approx(0.02283480677109, rel=1e-4)
    assert fit.sigma == pytest.approx(0.01951516208841, rel=1e-9)
    assert fit.intercept.value == pytest.approx(0.5446610785596, rel=1e-7)
    assert fit.intercept.details["stderr"] == pytest.approx(0.009380230322343, rel=1e-4)
    assert [s.value for s in fit.slopes] == pytest.approx([-0.4220768142379, -1.02056754478], rel=1e-7)
    assert [s.details["stderr"] for s in fit.slopes] == pytest.approx([0.011487, 0.015068], rel=1e-4)
    reach = max(STAGNANT_X) - min(STAGNANT_X)
    exact = (-0.02817633009707293, 0.0879912809197421)
    assert [place.interval.low, place.interval.high] == pytest.approx(exact, abs=1e-6 * reach)
    conditional = (-0.029375, 0.0885937)  # Knowles, Siegmund and Zhang's exact conditional likelihood ratio
    width = conditional[1] - conditional[0]
    assert [place.interval.low, place.interval.high] == pytest.approx(conditional, abs=0.05 * width)


def test_stagnant_band_by_the_delta_method_is_that_of_r():
    (place,) = cf.segment((STAGNANT_X, STAGNANT_Y), 1, noise="white", min_size=2, interval="delta").breakpoints
    assert [place.interval.low, place.interval.high] == pytest.approx([-0.00602294, 0.0882345], rel=1e-4)


def test_davies_bound_is_that_of_r():
    assert davies_p(np.array(STAGNANT_X), np.array(STAGNANT_Y)) == pytest.approx(1.290880123349e-17, rel=1e-8)


def test_the_nile_fell_in_1898():
    found = cf.changepoints((np.arange(1871, 1971), NILE), noise="white")
    (place,) = found.locations
    assert place.value == 1898
    assert (place.interval.low, place.interval.high) == (1895, 1902)
    (correlated,) = cf.changepoints((np.arange(1871, 1971), NILE)).locations
    assert correlated.value == 1898
    assert (correlated.interval.low, correlated.interval.high) == (1894, 1903)  # as strucchange with kernHAC
    assert [s.level for s in found.segments] == pytest.approx([1097.75, 849.972222222], rel=1e-9)
    rss = sum(s.n * s.sd**2 for s in found.segments)
    assert rss == pytest.approx(1597457.19444444, rel=1e-9)
    assert place.details["p_value"] <= 0.005


def column(shared, name: str, *names: str) -> list[np.ndarray]:
    with (shared / "reference_cases" / "segmented" / f"{name}.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    return [np.array([float(row[n]) for row in rows]) for n in names]


@pytest.mark.shared
def test_two_breakpoints_agree_with_r(shared):
    x, y = column(shared, "muggeo_help_2bp", "x", "y")
    fit = cf.segment((x, y), 2, noise="white", min_size=2)
    assert [b.value for b in fit.breakpoints] == pytest.approx([32.594882948658, 71.933801497833], rel=1e-6)
    assert fit.rss == pytest.approx(989.052499628793, rel=1e-9)
    assert [b.details["stderr"] for b in fit.breakpoints] == pytest.approx([1.05127597001, 1.016174258241], rel=1e-4)
    assert [s.value for s in fit.slopes] == pytest.approx([-0.058993, 1.4146, -0.1428], rel=1e-4)
    assert [s.details["stderr"] for s in fit.slopes] == pytest.approx([0.062105, 0.046151, 0.071994], rel=1e-4)
    assert davies_p(x, y) == pytest.approx(6.886580189865e-06, rel=1e-8)
    assert len(cf.segment((x, y)).breakpoints) == 2  # what BIC picks; AIC picks three


@pytest.mark.shared
def test_plant_growth_agrees_with_r_and_the_exact_search(shared):
    with (shared / "reference_cases" / "segmented" / "plant.csv").open(newline="", encoding="utf-8") as file:
        rows = [r for r in csv.DictReader(file) if r["group"] == "RKW"]
    x, y = (np.array([float(r[n]) for r in rows]) for n in ("time", "y"))
    fit = cf.segment((x, y), 1, noise="white", min_size=2)
    (place,) = fit.breakpoints
    assert place.value == pytest.approx(469.100620192229, rel=1e-6)
    assert fit.rss == pytest.approx(0.04347075516383, rel=1e-9)
    assert place.details["stderr"] == pytest.approx(13.614342628041, rel=1e-4)
    exact = (440.3625742889353, 497.58115246809064)
    assert [place.interval.low, place.interval.high] == pytest.approx(exact, abs=1e-5 * np.ptp(x))
    assert [place.interval.low, place.interval.high] == pytest.approx((439.062, 498.375), abs=0.05 * 59.3)


@pytest.mark.shared
def test_an_example_with_a_known_kink_agrees_with_r(shared):
    x, y = column(shared, "piecewise_regression_docs_example", "x", "y")
    fit = cf.segment((x, y), 1, noise="white", min_size=2)
    assert fit.breakpoints[0].value == pytest.approx(6.48705955, rel=1e-6)
    assert fit.breakpoints[0].details["stderr"] == pytest.approx(0.1370454, rel=1e-4)
    assert fit.rss == pytest.approx(193.26437, rel=1e-6)


@pytest.mark.shared
def test_a_line_with_noise_has_no_breakpoint(shared):
    x, y = column(shared, "null_linear", "x", "y")
    assert davies_p(x, y) == pytest.approx(0.857068628457, rel=1e-8)
    assert cf.segment((x, y)).breakpoints == ()
    assert cf.segment((x, y), 1).existence_test.p_value > 0.2


@pytest.mark.shared
def test_the_real_interest_rate_changed_three_times(shared):
    (y,) = column(shared, "RealInt", "y")
    found = cf.changepoints((np.arange(1, y.size + 1), y), n_changes=3, noise="white", min_size=15)
    assert [p.value for p in found.locations] == [24, 47, 79]
    intervals = [(p.interval.low, p.interval.high) for p in found.locations]
    assert intervals == [(8, 43), (36, 49), (77, 81)]
    levels = [1.823616666667, 0.8660847826087, -1.7961384375, 5.642889583333]
    assert [s.level for s in found.segments] == pytest.approx(levels, rel=1e-9)
