"""Follow logs that grow: the curve, its forecast, what it shows and what to do, redrawn as values come in."""

from __future__ import annotations

import json
import sys
import time
from argparse import ArgumentParser, ArgumentTypeError, Namespace
from contextlib import ExitStack
from typing import Any, final

from ..curves import CurvefitError, ReadError, UsageError
from ..curves._checks import safe_text
from ..curves.numbers import counted
from ..readers._base import Options
from ..readers._follow import Follower
from ..reporting import wording
from ..reporting.document import finite
from ._attempt import Failures
from ._base import Command, Exit
from ._document import envelope
from ._experience import add_experience
from ._options import add_input, add_level, add_questions
from ._output import OutputFile, dump_json, note
from ._runs import reading_options
from ._screen import Screen
from ._watched import Watched

__all__ = ["Watch"]

Line = tuple[str, str]
GIVE_UP = ("CF-IO-GONE", "CF-IO-009", "CF-IO-010", "CF-IO-012", "CF-IO-013", "CF-IO-LIMIT")
URGENT = (11, 10, 12, 0)


def _seconds(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0.05 <= value <= 86400:
        raise ArgumentTypeError(f"{text!r} is no number of seconds from 0.05 to 86400")
    return value


@final
class Watch(Command):
    """The whole line from a log to a decision, again and again while the log is written."""

    def add_arguments(self, parser: ArgumentParser) -> None:
        """What to follow, what to ask, when to end."""
        add_input(parser, at_once=False)
        add_questions(parser)
        add_level(parser)
        add_experience(parser)
        group = parser.add_argument_group("watching")
        group.add_argument(
            "--every", type=_seconds, default=2.0, metavar="S", help="seconds between looks (default: 2)"
        )
        group.add_argument("--once", action="store_true", help="look once, and end")
        group.add_argument(
            "--exit-code",
            action="store_true",
            help="end when a run should stop (10) or a person should look (11), said twice in a row; with --once end "
            "with what is said now: also 0 train on, 12 cannot tell",
        )
        parser.add_argument(
            "--json",
            metavar="FILE",
            nargs="?",
            const="-",
            help="write what is shown as JSON to FILE, anew at every change, or one line per change to stdout",
        )
        parser.add_argument("-q", "--quiet", action="store_true", help="no messages on stderr other than errors")

    def run(self, args: Namespace) -> int:
        """Look, show, wait; Ctrl-C ends it."""
        options = Options(**reading_options(args))
        if "-" in args.path:
            raise UsageError("standard input cannot be watched", hint="name a file or a folder")
        watch = _Watch(args, [Follower(path, options) for path in args.path])
        live = sys.stdout.isatty() and not args.once and args.json != "-"
        with ExitStack() as stack:
            if args.json not in (None, "-"):
                stack.enter_context(OutputFile(args.json, "--json"))  # a place that cannot be written to is known now
        with Screen(live=live) as screen:
            while True:
                changed = watch.look()
                if args.json is not None and changed:
                    _write(watch.fields(), args.json)
                if args.json != "-":
                    screen.draw(watch.lines(screen))
                code = watch.code()
                if code is not None:
                    break
                time.sleep(args.every)
        for failures in watch.failures():
            failures.report()
        for w in watch.watched.values():
            if args.exit_code and not args.once and w.called and w.code == code and w.report is not None:
                note(f"{w.name}: {wording.headline(w.report)}", quiet=args.quiet)
        return code


class _Watch:
    """All runs of all paths."""

    def __init__(self, args: Namespace, followers: list[Follower]) -> None:
        self.args = args
        self.followers = followers
        self.watched: dict[tuple[int, str], Watched] = {}
        self.troubles: list[str] = []
        self.looked = 0

    def look(self) -> bool:
        """Read what is new; whether there was anything."""
        changed = sum(follower.poll() for follower in self.followers) > 0
        self.looked += 1
        if not changed and self.looked > 1:
            return False
        self.troubles = []
        there: dict[tuple[int, str], Watched] = {}
        for i, follower in enumerate(self.followers):
            try:
                runs = follower.runs()
            except CurvefitError as error:
                if self.args.once or error.code in GIVE_UP:
                    raise
                self.troubles.append(f"waiting: {error.where}: {error.what}")
                continue
            self.troubles += [f"{e.where}: {e.what}; shown is what was read before" for e in follower.troubles()]
            for run in runs:
                key, k = (i, run.name), 2
                while key in there:
                    key, k = (i, f"{run.name} ({k})"), k + 1
                there[key] = self.watched.get(key) or Watched(key[1], self.args)
                there[key].update(run)
        self.watched = there
        if self.args.once and not there:
            raise ReadError(
                "no training log in there",
                where=" ".join(map(str, self.args.path)),
                code="CF-IO-008",
                hint="curvefit list readers",
            )
        return True

    def code(self) -> int | None:
        """Exit code when this is the end, else None."""
        runs = list(self.watched.values())
        if self.args.once:
            if any(f.trace for w in runs for f in w.failures.items):
                return Exit.BUG
            if all(w.failures.items for w in runs):
                return runs[0].failures.exit_code(0)
            if self.args.exit_code:
                return next(c for c in URGENT if any(w.code == c for w in runs))
            return Exit.SOME_FAILED if any(w.failures.items for w in runs) else Exit.OK
        if self.args.exit_code:
            return next((c for c in URGENT[:2] if any(w.called and w.code == c for w in runs)), None)
        return None

    def failures(self) -> list[Failures]:
        """What went wrong with runs."""
        return [w.failures for w in self.watched.values() if w.failures.items]

    # ------------------------------------------------------------------ what is shown

    def lines(self, screen: Screen) -> list[Line]:
        """The picture: every run in full where there is room, else a line each, the urgent ones first."""
        width, height = screen.size
        dot = " · " if screen.unicode else " | "
        runs = list(self.watched.values())
        paths = ", ".join(safe_text(str(p)) for p in self.args.path)
        head = [f"curvefit watch {paths}"]
        if len(runs) != 1:
            head.append(counted(len(runs), "run"))
        if screen.live:
            head += [*self._age(), "Ctrl-C ends"]
        out: list[Line] = [(dot.join(head), "muted")]
        out += [(safe_text(t), "warning") for t in self.troubles]
        restarts = sum(f.restarts for f in self.followers)
        if restarts:
            out.append(
                (f"{counted(restarts, 'time')} a file was cut or written anew and read from its beginning", "muted")
            )
        blocks = [w.lines(width, unicode=screen.unicode) for w in runs]
        if len(runs) == 1 or not screen.live or len(out) + sum(len(b) + 1 for b in blocks) < height:
            for block in blocks:
                out += [("", ""), *block]
            return out
        out.append(("", ""))
        ranked = sorted(runs, key=lambda w: URGENT.index(w.code))
        room = height - len(out) - 3
        out.append((Watched.headings(width), "muted"))
        out += [w.row(width, unicode=screen.unicode) for w in ranked[:room]]
        if len(ranked) > room:
            out.append((f"and {counted(len(ranked) - room, 'more run')}", "muted"))
        return out

    def _age(self) -> list[str]:
        newest = max((f.newest for f in self.followers if f.newest is not None), default=None)
        if newest is None:
            return []
        age = max(0.0, time.time() - newest)
        words = f"{age:.0f} s" if age < 120 else f"{age / 60:.0f} min" if age < 7200 else f"{age / 3600:.0f} h"
        return [f"last written {words} ago"]

    def fields(self) -> dict[str, Any]:
        """The same for a program."""
        return {
            "runs": [w.fields() for w in self.watched.values()],
            "waiting": self.troubles,
            "failures": [item.to_dict() for w in self.watched.values() for item in w.failures.items],
            "bytes_read": sum(f.bytes_read for f in self.followers),
            "restarts": sum(f.restarts for f in self.followers),
        }


def _write(fields: dict[str, Any], target: str) -> None:
    """One line on stdout, or the whole file anew."""
    clean, nonfinite = finite(envelope("watch", fields))
    content = {**clean, "nonfinite": nonfinite}
    if target == "-":
        sys.stdout.write(json.dumps(content, ensure_ascii=True, allow_nan=False) + "\n")
        sys.stdout.flush()
        return
    with OutputFile(target, "--json") as file:
        file.write(dump_json(content).encode("ascii"))
