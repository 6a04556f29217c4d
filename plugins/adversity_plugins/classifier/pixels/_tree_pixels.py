"""What classifiers made of trees share: arrays, the walk, and no gradient."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Literal

from adversity_plugins.classifier.pixels._images_as_pixels import PixelClassifier

if TYPE_CHECKING:
    import numpy as np
    from torch import Tensor

    from adversity.contracts.structure import Trees

__all__ = ["TreeClassifier"]


class TreeClassifier(PixelClassifier):
    """Walk down trees, and make probabilities of what their leaves say."""

    differentiable: ClassVar[bool] = False
    gives: ClassVar[Literal["logits", "probs", "labels"]] = "probs"
    arrays: ClassVar[tuple[str, ...]] = (
        "roots",
        "feature",
        "threshold",
        "left",
        "right",
        "value",
        "base",
    )

    def _take(self, arrays: dict[str, np.ndarray[Any, Any]]) -> dict[str, Any]:
        from adversity_plugins.classifier.pixels._tree_scores import checked

        return dict(checked(arrays))

    def _scores(self, pixels: Tensor) -> tuple[Tensor, Tensor]:
        import torch

        from adversity_plugins.classifier.pixels._tree_scores import scores_of

        scores = scores_of(self._fitted(), pixels.detach().cpu().numpy())
        tensor = torch.from_numpy(scores).to(pixels.device)
        return self._probs(tensor), tensor

    def _probs(self, scores: Tensor) -> Tensor:
        """Return probabilities `[N, K]` of the scores: the mean of the trees' class shares."""
        return scores / (len(self._fitted()["roots"]) - 1)

    def structure(self) -> Trees:
        """Return the trees."""
        from adversity_plugins.classifier.pixels._tree_scores import trees_of

        return trees_of(self._fitted())
