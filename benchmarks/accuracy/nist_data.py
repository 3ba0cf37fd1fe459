"""The NIST StRD nonlinear data sets, read from their published files."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

FOLDER = Path(__file__).resolve().parents[2] / "tests" / "reference" / "nist"


@dataclass(frozen=True)
class Reference:
    """One data set with its certified results."""

    name: str
    level: str
    model: str
    data: dict[str, np.ndarray]
    starts: tuple[dict[str, float], dict[str, float]]
    certified: dict[str, float]
    certified_sd: dict[str, float]
    rss: float
    rsd: float

    @property
    def n(self) -> int:
        return len(self.data["y"])

    @property
    def p(self) -> int:
        return len(self.certified)


def digests() -> dict[str, str]:
    """File name to published digest."""
    lines = (FOLDER / "SHA256SUMS").read_text(encoding="ascii").splitlines()
    return {name: digest for digest, name in (line.split() for line in lines)}


def digest(name: str) -> str:
    """SHA-256 of a data set's file."""
    return hashlib.sha256((FOLDER / f"{name}.dat").read_bytes()).hexdigest()


def names() -> list[str]:
    """All data sets, easiest first."""
    order = {"Lower": 0, "Average": 1, "Higher": 2}
    found = [load(path.stem) for path in sorted(FOLDER.glob("*.dat"))]
    return [r.name for r in sorted(found, key=lambda r: (order[r.level], r.name))]


def load(name: str) -> Reference:
    """Read one published file; nothing in it is typed in by hand here."""
    lines = (FOLDER / f"{name}.dat").read_text(encoding="ascii").splitlines()
    text = "\n".join(lines)
    number = r"([-+]?\d*\.?\d+(?:E[-+]?\d+)?)"
    rows = re.findall(rf"^\s*(b\d) =\s+{number}\s+{number}\s+{number}\s+{number}\s*$", text, re.MULTILINE)
    first, last = map(int, re.search(r"Data\s+\(lines (\d+) to (\d+)\)", text).groups())
    table = np.array([[float(v) for v in line.split()] for line in lines[first - 1 : last]])
    header = next(line for line in lines[first - 2 :: -1] if line.startswith("Data:"))
    columns = header.removeprefix("Data:").split()
    return Reference(
        name=name,
        level=re.search(r"(Lower|Average|Higher) Level of Difficulty", text).group(1),
        model=_model(text),
        data={c: table[:, j] for j, c in enumerate(columns)},
        starts=tuple({row[0]: float(row[k]) for row in rows} for k in (1, 2)),
        certified={row[0]: float(row[3]) for row in rows},
        certified_sd={row[0]: float(row[4]) for row in rows},
        rss=float(re.search(rf"Residual Sum of Squares:\s+{number}", text).group(1)),
        rsd=float(re.search(rf"Residual Standard Deviation:\s+{number}", text).group(1)),
    )


def _model(text: str) -> str:
    """The printed model as a formula: brackets are parentheses, and the error term goes."""
    block = text.split("Model:")[1].split("Starting", maxsplit=1)[0]
    equation = " ".join(block[re.search(r"(?:log\[y\]|\by) *=", block).start() :].split())
    equation = re.sub(r"\s*\+ e$", "", equation)
    return equation.replace("[", "(").replace("]", ")")


def equivalents(name: str, values: dict[str, float]) -> Iterator[tuple[dict[str, float], dict[str, str]]]:
    """The same curve in other parameters: terms swapped, or signs that cancel; with the origin of each parameter."""
    same = {b: b for b in values}
    found = [(dict(values), same)]
    for move in _SYMMETRIES.get(name.rstrip("123"), ()):
        found += [move(v, o) for v, o in list(found)]
    if name.startswith("Lanczos"):  # three terms need a second pass of swaps
        for move in _SYMMETRIES["Lanczos"]:
            found += [move(v, o) for v, o in list(found)]
    yield from found


_Origin = dict[str, str]
_Move = Callable[[dict[str, float], _Origin], tuple[dict[str, float], _Origin]]


def _swap(left: str, right: str) -> _Move:
    partner = {
        **dict(zip(left.split(), right.split(), strict=True)),
        **dict(zip(right.split(), left.split(), strict=True)),
    }

    def move(values: dict[str, float], origin: _Origin) -> tuple[dict[str, float], _Origin]:
        return {b: values[partner.get(b, b)] for b in values}, {b: origin[partner.get(b, b)] for b in origin}

    return move


def _negate(signs: str) -> _Move:
    def move(values: dict[str, float], origin: _Origin) -> tuple[dict[str, float], _Origin]:
        return {b: -v if b in signs.split() else v for b, v in values.items()}, origin

    return move


_SYMMETRIES: dict[str, tuple[_Move, ...]] = {
    "Gauss": (_swap("b3 b4 b5", "b6 b7 b8"), _negate("b5"), _negate("b8")),
    "Lanczos": (_swap("b1 b2", "b3 b4"), _swap("b3 b4", "b5 b6"), _swap("b1 b2", "b5 b6")),
    "MGH17": (_swap("b2 b4", "b3 b5"),),
    "ENSO": (_swap("b4 b5 b6", "b7 b8 b9"), _negate("b4 b6"), _negate("b7 b9")),
    "Eckerle4": (_negate("b1 b2"),),
}


def log_relative_error(value: float, certified: float) -> float:
    """Correct significant digits: 0 for a wrong sign, a wrong magnitude or no number, at most 15."""
    if not np.isfinite(value) or (
        certified != 0 and (value * certified <= 0 or abs(value - certified) >= abs(certified))
    ):
        return 0.0
    if value == certified:
        return 15.0
    error = abs(value - certified) / (abs(certified) if certified != 0 else 1.0)
    return min(15.0, max(0.0, -np.log10(error)))
