"""A network adapted to the images it is used on, without their labels."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

from pydantic import Field, PrivateAttr

from adversity import Classifier, Fitted, MeasureInfo, Plugin
from adversity.errors import NotFittedError

if TYPE_CHECKING:
    import numpy as np
    from torch import Tensor

    from adversity import FitData, State

__all__ = ["BatchNormAdaptation"]


class BatchNormAdaptation(Fitted, Classifier):
    """A network whose batch norm is estimated anew on unlabelled images (test-time adaptation).

    Every batch norm of `network` gets the mean and variance that its input has over all unlabelled
    images, as if they were one batch: layer by layer, each pass over the images as far as one. With
    `prior`, a number of images, the network's own statistics count as so many of them. With
    `entropy_steps`, weights and biases of batch norm then go down the mean entropy of the answers
    to the same images (as TENT does), all other weights stay. The network itself is left as it is;
    whatever number of images is judged later, alone or together, each gets its own answer.

    It helps where images changed alike, such as in fog; it harms where the unlabelled images are
    few, or of few classes. Networks without batch norm are refused.

    We differ from TENT in that steps go down the gradient of all images at once, no step that
    raises the entropy is kept, and what was learnt is fixed before anything is judged.
    """

    name: ClassVar[str] = "batch_norm_adaptation"
    reference: ClassVar[str] = (
        "S. Schneider, E. Rusak, L. Eck, O. Bringmann, W. Brendel, M. Bethge, Improving robustness "
        "against common corruptions by covariate shift adaptation, 2020, equation 3; D. Wang, "
        "E. Shelhamer, S. Liu, B. Olshausen, T. Darrell, Tent: fully test-time adaptation by "
        "entropy minimization, 2021, for the entropy"
    )
    fit_sources: ClassVar[tuple[str, ...]] = ("unlabelled",)
    history: ClassVar[Mapping[str, MeasureInfo]] = {
        "entropy": MeasureInfo(0.0, title="mean entropy of unlabelled answers", unit="nats"),
    }
    block_rows: ClassVar[int | None] = None
    examples: ClassVar[tuple[Mapping[str, Any], ...]] = (
        {
            "network": {
                "uses": "torchvision",
                "with": {
                    "architecture": "resnet18",
                    "weights": "none",
                    "crop": 32,
                    "classes": ("stripes_across", "stripes_down", "disc"),
                },
            },
            "entropy_steps": 1,
        },
    )
    heavy: ClassVar[str] = "many passes through a network"

    network: Annotated[
        Plugin[Classifier], Field(description="what is adapted: {uses, with}, or a step")
    ]
    prior: float = Field(
        default=0.0, ge=0, description="how many images the network's own statistics count as"
    )
    entropy_steps: int = Field(
        default=0, ge=0, description="steps down the entropy; 0: statistics alone"
    )
    step_size: float = Field(
        default=0.01, gt=0, description="by how much a step moves a weight or bias at most"
    )

    _adapted: Any = PrivateAttr(default=None)

    def fit(self, data: FitData, rng: np.random.Generator) -> State:
        """Adapt to all images of the stream.

        Args:
            data: Blocks with `images`; gone through once for each batch norm and each step.
            rng: Not used; nothing is drawn.

        Returns:
            Of each batch norm the arrays `mean`, `var`, and `weight` and `bias` where it has them,
            `[C]`. As information `n`, `layers` (how many were estimated), `steps` and `entropy`.

        Raises:
            InputError: The network has no batch norm that can be reached.
            DataError: There are no images.
        """
        from adversity_plugins.classifier.network._adapting import adapt

        return adapt(self, data)

    def load(self, state: State) -> None:
        """Take the statistics, weights and biases.

        Raises:
            InputError: The network has no batch norm that can be reached.
            WeightsError: They are those of another network.
        """
        from adversity_plugins.classifier.network._adaptation import Adapted

        adapted = Adapted(self.network)
        adapted.take(state)
        self._adapted = adapted

    @property
    def class_names(self) -> tuple[str, ...]:
        """Those of the network."""
        names: tuple[str, ...] = self.network.class_names
        return names

    @property
    def synsets(self) -> tuple[str, ...] | None:
        """Those of the network."""
        found: tuple[str, ...] | None = self.network.synsets
        return found

    @property
    def without_gradient(self) -> str | None:
        """Why the network has no gradient; None if it has."""
        why: str | None = self.network.no_gradient
        return why

    def logits(self, images: Tensor) -> Tensor:
        """Return `[N, K]`; log p where the network gives probabilities."""
        with self._mode():
            answer: Tensor = self.network.answers(images)
        return answer.to(images.device)

    def features(self, images: Tensor) -> Tensor | None:
        """Return `[N, D]` features of the adapted network, where it has such."""
        with self._mode():
            found: Tensor | None = self.network.features(images)
        return None if found is None else found.to(images.device)

    def head(self, features: Tensor) -> Tensor:
        """Return `[N, K]`, what the adapted network answers to features.

        Raises:
            InputError: The network does not say what its features mean.
        """
        with self._mode():
            answer: Tensor = self.network.head(features)
        return answer

    def _mode(self) -> Any:
        if self._adapted is None:
            raise NotFittedError(
                "batch_norm_adaptation expects a network that was adapted, got none: give its step "
                "`fit_on: {unlabelled: ...}`, or call .fit(images) first"
            )
        return self._adapted.mode()

    def describe(self) -> dict[str, Any]:
        """Say what is adapted."""
        return {"adapts": self.network.uses}
