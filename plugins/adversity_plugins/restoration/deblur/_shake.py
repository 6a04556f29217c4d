"""A camera that turns while the shutter is open: the blur as a sum of homographies.

    y = sum_r w_r T_r x,    (T_r x)(p) = x(K R_r K^-1 p)

with R_r the rotations of a grid about the three axes of the camera, K its matrix and w_r the share
of the time that it looked so. Turned about its x and y axes it moves the image, the more the nearer
to the border if the focal length is short; turned about its axis of view (a roll), it turns the
image about its middle. x reaches beyond the border as far as it was looked at.

The operator is a sparse matrix of the weights of bilinear interpolation, and its adjoint the
transpose, on the CPU and in float32.

Reference: Whyte, Sivic, Zisserman, Ponce, "Non-uniform deblurring for shaken images", 2010,
section 2 (equations 4 to 8).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["Shake", "ShakeBlur"]


@dataclass(frozen=True)
class Shake:
    """A grid of rotations, and the image that was taken under them.

    A cell of the grid is (roll, row, column), each counted from 0. The middle cell does not turn.
    A step of row or column moves the middle of the image by one pixel, as in a kernel.

    Attributes:
        height: Of the image, in pixels.
        width: Like it.
        focal: Focal length in pixels.
        side: Number of rows and of columns of the grid, odd.
        rolls: Number of rolls of the grid, odd.
        roll_step: Between two rolls, in radians.
    """

    height: int
    width: int
    focal: float
    side: int
    rolls: int
    roll_step: float

    @cached_property
    def margin(self) -> int:
        """How far beyond the border the scene is looked at, in pixels, at any cell."""
        import torch

        extremes = [(0, 0.5, 1)] * 3
        parts = torch.cartesian_prod(*(torch.tensor(values) for values in extremes))
        cells = parts * torch.tensor([self.rolls - 1, self.side - 1, self.side - 1])
        right, down = self.width - 1, (self.height - 1) * self.width
        pixels = torch.tensor([0, right // 2, right, down, down + right // 2, down + right])
        places = self._seen_at(cells, torch.cat([pixels, down // 2 + pixels[:3]]))
        most = places.new_tensor([self.height - 1, self.width - 1])
        beyond = torch.maximum(-places, places - most).max()
        return math.ceil(max(float(beyond), 0)) + 2

    @property
    def size(self) -> tuple[int, int]:
        """Height and width of the scene."""
        return self.height + 2 * self.margin, self.width + 2 * self.margin

    def rotations(self, cells: Tensor) -> Tensor:
        """Return `[n, 3, 3]` float64 of cells `[n, 3]`, by their rotation vectors."""
        import torch

        middle = cells.new_tensor([self.rolls // 2, self.side // 2, self.side // 2])
        roll, row, column = (cells - middle).double().unbind(1)
        x, y, z = -row / self.focal, column / self.focal, roll * self.roll_step
        zero = torch.zeros_like(x)
        skew = torch.stack([zero, -z, y, z, zero, -x, -y, x, zero], 1).view(-1, 3, 3)
        turned: Tensor = torch.linalg.matrix_exp(skew)
        return turned

    def taps(self, cells: Tensor, pixels: Tensor) -> tuple[Tensor, Tensor]:
        """Return which pixels of the scene are looked at, and their shares.

        Args:
            cells: `[n, 3]`.
            pixels: `[P]`, numbers of pixels of the image.

        Returns:
            `[n, P, 4]` numbers of pixels of the scene, and shares float32 that sum to 1.
        """
        import torch

        places = self._seen_at(cells, pixels) + self.margin
        corner = places.floor()
        down, right = (places - corner).float().unbind(-1)
        most = torch.tensor(self.size) - 1
        indices, shares = [], []
        for below in (0, 1):
            for beside in (0, 1):
                at = (corner.long() + torch.tensor([below, beside])).clamp(min=0).minimum(most)
                indices.append(at[..., 0] * self.size[1] + at[..., 1])
                shares.append((down if below else 1 - down) * (right if beside else 1 - right))
        return torch.stack(indices, -1), torch.stack(shares, -1)

    def blur(self, weights: Tensor) -> ShakeBlur:
        """Return the blur under weights `[rolls, side, side]`."""
        import torch

        cells = weights.nonzero()
        shares_of = weights[tuple(cells.T)].float()
        count = self.height * self.width
        indices = torch.empty((len(cells), count, 4), dtype=torch.int32)
        shares = torch.empty((len(cells), count, 4))
        for number, cell in enumerate(cells):
            index, share = self.taps(cell[None], torch.arange(count))
            indices[number] = index[0]
            shares[number] = share[0] * shares_of[number]
        return ShakeBlur(self, indices, shares)

    def framed(self, image: Tensor, around: float | None = None) -> Tensor:
        """Return `[..., H', W']`: the image, its border or a value repeated beyond it."""
        from torch.nn.functional import pad

        rows = image.reshape(1, -1, *image.shape[-2:])
        mode = "replicate" if around is None else "constant"
        whole = pad(rows, (self.margin,) * 4, mode=mode, value=around)
        return whole.view(*image.shape[:-2], *self.size)

    def cut(self, scene: Tensor) -> Tensor:
        """Return the image's part `[..., H, W]` of the scene."""
        margin = self.margin
        return scene[..., margin : margin + self.height, margin : margin + self.width]

    def _seen_at(self, cells: Tensor, pixels: Tensor) -> Tensor:
        """Return row and column `[n, P, 2]` of the place in the scene, in pixels of the image."""
        import torch

        middle = torch.tensor([self.width - 1, self.height - 1]).double() / 2
        flat = torch.stack([pixels % self.width, pixels // self.width], -1).double() - middle
        points = torch.cat([flat / self.focal, torch.ones_like(flat[:, :1])], 1)
        turned = points @ self.rotations(cells).mT
        return (turned[..., :2] / turned[..., 2:] * self.focal + middle).flip(-1)


class ShakeBlur:
    """The blur under some weights, and its adjoint; both take and give float32."""

    def __init__(self, shake: Shake, indices: Tensor, shares: Tensor) -> None:
        """Take which pixels of the scene each rotation shows, `[n, P, 4]`, and with what weight."""
        import numpy as np
        from scipy.sparse import csr_array

        self._shake, self._count = shake, len(indices)
        starts = np.arange(0, indices.numel() + 1, 4, dtype=np.int32)
        parts = (shares.flatten().numpy(), indices.flatten().numpy(), starts)
        shape = (len(starts) - 1, shake.size[0] * shake.size[1])
        self._shown: Any = csr_array(parts, shape=shape)
        self._back: Any = self._shown.T

    def spread(self, scene: Tensor) -> Tensor:
        """Return the blurred image `[H, W]` of a scene `[H', W']`."""
        import torch

        shown = torch.from_numpy(self._shown @ scene.flatten().numpy())
        images: Tensor = shown.view(self._count, self._shake.height, self._shake.width)
        return images.sum(0)

    def gathered(self, image: Tensor) -> Tensor:
        """Return the adjoint of `spread`."""
        import torch

        repeated = image.flatten().repeat(self._count).numpy()
        return torch.from_numpy(self._back @ repeated).view(self._shake.size)
