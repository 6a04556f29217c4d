"""A data set of pairs, whose images are degraded by a known amount, and what they go through."""

from __future__ import annotations

from typing import Any, ClassVar, Literal

import numpy as np
import torch

from adversity import Block, Classifier, Dataset, Degradation, Fitted, Restoration, Sample, State


class Pairs(Dataset):
    """Random squares, each 0.1 brighter than its reference, which may be larger or missing."""

    name: ClassVar[str] = "pairs"
    partners: Literal["all", "none", "some"] = "none"
    scale: int = 1
    size: int = 12
    seed: int = 0

    @property
    def class_names(self) -> tuple[str, ...]:
        return ("a", "b")

    def __len__(self) -> int:
        return 10

    def item(self, index: int) -> Sample:
        index = range(10)[index]
        draw = np.random.default_rng([index, self.seed])
        clean = draw.uniform(0.2, 0.7, (self.size, self.size)).astype(np.float32)
        there = self.partners == "all" or (self.partners == "some" and index % 2 == 0)
        reference = np.kron(clean, np.ones((self.scale, self.scale), np.float32))
        return Sample(clean + np.float32(0.1), index % 2, f"s{index}", reference if there else None)


class Darker(Degradation):
    """Take 0.05 from every value, which leaves the range [0, 1] for none of the images here."""

    name: ClassVar[str] = "darker"
    differentiable: ClassVar[bool] = True

    def degrade(self, images: torch.Tensor, rng: Any) -> torch.Tensor:
        return images - 0.05


class Repeat(Restoration):
    """Twice as many rows and columns, each value four times."""

    name: ClassVar[str] = "repeat"
    scale: ClassVar[int] = 2

    def restore(self, images: torch.Tensor, **needs: torch.Tensor) -> torch.Tensor:
        return images.repeat_interleave(2, 2).repeat_interleave(2, 3)


class Keep(Restoration):
    """Leaves every image as it is."""

    name: ClassVar[str] = "keep"

    def restore(self, images: torch.Tensor, **needs: torch.Tensor) -> torch.Tensor:
        return images


class Learner(Restoration, Fitted):
    """Remembers the size of the references it was fitted on, and what they differ by."""

    name: ClassVar[str] = "learner"
    fits_on: ClassVar[Literal["images"]] = "images"

    def fit(self, data: Any, rng: Any) -> State:
        blocks: list[Block] = list(data)
        sizes = [None if b.references is None else list(b.references.shape) for b in blocks]
        sums = [None if b.references is None else float(b.references.mean()) for b in blocks]
        return State({"one": np.ones(1)}, {"sizes": sizes, "means": sums})

    def load(self, state: State) -> None:
        self._loaded = True

    _loaded: bool = False

    def restore(self, images: torch.Tensor, **needs: torch.Tensor) -> torch.Tensor:
        return images


class Bright(Classifier):
    """Says b where an image is bright."""

    name: ClassVar[str] = "bright"
    differentiable: ClassVar[bool] = True
    level: float = 0.55

    @property
    def class_names(self) -> tuple[str, ...]:
        return ("a", "b")

    def logits(self, images: torch.Tensor) -> torch.Tensor:
        mean = images.mean((1, 2, 3))
        return torch.stack([self.level - mean, mean - self.level], 1)


TOYS = (Pairs, Darker, Repeat, Keep, Learner, Bright)
