"""The page itself: template, styles, program and data in one file that asks nobody for anything."""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from hashlib import sha256
from importlib.resources import files
from typing import Any

from ...curves import UsageError
from ...curves._checks import safe_text
from ...curves._optional import optional
from ...curves.numbers import format_number, format_x
from .payload import payload
from .view import RunView

__all__ = ["page"]

_ICON = (
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 16 16"><path d="M1 2c2 9 6 11 14 11" fill="none" '
    'stroke="#0072B2" stroke-width="2.4" stroke-linecap="round"/></svg>'
)
_IMAGES = re.compile(r"data:image/(png|jpeg|webp|gif|svg\+xml);base64,[A-Za-z0-9+/=]+")
_NUMBER = re.compile(
    r"[-+\u2212]?\d[\d.,]*(e[-+]?\d+)?( %)?( \[[^\]]*\])?$"
)  # one already written, alone or with its interval
_PROLOG = re.compile(r"\s*(<\?xml[^>]*>\s*|<!--.*?-->\s*|<!DOCTYPE[^>]*>\s*)*<svg[\s>]", re.DOTALL)


def page(
    title: str,
    runs: Iterable[RunView],
    *,
    tables: Mapping[str, list[dict[str, Any]]] | None = None,
    notes: Mapping[str, Sequence[str]] | None = None,
    figures: Mapping[str, str] | None = None,
    plain: str = "",
) -> str:
    """One HTML document with a table of all runs, a section for each with its chart, and further tables and figures.

    Parameters
    ----------
    title : str
        What it is about.
    runs : iterable of RunView
        In the order in which they are listed at first; a single run gets no table.
    tables : mapping of str to list of dict, optional
        Further tables by title, one mapping per row: comparisons, parameters.
    notes : mapping of str to sequence of str, optional
        Sentences below the table of that title.
    figures : mapping of str to str, optional
        Pictures by title: SVG text, or a ``data:`` URI of a PNG, JPEG, WebP, GIF or SVG image.
    plain : str, optional
        What readers without JavaScript see in place of the charts.

    Returns
    -------
    str
        The document, ending with a line end. It is ASCII, whatever the names are; equal arguments give equal bytes.

    Raises
    ------
    UsageError
        When a figure is neither SVG nor such a URI.
    DependencyError
        Without Jinja2 (``pip install 'curvefit[report]'``).

    Notes
    -----
    The page holds everything it needs; its content security policy allows the two scripts and the styles in it by their
    SHA-256 and nothing else, no connection, no frame, no form. Figures are images, so that nothing in them runs. Every
    text is escaped for where it stands, with control and bidirectional characters made visible. Curves are thinned the
    more the more runs there are: 5,000 runs stay below 30 MB.
    """
    from ... import __version__

    shown = [_held(r) for r in runs]
    data = payload(title, shown)
    style = f"{_asset('uplot.min.css')}\n{_asset('page.css')}"
    scripts = (f"/*\n{_asset('uplot.LICENSE')}\n*/\n{_asset('uplot.min.js')}", _program())  # copies carry the notice
    policy = "; ".join(
        (
            "default-src 'none'",
            f"script-src {' '.join(_hashed(s) for s in scripts)}",
            f"style-src {_hashed(style)}",
            "img-src data:",
            "base-uri 'none'",
            "form-action 'none'",
            "require-trusted-types-for 'script'",
            "trusted-types 'none'",
        )
    )
    text: str = _template().render(
        title=safe_text(title),
        policy=policy,
        icon=_uri(_ICON),
        style=style,
        scripts=scripts,
        data=data,
        plain=_lines(plain),
        tables=[
            (safe_text(name), _table(rows), [safe_text(note) for note in (notes or {}).get(name, ())])
            for name, rows in (tables or {}).items()
        ],
        figures=[(safe_text(name), _image(name, picture)) for name, picture in (figures or {}).items()],
        version=__version__,
    )
    # the scripts, styles and data are ASCII, so that this is about text alone
    return text.encode("ascii", "xmlcharrefreplace").decode("ascii").rstrip("\n") + "\n"


def _held(run: RunView) -> RunView:
    if not isinstance(run, RunView):
        raise UsageError(
            f"{type(run).__name__} is no RunView",
            where="page()",
            hint="curvefit.reporting.html.RunView(id=...) or RunView.of(report)",
        )
    return run


@cache
def _asset(name: str) -> str:
    return (files(__package__) / name).read_text(encoding="utf-8").strip()


@cache
def _program() -> str:
    """The page's own script: its parts share one scope that nothing else sees."""
    parts = "\n".join(_asset(f"page_{part}.js") for part in ("common", "table", "run", "chart", "start"))
    return f'(function () {{\n"use strict";\n{parts}\n}})();'


@cache
def _template() -> Any:
    jinja2 = optional("jinja2", extra="report", feature="the HTML report")
    make = jinja2.Environment(
        autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True, auto_reload=False
    )
    return make.from_string(_asset("page.html.jinja"))


def _hashed(text: str) -> str:
    return f"'sha256-{b64encode(sha256(text.encode('utf-8')).digest()).decode('ascii')}'"


def _lines(text: str) -> str:
    return "\n".join(safe_text(line) for line in text.split("\n"))


def _uri(svg: str) -> str:
    clean = svg.encode("utf-8", "backslashreplace")
    return f"data:image/svg+xml;base64,{b64encode(clean).decode('ascii')}"


def _image(name: str, picture: str) -> str:
    if _IMAGES.fullmatch(picture):
        return picture
    if not _PROLOG.match(picture):
        raise UsageError(
            f"figure {safe_text(name)!r} is no SVG and no data: URI of an image", where="page()", hint="<svg ...>"
        )
    return _uri(picture)


def _table(rows: list[dict[str, Any]]) -> tuple[list[tuple[str, bool]], list[list[tuple[str, bool]]]]:
    """Header and cells as text, each with whether it is about numbers."""
    keys = list(dict.fromkeys(k for row in rows for k in row))
    cells = [[_cell(row.get(k)) for k in keys] for row in rows]
    return [(safe_text(k), any(c[i][1] for c in cells)) for i, k in enumerate(keys)], cells


def _cell(value: Any) -> tuple[str, bool]:
    if value is None:
        return "", False
    if isinstance(value, bool | str) or not isinstance(value, int | float):
        item = value.item() if hasattr(value, "item") else value
        text = safe_text(item)
        return _cell(item) if isinstance(item, int | float) and item is not value else (text, bool(_NUMBER.match(text)))
    return (format_x(value) if isinstance(value, int) else format_number(value)), True
