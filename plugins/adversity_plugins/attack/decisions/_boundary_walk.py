"""The boundary attack: a random walk along the boundary, each step a little nearer.

Reference: Brendel, Rauber, Bethge, "Decision-based adversarial attacks: reliable attacks against
black-box machine learning models", 2018, algorithm 1 and section 2.3. We differ: the start is
brought to the boundary by halving; both steps are adapted after each answer, not after many;
each sample has its own steps and its own random numbers.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from adversity_plugins.attack.decisions._decision_queries import DecisionQueries
from adversity_plugins.attack.decisions._starting_points import find_starts, to_boundary

if TYPE_CHECKING:
    from adversity import SampleRng, Target
    from adversity_plugins.attack.decisions.boundary import Boundary

__all__ = ["boundary_walk", "on_the_sphere", "towards"]

_HALVING_ENDS = 1e-3
"""Share of the way to the image at which the first halving ends; the walk does the rest."""
_SIDEWAYS_WANTED, _NEARER_WANTED = 0.5, 0.25
"""Shares of sideways and of nearer steps that should stay failures. Half the steps sideways do
where the boundary is flat, as the paper says; a quarter is what it calls small."""
_RATE = 0.1
"""How far an answer moves the logarithm of a step."""
_LOOK_EVERY = 5
"""Every so many steps the one sideways is tried by itself."""
_LEAST, _MOST = 1e-7, 0.9
"""Bounds of both steps, as shares of the distance; below the first float32 moves no more."""


def boundary_walk(
    target: Target,
    images: torch.Tensor,
    labels: torch.Tensor,
    rng: SampleRng,
    how: Boundary,
) -> torch.Tensor:
    """Return, for each sample, the nearest failure found; the image itself where none was.

    Args:
        target: The victim; only its decisions are queried.
        images: `[N, C, H, W]` float32 in [0, 1].
        labels: `[N]` int64, the true classes.
        rng: Row i for image i.
        how: The attack with its parameters.

    Returns:
        `[N, C, H, W]` float32 in [0, 1].
    """
    queries = DecisionQueries(target, images, labels, norm="l2", queries=how.queries, eps=how.eps)
    find_starts(queries, rng.child("start"), tries=how.start_tries)
    index = queries.failed()
    until = torch.full((len(index),), _HALVING_ENDS, dtype=torch.float64)
    to_boundary(queries, queries.nearest[index], index, until=until)
    steps = _Steps(len(images), how.sideways, how.nearer)
    index, count = queries.failed(), 0
    streams = rng.child("walk").rows(index.tolist())
    while len(index):
        count += 1
        _walk(queries, index, steps, streams.normal((queries.size,)), look=count % _LOOK_EVERY == 0)
        still = torch.isin(index, queries.failed())
        if not bool(still.all()):
            streams = streams.rows(still.nonzero().flatten().tolist())
            index = index[still]
    return queries.images()


class _Steps:
    """Each sample's two steps, as shares of its distance; `[N]` float64."""

    def __init__(self, count: int, sideways: float, nearer: float) -> None:
        self.sideways = torch.full((count,), sideways, dtype=torch.float64)
        self.nearer = torch.full((count,), nearer, dtype=torch.float64)

    def after_nearer(self, index: torch.Tensor, wrong: torch.Tensor) -> None:
        """Lengthen the step towards the image where it stayed a failure, else shorten it."""
        change = (_RATE * (wrong.double() - _NEARER_WANTED)).exp()
        self.nearer[index] = (self.nearer[index] * change).clamp(_LEAST, _MOST)

    def after_sideways(self, index: torch.Tensor, wrong: torch.Tensor) -> None:
        """Do the same to both steps after a look sideways: the nearer one depends on it."""
        change = (_RATE * _LOOK_EVERY * (wrong.double() - _SIDEWAYS_WANTED)).exp()
        for step in (self.sideways, self.nearer):
            step[index] = (step[index] * change).clamp(_LEAST, _MOST)


def _walk(
    queries: DecisionQueries, index: torch.Tensor, steps: _Steps, noise: torch.Tensor, *, look: bool
) -> None:
    """Propose one point for each row; what is nearer and a failure is where it stands next.

    Args:
        queries: What it queries through; it remembers the nearest failure.
        index: `[M]` int64, the rows that walk.
        steps: Their steps, which are adapted.
        noise: `[M, D]`, normal numbers.
        look: Whether to query the step sideways by itself.
    """
    origin, here = queries.origin[index].double(), queries.nearest[index].double()
    beside = on_the_sphere(origin, here, noise.double(), steps.sideways[index])
    if look:
        able = queries.left[index] > 1
        wrong = queries.wrong(beside[able].float(), index[able])
        steps.after_sideways(index[able], wrong)
    proposal = towards(origin, here, beside, steps.nearer[index]).float().clamp_(0, 1)
    steps.after_nearer(index, queries.wrong(proposal, index))


def on_the_sphere(
    origin: torch.Tensor, here: torch.Tensor, noise: torch.Tensor, step: torch.Tensor
) -> torch.Tensor:
    """Step at right angles to the way to the image, and back onto the sphere around it.

    Args:
        origin: `[M, D]` float64, the images.
        here: `[M, D]` float64, where we stand.
        noise: `[M, D]` float64, whose part at right angles is the direction.
        step: `[M]` float64, the step's length as a share of the distance.

    Returns:
        `[M, D]` float64 in [0, 1]: as far from the images as `here`, but for what the box cut.
    """
    away = here - origin
    distance = away.norm(dim=1, keepdim=True)
    unit = away / distance
    across = noise - (noise * unit).sum(1, keepdim=True) * unit
    across = across / across.norm(dim=1, keepdim=True).clamp_min(1e-300)
    turned = (unit + step[:, None] * across) / (1 + step[:, None].square()).sqrt()
    beside: torch.Tensor = (origin + distance * turned).clamp(0, 1)
    return beside


def towards(
    origin: torch.Tensor, here: torch.Tensor, beside: torch.Tensor, step: torch.Tensor
) -> torch.Tensor:
    """Step from a point beside `here` towards the image, to (1 - step) of the old distance.

    Where the box cut the point beside, it may be nearer already and stays.

    Args:
        origin: `[M, D]` float64, the images.
        here: `[M, D]` float64, where we stand.
        beside: `[M, D]` float64, from `on_the_sphere`.
        step: `[M]` float64.
    """
    goal = (1 - step) * (here - origin).norm(dim=1)
    length = (beside - origin).norm(dim=1)
    share = (goal / length.clamp_min(1e-300)).clamp_max(1)
    nearer: torch.Tensor = origin + share[:, None] * (beside - origin)
    return nearer
