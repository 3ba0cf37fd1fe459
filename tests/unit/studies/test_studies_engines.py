"""Where the work is done does not show in the results, and a run that kills its worker takes nobody with it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import textwrap
import threading
import time
from pathlib import Path

import numpy as np
import psutil
import pytest

import curvefit as cf
from curvefit.studies.engines import registry
from curvefit.studies.engines.dask import check_address

sys.path.insert(0, str(Path(__file__).parent))
from studies_helpers import QUICK, files, leftovers, small_store, stored

POISON = """
import os, signal
if os.environ.get("CURVEFIT_TEST_POISON"):
    from curvefit.studies import _answer
    answer = _answer.answer
    def poisoned(runs, *rest):
        with open(os.environ["CURVEFIT_TEST_LEDGER"], "a") as ledger:
            ledger.write(f"{os.getpid()} {len(runs)}\\n")
        if any(run.name == os.environ["CURVEFIT_TEST_POISON"] for run in runs):
            os.kill(os.getpid(), signal.SIGKILL)
        answer(runs, *rest)
        import time
        time.sleep(float(os.environ.get("CURVEFIT_TEST_SLOW", "0")))
    _answer.answer = poisoned
"""


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    return small_store(tmp_path_factory.mktemp("data") / "store", count=30, per_group=3)


@pytest.fixture(scope="module")
def reference(store, tmp_path_factory):
    out = tmp_path_factory.mktemp("reference") / "out"
    cf.batch(store, out, **QUICK)
    return out


@pytest.fixture
def poison(tmp_path, monkeypatch):
    """Every process that starts from now on dies of one run; this one does not."""
    (tmp_path / "site").mkdir()
    (tmp_path / "site" / "sitecustomize.py").write_text(POISON)
    monkeypatch.syspath_prepend(str(tmp_path / "site"))
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(tmp_path / "site"), *sys.path]))
    monkeypatch.setenv("CURVEFIT_TEST_POISON", "run013")
    monkeypatch.setenv("CURVEFIT_TEST_LEDGER", str(tmp_path / "ledger"))
    return tmp_path / "ledger"


def only_the_poison_failed(out, reference) -> None:
    """Every run exactly one row, the others equal to the serial result, byte for byte where no run was lost beside."""
    result = cf.load_batch(out)
    assert result.complete
    assert len(stored(out)) == 30
    rows = {r["run"]: r for r in result.arrow("runs").to_pylist()}
    failed = {name: r["code"] for name, r in rows.items() if r["status"] != "ok"}
    assert failed == {"run013": "CF-RES-KILLED"}
    assert "signal 9" in rows["run013"]["reason"]
    there = cf.load_batch(reference).arrow("forecasts").to_pylist()
    here = {r["run"]: r for r in result.arrow("forecasts").to_pylist()}
    assert set(here) == {r["run"] for r in there} - {"run013"}
    for row in there:
        if row["run"] != "run013":
            for name, value in row.items():
                if isinstance(value, float):
                    np.testing.assert_allclose(here[row["run"]][name], value, rtol=1e-10)
                else:
                    assert here[row["run"]][name] == value
    assert leftovers(out) == []


def children() -> list[psutil.Process]:
    found = [p for p in psutil.Process().children(recursive=True) if p.status() != psutil.STATUS_ZOMBIE]
    return [p for p in found if "resource_tracker" not in " ".join(p.cmdline())]


def test_two_processes_give_the_bytes_of_one(store, reference, tmp_path):
    before = dict(os.environ)
    result = cf.batch(store, tmp_path / "out", engine="processes", workers=2, **QUICK)
    assert result.counts == {"ok": 30, "degraded": 0, "refused": 0, "failed": 0}
    assert files(tmp_path / "out") == files(reference)
    assert dict(os.environ) == before
    assert children() == []


@pytest.mark.slow
def test_a_run_that_kills_its_process_is_the_only_one_that_fails(store, reference, tmp_path, poison, capfd):
    out = tmp_path / "out"
    cf.batch(store, out, engine="processes", workers=2, **QUICK)
    only_the_poison_failed(out, reference)
    assert "unit 4: the worker died (signal 9)" in capfd.readouterr().err
    again = len(poison.read_text().splitlines())
    cf.batch(store, out, engine="processes", workers=2, **QUICK)  # what is known to kill is not tried again
    assert len(poison.read_text().splitlines()) == again


def killer(victims: int, out: Path, dead: list[int]) -> threading.Thread:
    """Kill workers at random, one after the other, once they work."""
    rng = np.random.default_rng(3)

    def kill() -> None:
        until = time.monotonic() + 60
        while len(dead) < victims and time.monotonic() < until:
            time.sleep(0.7)
            begun = len(list((out / "done").glob("part-*"))) > len(dead)
            found = [p for p in psutil.Process().children(recursive=True) if works(p)]
            if begun and found:
                victim = found[int(rng.integers(len(found)))]
                victim.send_signal(signal.SIGKILL)
                dead.append(victim.pid)

    thread = threading.Thread(target=kill, daemon=True)
    thread.start()
    return thread


def works(process: psutil.Process) -> bool:
    try:
        return "spawn_main" in " ".join(process.cmdline()) and process.cpu_times().user > 0.5
    except psutil.Error:
        return False


@pytest.mark.slow
@pytest.mark.filterwarnings("default")
def test_dask_survives_a_poison_run_and_three_dead_workers(store, reference, tmp_path, poison, monkeypatch):
    """Two workers, no failures allowed by Dask: whom it blames is tried alone and acquitted."""
    monkeypatch.setenv("CURVEFIT_TEST_SLOW", "0.5")
    out, dead = tmp_path / "out", []
    thread = killer(3, out, dead)
    cf.batch(store, out, engine="dask", workers=2, **QUICK)
    thread.join(0.1)
    only_the_poison_failed(out, reference)
    assert len(dead) >= 1
    until = time.monotonic() + 10
    while children() and time.monotonic() < until:
        time.sleep(0.1)
    assert children() == []


@pytest.mark.slow
@pytest.mark.filterwarnings("default")
def test_dask_gives_the_bytes_of_one_process_and_listens_here_only(store, reference, tmp_path):
    seen: set[str] = set()
    stop = threading.Event()

    def watch() -> None:
        while not stop.wait(0.1):
            for process in [psutil.Process(), *children()]:
                try:
                    seen.update(c.laddr.ip for c in process.net_connections() if c.status == psutil.CONN_LISTEN)
                except psutil.Error:
                    continue

    thread = threading.Thread(target=watch, daemon=True)
    thread.start()
    cf.batch(store, tmp_path / "out", engine="dask", workers=2, **QUICK)
    stop.set()
    thread.join()
    assert files(tmp_path / "out") == files(reference)
    assert seen <= {"127.0.0.1", "::1"}
    assert seen


@pytest.mark.slow
def test_a_script_without_the_main_line_gets_a_clear_message(store, tmp_path):
    script = tmp_path / "script.py"
    script.write_text(
        textwrap.dedent(f"""
        import curvefit as cf
        cf.batch({str(store)!r}, {str(tmp_path / "out")!r}, models=None, tables="forecasts", engine="processes", workers=2)
        """)
    )
    done = subprocess.run([sys.executable, str(script)], capture_output=True, text=True, timeout=120, check=False)
    assert 'if __name__ == "__main__":' in done.stderr


@pytest.mark.parametrize("address", ["tcp://10.0.0.1:8786", "scheduler.example:8786", "http://127.0.0.1:8787"])
def test_a_scheduler_elsewhere_needs_tls(store, tmp_path, address):
    with pytest.raises(cf.CurvefitError, match=r"not secured|the scheduler address"):
        cf.batch(store, tmp_path / "out", engine="dask", scheduler=address, **QUICK)


@pytest.mark.parametrize(
    "address", ["tls://10.0.0.1:8786", "tcp://127.0.0.1:8786", "tcp://[::1]:8786", "localhost:8786"]
)
def test_a_scheduler_here_or_with_tls_is_taken(address):
    assert check_address(address) is None


def test_engines_are_refused_what_they_cannot_use(store, tmp_path):
    for options, words in (
        ({"engine": "dusk"}, "Did you mean 'dask'"),
        ({"engine": "processes", "workers": 0}, "workers = 0"),
        ({"engine": "serial", "scheduler": "tcp://127.0.0.1:1"}, "a scheduler for the engine 'serial'"),
    ):
        with pytest.raises(cf.CurvefitError, match=words):
            cf.batch(store, tmp_path / "out", **options, **QUICK)
    assert list(registry) == ["dask", "processes", "serial"]


def test_a_unit_that_fails_as_a_whole_is_tried_alone(store, reference, tmp_path, monkeypatch, capfd):
    from curvefit.studies import batch as module

    def broken(task):
        if task.number == 2:
            raise RuntimeError("by accident")
        return work(task)

    work = module.work
    alone = []
    monkeypatch.setattr(module, "work", broken)
    monkeypatch.setattr(module, "retried", lambda task: [alone.append(task.number), work(task)][1])
    cf.batch(store, tmp_path / "out", **QUICK)
    assert alone == [2]
    assert "unit 2: RuntimeError: by accident; it is tried again alone" in capfd.readouterr().err
    assert files(tmp_path / "out") == files(reference)
    assert json.loads((tmp_path / "out" / "batch.json").read_text())["runs"] == 30
