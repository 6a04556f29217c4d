"""HopSkipJump: along the victim's boundary, with a gradient guessed from decisions.

Reference: Chen, Jordan, Wainwright, "HopSkipJumpAttack: a query-efficient decision-based attack",
2020, algorithms 1 and 2. We differ: probes are never shorter than float32 images can hold, and
the halving ends accordingly; every failure that was tried counts, not the last one only; a
jump that finds no failure within a probe's length stays where it was.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import torch

from adversity_plugins.attack.decisions._decision_queries import DecisionQueries
from adversity_plugins.attack.decisions._starting_points import find_starts, to_boundary

if TYPE_CHECKING:
    from adversity import SampleRng, Target
    from adversity_plugins.attack.decisions.hop_skip_jump import HopSkipJump

__all__ = ["hop_skip_jump", "normal_at", "probe_length"]

_GRAIN = 1e-6
"""The least change of a value by a probe, root mean square: sixteen spacings of float32 near 1.
The paper's are shorter from 10 000 values on at a distance of 1, from 1 000 on at 0.03."""


def hop_skip_jump(
    target: Target,
    images: torch.Tensor,
    labels: torch.Tensor,
    rng: SampleRng,
    how: HopSkipJump,
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
    queries = DecisionQueries(
        target, images, labels, norm=how.norm, queries=how.queries, eps=how.eps
    )
    find_starts(queries, rng.child("start"), tries=how.start_tries)
    walk = _Walk(queries, how.probes)
    index, step = queries.failed(), 0
    while len(index):
        step += 1
        index = walk.hop(index, rng.child(step), step=step)
    return queries.images()


def probe_length(distance: torch.Tensor, size: int) -> torch.Tensor:
    """Return how long a probe is, in l2: the distance over D, for both norms.

    Args:
        distance: `[N]` float64, in the attack's norm.
        size: D.
    """
    return (distance / size).clamp_min(_GRAIN * math.sqrt(size))


def normal_at(
    queries: DecisionQueries,
    points: torch.Tensor,
    index: torch.Tensor,
    rng: SampleRng,
    *,
    length: torch.Tensor,
    count: torch.Tensor,
) -> torch.Tensor:
    """Guess the boundary's normal from decisions around points on it.

    The mean of the probes, each with the sign of its decision less the mean sign: the paper's
    estimate with a baseline.

    Args:
        queries: What it queries through.
        points: `[M, D]` float32, on the boundary.
        index: `[M]` int64, which samples they belong to.
        rng: Row i for point i.
        length: `[M]` float64, of the probes in l2.
        count: `[M]` int64, how many probes each point gets.

    Returns:
        `[M, D]` float64, not normalised; it points to where the victim is wrong.
    """
    here = points.double()
    signed, plain, verdicts = (
        torch.zeros_like(here),
        torch.zeros_like(here),
        here.new_zeros(len(here)),
    )
    for probe in range(int(count.max())):
        draw = (
            rng.normal((queries.size,))
            if queries.norm == "l2"
            else 2 * rng.uniform((queries.size,)) - 1
        )
        way = draw.double()
        way *= (length / way.norm(dim=1))[:, None]
        tried = (here + way).float().clamp_(0, 1)
        rows = (probe < count).nonzero().flatten()
        wrong = queries.wrong(tried[rows], index[rows])
        sign = torch.where(wrong, 1.0, -1.0).double()
        moved = (tried[rows].double() - here[rows]) / length[rows, None]
        signed[rows] += sign[:, None] * moved
        plain[rows] += moved
        verdicts[rows] += sign
    mean = verdicts / count
    # Where all probes agree there is no baseline to take away, or nothing would be left.
    mean = torch.where(mean.abs() == 1, 0.0, mean)
    return (signed - mean[:, None] * plain) / count[:, None]


class _Walk:
    """Where each sample's walk along the boundary stands."""

    def __init__(self, queries: DecisionQueries, probes: int) -> None:
        self.queries, self.probes = queries, probes
        self.points = queries.nearest.clone()

    def hop(self, index: torch.Tensor, rng: SampleRng, *, step: int) -> torch.Tensor:
        """Go to the boundary, guess its normal and jump; return the rows that can go on.

        Args:
            index: `[M]` int64, the samples that walk.
            rng: Row i for sample i of all.
            step: From 1.
        """
        queries = self.queries
        distance = queries.sizes(self.points[index], index)
        # A probe moves 1 / sqrt(D) of its length along the normal, and halving need not be
        # finer; a radius in linf moves sqrt(D) times as much, at most.
        power = 0.5 if queries.norm == "l2" else 1.0
        until = probe_length(distance, queries.size) / (distance * queries.size**power)
        self.points[index] = to_boundary(queries, self.points[index], index, until=until)
        # What is learnt must be used: queries are kept for a jump and the halving after it.
        reserved = 2 + (-until.log2()).ceil().clamp_min(0).long()
        count = (queries.left[index] - reserved).clamp(0, int(self.probes * math.sqrt(step)))
        going = (count > 0) & torch.isin(index, queries.failed())
        index, count = index[going], count[going]
        if len(index):
            self._leap(index, count, rng.rows(index.tolist()), step=step)
        return index

    def _leap(self, index: torch.Tensor, count: torch.Tensor, rng: SampleRng, *, step: int) -> None:
        """Jump along the normal, half as far until that is a failure."""
        queries, here = self.queries, self.points[index]
        distance = queries.sizes(here, index)
        length = probe_length(distance, queries.size)
        normal = normal_at(queries, here, index, rng, length=length, count=count)
        if queries.norm == "linf":
            way = normal.sign()
        else:
            way = normal / normal.norm(dim=1, keepdim=True).clamp_min(1e-300)
        reach, least = distance / math.sqrt(step), length / math.sqrt(queries.size)
        rows = torch.arange(len(index))
        while len(rows):
            tried = (here[rows].double() + reach[rows, None] * way[rows]).float().clamp_(0, 1)
            wrong = queries.wrong(tried, index[rows])
            self.points[index[rows[wrong]]] = tried[wrong]
            reach /= 2
            open_ = ~wrong & (reach[rows] >= least[rows]) & queries.may_query(index[rows])
            rows = rows[open_]
