"""Matches lines with a stranger's regular expression, in a process of its own that can be stopped.

Started by `_pattern`, never imported: on standard input a line with the pattern and the bounds, then lists of texts; on standard
output, for each list, the texts that matched with their named groups. All of it is JSON, one value per line. A match that takes
longer than its share of CPU time ends the process with the number of the text.
"""

from __future__ import annotations

import json
import re
import signal
import sys
import time
from types import FrameType
from typing import NoReturn


class TooLongError(Exception):
    """A match took longer than it may."""


def _stop(number: int, frame: FrameType | None) -> NoReturn:
    raise TooLongError


def _answer(value: object) -> None:
    sys.stdout.write(json.dumps(value) + "\n")
    sys.stdout.flush()


def main() -> None:
    """Answer list by list until the input ends."""
    pattern, per_text, total = json.loads(sys.stdin.readline())
    search = re.compile(pattern).search
    timed = hasattr(signal, "setitimer")
    if timed:
        signal.signal(signal.SIGVTALRM, _stop)
    for line in sys.stdin:
        texts = json.loads(line)
        found = []
        total += 1e-3 * len(texts)
        begin = time.process_time()
        i = 0
        try:
            for i, text in enumerate(texts):
                if timed:
                    signal.setitimer(signal.ITIMER_VIRTUAL, per_text)
                match = search(text)
                if match is not None:
                    found.append([i, match.groupdict()])
                if total < time.process_time() - begin:
                    raise TooLongError
            if timed:
                signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        except TooLongError:
            _answer({"slow": i})
            return
        total -= time.process_time() - begin
        _answer(found)


if __name__ == "__main__":
    main()
