"""From a victim's structure to images on which it really answers otherwise.

A solver works in float64 and proposes points, nearest first and then ever further over the
boundary; here they are shown to the victim, and the first that it falls for is taken.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
import torch

from adversity.contracts.structure import Linear, Prototypes, Trees
from adversity.contracts.values import Perturbed
from adversity.errors import InputError

if TYPE_CHECKING:
    from adversity import Norm, Target
    from adversity_plugins.attack.exact._solution import Solution

__all__ = ["Solver", "failures", "opened"]

Array = np.ndarray[Any, Any]


class Solver(Protocol):
    """One kind of structure, in one norm."""

    def verdict(self, point: Array) -> int:
        """Return the class of `[D]` float32."""
        ...

    def allows(self, point: Array, answer: int) -> bool:
        """Return whether a victim may say `answer`, but for rounding, of `[D]` float32."""
        ...

    def search(self, image: Array, own: int) -> Solution:
        """Look for the nearest failure of `[D]` float64, whose class is `own`."""
        ...


def opened(
    target: Target, images: torch.Tensor, *, norm: Norm, limit: float, max_nodes: int
) -> Solver:
    """Return the solver for a victim.

    Args:
        target: The victim.
        images: `[N, C, H, W]`, of which only the size matters.
        norm: In which failures are near.
        limit: How far they may be.
        max_nodes: Boxes of leaves that may be looked at.

    Raises:
        InputError: If its structure is not known, or nothing exact is known about it.
    """
    structure = target.structure()
    if structure is None:
        raise InputError(
            "attack 'exact' needs a victim that is laid open: one linear classifier, tree, forest, "
            "boosting or nearest neighbour, without a restoration or calibration around it; got "
            "one without a structure. Use `auto_attack` or `fmn` for networks and what has a "
            "gradient, `hop_skip_jump` for what has none"
        )
    size, features = images[0].numel(), _features(structure)
    if not features[0] <= size <= features[1]:
        raise InputError(
            f"attack 'exact' needs images of the size that the victim was fitted on, "
            f"{features[0]} values, got {size} ({' x '.join(map(str, images.shape[1:]))}): it "
            "resizes others, which its structure does not show. Give the data set `prepare:` that "
            "makes them as large, or use `hop_skip_jump`"
        )
    if isinstance(structure, Linear):
        from adversity_plugins.attack.exact._linear import LinearSolver

        return LinearSolver(structure, norm=norm, limit=limit)
    if isinstance(structure, Trees):
        from adversity_plugins.attack.exact._trees import TreesSolver

        return TreesSolver(structure, norm=norm, limit=limit, max_nodes=max_nodes)
    if structure.neighbours != 1:
        raise InputError(
            "attack 'exact' knows the nearest failure of one nearest neighbour, got a victim in "
            f"which {structure.neighbours} vote: use 'hop_skip_jump'"
        )
    from adversity_plugins.attack.exact._prototypes import PrototypesSolver

    return PrototypesSolver(structure, norm=norm, limit=limit)


def _features(structure: Linear | Trees | Prototypes) -> tuple[int, float]:
    """Return how many values an image may have: trees know only what they look at."""
    if isinstance(structure, Linear):
        return structure.weights.shape[1], structure.weights.shape[1]
    if isinstance(structure, Prototypes):
        return structure.points.shape[1], structure.points.shape[1]
    return 1 + max(int(tree.feature.max()) for tree in structure.trees), np.inf


def failures(
    target: Target, images: torch.Tensor, labels: torch.Tensor, solver: Solver
) -> Perturbed:
    """Return, for each image, the first proposed point on which the victim answers otherwise.

    Args:
        target: The victim.
        images: `[N, C, H, W]` float32 in [0, 1].
        labels: `[N]` int64; a sample that the victim has wrong is left as it is.
        solver: For the victim's structure.

    Returns:
        The images (those without a failure as they were), `proved` and `lower_bound`,
        `[N]` float64.

    Raises:
        InputError: If the victim does not answer as its structure says.
    """
    flat = images.flatten(1).numpy()
    done = torch.from_numpy(flat.copy())
    start = target.decisions(images)
    _agree(flat, start.tolist(), solver)
    own = labels.tolist()
    active = (start == labels).nonzero().flatten().tolist()
    searches = {row: solver.search(flat[row].astype(np.float64), own[row]) for row in active}
    waiting, proposed, lost = active, set[int](), set[int]()
    while waiting:
        tried = [(row, next(searches[row].points, None)) for row in waiting]
        points = {row: torch.from_numpy(point) for row, point in tried if point is not None}
        waiting = []
        if points:
            rows = torch.tensor(list(points))
            shown = torch.stack(list(points.values()))
            answers = target.rows(rows).decisions(shown.view(-1, *images.shape[1:]))
            fooled = answers != labels[rows]
            done[rows[fooled]] = shown[fooled]
            waiting = rows[~fooled].tolist()
        # What was proposed to the last and taken by none leaves the question open.
        lost |= {row for row, point in tried if point is None and row in proposed}
        proposed |= set(points)
    bound, proved = torch.zeros(len(flat)).double(), torch.ones(len(flat)).double()
    for row, one in searches.items():
        bound[row], proved[row] = one.lower_bound, float(one.proved and row not in lost)
    return Perturbed(done.view_as(images), {"proved": proved, "lower_bound": bound})


def _agree(flat: Array, answers: list[int], solver: Solver) -> None:
    """Refuse a structure that is not the victim's: what is exact of it would say nothing."""
    apart = sum(not solver.allows(row, answer) for row, answer in zip(flat, answers, strict=True))
    if apart:
        raise InputError(
            f"attack 'exact' needs a victim that answers as its structure says, they differ for "
            f"{apart} of {len(flat)} images: expected images of the shape that the classifier "
            "was fitted on; else its `structure()` is wrong, which its author can fix"
        )
