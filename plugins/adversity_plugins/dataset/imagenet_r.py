"""ImageNet-R as it is published: art, toys, sketches and other renditions of 200 classes."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar

from adversity_plugins.dataset._imagenet_200 import ImageNet200
from adversity_plugins.dataset._imagenet_subsets import IMAGENET_R

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["ImageNetR"]

_NAME = re.compile(r"([a-z]+)_\d+\.\w+")


class ImageNetR(ImageNet200):
    """ImageNet-R: 30 000 renditions (art, cartoons, toys, sketches, ...) of 200 ImageNet classes.

    Images lie as `WNID/NAME`, `n01443537/art_0.jpg`, which is also the id. The attribute
    `rendition` is what the name says, `art`, for `by: rendition`; `other` where it says nothing.

    Published results slice the logits to the 200 classes before the softmax: `classes: data` on the
    step does so, and measures the accuracy over all 1 000 beside. A step without it says so in the
    report.

    Reference:
        Hendrycks et al., "The many faces of robustness: a critical analysis of out-of-distribution
        generalization", 2021; classes and masking as in `eval.py` of hendrycks/imagenet-r.
    """

    name: ClassVar[str] = "imagenet_r"
    reference: ClassVar[str] = "Hendrycks et al., The many faces of robustness, 2021"
    examples: ClassVar[tuple[Mapping[str, Any], ...]] = (
        {"path": "imagenet-r"},
        {"path": "imagenet-r", "limit": 1},
    )
    synsets_200: ClassVar[tuple[str, ...]] = IMAGENET_R
    source: ClassVar[str] = "ImageNet-R (Hendrycks et al., 2021)"

    @classmethod
    def write_example_files(cls, folder: Path) -> None:
        """Write two renditions of two classes."""
        cls._write(folder / "imagenet-r", ("art_0.jpg", "toy_12.jpg"))

    def _said(self, synset: str, name: str) -> dict[str, str | float]:
        match = _NAME.fullmatch(name)
        return {"rendition": match[1] if match else "other"}
