"""The frame of commands that write full reports: analyze, print, draw, write JSON, account for failures."""

from __future__ import annotations

import sys
from abc import abstractmethod
from argparse import ArgumentParser, Namespace
from collections.abc import Iterable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .. import analysis
from ..curves import Run, UsageError
from ..curves._optional import optional
from ..curves.numbers import counted
from ..reporting import html, renderers
from ._attempt import Failures
from ._base import Command
from ._document import envelope
from ._experience import add_experience
from ._figures import Figures
from ._options import add_json, add_level, add_questions, model_name, name_of
from ._output import OutputFile, dump_json, note
from ._runs import Batch, about_metric, metric_of, over_runs
from ._summary import summary, summary_row
from ._table import terminal_width

__all__ = ["ReportCommand"]


class ReportCommand(Command):
    """A command that analyzes runs, wherever they come from."""

    @abstractmethod
    def add_source(self, parser: ArgumentParser) -> None:
        """Declare where the runs come from; ``metric`` and ``direction`` must be among the arguments."""

    @abstractmethod
    def find(self, args: Namespace, failures: Failures) -> Iterable[Run]:
        """The runs; what cannot be read is added to the failures."""

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the arguments."""
        self.add_source(parser)
        add_questions(parser)
        add_level(parser)
        add_experience(parser)
        parser.add_argument(
            "--model",
            type=model_name,
            default="auto",
            metavar="M",
            help="law, a sum of laws (a+b), auto, or none (default: auto)",
        )
        parser.add_argument(
            "--render",
            type=name_of(renderers.registry),
            default="terminal",
            metavar="R",
            help="how to print the report (default: terminal)",
        )
        parser.add_argument(
            "--plot", metavar="FILE", help="draw to FILE (.png, .svg, .pdf); several runs: one file each beside it"
        )
        parser.add_argument(
            "--html",
            metavar="FILE",
            help="write one self-contained page of all runs, with charts, to FILE (- for stdout)",
        )
        add_json(parser)

    def run(self, args: Namespace) -> int:
        """Analyze every run; write what was asked for even when some fail."""
        if args.html == "-":
            if args.json == "-":
                raise UsageError("--json - and --html - both want stdout", hint="name a file for one of them")
            args.html, args.render = None, "html"
        with ExitStack() as stack:
            document = stack.enter_context(OutputFile(args.json, "--json")) if args.json not in (None, "-") else None
            figures = stack.enter_context(Figures(args.plot)) if args.plot else None
            if args.html or args.render == "html":
                optional("jinja2", extra="report", feature="an HTML report")  # known before the work starts
            page_file = stack.enter_context(OutputFile(args.html, "--html")) if args.html else None
            batch = over_runs(args, lambda run: analyze_one(run, args, figures), find=self.find)
            drawn = figures.close() if figures else {}
            content = {
                "reports": [outcome.document for outcome in batch.results],
                "failures": batch.failed(),
                "interrupted": batch.interrupted,
                "figures": drawn,
            }
            text = dump_json(envelope("analyze", content)) if args.json else ""
            if args.json == "-":
                sys.stdout.write(text)
            elif len(batch.results) > 1 and args.render == "terminal":
                print(summary([outcome.row for outcome in batch.results], width=terminal_width()))
            if document:
                document.write(text.encode("ascii"))
            page = page_of(batch, args) if args.html or args.render == "html" else ""
            if page_file:
                page_file.write(page.encode("utf-8"))
            if args.render == "html" and args.json != "-":
                sys.stdout.write(page)
        for run, file in drawn.items():
            note(f"figure of {run}: {file}", quiet=args.quiet)
        if args.html:
            note(f"page: {args.html}", quiet=args.quiet)
        return batch.close()


@dataclass(frozen=True, slots=True)
class Outcome:
    """What is kept of a report once it is printed."""

    document: dict[str, Any]
    row: tuple[str, ...]
    view: html.RunView | None = None


def analyze_one(run: Run, args: Namespace, figures: Figures | None) -> Outcome:
    """The report of one run, printed as soon as it is there unless stdout is for JSON."""
    run, metric = metric_of(run, args)
    if args.metric is None and len(run) > 1:
        note(about_metric(run, metric), quiet=args.quiet)
    report = analysis.analyze(
        run,
        metric,
        horizon=args.horizon,
        target=args.target,
        level=args.level,
        min_gain=args.min_gain,
        cost_per_unit=args.cost_per_unit,
        worth_per_unit=args.worth_per_unit,
        best=args.best,
        experience=args.experience,
        model=None if args.model == "none" else args.model,
    )
    document = report.to_dict() if args.json else {}
    paged = bool(args.html) or args.render == "html"
    if args.json != "-" and args.render != "html":
        print(report.render(args.render), end="\n\n", flush=True)
    if figures:
        figures.add(report)
    return Outcome(document, summary_row(report), html.RunView.of(report) if paged else None)


def page_of(batch: Batch[Outcome], args: Namespace) -> str:
    """One page of all runs, those without a report among them with the reason."""
    views = [outcome.view for outcome in batch.results if outcome.view is not None]
    views += [
        html.RunView(f.where, status="failed", reason=f"{f.code}: {f.what}" + (f" {f.hint}" if f.hint else ""))
        for f in batch.failures.items
    ]
    if len(views) == 1 and views[0].metric:
        return html.page(f"{views[0].metric} of {views[0].id}", views)
    paths = [Path(path).name or str(path) for path in getattr(args, "path", [])]
    where = f" of {', '.join(paths[:3])}{' and more' if len(paths) > 3 else ''}" if paths else ""
    return html.page(f"{counted(len(views), 'run')}{where}", views)
