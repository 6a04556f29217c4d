"""How long the camera looked in which direction: weights of rotations, found from coarse to fine.

At each scale by turns: the image is deblurred under the weights, with sharp patches around its
edges; then the weights are fitted to its strongest slopes, by least squares with a price on their
sum, none below 0.

Reference: Whyte, Sivic, Zisserman, Ponce, "Non-uniform deblurring for shaken images", 2012 (MAP
with l1, after Cho and Lee, "Fast motion deblurring", 2009); Sun, Cho, Wang, Hays, "Edge-based blur
kernel estimation using patch priors", 2013, in place of the shock filter.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from adversity_plugins.restoration.deblur._blurring import Blurring, slopes, slopes_back
from adversity_plugins.restoration.deblur._coarse_to_fine import scaled, scales, strongest
from adversity_plugins.restoration.deblur._edge_patches import conjugate_gradients, wanted
from adversity_plugins.restoration.deblur._shake import Shake

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["Search", "centred", "least_weights", "shake_of"]

_FLAT, _OF_IMAGE = 1 / 255, 3
"""As of one kernel for all places."""
_SMOOTH = 2e-3
_ROUNDS = 2
"""Of patches and scene, in each turn."""
_FIRST = 100
"""Cells that a scale begins with, at most."""
_STEPS = 6
"""Of conjugate gradients, in each round."""
_PIXELS = 5_000
"""To which weights are fitted, at most: those around the strongest slopes."""
_CELLS = 400
"""That may have a weight, at most."""
_FAINT = 0.05
"""Weights below this share of the largest become 0."""
_DESCENTS = 400
_TOGETHER = 16
"""Cells whose columns are made at once."""


@dataclass(frozen=True, slots=True)
class Search:
    """What is looked for.

    Attributes:
        side: Of the grid, in pixels of the image's middle, odd.
        focal: Focal length over the image's longer side.
        roll: Range of the rolls, in radians.
        turns: At each scale.
        weight: Of the patches.
        share: Of the pixels around which a patch is drawn.
        contrast: Part of the way to which faint edges are drawn up to those of photos.
        price: Of the sum of the weights, as a share of what the likeliest rotation explains.
    """

    side: int
    focal: float
    roll: float
    turns: int
    weight: float
    share: float
    contrast: float
    price: float


def shake_of(image: Tensor, search: Search) -> tuple[Shake, Tensor]:
    """Return the finest grid, and the weights `[rolls, side, side]` of an image `[H, W]`."""
    most = min(search.side, (min(image.shape) // _OF_IMAGE - 1) // 2 * 2 + 1)
    if most < 3 or max(float(image.diff(dim=axis).abs().max()) for axis in (0, 1)) <= _FLAT:
        shake = _grid(image, max(most, 1), search)
        return shake, _regridded(image, None, shake, 1.0)
    weights, before = image, None
    for size, side in scales(most):
        part = scaled(image, size)
        shake = _grid(part, side, search)
        weights = _regridded(weights, before, shake, size)
        for _ in range(search.turns):
            weights = _turn(part, weights, shake, search)
        weights = centred(weights)
        before = (shake, size)
    return shake, weights


def least_weights(gram: Tensor, shared: Tensor, price: float) -> Tensor:
    """Return argmin_w w' gram w / 2 - shared' w + price sum w with no w below 0.

    By accelerated projected gradients.

    Args:
        gram: `[n, n]`.
        shared: `[n]`.
        price: Not negative.
    """
    bound = gram.abs().sum(1).max()
    found = ahead = shared.new_zeros(len(shared))
    pace = 1.0
    for _ in range(_DESCENTS):
        new = (ahead - (gram @ ahead - shared + price) / bound).clamp(min=0)
        faster = (1 + math.sqrt(1 + 4 * pace**2)) / 2
        ahead = new + (pace - 1) / faster * (new - found)
        found, pace = new, faster
    return found


def _grid(image: Tensor, side: int, search: Search) -> Shake:
    """A step of roll moves the middle of the longer side's border by a pixel."""
    height, width = image.shape
    longer = max(height, width)
    rolls = 2 * math.floor(search.roll * longer / 4) + 1
    return Shake(height, width, search.focal * longer, side, rolls, 2 / longer)


def _regridded(
    weights: Tensor, before: tuple[Shake, float] | None, shake: Shake, size: float
) -> Tensor:
    """Return the weights of the scale before on the grid of this one."""
    import torch
    from torch.nn.functional import grid_sample, pad

    if before is None:
        start = weights.new_zeros(shake.rolls, shake.side, shake.side)
        start[shake.rolls // 2, shake.side // 2, shake.side // 2] = 1
        return start
    old, old_size = before
    axes = []
    for count, old_count, factor in (
        (shake.rolls, old.rolls, old.roll_step / shake.roll_step),
        *[(shake.side, old.side, size / old_size)] * 2,
    ):
        at = (torch.arange(count) - count // 2).to(weights) / factor
        axes.append(at / ((old_count + 1) / 2))
    roll, row, column = torch.meshgrid(*axes, indexing="ij")
    places = torch.stack([column, row, roll], -1)
    # One more cell on each side, so that what lies beyond the old grid fades to 0.
    wider = pad(weights, (1,) * 6)[None, None]
    large = grid_sample(wider, places[None], align_corners=True)[0, 0]
    least = large.flatten().topk(min(_FIRST, large.numel())).values[-1]
    large = large.where(large >= torch.maximum(least, 0.1 * large.max()), 0)
    return large / large.sum()


def centred(weights: Tensor) -> Tensor:
    """Return the weights moved by whole cells, their mean nearest to the middle."""
    moved = weights
    for axis in range(3):
        count = moved.shape[axis]
        sums = moved.sum([other for other in range(3) if other != axis])
        mean = float((sums * (sums.new_tensor(range(count)) - count // 2)).sum() / sums.sum())
        by = -round(mean)
        moved = moved.roll(by, axis)
        if by > 0:
            moved.narrow(axis, 0, by).zero_()
        elif by < 0:
            moved.narrow(axis, count + by, -by).zero_()
    return moved / moved.sum()


def _turn(image: Tensor, weights: Tensor, shake: Shake, search: Search) -> Tensor:
    """Return the weights that fit the image best, deblurred under the old ones."""
    cells = _near(weights)
    scene = _with_sharp_edges(image.float(), weights, shake, search)
    edges = strongest(slopes(scene), shake.side)
    pixels = _telling(shake.cut(edges), shake)
    columns = _columns(edges, cells, pixels, shake)
    seen = slopes(image).flatten(1)[:, pixels].flatten().float()
    gram, shared = (columns @ columns.T).double(), (columns @ seen).double()
    price = search.price * float(shared.max())
    found = least_weights(gram, shared, price)
    if not float(found.max()) > 0:
        return weights
    new = weights.new_zeros(weights.shape)
    new[tuple(cells.T)] = found
    new = new.where(new >= _FAINT * new.max(), 0)
    return new / new.sum()


def _near(weights: Tensor) -> Tensor:
    """Return the cells `[n, 3]` that have a weight or touch one that has; of few cells all."""
    import torch
    from torch.nn.functional import avg_pool3d, pad

    if weights.numel() <= _CELLS:
        return torch.ones_like(weights).nonzero()
    around = avg_pool3d(pad(weights, (1,) * 6)[None, None], 3, stride=1)[0, 0]
    count = min(_CELLS, int((around > 0).sum()))
    numbers = around.flatten().topk(count).indices.sort().values
    side = weights.shape[1]
    return torch.stack([numbers // side**2, numbers // side % side, numbers % side], 1)


def _with_sharp_edges(image: Tensor, weights: Tensor, shake: Shake, search: Search) -> Tensor:
    """Return the scene whose blur is near the image, with sharp edges, `[H', W']` float32."""
    import torch

    blur = shake.blur(weights)
    still = Blurring(weights.sum(0).float(), *shake.size, circular=True)
    base = still.spectrum.abs() ** 2 + _SMOOTH * still.roughness
    seen = blur.gathered(image)
    inside = shake.framed(torch.ones_like(image), around=0) > 0
    found, count, total = shake.framed(image), torch.zeros(shake.size), torch.zeros(shake.size)
    for turn in range(_ROUNDS + 1):
        if turn:
            count, total = wanted(found, inside, search.share, search.contrast)
        pull = search.weight * count
        inverse = 1 / (base + pull.mean())

        def eased(scene: Tensor, inverse: Tensor = inverse) -> Tensor:
            return still.back(still.transform(scene) * inverse)

        def applied(scene: Tensor, pull: Tensor = pull) -> Tensor:
            smooth = _SMOOTH * slopes_back(slopes(scene))
            return blur.gathered(blur.spread(scene)) + smooth + pull * scene

        right = seen + search.weight * total
        found = conjugate_gradients(applied, eased, right, found, steps=_STEPS)
    return found


def _telling(edges: Tensor, shake: Shake) -> Tensor:
    """Return the pixels `[P]` around which there are most slopes; not the last row and column.

    There the difference to the opposite border stands.
    """
    from torch.nn.functional import avg_pool2d

    length = edges.square().sum(0)
    around = avg_pool2d(length[None, None], shake.side, stride=1, padding=shake.side // 2)[0, 0]
    around[-1], around[:, -1] = -1, -1
    count = min(_PIXELS, int((around >= 0).sum()))
    return around.flatten().topk(count).indices.sort().values


def _columns(edges: Tensor, cells: Tensor, pixels: Tensor, shake: Shake) -> Tensor:
    """Return the slopes as each rotation shows them, `[n, 2 P]` float32."""
    import torch

    field = edges.float().flatten(1)
    rows = []
    for some in torch.split(cells, _TOGETHER):
        indices, shares = shake.taps(some, pixels)
        rows.append((field[:, indices] * shares).sum(-1).transpose(0, 1).flatten(1))
    return torch.cat(rows)
