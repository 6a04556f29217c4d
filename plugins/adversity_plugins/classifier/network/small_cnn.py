"""A small convolutional network that is trained by a step of the pipeline."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar

from pydantic import Field, PrivateAttr

from adversity import Classifier, Fitted, MeasureInfo
from adversity.errors import DataError, NotFittedError, WeightsError

if TYPE_CHECKING:
    import numpy as np
    from torch import Tensor

    from adversity.contracts.values import FitData, State

__all__ = ["SmallCNN"]


class SmallCNN(Fitted, Classifier):
    """A small ReLU network, trained in seconds on a data set of small images.

    Four convolutions, no normalisation layers, cross-entropy, Adam with a cosine schedule.
    The training images are held in memory and must have one size; images of another size
    are resized to it when classifying. The same data, parameters and generator give the same
    weights on one type of CPU. A source `validate` changes no weight: it is how well the network
    does on images that it does not learn from. With `redraw` what a degradation draws for the
    training images is drawn anew in each epoch, which computes them again each time. Weights of
    samples enter the loss, each as a share of their mean.

    Reference:
        LeCun et al., "Gradient-Based Learning Applied to Document Recognition", 1998;
        Kingma and Ba, "Adam", 2015; He et al., "Delving Deep into Rectifiers", 2015.
    """

    name: ClassVar[str] = "small_cnn"
    reference: ClassVar[str] = (
        "LeCun et al., Gradient-Based Learning Applied to Document Recognition, 1998"
    )

    takes_weights: ClassVar[bool] = True
    may_take: ClassVar[tuple[str, ...]] = ("validate",)
    history: ClassVar[Mapping[str, MeasureInfo]] = {
        "loss": MeasureInfo(0.0, title="training loss", unit="nats", better="lower"),
        "validation_accuracy": MeasureInfo(
            0.0, 1.0, title="validation accuracy", better="higher", scale="share"
        ),
    }
    block_rows: ClassVar[int | None] = None
    examples: ClassVar[tuple[Mapping[str, Any], ...]] = ({"epochs": 8, "width": 8},)

    epochs: int = Field(default=20, ge=1, le=10_000, description="passes over the training images")
    width: int = Field(default=16, ge=1, le=512, description="channels of the first layer")
    learning_rate: float = Field(default=0.003, gt=0, le=1, description="of Adam at its highest")
    batch_size: int = Field(default=32, ge=1, description="images of a gradient step")
    dropout: float = Field(
        default=0.0, ge=0, lt=1, description="share of features dropped while training"
    )
    redraw: bool = Field(
        default=False, description="have degradations on the way draw anew in each epoch"
    )
    seed: int = Field(default=0, ge=0, description="enters the generator of the training")

    _network: Any = PrivateAttr(default=None)
    _info: dict[str, Any] = PrivateAttr(default_factory=dict)
    _shape: tuple[int, ...] = PrivateAttr(default=())

    def fit(self, data: FitData, rng: np.random.Generator) -> State:
        """Train on all samples of the stream; what `validate` holds is only looked at.

        Raises:
            DataError: If there are no labels, fewer than two classes, or several sizes.
        """
        from adversity_plugins.classifier.network._small_cnn_images import (
            gather,
            gather_alike,
            redrawn,
        )
        from adversity_plugins.classifier.network._small_cnn_training import Recipe, train

        images, targets, weights = gather(data)
        validate = data.sources.get("validate")
        held = None if validate is None else gather_alike(validate, images)
        recipe = Recipe(self.epochs, self.width, self.learning_rate, self.batch_size, self.dropout)
        return train(
            images,
            targets,
            tuple(data.class_names),
            recipe,
            rng,
            held=held,
            watch=data.watch,
            redraw=partial(redrawn, data, images) if self.redraw else None,
            weights=weights,
        )

    def load(self, state: State) -> None:
        """Take trained weights.

        Raises:
            WeightsError: If the state is not one of this plugin.
        """
        import torch

        from adversity_plugins.classifier.network._small_cnn_network import SmallNetwork
        from adversity_plugins.classifier.network._weights import fill

        try:
            classes = tuple(state.info["class_names"])
            channels, *_ = self._shape = tuple(state.info["shape"])
            width = int(state.info["width"])
        except (KeyError, TypeError, ValueError) as error:
            raise WeightsError(
                f"the state is not one of small_cnn ({error!r}); run the step that fits it again"
            ) from error
        network = SmallNetwork(
            channels=channels, classes=len(classes), width=width, dropout=self.dropout
        )
        weights = {name: torch.from_numpy(array.copy()) for name, array in state.arrays.items()}
        fill(network, weights, name="of small_cnn")
        self._network = network.to(self._device).eval()
        self._info = dict(state.info)

    @property
    def class_names(self) -> tuple[str, ...]:
        """The classes of the data set it was trained on."""
        self._fitted()
        return tuple(self._info["class_names"])

    def logits(self, images: Tensor) -> Tensor:
        """Return `[N, K]` logits."""
        return self._fitted()(self._sized(images))  # type: ignore[no-any-return]

    def features(self, images: Tensor) -> Tensor:
        """Return `[N, D]` features before the last layer."""
        return self._fitted().features(self._sized(images))  # type: ignore[no-any-return]

    def head(self, features: Tensor) -> Tensor:
        """Return `[N, K]` logits of features."""
        return self._fitted().head(features)  # type: ignore[no-any-return]

    def _fitted(self) -> Any:
        if self._network is None:
            raise NotFittedError(
                "classifier 'small_cnn' has no weights yet; give its step `fit_on:` a data set, or "
                "call `.fit(images, labels)` in Python"
            )
        return self._network

    def _sized(self, images: Tensor) -> Tensor:
        from adversity_plugins.classifier._inputs import stretch, to_rgb

        self._fitted()
        channels, height, width = self._shape
        if channels == 3:
            images = to_rgb(images)
        if images.shape[1] != channels:
            raise DataError(
                f"classifier 'small_cnn' was trained on grey images, got {images.shape[1]} "
                "channels; train it on images of the same kind"
            )
        return stretch(images, height, width)

    def describe(self) -> dict[str, Any]:
        """Return how the training went."""
        return dict(self._info.get("training", {}))
