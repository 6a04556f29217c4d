"""Square attack: random squares, kept where the victim's scores get worse for the label.

Every sample has its own squares at its own places, drawn from its own stream: nothing that
happens to a sample depends on its neighbours. Only scores are queried.

Reference: Andriushchenko, Croce, Flammarion, Hein, "Square attack: a query-efficient black-box
adversarial attack via random search", 2020, algorithms 1 to 3; for l1: Croce, Hein, "Mind the
box: l1-APGD for sparse adversarial attacks", 2021. We differ in five things: places are
uniform over all that fit, each sample has its own, a proposal in linf that would change nothing
has its signs turned, the first point is one of the `queries`, and a tie is no success.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

import torch

from adversity_plugins.attack._shared.losses import loss_of
from adversity_plugins.attack._shared.norms import Ball

if TYPE_CHECKING:
    from adversity import SampleRng, Target
    from adversity_plugins.attack.scores.square import Square

__all__ = ["share_of", "square_search"]

_AHEAD = 100
"""Queries that are drawn for at once: a draw costs a call for each sample."""
_HALVINGS = (10, 50, 200, 500, 1000, 2000, 4000, 6000, 8000)
"""Of 10 000 queries, those after which the squares' share of the image is halved."""
_PATTERN = {"l2": 2, "l1": 4}
"""With which power of the distance a bump falls."""
_TINY = 1e-12

Window = tuple[torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor]


class _End(NamedTuple):
    """What a search ends with: `images`, their `loss` [N] and whether the victim is `fooled` [N]."""

    images: torch.Tensor
    loss: torch.Tensor
    fooled: torch.Tensor


def square_search(
    target: Target,
    images: torch.Tensor,
    labels: torch.Tensor,
    rng: SampleRng,
    how: Square,
) -> torch.Tensor:
    """Return, for each sample, the first image that fools the victim, else the worst one seen.

    Args:
        target: The victim; only its scores are queried.
        images: `[N, C, H, W]` float32 in [0, 1].
        labels: `[N]` int64, the true classes, or the target classes when targeted.
        rng: Row i for image i.
        how: The attack with its parameters.

    Returns:
        `[N, C, H, W]` float32 in [0, 1], within the budget.
    """
    ball = Ball(images, how.norm, how.eps)
    best, loss = images.clone(), torch.full((len(images),), -torch.inf)
    left = torch.arange(len(images))
    for restart in range(how.restarts):
        if not len(left):
            break
        ended = _search(
            target.rows(left),
            ball.rows(left),
            labels[left],
            rng.child(restart).rows(left.tolist()),
            how,
        )
        better = ended.fooled | (ended.loss > loss[left])
        best[left[better]], loss[left[better]] = ended.images[better], ended.loss[better]
        left = left[~ended.fooled]
    return best


def share_of(query: int, queries: int, p_init: float) -> float:
    """Return the share of the image that a square covers: it is halved nine times.

    Example:
        >>> [share_of(query, 5000, 0.8) for query in (0, 6, 26, 4999)]
        [0.8, 0.4, 0.2, 0.0015625]
    """
    scaled = query * 10_000 // queries
    return float(p_init / 2 ** sum(scaled > limit for limit in _HALVINGS))


def _search(target: Target, ball: Ball, labels: torch.Tensor, rng: SampleRng, how: Square) -> _End:
    """Search once; fooled rows leave and the rest is packed together."""
    point = _stripes(ball, rng) if ball.norm == "linf" else _tiles(ball, rng)
    loss, fooled = _judged(target, point, labels, targeted=how.targeted)
    end = _End(point.clone(), loss.clone(), fooled.clone())
    place, draws = torch.arange(len(point)), torch.empty(len(point), 0)
    for query in range(how.queries - 1):
        if bool(fooled.any()):
            end.images[place], end.loss[place], end.fooled[place] = point, loss, fooled
            keep = (~fooled).nonzero().flatten()
            place, point, loss, labels = place[keep], point[keep], loss[keep], labels[keep]
            ball, target, rng = ball.rows(keep), target.rows(keep), rng.rows(keep.tolist())
            draws = draws[keep]
        if not len(place):
            return end
        if query % _AHEAD == 0:
            draws = rng.uniform((min(_AHEAD, how.queries - 1 - query), _numbers(ball)))
        side = _side(share_of(query, how.queries, how.p_init), ball)
        propose = _square if ball.norm == "linf" else _bump
        tried = propose(ball, point, draws[:, query % _AHEAD], side)
        value, fooled = _judged(target, tried, labels, targeted=how.targeted)
        better = fooled | (value > loss)
        point = torch.where(better[:, None, None, None], tried, point)
        loss = torch.where(better, value, loss)
    end.images[place], end.loss[place], end.fooled[place] = point, loss, fooled
    return end


def _judged(
    target: Target, images: torch.Tensor, labels: torch.Tensor, *, targeted: bool
) -> tuple[torch.Tensor, torch.Tensor]:
    """Return the loss to raise and whether the victim is fooled, both `[N]`; one query."""
    with torch.no_grad():
        logits = target.logits(images)
    loss = loss_of(logits, labels, loss="ce" if targeted else "margin", targeted=targeted)
    answer = logits.argmax(1)
    return loss, answer == labels if targeted else answer != labels


def _numbers(ball: Ball) -> int:
    """Return how many uniform numbers a proposal takes: places, signs, a bump's orientation."""
    channels = ball.start.shape[1]
    return 2 + channels if ball.norm == "linf" else 5 + channels


def _side(share: float, ball: Ball) -> int:
    """Return the side of a square; a bump is odd and at least 3 wide, where the image is."""
    height, width = ball.start.shape[2:]
    side = max(round(math.sqrt(share * height * width)), 1)
    if ball.norm != "linf":
        side = max(side, 3) // 2 * 2 + 1
    return int(min(side, height, width))


def _window(draw: torch.Tensor, side: int, shape: torch.Size) -> Window:
    """Return the index of a square for each row, at the place that two numbers in [0, 1) say."""
    rows, channels, height, width = shape
    # In float64: in float32 the product may round up to a place that is not there.
    top = (draw[:, 0].double() * (height - side + 1)).long()
    left = (draw[:, 1].double() * (width - side + 1)).long()
    span = torch.arange(side)
    return (
        torch.arange(rows)[:, None, None, None],
        torch.arange(channels)[None, :, None, None],
        (top[:, None] + span)[:, None, :, None],
        (left[:, None] + span)[:, None, None, :],
    )


def _stripes(ball: Ball, rng: SampleRng) -> torch.Tensor:
    """Return the first point in linf: vertical stripes of plus and minus eps."""
    _, channels, _, width = ball.start.shape
    up = rng.uniform((channels, 1, width)) < 0.5
    return torch.where(up, ball.high, ball.low)


def _square(ball: Ball, point: torch.Tensor, draw: torch.Tensor, side: int) -> torch.Tensor:
    """Set a square to plus or minus eps, each colour by itself."""
    window = _window(draw, side, point.shape)
    up = (draw[:, 2:] < 0.5)[:, :, None, None]
    low, high = ball.low[window], ball.high[window]
    patch = torch.where(up, high, low)
    same = (patch == point[window]).flatten(1).all(1)[:, None, None, None]
    tried = point.clone()
    tried[window] = torch.where(up ^ same, high, low)
    return tried


def _tiles(ball: Ball, rng: SampleRng) -> torch.Tensor:
    """Return the first point in l2 and l1: bumps side by side, five in a column."""
    rows, channels, height, width = ball.start.shape
    side = max(min(height, width) // 5, 1)
    down, across = height // side, width // side
    draw = rng.uniform((down * across, 1 + channels))
    top, left = (height - down * side) // 2, (width - across * side) // 2
    upright = _bump_of(side, _PATTERN[ball.norm])
    shapes = torch.where((draw[:, :, 0] < 0.5)[:, :, None, None], upright, upright.T)
    signs = torch.where(draw[:, :, 1:] < 0.5, 1.0, -1.0)
    # [N, tiles, C, side, side] to [N, C, down, side, across, side].
    tiles = signs[..., None, None] * shapes[:, :, None]
    tiles = tiles.view(rows, down, across, channels, side, side).permute(0, 3, 1, 4, 2, 5)
    delta = torch.zeros(rows, channels, height, width, dtype=torch.float64)
    inner = delta[:, :, top : top + down * side, left : left + across * side]
    inner.copy_(tiles.reshape(inner.shape))
    return _fitted(ball, delta)


def _bump(ball: Ball, point: torch.Tensor, draw: torch.Tensor, side: int) -> torch.Tensor:
    """Move what a second window holds, and what is unspent, into a bump in the first.

    Algorithm 3: each colour's new bump is as large as what both windows held and its part of the
    unspent budget together.
    """
    power, channels = 2 if ball.norm == "l2" else 1, point.shape[1]
    delta = point.double() - ball.start.double()
    into, out_of = _window(draw, side, point.shape), _window(draw[:, 2:], side, point.shape)
    unspent = (ball.eps**power - _mass(delta.flatten(1), power)).clamp_min(0)[:, None] / channels
    old = delta[into]
    held = _mass(old.flatten(2), power)
    delta[into] = 0.0
    moved = _mass(delta[out_of].flatten(2), power)
    delta[out_of] = 0.0
    upright = _bump_of(side, _PATTERN[ball.norm])
    shape = torch.where((draw[:, 4] < 0.5)[:, None, None], upright, upright.T)[:, None]
    signs = torch.where(draw[:, 5:] < 0.5, 1.0, -1.0).double()
    length = (held ** (1 / power)).clamp_min(_TINY)[:, :, None, None]
    new = signs[:, :, None, None] * shape + old / length
    size = (_mass(new.flatten(2), power) ** (1 / power)).clamp_min(_TINY)
    # In l1 every colour gets the whole of the unspent: the projection takes what is too much.
    budget = held + moved + unspent
    budget = budget.sqrt() if power == 2 else channels * budget
    delta[into] = new * (budget / size)[:, :, None, None]
    return _fitted(ball, delta)


def _mass(values: torch.Tensor, power: int) -> torch.Tensor:
    """Return the sum of the absolute values, or of the squares, over the last axis."""
    return (values.abs() if power == 1 else values.square()).sum(-1)


def _fitted(ball: Ball, delta: torch.Tensor) -> torch.Tensor:
    """Return the image: in l2 stretched to eps and cut by the box, in l1 the nearest one inside."""
    if ball.norm == "l2":
        length = _mass(delta.flatten(1), 2).sqrt().clamp_min(_TINY)
        # A little short of eps, so that rounding alone needs no projection.
        delta = delta * ((1 - 1e-7) * ball.eps / length)[:, None, None, None]
    return ball.project(ball.start.double() + delta)


def _bump_of(side: int, power: int) -> torch.Tensor:
    """Return a bump `[side, side]` float64: one half up, one half down, of length 1.

    Both halves fall from their middle; the length is in l2 for power 2, in l1 for power 4.
    """
    half = side // 2
    bump = torch.cat([_half(half, side, power), -_half(side - half, side, power)])
    return bump / (bump.norm() if power == 2 else bump.abs().sum())


def _half(height: int, width: int, power: int) -> torch.Tensor:
    """Return sum over j > d of 1 / j^power, d being the chessboard distance from the middle."""
    if height == 0:
        return torch.zeros(0, width, dtype=torch.float64)
    reach = max(height // 2, width // 2)
    tail = (
        (1.0 / torch.arange(1, reach + 2, dtype=torch.float64) ** power).flip(0).cumsum(0).flip(0)
    )
    down = (torch.arange(height) - height // 2).abs()
    across = (torch.arange(width) - width // 2).abs()
    half = tail[torch.maximum(down[:, None], across[None])]
    return half / (half.norm() if power == 2 else half.abs().sum())
