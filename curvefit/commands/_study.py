"""Arguments and input that the commands about many runs share: attributes, tables, batches."""

from __future__ import annotations

import re
from argparse import ArgumentParser, ArgumentTypeError, Namespace
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from ..curves import Run, UsageError
from ..curves._checks import safe_text
from ..reporting.table_formats import registry as formats
from ._attempt import Failures
from ._options import finite, name_of
from ._runs import load

__all__ = ["add_comparison", "add_table", "is_batch", "runs_with_attributes"]

_FIELD = re.compile(r"\{([A-Za-z_][A-Za-z0-9_]*)\}")


def add_comparison(parser: ArgumentParser, *, required: bool) -> None:
    """Who is compared with whom, over what, and where."""
    group = parser.add_argument_group("comparison")
    group.add_argument("--by", required=required, metavar="ATTRIBUTE", help="attribute that names the method")
    group.add_argument("--over", required=required, metavar="ATTRIBUTE", help="attribute that names the seed")
    group.add_argument(
        "--at", type=finite, nargs="+", metavar="X", help="x to compare at (default: the largest all runs reach)"
    )
    group.add_argument("--task", metavar="ATTRIBUTE", help="attribute that names the task; seeds are resampled within")
    group.add_argument("--pair", metavar="ATTRIBUTE", help="attribute that pairs runs of two methods in a task")
    group.add_argument(
        "--interval",
        choices=("auto", "percentile", "expanded", "t"),
        default="auto",
        help="kind of interval (default: auto)",
    )
    group.add_argument(
        "--correction",
        choices=("holm", "bonferroni", "fdr_bh", "fdr_by", "none"),
        default="holm",
        help="for the number of comparisons (default: holm)",
    )
    group.add_argument(
        "--short",
        choices=("drop", "last"),
        default="drop",
        help="a run that ended earlier counts as nothing or its last value",
    )
    group.add_argument(
        "--replicates", type=_count, default=2000, metavar="N", help="bootstrap replicates (default: 2000)"
    )
    group.add_argument("--seed", type=int, default=0, metavar="S", help="of the random numbers (default: 0)")


def add_table(parser: ArgumentParser) -> None:
    """How tables are printed."""
    parser.add_argument(
        "--table", type=name_of(formats), default="plain", metavar="F", help=f"{', '.join(formats)} (default: plain)"
    )


def _count(text: str) -> int:
    if not text.isascii() or not text.isdigit() or not 100 <= int(text) <= 1_000_000:
        raise ArgumentTypeError(f"{text!r} is not a whole number from 100 to 1000000")
    return int(text)


def is_batch(path: str) -> bool:
    """Whether a folder is the output of a batch."""
    return (Path(path) / "batch.json").is_file()


def runs_with_attributes(args: Namespace, failures: Failures) -> Iterable[Run]:
    """Runs of all PATHs, batches among them, with attributes taken from their names where a pattern says so."""
    from ..studies.result import load_batch

    pattern = _compiled(args.names) if args.names else None
    batches = [p for p in args.path if is_batch(p)]
    args.path = [p for p in args.path if p not in batches]
    for path in batches:
        for run in load_batch(path).runs_in_store():
            yield _named(run, pattern)
    if args.path:
        for run in load(args, failures):
            yield _named(run, pattern)


def _compiled(text: str) -> re.Pattern[str]:
    """``{method}-s{seed}`` as a regular expression over names and paths; everything else stands for itself."""
    fields = _FIELD.findall(text)
    if not fields or len(set(fields)) < len(fields):
        raise UsageError(
            f"--names {safe_text(text)!r} names no attribute, or one twice", hint="--names '{method}-seed{seed}'"
        )
    parts = _FIELD.split(text)
    pieces = [re.escape(p) if i % 2 == 0 else f"(?P<{p}>[^/]+?)" for i, p in enumerate(parts)]
    return re.compile("".join(pieces) + r"(?=$|[/.])")


def _named(run: Run, pattern: re.Pattern[str] | None) -> Run:
    if pattern is None:
        return run
    found = None
    for text in (run.name, run.provenance.path if run.provenance else ""):
        found = pattern.search(text) if found is None and len(text) <= 1000 else found
    if found is None:
        return run
    return replace(run, attributes={**run.attributes, **found.groupdict()})
