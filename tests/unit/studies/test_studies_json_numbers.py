"""What tables of studies say to programs is JSON, however little the data determine."""

from __future__ import annotations

import json

import numpy as np
import pytest

import curvefit as cf
from curvefit.commands._main import run as main
from curvefit.curves import CurvefitError

# Two variables and a loss that hardly follows them: a factor overflows in some resampled runs.
WEAK = ["N,D,L", "4e8,1e9,3", "1.5e9,1e9,2.5", "2e12,1e9,2.2", "7e9,8e9,2.1", "1.3e10,1e11,2", "7e10,1e12,1.9"]
WEAK += ["1e9,2e9,2.4", "3e5,9e9,5"]


def strict(content):
    return json.loads(json.dumps(content, allow_nan=False))


def weak(tmp_path):
    file = tmp_path / "weak.csv"
    file.write_text("\n".join(WEAK) + "\n", encoding="utf-8")
    return file


def test_a_standard_error_without_end_is_null_and_said(tmp_path, capsys):
    file = weak(tmp_path)
    fit = cf.scaling_law(file)
    endless = {n: v for n, v in fit.stderr.items() if not np.isfinite(v)}
    assert endless, "the case this test is about"
    told = strict(fit.to_dict())
    assert all(told["stderr"][n] is None for n in endless)
    assert told["nonfinite"] == {f"/stderr/{n}": "Infinity" for n in endless}
    rows = {r["parameter"]: r for r in told["tables"]["scaling-law"]}
    assert all(rows[n]["stderr"] is None for n in endless)
    assert main(["scaling", str(file), "--json", "-"]) in (0, 3)
    assert json.loads(capsys.readouterr().out)["nonfinite"] == told["nonfinite"]


def test_least_squares_has_a_delta_without_end(tmp_path, capsys):
    file = str(weak(tmp_path))
    assert main(["scaling", file, "--delta", "inf", "--json", "-"]) in (0, 3)
    told = json.loads(capsys.readouterr().out)
    assert told["delta"] is None and told["nonfinite"]["/delta"] == "Infinity"
    assert main(["scaling", file, "--delta", "inf", "--predict", "1e-300", "1e-300"]) == 2
    assert "the loss there is beyond what a number can hold" in capsys.readouterr().err


@pytest.mark.parametrize("noise", [0.0, 0.05, 0.5, 2.0])
@pytest.mark.parametrize("delta", [1e-3, np.inf])
def test_every_weak_law_is_written(noise, delta):
    written = 0
    for seed in range(3):
        rng = np.random.default_rng(seed)
        n, d = 10 ** rng.uniform(4, 12, (2, 9))
        loss = (1.5 + 300 / n**0.3 + 900 / d**0.3) * np.exp(noise * rng.standard_normal(9))
        try:
            fit = cf.scaling_law({"N": n, "D": d, "L": loss}, replicates=40, delta=delta, rng=rng)
        except CurvefitError:
            continue
        written += 1
        told = strict(fit.to_dict())
        assert set(told["stderr"]) == set(fit.parameters)
        assert [k for k, v in told["stderr"].items() if v is None] == [
            p.removeprefix("/stderr/") for p in told["nonfinite"] if p.startswith("/stderr/")
        ]
    assert written


def test_comparisons_of_runs_that_diverged_are_written():
    rng = np.random.default_rng(0)
    runs = []
    for method, wild in (("a", 1.0), ("b", 1e6)):
        for seed in range(4):
            x = np.arange(1.0, 31)
            y = (1 + 1 / x) * (wild if seed == 3 else 1.0) + 0.01 * rng.standard_normal(30)
            if seed == 2:
                y[-1] = np.inf
            curve = cf.Curve(x, y, metric="val_loss")
            runs.append(cf.Run(f"{method}{seed}", {"val_loss": curve}, attributes={"method": method, "seed": seed}))
    found = cf.compare(runs, by="method", over="seed", replicates=100)
    told = strict(found.to_dict())
    assert {s["method"] for s in told["scores"]} == {"a", "b"}
