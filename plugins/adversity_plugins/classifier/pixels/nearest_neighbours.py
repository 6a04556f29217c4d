"""The nearest neighbours among the training images vote."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Literal

from pydantic import Field

from adversity.errors import DataError
from adversity_plugins.classifier.pixels._images_as_pixels import PixelClassifier

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np
    from torch import Tensor

    from adversity.contracts.structure import Prototypes

__all__ = ["NearestNeighbours"]


class NearestNeighbours(PixelClassifier):
    """The classes of the nearest training images, in l2 over the pixels.

    It gives the share of each class among the `neighbours` nearest. Of equally distant points
    the earlier of the training set is nearer (scikit-learn promises no order there), and of
    equal shares the first class wins. All training images are stored. With one neighbour the
    attack `exact` knows the nearest failure.

    Reference:
        Cover and Hart, "Nearest neighbor pattern classification", 1967.
    """

    name: ClassVar[str] = "nearest_neighbours"
    reference: ClassVar[str] = "Cover, Hart, Nearest neighbor pattern classification, 1967"
    differentiable: ClassVar[bool] = False
    gives: ClassVar[Literal["logits", "probs", "labels"]] = "probs"
    examples: ClassVar[tuple[Mapping[str, Any], ...]] = ({}, {"neighbours": 5})
    arrays: ClassVar[tuple[str, ...]] = ("points", "labels")

    neighbours: int = Field(default=1, ge=1, description="how many vote")

    def _learn(
        self,
        pixels: np.ndarray[Any, Any],
        labels: np.ndarray[Any, Any],
        weights: np.ndarray[Any, Any] | None,
        rng: np.random.Generator,
    ) -> tuple[Mapping[str, np.ndarray[Any, Any]], dict[str, Any]]:
        if self.neighbours > len(labels):
            raise DataError(
                f"classifier 'nearest_neighbours' takes {self.neighbours} neighbours, and there "
                f"are {len(labels)} training images; choose fewer `neighbours`"
            )
        return {"points": pixels, "labels": labels}, {}

    def _take(self, arrays: dict[str, np.ndarray[Any, Any]]) -> dict[str, Any]:
        import numpy as np

        points, labels = arrays["points"], arrays["labels"]
        if points.ndim != 2 or labels.shape != (len(points),) or len(points) < self.neighbours:
            raise ValueError(f"points {points.shape} and labels {labels.shape} do not fit")
        return {"points": points.astype(np.float64), "labels": labels}

    def _scores(self, pixels: Tensor) -> tuple[Tensor, Tensor]:
        import torch

        from adversity_plugins.classifier.pixels._neighbour_votes import votes

        counts = votes(pixels.detach().cpu().numpy(), self.structure())
        shares = torch.from_numpy(counts / self.neighbours).to(pixels.device)
        return shares, shares

    def structure(self) -> Prototypes:
        """Return the training images and their classes."""
        from adversity.contracts.structure import Prototypes

        learnt = self._fitted()
        return Prototypes(
            learnt["points"], learnt["labels"], self.neighbours, len(self.class_names)
        )
