"""Real series of eighteen sources: none joined with another, and one batch of some of each becomes a report."""

from __future__ import annotations

import shutil
import subprocess

import pytest

import curvefit as cf
from curvefit.commands._main import run as command

pytestmark = pytest.mark.shared


@pytest.fixture(scope="module")
def file(shared):
    return shared / "curves" / "forecast_dev.parquet"


def test_every_series_is_read_as_what_it_is(file):
    """A series is a source, a run and a metric; 1,496 names of runs stand in two sources."""
    import pyarrow.parquet as pq

    rows = pq.read_table(file, columns=["source", "run_id", "metric", "y"]).to_pandas()
    told = rows.groupby(["source", "run_id", "metric"]).y.agg(["size", "sum"])
    runs = cf.read(file)
    found = {}
    for run in runs:
        for metric, curve in run.curves.items():
            name = run.name.removeprefix(f"{run.attributes['source']}/")
            found[run.attributes["source"], name, metric] = (len(curve), float(curve.y.sum()))
    assert len(runs) == 5541 and len(found) == len(told) == 8293
    assert found == {
        k: (n, pytest.approx(total, rel=1e-9, abs=1e-9))
        for k, (n, total) in zip(told.index, told.to_numpy(), strict=True)
    }


@pytest.mark.slow
def test_from_parquet_to_paper(file, tmp_path):
    """Two runs of every source: store, results, LaTeX that compiles, figures, page."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    rows = pq.read_table(file)
    frame = rows.select(["source", "run_id"]).to_pandas().drop_duplicates().groupby("source").head(2)
    kept = set(map(tuple, frame.to_numpy()))
    mask = [k in kept for k in zip(rows["source"].to_pylist(), rows["run_id"].to_pylist(), strict=True)]
    pq.write_table(rows.filter(pa.array(mask)), tmp_path / "some.parquet")
    out, paper = tmp_path / "out", tmp_path / "paper"
    asked = [
        "--horizon",
        "2x",
        "--metric",
        "all",
        "--only",
        "forecasts,estimates,parameters,comparison,diagnoses,recommendations",
    ]
    assert command(["batch", str(tmp_path / "some.parquet"), "-o", str(out), *asked, "-j", "2", "-q"]) == 0
    result = cf.load_batch(out)
    assert result.complete and result.counts["failed"] == result.counts["refused"] == 0
    assert len(set(result.arrow("runs", ["run"])["run"].to_pylist())) == len(kept)
    assert command(["report", str(out), "-o", str(paper), "--by", "source", "-q"]) == 0
    for name in (
        "tables.tex",
        "paper.md",
        "references.bib",
        "index.html",
        "figures/multiples.pdf",
        "figures/calibration.pdf",
    ):
        assert (paper / name).stat().st_size > 100
    again = cf.rerun(out / "batch.json", tmp_path / "again")
    for table in ("runs", "forecasts", "estimates", "parameters", "diagnoses"):
        for one in result.files(table):
            assert one.read_bytes() == (again.path / table / one.name).read_bytes()
    tex = shutil.which("pdflatex")
    if tex is not None:
        for _ in range(2):
            done = subprocess.run(
                [tex, "-no-shell-escape", "-interaction=nonstopmode", "-halt-on-error", "tables.tex"],
                cwd=paper,
                capture_output=True,
                check=False,
            )
            assert done.returncode == 0, done.stdout[-2000:]
        assert b"Overfull" not in done.stdout
