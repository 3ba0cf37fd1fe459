"""Global search for a start: quasi-random shape parameters, linear ones solved, many descents side by side."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .problem import Problem
from .scales import StartSampler

__all__ = ["Basin", "Search", "search"]

Array = NDArray[np.float64]
_SAME = 1e-6  # relative difference of two sums of squares that are the same minimum


@dataclass(frozen=True, slots=True, eq=False)
class Basin:
    """A minimum that the search reached, and how much the model varies between the rows there."""

    theta: Array
    rss: float
    roughness: float = 0.0


@dataclass(frozen=True, slots=True, eq=False)
class Search:
    """What the search found.

    Parameters
    ----------
    basins : tuple of Basin
        Distinct minima, best first.
    rounds_agreeing : int
        In how many independent rounds the best minimum was reached.
    rounds : int
        Rounds done.
    tried : int
        Starting values screened.
    """

    basins: tuple[Basin, ...]
    rounds_agreeing: int
    rounds: int
    tried: int


def search(
    problem: Problem,
    sampler: StartSampler,
    rng: np.random.Generator,
    *,
    candidates: int,
    descents: int,
    max_rounds: int,
    agreeing: int = 2,
    roughness: Callable[[Array], float] | None = None,
) -> Search:
    """Repeat independent rounds of screening and descent until the best minimum was found in several of them.

    Parameters
    ----------
    problem : Problem
    sampler : StartSampler
    rng : numpy.random.Generator
    candidates : int
        Starting values screened per round.
    descents : int
        Of which so many are followed downhill.
    max_rounds : int
        Rounds at most.
    agreeing : int
        Stop when that many rounds reached the best minimum.
    roughness : callable, optional
        How much the model of given parameters varies between the rows; decides between aliases.
    """
    reached: list[tuple[float, Array]] = []
    ends: list[float] = []
    rounds = tried = agree = 0
    floor = problem.floor
    hops = 6 if len(problem.shape_parameters) > 1 else 0
    while rounds < max_rounds and agree < agreeing:
        starts = sampler.draw(candidates, rng)
        tried += candidates
        own = _screen_and_descend(problem, starts, descents, rng)
        for _ in range(hops):
            if not own:
                break
            before = _distinct(own, floor, roughness)[0]
            starts = _redrawn(problem, before.theta, sampler.draw(candidates // 2, rng), rng)
            tried += len(starts)
            own += _screen_and_descend(problem, starts, descents // 2, rng)
            after = _distinct(own, floor, roughness)[0]
            lower = after.rss < before.rss * (1 - _SAME) - floor
            if not lower and after.roughness >= 0.99 * before.roughness:
                break
        reached += own
        ends += [min(value for value, _ in own)] if own else []
        rounds += 1
        agree = sum(value <= min(ends) * (1 + _SAME) + floor for value in ends)
    return Search(_distinct(reached, floor, roughness), agree, rounds, tried)


def _screen_and_descend(
    problem: Problem, starts: Array, descents: int, rng: np.random.Generator
) -> list[tuple[float, Array]]:
    """Follow the best starts downhill, and as many drawn from the better quarter."""
    thetas, rss = problem.solve_linear(starts)
    order = np.argsort(rss, kind="stable")
    order = order[np.isfinite(rss[order])]
    if not len(order):
        return []
    best = order[: descents // 2]
    rest = order[descents // 2 : max(len(order) // 4, descents)]
    others = rng.choice(rest, min(descents - len(best), len(rest)), replace=False) if len(rest) else rest
    ends, values = descend(problem, thetas[np.concatenate([best, others])])
    return [(float(v), t) for t, v in zip(ends, values, strict=True) if np.isfinite(v)]


def _redrawn(problem: Problem, theta: Array, draws: Array, rng: np.random.Generator) -> Array:
    """The parameters with one to half of the shape parameters replaced by fresh draws."""
    shape = np.array(problem.shape_parameters)
    size = rng.integers(1, max(len(shape) // 2, 1) + 1, len(draws))
    rank = np.argsort(np.argsort(rng.random((len(draws), len(shape))), axis=1), axis=1)
    out = np.tile(theta, (len(draws), 1))
    out[:, shape] = np.where(rank < size[:, np.newaxis], draws[:, shape], out[:, shape])
    return out


def _distinct(
    reached: list[tuple[float, Array]], floor: float, roughness: Callable[[Array], float] | None
) -> tuple[Basin, ...]:
    """One basin per sum of squares: of aliases that fit the rows equally well, the smoothest between the rows."""
    groups: list[list[tuple[float, Array]]] = []
    for value, theta in sorted(reached, key=lambda item: item[0]):
        if not groups or value > groups[-1][0][0] * (1 + _SAME) + floor:
            groups.append([])
        groups[-1].append((value, theta))
    basins = []
    for group in groups:
        sizes = np.array([roughness(theta) for _, theta in group] if roughness is not None else [0.0] * len(group))
        first = int(np.flatnonzero(sizes <= np.min(sizes) * (1 + 1e-3))[0])
        basins.append(Basin(group[first][1], group[0][0], float(sizes[first])))
    return tuple(basins)


def descend(problem: Problem, thetas: Array, iterations: int = 80) -> tuple[Array, Array]:
    """Levenberg-Marquardt on the shape parameters of many starts at once, linear ones projected out (Kaufman).

    Parameters
    ----------
    problem : Problem
    thetas : ndarray, shape (b, p)
    iterations : int
        Trial steps per start at most.

    Returns
    -------
    thetas : ndarray, shape (b, p)
    rss : ndarray, shape (b,)

    References
    ----------
    Kaufman (1975), A variable projection method for solving separable nonlinear least squares problems. BIT 15, 49-57.
    """
    shape = list(problem.shape_parameters)
    linear = list(problem.linear)
    thetas, rss = problem.solve_linear(thetas.copy())
    if not shape:
        return thetas, rss
    count, q = len(thetas), len(shape)
    damping = np.full(count, 1e-2)
    grow = np.full(count, 2.0)
    scale = np.zeros((count, q))
    gram = np.zeros((count, q, q))
    right = np.zeros((count, q))
    active = np.isfinite(rss)
    fresh = active.copy()
    low, high = problem.low[shape], problem.high[shape]
    for _ in range(iterations):
        if not active.any():
            break
        todo = np.flatnonzero(active & fresh)
        if len(todo):
            residuals, jacobian = problem.residuals_and_jacobian(thetas[todo])
            reduced = jacobian[:, :, shape]
            good = np.all(np.isfinite(jacobian), axis=(1, 2)) & np.all(np.isfinite(residuals), axis=1)
            active[todo[~good]] = False
            todo, residuals, jacobian, reduced = todo[good], residuals[good], jacobian[good], reduced[good]
            with np.errstate(all="ignore"):
                if linear and len(todo):
                    basis = jacobian[:, :, linear]
                    norms = np.linalg.norm(basis, axis=1, keepdims=True)
                    basis = basis / np.where(norms > 0, norms, 1.0)
                    orthogonal = np.linalg.qr(np.where(np.isfinite(basis), basis, 0.0))[0]
                    reduced = reduced - orthogonal @ (np.swapaxes(orthogonal, 1, 2) @ reduced)
                columns = np.linalg.norm(reduced, axis=1)
                good = np.all(np.isfinite(columns), axis=1)
            active[todo[~good]] = False
            todo, residuals, reduced, columns = todo[good], residuals[good], reduced[good], columns[good]
            at_low = (thetas[np.ix_(todo, shape)] <= low) & (np.einsum("bnq,bn->bq", reduced, residuals) < 0)
            at_high = (thetas[np.ix_(todo, shape)] >= high) & (np.einsum("bnq,bn->bq", reduced, residuals) > 0)
            reduced = np.where((at_low | at_high)[:, np.newaxis, :], 0.0, reduced)
            scale[todo] = np.maximum(scale[todo], columns)
            unit = np.where(scale[todo] > 0, scale[todo], 1.0)
            reduced = reduced / unit[:, np.newaxis, :]
            gram[todo] = np.swapaxes(reduced, 1, 2) @ reduced
            right[todo] = np.einsum("bnq,bn->bq", reduced, residuals)
            fresh[todo] = False
        now = np.flatnonzero(active)
        if not len(now):
            break
        unit = np.where(scale[now] > 0, scale[now], 1.0)
        matrix = gram[now] + (damping[now, np.newaxis, np.newaxis] + 1e-14) * np.eye(q)
        step = np.linalg.solve(matrix, right[now][..., np.newaxis])[..., 0]
        with np.errstate(all="ignore"):
            predicted = np.sum(step * (damping[now, np.newaxis] * step + right[now]), axis=1)
            trial = thetas[now]
            trial[:, shape] = np.clip(trial[:, shape] + step / unit, low, high)
            trial = np.where(np.all(np.isfinite(trial), axis=1, keepdims=True), trial, thetas[now])
        trial, value = problem.solve_linear(trial)
        better = value < rss[now]
        with np.errstate(all="ignore"):
            gain = np.where(better, (rss[now] - value) / np.maximum(predicted, 1e-300), -1.0)
            small = (rss[now] - value <= 1e-13 * rss[now]) & better
        accepted, refused = now[better], now[~better]
        thetas[accepted], rss[accepted] = trial[better], value[better]
        fresh[accepted] = True
        damping[accepted] *= np.maximum(1.0 / 3.0, 1.0 - (2.0 * np.clip(gain[better], 0.0, 1.0) - 1.0) ** 3)
        grow[accepted] = 2.0
        damping[refused] *= grow[refused]
        grow[refused] *= 2.0
        active[now[small]] = False
        active[refused[(damping[refused] > 1e12)]] = False
    return thetas, rss
