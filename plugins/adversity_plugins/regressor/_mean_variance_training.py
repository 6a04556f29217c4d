"""How `mean_variance_cnn` is trained: every random number from one NumPy generator, one thread."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from adversity.contracts.values import State
from adversity.errors import DataError
from adversity_plugins.regressor._held_out import Units, place_apart, widened
from adversity_plugins.regressor._mean_variance_network import MeanVarianceNetwork
from adversity_plugins.small_network.adam import Adam, one_thread
from adversity_plugins.small_network.body import shares_of

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np

    from adversity.contracts.fit_data import Watch
    from adversity_plugins.regressor._numbered_images import NumberedImages

__all__ = ["Recipe", "beta_nll", "train"]

_LABEL = "regressor 'mean_variance_cnn'"
_AT_ONCE = 256
"""Images that are looked at together where nothing is learnt from them."""


@dataclass(frozen=True, slots=True)
class Recipe:
    """The parameters of the training."""

    epochs: int
    width: int
    beta: float
    hold_out: float
    learning_rate: float
    weight_decay: float
    batch_size: int


def beta_nll(mean: Tensor, variance: Tensor, target: Tensor, beta: float) -> Tensor:
    """Return the beta-NLL of each row: the Gaussian NLL, times the variance to the power of beta.

        sg(v)^beta (log v + (y - m)^2 / v) / 2,  a mean over the numbers

    sg lets no gradient pass, so that that of m is v^(beta - 1) (m - y) and that of v is
    v^(beta - 2) (v - (y - m)^2) / 2: zero at the same place whatever beta is.

    Args:
        mean: `[N, D]`.
        variance: Alike, above 0.
        target: Alike.
        beta: 0 for the likelihood itself, without its constant; with 1 the mean is fitted as by
            squared errors.

    Returns:
        `[N]`.
    """
    nats = 0.5 * (variance.log() + (target - mean) ** 2 / variance)
    return (nats if beta == 0 else variance.detach() ** beta * nats).mean(1)


def train(
    found: NumberedImages,
    names: tuple[str, ...],
    recipe: Recipe,
    rng: np.random.Generator,
    *,
    validate: NumberedImages | None = None,
    watch: Watch | None = None,
    redraw: Callable[[int], Tensor] | None = None,
) -> State:
    """Train a network from scratch.

    Args:
        found: What to learn from.
        names: What the D numbers are.
        recipe: The parameters.
        rng: Initial weights first, then which images are held out, then one permutation an epoch.
        validate: What to validate on.
        watch: Where epochs are recorded, and kept to go on from.
        redraw: Gives the images with the draws of an epoch; the same in all epochs if None.

    Raises:
        DataError: If too few images are held out, or the training diverges.
    """
    network = MeanVarianceNetwork(
        channels=found.images.shape[1], numbers=len(names), width=recipe.width
    )
    network.eval().draw(rng)
    network.scale_to(found.images)
    rows = place_apart(found, recipe.hold_out, rng, _LABEL)
    training = _Training(network, recipe, found, rows, validate)
    with one_thread():
        training.descend(redraw or (lambda _epoch: found.images), rng, watch)
        told = training.told(names)
    units = training.units
    arrays = {name: value.numpy().copy() for name, value in network.state_dict().items()}
    arrays |= {"target_mean": units.middle.numpy(), "target_scale": units.scale.numpy()}
    return State(
        arrays | {"factor": training.factor.numpy()},
        {
            "regressor": "mean_variance_cnn",
            "target_names": list(names),
            "shape": list(found.images.shape[1:]),
            "width": recipe.width,
            "training": {"n": len(found.images), "held_out": len(rows[1]), **told},
        },
    )


class _Training:
    """A network under training, and the best that it has been on what is held out.

    Attributes:
        units: Of the targets.
        factor: `[D]` float64 by which the variance is multiplied; 1 where nothing is held out.
    """

    def __init__(
        self,
        network: MeanVarianceNetwork,
        recipe: Recipe,
        found: NumberedImages,
        rows: tuple[Tensor, Tensor],
        validate: NumberedImages | None,
    ) -> None:
        """Take the rows to learn from, and those held out."""
        self._network, self._recipe, self._validate = network, recipe, validate
        self._found, (self._learnt, self._held) = found, rows
        self._shares = shares_of(found.weights)
        self.units = Units.of(found.targets, self._shares)
        self._targets = self.units.scaled(found.targets)
        self.factor = torch.ones(found.targets.shape[1], dtype=torch.float64)
        self._loss, self._nats, self._epoch = math.inf, math.inf, 0
        self._best: dict[str, Tensor] = {}
        self._validated: dict[str, float] = {}

    def descend(
        self, drawn: Callable[[int], Tensor], rng: np.random.Generator, watch: Watch | None
    ) -> None:
        """Run Adam over shuffled batches; end with the network that was best on what is held out.

        Args:
            drawn: Gives the images of an epoch.
            rng: For permutations.
            watch: As in `train`.
        """
        recipe, count = self._recipe, len(self._learnt)
        batches = math.ceil(count / recipe.batch_size)
        optimiser = Adam(self._network.parameters(), recipe.weight_decay)
        for epoch in range(1 + self._resumed(optimiser, watch), recipe.epochs + 1):
            images, losses = drawn(epoch), []
            order = self._learnt[torch.from_numpy(rng.permutation(count))]
            for at, rows in enumerate(_blocks(order, recipe.batch_size), (epoch - 1) * batches):
                cosine = math.cos(math.pi * at / (batches * recipe.epochs))
                loss = self._loss_of(images[rows], rows)
                optimiser.step(loss, recipe.learning_rate * (1 + cosine) / 2)
                losses.append(float(loss.detach()) * len(rows))
            self._loss = _finite(math.fsum(losses) / count, recipe)
            self._judge(epoch)
            if watch is not None:
                watch.row(epoch, loss=self._loss, **self._validated)
                watch.save(partial(self._so_far, optimiser, epoch))
        if self._best:
            self._network.load_state_dict(self._best)

    def _loss_of(self, images: Tensor, rows: Tensor) -> Tensor:
        """Return the mean loss of a batch, each row by its share.

        It is not divided by the sum of the shares in the batch: over all batches each row then
        counts what its weight says, whatever the others of its batch weigh.
        """
        with torch.enable_grad():
            mean, variance = self._network(images)
            each = beta_nll(mean, variance, self._targets[rows].float(), self._recipe.beta)
            return (each if self._shares is None else each * self._shares[rows]).mean()

    def _judge(self, epoch: int) -> None:
        """Keep the network as it is now, if it is the best so far on what is held out."""
        if len(self._held):
            shares = None if self._shares is None else self._shares[self._held]
            said = self._said(self._found.images[self._held])
            factor, nats = widened(*said, self._targets[self._held], shares)
            if nats >= self._nats:
                return
            weights = self._network.state_dict().items()
            self._best = {name: value.clone() for name, value in weights}
            self.factor, self._nats = factor, nats
        self._epoch = epoch
        if self._validate is not None:
            self._validated = {"validation_gaussian_nll": self._nats_of(self._validate)}

    def _said(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """Return mean and variance `[N, D]` float64, in the unit in which targets are learnt."""
        with torch.no_grad():
            parts = [self._network(block) for block in _blocks(images, _AT_ONCE)]
        mean, variance = (torch.cat(each).double() for each in zip(*parts, strict=True))
        return mean, variance

    def _nats_of(self, found: NumberedImages) -> float:
        """Return the Gaussian NLL of targets with its constant, in nats, in their own unit."""
        mean, variance = self._said(found.images)
        nats = beta_nll(mean, self.factor * variance, self.units.scaled(found.targets), 0).mean()
        constant = 0.5 * math.log(2 * math.pi) + float(self.units.scale.log().mean())
        return float(nats) + constant

    def told(self, names: tuple[str, ...]) -> dict[str, Any]:
        """Return how the training went, JSON values; errors are those of the network as it is."""
        mean, _ = self._said(self._found.images)
        rmse = ((mean - self._targets) ** 2).mean(0).sqrt() * self.units.scale
        return {
            "epoch": self._epoch,
            "last_loss": round(self._loss, 6),
            "variance_factor": dict(zip(names, self.factor.tolist(), strict=True)),
            "train_rmse": dict(zip(names, rmse.tolist(), strict=True)),
            **self._validated,
        }

    def _so_far(self, optimiser: Adam, epoch: int) -> State:
        """Return all that the next epoch hangs on."""
        info = {"epochs": epoch, "loss": self._loss, "validated": self._validated}
        info["best"] = [self._nats, self._epoch] if self._best else None
        so_far = optimiser.so_far(self._network, info)
        best = {f"best.{name}": value.numpy().copy() for name, value in self._best.items()}
        return State({**so_far.arrays, **best, "factor": self.factor.numpy().copy()}, so_far.info)

    def _resumed(self, optimiser: Adam, watch: Watch | None) -> int:
        """Go on from what was kept, if there is any; return how many epochs are done."""
        before = None if watch is None else watch.resume()
        if before is None:
            return 0
        optimiser.take(self._network, before)
        done, self._loss = int(before.info["epochs"]), float(before.info["loss"])
        self._validated = dict(before.info["validated"])
        if before.info["best"] is not None:
            self._nats, self._epoch = before.info["best"]
            names = self._network.state_dict()
            self._best = {n: torch.from_numpy(before.arrays[f"best.{n}"].copy()) for n in names}
            self.factor = torch.from_numpy(before.arrays["factor"].copy())
        return done


def _blocks(rows: Tensor, size: int) -> list[Tensor]:
    return [rows[start : start + size] for start in range(0, len(rows), size)]


def _finite(loss: float, recipe: Recipe) -> float:
    """Refuse a loss that is no number.

    Raises:
        DataError: With what to do.
    """
    if not math.isfinite(loss):
        raise DataError(
            f"fitting {_LABEL} diverged (loss {loss}); choose a smaller learning_rate than "
            f"{recipe.learning_rate:g}"
        )
    return loss
