"""Monte Carlo dropout: a network with dropout left on, asked many times."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar

from pydantic import Field

from adversity import Predictive, Sampling
from adversity.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor

    from adversity import Model, SampleRng

__all__ = ["MCDropout"]


class MCDropout(Sampling):
    """The mean of a network's answers with its dropout left on (Monte Carlo dropout).

    In each draw every dropout of the network has one mask for each image, drawn from the image's
    own stream; kept units are scaled by 1 / (1 - p), as in training. Everything else is as in
    evaluation: batch norm keeps its running statistics, stochastic depth drops no branch. The
    draws stay as members, so that `mutual_information` says how far they disagree.

    Covered is what the network calls in Python, modules or functions: dropout of units and of
    channels, alpha dropout. Refused are networks without any, TorchScript and compiled ones, and
    those that drop inside attention or recurrent layers. Not seen is dropout that the network
    itself calls in training only, as in `if self.training`.
    """

    name: ClassVar[str] = "mc_dropout"
    reference: ClassVar[str] = (
        "Y. Gal, Z. Ghahramani, Dropout as a Bayesian approximation: representing model uncertainty "
        "in deep learning, 2016, equation 6; the mean is of probabilities"
    )
    stochastic: ClassVar[bool] = True
    differentiable: ClassVar[bool] = True
    examples: ClassVar[tuple[Mapping[str, Any], ...]] = ({"draws": 6}, {"draws": 3, "p": 0.2})

    draws: int = Field(30, ge=1, le=10_000, description="How many answers an image gets.")
    p: float | None = Field(
        None,
        ge=0,
        lt=1,
        description="The rate of all dropout, in the place of the network's own; 0 is the network.",
    )

    @property
    def asks_each(self) -> int:
        """One answer for each draw."""
        return self.draws

    def estimate(self, models: Sequence[Model], images: Tensor, rng: SampleRng) -> Predictive:
        """Return a `Predictive` with `members` `[M, N, K]` float64, M draws of each model.

        Raises:
            InputError: The network has no dropout, or none that can be drawn for each image.
        """
        import torch

        from adversity_plugins.uncertainty.sampling._drawn_dropout import DrawnDropout

        members = []
        for number, model in enumerate(models):
            self._require_dropout_in_reach(model)
            for draw in range(self.draws):
                with DrawnDropout(rng.child((number, draw)), self.p) as dropout:
                    logits = model(images)
                if not dropout.drops and self.p != 0:
                    raise InputError(_without_dropout(model))
                members.append(logits.double().softmax(1))
        return Predictive(members=torch.stack(members))

    def _require_dropout_in_reach(self, model: Model) -> None:
        from adversity_plugins.uncertainty.sampling._drawn_dropout import hidden_dropout

        for network in model.networks() if self.p != 0 else ():
            why = hidden_dropout(network)
            if why is not None:
                raise InputError(
                    f"mc_dropout cannot draw the dropout of {type(network).__name__}: {why}"
                )


def _without_dropout(model: Model) -> str:
    names = " and ".join(type(network).__name__ for network in model.networks())
    return (
        f"mc_dropout leaves dropout on, and {names or 'the classifier, which is no network,'} "
        "has none with a rate above 0: train one with dropout (small_cnn has a parameter of that "
        "name), or give a rate with p: where its layers have 0. Of exported programs and ONNX files "
        "none is left"
    )
