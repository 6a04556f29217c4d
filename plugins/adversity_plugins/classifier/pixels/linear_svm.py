"""A linear support vector machine on pixels: one class against the rest."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from pydantic import Field

from adversity_plugins.classifier.pixels._images_as_pixels import PixelClassifier

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np
    from torch import Tensor

    from adversity.contracts.structure import Linear

__all__ = ["LinearSVM"]


class LinearSVM(PixelClassifier):
    """A linear support vector machine on the pixels, one class against the rest.

    Fitted with scikit-learn (LIBLINEAR: squared hinge loss, l2 penalty, the primal problem, in
    which nothing is drawn). The logits are its decision function; with two classes, its
    negative and itself. They are margins, not log-odds: calibrate them before they are read as
    probabilities. The attack `exact` knows the nearest failure.

    Reference:
        Cortes and Vapnik, "Support-vector networks", 1995; Fan et al., "LIBLINEAR: a library
        for large linear classification", 2008.
    """

    name: ClassVar[str] = "linear_svm"
    reference: ClassVar[str] = "Cortes, Vapnik, Support-vector networks, 1995"
    takes_weights: ClassVar[bool] = True
    arrays: ClassVar[tuple[str, ...]] = ("weights", "bias")

    c: float = Field(default=1.0, gt=0, description="scikit-learn's C: larger fits closer")
    max_iter: int = Field(default=10_000, ge=1, description="of the solver, at most")

    def _learn(
        self,
        pixels: np.ndarray[Any, Any],
        labels: np.ndarray[Any, Any],
        weights: np.ndarray[Any, Any] | None,
        rng: np.random.Generator,
    ) -> tuple[Mapping[str, np.ndarray[Any, Any]], dict[str, Any]]:
        import numpy as np
        from sklearn.svm import LinearSVC

        from adversity_plugins.classifier.pixels._pixel_table import converged

        model = LinearSVC(C=self.c, max_iter=self.max_iter, dual=False)
        table = pixels.astype(np.float64)
        with converged(f"classifier {self.name!r}", self.max_iter):
            model.fit(table, labels, sample_weight=weights)
        weights, bias = model.coef_, model.intercept_
        if len(weights) == 1:
            weights, bias = np.concatenate([-weights, weights]), np.concatenate([-bias, bias])
        return {"weights": weights, "bias": bias}, {
            "train_accuracy": float(model.score(table, labels))
        }

    def _take(self, arrays: dict[str, np.ndarray[Any, Any]]) -> dict[str, Any]:
        from adversity_plugins.classifier.pixels._linear_scores import linear_tensors

        return linear_tensors(arrays, self._device)

    def _scores(self, pixels: Tensor) -> tuple[Tensor, Tensor]:
        from adversity_plugins.classifier.pixels._linear_scores import linear_scores

        scores = linear_scores(pixels, self._fitted())
        return scores, scores

    def structure(self) -> Linear:
        """Return the linear map."""
        from adversity_plugins.classifier.pixels._linear_scores import linear_structure

        return linear_structure(self._fitted())
