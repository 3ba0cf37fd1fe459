"""Say whether to train on, until when, and why."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from typing import Any, final

from .. import analysis
from ..curves import Run, UsageError
from ..curves._checks import safe_text
from ..decisions.recommendation import Action
from ..reporting import wording
from ..reporting.document import recommendation_fields
from ._base import Exit
from ._experience import add_experience
from ._listing import RunCommand
from ._options import add_level, add_questions
from ._runs import Batch
from ._table import wrapped

__all__ = ["Recommend"]

CODES = {Action.CONTINUE: 0, Action.STOP: 10, Action.INTERVENE: 11, Action.COLLECT_MORE: 12}


@final
class Recommend(RunCommand):
    """The decision alone, with its reasons."""

    def add_own_arguments(self, parser: ArgumentParser) -> None:
        """Declare the questions."""
        add_questions(parser)
        add_level(parser)
        add_experience(parser)
        parser.add_argument(
            "--exit-code",
            action="store_true",
            help="answer for one run by the exit code: 0 train on, 10 stop, 11 a person should look, 12 cannot tell",
        )

    def answer(self, run: Run, metric: str, args: Namespace) -> tuple[str, dict[str, Any]]:
        """Headline and reasons."""
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
            model=None,
        )
        lines = [*wrapped(wording.headline(report))]
        for reason in (*wording.support(report), *report.notes):
            lines.extend(wrapped(f"- {safe_text(reason)}", hanging=2))
        r = report.recommendation
        return "\n".join(lines), {
            **recommendation_fields(r),
            "code": CODES[r.action],
            "notes": list(report.notes),
        }

    def finish(self, batch: Batch[dict[str, Any]], args: Namespace) -> int:
        """The decision as exit code when that was asked for."""
        code = batch.close()
        if not args.exit_code or code != Exit.OK:
            return code
        if len(batch.results) != 1:
            raise UsageError(
                f"--exit-code answers for one run, {len(batch.results)} were found", where=" ".join(args.path)
            )
        return int(batch.results[0]["code"])
