"""ImageNet-A as it is published: photographs of 200 classes that fool ResNet-50."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar

from adversity_plugins.dataset._imagenet_200 import ImageNet200
from adversity_plugins.dataset._imagenet_subsets import IMAGENET_A

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["ImageNetA"]


class ImageNetA(ImageNet200):
    """ImageNet-A: 7 500 unmodified photographs of 200 ImageNet classes that ResNet-50 gets wrong.

    Images lie as `WNID/NAME`, which is also the id. They were chosen because one network failed on
    them, so an accuracy says how networks share its failures, not how often they fail.

    Published results slice the logits to the 200 classes before the softmax: `classes: data` on the
    step does so, and measures the accuracy over all 1 000 beside. A step without it says so in the
    report.

    Reference:
        Hendrycks, Zhao, Basart, Steinhardt and Song, "Natural adversarial examples", 2021; classes
        and masking as in `eval.py` of hendrycks/natural-adv-examples.
    """

    name: ClassVar[str] = "imagenet_a"
    reference: ClassVar[str] = "Hendrycks et al., Natural adversarial examples, 2021"
    examples: ClassVar[tuple[Mapping[str, Any], ...]] = (
        {"path": "imagenet-a"},
        {"path": "imagenet-a", "limit": 1},
    )
    synsets_200: ClassVar[tuple[str, ...]] = IMAGENET_A
    source: ClassVar[str] = "ImageNet-A (Hendrycks et al., 2021)"

    @classmethod
    def write_example_files(cls, folder: Path) -> None:
        """Write two images of two classes."""
        cls._write(folder / "imagenet-a", ("0.000064_cauliflower _ mushroom_0.8.jpg", "0.1.jpg"))
