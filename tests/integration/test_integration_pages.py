"""Every snippet of the pages about trainers runs, in order, in an empty folder, and ends as the page says."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

os.environ.setdefault("KERAS_BACKEND", "torch")

PAGES = sorted((Path(__file__).resolve().parents[2] / "docs" / "trainers").glob("*.md"))
BLOCK = re.compile(r"^```python\n(.*?)^```", re.M | re.S)

pytestmark = [
    pytest.mark.integration,
    pytest.mark.filterwarnings("ignore"),  # of the frameworks
    pytest.mark.filterwarnings("error:::curvefit"),
]


def test_there_is_a_page_per_trainer():
    assert {p.stem for p in PAGES} == {
        "ignite", "keras", "lightgbm", "lightning", "optuna", "pytorch", "scikit-learn", "transformers", "xgboost"
    }  # fmt: skip


@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.stem)
def test_every_snippet_runs(page, tmp_path, monkeypatch, capsys, caplog):
    monkeypatch.chdir(tmp_path)
    blocks = BLOCK.findall(page.read_text(encoding="utf-8"))
    assert len(blocks) >= 3
    names: dict = {"__name__": "page"}
    for i, block in enumerate(blocks):
        exec(compile(block, f"{page.name}:{i}", "exec"), names)
    told = [r.getMessage() for r in caplog.records if r.name.startswith("curvefit")]
    assert not [t for t in told if "failed" in t]
    if page.stem != "optuna":
        assert any(t.startswith("stopping at") for t in told)
        assert "criterion: " in capsys.readouterr().out
    else:
        assert "PRUNED" in capsys.readouterr().out


def test_the_loop_of_the_readme_stops(tmp_path, monkeypatch, caplog):
    import keras
    import numpy as np

    monkeypatch.chdir(tmp_path)
    keras.utils.set_random_seed(3)
    (block,) = re.findall(
        r"^```py\n(.*?)^```", (PAGES[0].parents[2] / "README.md").read_text(encoding="utf-8"), re.M | re.S
    )
    rng = np.random.default_rng(0)
    x = rng.standard_normal((96, 4))
    model = keras.Sequential([keras.layers.Input((4,)), keras.layers.Dense(1)])
    model.compile(keras.optimizers.SGD(0.05), loss="mse")
    names = {"model": model, "x": x, "y": x.sum(1) + 0.3 * rng.standard_normal(96)}
    exec(compile(block, "README.md", "exec"), names)
    assert any(r.getMessage().startswith("stopping at") for r in caplog.records)
    assert list((tmp_path / "logs" / "forecast").glob("*tfevents*"))
