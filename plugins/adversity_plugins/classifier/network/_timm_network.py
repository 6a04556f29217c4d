"""Build timm's networks with as many classes as the weights have, without a network connection.

Also what timm knows of an architecture: its names, and how images were prepared for its weights.
"""

from __future__ import annotations

import math
import re
import threading
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from adversity.did_you_mean import did_you_mean
from adversity.errors import ParameterError, WeightsError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from torch import Tensor, nn

__all__ = [
    "architectures",
    "build",
    "classes_in",
    "configuration",
    "head_input",
    "is_installed",
    "resized",
]

_REGISTERED = re.compile(r"^@register_model\s+def (\w+)\(", re.MULTILINE)
_DRAWING = threading.Lock()


def is_installed() -> bool:
    """Say whether timm can be imported, without importing it."""
    return find_spec("timm") is not None


@cache
def architectures() -> tuple[str, ...]:
    """List the architectures of the installed timm, without importing it; none without timm.

    A pipeline is checked before any work is done, and importing timm takes seconds.
    """
    spec = find_spec("timm")
    if spec is None or spec.origin is None:
        return ()
    sources = sorted((Path(spec.origin).parent / "models").glob("*.py"))
    names = {name for file in sources for name in _REGISTERED.findall(file.read_text("utf-8"))}
    return tuple(sorted(names))


def configuration(architecture: str) -> dict[str, Any]:
    """Return how timm prepares images for an architecture, when it evaluates.

    Args:
        architecture: One of `architectures()`, alone or with the tag of weights, such as
            `resnet50.a1_in1k`, which were trained with a configuration of their own.

    Returns:
        `tag`, the weights whose configuration it is; `layer`, the name of the last layer, None
        where there is none; `mean` and `std` of each channel; `crop`, the input's side in pixels,
        None where it is no square; `crop_pct`, its share of what it is cut from; `crop_mode` and
        `interpolation` in timm's words; `fixed`, whether the network is built for one size.

    Raises:
        ParameterError: If there are no weights of that tag.
    """
    import timm

    name, _, tag = architecture.partition(".")
    try:
        found: Any = timm.models.get_pretrained_cfg(architecture, allow_unregistered=False)
    except RuntimeError as error:
        tags = [each.partition(".")[2] for each in timm.list_pretrained(f"{name}.*")]
        hint = did_you_mean(
            tag, tags, f"its tags are {', '.join(tags)}" if tags else "leave it out"
        )
        raise ParameterError(
            f"classifier 'timm': {name} has no weights with the tag {tag!r}; {hint}"
        ) from error
    side = found.input_size[-1]
    layers = (found.classifier,) if isinstance(found.classifier, str) else found.classifier
    return {
        "tag": tag or found.tag,
        "layer": next(iter(layers or ()), None),
        "mean": tuple(found.mean),
        "std": tuple(found.std),
        "crop": side if found.input_size[-2] == side else None,
        "crop_pct": found.crop_pct,
        "crop_mode": found.crop_mode,
        "interpolation": found.interpolation,
        "fixed": found.fixed_input_size,
    }


def resized(crop: int, crop_pct: float) -> int:
    """Return the side before the crop, rounded down as timm rounds it."""
    return math.floor(crop / crop_pct)


def build(architecture: str, *, classes: int, side: int | None) -> nn.Module:
    """Build a network; nothing is fetched, and global random state is kept.

    Args:
        architecture: One of `architectures()`, perhaps with a tag.
        classes: K.
        side: The side that a network of one size is built for; None for the architecture's own.

    Raises:
        ParameterError: If it cannot be built for that side.
    """
    import timm
    import torch

    from adversity.seeding import preserve_global_rng

    size = {} if side is None else {"img_size": side}
    try:
        # timm draws initial weights from torch's global generator: one thread at a time.
        with _DRAWING, preserve_global_rng():
            torch.manual_seed(0)
            network: nn.Module = timm.create_model(
                architecture, pretrained=False, num_classes=classes, **size
            )
    except Exception as error:  # each architecture refuses a size in its own way
        if side is None:
            raise
        first = (str(error) or type(error).__name__).split("\n", 1)[0]
        raise ParameterError(
            f"classifier 'timm': {architecture} cannot be built for images of {side} x {side} "
            f"({first}); leave `crop` out, or give one that it takes"
        ) from error
    return network


def classes_in(state: Mapping[str, Tensor], layer: str | None, architecture: str, name: str) -> int:
    """Return K, read from the last layer in the weights.

    Raises:
        WeightsError: If the last layer is not there.
    """
    if layer is None or f"{layer}.weight" not in state:
        lacks = f"have no last layer of {architecture} ({layer}.weight)"
        raise WeightsError(
            f"weights {name} {lacks if layer else f'are of {architecture}, which has none'}; they "
            f"hold {', '.join(sorted(state)[:3])}, ...; choose the architecture they were trained "
            "with, and weights that were trained to classify"
        )
    return int(state[f"{layer}.weight"].shape[0])


def head_input(network: Any, images: Tensor) -> Tensor:
    """Return `[N, D]`: what enters the last layer, as timm's `pre_logits` gives it."""
    features: Tensor = network.forward_head(network.forward_features(images), pre_logits=True)
    return features.flatten(1)
