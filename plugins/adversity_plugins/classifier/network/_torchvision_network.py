"""Build torchvision's classification networks with as many classes as the weights have.

Also what goes with a network: the preparation of images that its weights expect, and what
enters its last layer.
"""

from __future__ import annotations

import re
import threading
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from adversity.errors import ParameterError, WeightsError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from torch import Tensor, nn

__all__ = [
    "architectures",
    "build",
    "classes_in",
    "draw",
    "head_input",
    "linear_head",
    "published_weights",
    "transform_of",
]

_REGISTERED = re.compile(
    r"^@register_model\(\)\s*(?:@[^\n]*\s*)*?^def (\w+)\(", re.MULTILINE | re.DOTALL
)
_WITH_AUX = ("googlenet", "inception_v3")
_DRAWING = threading.Lock()


@cache
def architectures() -> tuple[str, ...]:
    """List the classification architectures of the installed torchvision, without importing it.

    A pipeline is checked before any work is done, and importing torchvision takes seconds.
    """
    spec = find_spec("torchvision")
    if spec is None or spec.origin is None:
        return ()
    sources = sorted((Path(spec.origin).parent / "models").glob("*.py"))
    names = [name for file in sources for name in _REGISTERED.findall(file.read_text("utf-8"))]
    return tuple(sorted(names))


def build(
    architecture: str, *, classes: int, side: int, state: Mapping[str, Tensor] | None = None
) -> nn.Module:
    """Build a network; its values are torchvision's initial ones.

    Args:
        architecture: One of `architectures()`.
        classes: K.
        side: Input size in pixels, which vision transformers are built for.
        state: The weights it is built for, which tell whether it has auxiliary heads.
    """
    from torchvision.models import get_model

    options: dict[str, Any] = {"weights": None, "num_classes": classes}
    if architecture.startswith("vit_"):
        options["image_size"] = side
    if architecture in _WITH_AUX:
        options["init_weights"] = False
        options["aux_logits"] = any("aux" in key.lower() for key in state or ())
    network: nn.Module = get_model(architecture, **options)
    return network


def draw(architecture: str, *, classes: int, side: int, seed: int) -> nn.Module:
    """Build a network whose initial weights come from `seed`; global random state is kept.

    One thread at a time draws, because torchvision draws from torch's global generator.
    """
    import torch

    from adversity.seeding import preserve_global_rng

    with _DRAWING, preserve_global_rng():
        torch.manual_seed(seed)
        network = build(architecture, classes=classes, side=side)
    network.eval()
    return network.requires_grad_(requires_grad=False)


@cache
def _head(architecture: str, side: int) -> tuple[str, ...]:
    """Return the parameters whose first axis is the class: found by building it twice."""
    import torch

    with torch.device("meta"):
        few, many = (
            dict(build(architecture, classes=k, side=side).named_parameters()) for k in (7, 11)
        )
    return tuple(name for name in few if few[name].shape != many[name].shape)


def classes_in(state: Mapping[str, Tensor], architecture: str, *, side: int, name: str) -> int:
    """Return K, read from the last layer in the weights.

    Raises:
        WeightsError: If the last layer is not there.
    """
    last_layers = _head(architecture, side)
    last = next((key for key in last_layers if key in state), None)
    if last is None:
        raise WeightsError(
            f"weights {name} have no last layer of {architecture} ({', '.join(last_layers)}); they "
            f"hold {', '.join(sorted(state)[:3])}, ...; choose the architecture they were "
            "trained with"
        )
    return int(state[last].shape[0])


def published_weights(architecture: str, name: str | None) -> Any:
    """Return torchvision's entry of weights; the architecture's default if none is named.

    Raises:
        ParameterError: If the architecture has no such weights.
    """
    from torchvision.models import get_model_weights

    choices = get_model_weights(architecture)
    if name in (None, "default", "none"):
        return choices.DEFAULT
    known = [entry.name for entry in choices]
    if name not in known:
        raise ParameterError(
            f"classifier 'torchvision': {architecture} has no weights {name!r}; choose "
            f"default, none or one of {', '.join(known)}"
        )
    return choices[str(name)]


def _last_layer(network: nn.Module, architecture: str, side: int) -> nn.Module:
    return network.get_submodule(_head(architecture, side)[-1].rpartition(".")[0])


def linear_head(network: nn.Module, architecture: str, side: int) -> nn.Linear | None:
    """Return the last layer, where the network's answer is that of a linear one; None elsewhere."""
    from torch import nn

    layer = _last_layer(network, architecture, side)
    return layer if isinstance(layer, nn.Linear) else None


def head_input(network: nn.Module, architecture: str, side: int, images: Tensor) -> Tensor:
    """Return `[N, D]`: what enters the last layer, averaged over positions where it has such."""
    layer = _last_layer(network, architecture, side)
    caught: list[Tensor] = []
    hook = layer.register_forward_pre_hook(lambda _, given: caught.append(given[0]))
    try:
        network(images)
    finally:
        hook.remove()
    features = caught[0]
    return features if features.ndim == 2 else features.flatten(2).mean(2)


def transform_of(published: Any) -> dict[str, Any]:
    """Return how torchvision prepares images for published weights.

    Args:
        published: An entry of the architecture's weights.

    Returns:
        `mean` and `std` of each channel, `resize` (shorter side) and `crop` in pixels, and
        `mode`, the interpolation.
    """
    preset = published.transforms()
    return {
        "mean": tuple(preset.mean),
        "std": tuple(preset.std),
        "resize": int(preset.resize_size[0]),
        "crop": int(preset.crop_size[0]),
        "mode": "bicubic" if preset.interpolation.value == "bicubic" else "bilinear",
    }
