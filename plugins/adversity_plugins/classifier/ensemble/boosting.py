"""Boosting: each member is fitted where those before it are wrong (SAMME)."""

from __future__ import annotations

from collections.abc import Mapping  # noqa: TC003  (claims are checked by their annotations)
from typing import TYPE_CHECKING, Any, ClassVar

from pydantic import Field, PrivateAttr

from adversity import MeasureInfo
from adversity.errors import WeightsError
from adversity_plugins.classifier.ensemble._fitted_members import (
    FittedMembers,
    child_of,
    labels_of,
)

if TYPE_CHECKING:
    import numpy as np
    from torch import Tensor

    from adversity import FitData, State

__all__ = ["Boosting"]


class Boosting(FittedMembers):
    """The vote of members that are fitted one after the other, on what those before got wrong (SAMME).

    Each image has a weight, which grows where a member is wrong; a member's vote counts alpha =
    `learning_rate` (log((1 - err) / err) + log(K - 1)) for its weighted error. A member that goes by
    weights (`takes_weights`) is fitted with them; any other on rows that are drawn by them, which is
    boosting by resampling. It ends before `members` where a member is right about all, or no better
    than guessing, which is then left out. The first alone may be no better: that is refused.

    The logits are the sums of alpha of the members that are for each class: of the model that SAMME
    fits they are the log odds. scikit-learn's `predict_proba` divides them by the sum of all alpha
    (K - 1)^2 / K, for the same answers. It has no gradient.

    Reference:
        J. Zhu, H. Zou, S. Rosset, T. Hastie, Multi-class AdaBoost, 2009, algorithm 2; Y. Freund,
        R. E. Schapire, Experiments with a new boosting algorithm, 1996, for resampling.
    """

    name: ClassVar[str] = "boosting"
    reference: ClassVar[str] = "J. Zhu, H. Zou, S. Rosset, T. Hastie, Multi-class AdaBoost, 2009"
    differentiable: ClassVar[bool] = False
    history: ClassVar[Mapping[str, MeasureInfo]] = {
        "weighted_error": MeasureInfo(0.0, 1.0, title="weighted error of the member"),
    }
    examples: ClassVar[tuple[Mapping[str, Any], ...]] = (
        {"member": {"uses": "decision_tree", "with": {"max_depth": 2}}, "members": 5},
        {"member": {"uses": "logistic_regression", "with": {"c": 1e-4}}, "members": 3},
    )

    members: int = Field(default=50, ge=1, le=1000, description="how many, at most")
    learning_rate: float = Field(default=1.0, gt=0, description="what alpha is multiplied by")
    seed: int = Field(default=0, ge=0, description="enters the generator of the fitting")

    _alphas: Any = PrivateAttr(default=None)

    def fit(self, data: FitData, rng: np.random.Generator) -> State:
        """Fit the members in turn.

        Args:
            data: Blocks with `images` and `targets`; gone through twice for each member.
            rng: A generator of its own for each member, and for drawn rows.

        Returns:
            The members' states, with their number before each name, the arrays `alphas` `[M]` and
            `errors` `[M]`, and as information `members`, `by` (weights or draws) and `ended`.

        Raises:
            DataError: There are no labels, or the first member is no better than guessing.
        """
        from adversity_plugins.classifier.ensemble._boosting_fit import boosted

        return boosted(self, data, labels_of(data, self.name), rng, child_of)

    def load(self, state: State) -> None:
        """Take the members and what their votes count.

        Raises:
            WeightsError: If the state is not one of this plugin.
        """
        super().load(state)
        alphas = state.arrays.get("alphas")
        if alphas is None or alphas.shape != (len(self._members),) or not (alphas > 0).all():
            raise WeightsError(
                f"boosting expects an alpha above 0 for each of {len(self._members)} members, got "
                f"{alphas}; run the step that fits it again"
            )
        self._alphas = [float(alpha) for alpha in alphas]

    def logits(self, images: Tensor) -> Tensor:
        """Return `[N, K]`, for each class the sum of alpha of those that are for it."""
        from torch.nn.functional import one_hot

        members = self._fitted()
        total: Any = 0.0
        for member, alpha in zip(members, self._alphas, strict=True):
            said = member.logits(images)
            total = total + alpha * one_hot(said.argmax(1), said.shape[1]).double()
        return total.float()  # type: ignore[no-any-return]
