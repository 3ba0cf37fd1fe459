"""The contract of a law: linear coefficients times basis functions that a few shape parameters bend."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from math import inf, isfinite
from typing import Literal, final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..curves.errors import UsageError

__all__ = ["Array", "Model", "Parameter", "Params", "Shape", "Sum", "combine", "has_level", "log_spaced"]

Array = NDArray[np.float64]
Domain = Literal["all", "nonnegative", "positive"]
Params = Mapping[str, float] | Sequence[float] | Array


@dataclass(frozen=True, slots=True)
class Parameter:
    """One parameter of a law.

    Parameters
    ----------
    name : str
        Name, as in the equation.
    unit : str
        ``"y"``, ``"x"``, ``""`` (a pure number) or a product such as ``"y x^alpha"``.
    meaning : str
        What it says about a training run.
    low, high : float
        Limits it cannot leave by its nature; infinite where there are none.
    """

    name: str
    unit: str
    meaning: str
    low: float = -inf
    high: float = inf


@dataclass(frozen=True, slots=True)
class Shape(Parameter):
    """A parameter that bends the law, with the values at which a fit starts to look for it.

    Search limits and grid are scale-free: a parameter with unit ``"x"`` is counted in units of the last x.

    Parameters
    ----------
    search : (float, float)
        Limits of the search, inside the natural ones. A fit that ends there says so.
    grid : tuple of float
        Starting values.
    offset : float
        The search runs in ``log(value + offset)``; positive where the value 0 is allowed.
    diverges : (bool, bool)
        Whether the asymptote runs away without end as the parameter nears its lower or upper limit. If the data accept
        such a limit, the asymptote's interval is open.
    """

    search: tuple[float, float] = (1e-3, 1e3)
    grid: tuple[float, ...] = (1.0,)
    offset: float = 0.0
    diverges: tuple[bool, bool] = (True, True)


class Model(ABC):
    r"""A law :math:`f(x) = \sum_k c_k\, \phi_k(x; \theta)`, linear in c given the shape parameters theta.

    A subclass states its parameters and defines its basis and the derivatives of the basis; everything else follows.
    Parameters come in one order everywhere: linear ones first, then shape.

    Attributes
    ----------
    linear : tuple of Parameter
        Coefficients c. Where the law has a level it is the first, and its basis function is 1.
    shape : tuple of Shape
        Parameters theta; may be empty.
    limit : tuple of float or None
        Values of the basis functions as x grows without end; None where one of them diverges.
    domain : {"all", "nonnegative", "positive"}
        The x at which the law is defined.
    """

    linear: tuple[Parameter, ...]
    shape: tuple[Shape, ...] = ()
    limit: tuple[float, ...] | None
    domain: Domain = "all"

    @property
    def name(self) -> str:
        """Name in the registry: that of the file."""
        return type(self).__module__.rsplit(".", 1)[-1]

    @abstractmethod
    def basis(self, x: Array, *shape: ArrayLike) -> tuple[Array, ...]:
        """Basis functions at x, one array per linear parameter; x and shape broadcast."""

    @abstractmethod
    def slopes(self, x: Array, *shape: ArrayLike) -> tuple[tuple[Array | None, ...], ...]:
        """Derivative of each basis function (inner) by each shape parameter (outer); None where it is 0 throughout."""

    @abstractmethod
    def example(self) -> dict[str, float]:
        """Typical parameters for x between 1 and 100, from which a fit finds its way back."""

    def rescaling(self, x_scale: float, *shape: ArrayLike) -> Array | None:
        """Matrix that turns linear parameters for ``x / x_scale`` into those for x, or None for the identity.

        Parameters
        ----------
        x_scale : float
            Positive.
        *shape : array-like
            Shape parameters for ``x / x_scale``; shape (...,) gives a result of shape (..., L, L).
        """
        return None

    @cached_property
    def parameters(self) -> tuple[Parameter, ...]:
        """All parameters, linear ones first."""
        return (*self.linear, *self.shape)

    @cached_property
    def axes(self) -> tuple[Array, Array, Array]:
        """Lower and upper search limits and offsets of the shape parameters, shape (S,) each."""
        low = np.array([s.search[0] for s in self.shape])
        return low, np.array([s.search[1] for s in self.shape]), np.array([s.offset for s in self.shape])

    @cached_property
    def names(self) -> tuple[str, ...]:
        """Names of all parameters, linear ones first."""
        return tuple(p.name for p in self.parameters)

    def vector(self, params: Params) -> Array:
        """Parameters as an array in the model's order, from a mapping or a sequence."""
        if isinstance(params, Mapping):
            if set(params) != set(self.names):
                raise UsageError(
                    f"{self.name} has parameters {', '.join(self.names)}; got {', '.join(map(str, params)) or 'none'}",
                    code="CF-USE-005",
                )
            return np.array([float(params[n]) for n in self.names])
        values = np.asarray(params, dtype=np.float64).reshape(-1)
        if values.size != len(self.parameters):
            raise UsageError(
                f"{self.name} has {len(self.parameters)} parameters ({', '.join(self.names)}); got {values.size}",
                code="CF-USE-005",
            )
        return values

    def split(self, params: Params) -> tuple[Array, Array]:
        """Linear and shape parameters."""
        values = self.vector(params)
        return values[: len(self.linear)], values[len(self.linear) :]

    def predict(self, x: ArrayLike, params: Params) -> Array:
        """Value of the law.

        Parameters
        ----------
        x : array-like, shape (n,)
            Where.
        params : mapping of str to float, or sequence
            All parameters, in the unit of x and y.

        Returns
        -------
        ndarray, shape (n,)
        """
        where = np.asarray(x, dtype=np.float64)
        c, theta = self.split(params)
        out = np.zeros(where.shape)
        for value, column in zip(c, self.basis(where, *theta), strict=True):
            if value != 0:
                out = out + value * column
        return out

    def jacobian(self, x: ArrayLike, params: Params) -> Array:
        """Derivatives of the law by its parameters, in closed form.

        Parameters
        ----------
        x : array-like, shape (n,)
            Where.
        params : mapping of str to float, or sequence
            All parameters.

        Returns
        -------
        ndarray, shape (n, p)
            One column per parameter, linear ones first.
        """
        where = np.asarray(x, dtype=np.float64)
        c, theta = self.split(params)
        out = np.empty((*where.shape, len(self.parameters)))
        for k, column in enumerate(self.basis(where, *theta)):
            out[..., k] = column
        for j, inner in enumerate(self.slopes(where, *theta)):
            out[..., len(c) + j] = combine(c, inner, where.shape)
        return out

    def asymptote(self, params: Params) -> float | None:
        """Value approached as x grows without end; None where the law has none."""
        if self.limit is None:
            return None
        return float(sum(v * c for v, c in zip(self.limit, self.split(params)[0], strict=True) if v != 0))

    def rescaled(self, params: Params, x_scale: float) -> Array:
        """Parameters for x, given those for ``x / x_scale``."""
        c, theta = self.split(params)
        matrix = self.rescaling(x_scale, *theta)
        units = np.array([x_scale if s.unit == "x" else 1.0 for s in self.shape])
        return np.concatenate([c if matrix is None else matrix @ c, theta * units])

    def __add__(self, other: Model) -> Sum:
        return Sum(self, other)

    def __repr__(self) -> str:
        return f"{type(self).__name__}()"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Model) and repr(self) == repr(other)

    def __hash__(self) -> int:
        return hash(repr(self))


def combine(c: Array, inner: Sequence[Array | None], shape: tuple[int, ...]) -> Array:
    """Sum of coefficients times columns, skipping the columns that are 0 throughout."""
    out: Array | None = None
    for value, column in zip(c, inner, strict=True):
        if column is not None:
            out = value * column if out is None else out + value * column
    if out is None:
        return np.zeros(shape)
    return out if out.shape == shape else np.broadcast_to(out, shape)


@final
class Sum(Model):
    r"""Two laws added, :math:`f = f_1 + f_2`, with one common level.

    Parameters
    ----------
    left, right : Model
        The parts. Where both have a level, the second is dropped, since only the sum of two levels has a meaning.
        A parameter of the second part whose name is taken gets the suffix ``_2`` (``_3``, ...).
    """

    def __init__(self, left: Model, right: Model) -> None:
        self.left, self.right = left, right
        self._drop = bool(has_level(left) and has_level(right))
        taken = set(left.names)
        keep = right.linear[1:] if self._drop else right.linear
        linear, shape = [], []
        for p in keep:
            linear.append(replace(p, name=_free(p.name, taken)))
        for s in right.shape:
            shape.append(replace(s, name=_free(s.name, taken)))
        self.linear = (*left.linear, *linear)
        self.shape = (*left.shape, *shape)
        drop = 1 if self._drop else 0
        both = left.limit is not None and right.limit is not None
        self.limit = (*(left.limit or ()), *(right.limit or ())[drop:]) if both else None
        order: tuple[Domain, ...] = ("all", "nonnegative", "positive")
        self.domain = max(left.domain, right.domain, key=order.index)

    @property
    def name(self) -> str:
        """Names of the parts joined by ``+``."""
        return f"{self.left.name}+{self.right.name}"

    def _parts(self, shape: Sequence[ArrayLike]) -> tuple[Sequence[ArrayLike], Sequence[ArrayLike]]:
        k = len(self.left.shape)
        return shape[:k], shape[k:]

    def basis(self, x: Array, *shape: ArrayLike) -> tuple[Array, ...]:
        """Basis functions of both parts."""
        a, b = self._parts(shape)
        return (*self.left.basis(x, *a), *self.right.basis(x, *b)[1 if self._drop else 0 :])

    def slopes(self, x: Array, *shape: ArrayLike) -> tuple[tuple[Array | None, ...], ...]:
        """Derivatives of both parts; those across parts are 0."""
        a, b = self._parts(shape)
        drop = 1 if self._drop else 0
        none_left = (None,) * len(self.left.linear)
        none_right = (None,) * (len(self.right.linear) - drop)
        return (
            *((*inner, *none_right) for inner in self.left.slopes(x, *a)),
            *((*none_left, *inner[drop:]) for inner in self.right.slopes(x, *b)),
        )

    def rescaling(self, x_scale: float, *shape: ArrayLike) -> Array | None:
        """Both parts rescaled; what the second adds to its dropped level goes to the common one."""
        a, b = self._parts(shape)
        one, two = self.left.rescaling(x_scale, *a), self.right.rescaling(x_scale, *b)
        if one is None and two is None:
            return None
        batch = np.broadcast_shapes(*(np.shape(s) for s in shape), ())
        size, k = len(self.linear), len(self.left.linear)
        out = np.broadcast_to(np.eye(size), (*batch, size, size)).copy()
        if one is not None:
            out[..., :k, :k] = one
        if two is not None and not self._drop:
            out[..., k:, k:] = two
        elif two is not None:
            out[..., k:, k:] = two[..., 1:, 1:]
            out[..., 0, k:] += two[..., 0, 1:]
        return out

    def example(self) -> dict[str, float]:
        """Examples of both parts side by side."""
        a, b = self.left.example(), self.right.example()
        values = [a[n] for n in self.left.names]
        k = len(self.left.linear)
        linear, shape = values[:k], values[k:]
        other = [b[n] for n in self.right.names]
        m = len(self.right.linear)
        linear += other[1 if self._drop else 0 : m]
        return dict(zip(self.names, [*linear, *shape, *other[m:]], strict=True))

    def __repr__(self) -> str:
        return f"({self.left!r} + {self.right!r})"


def has_level(model: Model) -> bool:
    """Whether the first basis function is 1 throughout."""
    theta = [s.grid[len(s.grid) // 2] for s in model.shape]
    column = np.asarray(model.basis(np.array([0.25, 0.5, 1.0]), *theta)[0])
    return bool(np.all(column == 1.0))


def _free(name: str, taken: set[str]) -> str:
    found, k = name, 2
    while found in taken:
        found, k = f"{name}_{k}", k + 1
    taken.add(found)
    return found


def log_spaced(low: float, high: float, count: int) -> tuple[float, ...]:
    """Grid values at equal ratios."""
    if not (isfinite(low) and 0 < low < high):
        raise UsageError(f"no log-spaced grid from {low} to {high}")
    return tuple(float(v) for v in np.geomspace(low, high, count))
