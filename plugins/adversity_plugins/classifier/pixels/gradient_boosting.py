"""Small trees on pixels, each grown to correct those before it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from pydantic import Field

from adversity_plugins.classifier.pixels._tree_pixels import TreeClassifier

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np
    from torch import Tensor

__all__ = ["GradientBoosting"]


class GradientBoosting(TreeClassifier):
    """Gradient boosting of small trees on the pixels.

    Fitted with scikit-learn (log loss, one tree a class and round; with two classes one tree
    a round), by the weights of samples, if any. It gives the softmax of the boosted scores; of equal scores the first class wins.
    It has no gradient; the attack `exact` finds the nearest failure where rounds are few.

    Reference:
        Friedman, "Greedy function approximation: a gradient boosting machine", 2001.
    """

    name: ClassVar[str] = "gradient_boosting"
    reference: ClassVar[str] = (
        "Friedman, Greedy function approximation: a gradient boosting machine, 2001"
    )
    examples: ClassVar[tuple[Mapping[str, Any], ...]] = ({"rounds": 10, "max_depth": 2},)
    heavy: ClassVar[str] = "hundreds of trees, fitted several times"

    takes_weights: ClassVar[bool] = True

    rounds: int = Field(default=100, ge=1, description="trees for each class, one after the other")
    learning_rate: float = Field(
        default=0.1, gt=0, le=1, description="what each tree adds is multiplied by it"
    )
    max_depth: int = Field(default=3, ge=1, description="of a tree")
    seed: int = Field(default=0, ge=0, description="enters the generator of the fitting")

    def _learn(
        self,
        pixels: np.ndarray[Any, Any],
        labels: np.ndarray[Any, Any],
        weights: np.ndarray[Any, Any] | None,
        rng: np.random.Generator,
    ) -> tuple[Mapping[str, np.ndarray[Any, Any]], dict[str, Any]]:
        from sklearn.ensemble import GradientBoostingClassifier

        from adversity_plugins.classifier.pixels._boosted_scores import boosted
        from adversity_plugins.classifier.pixels._pixel_table import seed_of, unequal

        weights = unequal(weights)
        model = GradientBoostingClassifier(
            n_estimators=self.rounds,
            learning_rate=self.learning_rate,
            max_depth=self.max_depth,
            random_state=seed_of(rng),
        ).fit(pixels, labels, sample_weight=weights)
        return boosted(model, labels, weights), {"last_loss": float(model.train_score_[-1])}

    def _probs(self, scores: Tensor) -> Tensor:
        return scores.softmax(1)
