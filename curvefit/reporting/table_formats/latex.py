r"""LaTeX with booktabs and siunitx: numbers aligned at the decimal sign, digits by their uncertainty, text escaped."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from ...curves._checks import safe_text
from ._base import pieces

if TYPE_CHECKING:
    from ..tables.table import Cell, Table

__all__ = ["PREAMBLE", "escaped", "latex"]

_SPECIAL = {
    "\\": r"\textbackslash{}",
    "{": r"\{",
    "}": r"\}",
    "$": r"\$",
    "&": r"\&",
    "#": r"\#",
    "%": r"\%",
    "_": r"\_",
    "^": r"\textasciicircum{}",
    "~": r"\textasciitilde{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
    '"': r"\char34{}",
    "`": r"\textasciigrave{}",
    "'": r"\textquotesingle{}",
    "[": "{[}",  # never the optional argument of a line break
    "]": "{]}",
    "*": "{*}",
    "–": "--",
    "—": "---",
    "…": r"\ldots{}",
    "±": r"\ensuremath{\pm}",
    "×": r"\ensuremath{\times}",
    "·": r"\ensuremath{\cdot}",
    "≤": r"\ensuremath{\leq}",
    "≥": r"\ensuremath{\geq}",
    "−": r"\ensuremath{-}",
    "∞": r"\ensuremath{\infty}",
    "→": r"\ensuremath{\to}",
    **{
        letter: rf"\ensuremath{{\{name}}}"
        for letter, name in zip(
            "αβγδεζηθικλμνξπρστυφχψωΓΔΘΛΞΠΣΦΨΩ",
            [
                "alpha",
                "beta",
                "gamma",
                "delta",
                "varepsilon",
                "zeta",
                "eta",
                "theta",
                "iota",
                "kappa",
                "lambda",
                "mu",
                "nu",
                "xi",
                "pi",
                "rho",
                "sigma",
                "tau",
                "upsilon",
                "varphi",
                "chi",
                "psi",
                "omega",
                "Gamma",
                "Delta",
                "Theta",
                "Lambda",
                "Xi",
                "Pi",
                "Sigma",
                "Phi",
                "Psi",
                "Omega",
            ],
            strict=True,
        )
    },
}
PREAMBLE = (
    r"\documentclass{article}",
    r"\IfFileExists{lmodern.sty}{\usepackage[T1]{fontenc}\usepackage{lmodern}}{}",  # else fonts would be bitmaps
    r"\usepackage{textcomp}",
    r"\usepackage[margin=2cm]{geometry}",
    r"\usepackage{booktabs,longtable,siunitx}",
)
"""What the tables need, and a page to look at them."""
_SIZES: tuple[tuple[float, tuple[str, ...]], ...] = (  # characters of the widest row that a page of 17 cm holds
    (84, ()),
    (106, (r"\footnotesize\setlength{\tabcolsep}{3pt}",)),
    (132, (r"\scriptsize\setlength{\tabcolsep}{2pt}",)),
    (float("inf"), (r"\tiny\setlength{\tabcolsep}{1pt}",)),
)
_LONGEST = 48  # characters of a text in a cell; CSV and JSON hold all of it
_LONGEST_TITLE = 24  # characters of a title in one line
_EMS = 0.54  # width of a character in a column of lines, names of methods being wider than prose
_ALIGNED = 9  # digits before and after the point up to which numbers are aligned at it; else at their ends
_LONG = 40  # rows from which a table may break over pages
_NUMBER = re.compile(r"-?(\d+)(?:\.(\d+))?(?:e(-?\d+))?")
_EXPONENT = re.compile(r"\de-?\d")
_WORD = 22  # characters of a name that is not broken: even of W they fit into a line
_PARTS = re.compile(r"(?s).{1,2}")
_INTERVAL = re.compile(r"\[(\S+), (\S+)\]")


def latex(table: Table, /, *, environment: bool = True, document: bool = False, label: str | None = None) -> str:
    r"""A table for ``\usepackage{booktabs,longtable,siunitx}``, over several pages when it is long.

    Parameters
    ----------
    table : Table
    environment : bool
        Whether to put it into a ``table`` with caption, label and notes.
    document : bool
        Whether to write a document that compiles on its own.
    label : str, optional
        Default: ``tab:`` and the name of the table.

    Notes
    -----
    Only characters that print leave this function: the ten special ones are escaped, control characters are shown, and
    what the usual fonts lack is written as its code point, so that any name from a log compiles with pdfLaTeX.
    """
    points = {c.name: _narrow(table, i) for i, c in enumerate(table.columns)}
    body = [_row(table, row, points) for row in table.rows]
    name = re.sub(r"[^A-Za-z0-9:-]+", "-", label or f"tab:{table.name}")
    notes = [rf"\par\smallskip\footnotesize {escaped(note)}" for note in table.remarks]
    titled = rf"\caption{{{escaped(table.caption)}}}\label{{{name}}}"
    columns = f"@{{}}{_specification(table)}@{{}}"
    if (environment or document) and len(body) > _LONG:
        lines = [
            *_size(table),
            rf"\begin{{longtable}}{{{columns}}}",
            rf"{titled}\\",
            r"\toprule",
            _heads(table),
            r"\midrule\endfirsthead",
            r"\toprule",
            _heads(table),
            r"\midrule\endhead",
            r"\bottomrule\endfoot",
            *body,
            r"\end{longtable}",
            r"\raggedright",  # names of runs break at few places
            *notes,
            r"\par",
        ]
        lines = [r"\begingroup", *lines, r"\endgroup"]
    else:
        lines = [
            rf"\begin{{tabular}}{{{columns}}}",
            r"\toprule",
            _heads(table),
            r"\midrule",
            *body,
            r"\bottomrule",
            r"\end{tabular}",
        ]
        if environment or document:
            lines = [
                r"\begin{table}[htbp]",
                r"\centering",
                *_size(table),
                titled,
                r"\par\smallskip",
                *lines,
                *notes,
                r"\end{table}",
            ]
    if document:
        lines = [*PREAMBLE, r"\begin{document}", *lines, r"\end{document}"]
    return "\n".join(lines) + "\n"


def _row(table: Table, row: tuple[Cell, ...], points: dict[str, bool]) -> str:
    cells: list[str] = []
    for c, cell in zip(table.columns, row, strict=True):
        value, interval = pieces(c, cell)
        number = "" if c.kind == "text" else _aligned(value) if points[c.name] else _ranged(value)
        if c.kind == "estimate":
            cells += [number, _interval(interval)]
        else:
            text = _broken(value) if c.breaks else escaped(_cut(value))
            cells.append((text if cell is not None else "--") if c.kind == "text" else number)
    return " & ".join(cells) + r" \\"


def _size(table: Table) -> tuple[str, ...]:
    """Smaller type where the widest cells of all columns together would not fit a page."""
    width = 0
    for i, c in enumerate(table.columns):
        cells = [pieces(c, row[i]) for row in table.rows]
        cut = [(_cut(v), i) for v, i in cells] if c.kind == "text" and not c.breaks else cells
        value, interval = (max((_printed(cell[k]) for cell in cut), default=0) for k in (0, 1))
        value = min(value, _LONGEST) if c.breaks else value
        if c.kind != "text" and _narrow(table, i):
            value = max(value, sum(_digits([cell[0] for cell in cells])) + 1)
        title = max(map(len, _lines(c.title)))
        width += 2 + (max(title, value + interval + 2) if c.kind == "estimate" else max(title, value))
    return next(size for limit, size in _SIZES if width <= limit)


def escaped(text: str) -> str:
    """Text that TeX prints as it is: special characters escaped, what no usual font has shown by its code point."""
    out: list[str] = []
    before = ""
    for char in safe_text(text):
        if char == before and char in "-,":
            out.append("{}")  # no ligatures
        before = char
        if char in _SPECIAL:
            out.append(_SPECIAL[char])
        elif not _strange(char):
            out.append(char)
        else:
            out.append(rf"\textless{{}}U+{ord(char):04X}\textgreater{{}}")
    return "".join(out)


def _strange(char: str) -> bool:
    """Whether a usual font of TeX lacks a character."""
    return not (char.isascii() or char in _SPECIAL or char in "äöüÄÖÜßéèêëáàâãåçñóòôõøíìîïúùûÉÈÅÇÑØ")


def _cut(text: str) -> str:
    """A text that leaves room for the other columns: without its middle when it is very long."""
    room = _LONGEST
    if _printed(text) <= room:
        return text
    first, last = "", ""
    while _printed(first) + _printed(last) < room - 8:
        first, last = text[: len(first) + 1], text[len(text) - len(last) - 1 :] if len(last) < len(first) // 2 else last
    return f"{first}…{last}"


def _broken(text: str) -> str:
    """A text whose lines may end at its spaces, but not before a sign between two names, and within names too long for one."""
    words = (
        escaped(word) if _printed(word) <= _WORD else r"\penalty500 ".join(map(escaped, _PARTS.findall(word)))
        for word in text.split(" ")
    )
    return re.sub(r" (?=\\textgreater\{\} |= )", "~", " ".join(words))


def _specification(table: Table) -> str:
    parts = []
    for i, c in enumerate(table.columns):
        if c.kind == "text":
            several = c.breaks and any(_printed(pieces(c, row[i])[0]) > _LONGEST for row in table.rows)
            parts.append(rf">{{\raggedright\arraybackslash}}p{{{_EMS * _LONGEST:g}em}}" if several else "l")
            continue
        texts = [pieces(c, row[i])[0] for row in table.rows]
        parts.append(f"S[table-format={_shape(texts)}]" if _narrow(table, i) else "r")
        if c.kind == "estimate":
            parts.append("l")
    return "".join(parts)


def _narrow(table: Table, column: int) -> bool:
    """Whether the numbers of a column leave little empty space when they are aligned at the point."""
    c = table.columns[column]
    texts = [pieces(c, row[column])[0] for row in table.rows]
    mixed = len({"e" in t for t in texts if t}) > 1  # with and without an exponent
    return c.kind != "text" and sum(_digits(texts)) <= _ALIGNED and not mixed


def _digits(texts: list[str]) -> tuple[int, int]:
    """Most digits before and after the point."""
    found = [m for m in map(_NUMBER.fullmatch, texts) if m]
    return max((len(m[1]) for m in found), default=1), max((len(m[2] or "") for m in found), default=0)


def _printed(text: str) -> int:
    """Characters that a text takes in print: exponents are written out, and code points of what no font has."""
    return len(text) + 3 * len(_EXPONENT.findall(text)) + 6 * sum(map(_strange, text))


def _shape(texts: list[str]) -> str:
    """What siunitx must keep free: sign, digits before and after the point, digits of the exponent."""
    found = [m for m in map(_NUMBER.fullmatch, texts) if m]
    if not found:
        return "1.0"
    sign = "-" if any(t.startswith("-") for t in texts) else ""
    before = max(len(m[1]) for m in found)
    after = max(len(m[2] or "") for m in found)
    exponents = [m[3] for m in found if m[3]]
    shape = f"{sign}{before}.{after}"
    if exponents:
        shape += (
            "e"
            + ("-" if any(e.startswith("-") for e in exponents) else "")
            + str(max(len(e.strip("-")) for e in exponents))
        )
    return shape


def _lines(title: str) -> list[str]:
    """A title in two lines where it is long, as even as its words allow."""
    spaces = [i for i, char in enumerate(title) if char == " "]
    if len(title) <= _LONGEST_TITLE or not spaces:
        return [title]
    middle = min(spaces, key=lambda i: abs(2 * i - len(title)))
    return [title[:middle], title[middle + 1 :]]


def _heads(table: Table) -> str:
    heads = []
    for c in table.columns:
        lines = _lines(c.title)
        title = r" \\ ".join(map(escaped, lines))
        if len(lines) > 1:
            title = rf"\shortstack{{{title}}}"
        heads.append(
            title
            if c.kind == "text"
            else rf"\multicolumn{{2}}{{c}}{{{title}}}"
            if c.kind == "estimate"
            else f"{{{title}}}"
        )
    return " & ".join(heads) + r" \\"


def _aligned(text: str) -> str:
    """A number for a column of type S; anything else in braces."""
    return text if _NUMBER.fullmatch(text) else f"{{{escaped(text) or '--'}}}"


def _ranged(text: str) -> str:
    """A number in a column that ends at the right."""
    return rf"\num{{{text}}}" if _NUMBER.fullmatch(text) else escaped(text) or "--"


def _interval(text: str) -> str:
    found = _INTERVAL.fullmatch(text)
    return "--" if found is None else f"[{_end(found[1])}, {_end(found[2])}]"


def _end(text: str) -> str:
    if _NUMBER.fullmatch(text):
        return rf"\num{{{text}}}"
    return {"inf": r"\ensuremath{\infty}", "-inf": r"\ensuremath{-\infty}"}.get(text, escaped(text))
