"""Data whose targets are numbers, and regressors that do not fit them."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
import torch

from adversity import Dataset, Predictive, Regressor, Sample

__all__ = ["Lit", "Other", "Sometimes"]


class Lit(Dataset):
    """Grey images whose brightness, and its square, are known but for some."""

    name: ClassVar[str] = "lit"
    count: int = 30
    width: int = 1
    first: int = 0
    unknown: int = 0
    counted: bool = False
    grouped: int = 0

    @property
    def class_names(self) -> tuple[str, ...]:
        return ()

    @property
    def target_names(self) -> tuple[str, ...]:
        return ("light", "square")[: self.width]

    def __len__(self) -> int:
        return self.count

    def item(self, index: int) -> Sample:
        if not 0 <= index < self.count:
            raise IndexError(index)
        draw = np.random.default_rng(self.first + index)
        level, noise = draw.uniform(0.2, 0.8), draw.normal(0, 0.01, (8, 8))
        numbers = (10 * level, 10 * level**2)[: self.width]
        target = numbers[0] if self.width == 1 else numbers
        image = (level + noise).clip(0, 1).astype(np.float32)
        name = f"lit-{self.first + index:03d}"
        counts = {"counts": float(index % 3)} if self.counted else {}
        group = f"group {index // self.grouped}" if self.grouped else None
        known = None if index < self.unknown else target
        return Sample(image, known, name, group=group, attributes=counts)


class Other(Regressor):
    """Names another number."""

    name: ClassVar[str] = "other"
    width: int = 1

    @property
    def target_names(self) -> tuple[str, ...]:
        return ("weight", "height")[: self.width]

    def predict(self, images: torch.Tensor) -> Predictive:
        return Predictive(mean=images.mean((1, 2, 3))[:, None].expand(-1, self.width))


class Sometimes(Regressor):
    """Says how sure it is of bright images alone."""

    name: ClassVar[str] = "sometimes"
    block_rows: ClassVar[int] = 1

    @property
    def target_names(self) -> tuple[str, ...]:
        return ("light",)

    def predict(self, images: torch.Tensor) -> Predictive:
        mean = images.mean((1, 2, 3))[:, None]
        return Predictive(mean=mean, variance=None if mean[0] < 0.5 else torch.ones_like(mean))
