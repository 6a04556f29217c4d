"""The weights of a network's last layer as a Gaussian: last-layer Laplace."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

from pydantic import Field, PrivateAttr

from adversity import Classifier, Fitted, Plugin
from adversity.errors import NotFittedError

if TYPE_CHECKING:
    import numpy as np
    from torch import Tensor

    from adversity import FitData, State

__all__ = ["Laplace"]


class Laplace(Fitted, Classifier):
    """A network whose last layer is a Gaussian about its weights (last-layer Laplace).

    The Gaussian's precision is the curvature of the loss over the images that it is fitted on (the
    generalised Gauss-Newton matrix, of a linear softmax layer the Hessian itself) plus
    `prior_precision`, the same for weights and biases. An image gets Gaussian logits about those of
    the network, wider the less its features are like those, and its answer is the mean of their
    softmax: in closed form (`probit`), or over draws. All but the network is computed in float64.

    Fit it on the images that trained the network, which stays as it is; their labels are not looked
    at. Give it held-out images as `validate`, too: by the evidence alone the answers of a network
    that was trained without a penalty on its weights get far too unsure. It needs `features`, a
    `head` that is linear in them, and logits. Of D features and K classes, `kronecker` keeps
    matrices of D^2 and K^2 numbers, `full` one of (D K)^2: at most 8000 weights.

    Reference:
        D. MacKay, The evidence framework applied to classification networks, 1992, equation 20 for
        the probit; H. Ritter, A. Botev, D. Barber, A scalable Laplace approximation for neural
        networks, 2018, for the Kronecker factors: we take the bias as the weight of a feature of 1.
    """

    name: ClassVar[str] = "laplace"
    reference: ClassVar[str] = (
        "E. Daxberger, A. Kristiadi, A. Immer, R. Eschenhagen, M. Bauer, P. Hennig, Laplace redux: "
        "effortless Bayesian deep learning, 2021; D. MacKay, The evidence framework applied to "
        "classification networks, 1992"
    )
    gives: ClassVar[Literal["logits", "probs", "labels"]] = "probs"
    takes_weights: ClassVar[bool] = True
    may_take: ClassVar[tuple[str, ...]] = ("validate",)
    block_rows: ClassVar[int | None] = None
    examples: ClassVar[tuple[Mapping[str, Any], ...]] = (
        {"network": {"uses": "small_cnn", "with": {"epochs": 8, "width": 8}}},
        {
            "network": {"uses": "small_cnn", "with": {"epochs": 8, "width": 8}},
            "curvature": "full",
            "predictive": "draws",
            "draws": 20,
            "prior_precision": 1.0,
        },
    )

    network: Annotated[
        Plugin[Classifier], Field(description="whose last layer it is: {uses, with}, or a step")
    ]
    curvature: Literal["kronecker", "full"] = Field(
        default="kronecker", description="of the curvature; full is exact, and for few weights"
    )
    prior_precision: float | None = Field(
        default=None,
        gt=0,
        description="one over the variance of a weight beforehand; None: under which the labels of "
        "`validate` are likeliest, or, without it, the images (evidence)",
    )
    predictive: Literal["probit", "draws"] = Field(
        default="probit", description="how the mean of the softmax is taken"
    )
    draws: int = Field(
        default=100,
        ge=1,
        le=10_000,
        description="of logits, the same normal numbers for each image",
    )

    _gaussian: Any = PrivateAttr(default=None)

    def fit(self, data: FitData, rng: np.random.Generator) -> State:
        """Find the curvature, and the precision of the prior if it is not given.

        Args:
            data: Blocks with `images`, and `weights` of theirs if there are any.
            rng: For the normal numbers of `predictive: draws`.

        Returns:
            Of the curvature `values_in`, `basis_in`, `values_out` and `basis_out` (kronecker) or
            `values` and `basis` (full), and `layer`, `precision` and `noise`. As information `n`, `weights`
            (how many), `prior_precision`, `log_evidence` (nats, but for a constant) and `note`.

        Raises:
            InputError: The network does not end in a linear layer with logits, or in too large a one.
            DataError: There are no images.
        """
        from adversity_plugins.classifier.network._laplace_fit import fitted

        return fitted(self, data, rng)

    def load(self, state: State) -> None:
        """Take the Gaussian.

        Raises:
            WeightsError: It is that of another network or another sort of curvature.
        """
        from adversity_plugins.classifier.network._laplace_gaussian import gaussian_of

        self._gaussian = gaussian_of(state, self.curvature, len(self.class_names))

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
        """Return probabilities `[N, K]`.

        Raises:
            NotFittedError: Nothing was fitted yet.
        """
        if self._gaussian is None:
            raise NotFittedError(
                "laplace expects a last layer that was fitted, got none: give its step `fit_on:` "
                "with the images that trained the network, or call .fit(images, labels) first"
            )
        features = self.network.features(images)
        # MPS has no float64.
        where = "cpu" if features.device.type == "mps" else features.device
        probs: Tensor = self._gaussian.probs(features.to(where).double(), self.predictive)
        return probs.to(images.device, images.dtype)

    def describe(self) -> dict[str, Any]:
        """Say whose last layer it is."""
        return {"last_layer_of": self.network.uses}
