"""Where decision-based attacks start: a random image that the victim has wrong.

Reference: Brendel, Rauber, Bethge, "Decision-based adversarial attacks: reliable attacks against
black-box machine learning models", 2018, section 2.1: uniform noise is drawn until the victim is
wrong. We differ: noise of coarser cells is tried as well, and noise of zeros and ones. Many
victims give all fine noise one class, and a sample of just that class would find no start; and
values at the bounds of the box lead further away than values between them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from adversity import SampleRng
    from adversity_plugins.attack.decisions._decision_queries import DecisionQueries

__all__ = ["find_starts", "grain", "noises", "to_boundary"]

_CELLS = 2
"""After the first round, noise has at least so many cells along the longer side."""


def find_starts(queries: DecisionQueries, rng: SampleRng, *, tries: int) -> None:
    """Try random images until each sample has a failure; each costs a query.

    Args:
        queries: Of which no sample has a failure yet.
        rng: Row i for sample i.
        tries: At most so many images for a sample.
    """
    kinds = noises(queries.shape)
    # Of few cells there are few images, and zeros and ones lead furthest.
    later = [kind for kind in kinds[1::2] if kind[0] >= _CELLS] or kinds[1:2]
    for attempt in range(tries):
        index = ((queries.distance == torch.inf) & (queries.left > 0)).nonzero().flatten()
        if not len(index):
            return
        streams = rng.child(attempt).rows(index.tolist())
        cells, extreme = kinds[attempt] if attempt < len(kinds) else later[attempt % len(later)]
        images = grain(streams, queries.shape, cells)
        queries.wrong((images.round() if extreme else images).flatten(1), index)


def noises(shape: torch.Size) -> list[tuple[int, bool]]:
    """Return the kinds of noise in the order of a first round.

    Returns:
        For each how many cells a side has (single pixels, then 1, 2, 4, ...) and whether its
        values are zeros and ones.

    Example:
        >>> noises(torch.Size([3, 3, 4]))
        [(4, False), (4, True), (1, False), (1, True), (2, False), (2, True)]
    """
    side = max(shape[-2:])
    cells = [side, *(2**power for power in range((side - 1).bit_length()))]
    return [(number, extreme) for number in cells for extreme in (False, True)]


def grain(rng: SampleRng, shape: torch.Size, cells: int) -> torch.Tensor:
    """Return `[N, C, H, W]` uniform noise of cells, `cells` of them along the longer side."""
    channels, height, width = shape
    side = max(height, width)
    rows, columns = (torch.arange(n) * cells // side for n in (height, width))
    noise = rng.uniform((channels, int(rows[-1]) + 1, int(columns[-1]) + 1))
    return noise[:, :, rows][:, :, :, columns].contiguous()


def to_boundary(
    queries: DecisionQueries, points: torch.Tensor, index: torch.Tensor, *, until: torch.Tensor
) -> torch.Tensor:
    """Walk from failures towards the images by halving, and return failures near the boundary.

    In l2 on the line to the image; in linf by cutting what is further than a radius.

    Args:
        queries: What it queries through; a row that may not query stops where it is.
        points: `[M, D]` float32, failures that were tried.
        index: `[M]` int64, which samples they belong to.
        until: `[M]` float64, the share of the way at which halving ends.

    Returns:
        `[M, D]` float32, each a point that was tried and is a failure.
    """
    origin, away = queries.origin[index].double(), points.double()
    length = queries.sizes(points, index)
    low, high = torch.zeros_like(length), torch.ones_like(length)
    nearest = points.clone()
    while True:
        rows = ((high - low > until) & queries.may_query(index)).nonzero().flatten()
        if not len(rows):
            return nearest
        middle = (low[rows] + high[rows]) / 2
        if queries.norm == "linf":
            reach = (middle * length[rows])[:, None]
            tried = away[rows].clamp(origin[rows] - reach, origin[rows] + reach)
        else:
            tried = origin[rows] + middle[:, None] * (away[rows] - origin[rows])
        tried = tried.float().clamp_(0, 1)
        wrong = queries.wrong(tried, index[rows])
        nearest[rows[wrong]] = tried[wrong]
        high[rows], low[rows] = (
            torch.where(wrong, middle, high[rows]),
            torch.where(wrong, low[rows], middle),
        )
