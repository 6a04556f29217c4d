"""A support vector machine with a Gaussian kernel on pixels, differentiable."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

from pydantic import Field

from adversity_plugins.classifier.pixels._images_as_pixels import PixelClassifier

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np
    from torch import Tensor

__all__ = ["RbfSVM"]


class RbfSVM(PixelClassifier):
    """A support vector machine with a Gaussian kernel on the pixels, one class against the rest.

    Fitted with scikit-learn (LIBSVM), once for each class; with two classes, once. The logits
    are the decision functions (with two classes, the negative and itself), which have a
    gradient everywhere. Weights of samples multiply `c`, and count in the variance of `scale`. We
    differ from `SVC` with more than two classes: it lets every pair of classes vote, whose count
    has no gradient. They are margins, not log-odds.

    Reference:
        Boser, Guyon and Vapnik, "A training algorithm for optimal margin classifiers", 1992;
        Rifkin and Klautau, "In defense of one-vs-all classification", 2004; Chang and Lin,
        "LIBSVM: a library for support vector machines", 2011.
    """

    name: ClassVar[str] = "rbf_svm"
    reference: ClassVar[str] = (
        "Boser, Guyon, Vapnik, A training algorithm for optimal margin classifiers, 1992"
    )
    takes_weights: ClassVar[bool] = True
    arrays: ClassVar[tuple[str, ...]] = ("points", "weights", "bias", "gamma")

    c: float = Field(default=1.0, gt=0, description="scikit-learn's C: larger fits closer")
    gamma: Annotated[float, Field(gt=0)] | Literal["scale"] = Field(
        default="scale",
        description="of exp(-gamma * distance ** 2); `scale` is 1 / (D * variance of the pixels)",
    )

    def _learn(
        self,
        pixels: np.ndarray[Any, Any],
        labels: np.ndarray[Any, Any],
        weights: np.ndarray[Any, Any] | None,
        rng: np.random.Generator,
    ) -> tuple[Mapping[str, np.ndarray[Any, Any]], dict[str, Any]]:
        from adversity_plugins.classifier.pixels._rbf_kernel import learn

        return learn(pixels, labels, weights, c=self.c, gamma=self.gamma)

    def _take(self, arrays: dict[str, np.ndarray[Any, Any]]) -> dict[str, Any]:
        from adversity_plugins.classifier.pixels._rbf_kernel import tensors

        return tensors(arrays, self._device)

    def _scores(self, pixels: Tensor) -> tuple[Tensor, Tensor]:
        from adversity_plugins.classifier.pixels._rbf_kernel import scores_of

        scores = scores_of(pixels, self._fitted())
        return scores, scores
