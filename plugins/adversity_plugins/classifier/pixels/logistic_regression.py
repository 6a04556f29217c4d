"""Logistic regression on pixels: linear, and its nearest failure has a closed form."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from pydantic import Field

from adversity_plugins.classifier.pixels._images_as_pixels import PixelClassifier

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np
    from torch import Tensor

    from adversity.contracts.structure import Linear

__all__ = ["LogisticRegression"]


class LogisticRegression(PixelClassifier):
    """Multinomial logistic regression on the pixels, with an l2 penalty.

    Fitted with scikit-learn (L-BFGS). The logits are its decision function; with two classes
    they are 0 and the decision function, so that their softmax is its `predict_proba`. The
    attack `exact` knows the nearest failure.

    Reference:
        Cox, "The regression analysis of binary sequences", 1958; Pedregosa et al.,
        "Scikit-learn: machine learning in Python", 2011.
    """

    name: ClassVar[str] = "logistic_regression"
    reference: ClassVar[str] = "Cox, The regression analysis of binary sequences, 1958"
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
        from sklearn import linear_model

        from adversity_plugins.classifier.pixels._pixel_table import converged

        model = linear_model.LogisticRegression(C=self.c, max_iter=self.max_iter)
        table = pixels.astype(np.float64)
        with converged(f"classifier {self.name!r}", self.max_iter):
            model.fit(table, labels, sample_weight=weights)
        weights, bias = model.coef_, model.intercept_
        if len(weights) == 1:
            weights = np.concatenate([np.zeros_like(weights), weights])
            bias = np.concatenate([np.zeros_like(bias), bias])
        facts = {
            "iterations": int(np.max(model.n_iter_)),
            "train_accuracy": float(model.score(table, labels)),
        }
        return {"weights": weights, "bias": bias}, facts

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
