"""Say what a run shows: overfitting, plateau, spikes, divergence and more, each with its evidence."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from typing import Any, final

from ..curves import Run
from ..curves._checks import safe_text
from ..curves.numbers import format_x
from ..diagnostics import api as diagnostics
from ..diagnostics.diagnosis import Diagnosis, Verdict
from ..diagnostics.rules._text import WITHOUT
from ..reporting.document import diagnosis_fields
from ..reporting.wording import folded
from ._base import Exit
from ._listing import RunCommand
from ._options import positive
from ._runs import Batch
from ._table import wrapped

__all__ = ["Diagnose"]

RANK = {"info": 0, "warning": 1, "error": 2}


@final
class Diagnose(RunCommand):
    """Every verdict, the ones that are present in full."""

    def add_own_arguments(self, parser: ArgumentParser) -> None:
        """Declare the horizon and the gate."""
        parser.add_argument("--horizon", type=positive, metavar="X", help="x up to which gains are counted")
        parser.add_argument("--all", action="store_true", help="explain absent patterns too")
        parser.add_argument(
            "--fail-on",
            choices=("warning", "error"),
            help="end with exit code 5 when a finding is at least this severe",
        )

    def answer(self, run: Run, metric: str, args: Namespace) -> tuple[str, dict[str, Any]]:
        """Findings first, then what cannot be told, then the names of what is absent."""
        found = diagnostics.diagnose(run, metric=metric, horizon=args.horizon)
        if args.all:
            out = [line for d in found.items for line in lines(d)]
        else:
            out = [line for d in found.present for line in lines(d)]
            out += [line for d in found.undecided if not d.explanation.startswith(WITHOUT) for line in lines(d)]
            wanted = folded((d.name, d.explanation) for d in found.undecided)
            out += [
                line for name, why in wanted if not name for line in wrapped(safe_text(f"undecided: {why}"), hanging=2)
            ]
        absent = [d.name for d in found if d.verdict is Verdict.ABSENT]
        if absent and not args.all:
            out.extend(wrapped(f"absent: {', '.join(absent)}", hanging=8))
        return "\n".join(out), {"diagnoses": [diagnosis_fields(d) for d in found]}

    def finish(self, batch: Batch[dict[str, Any]], args: Namespace) -> int:
        """Exit code 5 when something at least as severe as asked was found."""
        code = batch.close()
        if code != Exit.OK or args.fail_on is None:
            return code
        severe = [
            d
            for answer in batch.results
            for d in answer["diagnoses"]
            if d["verdict"] == "present" and RANK[d["severity"]] >= RANK[args.fail_on]
        ]
        return Exit.FOUND if severe else Exit.OK


def lines(d: Diagnosis) -> list[str]:
    """One diagnosis for a person."""
    places = ", ".join(format_x(e.value) for e in d.where[:6] if e.value is not None)
    more = f" and {len(d.where) - 6} more" if len(d.where) > 6 else ""
    head = f"{d.verdict.value} ({d.severity}): {d.name}" if d.present else f"{d.verdict.value}: {d.name}"
    out = wrapped(head + (f" at {places}{more}" if places else ""), hanging=2)
    out += [f"  {line}" for line in wrapped(safe_text(d.explanation), width=-2)]
    if d.present and d.advice:
        out += [f"  {line}" for line in wrapped(f"-> {safe_text(d.advice)}", width=-2, hanging=3)]
    return out
