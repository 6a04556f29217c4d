"""Many trees on pixels, each grown on a draw of the training images."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from pydantic import Field

from adversity_plugins.classifier.pixels._tree_pixels import TreeClassifier

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np

__all__ = ["RandomForest"]


class RandomForest(TreeClassifier):
    """A random forest on the pixels.

    Fitted with scikit-learn (Gini impurity, the square root of the pixels tried at a split,
    bootstrap draws). It gives the mean of the trees' class shares; of equal means the first
    class wins. Weights of samples are its `sample_weight`; `min_samples_leaf` counts samples. It
    has no gradient; the attack `exact` finds the nearest failure of small forests.

    Reference:
        Breiman, "Random forests", 2001. As scikit-learn does, we differ in averaging the
        trees' shares where the paper counts votes.
    """

    name: ClassVar[str] = "random_forest"
    reference: ClassVar[str] = "Breiman, Random forests, 2001"
    examples: ClassVar[tuple[Mapping[str, Any], ...]] = ({"trees": 30},)
    heavy: ClassVar[str] = "hundreds of trees, fitted several times"

    takes_weights: ClassVar[bool] = True

    trees: int = Field(default=100, ge=1, description="how many vote")
    max_depth: int | None = Field(default=None, ge=1, description="None: until leaves are pure")
    min_samples_leaf: int = Field(
        default=1, ge=1, description="training images in a leaf, at least"
    )
    seed: int = Field(default=0, ge=0, description="enters the generator of the fitting")

    def _learn(
        self,
        pixels: np.ndarray[Any, Any],
        labels: np.ndarray[Any, Any],
        weights: np.ndarray[Any, Any] | None,
        rng: np.random.Generator,
    ) -> tuple[Mapping[str, np.ndarray[Any, Any]], dict[str, Any]]:
        import numpy as np
        from sklearn.ensemble import RandomForestClassifier

        from adversity_plugins.classifier.pixels._pixel_table import seed_of, unequal
        from adversity_plugins.classifier.pixels._tree_scores import packed

        model = RandomForestClassifier(
            n_estimators=self.trees,
            max_depth=self.max_depth,
            min_samples_leaf=self.min_samples_leaf,
            random_state=seed_of(rng),
            n_jobs=1,
        ).fit(pixels, labels, sample_weight=unequal(weights))
        grown = [tree.tree_ for tree in model.estimators_]
        arrays = packed(grown, lambda _, value: value, np.zeros(len(model.classes_)))
        return arrays, {"leaves": sum(int(tree.n_leaves) for tree in grown)}
