"""Directives whose content is run at every build, so that what a page shows is what the package does.

``shell``
    Commands, one per line, run in a folder of the page's own; command and output are shown. An exit code other than
    the one expected (``:exit: 3``) is a build warning, and warnings are errors.
``python``
    Python code in the page's own namespace; code and printed output are shown, an exception ends the build. ``:hide:`` runs without showing.
"""

from __future__ import annotations

import contextlib
import io
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

from docutils import nodes
from docutils.parsers.rst import Directive, directives
from sphinx.util import logging

LOG = logging.getLogger(__name__)
FOLDERS: dict[str, tempfile.TemporaryDirectory[str]] = {}
NAMESPACES: dict[str, dict[str, object]] = {}


def folder_of(page: str) -> Path:
    """Working folder of a page, empty at its first snippet."""
    if page not in FOLDERS:
        FOLDERS[page] = tempfile.TemporaryDirectory(prefix="curvefit-docs-")
    return Path(FOLDERS[page].name)


def environment() -> dict[str, str]:
    """No color, 80 columns, no display, UTF-8, and the package of this checkout."""
    root = str(Path(__file__).resolve().parents[2])
    fixed = {"COLUMNS": "80", "NO_COLOR": "1", "MPLBACKEND": "Agg", "PYTHONIOENCODING": "utf-8", "PYTHONPATH": root}
    return {**os.environ, **fixed}


class Shell(Directive):
    """Run commands."""

    has_content = True
    option_spec = {"exit": directives.nonnegative_int, "hide-output": directives.flag}  # noqa: RUF012

    def run(self) -> list[nodes.Node]:
        """Show each command and what it prints."""
        page = self.state.document.settings.env.docname
        shown = []
        for line in self.content:
            if not line.strip():
                continue
            done = subprocess.run(
                re.sub(r"^curvefit\b", f"{sys.executable} -m curvefit", line),
                shell=True,
                cwd=folder_of(page),
                env=environment(),
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                check=False,
                stdin=subprocess.DEVNULL,
            )
            if done.returncode != self.options.get("exit", 0):
                LOG.warning("%s: exit code %d\n%s", line, done.returncode, done.stdout, location=(page, self.lineno))
            shown.append(f"$ {line}")
            if "hide-output" not in self.options:
                shown.extend(done.stdout.rstrip().splitlines())
        block = nodes.literal_block("\n".join(shown), "\n".join(shown))
        block["language"] = "text"
        return [block]


class Python(Directive):
    """Run Python code."""

    has_content = True
    option_spec = {"hide": directives.flag}  # noqa: RUF012

    def run(self) -> list[nodes.Node]:
        """Show the code and what it prints."""
        page = self.state.document.settings.env.docname
        code = "\n".join(self.content)
        printed = io.StringIO()
        before = Path.cwd()
        os.chdir(folder_of(page))
        try:
            with contextlib.redirect_stdout(printed):
                exec(compile(code, f"{page}:{self.lineno}", "exec"), NAMESPACES.setdefault(page, {}))
        finally:
            os.chdir(before)
        if "hide" in self.options:
            return []
        block = nodes.literal_block(code, code)
        block["language"] = "python"
        out: list[nodes.Node] = [block]
        if printed.getvalue().strip():
            result = nodes.literal_block(printed.getvalue().rstrip(), printed.getvalue().rstrip())
            result["language"] = "text"
            out.append(result)
        return out


def setup(app):
    app.add_directive("shell", Shell)
    app.add_directive("python", Python)
    return {"parallel_read_safe": False, "version": "1"}
