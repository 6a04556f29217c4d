"""The shortest vector that keeps many half-spaces and a box, in linf, l2 or l1.

Few of the half-spaces matter. Those that the vector found so far breaks are added, and the
small problem is solved again: in l2 as non-negative least squares, in linf and l1 as a linear
programme. Each problem is the whole one with walls left out, so its length is a lower bound.

Reference: Lawson and Hanson, "Solving least squares problems", 1974, chapter 23 (least
distance programming); Kelley, "The cutting-plane method for solving convex programs", 1960.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import sparse
from scipy.optimize import linprog, nnls

from adversity.errors import RunError
from adversity_plugins.attack.exact._linear import length

if TYPE_CHECKING:
    from adversity import Norm

__all__ = ["nearest_in"]

Array = np.ndarray[Any, Any]

_TOLERANCE = 2e-10
"""How far outside a wall, whose normal has length 1, counts as on it. The solver of linear
programmes promises 1e-10."""
_AT_ONCE = 8
"""Walls that are added in a round: the one that is broken most comes with a few others."""
_ROUNDS = 500


def nearest_in(
    normals: Array, levels: Array, *, low: Array, high: Array, norm: Norm, enough: float
) -> Array | None:
    """Return the shortest `delta` with `normals @ delta <= levels` and `low <= delta <= high`.

    Args:
        normals: `[A, D]` float64, each of length 1.
        levels: `[A]` float64.
        low: `[D]` float64, at most 0.
        high: `[D]` float64, at least 0.
        norm: In which it is short.
        enough: Return None as soon as it is known to be at least as long.

    Returns:
        `[D]` float64, or None where there is none or none shorter than `enough`.

    Raises:
        RunError: If the solver finds no end.

    Example:
        >>> import numpy as np
        >>> wall, room = np.array([[-0.6, -0.8]]), np.ones(2)
        >>> nearest_in(wall, np.array([-0.5]), low=-room, high=room, norm="l2", enough=9.0)
        array([0.3, 0.4])
    """
    solve = _least_squares if norm == "l2" else _programme
    delta = np.zeros_like(low)
    active = np.zeros(len(normals), dtype=bool)
    stopped = np.zeros(2 * len(low), dtype=bool)
    for _ in range(_ROUNDS):
        broken = normals @ delta - levels
        over = np.concatenate([low - delta, delta - high])
        if max(broken.max(initial=-1.0), over.max()) <= _TOLERANCE:
            return np.clip(delta, low, high)
        worst = np.argsort(-broken, kind="stable")[:_AT_ONCE]
        active[worst[broken[worst] > _TOLERANCE]] = True
        stopped |= over > _TOLERANCE
        solution = solve(normals[active], levels[active], low, high, stopped, norm)
        if solution is None or length(solution, norm) >= enough:
            return None
        delta = solution
    raise RunError(
        f"attack 'exact' found no end among {len(normals)} half-spaces after {_ROUNDS} rounds; "
        "report the data set and the norm to the project"
    )


def _least_squares(
    normals: Array, levels: Array, low: Array, high: Array, stopped: Array, norm: Norm
) -> Array | None:
    """Return the least-distance point, by non-negative least squares and its active walls."""
    size = len(low)
    walls = np.concatenate([np.eye(size), -np.eye(size)])[stopped]
    bounds = np.concatenate([low, -high])[stopped]
    rows, least = np.concatenate([-normals, walls]), np.concatenate([-levels, bounds])
    problem = np.concatenate([rows.T, least[None]])
    unit = np.zeros(size + 1)
    unit[size] = 1.0
    weights, _ = nnls(problem, unit)
    rest = problem @ weights - unit
    if rest[size] > -1e-12:
        return None
    # The walls that hold the point are known now: solved again, it is exact to rounding.
    active = weights > 0
    solution: Array = np.linalg.lstsq(rows[active], least[active], rcond=None)[0]
    return solution


def _programme(
    normals: Array, levels: Array, low: Array, high: Array, stopped: Array, norm: Norm
) -> Array | None:
    """Return a shortest vector in linf or l1, as the difference of two that are not negative."""
    size = len(low)
    rows = np.concatenate([normals, -normals], axis=1)
    bounds = [(0.0, room) for room in np.concatenate([high, -low])]
    price = np.ones(2 * size)
    walls: Any = rows
    if norm == "linf":
        # One more variable: the largest of all values, which alone has a price.
        price = np.concatenate([np.zeros(2 * size), [1.0]])
        bounds.append((0.0, None))
        each = sparse.hstack([sparse.eye(2 * size), -np.ones((2 * size, 1))])
        walls = sparse.vstack([np.concatenate([rows, np.zeros((len(rows), 1))], axis=1), each])
        levels = np.concatenate([levels, np.zeros(2 * size)])
    solution = linprog(
        price,
        A_ub=walls,
        b_ub=levels,
        bounds=bounds,
        method="highs",
        options={"primal_feasibility_tolerance": 1e-10, "dual_feasibility_tolerance": 1e-10},
    )
    if solution.status == 2:
        return None
    if solution.x is None:
        raise RunError(f"attack 'exact': the linear programme was not solved ({solution.message})")
    delta: Array = solution.x[:size] - solution.x[size : 2 * size]
    return delta
