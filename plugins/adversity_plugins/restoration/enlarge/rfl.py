"""RFL: super-resolution by a forest of linear maps."""

from __future__ import annotations

from collections.abc import Mapping  # noqa: TC003  (pydantic reads the claims)
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from pydantic import Field

from adversity_plugins.restoration.enlarge._patch_regression import PatchRegression

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["RFL"]

_FOR_STRUCTURE = 100_000
_NODES = ("feature", "threshold", "left", "right", "leaf")


class RFL(PatchRegression):
    """Enlarge by linear maps in the leaves of a forest, learnt from photos (RFL).

    Patches are those of `a_plus`, first and second differences in some 30 numbers. Each tree tests
    one of them against a threshold at each node, and has a ridge regression (penalty 0.01) in each
    leaf to the detail that bicubic interpolation lacks; the forest says the mean of its trees. Cb
    and Cr are bicubic; a grey image is taken as it is. Fitted as `a_plus`.

    Where we differ: scikit-learn grows each tree, to the published depth of 15, on 100 000 patches,
    with the best of 10 random tests at each node; all patches then enter the leaves' regressions.
    Tests compare one number, never two. Maps have no constant, so that what is flat stays flat.

    Reference: Schulter, Leistner, Bischof, "Fast and accurate image upscaling with super-resolution
    forests", 2015.
    """

    name: ClassVar[str] = "rfl"
    reference: ClassVar[str] = (
        "Schulter, Leistner, Bischof, Fast and accurate image upscaling with super-resolution "
        "forests, 2015"
    )
    arrays: ClassVar[tuple[str, ...]] = (*_NODES, "roots", "maps")
    examples: ClassVar[tuple[Mapping[str, Any], ...]] = (
        {"trees": 2, "leaf": 100, "patches": 4000, "scales": 2},
    )

    trees: int = Field(default=10, ge=1, le=200, description="whose answers are averaged")
    depth: int = Field(default=15, ge=1, le=30, description="most tests on the way to a leaf")
    leaf: int = Field(default=64, ge=1, le=100_000, description="fewest patches in a leaf")
    penalty: float = Field(default=0.01, gt=0, le=1000, description="of the ridge regressions")

    def learn(
        self, features: Tensor, details: Tensor, rng: np.random.Generator
    ) -> Mapping[str, np.ndarray[Any, Any]]:
        """Return the trees' nodes behind each other, and the maps of their leaves."""
        import torch

        from adversity_plugins.restoration.enlarge._forest import grown, leaf_maps, leaves_of

        parts: dict[str, list[np.ndarray[Any, Any]]] = {name: [] for name in self.arrays}
        nodes = leaves = 0
        for _ in range(self.trees):
            some = rng.permutation(len(features))[:_FOR_STRUCTURE]
            tree = grown(
                features[some],
                details[some],
                depth=self.depth,
                leaf=self.leaf,
                seed=int(rng.integers(2**31)),
            )
            alone = {name: torch.from_numpy(value) for name, value in tree.items()}
            ends = leaves_of(features, alone, 0)
            parts["maps"].append(leaf_maps(features, details, ends, self.penalty).numpy())
            parts["roots"].append(np.array([nodes]))
            shift = {"left": nodes, "right": nodes, "leaf": leaves}
            for name in _NODES:
                parts[name].append(tree[name] + shift.get(name, 0))
            nodes += len(tree["leaf"])
            leaves += len(parts["maps"][-1])
        return {name: np.concatenate(values) for name, values in parts.items()}

    def details(self, features: Tensor, learnt: Mapping[str, Tensor]) -> Tensor:
        """Return the mean of what the trees say."""
        import torch

        from adversity_plugins.restoration.enlarge._anchors import by_kind
        from adversity_plugins.restoration.enlarge._forest import leaves_of

        total = features.new_zeros(len(features), learnt["maps"].shape[1])
        for root in learnt["roots"].tolist():
            ends = leaves_of(features, learnt, root)
            kinds, at = torch.unique(ends, return_inverse=True)
            total += by_kind(features, at, learnt["maps"][kinds])
        return total / len(learnt["roots"])
