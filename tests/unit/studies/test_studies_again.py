"""What a report says of how it is made again does make it again."""

from __future__ import annotations

import re
import shlex

import numpy as np
import pytest
from studies_helpers import runs

import curvefit as cf
from curvefit.commands._main import run as command
from curvefit.studies._again import batch_command, report_call, report_command
from curvefit.studies.config import BatchConfig
from curvefit.studies.paper import write_report


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    folder = tmp_path_factory.mktemp("store")
    told = [cf.Run(r.name, r.curves, attributes={**r.attributes, "it's cost": 1.0 + i}) for i, r in enumerate(runs(8))]
    cf.write_store(told, folder)
    return folder


def commands_of(text):
    """The two commands of a paper.md."""
    (block,) = re.findall(r"```sh\n(.*?)```", text, flags=re.S)
    return [shlex.split(line) for line in block.splitlines()]


@pytest.mark.slow
def test_the_commands_that_are_printed_write_the_same_files(store, tmp_path):
    asked = {
        "models": ["power_law", "exponential"],
        "tables": ["forecasts", "parameters"],
        "horizons": ["2x", 40],
        "level": 0.9,
    }
    out = cf.batch(store, tmp_path / "out", rules="plateaued", target=-1.5, **asked)
    made = write_report(
        out, tmp_path / "report", by="method", over="seed", at=[10.0, np.float64(12.0)], metric="val_loss",
        cost="it's cost", level=0.8, interval="expanded", correction="none", short="last", replicates=150, examples=1,
        html=False, seed=3,
    )  # fmt: skip
    text = (made.path / "paper.md").read_text()
    assert str(tmp_path) not in text
    assert out.config.digest in text
    places = {"DATASET": str(store), "OUT": str(tmp_path / "out2"), "DIR": str(tmp_path / "report2")}
    for words in commands_of(text):
        assert command([places.get(w, w) for w in words[1:]] + ["--quiet"]) == 0
    assert cf.load_batch(tmp_path / "out2").config.digest == out.config.digest
    for name in made.files:
        assert (tmp_path / "report2" / name).read_bytes() == (made.path / name).read_bytes(), name


def test_the_call_that_is_printed_says_every_option_that_is_no_default(store, tmp_path):
    result = cf.batch(store, tmp_path / "out", models=None, tables=["forecasts"], horizons="2x")
    made = write_report(result, tmp_path / "r", by="method", examples=0, html=False, replicates=150, short="last")
    text = (made.path / "paper.md").read_text()
    assert "write_report(\"OUT\", \"DIR\", by='method', short='last', replicates=150, examples=0, html=False)" in text
    assert "curvefit report OUT -o DIR --by method --short last --replicates 150 --examples 0 --no-html\n" in text
    assert "curvefit batch DATASET -o OUT --models none --horizon 2x --only forecasts\n" in text or (
        "curvefit batch DATASET -o OUT --only forecasts --models none --horizon 2x\n" in text
    )


def test_what_a_shell_or_the_command_would_misread_is_quoted_or_left_out():
    words = shlex.split(report_command({"by": "-x; rm *", "at": np.array([-1e-5, 1000]), "html": True}))
    assert words == ["curvefit", "report", "OUT", "-o", "DIR", "--by=-x; rm *", "--at", "-0.00001", "1000"]
    assert report_command({"examples": 30}) == ""
    assert (
        report_call({"examples": 30, "level": np.float64(0.9)}) == 'write_report("OUT", "DIR", examples=30, level=0.9)'
    )
    assert "\n" not in report_command({"by": "a\nb"})
    assert batch_command(BatchConfig("d", read={"resume": "keep"})) == ""
    told = batch_command(BatchConfig("d", read={"x_unit": "epoch"}, names="{m} {s}", metrics=("a", "b"), models=()))
    assert shlex.split(told)[5:] == ["--metric", "a", "--metric", "b", "--models", "none", "--names", "{m} {s}", "--x-unit", "epoch"]  # fmt: skip
