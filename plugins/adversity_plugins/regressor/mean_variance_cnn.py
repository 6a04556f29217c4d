"""A small convolutional network that says a mean and a variance, trained by a step of a pipeline."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar

from pydantic import Field, PrivateAttr

from adversity import Fitted, MeasureInfo, Predictive, Regressor
from adversity.errors import DataError, NotFittedError, WeightsError

if TYPE_CHECKING:
    import numpy as np
    from torch import Tensor

    from adversity.contracts.values import FitData, State

__all__ = ["MeanVarianceCNN"]

_UNITS = ("target_mean", "target_scale", "factor")


class MeanVarianceCNN(Fitted, Regressor):
    """A small ReLU network with a mean and a variance for each number, trained in seconds.

    Four convolutions without normalisation layers, and on their features two linear layers: the
    mean, and through a softplus the variance. Trained by Adam with a cosine schedule on the beta-NLL,

        v^beta (log v + (y - m)^2 / v) / 2,

    the first v without gradient. With `beta` 0 it is the likelihood, which learns little where it
    has found a large variance: what is hard stays hard. 1 fits the mean as by squared errors; 0.5 is
    what the authors found best. The variance is that of the noise of targets, as it depends on the
    image (aleatoric): nothing in it says that an image is unlike those that were learnt. Of several
    such networks the spread of means does.

    A network of many weights soon knows the targets of its images, and takes their small errors
    for the noise: on new images it is far too sure. So a share of the images, `hold_out`, is not
    learnt from, drawn with the seed. Of all epochs it ends with the one whose likelihood is the
    largest there, the variances multiplied by the factor under which it is, one for each number:
    the mean of (y - m)^2 / v. With `hold_out` 0 it is trained on all images to the end.

    Targets are scaled to a variance of 1 before, so that their unit changes nothing. The training
    images are held in memory and must have one size; others are resized to it when estimating. The
    same data, parameters and generator give the same weights on one type of CPU. A source `validate`
    changes no weight. With `redraw` what a degradation draws for the training images is drawn anew in
    each epoch. Weights of samples enter the loss, each as a share of their mean.

    Reference:
        Nix and Weigend, "Estimating the mean and variance of the target probability distribution",
        1994; Seitzer, Tavakoli, Antic and Martius, "On the pitfalls of heteroscedastic uncertainty
        estimation with probabilistic neural networks", 2022, equation 4 (the beta-NLL);
        Lakshminarayanan, Pritzel and Blundell, 2017 (softplus, and at least 1e-6). Where we differ:
        the least variance is 1e-6 of that of the targets.
    """

    name: ClassVar[str] = "mean_variance_cnn"
    reference: ClassVar[str] = (
        "Seitzer et al., On the pitfalls of heteroscedastic uncertainty estimation, 2022"
    )
    takes_weights: ClassVar[bool] = True
    may_take: ClassVar[tuple[str, ...]] = ("validate",)
    history: ClassVar[Mapping[str, MeasureInfo]] = {
        "loss": MeasureInfo(title="training loss (beta-NLL)", better="lower"),
        "validation_gaussian_nll": MeasureInfo(
            title="validation Gaussian NLL", unit="nats", better="lower"
        ),
    }
    examples: ClassVar[tuple[Mapping[str, Any], ...]] = ({"epochs": 8, "width": 8},)

    epochs: int = Field(default=30, ge=1, le=10_000, description="passes over the training images")
    width: int = Field(default=16, ge=1, le=512, description="channels of the first layer")
    beta: float = Field(
        default=0.5, ge=0, le=1, description="power of the variance in the loss; 0: the likelihood"
    )
    hold_out: float = Field(
        default=0.2,
        ge=0,
        lt=1,
        description="share of the images that say when to stop, and how wide",
    )
    learning_rate: float = Field(default=0.003, gt=0, le=1, description="of Adam at its highest")
    weight_decay: float = Field(
        default=0.0, ge=0, lt=1, description="share of weights lost a step, times the learning rate"
    )
    batch_size: int = Field(default=32, ge=1, description="images of a gradient step")
    redraw: bool = Field(
        default=False, description="have degradations on the way draw anew in each epoch"
    )
    seed: int = Field(default=0, ge=0, description="enters the generator of the training")

    _network: Any = PrivateAttr(default=None)
    _units: tuple[Any, ...] | None = PrivateAttr(default=None)
    _info: dict[str, Any] = PrivateAttr(default_factory=dict)

    def fit(self, data: FitData, rng: np.random.Generator) -> State:
        """Train on all samples of the stream; what `validate` holds is only looked at.

        Raises:
            DataError: If targets are missing, there are fewer than three images or several sizes,
                a target is the same for all, or the training diverges.
        """
        from adversity_plugins.regressor._mean_variance_training import Recipe, train
        from adversity_plugins.regressor._numbered_images import gather, gather_alike, redrawn

        found = gather(data, self._label)
        validate = data.sources.get("validate")
        recipe = Recipe(
            epochs=self.epochs,
            width=self.width,
            beta=self.beta,
            hold_out=self.hold_out,
            learning_rate=self.learning_rate,
            weight_decay=self.weight_decay,
            batch_size=self.batch_size,
        )
        return train(
            found,
            tuple(data.target_names),
            recipe,
            rng,
            validate=None
            if validate is None
            else gather_alike(validate, found.images, self._label),
            watch=data.watch,
            redraw=partial(redrawn, data, found.images, self._label) if self.redraw else None,
        )

    def load(self, state: State) -> None:
        """Take trained weights.

        Raises:
            WeightsError: If the state is not one of this plugin.
        """
        import torch

        from adversity_plugins.regressor._mean_variance_network import MeanVarianceNetwork

        try:
            if state.info["regressor"] != self.name:
                raise KeyError(state.info["regressor"])
            info = {**state.info, "target_names": tuple(state.info["target_names"])}
            given = {name: torch.from_numpy(each.copy()) for name, each in state.arrays.items()}
            mean, scale, factor = (given.pop(name).double().to(self._device) for name in _UNITS)
            network = MeanVarianceNetwork(
                channels=int(info["shape"][0]),
                numbers=len(info["target_names"]),
                width=int(info["width"]),
            )
            network.load_state_dict(given)
        except (KeyError, TypeError, ValueError, IndexError, RuntimeError) as error:
            raise WeightsError(
                f"the state is not one of {self.name} ({error!r}); run the step that fits it again"
            ) from error
        self._network = network.to(self._device).eval()
        self._units, self._info = (mean, scale, scale**2 * factor), info

    @property
    def target_names(self) -> tuple[str, ...]:
        """The numbers of the data set it was trained on."""
        self._fitted()
        names: tuple[str, ...] = self._info["target_names"]
        return names

    def predict(self, images: Tensor) -> Predictive:
        """Return mean and variance `[N, D]` float64, in the unit of the targets."""
        network, (middle, scale, square) = self._fitted()
        mean, variance = network(self._sized(images))
        return Predictive(mean=middle + scale * mean.double(), variance=square * variance.double())

    def _sized(self, images: Tensor) -> Tensor:
        from torch.nn.functional import interpolate

        channels, height, width = self._info["shape"]
        if images.shape[1] not in (1, channels):
            raise DataError(
                f"{self._label} was fitted on grey images, got {images.shape[1]} channels; fit it "
                "on images of the same kind"
            )
        images = images.expand(-1, channels, -1, -1)
        if images.shape[-2:] == (height, width):
            return images
        size = (height, width)
        return interpolate(images, size=size, mode="bilinear", antialias=True, align_corners=False)

    def describe(self) -> dict[str, Any]:
        """Return how the training went."""
        return dict(self._info.get("training", {}))

    @property
    def _label(self) -> str:
        return f"{self.kind} {self.name!r}"

    def _fitted(self) -> tuple[Any, tuple[Any, ...]]:
        if self._network is None or self._units is None:
            raise NotFittedError(
                f"{self._label} has learnt nothing yet; give its step `fit_on:` a data set, or call "
                "`.fit(images, targets)` in Python"
            )
        return self._network, self._units
