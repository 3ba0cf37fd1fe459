"""JSON: valid after the shipped schema, finite, stable, and nothing lost."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from importlib.resources import files
from itertools import pairwise

import jsonschema
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from curvefit.curves import Estimate, Interval, Status
from curvefit.diagnostics.diagnosis import Diagnoses, Diagnosis, Verdict
from curvefit.reporting.document import document, finite

SCHEMA = json.loads(files("curvefit").joinpath("reporting/schema/report-1.json").read_text(encoding="utf-8"))
VALIDATOR = jsonschema.Draft202012Validator(SCHEMA)


def refuse(token):
    raise AssertionError(f"{token} is not JSON")


def load(text):
    return json.loads(text, parse_constant=refuse)


def test_the_schema_is_a_schema():
    jsonschema.Draft202012Validator.check_schema(SCHEMA)


def test_reports_are_valid(report, stated_report):
    for r in (report, stated_report):
        assert not list(VALIDATOR.iter_errors(load(r.to_json())))


def test_a_report_with_a_real_fit_is_valid(build):
    from curvefit.fitting.fit import fit

    x = np.arange(1.0, 101.0)
    y = 1 + x**-0.5 + 0.01 * np.random.default_rng(0).standard_normal(100)
    law = fit(build(x, y).curve, "power_law")
    tree = load(build(x, y, fit=law).to_json())
    VALIDATOR.validate(tree)
    assert tree["fit"]["parameters"][0]["value"] == law.params["E"]
    assert tree["fit"]["parameters"][0]["interval"]["kind"] == "confidence"


@pytest.mark.parametrize(
    "spoil",
    [
        lambda t: t.pop("recommendation"),
        lambda t: t.update(extra=1),
        lambda t: t["recommendation"].update(action="maybe"),
        lambda t: t["diagnoses"][0].update(verdict="perhaps"),
        lambda t: t.update(schema_version=2),
        lambda t: t["estimates"]["best_point"].update(value="0.5"),
    ],
)
def test_what_is_not_a_report_is_not_valid(report, spoil):
    tree = report.to_dict()
    VALIDATOR.validate(tree)
    spoil(tree)
    with pytest.raises(jsonschema.ValidationError):
        VALIDATOR.validate(tree)


def test_numbers_that_are_not_finite_are_null_and_named(report):
    odd = Estimate(
        "odd", None, Interval(-math.inf, 3.0), "", Status.NOT_REACHED, (), {"a/b~c": math.nan, "up": math.inf}
    )
    seen = Diagnosis("odd", Verdict.ABSENT, "info", evidence={"ratio": -math.inf})
    spoiled = replace(report, estimates={"odd": odd}, diagnoses=Diagnoses("r", (seen,)))
    tree = load(spoiled.to_json())
    VALIDATOR.validate(tree)
    assert tree["estimates"]["odd"]["interval"]["low"] is None
    assert tree["nonfinite"] == {
        "/estimates/odd/interval/low": "-Infinity",
        "/estimates/odd/details/a~1b~0c": "NaN",
        "/estimates/odd/details/up": "Infinity",
        "/diagnoses/0/evidence/ratio": "-Infinity",
    }


leaves = st.sampled_from([math.nan, math.inf, -math.inf, 0.5, 3, "nan", None, True])
keys = st.text(alphabet="a/~0", max_size=3)
trees = st.recursive(leaves, lambda c: st.lists(c, max_size=3) | st.dictionaries(keys, c, max_size=3), max_leaves=8)


@settings(max_examples=60)
@given(trees)
def test_finite_loses_nothing(tree):
    clean, names = finite(tree)
    text = json.dumps(clean, allow_nan=False)
    back = load(text)
    for pointer, name in names.items():
        node, parts = back, [p.replace("~1", "/").replace("~0", "~") for p in pointer.split("/")[1:]]
        original = tree
        for p in parts:
            step = int(p) if isinstance(node, list) else p
            node, original = node[step], original[step]
        assert node is None
        assert str(original) == {"NaN": "nan", "Infinity": "inf", "-Infinity": "-inf"}[name]
    assert len(names) == broken(tree)


def broken(tree):
    if isinstance(tree, dict):
        return sum(broken(v) for v in tree.values())
    if isinstance(tree, list):
        return sum(broken(v) for v in tree)
    return int(isinstance(tree, float) and not math.isfinite(tree))


def test_equal_reports_are_equal_bytes(stated_report):
    assert stated_report.to_json() == stated_report.to_json()
    assert stated_report.to_json().isascii()
    assert load(stated_report.to_json(indent=None)) == load(stated_report.to_json())
    assert "\n" not in stated_report.to_json(indent=None).strip()


def test_numbers_survive_exactly(stated_report):
    tree = load(stated_report.to_json())
    assert tree["forecast"]["observation"]["median"] == stated_report.forecast.median.tolist()
    assert tree["forecast"]["x"][-1] == stated_report.horizon
    assert tree["recommendation"]["action"] == "intervene"
    assert document(stated_report) == tree


def test_bands_are_nested_and_named_by_kind(report):
    views = report.to_dict()["forecast"]
    assert (views["observation"]["kind"], views["mean"]["kind"]) == ("prediction", "confidence")
    bands = views["observation"]["bands"]
    assert [b["level"] for b in bands] == [0.5, 0.8, 0.95]
    for inner, outer in pairwise(bands):
        assert np.all(np.array(outer["low"]) <= inner["low"])
        assert np.all(np.array(outer["high"]) >= inner["high"])


def test_provenance_balances(stated_report):
    p = stated_report.to_dict()["provenance"]
    assert p["rows_in"] == p["rows_kept"] + sum(p["rows_dropped"].values())


def test_attributes_of_the_run_are_never_copied(report):
    run = replace(report.run, attributes={"wandb_api_key": "very-secret-0123"})
    spoiled = replace(report, run=run)
    for format in ("json", "terminal", "markdown", "csv"):
        assert "very-secret" not in spoiled.render(format)
