"""One decision tree on pixels."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from pydantic import Field

from adversity_plugins.classifier.pixels._tree_pixels import TreeClassifier

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np

__all__ = ["DecisionTree"]


class DecisionTree(TreeClassifier):
    """A decision tree on the pixels, split by Gini impurity.

    Fitted with scikit-learn. It gives the class shares of the leaf's training images; of
    equal shares the first class wins. It has no gradient; the attack `exact` knows the nearest
    failure.

    Reference:
        Breiman, Friedman, Olshen and Stone, "Classification and regression trees", 1984.
    """

    name: ClassVar[str] = "decision_tree"
    reference: ClassVar[str] = (
        "Breiman, Friedman, Olshen, Stone, Classification and regression trees, 1984"
    )

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
        from sklearn.tree import DecisionTreeClassifier

        from adversity_plugins.classifier.pixels._pixel_table import seed_of
        from adversity_plugins.classifier.pixels._tree_scores import packed

        model = DecisionTreeClassifier(
            max_depth=self.max_depth,
            min_samples_leaf=self.min_samples_leaf,
            random_state=seed_of(rng),
        ).fit(pixels, labels)
        arrays = packed([model.tree_], lambda _, value: value, np.zeros(len(model.classes_)))
        return arrays, {"leaves": int(model.get_n_leaves()), "depth": int(model.get_depth())}
