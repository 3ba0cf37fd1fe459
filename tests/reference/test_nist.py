"""NIST StRD, all 27 nonlinear data sets: certified digits from both starts and from the formula alone."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest

from benchmarks.accuracy.nist import WAYS, evaluate, score, tally
from benchmarks.accuracy.nist_data import digest, digests, equivalents, load, log_relative_error, names
from curvefit.fitting._linalg import scaled_qr_covariance
from curvefit.fitting.formula import parse_formula, split_response
from curvefit.fitting.least_squares import least_squares

NAMES = [file.removesuffix(".dat") for file in digests()]


def certified_model(reference):
    response, text = split_response(reference.model, "y")
    columns = [c for c in reference.data if c != "y"]
    formula = parse_formula(text, columns)
    y = parse_formula(response, reference.data, parameters=False)({}, reference.data)
    return formula, y


def test_there_are_twenty_seven_of_them():
    assert len(NAMES) == 27
    assert sorted(names()) == sorted(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_the_files_are_as_published_and_the_models_are_read_right(name):
    reference = load(name)
    assert digest(name) == digests()[f"{name}.dat"]
    formula, y = certified_model(reference)
    assert set(formula.parameters) == set(reference.certified)
    residuals = y - formula(reference.certified, reference.data)
    rss = float(np.sum(residuals**2))
    if name == "Lanczos1":
        assert rss < 1e-20
        return
    assert rss == pytest.approx(reference.rss, rel=1e-9)
    dof = reference.n - reference.p
    assert np.sqrt(rss / dof) == pytest.approx(reference.rsd, rel=1e-9)
    covariance, _ = scaled_qr_covariance(formula.jacobian(reference.certified, reference.data), rss, dof)
    certified_sd = [reference.certified_sd[b] for b in formula.parameters]
    np.testing.assert_allclose(np.sqrt(np.diag(covariance)), certified_sd, rtol=1e-6)


@pytest.mark.parametrize("name", NAMES)
def test_equivalent_parameters_give_the_same_curve(name):
    reference = load(name)
    formula, _ = certified_model(reference)
    found = {tuple(v.values()) for v, _ in equivalents(name, reference.certified)}
    for values, origin in equivalents(name, reference.certified):
        assert sorted(origin) == sorted(origin.values())
        np.testing.assert_allclose(
            formula(values, reference.data), formula(reference.certified, reference.data), rtol=1e-9
        )
    assert len(found) == {"Gauss": 8, "Lanczos": 6, "MGH17": 2, "ENSO": 8, "Eckerle4": 2}.get(name.rstrip("123"), 1)


evaluated = cache(evaluate)  # each once, whichever tests ask


@pytest.mark.slow
@pytest.mark.parametrize("way", WAYS[:2])
@pytest.mark.parametrize("name", NAMES)
def test_from_the_given_starts_all_certified_digits_asked_for(name, way):
    s = evaluated(name, way)
    assert s.converged
    assert s.params >= 6
    if name == "Lanczos1":
        assert s.rss == 15  # below 1e-20
    else:
        assert s.rss >= 8
        assert s.rsd >= 8
        assert s.stderr >= 5


@pytest.mark.parametrize("name", NAMES)
def test_from_the_formula_alone_each_is_solved(name):
    s = evaluated(name, "no start")
    assert s.passed and not s.wrong


@pytest.mark.slow
@pytest.mark.parametrize("way", WAYS)
def test_none_is_called_converged_and_is_wrong(way):
    result = tally([evaluated(name, way) for name in NAMES], way)
    assert result.total == 27 and result.wrong == 0


def test_a_single_algorithm_in_its_trap_is_the_negative_control():
    reference = load("BoxBOD")
    fit = least_squares(reference.model, reference.data, reference.starts[0], method="lm", multistart=False)
    s = score(reference, "start 1", fit, 0.0)
    assert s.params == 0.0
    assert not s.passed
    assert not s.wrong  # a single algorithm alone is not called converged


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(10))
@pytest.mark.parametrize("name", NAMES)
def test_the_search_does_not_depend_on_its_seed(name, seed):
    reference = load(name)
    fit = least_squares(reference.model, reference.data, rng=np.random.default_rng(seed))
    s = score(reference, "no start", fit, 0.0)
    assert not s.wrong
    assert s.converged


@pytest.mark.parametrize(
    ("value", "certified", "digits"),
    [(1.0, 1.0, 15), (-1.0, 1.0, 0), (np.nan, 1.0, 0), (2.5, 1.0, 0), (1.001, 1.0, 3), (1e-7, 0.0, 7), (0.0, 1.0, 0)],
)
def test_correct_digits_are_counted_sign_aware(value, certified, digits):
    assert log_relative_error(value, certified) == pytest.approx(digits, abs=1e-9)
