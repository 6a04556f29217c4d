"""Batch norm's scales and shifts moved so that answers to unlabelled images are surer."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from adversity.errors import InputError
from adversity_plugins.classifier.network._adaptation import entropy

if TYPE_CHECKING:
    from adversity import FitData
    from adversity_plugins.classifier.network._adaptation import Adapted

__all__ = ["Descent"]


class Descent:
    """Steps down the mean entropy of all images, by weights and biases of batch norm.

    A step moves no number by more than its length, along the gradient divided by its largest
    part. One that does not lower the entropy is taken back, and halves those after it.

    Attributes:
        entropy: The mean at the present weights, in nats.
        length: Of the next step.
    """

    def __init__(self, adapted: Adapted, data: FitData, length: float) -> None:
        """Look at all images once.

        Raises:
            InputError: No layer has a weight, or the network has no gradient.
        """
        self._adapted, self._data, self.length = adapted, data, length
        self._places = [
            (name, field)
            for name, layer in adapted.layers.items()
            for field in ("weight", "bias")
            if getattr(layer, field) is not None
        ]
        if not self._places:
            raise InputError(
                "batch_norm_adaptation moves weights and biases of batch norm, and this network's "
                "has none: set entropy_steps: 0 to estimate its statistics alone"
            )
        self.entropy, self._slopes = self._looked()

    def step(self) -> None:
        """Take one, or take it back."""
        steepest = max(float(slope.abs().max()) for slope in self._slopes)
        before = dict(self._adapted.layers)
        if steepest == 0:
            return
        for (name, field), slope in zip(self._places, self._slopes, strict=True):
            layer = self._adapted.layers[name]
            moved = getattr(layer, field) - self.length / steepest * slope
            self._adapted.layers[name] = replace(layer, **{field: moved})
        reached, slopes = self._looked()
        if reached < self.entropy:
            self.entropy, self._slopes = reached, slopes
        else:
            self._adapted.layers.update(before)
            self.length /= 2

    def _looked(self) -> tuple[float, list[Tensor]]:
        """Return the mean entropy of all images, and its gradient by each weight and bias."""
        adapted, found = self._adapted, dict(self._adapted.layers)
        leaves = []
        for name, field in self._places:
            leaf = getattr(adapted.layers[name], field).detach().clone().requires_grad_()
            adapted.layers[name] = replace(adapted.layers[name], **{field: leaf})
            leaves.append(leaf)
        total, count = 0.0, 0
        sums = [torch.zeros_like(leaf, dtype=torch.float64) for leaf in leaves]
        try:
            for images in adapted.blocks(self._data):
                with torch.enable_grad(), adapted.mode():
                    lost = entropy(adapted.network.answers(images)[: len(images)]).sum()
                if not lost.requires_grad:
                    raise InputError(
                        "batch_norm_adaptation follows the gradient of the entropy, and this "
                        "network gives none: set entropy_steps: 0"
                    )
                slopes = torch.autograd.grad(lost, leaves, allow_unused=True)
                for whole, slope in zip(sums, slopes, strict=True):
                    whole += 0 if slope is None else slope.double()
                total, count = total + float(lost.detach()), count + len(images)
        finally:
            adapted.layers.update(found)
        return total / count, [
            (whole / count).to(leaf.dtype) for whole, leaf in zip(sums, leaves, strict=True)
        ]
