"""The nearest failure there is, for victims that are laid open: linear, trees, one neighbour."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

from pydantic import Field

from adversity import Access, Attack, Norm
from adversity.errors import InputError

if TYPE_CHECKING:
    from torch import Tensor

    from adversity import SampleRng, Target
    from adversity.contracts.values import Perturbed

__all__ = ["Exact"]


class Exact(Attack):
    """The nearest failure there is, of linear models, trees and one nearest neighbour.

    No attack comes nearer, so its distance is the robustness itself, in linf, l2 or l1 and
    inside the box [0, 1]:

    - linear scores (`logistic_regression`, `linear_svm`): the nearest point at which a rival
      class draws level, in closed form for each rival;
    - trees (`decision_tree`, `random_forest`, `gradient_boosting`): a search over the boxes in
      which the leaves of all trees are fixed, nearest first. It looks at `max_nodes` boxes; a
      single tree and a few trees need far fewer, a large forest more than there is time for.
      A sample for which they do not suffice has a failure that may not be the nearest, and a
      lower bound; `unproved` says whether that is an error or is kept;
    - one nearest neighbour (`nearest_neighbours`): the nearest point that lies nearer to one
      point of another class than to all of its own, by a quadratic programme (l2) or a linear
      one (linf, l1) for each point that can still matter.

    The failure is rounded to float32 and moved on until the victim, queried for exactly that
    image, answers otherwise: about 1e-7 further than the boundary. With `eps` nothing further
    away is looked for, and the image of a sample that has no failure within comes back as it
    was. Beside the images it gives `proved` and `lower_bound` for each sample.

    Reference: the distance to a hyperplane for linear models; Kantchelian, Tygar, Joseph,
    "Evasion and hardening of tree ensemble classifiers", 2016, and Chen, Zhang, Si, Li, Boning,
    Hsieh, "Robustness verification of tree-based models", 2019, for trees, where we search
    best first over boxes instead of a mixed integer programme; Wang, Liu, Yi, Zhou, Hsieh,
    "Evaluating the robustness of nearest neighbor classifiers: a primal-dual perspective",
    2019, for one neighbour, where we solve the primal by cutting planes.
    """

    name: ClassVar[str] = "exact"
    reference: ClassVar[str] = (
        "Kantchelian, Tygar, Joseph, Evasion and hardening of tree ensemble classifiers, 2016; "
        "Wang, Liu, Yi, Zhou, Hsieh, Evaluating the robustness of nearest neighbor classifiers, "
        "2019"
    )
    threat = "minimum"
    access: ClassVar[Access] = "structure"
    tells: ClassVar[tuple[str, ...]] = ("proved", "lower_bound")
    stochastic: ClassVar[bool] = False
    examples: ClassVar[tuple[Mapping[str, Any], ...]] = (
        {"norm": "linf"},
        {"norm": "l2"},
        {"norm": "l1"},
    )

    norm: Annotated[Norm, Field(description="in which the change is measured")] = "linf"
    eps: Annotated[
        float | None, Field(gt=0, description="nothing further than this is looked for")
    ] = None
    max_nodes: Annotated[
        int, Field(ge=1, description="boxes looked at for a sample, where the victim is trees")
    ] = 10_000
    unproved: Annotated[
        Literal["refuse", "keep"],
        Field(description="a failure that may not be the nearest: an error, or kept and said"),
    ] = "refuse"

    def perturb(self, target: Target, images: Tensor, labels: Tensor, rng: SampleRng) -> Perturbed:
        """Return the nearest failures; `proved` and `lower_bound` beside them."""
        from adversity_plugins.attack.exact._search import failures, opened

        limit = float("inf") if self.eps is None else self.eps
        nearest = failures(
            target,
            images,
            labels,
            opened(target, images, norm=self.norm, limit=limit, max_nodes=self.max_nodes),
        )
        open_ones = int((nearest.parameters["proved"] == 0).sum())
        if open_ones and self.unproved == "refuse":
            raise InputError(
                f"attack 'exact' looked at max_nodes={self.max_nodes} boxes of leaves and could "
                f"not prove the nearest failure of {open_ones} of {len(images)} samples; choose a "
                "larger `max_nodes`, a smaller `eps`, fewer or shallower trees, or take what was "
                "found with `unproved: keep` (an upper bound, as of any other attack)"
            )
        return nearest
