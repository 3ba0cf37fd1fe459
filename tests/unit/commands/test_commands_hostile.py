"""Whatever is in the file: an exit code of the list, no traceback, valid JSON, untouched inputs."""

from __future__ import annotations

import json
from importlib.resources import files

import jsonschema
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from curvefit.__main__ import main

REPORT = json.loads((files("curvefit.reporting") / "schema" / "report-1.json").read_text(encoding="utf-8"))
ALLOWED = {0, 2, 3, 4}


def table(y, x=None, name="val_loss"):
    x = range(1, len(y) + 1) if x is None else x
    return (f"step,{name}\n" + "".join(f"{a!r},{b}\n" for a, b in zip(x, y, strict=True))).encode()


RNG = np.random.default_rng(17)
NOISE = RNG.standard_normal(80)
X = np.arange(1, 81)
CASES = {
    "empty": b"",
    "header only": b"step,val_loss\n",
    "one point": table([1.0]),
    "two points": table([1.0, 0.5]),
    "three points": table([1.0, 0.5, 0.4]),
    "constant": table([2.0] * 50),
    "all zero": table([0.0] * 50),
    "all nan": table(["nan"] * 50),
    "all inf": table(["inf"] * 50),
    "nan from the middle": table([*(1 / X[:40]), *["nan"] * 40]),
    "inf in the middle": table([*(1 / X[:40]), "inf", *(1 / X[41:])]),
    "subnormal": table([5e-324 * k for k in range(50, 0, -1)]),
    "huge": table([1e308 / k for k in range(1, 51)]),
    "mixed magnitude": table([10.0 ** (300 - 10 * k) for k in range(60)]),
    "negative losses": table(list(-3 + 1 / X)),
    "rising loss": table(list(1 + 0.1 * X)),
    "pure noise": table(list(NOISE)),
    "random walk": table(list(10 + np.cumsum(NOISE))),
    "straight line": table(list(100 - X)),
    "noise free": table(list(1 + 2 / X)),
    "two values": table([1.0, 2.0] * 40),
    "x all equal": table(list(1 / X), [5] * 80),
    "x from zero": table(list(1 / X), range(80)),
    "negative x": table(list(1 / X), range(-40, 40)),
    "tokens": table(list(1 / X), [10**15 + int(k) for k in X]),
    "unsorted": table(list(1 / X[::-1]), [int(k) for k in X[::-1]]),
    "gap": table(list(1 / X), [int(k) if k < 40 else int(k) + 10**6 for k in X]),
    "outlier": table([1e30 if k == 40 else 1 / k for k in X]),
    "quantized": table([round(1 / k, 1) for k in X]),
    "accuracy in percent": table(list(100 * (1 - 1 / (X + 1))), name="val_accuracy"),
    "accuracy": table(list(1 - 1 / (X + 1)), name="val_accuracy"),
    "reward": table(list(-100 + 5 * X**0.5 + NOISE), name="episode_reward"),
    "unknown direction": table(list(1 / X), name="quantity"),
    "no numbers": b"a,b\nx,y\nu,v\n",
    "nul bytes": table(list(1 / X)).replace(b"5,", b"5\0,", 1) + b"\0" * 64,
    "latin-1": b"step,val_loss,caf\xe9\n1,2,\xe9\n2,1,\xe9\n3,1,\xe9\n",
    "cut in a number": table(list(1 / X))[:-3],
    "pickle": b"\x80\x04\x95\x10\x00\x00\x00\x00\x00\x00\x00\x8c\x05posix",
    "deep json": b"[" * 5000 + b"]" * 5000,
    "long integer": b'{"step": 1, "val_loss": ' + b"9" * 5000 + b"}\n",
    "png": b"\x89PNG\r\n\x1a\n" + b"\0" * 100,
}


def check(code, captured):
    assert code in ALLOWED, captured.err
    assert "Traceback" not in captured.out + captured.err
    assert "this is a bug" not in captured.err
    tree = json.loads(captured.out, parse_constant=lambda name: pytest.fail(f"{name} in JSON"))
    for report in tree["reports"]:
        jsonschema.validate(report, REPORT)
    assert len(tree["reports"]) + len(tree["failures"]) >= 1
    if code == 0:
        assert tree["reports"] and not tree["failures"]
    return tree


@pytest.mark.parametrize("name", CASES)
def test_every_file_ends_in_a_report_or_a_reason(name, tmp_path, capsys):
    file = tmp_path / "run.csv"
    file.write_bytes(CASES[name])
    tree = check(main(["analyze", str(file), "--json", "-"]), capsys.readouterr())
    for failure in tree["failures"]:
        assert failure["code"].startswith("CF-") and failure["what"]
    assert file.read_bytes() == CASES[name]
    assert [f.name for f in tmp_path.iterdir()] == ["run.csv"]


DRAWN = (
    "one point",
    "constant",
    "all nan",
    "nan from the middle",
    "huge",
    "subnormal",
    "negative x",
    "tokens",
    "outlier",
    "reward",
)


@pytest.mark.parametrize("name", DRAWN)
def test_every_file_can_be_shown_and_drawn(name, tmp_path, capsys):
    file = tmp_path / "run.csv"
    file.write_bytes(CASES[name])
    code = main(["analyze", str(file), "--plot", str(tmp_path / "fan.svg")])
    captured = capsys.readouterr()
    assert code in ALLOWED
    assert "Traceback" not in captured.err
    assert all(len(line) <= 80 for line in captured.out.splitlines())
    assert (tmp_path / "fan.svg").exists() == (code == 0)


@pytest.mark.parametrize("command", ["diagnose", "recommend", "forecast", "backtest", "fit"])
@pytest.mark.parametrize("name", ["one point", "constant", "all nan", "negative x", "unknown direction", "two values"])
def test_the_other_commands_bear_it_too(command, name, tmp_path, capsys):
    file = tmp_path / "run.csv"
    file.write_bytes(CASES[name])
    code = main([command, str(file), "--json", "-"])
    captured = capsys.readouterr()
    assert code in ALLOWED and "Traceback" not in captured.err
    json.loads(captured.out, parse_constant=lambda name: pytest.fail(f"{name} in JSON"))


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.binary(max_size=400), where=st.integers(0, 900))
def test_random_damage_is_borne(data, where, tmp_path, capsys):
    """A good log with random bytes spliced in."""
    good = table([round(v, 4) for v in 1 / X])
    file = tmp_path / "run.csv"
    file.write_bytes(good[:where] + data + good[where:])
    check(main(["analyze", str(file), "--json", "-"]), capsys.readouterr())
