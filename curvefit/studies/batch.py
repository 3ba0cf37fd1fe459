"""Every question to every run of a data set: ``batch``."""

from __future__ import annotations

import multiprocessing
import os
import sys
from collections.abc import Generator, Iterable, Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

from ..curves import Direction, ReadError, Run, UsageError
from ..curves._arguments import checked
from ..curves._checks import safe_text
from ..curves._optional import optional
from ..models import registry as laws
from ._durable import locked, sweep
from ._isolate import retried
from ._needed import check_metrics, check_needed
from ._plan import describe, plan, prepare, refuse_other_questions, remove_later, store_of
from ._progress import Progress
from ._unit import Task, work
from .config import BatchConfig, as_texts
from .engines import registry as engines
from .parts import DONE, committed, quarantine
from .result import BatchResult, load_batch
from .schema import TABLES

__all__ = ["batch", "rerun"]


@checked
def batch(
    dataset: Any,
    out: str | os.PathLike[str],
    *,
    models: str | Sequence[str] | None = "auto",
    horizons: Any = "planned",
    metrics: str | Sequence[str] | None = None,
    direction: Direction | None = None,
    tables: str | Sequence[str] | None = None,
    level: float = 0.95,
    target: float | None = None,
    best: float | None = None,
    min_gain: float | str | None = None,
    cost_per_unit: float | None = None,
    worth_per_unit: float | None = None,
    method: str = "pooled",
    criterion: str = "aicc",
    rules: str | Sequence[str] | None = None,
    estimands: str | Sequence[str] | None = None,
    read: Mapping[str, Any] | None = None,
    names: str | None = None,
    needed: str | Sequence[str] | None = None,
    engine: str = "serial",
    workers: int | None = None,
    scheduler: str | None = None,
    resume: bool = True,
    progress: bool | None = None,
    notes: bool = True,
) -> BatchResult:
    """Fit, forecast, diagnose and decide for every run of a data set, into Parquet tables.

    Parameters
    ----------
    dataset : path-like or iterable of Run
        A store (`curvefit.write_store`), canonical Parquet files, or any file or folder of logs, which is converted
        into ``out/store`` on the way; or runs, as a list or a generator.
    out : path-like
        Folder of the results; one that an earlier, interrupted batch has written is gone on with.
    models : str or sequence of str, optional
        Laws to fit and compare; "auto" compares those usual for such a metric, None (or "none") fits none.
    horizons : float, str or sequence of these
        x to forecast to: numbers, multiples of the last x ("2x"), or "planned". The largest is the one that estimates,
        diagnoses and recommendations are asked for.
    metrics : str or sequence of str, optional
        Metrics to work on, or "all" for every one whose direction is known; default each run's main one.
    direction : {"min", "max"}, optional
        Which way is better, where the names of ``metrics`` do not say.
    tables : str or sequence of str, optional
        Results to compute, of forecasts, estimates, parameters, comparison, breakpoints, diagnoses and
        recommendations; default all.
    level : float
        Nominal coverage of every interval.
    target, best, min_gain, cost_per_unit, worth_per_unit
        As for `curvefit.analyze`.
    method : str
        Forecaster.
    criterion : {"aicc", "bic", "rolling"}
        What laws are ranked by.
    rules, estimands : str or sequence of str, optional
        Diagnoses and quantities of interest; default all.
    read : mapping, optional
        Options of `curvefit.read`, for logs.
    names : str, optional
        Attributes from names of runs or files: ``"{method}-seed{seed}"``; the curves are then copied into ``out/store``.
        A pattern that matches no name is an error; names that it misses, and logged attributes of other values that it
        replaces, are said on stderr.
    needed : str or sequence of str, optional
        Attributes that are needed afterwards; one that no run has is an error before anything is computed.
    engine : {"serial", "processes", "dask"}
        Where the work is done. The results do not depend on it.
    workers : int, optional
        How many at once; default one per processor.
    scheduler : str, optional
        Address of a Dask scheduler; default a cluster on this machine.
    resume : bool
        Whether to keep what an earlier batch with the same questions has finished; answers to other questions are then left
        alone and the call refused, unless every run was refused or failed. False does everything again and replaces whatever
        results are there.
    progress : bool, optional
        Whether to show rate and remaining time on stderr; default where it is a terminal.
    notes : bool
        Whether to say on stderr what a pattern of names misses or replaces, and which files are no logs.

    Returns
    -------
    BatchResult
        Lazy frames over the tables, and counts of runs by status.

    Raises
    ------
    UsageError
        For a question that makes no sense, a metric that no run has, when another process writes to ``out``, or when
        ``out`` is a symbolic link or holds the answers to other questions.
    ReadError
        When nothing in the data set can be read.
    CurvefitError
        When the results cannot be written, as on a full disk; what was finished stays.

    Notes
    -----
    A run that fails is a row with a status and a reason in the table of runs and never ends the batch; files that are no
    logs are said on stderr and counted in ``batch.json``. Results of a unit
    of work (a row group, some hundred runs) appear all at once and are on the disk before they are counted; whatever
    stops the batch, the same call goes on where it stopped. The same questions to the same curves give the same bytes.

    Examples
    --------
    >>> import curvefit as cf
    >>> result = cf.batch("logs/", "out", horizons="2x", models=["power_law"])  # doctest: +SKIP
    >>> result.runs.collect("pandas")  # doctest: +SKIP
    """
    given: dict[str, Any] = {
        "models": _laws(models),
        "horizons": as_texts(horizons, ("planned",)),
        "metrics": as_texts(metrics, ()),
        "direction": direction,
        "level": level,
        "target": target,
        "best": best,
        "min_gain": min_gain,
        "cost_per_unit": cost_per_unit,
        "worth_per_unit": worth_per_unit,
        "method": method,
        "criterion": criterion,
        "rules": as_texts(rules, ()),
        "estimands": as_texts(estimands, ()),
        "read": dict(read or {}),
        "names": names,
    }
    if tables is not None:
        given["tables"] = tuple(t for t in as_texts(tables, ()) if t != "runs")
    runs: Iterable[Run] | None = None
    if not isinstance(dataset, str | os.PathLike):
        runs = [dataset] if isinstance(dataset, Run) else dataset
        if not isinstance(runs, Iterable):
            raise UsageError(
                f"dataset is a {type(dataset).__name__}", code="CF-USE-009", where="batch()", hint="a path, or runs"
            )
    where = "" if runs is not None else str(Path(os.fspath(dataset)).absolute())
    config = BatchConfig(where, **given)
    return _run(
        config,
        Path(out),
        runs,
        as_texts(needed, ()),
        engine,
        workers,
        scheduler,
        resume=resume,
        progress=progress,
        notes=notes,
    )


@checked
def rerun(
    config: str | os.PathLike[str],
    out: str | os.PathLike[str],
    *,
    needed: str | Sequence[str] | None = None,
    engine: str = "serial",
    workers: int | None = None,
    scheduler: str | None = None,
    resume: bool = True,
    progress: bool | None = None,
    notes: bool = True,
) -> BatchResult:
    """Ask the questions of an earlier batch again: the tables are the same, byte for byte.

    Parameters
    ----------
    config : path-like
        ``batch.json`` of that batch.
    out, needed, engine, workers, scheduler, resume, progress, notes
        As for `batch`.
    """
    asked = BatchConfig.load(config)
    return _run(
        asked,
        Path(out),
        None,
        as_texts(needed, ()),
        engine,
        workers,
        scheduler,
        resume=resume,
        progress=progress,
        notes=notes,
    )


def _run(
    config: BatchConfig,
    out: Path,
    runs: Iterable[Run] | None,
    needed: Sequence[str],
    engine: str,
    workers: int | None,
    scheduler: str | None,
    *,
    resume: bool,
    progress: bool | None,
    notes: bool,
) -> BatchResult:
    if getattr(multiprocessing.current_process(), "_inheriting", False):
        raise UsageError(
            "a worker process came upon the call that started it",
            code="CF-USE-009",
            hint='put the call of the script below: if __name__ == "__main__":',
        )
    way = engines[engine]
    optional("pyarrow", extra="parquet", feature="batches")
    if scheduler is not None and engine != "dask":
        raise UsageError(f"a scheduler for the engine {engine!r}", code="CF-USE-009", hint="engine='dask'")
    if runs is None and not os.path.lexists(config.dataset):
        raise ReadError(
            "no such file or folder", code="CF-IO-GONE", where=safe_text(config.dataset), hint="check the path"
        )
    prepare(out)
    with locked(out):
        for folder in (out, out / DONE, *(out / name for name in TABLES)):
            sweep(folder)
        if resume:
            refuse_other_questions(out, config, runs=runs is not None)
        store, config = store_of(config, out, runs, _say if notes else None)
        check_needed(needed, store.attributes)
        keys, tasks = plan(store, config, out)
        if not any(committed(out, keys)):
            check_metrics(config.metrics, store)
        describe(out, config, store, keys)
        if not resume:
            for file in (out / DONE).glob("part-*.json"):
                file.unlink()
        for name in quarantine(out, keys):
            _say(f"{name} is damaged; it was set aside as .corrupt and is computed again")
        remove_later(out, len(keys))
        done = {part.number for part in committed(out, keys)}
        sizes = {unit.number: unit.runs for unit in store.units}
        bar = Progress(len(store), sum(n for k, n in sizes.items() if k in done), progress)
        left = [task for task in tasks if task.number not in done]
        try:
            with closing(_outcomes(way, left, workers, scheduler)) as outcomes:
                for number, counts in outcomes:
                    bar.add(sizes.get(number, 0), counts.get("failed", 0))
        finally:
            bar.end()
    return load_batch(out)


def _outcomes(
    way: Any, tasks: list[Task], workers: int | None, scheduler: str | None
) -> Generator[tuple[int, dict[str, int]], None, None]:
    """Number and counts of every unit as it is done; suspects of a worker's death come last, each tried alone."""
    suspects: list[Task] = []
    if tasks:
        with closing(way.run(tasks, work, workers=workers, scheduler=scheduler)) as outcomes:
            for outcome in outcomes:
                if outcome.counts is None:
                    _say(f"unit {outcome.task.number}: {outcome.trouble}; it is tried again alone")
                    suspects.append(outcome.task)
                else:
                    yield outcome.task.number, outcome.counts
    for task in suspects:
        yield task.number, retried(task)


def _laws(models: str | Sequence[str] | None) -> tuple[str, ...]:
    """Names of laws; "none" is none of them, as on the command line."""
    named = as_texts(models, ())
    return () if named == ("none",) and "none" not in laws else named


def _say(text: str) -> None:
    sys.stderr.write(safe_text(text) + "\n")
