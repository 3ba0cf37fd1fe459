"""Fit, forecast, diagnose and decide for thousands of runs, into Parquet tables; resumes where it stopped."""

from __future__ import annotations

import sys
from argparse import ArgumentParser, Namespace
from contextlib import suppress
from pathlib import Path
from typing import Any, final, get_args

from ..curves import CurvefitError, Direction, UsageError, XUnit
from ..curves._checks import safe_text
from ..decisions.recommendation import Action
from ..estimands import registry as estimands
from ..fitting.selection import Criterion
from ..forecasting.forecasters import registry as forecasters
from ..studies._report_checks import check_comparison
from ..studies.batch import batch as ask
from ..studies.batch import rerun
from ..studies.engines import registry as engines
from ..studies.paper import write_report
from ..studies.result import BatchResult, load_batch
from ..studies.schema import TABLES
from ._base import Command, Exit
from ._document import write_json
from ._options import add_json, add_level, finite, gain, name_of, not_negative, reader_name
from ._output import note
from ._study import tell_paper

__all__ = ["Batch"]

_SHOWN = 10  # failures that are listed; the table of runs has all
_READ = ("format", "x", "x_unit", "delimiter", "decimal", "encoding", "pattern")


@final
class Batch(Command):
    """Every question to every run of a data set, each run accounted for."""

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Where from, where to, what is asked, and where the work is done."""
        parser.add_argument(
            "dataset",
            metavar="DATASET",
            nargs="?",
            help="file or folder of logs, Parquet of curvefit convert, or a store of cf.write_store",
        )
        parser.add_argument(
            "-o",
            "--output",
            metavar="OUT",
            required=True,
            help="folder for the tables of results; a second call goes on where the first stopped",
        )
        parser.add_argument(
            "--config",
            metavar="FILE",
            help="batch.json of an earlier batch: asks the same questions of the same data again; stands alone, without DATASET",
        )
        asked = parser.add_argument_group("questions")
        asked.add_argument(
            "-m",
            "--metric",
            action="append",
            metavar="M",
            help="metric to work on; may be repeated; all: every one of which it is known whether smaller or larger is better "
            "(default: each run's main one, validation first)",
        )
        asked.add_argument(
            "--direction",
            choices=get_args(Direction),
            help="whether smaller or larger values of --metric are better (default: as its name says)",
        )
        asked.add_argument(
            "--horizon",
            action="append",
            metavar="X",
            help="how far to forecast: an x, a multiple of the data such as 2x, or planned: the run's planned length where it is "
            "known and lies ahead, else twice its data (default: planned); may be repeated",
        )
        asked.add_argument(
            "--models",
            default="auto",
            metavar="LAWS",
            help="laws to fit, separated by commas (curvefit list models); auto: those usual for the metric; none (default: auto)",
        )
        asked.add_argument(
            "--criterion", choices=get_args(Criterion), default="aicc", help="what laws are ranked by (default: aicc)"
        )
        asked.add_argument(
            "--only",
            metavar="TABLES",
            help=f"compute only these tables, separated by commas: {', '.join(n for n in TABLES if n != 'runs')} (default: all)",
        )
        asked.add_argument(
            "--rules",
            metavar="RULES",
            help="diagnoses to look for, separated by commas (curvefit list diagnostics.rules; default: all)",
        )
        asked.add_argument(
            "--estimands",
            metavar="NAMES",
            help=f"estimates to make, separated by commas: {', '.join(estimands)} (default: all)",
        )
        asked.add_argument(
            "--method",
            type=name_of(forecasters),
            default="pooled",
            metavar="F",
            help=f"forecaster: {', '.join(forecasters)} (default: pooled)",
        )
        asked.add_argument(
            "--target", type=finite, metavar="V", help="value of the metric to be reached: says when, and how likely"
        )
        asked.add_argument("--best", type=finite, metavar="V", help="best value of earlier runs, to be beaten")
        asked.add_argument(
            "--min-gain", type=gain, metavar="G", help="smallest improvement that matters: a number, '1%%' or '2 sigma'"
        )
        asked.add_argument(
            "--cost-per-unit",
            type=not_negative,
            metavar="C",
            help="cost of one unit of x (step, epoch, ...), for recommendations",
        )
        asked.add_argument(
            "--worth-per-unit",
            type=not_negative,
            metavar="W",
            help="worth of one unit of the metric, in the same money",
        )
        add_level(parser)
        reading = parser.add_argument_group("reading logs")
        reading.add_argument(
            "--format", type=reader_name, metavar="F", help="reader to use instead of looking at the content"
        )
        reading.add_argument("--x", metavar="COLUMN", help="column of x (default: step, epoch, tokens, ... as found)")
        reading.add_argument(
            "--x-unit", choices=get_args(XUnit), metavar="U", help=f"unit of x: {', '.join(get_args(XUnit))}"
        )
        reading.add_argument("--delimiter", metavar="D", help="between the fields of a table (default: as found)")
        reading.add_argument("--decimal", choices=(".", ","), help="decimal mark of a table (default: as found)")
        reading.add_argument("--encoding", metavar="E", help="of text files (default: UTF-8, or by byte-order mark)")
        reading.add_argument(
            "--pattern", metavar="RE", help=r"form of a console log's lines: 'step (?P<step>\d+) loss (?P<loss>\S+)'"
        )
        reading.add_argument(
            "--names",
            metavar="PATTERN",
            help="takes attributes (method, seed) from the names of runs or files: '{method}-seed{seed}'",
        )
        place = parser.add_argument_group("where the work is done")
        place.add_argument(
            "--engine",
            type=name_of(engines),
            default="processes",
            metavar="E",
            help="serial, processes (the default) or dask",
        )
        place.add_argument(
            "-j", "--workers", type=int, metavar="N", help="worker processes (default: one per processor)"
        )
        place.add_argument(
            "--scheduler",
            metavar="ADDRESS",
            help="of a Dask cluster that runs already: tcp://127.0.0.1:8786 or tls://... (default: starts one on this machine)",
        )
        place.add_argument(
            "--no-resume",
            dest="resume",
            action="store_false",
            help="do everything again and replace results that are there",
        )
        paper = parser.add_argument_group(
            "report", "tables, figures, methods and a page at once, as by curvefit report"
        )
        paper.add_argument("--report", metavar="DIR", help="folder to write a report to when all is done")
        paper.add_argument(
            "--by",
            metavar="ATTRIBUTE",
            help="attribute by which its tables are grouped, such as method; with --over, its values are compared",
        )
        paper.add_argument(
            "--over", metavar="ATTRIBUTE", help="attribute that tells repeated runs apart, such as seed; needs --by"
        )
        add_json(parser)

    def run(self, args: Namespace) -> int:
        """Do it; what is done when Ctrl-C comes stays, and counts."""
        _check(args)
        place = {
            "needed": [name for name in (args.by, args.over) if name is not None],
            "engine": args.engine,
            "workers": args.workers,
            "scheduler": args.scheduler,
            "resume": args.resume,
            "progress": False if args.quiet else None,
            "notes": not args.quiet,
        }
        interrupted = True
        result: BatchResult | None = None
        with suppress(KeyboardInterrupt):
            if args.config is not None:
                result = rerun(args.config, args.output, **place)
            else:
                result = ask(args.dataset, args.output, **_asked(args), **place)
            interrupted = False
        if interrupted:
            with suppress(CurvefitError):
                result = load_batch(args.output)
            print(
                "interrupted; units of work that were done are whole, the same command goes on from there",
                file=sys.stderr,
            )
        if result is None:
            return Exit.INTERRUPTED
        return self._tell(result, args, interrupted=interrupted)

    def _tell(self, result: BatchResult, args: Namespace, *, interrupted: bool) -> int:
        counts = result.counts
        failures = _failures(result)
        for failure in failures[:_SHOWN]:
            print(
                safe_text(f"{failure['status']} {failure['code']}: {failure['run']}: {failure['reason']}"),
                file=sys.stderr,
            )
        if len(failures) > _SHOWN:
            note(f"and {len(failures) - _SHOWN} more; see {args.output}/runs", quiet=args.quiet)
        if any(failure["code"] == "CF-DATA-004" for failure in failures):
            note("whether smaller or larger is better: --metric NAME --direction min or max", quiet=args.quiet)
        if args.json != "-":
            told = ", ".join(f"{count} {status}" for status, count in counts.items() if count) or "no runs"
            total = sum(counts.values())
            print(f"{total} {'curve' if total == 1 else 'curves'}: {told}")
            for name, words in _summary(result).items():
                told = ", ".join(f"{count} {_WORDS.get(word, word)}" for word, count in words.items())
                print(f"  {_PRINTED.get(name, name)}: {told}")
            print(safe_text(f"tables: {args.output}"))
        if args.json is not None:
            content = {
                "output": args.output,
                "counts": counts,
                "units": {"done": len(result.parts), "of": result.units},
                "summary": _summary(result),
                "failures": failures,
                "interrupted": interrupted,
            }
            write_json(args.json, "batch", content)
        if interrupted:
            return Exit.INTERRUPTED
        if args.report is not None:
            made = write_report(result, args.report, by=args.by, over=args.over, level=args.level)
            tell_paper(made, quiet=args.quiet, printed=args.json != "-")
        if not failures:
            return Exit.OK
        return Exit.SOME_FAILED


def _check(args: Namespace) -> None:
    if args.dataset is None and args.config is None:
        raise UsageError(
            "nothing to work on: neither DATASET nor --config",
            hint="curvefit batch runs.parquet -o OUT, or --config OUT/batch.json -o NEW to ask an earlier batch again",
        )
    if args.dataset is not None and args.config is not None:
        raise UsageError(
            f"--config asks again about the data that it records, so {safe_text(args.dataset)} beside it means nothing",
            hint="leave DATASET out; for the same questions to other data name them as options",
        )
    if args.dataset is not None and args.dataset != "-" and _within(args.output, args.dataset):
        raise UsageError("the results would go where the data are", hint="another folder for --output")
    if args.report is None and (args.by or args.over):
        raise UsageError("--by and --over are of a report", hint="--report DIR beside them")
    check_comparison(args.by, args.over, None, None)
    if args.report is not None and _within(args.report, args.output):
        raise UsageError("the report would go into the folder of the results", hint="another folder for --report")
    if args.dataset == "-":
        raise UsageError("a batch reads files, not standard input", hint="curvefit convert - -o runs.parquet first")


def _within(inner: str, outer: str) -> bool:
    here, there = Path(inner).resolve(), Path(outer).resolve()
    return here == there or there in here.parents


def _asked(args: Namespace) -> dict[str, Any]:
    return {
        "models": _names(args.models),
        "horizons": args.horizon or "planned",
        "metrics": args.metric,
        "direction": args.direction,
        "tables": _names(args.only),
        "level": args.level,
        "target": args.target,
        "best": args.best,
        "min_gain": args.min_gain,
        "cost_per_unit": args.cost_per_unit,
        "worth_per_unit": args.worth_per_unit,
        "method": args.method,
        "criterion": args.criterion,
        "rules": _names(args.rules),
        "estimands": _names(args.estimands),
        "names": args.names,
        "read": {name: value for name in _READ if (value := getattr(args, name)) is not None},
    }


def _names(text: str | None) -> list[str] | None:
    return None if text is None else [part.strip() for part in text.split(",") if part.strip()]


def _failures(result: BatchResult) -> list[dict[str, Any]]:
    """Runs that were refused or failed."""
    if not (result.counts.get("failed") or result.counts.get("refused")):
        return []
    rows = result.arrow("runs", ["run", "metric", "status", "code", "reason"]).to_pylist()
    return [row for row in rows if row["status"] in ("failed", "refused")]


_PRINTED = {"warnings": "errors and warnings"}
_WORDS = {a.name.lower().replace("_", " "): a.value for a in Action}  # what every recommendation calls them


def _summary(result: BatchResult) -> dict[str, dict[str, int]]:
    """How many runs got which recommendation and which warning or error."""
    out: dict[str, dict[str, int]] = {}
    actions = result.arrow("recommendations", ["action"])["action"].value_counts().to_pylist()
    if actions:
        out["recommended"] = _most(actions)
    found = result.arrow("diagnoses", ["name", "verdict", "severity"])
    if found.num_rows:
        rows = found.group_by(["name", "verdict", "severity"]).aggregate([([], "count_all")]).to_pylist()
        kept = [r for r in rows if r["verdict"] == "present" and r["severity"] != "info"]
        if kept:
            out["warnings"] = _most([{"values": r["name"], "counts": r["count_all"]} for r in kept])
    return out


def _most(counted: list[dict[str, Any]]) -> dict[str, int]:
    ordered = sorted(counted, key=lambda r: (-r["counts"], r["values"]))
    return {r["values"].replace("_", " "): r["counts"] for r in ordered}
