"""Feature space: a change bounded by a distance in the features of a network."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

from pydantic import Field

from adversity import Attack, Classifier, Plugin
from adversity.contracts import Access

if TYPE_CHECKING:
    from torch import Tensor

    from adversity import SampleRng, Target

__all__ = ["FeatureSpace"]


class FeatureSpace(Attack):
    """Perceptual distance: any change that keeps near in the features of a network you choose.

    The distance of two images is the l2 norm between their features, each scaled to length
    one unless `normalise` is false; of a network without features it is that of its answers.
    Each of `steps` steps is the one that raises the loss most for its length in features, to
    first order: the gradient divided by the local metric of the features, with `solver_steps`
    of conjugate gradients. Then a line search, clipped to [0, 1], goes back towards the clean
    image until the distance holds. A step starts as long as `eps`, and each that does not raise
    the loss is taken back and halves the next.
    What the features do not see costs nothing: choose a network that sees what people see.

    Reference: Laidlaw, Singla, Feizi, "Perceptual adversarial robustness: defense against
    unseen threat models", 2021: their perceptual PGD. We differ in that the features are those
    before the network's last layer and not of several layers, and in that every image has its
    own line search and its own length of step.
    """

    name: ClassVar[str] = "feature_space"
    reference: ClassVar[str] = (
        "Laidlaw, Singla, Feizi, Perceptual adversarial robustness: defense against unseen "
        "threat models, 2021"
    )
    threat = "distance"
    access: ClassVar[Access] = "gradients"
    stochastic: ClassVar[bool] = False
    examples: ClassVar[tuple[Mapping[str, Any], ...]] = (
        {
            "network": {"uses": "small_cnn", "with": {"epochs": 1, "width": 4}},
            "eps": 0.2,
            "steps": 5,
        },
    )
    heavy: ClassVar[str] = "many steps through a second network"

    network: Annotated[
        Plugin[Classifier], Field(description="whose features say what is near: {uses, with}")
    ]
    eps: Annotated[float, Field(gt=0, description="largest distance in features")] = 0.5
    normalise: Annotated[bool, Field(description="whether features are scaled to length one")] = (
        True
    )
    steps: Annotated[int, Field(ge=1, description="each one gradient of the victim")] = 20
    solver_steps: Annotated[
        int, Field(ge=1, description="of conjugate gradients, each one gradient of the network")
    ] = 5
    loss: Annotated[
        Literal["ce", "margin"],
        Field(
            description="what is raised: ce cross-entropy, margin the lead of the best other class"
        ),
    ] = "margin"
    early_stop: Annotated[bool, Field(description="whether solved images leave")] = True

    @property
    def measure(self) -> str:
        """What `distance` measures."""
        inner: Any = self.network.plugin
        scaled = "unit-normalised " if self.normalise else ""
        of = inner.name if self.network.step is None else f"step {self.network.step}"
        return f"perceptual distance, l2 between the {scaled}features of {of}"

    def distance(self, images: Tensor, clean: Tensor) -> Tensor:
        """Return the l2 distance of the features, `[N]` float64."""
        distance: Tensor = self._features().distance(images, clean)
        return distance

    def perturb(self, target: Target, images: Tensor, labels: Tensor, rng: SampleRng) -> Tensor:
        """Return the image of the highest loss that was seen; without randomness."""
        from adversity_plugins.attack.parametric._feature_space_search import Search

        search = Search(
            target,
            images,
            labels,
            self._features(),
            eps=float(self.eps),
            loss=self.loss,
            early_stop=self.early_stop,
        )
        for _ in range(self.steps):
            if not search.over:
                search.step(self.solver_steps)
        search.finish()
        return search.best

    def _features(self) -> Any:
        from adversity_plugins.attack.parametric._feature_space_metric import Features

        return Features(self.network, normalise=self.normalise)
