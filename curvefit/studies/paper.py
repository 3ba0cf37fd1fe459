"""What a paper needs of a batch, in one folder: tables, figures, methods and references, and an HTML page."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from ..curves import Run
from ..curves._checks import check_level, safe_text
from ..curves._optional import available
from ..reporting.figures import figure_bytes
from ..reporting.paper.canvas import STYLE_FILE
from ..reporting.table_formats.latex import PREAMBLE
from ..reporting.table_formats.markdown import escaped
from ..reporting.tables import BatchSummary, Comparison, Table
from ._again import batch_command, report_call, report_command
from ._comparing import IntervalMethod
from ._folder import Folder
from ._methods_text import bibtex, citations, methods_paragraph, versions
from ._pictures import Pictures, group_label, held_of
from ._report_checks import check_comparison, check_cost, check_finished, metric_of, spare_batch
from ._scores import Short
from .compare import compare
from .result import BatchResult, load_batch
from .summary import flattened, grouping, pooled_parameters, rows_of, summarize

__all__ = ["Paper", "write_report"]

_TABLE_FORMATS = {"tex": "latex", "md": "markdown", "csv": "csv", "json": "json"}
_FIGURE_FORMATS = ("pdf", "svg")
_SHOWN_ROWS = 40


@dataclass(frozen=True, slots=True, eq=False)
class Paper:
    """What `write_report` has written.

    Parameters
    ----------
    path : Path
        The folder.
    files : tuple of str
        Names of the files in it; the last, ``files.json``, lists them.
    comparison : Comparison or None
        Of the methods, where ``by`` and ``over`` were given.
    summary : BatchSummary
        Of the batch.
    missing : mapping of str to str
        Figures that were not drawn, and why.
    """

    path: Path
    files: tuple[str, ...]
    comparison: Comparison | None
    summary: BatchSummary
    missing: Mapping[str, str] = field(default_factory=dict)

    def __repr__(self) -> str:
        return f"Paper({safe_text(os.fspath(self.path))!r}, {len(self.files)} files)"


def write_report(
    source: BatchResult | str | os.PathLike[str],
    out: str | os.PathLike[str],
    *,
    by: str | None = None,
    over: str | None = None,
    at: float | Sequence[float] | None = None,
    task: str | None = None,
    pair: str | None = None,
    metric: str | None = None,
    cost: str | None = None,
    level: float = 0.95,
    interval: IntervalMethod = "auto",
    correction: str = "holm",
    short: Short = "drop",
    replicates: int = 2000,
    examples: int = 12,
    html: bool | None = None,
    seed: int = 0,
) -> Paper:
    """Write tables, figures, methods, references and a page of a batch into a folder.

    Parameters
    ----------
    source : BatchResult or path-like
        What `batch` returned, or the folder it wrote.
    out : path-like
        Folder to write to; made when it is not there. Files of an earlier report are replaced, and those that are no longer
        made are removed; other files are left alone.
    by : str, optional
        Attribute by which tables are grouped and methods compared.
    over : str, optional
        Attribute that names the seed; without it methods are not compared.
    at, task, pair, metric, interval, correction, short, replicates
        As for `compare`.
    cost : str, optional
        Attribute that holds the cost of a run, for the figure of cost against value; default compute, flops and such,
        else the length of the run.
    level : float
        Nominal coverage of the intervals.
    examples : int
        Runs in the figure of small multiples.
    html : bool, optional
        Whether to write the page; default when Jinja2 is installed.
    seed : int
        Of the generator behind resampling.

    Returns
    -------
    Paper

    Raises
    ------
    UsageError
        When no run has an attribute or a metric that was asked for, the cost is no number, nothing of the batch is finished,
        or ``out`` is the folder of the batch; before anything is written.
    CurvefitError
        When the folder cannot be written to, as on a full disk; it is then as it was.

    Notes
    -----
    Equal arguments and equal results give equal bytes. Every table is written as LaTeX, Markdown, CSV and JSON;
    ``tables.tex`` holds all of them and compiles. Every figure is written as PDF and SVG.
    """
    asked = {
        "by": by, "over": over, "at": at, "task": task, "pair": pair, "metric": metric, "cost": cost, "level": level,
        "interval": interval, "correction": correction, "short": short, "replicates": replicates, "examples": examples,
        "html": html, "seed": seed,
    }  # fmt: skip
    result = source if isinstance(source, BatchResult) else load_batch(source)
    check_level(level)
    spare_batch(result.path, Path(out))
    folder = Folder(Path(out), ("tables", "figures"))
    check_finished(result)
    check_comparison(by, over, at, pair)
    rows = rows_of(result, "runs")
    group = grouping(result, rows, by, task)  # an unknown attribute ends here
    runs = {r.name: r for r in result.runs_in_store()}
    metric = metric_of(result, rows, runs, metric)
    check_cost(result, runs, cost)
    comparison = None
    if by is not None and over is not None:
        comparison = compare(
            list(runs.values()), by, over, at, task=task, pair=pair, metric=metric, level=level, interval=interval,
            correction=correction, short=short, replicates=replicates, rng=np.random.default_rng(seed),
        )  # fmt: skip
    summary = summarize(result, by, task=task, level=level)
    pooled = pooled_parameters(result, group, level=level)
    tables = (*(comparison.tables() if comparison else ()), *summary.tables())
    pictures = _pictures(rows, runs, by, metric or (comparison.metric if comparison else None), cost, task, examples)
    if comparison is not None:
        pictures.of_comparison(comparison)
    pictures.of_parameters(pooled, by)
    _write_tables(folder, tables, comparison)
    for name, (axes, _) in pictures.drawn.items():
        for kind in _FIGURE_FORMATS:
            folder.add(f"figures/{name}.{kind}", figure_bytes(axes, kind))
    folder.add("figures/paper.mplstyle", STYLE_FILE.read_bytes())
    measured = ""
    if pictures.pit.size:
        measured = (
            "On these data, in forecasts of the last value from the first half of a curve with the pooled forecaster, "
            f"{held_of(pictures.pit)}. "
        )
    text = methods_paragraph(comparison, summary, seed=seed, pooled=bool(pooled), level=level, measured=measured)
    folder.add("references.bib", bibtex(citations(text)).encode())
    folder.add(
        "paper.md",
        _document(summary, tables, pictures, text, _again(result, asked)).encode(),
    )
    if html is None:
        html = available("jinja2")
    if html:
        folder.add("index.html", _page(result, runs, summary, tables, pictures).encode())
    folder.write()
    return Paper(folder.path, folder.files, comparison, summary, dict(pictures.missing))


def _pictures(
    rows: list[dict[str, Any]],
    runs: Mapping[str, Run],
    by: str | None,
    metric: str | None,
    cost: str | None,
    task: str | None,
    examples: int,
) -> Pictures:
    """Figures that need only runs; of runs whose results are usable."""
    usable = [
        (runs[r["run"]], r["metric"], group_label(runs[r["run"]], by))
        for r in rows
        if r["status"] in ("ok", "degraded") and r["run"] in runs and r["metric"] in runs[r["run"]]
    ]
    pictures = Pictures()
    if not usable:
        pictures.missing["all"] = "no run has usable results"
        return pictures
    if examples > 0:
        pictures.of_examples(usable, examples)
    pictures.of_runs(usable, metric, cost, task)
    return pictures


def _write_tables(folder: Folder, tables: Sequence[Table], comparison: Comparison | None) -> None:
    for t in tables:
        for suffix, name in _TABLE_FORMATS.items():
            folder.add(f"tables/{t.name}.{suffix}", t.render(name).encode())
    inputs = [rf"\input{{tables/{t.name}}}" for t in tables]
    whole = [*PREAMBLE, r"\begin{document}", *inputs, r"\end{document}", ""]
    folder.add("tables.tex", "\n".join(whole).encode())
    if comparison is not None:
        scores = _scores(comparison)
        folder.add(f"tables/{scores.name}.csv", scores.render("csv").encode())


def _scores(c: Comparison) -> Table:
    from ..reporting.tables import Column

    columns = (
        Column("method", c.by),
        Column("task", "task"),
        Column("seed", c.over),
        Column("x", c.x_unit, "number"),
        Column("value", c.metric, "number"),
    )
    return Table("scores", f"{c.metric} of every run", columns, c.scores)


def _again(result: BatchResult, asked: Mapping[str, Any]) -> list[str]:
    """Lines of Markdown with everything that is needed to make it again."""
    usual = write_report.__kwdefaults__ or {}
    given = {k: v for k, v in asked.items() if v is not None and (usual[k] is None or v != usual[k])}
    commands = [c for c in (batch_command(result.config), report_command(given)) if c]
    told = [
        "DATASET stands for the data, OUT for the folder of the batch and DIR for that of this report; options that are not "
        "given have their defaults."
    ]
    if commands:
        told += ["", "```sh", *commands, "```"]
    told += ["", "In Python:", "", "```python", "from curvefit.studies.paper import write_report", ""]
    told += [report_call(given), "```", ""]
    told += [
        f"- Versions: {', '.join(f'{n} {escaped(v)}' for n, v in versions().items())}",
        f"- Configuration of the batch: {result.config.digest}; it stands in batch.json in its folder, and "
        "`curvefit batch --config OUT/batch.json -o NEW` asks the same of the same data.",
        f"- Random numbers: seed {asked['seed']}",
    ]
    return told


def _document(
    summary: BatchSummary,
    tables: Sequence[Table],
    pictures: Pictures,
    methods: str,
    again: list[str],
) -> str:
    """paper.md."""
    counts = ", ".join(f"{n} {status}" for status, n in summary.counts.items() if n)
    lines = [f"# {escaped(summary.title)}", "", f"Results by status: {counts}.", ""]
    lines += [f"- {escaped(n)}" for n in summary.notes]  # those of the comparison stand below its table
    lines += ["", "## Methods", "", _cited(methods), "", "## Tables", ""]
    for t in tables:
        shown = Table(t.name, t.caption, t.columns, t.rows[:_SHOWN_ROWS], t.notes)
        lines += [shown.render("markdown")]
        more = f" ({len(t)} rows, the first {_SHOWN_ROWS} shown)" if len(t) > _SHOWN_ROWS else ""
        links = ", ".join(f"[{s}](tables/{t.name}.{s})" for s in _TABLE_FORMATS)
        lines += [f"Files: {links}{more}", ""]
    lines += ["## Figures", ""]
    for name, (_, caption) in pictures.drawn.items():
        links = ", ".join(f"[{s}](figures/{name}.{s})" for s in _FIGURE_FORMATS)
        lines += [
            f"![{escaped(name)}](figures/{name}.svg)",
            "",
            f"**{escaped(name)}.** {escaped(caption)} ({links})",
            "",
        ]
    if pictures.missing:
        lines += ["Not drawn:", "", *(f"- {escaped(n)}: {escaped(why)}" for n, why in pictures.missing.items()), ""]
    lines += ["## To make it again", "", *again, ""]
    lines += ["## References", "", "Entries of the citations above are in [references.bib](references.bib)."]
    return "\n".join(lines) + "\n"


def _cited(text: str) -> str:
    """Escaped prose whose citations stay citations of pandoc."""
    held = re.sub(r"\[@([a-z0-9]+)\]", "\ue000\\1\ue001", text)
    return escaped(held).replace("\ue000", "[@").replace("\ue001", "]")


def _page(
    result: BatchResult, runs: Mapping[str, Run], summary: BatchSummary, tables: Sequence[Table], pictures: Pictures
) -> str:
    from ..reporting.html import page
    from ._views import views

    figures = {
        _title(name): figure_bytes(axes, "svg").decode()
        for name, (axes, _) in pictures.drawn.items()
        if name != "multiples"  # the page has a chart of every run
    }
    notes = {_title(t.name): (f"{t.caption.rstrip('.')}.", *t.remarks) for t in tables}
    return page(summary.title, views(result, runs), tables=flattened(tables, _title), notes=notes, figures=figures)


def _title(name: str) -> str:
    """A few words for a heading."""
    known = {
        "bands": "Curves by group",
        "ranking": "Ranks over x",
        "calibration": "Calibration of forecasts",
        "pareto": "Cost against value",
        "methods": "Methods",
        "pairs": "Differences between methods",
        "ranks": "Order of the methods",
        "crossings": "Crossings",
        "runs": "How runs ended",
    }
    if name.startswith("pareto-"):  # one for each task
        return f"{known['pareto']} ({name.removeprefix('pareto-')})"
    words = name.replace("-", " ").replace("_", " ")
    return known.get(name, words[:1].upper() + words[1:])
