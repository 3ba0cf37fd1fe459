"""Reference pages from the registries: one page per interchangeable way, written without importing it.

Run as a program (``python docs/_ext/ways.py FOLDER``) it writes the pages there; as a Sphinx extension it writes them
to ``reference/generated`` before the build.
"""

from __future__ import annotations

import inspect
import sys
from pathlib import Path

TITLES = {
    "commands": "Commands",
    "models": "Models",
    "models.noise": "Noise models",
    "readers": "Readers",
    "fitting.intervals": "Interval methods",
    "forecasting.forecasters": "Forecasters",
    "estimands": "Estimands",
    "diagnostics.rules": "Diagnostics",
    "reporting.renderers": "Renderers",
    "reporting.table_formats": "Table formats",
    "reporting.plots": "Plots",
    "studies.engines": "Engines",
}


def title(folder: str) -> str:
    """Heading of a folder of ways."""
    return TITLES.get(folder, folder.replace(".", " ").replace("_", " ").capitalize())


def pages() -> dict[str, str]:
    """Text of every generated page by its path below ``reference/generated``."""
    from curvefit.commands._catalogue import registries

    out: dict[str, str] = {}
    folders = registries()
    for folder, registry in folders.items():
        names = registry.names()
        rows = "".join(f"   * - :doc:`{name} <{folder}/{name}>`\n     - {registry.summary(name)}\n" for name in names)
        toc = "".join(f"   {folder}/{name}\n" for name in names)
        out[f"{folder}.rst"] = (
            f"{heading(title(folder))}\n"
            f".. list-table::\n   :widths: 25 75\n\n{rows}\n"
            f".. toctree::\n   :hidden:\n\n{toc}\n"
            f"The contract\n------------\n\n.. automodule:: curvefit.{folder}._base\n   :members:\n"
        )
        for name in names:
            out[f"{folder}/{name}.rst"] = page(folder, name)
    out["python.rst"] = python()
    toc = "".join(f"   {folder}\n" for folder in folders)
    out["index.rst"] = (
        f"{heading('Interchangeable ways')}\n"
        "One way per file; ``curvefit list`` prints the same names. These pages are made from the files themselves.\n\n"
        f".. toctree::\n   :maxdepth: 1\n\n{toc}"
    )
    return out


def page(folder: str, name: str) -> str:
    """Page of one way; a command's page shows its help."""
    if folder == "commands":
        return (
            f"{heading(f'curvefit {name}')}\n"
            f".. shell::\n\n   curvefit {name} --help\n\n"
            f".. automodule:: curvefit.{folder}.{name}\n   :no-members:\n"
        )
    return f"{heading(name)}\n.. automodule:: curvefit.{folder}.{name}\n   :members:\n   :show-inheritance:\n"


def python() -> str:
    """Page of everything that ``import curvefit`` offers: what one calls, then the records."""
    import curvefit

    names = [n for n in curvefit.__all__ if not n.startswith("__")]
    calls = [n for n in names if not inspect.isclass(getattr(curvefit, n))]
    records = [n for n in names if n not in calls]
    out = heading("From Python")
    out += "Everything here is loaded on first use; ``import curvefit`` itself costs little more than numpy.\n\n"
    for title_, members, directive in (("Functions", calls, "autofunction"), ("Records", records, "autoclass")):
        out += f"{title_}\n{'-' * len(title_)}\n\n.. autosummary::\n\n"
        out += "".join(f"   curvefit.{n}\n" for n in members) + "\n"
        options = "" if directive == "autofunction" else "   :members:\n"
        out += "".join(f".. {directive}:: curvefit.{n}\n{options}\n" for n in members)
    return out


def heading(text: str) -> str:
    """A page title in reStructuredText."""
    return f"{text}\n{'=' * len(text)}\n"


def write(folder: Path) -> None:
    """Write the pages, touch only what changed, remove what no longer exists."""
    wanted = pages()
    for old in folder.rglob("*.rst"):
        if str(old.relative_to(folder)) not in wanted:
            old.unlink()
    for name, text in wanted.items():
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        if not file.is_file() or file.read_text(encoding="utf-8") != text:
            file.write_text(text, encoding="utf-8")


def setup(app):
    app.connect("builder-inited", lambda app: write(Path(app.srcdir) / "reference" / "generated"))
    return {"parallel_read_safe": True, "version": "1"}


if __name__ == "__main__":
    write(Path(sys.argv[1]))
