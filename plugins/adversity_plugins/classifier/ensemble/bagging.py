"""Bagging: a member from each draw of the training images, and the mean of what they say."""

from __future__ import annotations

from collections.abc import Mapping  # noqa: TC003  (claims are checked by their annotations)
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from pydantic import Field

from adversity import MeasureInfo
from adversity_plugins.classifier.ensemble._fitted_members import (
    FittedMembers,
    child_of,
    labels_of,
)

if TYPE_CHECKING:
    import numpy as np
    from torch import Tensor

    from adversity import FitData, State

__all__ = ["Bagging"]


class Bagging(FittedMembers):
    """The mean of members that are each fitted on a bootstrap draw of the training images.

    A draw has as many rows as there are, with replacement; one without a row of each class is drawn
    again. About 37 % of the images are in no draw of a member: how right the members are that did
    not see an image, on average over all images, is the out-of-bag accuracy, an estimate that needs
    no other images. The history has it after each member, over the images seen so far to be out.

    Rows are drawn one by one: where several are of one patient or video, or equal, the estimate
    flatters, and `bootstrap:` on a step, with `deep_ensemble` over its draws, draws groups whole and
    keeps what members say.
    """

    name: ClassVar[str] = "bagging"
    reference: ClassVar[str] = "L. Breiman, Bagging predictors, 1996; Out-of-bag estimation, 1996"
    gives: ClassVar[Literal["logits", "probs", "labels"]] = "probs"
    history: ClassVar[Mapping[str, MeasureInfo]] = {
        "out_of_bag_accuracy": MeasureInfo(0.0, 1.0, title="out-of-bag accuracy", better="higher"),
    }
    examples: ClassVar[tuple[Mapping[str, Any], ...]] = (
        {"member": {"uses": "rbf_svm"}, "members": 3},
    )

    members: int = Field(default=10, ge=1, le=1000, description="how many")
    seed: int = Field(default=0, ge=0, description="enters the generator of the fitting")

    def fit(self, data: FitData, rng: np.random.Generator) -> State:
        """Draw and fit the members.

        Args:
            data: Blocks with `images` and `targets`; gone through twice for each member.
            rng: For the draws, and a generator of its own for each member.

        Returns:
            The members' states, with their number before each name, the arrays `draws` `[M, N]`, the
            rows of each, and as information `out_of_bag_accuracy` over `out_of_bag` images.

        Raises:
            DataError: There are no labels, or a class has too few images to be in a draw.
        """
        from adversity_plugins.classifier.ensemble._bagging_fit import bagged

        return bagged(self, data, labels_of(data, self.name), rng, child_of)

    @property
    def without_gradient(self) -> str | None:
        """Why its members have no gradient; None if they have."""
        plugin = self.member.plugin
        if not plugin.differentiable:
            return f"its members, {plugin.name}, are not differentiable"
        return next((why for one in self._members if (why := one.no_gradient)), None)

    def member_probs(self, images: Tensor) -> Tensor:
        """Return what each member says, `[M, N, K]` float64 probabilities, in the order of draws."""
        import torch

        return torch.stack([self._said(member, images) for member in self._fitted()])

    def logits(self, images: Tensor) -> Tensor:
        """Return probabilities `[N, K]`, the mean of the members'."""
        first, *others = self._fitted()
        total = self._said(first, images)
        for member in others:
            total = total + self._said(member, images)
        return (total / len(self._members)).to(images.dtype)
