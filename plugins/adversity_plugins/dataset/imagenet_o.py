"""ImageNet-O as it is published: photographs of things that are none of ImageNet's 1 000 classes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar

from adversity_plugins.dataset._imagenet_200 import ImageNet200
from adversity_plugins.dataset._imagenet_subsets import IMAGENET_O

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["ImageNetO"]


class ImageNetO(ImageNet200):
    """ImageNet-O: 2 000 photographs of none of ImageNet's classes, taken for 200 of them.

    Images lie as `WNID/NAME`, which is also the id. The folder is no label: it is a class that
    the image is not of, and stands in the attribute `folder`. So samples have no class, and a
    score is asked how well it tells them from images of these 200 classes: `metric/auroc`, with
    AUPR, against the validation images that lie in the folders of the same names.

    Published results slice the logits of both sets to the 200 classes before the softmax:
    `classes: data` on both steps. A step without it says so in the report.

    Reference:
        Hendrycks, Zhao, Basart, Steinhardt and Song, "Natural adversarial examples", 2021; classes
        and masking as in `eval_many_models.py` of hendrycks/natural-adv-examples.
    """

    name: ClassVar[str] = "imagenet_o"
    reference: ClassVar[str] = "Hendrycks et al., Natural adversarial examples, 2021"
    examples: ClassVar[tuple[Mapping[str, Any], ...]] = (
        {"path": "imagenet-o"},
        {"path": "imagenet-o", "limit": 1},
    )
    synsets_200: ClassVar[tuple[str, ...]] = IMAGENET_O
    source: ClassVar[str] = "ImageNet-O (Hendrycks et al., 2021)"

    @classmethod
    def write_example_files(cls, folder: Path) -> None:
        """Write two images taken for two classes."""
        cls._write(folder / "imagenet-o", ("ILSVRC2012_01.JPEG", "ILSVRC2012_02.JPEG"))

    def _target(self, synset: str) -> int | None:
        return None

    def _said(self, synset: str, name: str) -> dict[str, str | float]:
        return {"folder": synset}
