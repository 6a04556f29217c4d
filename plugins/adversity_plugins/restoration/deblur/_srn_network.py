"""The scale-recurrent network: a plain module without any policy.

Reference: Tao, Gao, Shen, Wang, Jia, "Scale-recurrent network for deep image deblurring", 2018,
section 3; what the paper leaves open (sizes of kernels, borders, how images are resized) is the
authors' program's, in TensorFlow. Its cell: Shi, Chen, Wang, Yeung, Wong, Woo, "Convolutional LSTM
network", 2015, without the terms of the cell's own state.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

__all__ = ["MULTIPLE", "SCALES", "ConvLSTM", "SRNNetwork", "doubled"]

SCALES = 3
MULTIPLE = 16
"""Height and width are halved twice for the smallest size, and twice again inside the network."""
_BLOCKS = 3
_FORGET = 1.0
"""Added to what the forget gate is made of."""


class _Block(nn.Module):
    """Two convolutions with a ReLU between, beside a shortcut."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(channels, channels, 5, padding=2)
        self.conv2 = nn.Conv2d(channels, channels, 5, padding=2)

    def forward(self, images: Tensor) -> Tensor:
        answer: Tensor = images + self.conv2(functional.relu(self.conv1(images)))
        return answer


class _Halved(nn.Conv2d):
    """A convolution with stride 2; of the border, TensorFlow has one more after than before."""

    def __init__(self, given: int, channels: int) -> None:
        super().__init__(given, channels, 5, stride=2)

    def forward(self, images: Tensor) -> Tensor:
        answer: Tensor = super().forward(functional.pad(images, (1, 2, 1, 2)))
        return answer


class ConvLSTM(nn.Module):
    """A long short-term memory whose sums are convolutions of 3 x 3 pixels."""

    def __init__(self, channels: int) -> None:
        """Take the channels of what comes in, of the state and of what goes out."""
        super().__init__()
        self.LSTM_conv = nn.Conv2d(2 * channels, 4 * channels, 3, padding=1)

    def forward(self, images: Tensor, state: tuple[Tensor, Tensor]) -> tuple[Tensor, Tensor]:
        """Return the new cell state and what goes out, `[N, C, H, W]` each.

        Args:
            images: `[N, C, H, W]`.
            state: What it returned at the smaller size, enlarged.
        """
        cell, hidden = state
        sums = self.LSTM_conv(torch.cat([images, hidden], 1))
        into, new, forget, out = sums.chunk(4, 1)
        cell = cell * (forget + _FORGET).sigmoid() + into.sigmoid() * new.tanh()
        return cell, cell.tanh() * out.sigmoid()


class SRNNetwork(nn.Module):
    """Deblur a quarter of the size first; the same weights go on at the half and at the whole.

    Layers have the names of the authors' variables: `enc1_1`, `enc1_2.conv1`, ...
    """

    def __init__(self, *, planes: int, channels: int, lstm: bool) -> None:
        """Take the planes of an image, 1 or 3, the channels at full size, and whether it remembers."""
        super().__init__()
        wide = [channels, 2 * channels, 4 * channels]
        given = 2 * planes
        for level, width in enumerate(wide, 1):
            first = nn.Conv2d(given, width, 5, padding=2) if level == 1 else _Halved(given, width)
            self.add_module(f"enc{level}_1", first)
            for number in range(2, 2 + _BLOCKS):
                self.add_module(f"enc{level}_{number}", _Block(width))
            for number in range(1, 1 + _BLOCKS):
                self.add_module(f"dec{level}_{number}", _Block(width))
            if level > 1:
                # To the size and the width of the level before.
                up = nn.ConvTranspose2d(width, given, 4, stride=2, padding=1)
                self.add_module(f"dec{level - 1}_4", up)
            given = width
        self.dec1_0 = nn.Conv2d(channels, planes, 5, padding=2)
        self.convLSTM = ConvLSTM(wide[-1]) if lstm else None

    def forward(self, images: Tensor) -> Tensor:
        """Return sharp images, not limited.

        Args:
            images: `[N, planes, H, W]` in [0, 1], H and W multiples of `MULTIPLE`.
        """
        state, answer = None, images
        for scale in reversed(range(SCALES)):
            # TensorFlow's bilinear resizing to a half or a quarter lands on pixels and takes those.
            small = images[..., :: 2**scale, :: 2**scale]
            before = doubled(answer) if state is not None else small
            answer, state = self._once(torch.cat([small, before], 1), state)
        return answer

    def _once(
        self, images: Tensor, state: tuple[Tensor, ...] | None
    ) -> tuple[Tensor, tuple[Tensor, ...]]:
        """Return what comes out at one size, and the state, nothing without a memory."""
        kept = []
        for level in (1, 2, 3):
            images = functional.relu(self.get_submodule(f"enc{level}_1")(images))
            images = self._through(images, [f"enc{level}_{k}" for k in (2, 3, 4)])
            kept.append(images)
        left: tuple[Tensor, ...] = ()
        if self.convLSTM is not None:
            zeros = torch.zeros_like(images)
            cell, hidden = (doubled(one) for one in state) if state else (zeros, zeros)
            left = self.convLSTM(images, (cell, hidden))
            images = left[1]
        for level in (3, 2, 1):
            if level < 3:
                larger = functional.relu(self.get_submodule(f"dec{level}_4")(images))
                images = larger + kept[level - 1]
            images = self._through(images, [f"dec{level}_{k}" for k in (3, 2, 1)])
        answer: Tensor = self.dec1_0(images)
        return answer, left

    def _through(self, images: Tensor, names: list[str]) -> Tensor:
        for name in names:
            images = self.get_submodule(name)(images)
        return images


def doubled(planes: Tensor) -> Tensor:
    """Return `[N, C, 2 H, 2 W]`, between two pixels their mean, after the last the last again.

    So does TensorFlow's `resize_images` of that time, which counts from corners.
    """
    for axis in (2, 3):
        last = planes.narrow(axis, planes.shape[axis] - 1, 1)
        after = torch.cat([planes.narrow(axis, 1, planes.shape[axis] - 1), last], axis)
        planes = torch.stack([planes, (planes + after) / 2], axis + 1).flatten(axis, axis + 1)
    return planes
