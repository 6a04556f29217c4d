"""Classifiers that make no second member, or none at all."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
import torch

from adversity import Classifier, Fitted, State


class Brightest(Fitted, Classifier):
    """Goes by mean brightness; its seed changes nothing of what it learns."""

    name: ClassVar[str] = "brightest"
    gives: ClassVar[str] = "logits"
    seed: int = 0
    _names: tuple[str, ...] = ()
    _means: Any = None

    @property
    def class_names(self) -> tuple[str, ...]:
        return self._names

    def fit(self, data: Any, rng: Any) -> State:
        blocks = list(data)
        bright = np.concatenate([block.images.mean((1, 2, 3)).numpy() for block in blocks])
        targets = np.concatenate([block.targets.numpy() for block in blocks])
        means = np.array([bright[targets == k].mean() for k in range(len(data.class_names))])
        return State({"means": means}, {"names": list(data.class_names), "seed": self.seed})

    def load(self, state: State) -> None:
        self._means = torch.from_numpy(state.arrays["means"].copy()).float()
        self._names = tuple(state.info["names"])

    def logits(self, images: torch.Tensor) -> torch.Tensor:
        return -((images.mean((1, 2, 3))[:, None] - self._means) ** 2)


class Backwards(Classifier):
    """Knows the classes in another order."""

    name: ClassVar[str] = "backwards"
    gives: ClassVar[str] = "logits"

    @property
    def class_names(self) -> tuple[str, ...]:
        return tuple(f"class_{k}" for k in (3, 2, 1, 0))

    def logits(self, images: torch.Tensor) -> torch.Tensor:
        return images.flatten(1)[:, :4].clone()
