"""Arguments and input that the commands about many runs share: attributes, tables, batches."""

from __future__ import annotations

from argparse import ArgumentParser, ArgumentTypeError, Namespace
from collections.abc import Iterable, Iterator
from functools import partial
from pathlib import Path

from ..curves import Run
from ..curves._checks import safe_text
from ..reporting.table_formats import registry as formats
from ..studies._named import named_runs
from ..studies.paper import Paper
from ._attempt import Failures
from ._options import finite, name_of
from ._output import note
from ._runs import load

__all__ = ["add_comparison", "add_table", "is_batch", "runs_with_attributes", "tell_paper"]


_GROUPS = {True: "", False: ": tables are grouped by it; with --over, its values are compared"}
_SEEDS = {True: "", False: "; needs --by"}


def add_comparison(parser: ArgumentParser, *, required: bool) -> None:
    """Who is compared with whom, over what, and where."""
    group = parser.add_argument_group(
        "comparison",
        "an ATTRIBUTE is a fact about a run, such as its method or seed: a column of its log that does not change, or a part "
        f"of its name ({'--names' if required else '--names of curvefit batch'})",
    )
    group.add_argument(
        "--by", required=required, metavar="ATTRIBUTE", help=f"what is compared, such as method{_GROUPS[required]}"
    )
    group.add_argument(
        "--over",
        required=required,
        metavar="ATTRIBUTE",
        help=f"what tells repeated runs apart, such as seed{_SEEDS[required]}",
    )
    group.add_argument(
        "--at",
        type=finite,
        nargs="+",
        metavar="X",
        help="compare the values of the curves at these x (default: the largest x that every run reaches but those whose values stopped being numbers)",
    )
    group.add_argument(
        "--task",
        metavar="ATTRIBUTE",
        help="what was learned, such as dataset, where there are several: methods are compared within each, never across",
    )
    group.add_argument(
        "--pair",
        metavar="ATTRIBUTE",
        help="what two methods share in matched runs, such as data_order: differences are taken within pairs",
    )
    group.add_argument(
        "--interval",
        choices=("auto", "percentile", "expanded", "t"),
        default="auto",
        help="how intervals are made: t, or bootstrap with plain or expanded percentiles (default: auto: t below ten seeds "
        "per task, else bootstrap)",
    )
    group.add_argument(
        "--correction",
        choices=("holm", "bonferroni", "fdr_bh", "fdr_by", "none"),
        default="holm",
        help="how p-values are corrected for the number of comparisons (default: holm)",
    )
    group.add_argument(
        "--short",
        choices=("drop", "last"),
        default="drop",
        help="runs that ended before an x of --at: drop leaves them out there and counts them as missing, last takes their "
        "last value (default: drop)",
    )
    group.add_argument(
        "--replicates", type=_count, default=2000, metavar="N", help="how often seeds are resampled (default: 2000)"
    )
    group.add_argument(
        "--seed", type=int, default=0, metavar="S", help="of the random numbers of the bootstrap (default: 0)"
    )


def add_table(parser: ArgumentParser) -> None:
    """How tables are printed."""
    parser.add_argument(
        "--table",
        type=name_of(formats),
        default="plain",
        metavar="F",
        help=f"how tables are printed: {', '.join(formats)} (default: plain)",
    )


def _count(text: str) -> int:
    if not text.isascii() or not text.isdigit() or not 100 <= int(text) <= 1_000_000:
        raise ArgumentTypeError(f"{text!r} is not a whole number from 100 to 1000000")
    return int(text)


def is_batch(path: str) -> bool:
    """Whether a folder is the output of a batch."""
    return (Path(path) / "batch.json").is_file()


def tell_paper(made: Paper, *, quiet: bool, printed: bool) -> None:
    """Name the files of a report, and what could not be drawn."""
    for name, why in made.missing.items():
        note(f"not drawn: {name}: {why}", quiet=quiet)
    for sentence in (*made.summary.notes, *(made.comparison.notes if made.comparison else ())):
        note(f"note: {sentence}", quiet=quiet)
    if printed:
        print(f"{len(made.files)} files in {safe_text(made.path)}")
        shown = [f for f in ("index.html", "paper.md", "references.bib", "tables.tex") if f in made.files]
        print("\n".join(f"  {f}" for f in shown))


def runs_with_attributes(args: Namespace, failures: Failures) -> Iterable[Run]:
    """Runs of all PATHs, batches among them, with attributes taken from their names where a pattern says so; one must match."""
    from ..studies.result import load_batch

    batches = [p for p in args.path if is_batch(p)]
    args.path = [p for p in args.path if p not in batches]

    def found() -> Iterator[Run]:
        for path in batches:
            yield from load_batch(path).runs_in_store()
        if args.path:
            yield from load(args, failures)

    return named_runs(found(), args.names, partial(note, quiet=args.quiet))
