"""Demosaicing by a pretrained network."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar

from pydantic import Field, PrivateAttr

from adversity import Asset, Restoration, clip
from adversity.errors import WeightsError
from adversity_plugins.restoration._weights import fill, read_state
from adversity_plugins.restoration.camera._bayer import Pattern

if TYPE_CHECKING:
    from torch import Tensor

_FILE = "demosaicnet/data/bayer.pth"
_MEND = "run: adversity assets fetch restoration/demosaicnet"
_WEIGHTS = Asset(
    registry="pypi",
    package="demosaicnet",
    version="0.0.14",
    licence="MIT",
    files={_FILE: "a90f45c34b89fea3faf49060687839a7d191d302f597a302b31d1bbc021ff7d8"},
    size=3_630_814,
    use="weights",
)


class DemosaicNet(Restoration):
    """Fill in the colours that a Bayer sensor did not see, by the network of Gharbi et al.

    The published network for Bayer mosaics, trained on image values (sRGB) without noise: 560 886
    weights, read from the package `demosaicnet` (`pip install "adversity[demosaic]"`), which is not
    imported. All four patterns: the mosaic is continued beyond its border by its mirror image, which
    keeps the pattern, until it begins with the tile that the network knows. Nothing holds what the
    sensor saw: it may come back a little changed. What it makes of a value outside [0, 1] is cut
    off. Noise is taken for detail: denoise behind it.

    The mosaic has each pixel's value in the channel of its filter, as `mosaic` leaves it; what
    stands in the other two channels is not looked at. An image one pixel high or wide has no
    mirror image that keeps the pattern, and no colours that would mean anything.

    Needs `pattern`, which `mosaic` tells; for a mosaic that comes as it is it is a parameter.

    Reference: Gharbi, Chaurasia, Paris, Durand, "Deep joint demosaicking and denoising", 2016.
    """

    name: ClassVar[str] = "demosaicnet"
    reference: ClassVar[str] = (
        "Gharbi, Chaurasia, Paris, Durand, Deep joint demosaicking and denoising, 2016"
    )
    weights_licence: ClassVar[str | None] = "MIT"
    assets: ClassVar[tuple[Asset, ...]] = (_WEIGHTS,)
    image_channels: ClassVar[tuple[int, ...]] = (3,)
    differentiable: ClassVar[bool] = True
    needs: ClassVar[tuple[str, ...]] = ("pattern",)
    restores: ClassVar[tuple[str, ...]] = ("mosaic",)
    examples: ClassVar[tuple[Mapping[str, Any], ...]] = ({"pattern": "RGGB"},)

    pattern: Pattern | None = Field(
        default=None, description="RGGB, BGGR, GRBG or GBRG, the tile row by row; none: told"
    )

    _network: Any = PrivateAttr(default=None)

    def setup(self, device: str) -> None:
        """Load the weights.

        Raises:
            WeightsError: If the weight file is missing or another than the published one.
        """
        from adversity_plugins.restoration.camera._demosaicnet_network import DemosaicNetwork

        super().setup(device)
        path = _WEIGHTS.path(_FILE, "restoration/demosaicnet")
        network, label = DemosaicNetwork(), f"demosaicnet: {_FILE}"
        fill(network, read_state(path, label, _MEND), label, _MEND)
        self._network = network.to(device)

    def restore(self, images: Tensor, **needs: Tensor) -> Tensor:
        """Return `[N, 3, H, W]` with all colours in each pixel.

        Raises:
            ValueError: If the pattern is not Bayer's.
            WeightsError: If `setup` was not called.
        """
        import torch

        from adversity_plugins.restoration.camera._bayer import kept

        if self._network is None:
            raise WeightsError("demosaicnet: expected loaded weights, got none; call setup(device)")
        values, _ = kept(images, needs["pattern"])
        rows = [
            self._coloured(values[row : row + 1], *divmod(int(tile.flatten().argmin()), 2))
            for row, tile in enumerate(needs["pattern"])
        ]
        return clip(torch.cat(rows))

    def _coloured(self, mosaic: Tensor, row: int, column: int) -> Tensor:
        """Return an image `[1, 3, H, W]`; red is in this row and column of the tile."""
        from adversity_plugins.restoration.camera._demosaicnet_network import MARGIN

        height, width = mosaic.shape[2:]
        # Red must come into the first row and the second column of a tile.
        top, left = MARGIN + (MARGIN + row) % 2, MARGIN + (MARGIN + column + 1) % 2
        down, across = (
            _mirrored(length, before, MARGIN + (length + before + MARGIN) % 2, mosaic)
            for length, before in ((height, top), (width, left))
        )
        whole: Tensor = self._network(mosaic.index_select(2, down).index_select(3, across))
        top, left = top - MARGIN, left - MARGIN
        return whole[..., top : top + height, left : left + width]


def _mirrored(length: int, before: int, after: int, like: Tensor) -> Tensor:
    """Return which of `length` pixels stands where: mirrored at the outermost, which stays single.

    So that the distance from a pixel to its image is even, and the colours of a mosaic go on.
    """
    import torch

    period = max(1, 2 * (length - 1))
    line = torch.arange(-before, length + after, device=like.device) % period
    return torch.minimum(line, period - line) if length > 1 else line
