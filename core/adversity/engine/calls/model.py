"""A classifier as a method that asks it many times gets it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from adversity.engine.calls.blocks import network_rows
from adversity.errors import InputError
from adversity.shapes import rows_fault

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor, nn

    from adversity.engine.calls.classifier_call import ClassifierCall

__all__ = ["ClassifierModel", "Heard"]


class ClassifierModel:
    """Images to logits through a classifier's final call, and the networks behind it."""

    def __init__(self, call: ClassifierCall) -> None:
        """Take the call of a classifier that is set up, and fitted where it must be.

        Raises:
            InputError: If it gives labels only.
        """
        if call.ready.plugin.gives == "labels":
            raise InputError(
                f"{call.ready.label} gives labels only: expected logits or probabilities, to see how "
                "an answer varies"
            )
        self._call = call

    @property
    def label(self) -> str:
        """What messages call the classifier."""
        return self._call.ready.label

    @property
    def classes(self) -> int:
        """K; 0 for a user's own network before its first answer."""
        return len(self._call.class_names)

    def rows(self, images: Tensor) -> int:
        """Return with how many rows it is called for such images."""
        return network_rows(self._call.ready.plugin, images)

    def meet(self, images: Tensor, ids: Sequence[str]) -> None:
        """Answer once as it is, checked: whatever a classifier does on its first images is done.

        Raises:
            InputError: If it takes no such images; a `PluginError` if its answer is a wrong one.
        """
        first = self.rows(images)
        self._call.logits(images[:first], ids[:first])

    def __call__(self, images: Tensor) -> Tensor:
        """Return logits `[N, K]` float32, finite; log p where it gives probabilities.

        Args:
            images: `[N, C, H, W]` float32 in [0, 1]; the answer is where they are.
        """
        values = self._call.answers(images)
        fault = rows_fault(values, rows=len(images), columns=self.classes)
        if fault is not None:
            self._call.ready.broke(fault)
        return values.float().to(images.device)

    def networks(self) -> tuple[nn.Module, ...]:
        """Return the networks among the classifier's attributes; none where it holds none."""
        return self._call.networks()


class Heard:
    """A model, and what it said: a way for the gradient where a mean of probabilities has none."""

    def __init__(self, model: ClassifierModel) -> None:
        """Nothing is said yet."""
        self._model = model
        self._said: list[Tensor] = []

    def __call__(self, images: Tensor) -> Tensor:
        """Return logits `[N, K]`, and keep them."""
        self._said.append(self._model(images))
        return self._said[-1]

    def networks(self) -> tuple[nn.Module, ...]:
        """Return the networks among the classifier's attributes."""
        return self._model.networks()

    def logs(self, probs: Tensor) -> Tensor:
        """Return the mean log p of what was said, as `probs` `[N, K]`; these if nothing fits them."""
        said = [one.to(probs).log_softmax(1) for one in self._said if one.shape == probs.shape]
        return sum(said[1:], said[0]) / len(said) if said else probs
